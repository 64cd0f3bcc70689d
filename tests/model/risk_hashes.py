"""What positions, fees, limits and states add to the state hash (items 18 to 23 of section 7)."""

import struct

from tests.model.exchange import ReferenceExchange
from tests.model.fees import FEE_DAYS
from tests.model.kills import RISK_STATES
from tests.model.limits import KINDS, RATES, SCOPES, LimitKey, Scope
from tests.model.packing import i128, u32

SIDES, ORDER_TYPES = ("buy", "sell"), ("limit", "market")


def risk_content(exchange: ReferenceExchange) -> bytes:
    """Items 18 to 23."""
    parts = [_positions(exchange), _limits(exchange), _states(exchange)]
    parts += [_losses(exchange), _tiers(exchange), _traded(exchange), _placed(exchange)]
    return b"".join(parts)


def _positions(exchange: ReferenceExchange) -> bytes:
    rows = []
    for key, p in sorted(exchange.positions.items()):
        if p.qty or p.cost or p.realised or p.fees:
            numbers = struct.pack("<IIq", *key, p.qty)
            rows.append(numbers + i128(p.cost, p.realised, p.fees))
    return _counted(rows)


def _limits(exchange: ReferenceExchange) -> bytes:
    rows = [_limit(exchange, key) for key in sorted(exchange.risk_limits)]
    return _counted(rows) + struct.pack("<I", exchange.limit_version)


def _limit(exchange: ReferenceExchange, key: LimitKey) -> bytes:
    limit = exchange.risk_limits[key]
    row = struct.pack("<BIBI", *key) + i128(limit.value)
    row += struct.pack("<IB", limit.burst, limit.level)
    if KINDS[key[2]] in RATES:
        row += i128(limit.tokens) + struct.pack("<q", limit.tokens_ns)
    return row


def _states(exchange: ReferenceExchange) -> bytes:
    dead = {scope for scope, last in exchange.dead_up_to.items() if last}
    scopes = exchange.risk_states.keys() | exchange.kill_switches.keys() | dead
    in_order = sorted((SCOPES.index(kind), which) for kind, which in scopes)
    return _counted([_state(exchange, (SCOPES[kind], which)) for kind, which in in_order])


def _state(exchange: ReferenceExchange, scope: Scope) -> bytes:
    state = RISK_STATES.index(exchange.risk_states.get(scope, "active"))
    asked_by = exchange.kill_switches.get(scope)
    switch = 2 if asked_by is not None else int(scope in exchange.kill_switches)
    row = struct.pack("<BIBB", SCOPES.index(scope[0]), scope[1], state, switch)
    return row + struct.pack("<IQ", asked_by or 0, exchange.dead_up_to.get(scope, 0))


def _losses(exchange: ReferenceExchange) -> bytes:
    return _counted(
        [
            struct.pack("<IIq", *key, row.day) + i128(row.base, row.last, row.peak)
            for key, row in sorted(exchange.losses.items())
        ]
    )


def _tiers(exchange: ReferenceExchange) -> bytes:
    rows = []
    for asset, tiers in sorted(exchange.tiers.items()):
        row = struct.pack("<IB", asset, len(tiers))
        for tier, c in sorted(tiers.items()):
            row += bytes([tier]) + i128(c.threshold)
            row += struct.pack("<ii", c.maker_fee, c.taker_fee)
        rows.append(row)
    return _counted(rows)


def _traded(exchange: ReferenceExchange) -> bytes:
    rows = []
    for key, days in sorted(exchange.traded.items()):
        kept = {day: days[day] for day in sorted(days) if max(days) - day < FEE_DAYS}
        row = struct.pack("<IIB", *key, len(kept))
        rows.append(row + b"".join(struct.pack("<q", d) + i128(n) for d, n in kept.items()))
    return _counted(rows)


def _placed(exchange: ReferenceExchange) -> bytes:
    rows = []
    for account, (c, at_ns) in sorted(exchange.last_placed.items()):
        enums = bytes([SIDES.index(c.side), ORDER_TYPES.index(c.order_type)])
        row = struct.pack("<II", account, c.instrument) + enums
        row += struct.pack("<qq", c.price, c.qty) + i128(c.notional)
        rows.append(row + struct.pack("<q", at_ns))
    return _counted(rows)


def _counted(rows: list[bytes]) -> bytes:
    return u32(len(rows)) + b"".join(rows)
