"""Backups: of one seq while the engine runs, believed only once replayed, restored whole."""

from __future__ import annotations

import asyncio
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from coulisse import TradingEngine, _core
from coulisse.domain.errors import CoulisseError
from coulisse.node.backup import MANIFEST, Manifest, check_backup, make_backup, restore
from tests.crc32c import crc32c
from tests.full_disk import no_file_larger_than

MASTER_KEY = "5a" * 32


async def trade(engine: TradingEngine, first: int, count: int) -> None:
    for number in range(first, first + count):
        side = "buy" if number % 3 else "sell"
        price = str(60_000 + number % 7)
        await engine.process_order(
            {"symbol": "BTC-USD", "side": side, "qty": "0.001", "price": price}
        )


async def begun(directory: Path) -> TradingEngine:
    """An engine in `directory` with money, orders and one snapshot."""
    engine = TradingEngine(data_dir=directory)
    await engine.start()
    await engine.deposit("default", "USD", "1000000")
    await engine.deposit("default", "BTC", "100")
    await trade(engine, 0, 30)
    replica = _core.Replica(data_dir=str(directory))
    while replica.catch_up(1_000):
        pass
    assert replica.write_snapshot() > 0
    return engine


@pytest.fixture(autouse=True)
def clean_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COULISSE_RECORDED_DIR", raising=False)


@pytest.fixture
async def closed(tmp_path: Path) -> Path:
    """The data directory of an engine that was stopped."""
    engine = await begun(tmp_path / "data")
    await trade(engine, 30, 10)
    await engine.stop()
    return tmp_path / "data"


def test_a_backup_begins_with_a_journal(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(CoulisseError, match="there is no journal"):
        make_backup(tmp_path / "empty", tmp_path / "backup")
    assert not (tmp_path / "backup").exists()


async def test_a_backup_of_a_running_engine_is_of_one_seq_and_goes_on_where_it_ended(
    tmp_path: Path,
) -> None:
    data, target, again = tmp_path / "data", tmp_path / "backup", tmp_path / "again"
    engine = await begun(data)
    async with asyncio.TaskGroup() as group:
        copying = group.create_task(asyncio.to_thread(make_backup, data, target))
        at = 30
        while not copying.done():
            await trade(engine, at, 5)
            at += 5
    made = copying.result()
    last = await engine.process_order(
        {"symbol": "BTC-USD", "side": "buy", "qty": "0.001", "price": "1"}
    )
    assert last.seq is not None and 30 < made.seq < last.seq
    assert made.snapshot_seq > 0 and made.told_seq > 0
    assert check_backup(target) == made
    assert {stat.S_IMODE(file.stat().st_mode) for file in target.iterdir()} == {0o600}
    assert not (target / "client.toml").exists() and not (target / "store.sqlite3").exists()

    assert restore(target, again) == made
    replay = _core.CopyReplay(str(again))
    while replay.advance(1_000, made.seq):
        pass
    assert replay.state_hash().hex() == made.state_hash
    async with TradingEngine(data_dir=again) as second:
        assert second._node is not None
        recovery = second._node.core.recovery
        assert (recovery["records"], recovery["snapshot_seq"]) == (made.seq, made.snapshot_seq)
        assert recovery["epoch"] == made.epoch + 1
        await trade(second, at, 3)
    await engine.stop()
    # The first one knows nothing of it.
    assert make_backup(data, tmp_path / "later").epoch == made.epoch


async def test_a_stopped_nodes_backup_holds_all_of_it_and_who_made_it_is_written_down(
    closed: Path, tmp_path: Path
) -> None:
    made = make_backup(closed, tmp_path / "backup")
    replay = _core.CopyReplay(str(closed))
    assert replay.extent()["last_seq"] == made.seq
    line = json.loads((closed / "audit.jsonl").read_text().splitlines()[-1])
    assert (line["what"], line["seq"], line["outcome"]) == ("backup", made.seq, "done")
    restore(tmp_path / "backup", tmp_path / "again")
    line = json.loads((tmp_path / "again" / "audit.jsonl").read_text().splitlines()[-1])
    assert (line["what"], line["seq"], line["epoch"]) == ("restore", made.seq, 2)


async def test_nothing_is_written_over(closed: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("mine")
    with pytest.raises(CoulisseError, match="must be empty, and has mine"):
        make_backup(closed, full)
    make_backup(closed, tmp_path / "backup")
    for there in (full, closed):
        before = sorted(path.name for path in there.iterdir())
        with pytest.raises(CoulisseError, match="must be empty"):
            restore(tmp_path / "backup", there)
        assert sorted(path.name for path in there.iterdir()) == before
    assert (full / "mine").read_text() == "mine"
    with pytest.raises(CoulisseError, match="is a file"):
        restore(tmp_path / "backup", full / "mine")


async def test_a_backup_or_restore_without_room_leaves_nothing_and_can_be_made_again(
    closed: Path, tmp_path: Path
) -> None:
    backup, again = tmp_path / "backup", tmp_path / "again"
    with no_file_larger_than(2_000), pytest.raises(CoulisseError, match=r"(?i)file too large"):
        make_backup(closed, backup)
    assert list(backup.iterdir()) == []
    made = make_backup(closed, backup)
    largest = max(made.files, key=lambda one: one.bytes)
    with (
        no_file_larger_than(largest.bytes - 1),
        pytest.raises(CoulisseError, match=f"{again / largest.name}: File too large"),
    ):
        restore(backup, again)
    assert list(again.iterdir()) == []
    assert restore(backup, again) == made


async def test_a_file_that_is_not_as_it_was_is_refused_and_nothing_is_left_behind(
    closed: Path, tmp_path: Path
) -> None:
    backup = tmp_path / "backup"
    made = make_backup(closed, backup)
    assert {one.name.split("-")[0] for one in made.files} >= {"journal", "snapshot"}
    for number, one in enumerate(made.files):
        file, target = backup / one.name, tmp_path / f"again-{number}"
        whole = file.read_bytes()
        bent = bytearray(whole)
        bent[len(bent) // 2] ^= 1
        for content in (bytes(bent), whole[:-1], None):
            file.write_bytes(content) if content is not None else file.unlink()
            with pytest.raises(CoulisseError, match=one.name):
                restore(backup, target)
            assert list(target.iterdir()) == []
        file.write_bytes(whole)
    assert restore(backup, tmp_path / "again") == made


async def test_a_manifest_that_says_something_else_is_refused(closed: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    made = make_backup(closed, backup)
    for changed in (
        replace(made, seq=made.seq - 1),
        replace(made, chain="00" * 32),
        replace(made, event_hash="00" * 16),
        replace(made, state_hash="00" * 32),
        replace(made, epoch=7),
        replace(made, genesis="00" * 16),
    ):
        (backup / MANIFEST).write_text(changed.to_json())
        with pytest.raises(CoulisseError, match="BACKUP_DIFFERS"):
            check_backup(backup)
    away = replace(made.files[0], name="../audit.jsonl")
    (backup / MANIFEST).write_text(replace(made, files=(away,)).to_json())
    with pytest.raises(CoulisseError, match="is no file of a backup"):
        restore(backup, tmp_path / "again")
    for text in ("{", "[]", '{"format": 1}', '{"format": 2, "files": []}'):
        (backup / MANIFEST).write_text(text)
        with pytest.raises(CoulisseError, match=MANIFEST):
            Manifest.read(backup)
    (backup / MANIFEST).unlink()
    with pytest.raises(CoulisseError, match="which is written last"):
        check_backup(backup)


async def test_a_backup_of_another_version_is_checked_by_what_this_one_makes_of_it(
    closed: Path, tmp_path: Path
) -> None:
    source = tmp_path / "backup"
    made = make_backup(closed, source)
    (source / MANIFEST).write_text(replace(made, version="0.0.9").to_json())
    assert check_backup(source).version == "0.0.9"


async def test_a_core_that_said_other_events_than_the_copy_makes_is_found(
    closed: Path, tmp_path: Path
) -> None:
    told = closed / "durable.seq"
    content = bytearray(told.read_bytes())
    assert int.from_bytes(content[88:96], "little") > 0
    content[96] ^= 1
    content[8:12] = crc32c(content[12:]).to_bytes(4, "little")
    told.write_bytes(content)
    with pytest.raises(CoulisseError, match="BACKUP_DIFFERS: at seq"):
        make_backup(closed, tmp_path / "backup")
    assert not (tmp_path / "backup" / MANIFEST).exists()
