"""What withdrawals add to the state hash (item 25 of section 7)."""

import struct

from tests.model.exchange import ReferenceExchange
from tests.model.packing import i128, u32, u64


def withdrawals_content(exchange: ReferenceExchange) -> bytes:
    """Caps, what was taken out that day, what waits."""
    parts = [u32(len(exchange.caps))]
    for asset, cap in sorted(exchange.caps.items()):
        parts += [u32(asset), i128(cap.cap), u32(cap.version), i128(cap.proposed)]
        parts.append(u32(cap.proposed_by))
    parts += [struct.pack("<q", exchange.taken_day), u32(len(exchange.taken))]
    for (account, asset), minor in sorted(exchange.taken.items()):
        parts += [u32(account), u32(asset), i128(minor)]
    parts.append(u32(len(exchange.waiting)))
    for which, one in sorted(exchange.waiting.items()):
        parts += [u64(which), u32(one.account), u32(one.asset), i128(one.amount)]
        parts += [one.request_id.to_bytes(16, "little"), u32(one.asked_by)]
        parts.append(struct.pack("<q", one.expire_ns))
    return b"".join(parts)
