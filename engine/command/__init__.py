"""The command python -m engine: a file for each subcommand."""
