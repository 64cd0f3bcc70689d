"""Processes beside the node, over all their lives: when one that died is started again.

The projector and the gateway workers are such processes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Final

BACKOFF_FIRST_S: Final = 0.5
BACKOFF_MAX_S: Final = 60.0
STEADY_S: Final = 60.0
"""After so long a life the next restart is quick again."""


class Backoff:
    """How long to wait before the next life."""

    def __init__(self) -> None:
        """Begin with a short wait."""
        self._next_s = BACKOFF_FIRST_S

    def after(self, lived_s: float) -> float:
        """Return the wait after a life of so many seconds: a steady one makes it short again."""
        wait_s = BACKOFF_FIRST_S if lived_s >= STEADY_S else self._next_s
        self._next_s = min(wait_s * 2, BACKOFF_MAX_S)
        return wait_s


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait until `stopping` is set, but not longer than that."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stopping.wait()


@contextlib.contextmanager
def lone_faults() -> Iterator[None]:
    """Raise the one exception of a group as itself: a group of one says less."""
    try:
        yield
    except BaseExceptionGroup as faults:
        if len(faults.exceptions) == 1:
            raise faults.exceptions[0] from None
        raise
