"""Requests inside the process, with a session that answers by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from coulisse.domain.errors import NodeFailed
from coulisse.domain.outcomes import Rejected
from coulisse.engine.requests import REQUESTS_MAX, Requests


class HandSession:
    def __init__(self, on_message: Callable[[bytes], None]) -> None:
        self.say = on_message
        self.heard: list[dict[str, object]] = []
        self.closed = 0

    def request(self, text: bytes) -> None:
        self.heard.append(json.loads(text))

    def close(self) -> None:
        self.closed += 1

    def answer(self, **reply: object) -> None:
        self.say(json.dumps(reply).encode())


def a_session() -> tuple[Requests, HandSession, list[dict[str, object]]]:
    opened: list[HandSession] = []
    fed: list[dict[str, object]] = []

    def open_session(on_message: Callable[[bytes], None]) -> HandSession:
        opened.append(HandSession(on_message))
        return opened[0]

    requests = Requests(open_session, fed.append)
    return requests, opened[0], fed


async def test_replies_find_their_requests_in_any_order() -> None:
    requests, session, _ = a_session()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(requests.call("a", {"n": 1}))
        second = group.create_task(requests.call("b", {}))
        await asyncio.sleep(0)
        session.answer(id=2, ok=False, error={"code": "NO", "message": "m", "state": "rejected"})
        session.answer(id=1, ok=True, result={"seq": 5})
    assert first.result() == {"seq": 5}
    assert second.result() == Rejected("NO", "m")
    assert session.heard[0] == {"id": 1, "op": "a", "params": {"n": 1}}


async def test_feed_messages_go_to_the_feed() -> None:
    _, session, fed = a_session()
    session.answer(ch="orders", items=[])
    assert fed == [{"ch": "orders", "items": []}]


async def test_a_posted_request_is_heard_of_only_when_it_is_refused() -> None:
    requests, session, _ = a_session()
    refused: list[Rejected] = []
    requests.post("a", {}, refused.append)
    requests.post("b", {}, refused.append)
    session.answer(id=1, ok=True, result={})
    session.answer(id=2, ok=False, error={"code": "NO", "message": "m", "state": "rejected"})
    assert [rejected.code for rejected in refused] == ["NO"]


async def test_closing_ends_every_wait_and_refuses_more() -> None:
    requests, session, _ = a_session()
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(ends(requests))
        await asyncio.sleep(0)
        requests.close("gone")
        requests.close("gone")
    assert waiting.result() == "gone" and session.closed == 1
    with pytest.raises(NodeFailed):
        await requests.call("a", {})


async def ends(requests: Requests) -> str:
    with pytest.raises(NodeFailed) as caught:
        await requests.call("a", {})
    return str(caught.value)


async def test_only_so_many_requests_may_wait() -> None:
    requests, _, _ = a_session()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(requests.call("a", {})) for _ in range(REQUESTS_MAX)]
        await asyncio.sleep(0)
        over = await requests.call("a", {})
        assert isinstance(over, Rejected) and (over.code, over.state) == ("OVERLOADED", "not_sent")
        for task in tasks:
            task.cancel()
