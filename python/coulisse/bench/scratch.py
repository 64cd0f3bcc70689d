"""Where a benchmark's files go while it runs."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def run_directory(data_dir: Path | None) -> Iterator[Path]:
    """Make a directory under `data_dir`, or where the system has such, and remove it at the end."""
    parent = (data_dir or Path(tempfile.gettempdir())).resolve()
    parent.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="coulisse-bench-", dir=parent))
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
