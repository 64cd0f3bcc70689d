"""How long things took, counted as the core counts it: under fixed bounds in µs."""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from typing import Final

from coulisse import _core

LOOK_INTERVAL_S: Final = 0.1


class Times:
    """Counts under each of `_core.TIME_BOUNDS_US` and beyond; behind them the sum in µs."""

    def __init__(self) -> None:
        """Count nothing yet."""
        self.counts = [0] * (len(_core.TIME_BOUNDS_US) + 2)

    def add(self, seconds: float) -> None:
        """Count one time; a negative one is none."""
        us = max(0, round(seconds * 1e6))
        self.counts[bisect_left(_core.TIME_BOUNDS_US, us)] += 1
        self.counts[-1] += us


class LoopDelay:
    """How late the running loop calls a timer: what it does at one time holds up all else."""

    def __init__(self) -> None:
        """Look at nothing yet."""
        self.times = Times()

    async def watch(self, stopping: asyncio.Event) -> None:
        """Look until the node stops."""
        while not stopping.is_set():
            due_s = time.monotonic() + LOOK_INTERVAL_S
            try:
                async with asyncio.timeout(LOOK_INTERVAL_S):
                    await stopping.wait()
            except TimeoutError:
                self.times.add(time.monotonic() - due_s)
