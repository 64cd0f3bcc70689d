"""The statements of each version, as files of SQL: `v0001.sqlite.sql`, `v0001.postgresql.sql`.

A database without tables is given them all, one after the other, by whoever meets it first;
Alembic, which takes its time, is loaded only to bring older tables further.
"""

from __future__ import annotations

from typing import Final

VERSIONS: Final = ("0001", "0002")
"""Every version, the oldest first."""
STAMP: Final = (
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, "
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))",
    f"INSERT INTO alembic_version (version_num) VALUES ('{VERSIONS[-1]}')",
)
"""What Alembic notes its version by."""


def statements(version: str, backend: str) -> list[str]:
    """Return the statements that bring a database to `version` from the one before."""
    # Who finds its tables made loads nothing to read files of a package with.
    from importlib.resources import files

    script = files(__package__) / f"v{version}.{backend}.sql"
    parts = script.read_text(encoding="utf-8").split(";\n\n")
    return [part.strip().removesuffix(";") for part in parts]


def from_nothing(backend: str) -> list[str]:
    """Return the statements that make all tables in a database that has none."""
    made = [one for version in VERSIONS for one in statements(version, backend)]
    return [*made, *STAMP]
