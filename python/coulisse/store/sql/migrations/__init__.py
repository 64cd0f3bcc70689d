"""Migrations of the tables, forward only: what is in them can be made again from the log."""
