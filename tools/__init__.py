"""What the Makefile runs; nothing of it is installed."""
