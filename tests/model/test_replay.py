"""Replay laws: the log alone decides what is said, and batches do not."""

import random
from dataclasses import replace

import pytest

from coulisse._core import CoreError, Engine
from tests.model.codec import Header, Message, encode_record
from tests.model.exchange import ReferenceExchange
from tests.model.traffic import traffic

SEEDS = (11, 12, 13)
COMMANDS = 1_500


def commands(seed: int) -> list[tuple[Header, Message]]:
    source, exchange, sent = traffic(seed), ReferenceExchange(), []
    for _ in range(COMMANDS):
        sent.append(source.next(exchange))
        exchange.apply(*sent[-1])
    return sent


def records(seed: int) -> list[bytes]:
    return [encode_record(header, command) for header, command in commands(seed)]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_records_give_the_same_events_and_hashes(seed: int) -> None:
    live, again = Engine(), Engine()
    sent = records(seed)
    said = [live.apply(record) for record in sent]
    assert [again.apply(record) for record in sent] == said
    assert again.event_hash() == live.event_hash()
    assert again.state_hash() == live.state_hash()


@pytest.mark.parametrize("seed", SEEDS)
def test_any_split_into_batches_gives_the_same_events(seed: int) -> None:
    one_by_one, in_batches = Engine(), Engine()
    sent, rng = records(seed), random.Random(seed)
    said = [one_by_one.apply(record) for record in sent]
    batched: list[bytes] = []
    while len(batched) < len(sent):
        length = rng.choice((1, 1, 2, 7, 100))
        batched += in_batches.apply_many(sent[len(batched) : len(batched) + length])
    assert batched == said
    assert in_batches.event_hash() == one_by_one.event_hash()
    assert in_batches.state_hash() == one_by_one.state_hash()


def test_a_record_more_changes_both_hashes() -> None:
    short, long = Engine(), Engine()
    sent = records(11)
    short.apply_many(sent[:-1])
    long.apply_many(sent)
    assert short.event_hash() != long.event_hash()
    assert short.state_hash() != long.state_hash()


def test_the_event_hash_depends_on_the_order_of_commands() -> None:
    forth, back = Engine(), Engine()
    sent = commands(12)
    swapped = [*sent[:-2], sent[-1], sent[-2]]
    for core, order in ((forth, sent), (back, swapped)):
        for seq, (header, command) in enumerate(order, start=1):
            core.apply(encode_record(replace(header, seq=seq), command))
    assert forth.event_hash() != back.event_hash()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_snapshot_at_every_record_and_what_follows_is_replay(seed: int) -> None:
    live, relay = Engine(), Engine()
    for record in records(seed):
        # The relay lives on in a copy of itself after every record: if any copy lacked anything,
        # a later event, hash or snapshot would tell.
        bytes_before = relay.snapshot()
        relay = Engine.from_snapshot(bytes_before)
        assert relay.snapshot() == bytes_before
        assert relay.apply(record) == live.apply(record)
        assert relay.event_hash() == live.event_hash()
    assert relay.state_hash() == live.state_hash()
    assert relay.snapshot() == live.snapshot()
    relay.check_invariants()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_snapshot_of_the_live_engine_and_the_whole_tail_is_replay(seed: int) -> None:
    live, sent = Engine(), records(seed)
    said, snapshots = [], []
    for record in sent:
        snapshots.append(live.snapshot())
        said.append(live.apply(record))
    for k in range(0, len(sent), 37):
        core = Engine.from_snapshot(snapshots[k])
        assert core.apply_many(sent[k:]) == said[k:], f"snapshot at {k}"
        assert core.event_hash() == live.event_hash()
        assert core.snapshot() == live.snapshot()


def test_bytes_that_are_no_snapshot_are_refused_with_what_and_where() -> None:
    core = Engine()
    core.apply_many(records(11))
    with pytest.raises(CoreError, match="Withdrawals at byte"):
        Engine.from_snapshot(core.snapshot()[:-1])
