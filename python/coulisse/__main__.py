"""`python -m coulisse` is the command `coulisse`."""

from coulisse.cli import main

main()
