"""The command `coulisse`: one file for each subcommand."""

from coulisse.cli.app import main

__all__ = ["main"]
