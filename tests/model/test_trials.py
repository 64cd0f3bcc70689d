"""A trial says what placing would say, and nobody can tell later that there was one."""

from dataclasses import replace

import pytest

from coulisse._core import Engine
from tests.model.codec import Header, Message, decode_events, encode_record
from tests.model.exchange import ReferenceExchange
from tests.model.traffic import traffic

SEEDS = range(6)
COMMANDS = 2_000
PLACEMENTS = frozenset({"OrderPlace", "OrderPlaceTerms"})


def without_nonce(header: Header) -> Header:
    return replace(header, session=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_trial_refuses_what_placing_refuses_and_leaves_no_trace(seed: int) -> None:
    source, exchange = traffic(seed), ReferenceExchange()
    tried, untried = Engine(), Engine()
    refused = taken = duplicates = 0
    for _ in range(COMMANDS):
        header, command = source.next(exchange)
        exchange.apply(header, command)
        if header.void:
            for engine in (tried, untried):
                engine.void(encode_record(header, command))
            continue
        record = encode_record(header, command)
        is_placement = command.kind in PLACEMENTS
        said = tried.try_order(encode_record(without_nonce(header), command))
        # Once more: the first has changed nothing.
        assert tried.try_order(encode_record(without_nonce(header), command)) == said
        placed = tried.apply(record)
        assert untried.apply(record) == placed
        assert tried.event_hash() == untried.event_hash()
        if not is_placement:
            assert said == b""
            continue
        kind = decode_events(placed)[0].kind
        if kind == "Rejected" and _code(placed) == "NONCE_USED":
            continue
        if kind in ("Rejected", "OrderDuplicate"):
            assert said == placed
        else:
            assert said == b""
        refused += kind == "Rejected"
        duplicates += kind == "OrderDuplicate"
        taken += said == b""
    assert tried.state_hash() == untried.state_hash()
    assert tried.snapshot() == untried.snapshot()
    tried.check_invariants()
    assert refused > 50 and taken > 50 and duplicates > 0


def _code(events: bytes) -> object:
    first: Message = decode_events(events)[0]
    code: object = first.code
    return code
