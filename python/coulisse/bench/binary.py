"""The load generator `coulisse-bench`, a Rust program beside the interpreter."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from coulisse.bench.pinning import pinned_to
from coulisse.domain.errors import CoulisseError

PROGRAM = "coulisse-bench"


def find_program() -> Path:
    """Return where the program is. Raises `CoulisseError`, with what to do."""
    beside = Path(sys.executable).parent / PROGRAM
    if beside.is_file():
        return beside
    found = shutil.which(PROGRAM)
    if found is None:
        raise CoulisseError(f"{PROGRAM} is not installed beside {sys.executable}; run `make bench`")
    return Path(found)


def run_program(arguments: Sequence[str], *, cpu: int | None = None) -> dict[str, Any]:
    """Run the program, on one processor if asked, and return the object that it prints.

    Raises `CoulisseError` with the program's own words where it fails.
    """
    command = [str(find_program()), *arguments]
    with pinned_to(cpu):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    printed, complaint = process.communicate()
    if process.returncode != 0:
        raise CoulisseError(complaint.strip() or f"{PROGRAM} ended with {process.returncode}")
    result: dict[str, Any] = json.loads(printed)
    return result
