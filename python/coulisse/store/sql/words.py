"""Numbers of rows as people write them: symbols, decimals, times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import sqlalchemy as sa

from coulisse.domain.money import as_text, from_minor, from_steps, minor_step
from coulisse.store.sql.schema import table

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXTERNAL, FEES = 0, -1


@dataclass(frozen=True, slots=True)
class Asset:
    """What amounts of an asset are written with."""

    name: str
    scale: int

    def amount(self, minor: int) -> str:
        """Write minor units."""
        return as_text(from_minor(minor, self.scale))


@dataclass(frozen=True, slots=True)
class Instrument:
    """What prices and quantities of an instrument are written with."""

    symbol: str
    quote: Asset
    tick: Decimal
    lot: Decimal

    def price(self, ticks: int) -> str:
        """Write a price in ticks."""
        return as_text(from_steps(ticks, self.tick))

    def qty(self, lots: int) -> str:
        """Write a quantity in lots."""
        return as_text(from_steps(lots, self.lot))


class Words:
    """The assets, instruments and accounts of a store at one moment."""

    def __init__(self, connection: sa.Connection) -> None:
        """Read them."""
        assets, instruments = table("assets").c, table("instruments").c
        accounts = table("accounts").c
        self.assets = {
            key: Asset(name, scale)
            for key, name, scale in connection.execute(
                sa.select(assets.asset, assets.name, assets.scale)
            )
        }
        rows = connection.execute(
            sa.select(
                instruments.instrument,
                instruments.symbol,
                instruments.base,
                instruments.quote,
                instruments.tick_minor,
                instruments.lot_minor,
            )
        )
        self.instruments = {
            key: Instrument(
                symbol,
                self.assets[quote],
                _step(tick, self.assets[quote]),
                _step(lot, self.assets[base]),
            )
            for key, symbol, base, quote, tick, lot in rows
        }
        self.accounts: dict[int, str] = {
            key: name
            for key, name in connection.execute(sa.select(accounts.account, accounts.name))
        }

    def party(self, account: int) -> str:
        """Return who an account of the ledger is; `external` and `fees` are nobody's."""
        return {EXTERNAL: "external", FEES: "fees"}.get(account) or self.accounts[account]

    def symbol(self, instrument: int) -> str:
        """Return an instrument's name; nothing for none."""
        return self.instruments[instrument].symbol if instrument else ""


def _step(minor: int, asset: Asset) -> Decimal:
    """Return a step, with no more decimals than it needs."""
    return Decimal(format((minor * minor_step(asset.scale)).normalize(), "f"))


def iso(time_ns: int) -> str:
    """Write a time in UTC, to the microsecond; nothing for none."""
    if time_ns == 0:
        return ""
    at = _EPOCH + timedelta(microseconds=time_ns // 1_000)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")
