"""Plain connections: order, bounds, ends. Connections are objects that remember what was sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import cast

from coulisse import _core
from coulisse.domain.outcomes import Rejected
from coulisse.gateway.plain import FRAMES_MAX, PlainHub

Frame = dict[str, object]


class Ear:
    """What the hub uses of a connection."""

    def __init__(self) -> None:
        self.heard: list[Frame] = []
        self._news = asyncio.Event()

    def send_text(self, text: bytes) -> None:
        self.heard.append(json.loads(text))
        self._news.set()

    async def has_heard(self, count: int) -> None:
        while len(self.heard) < count:
            self._news.clear()
            await self._news.wait()


def as_conn(ear: Ear) -> _core.Conn:
    return cast(_core.Conn, ear)


def a_frame(number: int) -> bytes:
    return json.dumps({"event": "n", "data": {"n": number}}).encode()


class Hub:
    """A hub whose handler waits for `go`."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.go = asyncio.Event()
        self.handled: list[object] = []
        self.refuses: Rejected | None = None
        self.hub = PlainHub(self.handle)
        self.hub.start(lambda work: group.create_task(self.run(work)))

    async def run(self, work: Awaitable[None]) -> None:
        await work

    async def handle(self, event: str, data: Frame) -> Rejected | None:
        await self.go.wait()
        self.handled.append(data["n"])
        return self.refuses


async def test_frames_of_a_connection_are_handled_in_order_even_after_it_has_gone() -> None:
    async with asyncio.TaskGroup() as group:
        hub, ear = Hub(group), Ear()
        hub.hub.opened(as_conn(ear))
        for number in range(5):
            hub.hub.message(as_conn(ear), a_frame(number))
        hub.hub.closed(as_conn(ear))
        hub.go.set()
    assert hub.handled == [0, 1, 2, 3, 4]


async def test_a_full_queue_is_answered_and_nothing_grows() -> None:
    async with asyncio.TaskGroup() as group:
        hub, ear = Hub(group), Ear()
        hub.hub.opened(as_conn(ear))
        await asyncio.sleep(0)
        for number in range(FRAMES_MAX + 1):
            hub.hub.message(as_conn(ear), a_frame(number))
        assert [frame["event"] for frame in ear.heard] == ["error"]
        assert isinstance(ear.heard[0]["data"], dict)
        assert ear.heard[0]["data"]["code"] == "OVERLOADED"
        hub.go.set()
        hub.hub.stop()


async def test_a_broadcast_reaches_whoever_is_open() -> None:
    async with asyncio.TaskGroup() as group:
        hub, ears = Hub(group), [Ear(), Ear(), Ear()]
        for ear in ears:
            hub.hub.opened(as_conn(ear))
        hub.hub.closed(as_conn(ears[1]))
        hub.hub.broadcast("news", {"a": 1})
        hub.hub.stop()
    assert [ear.heard for ear in ears] == [
        [{"event": "news", "data": {"a": 1}}], [], [{"event": "news", "data": {"a": 1}}],
    ]  # fmt: skip


async def test_what_the_handler_refuses_is_told_to_the_sender_alone() -> None:
    async with asyncio.TaskGroup() as group:
        hub, sender, other = Hub(group), Ear(), Ear()
        hub.refuses = Rejected("UNKNOWN_OP", "no")
        hub.go.set()
        for ear in (sender, other):
            hub.hub.opened(as_conn(ear))
        hub.hub.message(as_conn(sender), a_frame(1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        hub.hub.stop()
    assert [frame["event"] for frame in sender.heard] == ["error"] and other.heard == []


async def test_a_frame_of_nobody_is_dropped() -> None:
    async with asyncio.TaskGroup() as group:
        hub, ear = Hub(group), Ear()
        hub.hub.message(as_conn(ear), a_frame(1))
        assert ear.heard == []


async def test_a_handler_that_fails_is_told_to_the_sender_and_ends_nothing() -> None:
    faults: list[BaseException] = [ZeroDivisionError(), asyncio.CancelledError()]

    async def handle(event: str, data: Frame) -> Rejected | None:
        if faults:
            raise faults.pop()
        return Rejected("UNKNOWN_OP", "no", value="\ud800")

    async with asyncio.TaskGroup() as group:
        hub, ear = PlainHub(handle), Ear()
        hub.start(lambda work: group.create_task(run(work)))
        hub.opened(as_conn(ear))
        for number in range(3):
            hub.message(as_conn(ear), a_frame(number))
        async with asyncio.timeout(10):
            await ear.has_heard(3)
        hub.stop()
    codes = [cast(Frame, frame["data"])["code"] for frame in ear.heard]
    assert codes == ["INTERNAL", "INTERNAL", "UNKNOWN_OP"]


async def test_a_number_beyond_all_bounds_and_half_a_surrogate_pair_are_answered() -> None:
    async with asyncio.TaskGroup() as group:
        hub, ear = Hub(group), Ear()
        hub.hub.opened(as_conn(ear))
        hub.hub.message(as_conn(ear), b'{"event":"a","data":{"x":1e99999999999999999999}}')
        hub.hub.message(as_conn(ear), rb'{"event":"\ud800"}')
        hub.hub.stop()
    assert [cast(Frame, frame["data"])["code"] for frame in ear.heard] == ["BAD_JSON", "BAD_JSON"]


async def run(work: Awaitable[None]) -> None:
    await work
