"""A database server of one's own for a while: its folder, its process, its end."""

from __future__ import annotations

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import Final

END_S: Final = 120.0
LOCAL_PORTS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""What the kernel chooses from where nobody says a port."""
PORT_MIN: Final = 10_000
PORT_TRIES_MAX: Final = 100


def free_port() -> int:
    """Return a port that nobody has now, and that the kernel gives to nobody by itself.

    So a server that is killed finds it again: a connection of somebody else's, out of this machine
    or to another server, does not get it meanwhile. Raises `OSError` where all are taken.
    """
    below = int(LOCAL_PORTS.read_text().split()[0])
    error: OSError | None = None
    for _ in range(PORT_TRIES_MAX):
        port = PORT_MIN + secrets.randbelow(max(below - PORT_MIN, 1))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as taken:
                error = taken
            else:
                return port
    raise error or OSError("no port is free")


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
