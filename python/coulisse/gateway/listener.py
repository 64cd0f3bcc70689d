"""A listening socket and its connections."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable

from coulisse.config import GatewayConfig
from coulisse.domain.errors import StartError
from coulisse.gateway.tls import SHUTDOWN_TIMEOUT_S, Tls

BACKLOG = 1_024


class Listener:
    """One bound port."""

    def __init__(self, config: GatewayConfig, new_conn: Callable[[], asyncio.BaseProtocol]) -> None:
        """Bind at once, so that a busy port is known before anything else happens.

        Raises `StartError` in one line.
        """
        self._new_conn = new_conn
        self.tls = None if config.tls is None else Tls(config.tls)
        self._handshake_s = None if config.tls is None else config.tls.handshake_timeout_s
        self._socket = bind(config)
        self._server: asyncio.AbstractServer | None = None
        self._is_closed = False
        self.host = config.host
        self.port = int(self._socket.getsockname()[1])

    @property
    def address(self) -> str:
        """`host:port`, as URLs have it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def url(self, scheme: str) -> str:
        """`http` or `ws` made the URL of this port, secure where it speaks TLS."""
        return f"{scheme}{'' if self.tls is None else 's'}://{self.address}"

    async def listen(self) -> None:
        """Accept connections from now on. Not once it is closed."""
        if self._server is not None or self._is_closed:
            return
        loop = asyncio.get_running_loop()
        # The server closes what it is given; the port must outlive a pause.
        sock = self._socket.dup()
        if self.tls is None:
            self._server = await loop.create_server(self._new_conn, sock=sock, backlog=BACKLOG)
            return
        self._server = await loop.create_server(
            self._new_conn,
            sock=sock,
            backlog=BACKLOG,
            ssl=self.tls.context,
            ssl_handshake_timeout=self._handshake_s,
            ssl_shutdown_timeout=SHUTDOWN_TIMEOUT_S,
        )

    def pause(self) -> None:
        """Accept nobody until `listen`: who comes waits in the kernel's queue."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def close(self) -> None:
        """Accept no more. Idempotent."""
        self._is_closed = True
        self.pause()
        self._socket.close()


def bind(config: GatewayConfig) -> socket.socket:
    """Return a bound socket. Raises `StartError` in one line."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if config.reuse_port:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Accepted connections inherit all three. Each bounds what a peer can make us keep.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, config.send_buffer_bytes)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, config.receive_buffer_bytes)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listening.bind((config.host, config.port))
        listening.setblocking(False)
    except OSError as error:
        listening.close()
        raise StartError(_explain(config, error)) from None
    return listening


def _explain(config: GatewayConfig, error: OSError) -> str:
    where = f"{config.host}:{config.port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use by another program; stop it, or choose another --port (0: any)"
    if error.errno == errno.EACCES:
        return f"{where}: not allowed to listen there; choose a --port above 1023"
    return f"{where}: cannot listen there: {error.strerror or error}"
