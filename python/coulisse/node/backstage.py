"""Processes that stand back: whatever they have to do, the node and its clients come first.

It is done by who starts one, right behind its start: what it loads before its own first line is
some tenths of a second of work, and would be done on the processor of the core.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from typing import Final

from coulisse import _core

NICE_MAX: Final = 19


def stand_back(pid: int, nice: int, processors: Collection[int] = ()) -> None:
    """Let a process that was started just now run behind all others, on these processors alone.

    It is so much nicer than this one; without processors it runs where this one may. It goes on for
    a short time only where others wait, for who wakes waits until its turn is over.
    """
    with contextlib.suppress(ProcessLookupError):
        own = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, pid, min(own + nice, NICE_MAX))
        if processors:
            os.sched_setaffinity(pid, processors)
        _core.take_short_turns(pid)
