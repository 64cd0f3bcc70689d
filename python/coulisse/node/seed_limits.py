"""The limits of the configuration as commands in the log, each once.

A limit is set by the first start that finds it in the file. Idempotent by request id: a restart
sets nothing again, so that what operators changed since stays; a line with another number is
another limit, and is set. Where the log may have forgotten whether a line was ever set, it is set
only if no such limit is in force: what operators changed stays, and nothing is left unbound.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from coulisse.config import AccountConfig, Config
from coulisse.config.risk import BY_ASSET, BY_SYMBOL, LimitConfig, WithdrawalCapConfig
from coulisse.domain.errors import ConfigError
from coulisse.domain.money import OffStep, to_minor, to_steps
from coulisse.domain.schema import Value
from coulisse.node.seed import Commands, Tables, run_once, was_run

NS_OF_US = 1_000
"""A window is written in microseconds, and is nanoseconds in the log."""


class Bound(NamedTuple):
    """One `LimitSet` to be."""

    fields: Mapping[str, Value]
    parts: tuple[object, ...]


async def seed_limits(core: Tables, commands: Commands, config: Config) -> None:
    """Set the limits that the configuration lists and that were never set. Raises `ConfigError`."""
    bounds = [bound for limit in config.risk.limits for bound in _bounds(core, config, limit)]
    missing = [bound for bound in bounds if _is_missing(core, bound)]
    works = [run_once(commands, "LimitSet", bound.fields, bound.parts) for bound in missing]
    await asyncio.gather(*works)
    await _seed_caps(core, commands, config)


def check_limits(core: Tables, config: Config) -> None:
    """See that all limits and withdrawal caps can be set. Raises `ConfigError`."""
    for limit in config.risk.limits:
        for _ in _bounds(core, config, limit):
            pass
    for cap in config.risk.withdrawal_caps:
        _cap(core, cap)


async def _seed_caps(core: Tables, commands: Commands, config: Config) -> None:
    """Set the withdrawal caps. Where the log may have forgotten a line, what there is stays."""
    for one in config.risk.withdrawal_caps:
        asset, cap = _cap(core, one)
        parts: tuple[object, ...] = (one.asset, cap)
        if was_run(core, "WithdrawalCapSet", parts) is False:
            fields: dict[str, Value] = {"asset": asset, "cap": cap}
            await run_once(commands, "WithdrawalCapSet", fields, parts)


def _cap(core: Tables, one: WithdrawalCapConfig) -> tuple[int, int]:
    """Return the asset's id and the cap in its minor units. Raises `ConfigError`."""
    asset = core.asset(one.asset)
    if asset is None:
        raise ConfigError(f"risk.withdrawal_caps: no asset {one.asset}")
    try:
        return asset[0], to_minor(one.cap, asset[1])
    except OffStep as error:
        raise ConfigError(f"risk.withdrawal_caps: {one.asset}: {error}") from None


def _is_missing(core: Tables, bound: Bound) -> bool:
    done, fields = was_run(core, "LimitSet", bound.parts), bound.fields
    scope, scope_id = str(fields["scope"]), int(fields["scope_id"])
    kind, subject = str(fields["kind"]), int(fields["subject"])
    return done is False or (done is None and not core.has_limit(scope, scope_id, kind, subject))


def _bounds(core: Tables, config: Config, limit: LimitConfig) -> Iterator[Bound]:
    fields: dict[str, Value] = {
        "kind": limit.kind,
        "subject": _subject(core, limit),
        "value": _value(core, limit),
        "burst": limit.burst or 0,
    }
    size: tuple[object, ...] = (limit.kind, limit.subject, fields["value"], fields["burst"])
    if limit.scope == "firm":
        yield Bound({"scope": "firm", "scope_id": 0, **fields}, ("firm", *size))
        return
    for account in _bound_by(config, limit):
        scope_id = core.account_id(account.name)
        assert scope_id is not None, "accounts come first"
        whose: dict[str, Value] = {"scope": "account", "scope_id": scope_id}
        yield Bound({**whose, **fields}, ("account", account.name, *size))


def _bound_by(config: Config, limit: LimitConfig) -> list[AccountConfig]:
    return [account for account in config.accounts if limit.account in (None, account.name)]


def _subject(core: Tables, limit: LimitConfig) -> int:
    if limit.kind in BY_SYMBOL:
        instrument = core.instrument_id(limit.symbol)
        if instrument is None:
            raise ConfigError(f"risk.limits: {limit.about}: no instrument {limit.symbol}")
        return instrument
    if limit.kind in BY_ASSET:
        return _asset(core, limit)[0]
    return 0


def _value(core: Tables, limit: LimitConfig) -> int:
    try:
        if limit.kind in BY_SYMBOL:
            rules = json.loads(core.instrument_json(limit.symbol) or b"{}")
            return to_steps(limit.limit, Decimal(rules["lot_size"]))
        if limit.kind in BY_ASSET:
            return to_minor(limit.limit, _asset(core, limit)[1])
    except OffStep as error:
        raise ConfigError(f"risk.limits: {limit.about}: {error}") from None
    return int(limit.limit) * (NS_OF_US if limit.kind == "duplicate_window" else 1)


def _asset(core: Tables, limit: LimitConfig) -> tuple[int, int]:
    asset = core.asset(limit.subject or "")
    if asset is None:
        raise ConfigError(f"risk.limits: {limit.about}: no asset {limit.subject}")
    return asset
