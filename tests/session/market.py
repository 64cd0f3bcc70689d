"""A core inside the test, with two rich accounts and one instrument, on the running loop."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from coulisse import _core
from coulisse.domain.schema import schema
from coulisse.engine.driver import Driver
from tests.model.codec import Message, decode_events, encode_body, number
from tests.session.twin import MARKET

TIMEOUT_S = 20.0
ALICE, BOB = 1, 2


@dataclass
class Market:
    """A core with two rich accounts, on the running loop."""

    disk: _core.SimDisk = field(default_factory=_core.SimDisk)
    told: dict[int, list[Message]] = field(default_factory=dict)
    feed: list[dict[str, Any]] = field(default_factory=list)
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    ticked: int = 0

    def __post_init__(self) -> None:
        self.core = _core.Core(disk=self.disk, segment_bytes=1 << 20)
        self.driver = Driver(self.core, schema(), pytest.fail)
        self.loop = asyncio.get_running_loop()
        self.fd = -1

    def drive(self) -> None:
        """Attach the core by hand: nothing ticks but what the test lets tick."""
        self.core.attach(self.loop.call_soon, pytest.fail)
        self.fd = self.core.eventfd
        self.loop.add_reader(self.fd, self.core.on_durable)

    async def fill(self) -> None:
        """List the instrument and fund the accounts."""
        for command in MARKET:
            await self.send(command)
        for account in (ALICE, BOB):
            for asset in (1, 2):
                await self.send(Message("Deposit", asset=asset, amount=10**15), account)
        self.session = self.core.session("alice", self._hear)
        self.session.request(b'{"op":"subscribe","params":{"channel":"orders"}}')

    def _hear(self, text: bytes) -> None:
        self.feed.append(json.loads(text))
        self.moved.set()

    def post(self, command: Message, account: int = 0) -> int:
        """Send a command; return the number to ask for its events by."""
        ticket = len(self.told)
        self.told[ticket] = []

        def done(_seq: int, events: bytes) -> None:
            self.told[ticket] = decode_events(events)
            self.moved.set()

        self.core.command(number(command.kind), encode_body(command), done, account=account)
        return ticket

    async def send(self, command: Message, account: int = 0) -> list[Message]:
        """Send a command; return its events once they are durable."""
        ticket = self.post(command, account)
        await self.until(lambda: bool(self.told[ticket]))
        return self.told[ticket]

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not reached():
                self.moved.clear()
                await self.moved.wait()

    def ends(self) -> list[str]:
        """Why alice's orders ended, in order."""
        items = [item for message in self.feed if "items" in message for item in message["items"]]
        return [item["reason"] for item in items if item.get("state") in ("expired", "cancelled")]

    def follow(self) -> int:
        """Follow the log with a replica, which compares all that the core said; return its seq."""
        replica = _core.Replica(disk=self.disk)
        while replica.catch_up(1_000):
            pass
        assert replica.compared_seq == replica.seq
        return replica.seq


async def a_market(*, driven: bool = False) -> Market:
    market = Market()
    if driven:
        market.driver.attach(market.loop)
    else:
        market.drive()
    await market.fill()
    return market
