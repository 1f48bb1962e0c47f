"""Where the engine meets other packages, one partner a file, imported only on demand."""
