"""A reference exchange behind the core's interface, so that a spoilt model can stand in for a core.

With it the comparison itself is tested: what differs from the reference must be found.
"""

import struct
from dataclasses import dataclass, field

from tests.model.codec import (
    COMMAND_TABLE,
    HEADER_STRUCT,
    Header,
    decode_body,
    encode_events,
)
from tests.model.exchange import ReferenceExchange
from tests.model.hashes import next_event_hash, state_hash


@dataclass(slots=True)
class StandIn:
    """A core made of a (spoilt) reference exchange."""

    exchange: ReferenceExchange = field(default_factory=ReferenceExchange)
    hash: bytes = bytes(16)

    def apply(self, record: bytes, /) -> bytes:
        """Decode the record and apply it."""
        _, _, _, kind, node, index, seq, time_ns, batch, incarnation, account, key, _, session = (
            struct.unpack_from(HEADER_STRUCT, record)
        )
        origin = {"node": node, "incarnation": incarnation, "batch": batch, "index": index}
        request_id = int.from_bytes(record[64:80], "little")
        whose = {"account": account, "key": key, "session": session, "request_id": request_id}
        command = decode_body(COMMAND_TABLE[kind], record[80:])
        events = self.exchange.apply(Header(seq, time_ns, **origin, **whose), command)
        self.hash = next_event_hash(self.hash, seq, events)
        return encode_events(events)

    def event_hash(self) -> bytes:
        """The running hash of what it said."""
        return self.hash

    def state_hash(self) -> bytes:
        """The hash of its state."""
        return state_hash(self.exchange)

    def check_invariants(self) -> None:
        """Money of each asset sums to zero; nothing rests crossed but in an auction."""
        ledger = self.exchange.ledger
        for asset in range(1, len(self.exchange.assets) + 1):
            inside = [
                v for b in (ledger.available, ledger.held) for k, v in b.items() if k[1] == asset
            ]
            assert sum(inside) + ledger.fees[asset] + ledger.external[asset] == 0
        for instrument in self.exchange.instruments:
            bid, ask = instrument.first("buy"), instrument.first("sell")
            if bid is not None and ask is not None and instrument.state != "auction":
                assert bid.rests_at < ask.rests_at
