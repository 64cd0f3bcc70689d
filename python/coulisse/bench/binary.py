"""The load generator `coulisse-bench`, a Rust program beside the interpreter."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
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


class Steps:
    """A program that prints an object after each of its steps and waits to be told to go on."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Follow `process`."""
        self._process = process
        self.pid = process.pid

    def next(self) -> dict[str, Any]:
        """Return what the next step came to. Raises `CoulisseError` where the program failed."""
        assert self._process.stdout is not None, "stdout is a pipe"
        line = self._process.stdout.readline()
        if not line:
            _, complaint = self._process.communicate()
            raise CoulisseError(complaint.strip() or f"{PROGRAM} ended before its time")
        result: dict[str, Any] = json.loads(line)
        return result

    def go_on(self) -> None:
        """Let it take its next step."""
        assert self._process.stdin is not None, "stdin is a pipe"
        self._process.stdin.write("\n")
        self._process.stdin.flush()


@contextlib.contextmanager
def step_program(arguments: Sequence[str], *, cpu: int | None = None) -> Iterator[Steps]:
    """Run the program step by step, on one processor if asked; it ends with the block."""
    pipe = subprocess.PIPE
    with pinned_to(cpu):
        process = subprocess.Popen(
            [str(find_program()), *arguments], stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )
    try:
        yield Steps(process)
    finally:
        process.kill()
        process.communicate()
