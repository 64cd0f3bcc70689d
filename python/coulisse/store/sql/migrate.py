"""Brings the tables to the version that is written, and gives roles what they need.

    python -m coulisse.store.sql.migrate

does the first in a process of its own, which takes the memory of what it loads along; the address,
as `Address.to_json` has it, comes on stdin, and what went wrong goes to stdout.
"""

from __future__ import annotations

import re
import sys
from importlib.resources import files
from typing import Final

import alembic.util
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from coulisse.domain.errors import ConfigError, CoulisseError
from coulisse.projections.tables import tables
from coulisse.store.errors import StoreDown, StoreRefused
from coulisse.store.files import make_file
from coulisse.store.sql.address import Address
from coulisse.store.sql.guards import drop_guards, set_guards
from coulisse.store.sql.migrations.scripts import VERSIONS
from coulisse.store.sql.schema import CHECKPOINT
from coulisse.store.sql.writer import NO_CHAIN

PACKAGE: Final = "coulisse.store.sql.migrations"
ROLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def engine_for(address: Address) -> sa.Engine:
    """Return SQLAlchemy's engine for a store: one connection at a time, none kept."""
    timeout = {"timeout": 5.0} if address.backend == "sqlite" else {"connect_timeout": 5}
    return sa.create_engine(address.url, poolclass=sa.NullPool, connect_args=timeout)


def alembic_config() -> Config:
    """Return Alembic's settings."""
    config = Config()
    config.set_main_option("script_location", str(files(PACKAGE)))
    return config


def newest_version() -> str | None:
    """Return the version that the newest migration makes."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head()


def migrate(address: Address) -> None:
    """Bring the tables to the newest version. Raises `StoreDown`, `StoreRefused`."""
    if address.backend == "sqlite":
        try:
            make_file(address.target)
        except OSError as error:
            raise StoreDown(f"{address}: {error.strerror}") from None
    engine = engine_for(address)
    config = alembic_config()
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            _require_known(MigrationContext.configure(connection).get_current_revision())
            command.upgrade(config, "head")
            connection.commit()
    except sa.exc.DBAPIError as error:
        raise StoreDown(f"{address}: {' '.join(str(error.orig).split())}") from None
    finally:
        engine.dispose()


def _require_known(found: str | None) -> None:
    if found is not None and found not in VERSIONS:
        raise StoreRefused(
            "STORE_SCHEMA",
            f"its tables are of version {found}, which a newer coulisse made: this one knows those "
            f"up to {VERSIONS[-1]} (docs/operating/upgrades.md)",
        )


def grant(address: Address, *, writer: str | None = None, reader: str | None = None) -> None:
    """Let `writer` fill the tables and `reader` read them, and no more: PostgreSQL's roles.

    Neither may change the schema, and nobody but the owner may change or remove what only grows.
    Raises `ConfigError` for a name that is none, `StoreDown`.
    """
    for role in (writer, reader):
        if role is not None and ROLE.fullmatch(role) is None:
            raise ConfigError(f"role: {role!r} is not a plain name")
    engine = engine_for(address)
    try:
        with engine.begin() as connection:
            for statement in _grants(writer, reader):
                connection.execute(sa.text(statement))
    except sa.exc.DBAPIError as error:
        raise StoreDown(f"{address}: {' '.join(str(error.orig).split())}") from None
    finally:
        engine.dispose()


def _grants(writer: str | None, reader: str | None) -> list[str]:
    everything = ", ".join([*tables(), "checkpoint", "alembic_version"])
    granted = []
    for role in filter(None, (writer, reader)):
        granted.append(f'GRANT SELECT ON {everything} TO "{role}"')
    if writer is not None:
        granted.append(f'GRANT INSERT ON {", ".join(tables())} TO "{writer}"')
        change = ", ".join(name for name, table in tables().items() if table.growth != "adds")
        granted.append(f'GRANT UPDATE ON {change}, checkpoint TO "{writer}"')
    return granted


def wipe(address: Address) -> None:
    """Remove all rows, and forget how far the store had come; its owner may. Raises `StoreDown`."""
    engine = engine_for(address)
    try:
        with engine.begin() as connection:
            if address.backend == "postgresql":
                connection.execute(sa.text(f"TRUNCATE {', '.join(tables())}"))
            else:
                for statement in drop_guards():
                    connection.execute(sa.text(statement))
                for name in tables():
                    connection.execute(sa.text(f"DELETE FROM {name}"))
                for statement in set_guards():
                    connection.execute(sa.text(statement))
            start = {"genesis": "", "seq": 0, "chain": NO_CHAIN.hex()}
            connection.execute(sa.update(CHECKPOINT).values(start))
    except sa.exc.DBAPIError as error:
        raise StoreDown(f"{address}: {' '.join(str(error.orig).split())}") from None
    finally:
        engine.dispose()


def main() -> int:
    """Migrate what stdin names; return the exit code."""
    try:
        migrate(Address.from_json(sys.stdin.read()))
    except (CoulisseError, alembic.util.CommandError) as error:
        print(" ".join(str(error).split()))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
