"""The node's ear for whoever owns it: a Unix socket in the data directory, for its own user alone.

A request is one JSON object on a line, as {"do":"drain","wait_s":30}; answers are lines, the last
one followed by the end of the connection. What is asked for is written down with the user's id.

    drain   take no new connections, tell sessions that the node will stop, and stop once they
            have gone or the time is over; a line with `connections` each second until then, one
            with `stopping`, and the end once the log is closed

Invariant: only the user that the node runs as, and root, can connect: the directory is that user's
own, and so is the socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from coulisse.domain.outcomes import Rejected
from coulisse.node.lives import pause
from coulisse.telemetry.audit import AuditFile
from coulisse.telemetry.logs import logger

SOCKET_NAME: Final = "control.sock"
LINE_BYTES_MAX: Final = 4_096
REQUEST_TIMEOUT_S: Final = 5.0
PEERS_MAX: Final = 8
"""Connections at one time; more are closed at once."""
PROGRESS_S: Final = 1.0
WAIT_MAX_S: Final = 86_400.0


class Drained(Protocol):
    """What is asked of."""

    @property
    def stopping(self) -> asyncio.Event:
        """Set once it stops."""

    @property
    def connections(self) -> int:
        """How many there are."""

    @property
    def audit(self) -> AuditFile:
        """Where it is written down who asked."""

    def drain(self, wait_s: float) -> None:
        """Begin to stop; returns at once."""


class Control:
    """What is asked of one node, and done."""

    def __init__(self, node: Drained) -> None:
        """Do it to `node`."""
        self._node = node
        self._peers = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        if self._peers >= PEERS_MAX:
            writer.close()
            return
        self._peers += 1
        try:
            # The end of the node cancels what waits for it, which asyncio's streams would take for
            # an error and write into the log.
            with contextlib.suppress(ConnectionError, TimeoutError, asyncio.CancelledError):
                await self._answer(reader, writer)
        finally:
            self._peers -= 1
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                line = await reader.readline()
            asked = json.loads(line)
        except ValueError:
            # No JSON, or a line without an end.
            asked = None
        refused = _refusal_of(asked)
        peer = writer.get_extra_info("socket")
        what = str(asked.get("do")) if isinstance(asked, dict) else "control"
        outcome = "done" if refused is None else refused.code
        self._node.audit.write([{"what": what, "by": _user_of(peer), "outcome": outcome}])
        if refused is not None:
            await _tell(writer, {"ok": False, "error": refused.to_wire()})
            return
        assert isinstance(asked, dict), "anything else was refused"
        await self._drain(writer, float(asked["wait_s"]))

    async def _drain(self, writer: asyncio.StreamWriter, wait_s: float) -> None:
        node = self._node
        node.drain(wait_s)
        while not node.stopping.is_set():
            await _tell(writer, {"ok": True, "connections": node.connections})
            await pause(node.stopping, PROGRESS_S)
        await _tell(writer, {"ok": True, "connections": node.connections, "stopping": True})
        # The end of the connection is that of the node: who stops it by this must not think that
        # it has gone, and send signals.
        await asyncio.get_running_loop().create_future()


def _refusal_of(asked: object) -> Rejected | None:
    """Return what is wrong with a request."""
    if not isinstance(asked, Mapping):
        return Rejected("BAD_JSON", "a request is one JSON object on a line", "not_sent")
    known = {"do", "wait_s"}
    unknown = sorted(str(name) for name in asked if name not in known)
    if unknown:
        message = f"{unknown[0]} is not a field here"
        return Rejected("UNKNOWN_FIELD", message, "not_sent", unknown[0])
    if asked.get("do") != "drain":
        shown = str(asked.get("do"))[:64]
        return Rejected("UNKNOWN_OP", f"do {shown} must be: drain", "not_sent", "do", shown)
    wait_s = asked.get("wait_s")
    is_number = isinstance(wait_s, int | float) and not isinstance(wait_s, bool)
    if not is_number or not 0 <= float(str(wait_s)) <= WAIT_MAX_S:
        shown = str(wait_s)[:64]
        message = f"wait_s {shown} must be: seconds from 0 to {WAIT_MAX_S:.0f}"
        return Rejected("INVALID_VALUE", message, "not_sent", "wait_s", shown)
    return None


async def _tell(writer: asyncio.StreamWriter, said: Mapping[str, object]) -> None:
    writer.write(json.dumps(said).encode() + b"\n")
    async with asyncio.timeout(REQUEST_TIMEOUT_S):
        await writer.drain()


def _user_of(peer: Any) -> str:  # noqa: ANN401  # asyncio's stand-in for a socket
    """Return who is at the other end, as the kernel says."""
    form = "3i"
    _, user, _ = struct.unpack(
        form, peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize(form))
    )
    return f"uid {user}"


@contextlib.asynccontextmanager
async def controlled(node: Drained, directory: Path) -> AsyncIterator[None]:
    """Listen in `directory` while the body runs.

    Where there can be no socket, on some file systems of other machines, the log says so, and the
    node can be stopped by signals alone.
    """
    control = Control(node)
    with short_path(directory) as path:
        try:
            listening = _bound(path)
        except OSError as error:
            logger("node").warning("control_not_there", file=SOCKET_NAME, reason=error.strerror)
            yield
            return
        server = await asyncio.start_unix_server(
            control.serve, sock=listening, limit=LINE_BYTES_MAX
        )
        try:
            yield
        finally:
            server.close()
            with contextlib.suppress(FileNotFoundError):
                path.unlink()


def _bound(path: Path) -> socket.socket:
    """Return a socket of that name, for its owner alone. Raises `OSError`."""
    with contextlib.suppress(FileNotFoundError):
        # Left behind by a node that was killed: this one holds the journal's lock.
        path.unlink()
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.setblocking(False)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
    except OSError:
        listening.close()
        raise
    finally:
        os.umask(before)
    return listening


@contextlib.contextmanager
def short_path(directory: Path) -> Iterator[Path]:
    """Give the socket's path in a form that is short enough, however deep the directory is."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield Path(f"/proc/self/fd/{fd}") / SOCKET_NAME
    finally:
        os.close(fd)
