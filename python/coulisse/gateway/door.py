"""The door: how many connections there may be, and what happens at the limit.

At the limit the listeners accept no more: who comes waits in the kernel's queue until another has
gone. The loop may have accepted a few by then; they are told to come again. The limit is below what
the process may open, so that the journal, the log and the projector can always open what they need,
and no session is harmed by those who want to be one.

Invariant: each transport counts once, from its first protocol to the end of its last.
"""

from __future__ import annotations

import asyncio
import json
import resource
from collections import Counter
from collections.abc import Callable

from coulisse.domain.outcomes import Rejected
from coulisse.gateway.listener import BACKLOG

DESCRIPTORS_RESERVED = 128
"""Descriptors that are no connection's: segments of the journal, libraries, pipes, listeners."""
CONNECTIONS_MIN = 16
"""A process that may open very little still serves so many."""
RETRY_AFTER_S = 1


class Door:
    """Counts the connections of a node, over all its listeners."""

    def __init__(self, connections_max: int, per_address_max: int) -> None:
        """Let in so many; of one address no more than `per_address_max` (0: as many as of all)."""
        self.connections_max = min(connections_max, _connections_for_descriptors())
        self._per_address_max = per_address_max
        self._open: dict[int, str] = {}
        self._of: Counter[str] = Counter()
        self._pause: list[Callable[[], object]] = []
        self._resume: list[Callable[[], object]] = []
        self._is_paused = False
        self._pauses = 0
        self._refused = 0

    def attach(self, pause: Callable[[], object], resume: Callable[[], object]) -> None:
        """Call these when a listener must accept no more, and when it may again."""
        self._pause.append(pause)
        self._resume.append(resume)

    def admit(self, transport: asyncio.Transport) -> bool:
        """Count a new connection; where it may not stay, answer and close it."""
        address = _address(transport) if self._per_address_max else ""
        self._open[id(transport)] = address
        self._of[address] += 1
        if len(self._open) >= self.connections_max and not self._is_paused:
            self._is_paused = True
            self._pauses += 1
            for pause in self._pause:
                pause()
        if len(self._open) > self.connections_max:
            _refuse(transport, 503, f"{self.connections_max} connections are open already")
        elif self._per_address_max and self._of[address] > self._per_address_max:
            _refuse(transport, 429, f"{self._per_address_max} are open from this address already")
        else:
            return True
        self._refused += 1
        self.leave(transport)
        return False

    def leave(self, transport: asyncio.BaseTransport | None) -> None:
        """Forget a connection. Idempotent."""
        address = self._open.pop(id(transport), None)
        if address is None:
            return
        self._of[address] -= 1
        if self._of[address] == 0:
            del self._of[address]
        if self._is_paused and len(self._open) < self.connections_max:
            self._is_paused = False
            for resume in self._resume:
                resume()

    @property
    def open_count(self) -> int:
        """How many connections there are."""
        return len(self._open)

    def metrics(self) -> dict[str, int]:
        """Return the use of the limit."""
        return {
            "door_connections": len(self._open),
            "door_connections_max": self.connections_max,
            "door_pauses_total": self._pauses,
            "door_refused_total": self._refused,
        }


def _address(transport: asyncio.Transport) -> str:
    peer = transport.get_extra_info("peername")
    return str(peer[0]) if peer else ""


def _refuse(transport: asyncio.Transport, status: int, message: str) -> None:
    rejected = Rejected("OVERLOADED", message, "not_sent")
    body = json.dumps({"ok": False, "error": rejected.to_wire()}).encode()
    phrase = "Service Unavailable" if status == 503 else "Too Many Requests"
    transport.write(
        f"HTTP/1.1 {status} {phrase}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nRetry-After: {RETRY_AFTER_S}\r\n"
        "Connection: close\r\n\r\n".encode()
        + body
    )
    transport.close()


def _connections_for_descriptors() -> int:
    """Return how many connections this process has descriptors for; take as many as it may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return 1 << 30
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    # What the kernel's queue holds may be accepted in the very turn in which the limit is reached.
    spare = DESCRIPTORS_RESERVED + min(BACKLOG, hard // 4)
    return max(hard - spare, CONNECTIONS_MIN)
