"""A database server of one's own for a while: its folder, its process, its end."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Final

END_S: Final = 120.0


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class OwnServer:
    """A server that can be stopped, killed and started again."""

    def __init__(self, name: str) -> None:
        """Make its folder."""
        self._dir = Path(tempfile.mkdtemp(prefix=f"coulisse-{name}-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's first process, while it runs."""
        assert self._process is not None, "it runs"
        return self._process.pid

    def kill(self) -> None:
        """Kill it: what it has not written is lost, what the kernel has is not."""
        self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(END_S)
            self._process = None

    def remove(self) -> None:
        """End it and remove all it had."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self._dir, ignore_errors=True)
