"""A core that starts from a snapshot is the core that replayed everything, and nobody can tell."""

import importlib.util
import json
import random
import sys
from pathlib import Path

import pytest

from coulisse import _core
from tests.session.twin import Life, begin, random_command

LIBRARY = Path(sys.prefix) / "planted" / "_core.abi3.so"
CHANNELS = ("book", "trades", "orders", "fills", "balances")
HEADER_BYTES = 512


async def commands(rng: random.Random, life: Life, count: int, serial: int) -> int:
    """Send `count` random commands in batches of some; all are answered at the end."""
    for _ in range(count):
        serial += 1
        random_command(rng, life, serial)
        if rng.random() < 0.3:
            await life.tick()
    await life.all_told()
    return serial


def follow(replica: _core.Replica) -> int:
    """Go as far as the core has published; return the seq."""
    while replica.catch_up(7):
        pass
    return replica.seq


def snapshots(disk: _core.SimDisk) -> list[str]:
    return sorted((name for name in disk.files() if name.endswith(".snap")), reverse=True)


def seq_of(name: str) -> int:
    return int(name.removeprefix("snapshot-").removesuffix(".snap"))


async def a_disk_with_snapshots(seed: int, keep: int = 2) -> tuple[_core.SimDisk, Life]:
    """A life that was followed and written down again and again."""
    disk, rng, serial = _core.SimDisk(), random.Random(seed), 0
    life = await begin(disk)
    replica = _core.Replica(disk=disk)
    for _ in range(6):
        serial = await commands(rng, life, rng.randrange(20, 60), serial)
        if follow(replica) > 0:
            replica.write_snapshot(keep)
    await commands(rng, life, 25, serial)
    return disk, life


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_snapshot_and_tail_is_replay_over_kills_and_power_cuts(seed: int) -> None:
    disk, rng, serial = _core.SimDisk(), random.Random(seed), 0
    life = await begin(disk)
    from_snapshot = 0
    for cut in range(12):
        replica, written = _core.Replica(disk=disk), 0
        for _ in range(rng.randrange(1, 4)):
            serial = await commands(rng, life, rng.randrange(10, 60), serial)
            if follow(replica) > replica.snapshot_seq and replica.seq != written:
                replica.write_snapshot(keep=2)
                written = replica.seq
        expected = written or replica.snapshot_seq
        del replica
        if cut % 3:
            life.cut(None if cut % 3 == 1 else rng.getrandbits(32))
        else:
            life.end()
        life = Life(disk, life.ledger)
        recovery = life.core.recovery
        assert recovery["snapshot_seq"] == expected
        assert recovery["replayed"] == recovery["records"] - expected
        assert life.core.snapshots_passed_over == []
        from_snapshot += expected > 0
        life.check()
        life.check_state()
    assert from_snapshot >= 10 and recovery["segments"] > 1
    life.end()


async def test_damaged_snapshots_are_passed_over_with_a_reason_for_older_ones_and_none() -> None:
    disk, life = await a_disk_with_snapshots(4)
    life.end()
    newest, older = snapshots(disk)
    said = {}
    for damaged, expected in ((None, newest), (newest, older), (older, None)):
        if damaged is not None:
            disk.flip_bit(damaged, HEADER_BYTES + 40, 3)
        life = Life(disk, life.ledger)
        assert life.core.recovery["snapshot_seq"] == (seq_of(expected) if expected else 0)
        said = dict(life.core.snapshots_passed_over)
        life.check()
        life.check_state()
        life.end()
    assert set(said) == {newest, older}
    assert all("PayloadChecksum" in reason for reason in said.values())


async def all_durable(life: Life) -> Life:
    """Wait until what the opening itself appended is durable."""
    done: list[bool] = []
    life.core.hold(lambda: done.append(True))
    while not done:
        await life.tick()
    return life


def heard(life: Life) -> list[object]:
    """What a newcomer of each channel and REST are told, but for the seq of this very moment."""
    messages: list[dict[str, object]] = []
    session = life.core.session("alice", lambda text: messages.append(json.loads(text)))
    for channel in CHANNELS:
        params: dict[str, object] = {"channel": channel}
        if channel in ("book", "trades"):
            params["symbols"] = ["BTC-USD"]
        session.request(json.dumps({"op": "subscribe", "params": params}).encode())
    session.request(b'{"id":"open","op":"orders.open"}')
    life.core.flush()
    session.close()
    trades = json.loads(life.core.trades_json("BTC-USD", 1_000) or b"{}")
    for one in messages:
        moment = one.get("result", one if one.get("ch") == "book" else {})
        assert isinstance(moment, dict)
        for name in ("seq", "t_in", "t_log", "t_out"):
            moment.pop(name, None)
    return [*messages, trades["trades"]]


async def test_clients_cannot_tell_a_start_from_a_snapshot_from_a_replay() -> None:
    disk, life = await a_disk_with_snapshots(5)
    life.end()
    told = []
    for damaged in ([], snapshots(disk)):
        for name in damaged:
            disk.flip_bit(name, HEADER_BYTES + 9, 1)
        life = Life(disk, life.ledger)
        assert bool(life.core.recovery["snapshot_seq"]) is not bool(damaged)
        life.check()
        await life.all_told()
        told.append(heard(await all_durable(life)))
        life.end()
    assert told[0] == told[1]
    text = json.dumps(told[0])
    assert text.count('"trade_id"') > 50 and '"type": "image"' in text and '"order_id"' in text


async def test_a_replica_goes_only_where_the_core_published_and_writes_only_what_it_compared() -> (
    None
):
    disk = _core.SimDisk()
    with pytest.raises(_core.CoreError, match="JOURNAL_VOID"):
        _core.Replica(disk=disk)
    life = await begin(disk)
    replica = _core.Replica(disk=disk)
    with pytest.raises(_core.CoreError, match="REPLICA_NOT_COMPARED"):
        replica.write_snapshot()
    with pytest.raises(_core.CoreError, match="REPLICA_LOCKED"):
        _core.Replica(disk=disk)
    rng, serial = random.Random(6), 0
    for _ in range(50):
        serial = await commands(rng, life, 5, serial)
        replica.catch_up(2)
        assert replica.seq <= life.core.durable_seq
        assert replica.compared_seq <= replica.seq
    seq = follow(replica)
    assert seq == replica.compared_seq > 100
    # A command whose sync fails is applied by the core and by nobody else.
    disk.fail_next_sync()
    random_command(rng, life, serial + 1)
    await life.until(lambda: bool(life.fatal))
    assert follow(replica) <= life.core.durable_seq < life.core.seq
    with pytest.raises(RuntimeError):
        life.end()


async def test_a_snapshot_that_is_ahead_of_what_is_left_of_the_journal_is_passed_over() -> None:
    disk = _core.SimDisk()
    life = await begin(disk, "os")
    life.end()
    life = Life(disk, life.ledger, "os")
    life.check()
    kept_seq, rng = life.core.durable_seq, random.Random(7)
    await commands(rng, life, 200, 0)
    replica = _core.Replica(disk=disk)
    assert follow(replica) > kept_seq
    replica.write_snapshot()
    name = snapshots(disk)[0]
    del replica
    # Nothing of it was synced but the snapshot.
    life.cut(None)
    core = _core.Core(disk=disk, durability="os", segment_bytes=1 << 16)
    assert core.recovery["snapshot_seq"] == 0
    assert dict(core.snapshots_passed_over) == {
        name: f"the journal ends at seq {core.recovery['records']}"
    }
    assert core.recovery["records"] < seq_of(name)
    core.close()


@pytest.mark.parametrize("fault", ["fee_per_fill", "maker_pays_taker_rate"])
async def test_a_replica_that_says_anything_else_is_caught_and_writes_nothing(
    fault: str, tmp_path: Path
) -> None:
    spec = importlib.util.spec_from_file_location("_core", LIBRARY)
    assert spec is not None and spec.loader is not None
    faulty = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(faulty)
    life = await begin(tmp_path)
    sound = _core.Replica(data_dir=str(tmp_path))
    rng, serial = random.Random(8), 0
    serial = await commands(rng, life, 60, serial)
    follow(sound)
    del sound
    bent = faulty.Replica(data_dir=str(tmp_path))
    bent.plant(fault)
    with pytest.raises(faulty.CoreError, match="REPLICA_DIVERGED"):
        for _ in range(60):
            serial = await commands(rng, life, 20, serial)
            while bent.catch_up(1_000):
                pass
    with pytest.raises(faulty.CoreError, match="REPLICA_NOT_COMPARED"):
        bent.write_snapshot()
    life.end()
    assert _core.Core(data_dir=str(tmp_path)).recovery["snapshot_seq"] == 0
