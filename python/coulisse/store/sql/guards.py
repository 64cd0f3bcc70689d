"""Triggers that refuse to change or remove what only grows, in the SQL of both databases.

Part of migration 0001: what changes here needs a new one.
"""

from __future__ import annotations

from typing import Final

GUARDED: Final = ("ledger",)
"""Tables that nobody changes."""

POSTGRESQL_FUNCTION: Final = """
CREATE FUNCTION coulisse_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME;
END $$
"""


def guards(backend: str) -> list[str]:
    """Return the statements that set the guards."""
    if backend == "postgresql":
        made = [
            f"CREATE TRIGGER {table}_only_grows BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION coulisse_refuse()"
            for table in GUARDED
        ]
        return [POSTGRESQL_FUNCTION, *made]
    return [
        f"CREATE TRIGGER {table}_only_grows_{what.lower()} BEFORE {what} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'rows of {table} are never changed or removed'); END"
        for table in GUARDED
        for what in ("UPDATE", "DELETE")
    ]


def drop_guards() -> list[str]:
    """Return the statements that take SQLite's guards away, for whoever empties the tables."""
    return [
        f"DROP TRIGGER {table}_only_grows_{what}"
        for table in GUARDED
        for what in ("update", "delete")
    ]
