"""The load generator `coulisse-bench`, a Rust program beside the interpreter."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

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


def become_program(arguments: Sequence[str]) -> NoReturn:
    """Replace this process by the program, so that nothing of ours runs beside what it measures."""
    program = find_program()
    sys.stdout.flush()
    environment = {**os.environ, "COULISSE_BENCH_PYTHON": sys.executable}
    os.execve(program, [PROGRAM, *arguments], environment)
