"""The driver, with a core that is told when its log is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from coulisse import _core
from coulisse.domain.errors import NodeFailed
from coulisse.domain.schema import parse_schema
from coulisse.engine.driver import COMMANDS_MAX, TICK_INTERVAL_S, Driver
from coulisse.engine.ports import Session, Timer

SCHEMA = parse_schema(
    '{"commands":[{"number":5,"name":"AccountCreate","doc":"","fields":'
    '[{"name":"name","type":"text","doc":""}]}],'
    '"events":[{"number":8,"name":"AccountCreated","doc":"","fields":'
    '[{"name":"account","type":"account_id","doc":""}]}],'
    '"rejects":[],"enums":{},"limits":{}}'
)
CREATED = b"\x08\x00\x04\x00\x07\x00\x00\x00"


class HeldCore:
    """A core whose answers wait until `release`."""

    eventfd = 99
    people_fd = 98
    seq = 0
    durable_seq = 0

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.due: list[bool] = []
        self.fault_at_close: str | None = None
        self.held: list[Callable[[], None]] = []
        self.on_fatal: Callable[[str], None] | None = None
        self.sent: list[tuple[int, bytes, int, int]] = []

    def attach(
        self,
        call_soon: Callable[[Callable[[], None]], object],
        on_fatal: Callable[[str], None],
        loop_fd: int | None = None,
    ) -> None:
        self.on_fatal = on_fatal

    def on_durable(self) -> None:
        self.calls.append("on_durable")

    def on_people(self) -> None:
        self.calls.append("on_people")

    def tick(self) -> bool:
        self.calls.append("tick")
        return self.due.pop(0) if self.due else False

    def publish(self) -> None:
        self.calls.append("publish")

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
        self.seq += 1
        seq = self.seq
        self.sent.append((kind, body, account, request_id))
        self.held.append(lambda: done(seq, CREATED))

    def hold(self, done: Callable[[], None]) -> None:
        self.held.append(done)

    def session(self, account: str, on_message: Callable[[bytes], None]) -> Session:
        raise NotImplementedError

    def go_away(self, reason: str, *, is_now: bool = True) -> None:
        self.calls.append(f"go_away {reason}" if is_now else f"will go away {reason}")

    def close(self) -> None:
        self.calls.append("close")
        if self.fault_at_close is not None:
            raise RuntimeError(self.fault_at_close)

    def release(self) -> None:
        held, self.held = self.held, []
        for done in held:
            done()


class HandLoop:
    """A loop whose turns and timers come by hand."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], object]] = []
        self.timers: list[Callable[[], object]] = []
        self.waited_s = 0.0
        self.readers: dict[int, Callable[[], object]] = {}

    def call_soon(self, callback: Callable[[], object]) -> object:
        self.soon.append(callback)
        return None

    def turn(self) -> None:
        soon, self.soon = self.soon, []
        for callback in soon:
            callback()

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        self.timers.append(callback)
        self.waited_s += delay
        timers = self.timers

        class Armed:
            def cancel(self) -> None:
                timers.remove(callback)

        return Armed()

    def add_reader(self, fd: int, callback: Callable[[], object]) -> object:
        self.readers[fd] = callback
        return None

    def remove_reader(self, fd: int) -> object:
        return self.readers.pop(fd)


def a_driver() -> tuple[Driver, HeldCore, HandLoop, list[str]]:
    core, loop, faults = HeldCore(), HandLoop(), list[str]()
    driver = Driver(core, SCHEMA, faults.append)
    driver.attach(loop)
    return driver, core, loop, faults


async def test_a_command_answers_only_once_it_is_durable() -> None:
    driver, core, _, _ = a_driver()
    asking = asyncio.get_running_loop().create_task(
        driver.command("AccountCreate", {"name": "a"}, request_id=3)
    )
    await asyncio.sleep(0)
    assert core.sent == [(5, b"\x01a", 0, 3)] and not asking.done()
    core.release()
    seq, events = await asking
    assert seq == 1 and [(event.name, event["account"]) for event in events] == [
        ("AccountCreated", 7)
    ]


async def test_a_read_waits_for_what_it_may_have_seen() -> None:
    driver, core, _, _ = a_driver()
    core.seq = 41
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(driver.durable())
        await asyncio.sleep(0)
        core.seq = 42
        assert not reading.done()
        core.release()
    assert reading.result() == 41


async def test_a_cancelled_wait_leaves_the_others_alone() -> None:
    driver, core, _, _ = a_driver()
    async with asyncio.TaskGroup() as group:
        given_up = group.create_task(driver.durable())
        patient = group.create_task(driver.durable())
        await asyncio.sleep(0)
        given_up.cancel()
        await asyncio.sleep(0)
        core.release()
    assert given_up.cancelled() and patient.done()


async def test_a_fatal_fault_reaches_everyone_who_waits_and_the_node_once() -> None:
    driver, core, loop, faults = a_driver()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(refused(driver.durable()))
        await asyncio.sleep(0)
        assert core.on_fatal is not None
        core.on_fatal("fsync: EIO")
        core.on_fatal("fsync: EIO")
    assert waiting.result() == "fsync: EIO"
    assert faults == ["fsync: EIO"] and driver.failure == "fsync: EIO"
    assert await refused(driver.durable()) == "fsync: EIO"
    loop.timers.pop()()
    assert "publish" not in core.calls and loop.timers == []


async def refused(waiting: object) -> str:
    with pytest.raises(NodeFailed) as caught:
        await waiting  # type: ignore[misc]
    return str(caught.value)


async def test_feeds_are_published_by_a_timer_that_arms_itself() -> None:
    driver, core, loop, _ = a_driver()
    for _ in range(3):
        loop.timers.pop()()
    assert core.calls == ["tick", "publish", "tick", "tick", "publish"] and len(loop.timers) == 1
    driver.close()
    assert loop.timers == []


async def test_the_core_is_told_of_a_second_as_often_as_it_counts() -> None:
    driver, core, loop, _ = a_driver()
    while loop.waited_s < 3 - TICK_INTERVAL_S / 2:
        loop.timers.pop()()
    assert core.calls.count("publish") == 3 * _core.PUBLICATIONS_PER_S
    driver.close()


async def test_the_eventfd_releases_what_waited() -> None:
    _, core, loop, _ = a_driver()
    loop.readers[99]()
    assert core.calls == ["on_durable"]


async def test_closing_is_announced_before_and_lets_go_of_the_loop() -> None:
    driver, core, loop, _ = a_driver()
    driver.announce_end("the node stops soon")
    driver.go_away("the node stops")
    driver.close()
    driver.close()
    said = ["will go away the node stops soon", "go_away the node stops"]
    assert core.calls == [*said, "close", "close"] and loop.readers == {}


async def test_only_so_many_commands_may_wait() -> None:
    driver, _, _, _ = a_driver()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(driver.durable()) for _ in range(COMMANDS_MAX)]
        await asyncio.sleep(0)
        assert "wait already" in await refused(driver.durable())
        for task in tasks:
            task.cancel()


async def test_a_journal_that_fails_as_it_is_closed_is_told_once_and_in_one_line() -> None:
    driver, core, _, faults = a_driver()
    core.fault_at_close = "no space left"
    with pytest.raises(NodeFailed, match="JOURNAL_IO: no space left"):
        driver.close()
    assert driver.failure is not None
    driver, core, _, faults = a_driver()
    core.fault_at_close = "no space left"
    assert core.on_fatal is not None
    core.on_fatal("JOURNAL_IO: no space left")
    driver.close()
    assert faults == ["JOURNAL_IO: no space left"]


async def test_what_one_turn_does_not_do_of_what_is_due_is_done_in_the_next_turns() -> None:
    driver, core, loop, _ = a_driver()
    core.due = [True, True, False]
    loop.timers.pop()()
    assert core.calls == ["tick", "publish"]
    # The timer leaves it to the turns that are to come.
    loop.timers.pop()()
    assert core.calls == ["tick", "publish"]
    loop.turn()
    assert core.calls[2:] == ["tick"]
    loop.turn()
    loop.turn()
    assert core.calls[2:] == ["tick", "tick"] and core.due == []
    loop.timers.pop()()
    assert core.calls[4:] == ["tick", "publish"]
    driver.close()


async def test_nothing_is_done_for_what_is_due_once_the_journal_failed_or_the_driver_closed() -> (
    None
):
    driver, core, loop, _ = a_driver()
    core.due = [True] * 9
    loop.timers.pop()()
    assert core.on_fatal is not None
    core.on_fatal("fsync: EIO")
    loop.turn()
    loop.timers.pop()()
    assert core.calls == ["tick", "publish"]
    driver, core, loop, _ = a_driver()
    core.due = [True] * 9
    loop.timers.pop()()
    driver.close()
    loop.turn()
    assert core.calls == ["tick", "publish", "close"]
