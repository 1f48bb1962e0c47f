"""The scripts of examples/, which the gallery shows, run and say what is so."""
