"""Whether a start could make what the configuration lists, found out before the first command.

What a log has once listed stays as it is. So nothing is sent while anything in the file cannot be:
a start that is refused has listed nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from coulisse.config import Config
from coulisse.domain.symbols import split_symbol, wire_symbol
from coulisse.node.seed import Tables, check_deposits, instrument_fields
from coulisse.node.seed_limits import check_limits

UNCHANGED = ("tick_size", "lot_size")
"""What an instrument is listed with, once and for all."""


class Unlike(NamedTuple):
    """An instrument that the log has listed otherwise than the file has it by now."""

    symbol: str
    field: str
    listed: str
    file: str


class NoTables:
    """The tables of a log that has not begun."""

    def account_id(self, name: str) -> int | None:
        """The id of an account."""

    def asset(self, name: str) -> tuple[int, int] | None:
        """(id, scale) of an asset."""

    def key(self, key_id: str) -> tuple[int, bytes] | None:
        """(account id, public key) of a key."""

    def request_done(self, account: int, request_id: int) -> bool | None:
        """Whether a request was done."""
        return False

    def instrument_id(self, symbol: str) -> int | None:
        """The id of an instrument."""

    def has_limit(self, scope: str, scope_id: int, kind: str, subject: int) -> bool:
        """Whether a limit is in force."""
        return False

    def instrument_json(self, symbol: str) -> bytes | None:
        """An instrument."""


class _Planned(NoTables):
    """The tables as they will be: what is there, and what the configuration lists besides.

    What is not there yet has the id 0, which is nobody's.
    """

    def __init__(self, core: Tables, config: Config) -> None:
        self._core = core
        self._scales = {
            name: config.scale(name)
            for item in config.instruments
            for name in split_symbol(item.symbol)
        }
        funded = (name for account in config.accounts for name in account.deposits)
        self._scales |= {name: config.scale(name) for name in funded}
        self._items = {wire_symbol(item.symbol): item for item in config.instruments}
        self._accounts = {account.name for account in config.accounts}

    def account_id(self, name: str) -> int | None:
        """The id of an account."""
        known = self._core.account_id(name)
        return 0 if known is None and name in self._accounts else known

    def asset(self, name: str) -> tuple[int, int] | None:
        """(id, scale) of an asset."""
        known = self._core.asset(name)
        return (0, self._scales[name]) if known is None and name in self._scales else known

    def instrument_id(self, symbol: str) -> int | None:
        """The id of an instrument."""
        known = self._core.instrument_id(symbol)
        return 0 if known is None and wire_symbol(symbol) in self._items else known

    def instrument_json(self, symbol: str) -> bytes | None:
        """An instrument; of one that is not there yet its lot."""
        known, item = self._core.instrument_json(symbol), self._items.get(wire_symbol(symbol))
        if known is not None or item is None:
            return known
        return json.dumps({"lot_size": str(item.lot_size)}).encode()


def check_seed(core: Tables, config: Config) -> None:
    """See that all that is listed and not there yet can be made. Raises `ConfigError`."""
    planned = _Planned(core, config)
    for item in config.instruments:
        if core.instrument_json(wire_symbol(item.symbol)) is None:
            instrument_fields(planned, item)
    for account in config.accounts:
        check_deposits(planned, account)
    check_limits(planned, config)


def unlike(core: Tables, config: Config) -> Iterator[Unlike]:
    """Yield what the file says of an instrument and the log, which holds, does not."""
    for item in config.instruments:
        listed: Mapping[str, str] = json.loads(
            core.instrument_json(wire_symbol(item.symbol)) or b"{}"
        )
        for field in UNCHANGED:
            wanted: Decimal = getattr(item, field)
            if field in listed and Decimal(listed[field]) != wanted:
                yield Unlike(item.symbol, field, listed[field], str(wanted))
