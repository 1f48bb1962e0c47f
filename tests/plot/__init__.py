"""Pictures: what is drawn, not only that something is."""
