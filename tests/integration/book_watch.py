"""A minute of demo flow, watched beside the tests: a client's book against the server's.

It is a process of its own, with its own demo, so that the other tests wait for nothing and share
nothing with it: it begins when pytest has collected the test that uses the fixture `watched`, and
that test, which runs last, reads what it found. It ends with the session, whatever ends that.
"""

from __future__ import annotations

import asyncio
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from coulisse import Client
from coulisse.client.feeds import BookFeed
from coulisse.client.local_book import LocalBook

from .conftest import Proxy, Server, environment, launch

SECONDS = 60
DEPTH = 50
ROOT = Path(__file__).parents[2]
END_TIMEOUT_S = SECONDS + 120.0
PID, OUTPUT = "pid", "output.txt"
Image = tuple[list[list[str]], list[list[str]]]


@dataclass(frozen=True, slots=True)
class Watched:
    """What a minute came to."""

    updates: int
    """Books that the client made of its image and deltas."""
    compared: int
    """Seqs at which the server was asked for its book too."""
    different_at: list[int]
    """Those of them at which the two differ."""
    reconnects: int
    resyncs: int
    """How often a checksum was wrong, or a delta did not fit."""


class BookWatch:
    """The process that watches, with its output and its pid in a folder."""

    def __init__(self, home: Path) -> None:
        with (home / OUTPUT).open("wb") as output:
            # It reads the end of its stdin when this process is gone, however it went.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.integration.book_watch", str(home)],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        (home / PID).write_text(str(self._process.pid))

    def end(self) -> None:
        """End it and its server, if they still run."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()


def result_in(home: Path) -> Watched:
    """Wait for the end of the watch of a folder, another process's child maybe; what it found."""
    with selectors.DefaultSelector() as selector:
        pid = os.pidfd_open(int((home / PID).read_text()))
        try:
            selector.register(pid, selectors.EVENT_READ)
            has_ended = bool(selector.select(END_TIMEOUT_S))
        finally:
            os.close(pid)
    output = (home / OUTPUT).read_text()
    assert has_ended, f"the watch has not ended:\n{output}"
    assert output.rpartition("\n")[0].endswith("}"), f"the watch found nothing:\n{output}"
    return Watched(**json.loads(output.splitlines()[-1]))


async def _follow(
    feed: BookFeed[LocalBook], seen: dict[int, Image], moved: asyncio.Event, until: float
) -> int:
    count = 0
    async for book in feed:
        seen[book.seq] = (book.level_texts("buy"), book.level_texts("sell"))
        count += 1
        moved.set()
        if time.monotonic() > until:
            break
    return count


async def _ask(http_url: str, found: dict[int, Image], moved: asyncio.Event, until: float) -> None:
    """Ask after each of the client's books: no more often, other tests run beside this."""
    async with httpx.AsyncClient(base_url=http_url) as http:
        while time.monotonic() < until:
            await moved.wait()
            moved.clear()
            body = (await http.get("/v1/book/BTC-USD", params={"depth": DEPTH})).json()
            found[body["seq"]] = (body["bids"], body["asks"])


async def _cut_twice(proxy: Proxy, client: Client, began: float) -> None:
    for moment in (began + SECONDS / 3, began + SECONDS * 2 / 3):
        # Trades come several times a second: a clock that does not sleep.
        async for _ in await client.trades("BTC-USD", "ETH-USD", "SOL-USD"):
            if time.monotonic() > moment:
                break
        proxy.cut()


async def _watch(demo: Server) -> Watched:
    host, port = demo.http.removeprefix("http://").split(":")
    seen: dict[int, Image] = {}
    found: dict[int, Image] = {}
    async with (
        Proxy(host, int(port)) as proxy,
        await Client.connect(proxy.url) as client,
        await Client.connect(demo.http) as watcher,
    ):
        feed = await client.book("BTC-USD", DEPTH)
        moved = asyncio.Event()
        began = time.monotonic()
        until = began + SECONDS
        async with asyncio.TaskGroup() as group:
            following = group.create_task(_follow(feed, seen, moved, until))
            group.create_task(_ask(demo.http, found, moved, until))
            group.create_task(_cut_twice(proxy, watcher, began))
        both = seen.keys() & found.keys()
        return Watched(
            updates=following.result(),
            compared=len(both),
            different_at=sorted(seq for seq in both if seen[seq] != found[seq]),
            reconnects=client.reconnect_count,
            resyncs=feed.resync_count,
        )


async def _parent_ended() -> None:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await reader.read()
    raise EOFError("the test session ended before the watch")


async def _watch_while_wanted(demo: Server) -> Watched:
    async with asyncio.TaskGroup() as group:
        parent = group.create_task(_parent_ended())
        watched = await _watch(demo)
        parent.cancel()
    return watched


def main(home: Path) -> None:
    """Watch a demo of its own, and print what was found as the last line."""
    demo = launch(["demo", "--port", "0", "--seed", "7"], environment(home), home)
    try:
        found = asyncio.run(_watch_while_wanted(demo))
    finally:
        demo.stop(signal.SIGKILL)
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
