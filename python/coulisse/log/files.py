"""Files of a data directory: what they are called, and how they are written to last."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


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
