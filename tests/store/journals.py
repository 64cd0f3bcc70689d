"""Journals of random orders, and what a store of one must hold."""

from __future__ import annotations

import random

from coulisse import _core
from coulisse.node.store_check import content_of
from coulisse.projections.content import ContentHash
from coulisse.store.sql.writer import Writer
from tests.session.twin import Life, begin, random_command


async def a_life(seed: int, count: int) -> tuple[_core.SimDisk, Life]:
    """A core on a disk in memory that took some random commands."""
    disk = _core.SimDisk()
    life = await begin(disk)
    await more(life, seed, count)
    return disk, life


async def more(life: Life, seed: int, count: int) -> None:
    """Send random commands, in batches of some; all are answered at the end."""
    dice = random.Random(seed)
    for number in range(count):
        random_command(dice, life, seed * 100_000 + number)
        if dice.random() < 0.2:
            await life.tick()
    await life.all_told()


def following(disk: _core.SimDisk, writer: Writer) -> _core.Replica:
    """A replica that makes rows of what the writer's store lacks."""
    place = writer.checkpoint
    replica = _core.Replica(disk=disk, newest_seq=place.seq, only_one=False)
    replica.follow(place.seq, place.chain)
    return replica


def fill(replica: _core.Replica, writer: Writer, limit: int = 50) -> int:
    """Write all that there is to be written; return how many transactions it took."""
    written = 0
    while True:
        applied = replica.catch_up(limit)
        if (rows := replica.take_rows()) is not None:
            writer.write(rows)
            written += 1
        if applied == 0:
            return written


def expected(disk: _core.SimDisk, seq: int) -> ContentHash:
    """The hash of what the journal on a disk makes up to `seq`, by the reference fold."""
    return content_of(_core.Replica(disk=disk, newest_seq=0, only_one=False), seq)


def genesis_of(disk: _core.SimDisk) -> bytes:
    """The name of a disk's journal."""
    return _core.Replica(disk=disk, newest_seq=0, only_one=False).genesis
