"""The archive of the log's segments, on files: nothing is lost, whenever it is stopped."""

from __future__ import annotations

import gzip
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from coulisse.log import archive as log_archive
from coulisse.log.archive import (
    DAY_S,
    PACKED,
    ArchiveError,
    archived,
    done_with,
    forget,
    is_recalled,
    put_away,
    recall,
    require_whole,
)
from coulisse.log.files import begins_at_one, segment_file, segments

FIRST_SEQS = [1, 18, 31, 64, 200]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    directory = tmp_path / "log"
    directory.mkdir()
    dice = random.Random(7)
    for first_seq in FIRST_SEQS:
        (directory / segment_file(first_seq)).write_bytes(dice.randbytes(3_000) + bytes(5_000))
    for other in ("durable.seq", "journal-prepared.tmp", "snapshot-00000000000000000070.snap"):
        (directory / other).write_bytes(b"another")
    return directory


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return tmp_path / "archive"


def contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir()}


@pytest.mark.parametrize(
    ("needed_seq", "done"),
    [(0, 0), (1, 0), (17, 0), (18, 1), (30, 1), (31, 2), (199, 3), (200, 4), (10**9, 4)],
)
def test_what_ends_before_the_needed_seq_is_done_with_and_never_the_last(
    needed_seq: int, done: int
) -> None:
    assert done_with(FIRST_SEQS, needed_seq) == FIRST_SEQS[:done]


def test_what_is_put_away_comes_back_the_same(log: Path, archive: Path) -> None:
    before = contents(log)
    assert put_away(log, archive, 64) == [1, 18, 31]
    assert segments(log) == [64, 200] and archived(archive) == [1, 18, 31]
    assert not begins_at_one(log)
    with pytest.raises(ArchiveError, match=r"LOG_GONE: .*begins at seq 64"):
        require_whole(log)
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in archive.iterdir())
    assert sum(file.stat().st_size for file in archive.iterdir()) < 3 * 4_000
    assert list(recall(log, archive)) == [(1, 3), (2, 3), (3, 3)]
    after = contents(log)
    assert after.pop(log_archive.RECALLED) == b"" and after == before
    require_whole(log)


def test_a_recall_that_is_stopped_leaves_no_gap(log: Path, archive: Path) -> None:
    put_away(log, archive, 200)
    for number, _ in recall(log, archive):
        assert number == 1
        break
    assert segments(log) == [64, 200]
    assert len(list(recall(log, archive))) == 3
    assert segments(log) == FIRST_SEQS


def test_a_copy_that_is_damaged_is_made_again_and_a_whole_one_is_not(
    log: Path, archive: Path
) -> None:
    before = contents(log)
    archive.mkdir()
    whole = archive / (segment_file(1) + PACKED)
    whole.write_bytes(gzip.compress((log / segment_file(1)).read_bytes()))
    made = whole.stat().st_mtime_ns
    damaged = archive / (segment_file(18) + PACKED)
    damaged.write_bytes(with_another_byte(gzip.compress((log / segment_file(18)).read_bytes())))
    assert put_away(log, archive, 31) == [1, 18]
    assert whole.stat().st_mtime_ns == made
    list(recall(log, archive))
    assert {name: contents(log)[name] for name in before} == before


def test_a_segment_stays_where_its_copy_is_not_what_was_written(
    log: Path, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_archive, "_holds", lambda packed, wanted: False)
    with pytest.raises(ArchiveError, match="not what was written"):
        put_away(log, archive, 200)
    assert segments(log) == FIRST_SEQS


def test_an_archive_that_cannot_be_written_is_said_and_harms_nothing(
    log: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no directory")
    with pytest.raises(ArchiveError, match=r"file"):
        put_away(log, tmp_path / "file", 200)
    assert segments(log) == FIRST_SEQS


def shortened(content: bytes) -> bytes:
    return content[:-20]


def with_another_byte(content: bytes) -> bytes:
    return content[:10] + bytes([content[10] ^ 0xFF]) + content[11:]


def without_a_head(content: bytes) -> bytes:
    return content[1:]


@pytest.mark.parametrize("spoil", [shortened, with_another_byte, without_a_head])
def test_what_is_damaged_in_the_archive_is_not_put_back(
    log: Path, archive: Path, spoil: Callable[[bytes], bytes]
) -> None:
    put_away(log, archive, 31)
    packed = archive / (segment_file(18) + PACKED)
    packed.write_bytes(spoil(packed.read_bytes()))
    with pytest.raises(ArchiveError, match="damaged"):
        list(recall(log, archive))
    assert segments(log) == [31, 64, 200]
    assert not [name for name in contents(log) if name.endswith(".part")]


def test_what_is_old_enough_is_forgotten_and_no_gap_is_made(log: Path, archive: Path) -> None:
    put_away(log, archive, 200)
    now_s = 1_000_000_000.0
    for first_seq, days in ((1, 40), (18, 31), (31, 29), (64, 35)):
        at_s = now_s - days * DAY_S
        os.utime(archive / (segment_file(first_seq) + PACKED), (at_s, at_s))
    assert forget(archive, 0, now_s) == []
    assert forget(archive, 30, now_s) == [1, 18]
    assert archived(archive) == [31, 64], "what lies behind a younger one is left to it"


def test_after_a_recall_nothing_is_due_for_a_day(log: Path, archive: Path) -> None:
    put_away(log, archive, 31)
    assert not is_recalled(log, 0.0)
    list(recall(log, archive))
    at_s = (log / log_archive.RECALLED).stat().st_mtime
    assert is_recalled(log, at_s + DAY_S - 1) and not is_recalled(log, at_s + DAY_S)


def test_no_log_is_no_log(tmp_path: Path, archive: Path) -> None:
    with pytest.raises(ArchiveError, match="there is no log"):
        list(recall(tmp_path, archive))
