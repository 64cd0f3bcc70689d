"""Which processor runs what: the server on one, the load on another."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Processors:
    """The processors of a run; the same one twice where there is only one."""

    server: int
    load: int


def processors() -> Processors:
    """Pick the first and the last processor that this process may use."""
    usable = sorted(os.sched_getaffinity(0))
    return Processors(server=usable[0], load=usable[-1])


@contextlib.contextmanager
def pinned_to(cpu: int | None) -> Iterator[None]:
    """Run on one processor meanwhile: a child that is started inherits it, with all its threads."""
    if cpu is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {cpu})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
