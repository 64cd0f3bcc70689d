"""What takes a minute of waiting: a process of its own, beside the other tests.

It begins when pytest has collected the test that reads it (`tests/conftest.py`), shares nothing
with other tests, and ends with the session, whatever ends that. Its module, one of this folder,
prints what it found as the last line, as JSON.
"""

from __future__ import annotations

import asyncio
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
END_TIMEOUT_S = 180.0
PID, OUTPUT = "pid", "output.txt"


class Beside:
    """The process, with its output and its pid in a folder."""

    def __init__(self, home: Path, module: str, prefix: Sequence[str] = ()) -> None:
        """Start a module of this folder, by a command that starts commands if one is given."""
        home.mkdir()
        with (home / OUTPUT).open("wb") as output:
            # It reads the end of its stdin when this process is gone, however it went.
            self._process = subprocess.Popen(
                [*prefix, sys.executable, "-m", f"tests.integration.{module}", str(home)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        (home / PID).write_text(str(self._process.pid))

    def end(self) -> None:
        """End it and what it started, if they still run."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()


def result_in(home: Path) -> str:
    """Wait for the end of the process of a folder, another's child maybe; what it found."""
    with selectors.DefaultSelector() as selector:
        pid = os.pidfd_open(int((home / PID).read_text()))
        try:
            selector.register(pid, selectors.EVENT_READ)
            has_ended = bool(selector.select(END_TIMEOUT_S))
        finally:
            os.close(pid)
    output = (home / OUTPUT).read_text()
    assert has_ended, f"it has not ended:\n{output}"
    assert output.rpartition("\n")[0].endswith("}"), f"it found nothing:\n{output}"
    return output.splitlines()[-1]


async def while_wanted(work: Callable[[], Awaitable[str]]) -> str:
    """Do the work of such a process, as long as whoever started it is there."""
    async with asyncio.TaskGroup() as group:
        parent = group.create_task(_parent_ended())
        found = await work()
        parent.cancel()
    return found


async def _parent_ended() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    raise EOFError("the test session ended before this")
