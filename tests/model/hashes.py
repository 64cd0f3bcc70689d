"""The two hashes of the reference exchange (section 7 of the rules)."""

import hashlib
import struct

import xxhash

from tests.model.codec import Message, encode_body, number
from tests.model.exchange import ReferenceExchange
from tests.model.keys import MATERIAL_BYTES, NONCE_WINDOW
from tests.model.packing import i128, text, u32, u64
from tests.model.risk_hashes import risk_content
from tests.model.terms_hashes import order_content, terms_content
from tests.model.withdrawals_hashes import withdrawals_content

CLIENT_ORDER_ID_BYTES_MAX = 36
KEY_STATES = ("active", "waits", "revoked")
SCHEMES = tuple(MATERIAL_BYTES)
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
        parts += [terms_content(exchange), risk_content(exchange), _key_terms(exchange)]
        parts.append(withdrawals_content(exchange))
    return hashlib.sha256(b"".join(parts)).digest()


def _things(exchange: ReferenceExchange) -> bytes:
    ledger = exchange.ledger
    parts = [u32(len(exchange.assets))]
    for asset, c in enumerate(exchange.assets, start=1):
        parts += [encode_body(c), i128(-ledger.external[asset])]
        parts.append(i128(ledger.fees[asset], ledger.rounding[asset]))
    parts.append(u32(len(exchange.accounts)))
    for account, name in enumerate(exchange.accounts, start=1):
        keys = [(account, asset + 1) for asset in range(len(exchange.assets))]
        rich = [key for key in keys if ledger.available[key] or ledger.held[key]]
        parts += [text(name), u32(len(rich))]
        for key in rich:
            parts += [u32(key[1]), i128(ledger.available[key], ledger.held[key])]
    parts.append(u32(len(exchange.keys)))
    for c, account in exchange.keys:
        public_key = c.material if c.scheme == "ed25519" else bytes(32)
        parts += [text(c.key_id), public_key, u32(account), bytes([c.permissions])]
    return b"".join(parts)


def _key_terms(exchange: ReferenceExchange) -> bytes:
    """Item 24: the keys of which anything is not at its default."""
    rows = []
    for index, (c, _) in enumerate(exchange.keys, start=1):
        highest, used = exchange.nonces.get(index, (0, ()))
        bounds = c.accounts, c.instruments, c.networks
        plain = c.scheme == "ed25519" and c.state == "active"
        if not plain or any((highest, c.label, c.expire_ns, *bounds)):
            window = sum(1 << nonce % NONCE_WINDOW for nonce in used)
            state = bytes([KEY_STATES.index(c.state)])
            row = [u32(index), bytes([SCHEMES.index(c.scheme)]), _run(c.material), text(c.label)]
            row += [struct.pack("<q", c.expire_ns), state, *[_run(bound) for bound in bounds]]
            rows.append(b"".join([*row, u64(highest), window.to_bytes(128, "little")]))
    return u32(len(rows)) + b"".join(rows)


def _run(some: bytes) -> bytes:
    return bytes([len(some)]) + some


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
    seed = exchange.limits.hash_seed
    # The sort is stable: of one account the first closed stays first.
    for (account, client_order_id), o in sorted(exchange.closed_ids.items(), key=_account_of):
        key = client_order_id.encode().ljust(CLIENT_ORDER_ID_BYTES_MAX, b"\0") + u32(account)
        parts += [u32(account), u64(xxhash.xxh3_64_intdigest(key, seed))]
        parts.append(struct.pack("<QQBq", o.id, o.first_seq, states.index(o.state), o.filled))
    parts.append(u32(len(exchange.requests)))
    for (account, request_id), (first_seq, _) in exchange.requests.items():
        parts += [u32(account), request_id.to_bytes(16, "little"), u64(first_seq)]
    parts.append(u32(len(exchange.nodes)))
    parts += [struct.pack("<HI", *node) for node in sorted(exchange.nodes.items())]
    return b"".join(parts)


def _account_of(item: tuple[tuple[int, str], object]) -> int:
    return item[0][0]


def _configured(exchange: ReferenceExchange) -> bytes:
    parts = [u32(len(exchange.groups)), *[text(name) for name in exchange.groups]]
    parts += [struct.pack("<II", *membership) for membership in exchange.memberships]
    for i in exchange.instruments:
        # The body begins with the id, which is the place in the list already.
        parts += [encode_body(i.config)[4:], struct.pack("<qq", i.last_price, i.mark)]
        parts.append(bytes([TRADING_STATES.index(i.state)]))
    return b"".join(parts)
