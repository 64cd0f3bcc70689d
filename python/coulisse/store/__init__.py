"""Databases: the only place with their drivers.

Whatever is in one can be deleted and made again from the log. `sql/` holds the tables that
`crates/projections` fills, in PostgreSQL or in SQLite, and answers from them.
"""
