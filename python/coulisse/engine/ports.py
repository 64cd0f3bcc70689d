"""What the engine needs of the world, as Protocols: tests pass plain objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Something that will be called, unless it is cancelled."""

    def cancel(self) -> None:
        """Forget it."""


class Loop(Protocol):
    """The part of an event loop that the driver uses."""

    def call_soon(self, callback: Callable[[], object]) -> object:
        """Call it in the next tick."""

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call it after `delay` seconds."""

    def add_reader(self, fd: int, callback: Callable[[], object]) -> object:
        """Call it whenever `fd` is readable."""

    def remove_reader(self, fd: int) -> object:
        """Stop that."""


class Session(Protocol):
    """A logged-on session inside the process."""

    def request(self, text: bytes) -> None:
        """Take one request."""

    def close(self) -> None:
        """End it."""


class Core(Protocol):
    """The part of the core that the driver uses."""

    @property
    def eventfd(self) -> int:
        """Readable when the durable seq has moved."""

    @property
    def people_fd(self) -> int:
        """Readable when passwords were hashed."""

    @property
    def seq(self) -> int:
        """The last seq applied."""

    @property
    def durable_seq(self) -> int:
        """The last durable seq."""

    def attach(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        on_fatal: Callable[[str], None],
        loop_fd: int | None = None,
    ) -> None:
        """Name the loop, whom to tell of a fatal fault, and what is readable when the loop is."""

    def on_durable(self) -> None:
        """Release what waited."""

    def on_people(self) -> None:
        """Go on with what waited for passwords."""

    def tick(self) -> bool:
        """Do what is due by now; return whether more is."""

    def publish(self) -> None:
        """Send the feeds."""

    def command(
        self,
        kind: int,
        body: bytes,
        done: Callable[[int, bytes], None],
        *,
        account: int = 0,
        key: int = 0,
        request_id: int = 0,
    ) -> None:
        """Submit a command."""

    def hold(self, done: Callable[[], None]) -> None:
        """Call `done` once all that is applied now is durable."""

    def session(self, account: str, on_message: Callable[[bytes], None]) -> Session:
        """Open a session inside the process."""

    def go_away(self, reason: str, *, is_now: bool = True) -> None:
        """Announce the stop; if it is now, refuse new commands."""

    def close(self) -> None:
        """Close the journal."""


class WorkersOf(Protocol):
    """The part of the core that its gateway workers attach to."""

    def serve_workers(self) -> int:
        """Let workers attach; return what is readable when they have news."""

    def on_workers(self) -> None:
        """Take what they sent."""
