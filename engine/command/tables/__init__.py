"""Data sets that the command reads: a table's text, its columns, the features X and the targets y made of them."""
