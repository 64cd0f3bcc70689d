"""Files of a data directory: what they are called, and how they are written to last."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final

SEGMENT: Final = re.compile(r"journal-(\d{20})\.seg")


def segment_file(first_seq: int) -> str:
    """Return the name of the segment that begins with a seq."""
    return f"journal-{first_seq:020}.seg"


def segments(directory: Path, suffix: str = "") -> list[int]:
    """Return the first seqs of the segments there are, the oldest first."""
    found: list[int] = []
    with suppress(FileNotFoundError):
        for name in os.listdir(directory):
            segment = SEGMENT.fullmatch(name.removesuffix(suffix))
            if segment is not None and name.endswith(suffix):
                found.append(int(segment[1]))
    return sorted(found)


def begins_at_one(directory: Path) -> bool:
    """Tell whether all that ever was in the log can be read, so that a store can be made anew."""
    return (directory / segment_file(1)).is_file()


def snapshots(directory: Path) -> dict[int, Path]:
    """Return the snapshots there are, by their seqs, the oldest first."""
    found = directory.glob("snapshot-*.snap")
    return dict(sorted((int(file.stem.partition("-")[2]), file) for file in found))


@contextmanager
def private_file(file: Path, *, must_be_new: bool = False) -> Iterator[IO[bytes]]:
    """Write a file for its owner alone; it is on the disk at the end. Raises `OSError`."""
    how = os.O_EXCL if must_be_new else os.O_TRUNC
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | how, 0o600), "wb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def sync_directory(directory: Path) -> None:
    """See that what was made, renamed or removed in there is on the disk. Raises `OSError`."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
