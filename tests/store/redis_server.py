"""A Redis of one's own, and a line to it that can be made slow."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from collections.abc import Callable
from functools import partial

import redis

from coulisse.bench.redis_server import START_S, Redis

PASSWORD = "not-for-the-log"


class RedisServer(Redis):
    """A server with a password, and a client of it."""

    def __init__(self) -> None:
        super().__init__(PASSWORD)

    def client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, socket_timeout=5.0)


def is_installed() -> bool:
    return shutil.which("redis-server") is not None


class SlowLine:
    """A TCP proxy, of threads, that holds what it hands on for a while."""

    def __init__(self, target_port: int) -> None:
        self.delay_s = 0.0
        self._target = target_port
        self._over = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def close(self) -> None:
        self._over.set()
        for one in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(START_S)
        for one in (self._listener, *self._sockets):
            one.close()

    def _begin(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._over.is_set():
            with contextlib.suppress(OSError):
                near, _ = self._listener.accept()
                self._sockets.append(near)
                far = socket.create_connection(("127.0.0.1", self._target))
                self._sockets.append(far)
                self._begin(partial(self._pump, near, far))
                self._begin(partial(self._pump, far, near))

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while (data := source.recv(1 << 16)) and not self._over.wait(self.delay_s):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)
