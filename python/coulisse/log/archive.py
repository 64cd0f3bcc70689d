"""The log's archive: segments from which nothing goes on any more, compressed, out of the way.

    python -m coulisse.log.archive '{"data_dir": …, "archive": …, "needed_seq": …, …}'

does what is due in a process of its own and says what was done as one line of JSON.

Invariants
- A segment leaves the data directory only once its copy is on the disk, was read back and is the
  same; and never one that holds `needed_seq` or a later seq, nor the last.
- What is left in the data directory has no gap.
"""

from __future__ import annotations

import contextlib
import fcntl
import gzip
import hashlib
import json
import os
import shutil
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from coulisse.domain.errors import CoulisseError
from coulisse.log.files import private_file, segment_file, segments, sync_directory

PACKED: Final = ".gz"
UNFINISHED: Final = ".part"
DAMAGED: Final = (gzip.BadGzipFile, EOFError, zlib.error)
"""What reading a packed segment ends with that is not what was written."""
LEVEL: Final = 6
CHUNK_BYTES: Final = 1 << 20
DAY_S: Final = 86_400
LOCK: Final = "archive.lock"
"""In the data directory: held by who puts segments away, and by who needs them where they are."""
RECALLED: Final = "archive.recalled"
"""In the data directory while segments were put back: nothing is archived for a day."""


class ArchiveError(CoulisseError):
    """Segments cannot be put away or back; what was there is there."""


@dataclass(slots=True)
class Done:
    """What was done."""

    archived: list[int] = field(default_factory=list)
    """The first seqs of segments that were put away."""
    removed: list[int] = field(default_factory=list)
    """And of those that were removed from the archive, as their time was over."""


def archived(archive: Path) -> list[int]:
    """Return the first seqs of the segments in an archive, the oldest first."""
    return segments(archive, PACKED)


def require_whole(directory: Path) -> None:
    """See that a store can be made anew, before it is emptied. Raises `ArchiveError`."""
    oldest = next(iter(segments(directory)), 1)
    if oldest > 1:
        raise ArchiveError(
            f"LOG_GONE: {directory}: the log begins at seq {oldest}; put back what lies before "
            "(coulisse log recall), nothing was changed"
        )


def done_with(first_seqs: list[int], needed_seq: int) -> list[int]:
    """Return which segments end before a seq that something will go on from."""
    return [first_seq for first_seq, next_seq in pairwise(first_seqs) if next_seq <= needed_seq]


def put_away(directory: Path, archive: Path, needed_seq: int) -> list[int]:
    """Archive the segments before a seq; return their first seqs. Raises `ArchiveError`."""
    try:
        archive.mkdir(mode=0o700, parents=True, exist_ok=True)
        done = done_with(segments(directory), needed_seq)
        for first_seq in done:
            _put_away(directory / segment_file(first_seq), archive)
    except OSError as error:
        raise ArchiveError(f"{error.filename or archive}: {error.strerror}") from None
    return done


def forget(archive: Path, keep_days: int, now_s: float) -> list[int]:
    """Remove what was archived longer ago; 0 days: nothing. Raises `ArchiveError`."""
    if keep_days == 0:
        return []
    gone = []
    try:
        for first_seq in archived(archive):
            file = archive / (segment_file(first_seq) + PACKED)
            if now_s - file.stat().st_mtime <= keep_days * DAY_S:
                # Those behind it are younger: what is left has no gap.
                break
            file.unlink()
            gone.append(first_seq)
    except OSError as error:
        raise ArchiveError(f"{error.filename or archive}: {error.strerror}") from None
    return gone


def recall(directory: Path, archive: Path) -> Iterator[tuple[int, int]]:
    """Put all archived segments back; yield (done, in all). Raises `ArchiveError`.

    Nothing is archived for a day from then, so that a store can be made again from them.
    """
    here = segments(directory)
    if not here:
        raise ArchiveError(f"{directory}: there is no log")
    wanted = [first_seq for first_seq in archived(archive) if first_seq < here[0]]
    try:
        (directory / RECALLED).touch(mode=0o600)
        os.utime(directory / RECALLED)
        # The newest first: whenever this is stopped, what is there has no gap.
        for number, first_seq in enumerate(reversed(wanted), 1):
            _put_back(archive / (segment_file(first_seq) + PACKED), directory)
            yield number, len(wanted)
    except OSError as error:
        raise ArchiveError(f"{error.filename or directory}: {error.strerror}") from None


@contextlib.contextmanager
def held(directory: Path, *, may_wait: bool = True) -> Iterator[None]:
    """Keep segments where they are meanwhile. Raises `BlockingIOError` where it may not wait."""
    opened = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX if may_wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(opened)


def is_recalled(directory: Path, now_s: float) -> bool:
    """Tell whether segments were put back within a day."""
    try:
        return now_s - (directory / RECALLED).stat().st_mtime < DAY_S
    except FileNotFoundError:
        return False


def _put_away(segment: Path, archive: Path) -> None:
    packed = archive / (segment.name + PACKED)
    with segment.open("rb") as opened:
        wanted = hashlib.file_digest(opened, "sha256").digest()
    if not packed.is_file() or not _holds(packed, wanted):
        unfinished = packed.with_name(packed.name + UNFINISHED)
        with (
            segment.open("rb") as source,
            private_file(unfinished) as file,
            gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as into,
        ):
            shutil.copyfileobj(source, into, CHUNK_BYTES)
        if not _holds(unfinished, wanted):
            raise ArchiveError(f"{unfinished}: it is not what was written")
        unfinished.replace(packed)
        sync_directory(archive)
    segment.unlink()
    sync_directory(segment.parent)


def _put_back(packed: Path, directory: Path) -> None:
    segment = directory / packed.name.removesuffix(PACKED)
    # No name of the journal's: what is not whole is nothing to it.
    unfinished = directory / (segment.name + UNFINISHED)
    try:
        with gzip.open(packed, "rb") as source, private_file(unfinished) as file:
            shutil.copyfileobj(source, file, CHUNK_BYTES)
    except DAMAGED as error:
        unfinished.unlink(missing_ok=True)
        raise ArchiveError(f"{packed}: it is damaged: {error}") from None
    unfinished.replace(segment)
    sync_directory(directory)


def _holds(packed: Path, wanted: bytes) -> bool:
    try:
        with gzip.open(packed, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest() == wanted
    except DAMAGED:
        return False


def main() -> int:
    """Run the process; return its exit code."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    directory, archive = Path(settings["data_dir"]), Path(settings["archive"])
    now_s = time.time()
    done = Done()
    try:
        # Whoever copies the log has it: another time.
        with contextlib.suppress(BlockingIOError), held(directory, may_wait=False):
            if not is_recalled(directory, now_s):
                done.archived = put_away(directory, archive, settings["needed_seq"])
        done.removed = forget(archive, settings["keep_days"], now_s)
    except ArchiveError as error:
        print(json.dumps({"error": str(error)}))
        return 1
    print(json.dumps(asdict(done)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
