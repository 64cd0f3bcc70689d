"""The two hashes of the reference exchange (section 7 of the rules)."""

import hashlib
import struct

import xxhash

from tests.model.codec import Message, encode_body, number
from tests.model.exchange import ReferenceExchange
from tests.model.packing import i128, text, u32, u64
from tests.model.terms_hashes import order_content, terms_content

TRADING_STATES = ("open", "cancel_only", "post_only", "halted", "auction")


def next_event_hash(old: bytes, seq: int, events: list[Message]) -> bytes:
    """The running hash after one more record."""
    said = [struct.pack("<H", number(event.kind)) + encode_body(event) for event in events]
    chained = old + u64(seq) + b"".join(said)
    return xxhash.xxh3_128_intdigest(chained).to_bytes(16, "little")


def state_hash(exchange: ReferenceExchange) -> bytes:
    """SHA-256 of the canonical content."""
    parts = [b"coulisse-state-0", u64(exchange.last_seq)]
    if exchange.genesis is not None:
        parts += [encode_body(exchange.genesis), _things(exchange), _books(exchange)]
        parts += [u64(exchange.order_count), _remembered(exchange), _configured(exchange)]
        parts.append(terms_content(exchange))
    return hashlib.sha256(b"".join(parts)).digest()


def _things(exchange: ReferenceExchange) -> bytes:
    ledger = exchange.ledger
    parts = [u32(len(exchange.assets))]
    for asset, c in enumerate(exchange.assets, start=1):
        parts += [encode_body(c), i128(-ledger.external[asset], ledger.fees[asset])]
    parts.append(u32(len(exchange.accounts)))
    for account, name in enumerate(exchange.accounts, start=1):
        keys = [(account, asset + 1) for asset in range(len(exchange.assets))]
        rich = [key for key in keys if ledger.available[key] or ledger.held[key]]
        parts += [text(name), u32(len(rich))]
        for key in rich:
            parts += [u32(key[1]), i128(ledger.available[key], ledger.held[key])]
    parts.append(u32(len(exchange.keys)))
    for c, account in exchange.keys:
        parts += [text(c.key_id), c.public_key, u32(account), bytes([c.permissions])]
    return b"".join(parts)


def _books(exchange: ReferenceExchange) -> bytes:
    parts = [u32(len(exchange.instruments))]
    for instrument in exchange.instruments:
        parts += [encode_body(instrument.rules), u64(instrument.last_trade_id)]
        for side in ("buy", "sell"):
            orders = instrument.book[side]
            parts += [u32(len(orders)), *[order_content(order) for order in orders]]
    return b"".join(parts)


def _remembered(exchange: ReferenceExchange) -> bytes:
    states = ("open", "filled", "cancelled", "expired", "waiting")
    parts = [u32(len(exchange.closed_ids))]
    for (account, client_order_id), o in exchange.closed_ids.items():
        parts += [u32(account), text(client_order_id)]
        parts.append(struct.pack("<QQBq", o.id, o.first_seq, states.index(o.state), o.filled))
    parts.append(u32(len(exchange.requests)))
    for (account, request_id), (first_seq, _) in exchange.requests.items():
        parts += [u32(account), request_id.to_bytes(16, "little"), u64(first_seq)]
    parts.append(u32(len(exchange.nodes)))
    parts += [struct.pack("<HI", *node) for node in sorted(exchange.nodes.items())]
    return b"".join(parts)


def _configured(exchange: ReferenceExchange) -> bytes:
    parts = [u32(len(exchange.groups)), *[text(name) for name in exchange.groups]]
    parts += [struct.pack("<II", *membership) for membership in exchange.memberships]
    for i in exchange.instruments:
        # The body begins with the id, which is the place in the list already.
        parts += [encode_body(i.config)[4:], struct.pack("<qq", i.last_price, i.mark)]
        parts.append(bytes([TRADING_STATES.index(i.state)]))
    return b"".join(parts)
