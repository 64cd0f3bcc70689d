"""Real servers for tests: processes found by their ready line alone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ..conftest import BESIDE_HOME
from .beside import result_in

if TYPE_CHECKING:
    from .book_watch import Watched
    from .silent_peers import Seen

READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
MASTER_KEY = "5a" * 32
COMMAND = [sys.executable, "-m", "coulisse"]


@dataclass
class Server:
    """A running `coulisse` process."""

    process: subprocess.Popen[str]
    http: str
    ws: str
    pid: int
    data_dir: Path
    credentials: Path | None
    environ: dict[str, str]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal; return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(STOP_TIMEOUT_S)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        return code

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command against this server."""
        environ = {**self.environ, "COULISSE_KEY_FILE": str(self.credentials)}
        return subprocess.run(
            [*COMMAND, *arguments], env=environ, capture_output=True, text=True, timeout=60
        )


Start = Callable[..., Server]


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment in which nothing of the user's own is found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COULISSE_")}
    state = home / "state"
    own = {"HOME": str(home), "XDG_STATE_HOME": str(state)}
    # A process that no test but those of the time series looks at: each start is so much cheaper.
    own["COULISSE_SERIES__DATABASE"] = "off"
    return {**kept, **own, "COULISSE_SECRETS__MASTER_KEY": MASTER_KEY, **more}


def launch(
    arguments: Sequence[str],
    environ: dict[str, str],
    cwd: Path,
    command: Sequence[str] = COMMAND,
) -> Server:
    """Start a server and wait for its ready line."""
    process = subprocess.Popen(
        [*command, *arguments, "--json"],
        env=environ, cwd=cwd, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        line = first_line(process)
    except BaseException:
        # The time of the test is over: nobody else knows of this process.
        process.kill()
        raise
    ready = json.loads(line)
    assert ready["ready"] is True
    credentials = ready["credentials"]
    return Server(
        process=process,
        http=ready["http"],
        ws=ready["ws"],
        pid=ready["pid"],
        data_dir=Path(ready["data_dir"]),
        credentials=None if credentials is None else Path(credentials),
        environ=environ,
    )


def first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line of stdout; a process that dies first fails with what it said."""
    assert process.stdout is not None and process.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        found = selector.select(READY_TIMEOUT_S)
    line = process.stdout.readline() if found else ""
    if not line:
        process.kill()
        _, said = process.communicate()
        pytest.fail(f"no ready line; stderr: {said}")
    return line


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start servers that end with the test."""
    servers: list[Server] = []

    def begin(*arguments: str, **more: str) -> Server:
        server = launch(arguments, environment(tmp_path, **more), tmp_path)
        servers.append(server)
        return server

    yield begin
    for server in servers:
        server.process.kill()
        server.stop(signal.SIGKILL)


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One demo for the tests that leave it as lively as they found it."""
    home = tmp_path_factory.mktemp("demo")
    server = launch(["demo", "--port", "0", "--seed", "7"], environment(home), home)
    yield server
    server.process.kill()
    server.stop(signal.SIGKILL)


class Proxy:
    """A TCP relay that can cut its connections, and keep back what the server says."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.holds_answers = False
        self._relays = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.port = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        # Relays end by themselves once both their ends are cut.
        await self._idle.wait()

    @property
    def url(self) -> str:
        """The address to give to a client."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Cut every connection."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._relays += 1
        self._idle.clear()
        try:
            await self._connect(reader, writer)
        finally:
            self._relays -= 1
            if self._relays == 0:
                self._idle.set()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, far_writer}
        with contextlib.suppress(OSError):
            await asyncio.gather(
                self._pump(reader, far_writer, answers=False),
                self._pump(far_reader, writer, answers=True),
            )
        self._writers -= {writer, far_writer}
        for done in (writer, far_writer):
            done.transport.abort()

    async def _pump(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while data := await source.read(65_536):
            if not (answers and self.holds_answers):
                sink.write(data)
                await sink.drain()
        sink.transport.abort()


@pytest.fixture
async def proxy(demo: Server) -> AsyncIterator[Proxy]:
    """A relay in front of the demo."""
    host, port = demo.http.removeprefix("http://").split(":")
    async with Proxy(host, int(port)) as relay:
        yield relay


@pytest.fixture
def watched(request: pytest.FixtureRequest) -> Watched:
    """What the watch that began with the session has found."""
    from .book_watch import Watched  # it is made of what stands here

    return Watched(**json.loads(result_in(request.config.stash[BESIDE_HOME] / "book_watch")))


@pytest.fixture
def seen_of_silent_peers(request: pytest.FixtureRequest) -> Seen:
    """What the peers that went silent when the session began have shown."""
    from .silent_peers import Seen, can_have_networks

    if not can_have_networks():
        pytest.skip("no network namespace can be made here")
    return Seen(**json.loads(result_in(request.config.stash[BESIDE_HOME] / "silent_peers")))
