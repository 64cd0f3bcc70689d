"""The branch of the settings that says where history is kept."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from coulisse.config.values import Part

OFF = "off"
VERIFY_INTERVAL_MAX_S = 31_536_000


def _database(value: object) -> object:
    # It may hold a password: whatever is wrong with it, it is not repeated.
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    known = isinstance(text, str) and (
        text in (OFF, "sqlite") or text.startswith(("sqlite:///", "postgresql://", "postgres://"))
    )
    if not known:
        raise ValueError("a database is off, sqlite, sqlite:///FILE or postgresql://…")
    return value


class StoreConfig(Part):
    """Where the projector writes orders, fills, trades and the ledger, all made of the log."""

    database: Annotated[SecretStr, BeforeValidator(_database)] = SecretStr("sqlite")
    """`sqlite`: a file in the data directory. `sqlite:///FILE`, `postgresql://USER:PASSWORD@HOST/NAME`,
    or `off`. Better in the environment (`COULISSE_STORE__DATABASE`) where there is a password."""
    migrate: bool = True
    """Whether the projector brings the tables to its version by itself; a role without that right
    needs `coulisse store migrate` by one that has it."""

    verify_interval_s: Annotated[float, Field(ge=0, le=VERIFY_INTERVAL_MAX_S)] = 3_600.0
    """Seconds between two comparisons of balances, ledger and open orders with the core's; 0: none.
    A difference is an alarm."""

    @property
    def address(self) -> str | None:
        """The database as it was given, with its password; None for none."""
        text = self.database.get_secret_value()
        return None if text == OFF else text
