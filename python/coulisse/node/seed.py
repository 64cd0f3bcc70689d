"""What the configuration lists becomes commands at the front of the log, each once.

Idempotent: what exists is left alone, so that a restart repeats nothing. Keys and names are looked
up. Deposits, which nothing can be looked up by, carry a request id drawn from their account and
asset: one that was refused, or that a start which died never sent, is made by the next start; one
that was made never is again, whatever the file says by then.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Iterable, Mapping
from decimal import Decimal
from typing import Protocol

from coulisse.config import AccountConfig, Config, InstrumentConfig, KeyConfig
from coulisse.domain.errors import ConfigError
from coulisse.domain.money import OffStep, minor_step, to_minor, to_steps
from coulisse.domain.schema import Event, Value
from coulisse.domain.symbols import split_symbol, wire_symbol

BP_PPM = Decimal("0.01")
"""One part per million, in basis points."""
_ALREADY_THERE = frozenset({"ALREADY_EXISTS"})


class Tables(Protocol):
    """What exists already."""

    def account_id(self, name: str) -> int | None:
        """The id of an account."""

    def asset(self, name: str) -> tuple[int, int] | None:
        """(id, scale) of an asset."""

    def key(self, key_id: str) -> tuple[int, bytes] | None:
        """(account id, public key) of a key."""

    def request_done(self, account: int, request_id: int) -> bool | None:
        """Whether a request was done; None where that may have been forgotten."""

    def instrument_id(self, symbol: str) -> int | None:
        """The id of an instrument."""

    def has_limit(self, scope: str, scope_id: int, kind: str, subject: int) -> bool:
        """Whether a limit is in force."""

    def instrument_json(self, symbol: str) -> bytes | None:
        """An instrument."""


class Commands(Protocol):
    """Where commands of the node go."""

    async def command(
        self,
        name: str,
        fields: Mapping[str, Value],
        *,
        account: int = 0,
        request_id: int = 0,
    ) -> tuple[int, list[Event]]:
        """Submit one."""


def request_id(*parts: object) -> int:
    """Return the idempotency id of a command with this content; never 0."""
    text = "|".join(str(part) for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little") | 1


async def seed(core: Tables, commands: Commands, config: Config) -> None:
    """Create what the configuration lists and the log has not. Raises `ConfigError`."""
    assets = [name for name in _assets(config) if core.asset(name) is None]
    await _all(_create_asset(commands, name, config.scale(name)) for name in assets)
    missing = [
        instrument
        for instrument in config.instruments
        if core.instrument_json(wire_symbol(instrument.symbol)) is None
    ]
    await _all(_list_instrument(core, commands, instrument) for instrument in missing)
    await open_accounts(core, commands, config.accounts)


async def open_accounts(
    core: Tables, commands: Commands, accounts: Iterable[AccountConfig]
) -> None:
    """Open accounts, with the keys and deposits that they have not yet. Raises `ConfigError`."""
    wanted = list(accounts)
    for account in wanted:
        check_deposits(core, account)
    new = [account for account in wanted if core.account_id(account.name) is None]
    await _all(create_account(commands, account.name) for account in new)
    await _all(
        work
        for account in wanted
        for work in (
            *(_create_key(core, commands, account, key) for key in _missing_keys(core, account)),
            *(_deposit(core, commands, account, asset) for asset in _unmade(core, account)),
        )
    )


async def create_account(commands: Commands, name: str) -> None:
    """Open one account; nothing happens if there is one of that name."""
    await _done(commands, "AccountCreate", {"name": name}, account=0, parts=(name,))


def _assets(config: Config) -> list[str]:
    listed = [asset for item in config.instruments for asset in split_symbol(item.symbol)]
    funded = [asset for account in config.accounts for asset in account.deposits]
    return list(dict.fromkeys(listed + funded))


def _missing_keys(core: Tables, account: AccountConfig) -> list[KeyConfig]:
    return [key for key in account.keys if core.key(key.key_id) is None]


def _unmade(core: Tables, account: AccountConfig) -> list[str]:
    # Request ids are forgotten in their order, and an account is opened before its deposits are
    # made: while its opening is remembered, so is every deposit. Later nobody can tell any more
    # whether one was made, and to make it twice would be worse than not at all.
    owner = _id_of(core, account.name)
    opened = core.request_done(0, request_id("seed", "AccountCreate", account.name))
    return [
        asset
        for asset in account.deposits
        if (done := core.request_done(owner, request_id("seed", "Deposit", account.name, asset)))
        is False
        or (done is None and opened is True)
    ]


def was_run(core: Tables, name: str, parts: tuple[object, ...]) -> bool | None:
    """Whether `run_once` did this; None where that may have been forgotten."""
    return core.request_done(0, request_id("seed", name, *parts))


async def run_once(
    commands: Commands, name: str, fields: Mapping[str, Value], parts: tuple[object, ...]
) -> None:
    """Submit a command that is about no account, once for `parts`. Raises `ConfigError`."""
    await _done(commands, name, fields, account=0, parts=parts)


async def _create_asset(commands: Commands, name: str, scale: int) -> None:
    await _done(commands, "AssetCreate", {"name": name, "scale": scale}, account=0, parts=(name,))


async def _list_instrument(core: Tables, commands: Commands, item: InstrumentConfig) -> None:
    await _done(
        commands, "InstrumentCreate", instrument_fields(core, item), account=0, parts=(item.symbol,)
    )


def instrument_fields(core: Tables, item: InstrumentConfig) -> dict[str, Value]:
    """Return the fields of `InstrumentCreate`: steps in minor units, quantities in lots."""
    base, quote = split_symbol(item.symbol)
    base_asset, quote_asset = core.asset(base), core.asset(quote)
    assert base_asset is not None and quote_asset is not None, "assets come first"
    where = f"instruments: {item.symbol}"
    try:
        return {
            "symbol": wire_symbol(item.symbol),
            "base": base_asset[0],
            "quote": quote_asset[0],
            "tick_minor": to_steps(item.tick_size, minor_step(quote_asset[1])),
            "lot_minor": to_steps(item.lot_size, minor_step(base_asset[1])),
            "min_qty": to_steps(item.min_qty or item.lot_size, item.lot_size),
            "max_qty": to_steps(item.max_qty, item.lot_size),
            "min_notional": to_minor(item.min_notional, quote_asset[1]),
            "maker_fee": to_steps(item.maker_bp, BP_PPM),
            "taker_fee": to_steps(item.taker_bp, BP_PPM),
        }
    except OffStep as error:
        raise ConfigError(f"{where}: {error}") from None


def check_deposits(core: Tables, account: AccountConfig) -> None:
    """See that what an account is to be funded with can be. Raises `ConfigError`."""
    for asset, qty in account.deposits.items():
        known = core.asset(asset)
        if known is None:
            raise ConfigError(f"accounts: {account.name}: no asset {asset}")
        try:
            to_minor(qty, known[1])
        except OffStep as error:
            raise ConfigError(f"accounts: {account.name}: {asset}: {error}") from None


async def _create_key(
    core: Tables, commands: Commands, account: AccountConfig, key: KeyConfig
) -> None:
    fields: dict[str, Value] = {
        "key_id": key.key_id,
        "public_key": bytes.fromhex(key.public_key),
        "permissions": key.permission_bits,
    }
    owner = _id_of(core, account.name)
    await _done(commands, "KeyCreate", fields, account=owner, parts=(account.name, key.key_id))


async def _deposit(core: Tables, commands: Commands, account: AccountConfig, asset: str) -> None:
    known = core.asset(asset)
    assert known is not None, "deposits were checked"
    fields: dict[str, Value] = {
        "asset": known[0],
        "amount": to_minor(account.deposits[asset], known[1]),
    }
    owner = _id_of(core, account.name)
    await _done(commands, "Deposit", fields, account=owner, parts=(account.name, asset))


def _id_of(core: Tables, name: str) -> int:
    account = core.account_id(name)
    assert account is not None, "the account was opened just now"
    return account


async def _done(
    commands: Commands,
    name: str,
    fields: Mapping[str, Value],
    *,
    account: int,
    parts: tuple[object, ...],
) -> None:
    about = ", ".join(str(part) for part in parts)
    try:
        _, events = await commands.command(
            name, fields, account=account, request_id=request_id("seed", name, *parts)
        )
    except ValueError as error:
        raise ConfigError(f"{name} {about}: {error}") from None
    first = events[0]
    if first.name == "Rejected" and first["code"] not in _ALREADY_THERE:
        raise ConfigError(f"{name} {about}: {first['code']!s} ({first['field']!s})")


async def _all(works: Iterable[Awaitable[None]]) -> None:
    # One tick submits them all, in this order: they become neighbours in the log.
    await asyncio.gather(*works)
