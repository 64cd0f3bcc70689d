"""A Redis server of one's own for a while, on a free port; it keeps nothing on disk."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from typing import Final

from coulisse.bench.own_server import OwnServer, free_port
from coulisse.domain.errors import CoulisseError

START_S: Final = 30.0


class Redis(OwnServer):
    """A Redis that can be killed and started again."""

    def __init__(self, password: str = "") -> None:
        """Make its folder; it asks for the password, if one is given.

        Raises `CoulisseError` where there is no Redis.
        """
        if shutil.which("redis-server") is None:
            raise CoulisseError("no Redis server is installed (Debian: redis-server)")
        super().__init__("redis")
        self.port = free_port()
        self._password = password

    @property
    def url(self) -> str:
        """The setting that names it."""
        who = f":{self._password}@" if self._password else ""
        return f"redis://{who}127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it listens. Raises `CoulisseError`."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        command += ["--appendonly", "no", "--requirepass", self._password, "--dir", str(self._dir)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        give_up = time.monotonic() + START_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1.0).close()
                return
            except OSError as error:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    raise CoulisseError(f"Redis does not start: {error}") from None
