"""Power cuts at any moment, on a disk in memory that loses what was not synced.

Random commands go in through sessions inside the process; the power goes while groups are being
written; the core is opened again. The checker (`tests/session/twin.py`) then wants of every opening
that

- the log holds a prefix of what was sent, and all of it that anybody was told of;
- state and events are the twin's after exactly that prefix: nothing lost, doubled or made up;
- every reply said what the twin says;
- what was sent and not answered can be sent again: it is done once, whether it had survived or not.

A disk that lies about its syncs, and a journal that does not sync, must both fail it.
"""

import gc
import random

import pytest

from coulisse import _core
from tests.session.twin import CheckFailed, Life, begin, place, random_command

CUTS_MAX = 500


async def _cuts(disk: _core.SimDisk, seed: int, count: int, losses_min: int = 0) -> tuple[int, int]:
    """Cut the power `count` times under load, and on until `losses_min` cuts lost something.

    Whether something unanswered is on its way at a cut depends on how fast this machine's sync
    thread is, so the number of cuts cannot be known before; it is bounded by `CUTS_MAX`.
    Return how many commands were answered, and how often something unanswered was lost.
    """
    rng = random.Random(seed)
    life = await begin(disk)
    serial, losses = 0, 0
    for cut in range(CUTS_MAX):
        if cut >= count and losses >= losses_min:
            break
        for _ in range(rng.randrange(1, 6)):
            for _ in range(rng.randrange(1, 8)):
                serial += 1
                random_command(rng, life, serial)
            if rng.random() < 0.7:
                await life.tick()
            if rng.random() < 0.3:
                await life.all_told()
        life.cut(None if rng.random() < 0.5 else rng.getrandbits(32))
        life = Life(disk, life.ledger)
        lost = life.check()
        losses += bool([one for one in lost if one.command.kind != "NodeStarted"])
        # Nobody was answered: they ask again, and get what they asked for once.
        for one in lost:
            if one.text:
                life.again(one)
            elif one.command.kind == "Deposit":
                life.submit(one.command, account=one.account, request_id=one.request_id)
        # These are in the log, answered or not: asking again changes nothing.
        for one in rng.sample(life.ledger.placed, min(3, len(life.ledger.placed))):
            life.again(one)
        if cut % 10 == 9:
            await life.all_told()
            life.check_state()
    await life.all_told()
    life.check_state()
    life.end()
    return life.ledger.told_count, losses


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
async def test_fifty_power_cuts_under_load_lose_nothing_that_was_told(seed: int) -> None:
    told, losses = await _cuts(_core.SimDisk(), seed, 50, losses_min=10)
    assert told >= 200 and losses >= 10, "it must have gone while something was on its way"


async def test_a_disk_that_lies_about_its_syncs_is_caught() -> None:
    with pytest.raises((CheckFailed, _core.CoreError)) as caught:
        await _cuts(_core.SimDisk(lie_on_sync=True), 1, 50)
    if isinstance(caught.value, _core.CoreError):
        assert caught.value.args[0] == "JOURNAL_CORRUPT"
    gc.collect()


async def test_without_syncs_a_power_cut_loses_what_was_told_and_the_epoch_says_so() -> None:
    disk = _core.SimDisk()
    life = await begin(disk, "os")
    epoch = life.core.recovery["epoch"]
    life.end()
    life = Life(disk, life.ledger, "os")
    life.check()
    rng = random.Random(5)
    for serial in range(200):
        random_command(rng, life, serial)
        await life.tick()
    await life.all_told()
    life.cut(None)
    life = Life(disk, life.ledger, "os")
    with pytest.raises(CheckFailed):
        life.check()
    assert life.core.recovery["epoch"] > epoch
    life.end()


async def test_a_kill_without_a_power_cut_loses_nothing_even_without_syncs() -> None:
    disk = _core.SimDisk()
    life = await begin(disk, "os")
    life.end()
    life = Life(disk, life.ledger, "os")
    life.check()
    life.check_state()
    life.end()


async def test_a_failed_sync_is_fatal_and_nothing_is_told_afterwards() -> None:
    disk = _core.SimDisk()
    life = await begin(disk)
    rng = random.Random(6)
    place(life, "alice", "before", "buy", 9_990, rng)
    await life.all_told()
    disk.fail_next_sync()
    place(life, "alice", "lost", "buy", 9_990, rng)
    await life.until(lambda: bool(life.fatal))
    assert life.fatal[0].startswith("JOURNAL_IO")
    told = len(life.ledger.told)
    durable = life.core.durable_seq
    life.sessions["alice"].request(b'{"id":-1,"op":"orders.open"}')
    life.sessions["alice"].request(b'{"id":0,"op":"order.cancel_all"}')
    for _ in range(3):
        await life.tick()
        life.core.on_durable()
    assert (len(life.ledger.told), life.core.durable_seq) == (told, durable)
    assert len(life.fatal) == 1, "it is said once"
    with pytest.raises(RuntimeError):
        life.end()
    assert len(life.ledger.told) == told
    disk.crash()
    life = Life(disk, life.ledger)
    lost = life.check()
    assert [one.command.kind for one in lost] == ["OrderPlace"]
    life.end()
