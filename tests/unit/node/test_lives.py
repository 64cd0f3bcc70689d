"""When a process beside the node is started again."""

from __future__ import annotations

import asyncio

import pytest

from coulisse.node.lives import (
    BACKOFF_FIRST_S,
    BACKOFF_MAX_S,
    STEADY_S,
    Backoff,
    lone_faults,
    pause,
)


def test_waits_double_up_to_a_bound_and_a_steady_life_makes_them_short_again() -> None:
    backoff = Backoff()
    waits = [backoff.after(0.0) for _ in range(9)]
    assert waits[:3] == [BACKOFF_FIRST_S, 2 * BACKOFF_FIRST_S, 4 * BACKOFF_FIRST_S]
    assert waits[-2:] == [BACKOFF_MAX_S, BACKOFF_MAX_S]
    assert [backoff.after(STEADY_S), backoff.after(0.0)] == [BACKOFF_FIRST_S, 2 * BACKOFF_FIRST_S]


async def test_a_pause_ends_with_its_time_or_with_the_stop() -> None:
    stopping = asyncio.Event()
    await pause(stopping, 0.001)
    assert not stopping.is_set()
    stopping.set()
    async with asyncio.timeout(10):
        await pause(stopping, 1_000.0)


def test_a_lone_fault_is_raised_as_itself_and_several_as_a_group() -> None:
    with pytest.raises(KeyError), lone_faults():
        raise BaseExceptionGroup("tasks", [KeyError("a")])
    with pytest.raises(BaseExceptionGroup), lone_faults():
        raise BaseExceptionGroup("tasks", [KeyError("a"), OSError("b")])
