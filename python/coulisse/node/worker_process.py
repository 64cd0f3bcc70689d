"""A gateway worker as a process: connections, sessions and REST over a replica of the core.

    python -m coulisse.node.worker_process < settings

The first line of its stdin is its settings, each further one what it is to say of the node; its
end is the end of the process: the node holds the other end, and a node that dies lets go of it.
On stdout it tells, one JSON object a line, that it listens, what it has counted, what went wrong.

Invariant: what it answers is durable, and what it says of the core is what the core said.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import signal
import sys
from collections.abc import Awaitable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import uvloop

from coulisse import _core
from coulisse.config import GatewayConfig, gateway_config
from coulisse.config.people import PeopleRules
from coulisse.domain.errors import CoulisseError, NodeFailed
from coulisse.domain.schema import schema
from coulisse.engine.driver import Driver
from coulisse.gateway.listener import Listener
from coulisse.gateway.plain import PlainHub
from coulisse.gateway.rest import Site
from coulisse.node.front import Conns, Front, no_plain_events
from coulisse.node.history import stored_history
from coulisse.node.lives import lone_faults, pause
from coulisse.node.series_reader import stored_series
from coulisse.telemetry.audit import AuditFile
from coulisse.telemetry.logs import set_up_logs
from coulisse.telemetry.metrics import Metrics, Reading, Values, of_workers
from coulisse.telemetry.times import LoopDelay

EXIT_FAILED: Final = 1
STATUS_INTERVAL_S: Final = 1.0
ANSWERS_TIMEOUT_S: Final = 5.0
"""How long the core may take to answer what is under way when the worker stops."""
ANSWERS_POLL_S: Final = 0.005
LINE_BYTES_MAX: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Settings:
    """What the node tells its worker."""

    number: int
    data_dir: str
    node: int
    durability: str
    gateway: Mapping[str, Any]
    """The fields of `GatewayConfig`, its port taken."""
    people: PeopleRules
    master_key: str | None
    demo_key: Mapping[str, str] | None
    series: str | None = None
    """Where the time series are, with its password."""
    store: str | None = None
    """Where history is, with its password."""

    def to_json(self) -> str:
        """Return the first line of its stdin."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: bytes) -> Self:
        """Read that line."""
        return cls(**json.loads(line))


class WorkerNode:
    """A running worker."""

    def __init__(
        self, settings: Settings, gateway: GatewayConfig, core: _core.Core, group: asyncio.TaskGroup
    ) -> None:
        """Put it together; `group` owns its tasks."""
        self.stopping = asyncio.Event()
        self.driver = Driver(core, schema(), self._on_fatal)
        self._core = core
        self._group = group
        self._settings = settings
        self._health: Mapping[str, object] = {}
        self._shared = Reading()
        self._delay = LoopDelay()
        self._drains = False
        site = Site(
            core=core,
            durable=self.driver.durable,
            metrics=Metrics(lambda: self._shared).text,
            health=self.health,
            demo_key=settings.demo_key,
            hosts=gateway.host_names,
            series=stored_series(settings.series, Path(settings.data_dir)),
        )
        self._history = stored_history(
            settings.store, Path(settings.data_dir), self._store_is_refused
        )
        name = f"audit-worker-{settings.number}.jsonl"
        audit = AuditFile(Path(settings.data_dir) / name)
        self._front = Front(core, gateway, site, self._spawn, audit)
        conns = Conns()
        self._listening = (Listener(gateway, conns), PlainHub(no_plain_events), conns)

    def health(self) -> tuple[bool, Mapping[str, object]]:
        """Return whether it takes orders, and the facts: the node's, and this worker's own."""
        ready = not (self.stopping.is_set() or self._drains) and self.driver.failure is None
        mine = {
            "ok": self.driver.failure is None,
            "ready": ready,
            "version": _core.VERSION,
            "node": self._settings.node,
            "durability": self._settings.durability,
            "seq": self._core.seq,
            "durable_seq": self._core.durable_seq,
            "worker": self._settings.number,
        }
        return ready, {**self._health, **mine}

    async def run(self, told: asyncio.StreamReader) -> None:
        """Serve until SIGTERM, the core's end or the node's. Raises `NodeFailed`."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.stopping.set)
        self.driver.attach(loop)
        if self._history is not None:
            self._history.attach(_core.History(self._core))
        hearing = self._group.create_task(self._hear(told))
        self._spawn(self._delay.watch(self.stopping))
        try:
            await self._front.listen(*self._listening)
            gc.collect()
            gc.freeze()
            say({"ready": True})
            await self._serve()
            self._front.close()
            if self.driver.failure is not None:
                raise NodeFailed(self.driver.failure)
            if not hearing.done():
                await self._finish()
        finally:
            # It waits for a node that may never say another word.
            hearing.cancel()
            if self._history is not None:
                self._history.close()
            self.driver.close()

    async def _serve(self) -> None:
        while not self.stopping.is_set():
            say({"metrics": self._counted()})
            say({"drains": self._drains, "connections": self._front.door.open_count})
            await pause(self.stopping, STATUS_INTERVAL_S)

    def _counted(self) -> Values:
        counted: Values = {**self._core.metrics(), **self._front.door.metrics()}
        return of_workers({**counted, "loop_delay_us": self._delay.times.counts})

    async def _finish(self) -> None:
        """Announce the stop, and answer what is under way."""
        self.driver.go_away("the node stops")
        with contextlib.suppress(TimeoutError, NodeFailed):
            async with asyncio.timeout(ANSWERS_TIMEOUT_S):
                # The core says when, and only to whoever asks.
                while self._core.unanswered > 0 and self.driver.failure is None:  # noqa: ASYNC110
                    await asyncio.sleep(ANSWERS_POLL_S)
                await self.driver.durable()
        await self._front.stop()

    async def _hear(self, told: asyncio.StreamReader) -> None:
        """Take what the node tells until it lets go: then there is nobody to answer for."""
        while line := await told.readline():
            said = json.loads(line)
            self._health, self._shared = said["health"], Reading.from_wire(said["metrics"])
            if said["drains"] and not self._drains:
                self._drains = True
                self._front.close_listeners()
                self.driver.announce_end(said["drains"])
        self.stopping.set()

    def _store_is_refused(self) -> bool:
        store = self._health.get("store")
        return isinstance(store, dict) and store.get("state") == "refused"

    def _spawn(self, work: Awaitable[None]) -> object:
        async def task() -> None:
            await work

        return self._group.create_task(task())

    def _on_fatal(self, reason: str) -> None:
        self.stopping.set()


def say(fields: Mapping[str, object]) -> None:
    """Tell the node; where nobody listens any more, the end is near."""
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(fields), flush=True)


async def live() -> None:
    """Run the worker. Raises `CoulisseError` and `CoreError`."""
    loop = asyncio.get_running_loop()
    told = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(told), sys.stdin)
    line = await told.readline()
    if not line:
        return
    settings = Settings.from_json(line)
    gateway = gateway_config(**settings.gateway)
    core = _core.Core.worker(
        data_dir=settings.data_dir,
        node=settings.node,
        number=settings.number,
        host=",".join(gateway.host_names),
        origins=",".join(gateway.origins),
        master_key=None if settings.master_key is None else bytes.fromhex(settings.master_key),
    )
    core.set_rules(**gateway.rules(), echo=gateway.echo)
    core.set_people(**settings.people)
    try:
        with lone_faults():
            async with asyncio.TaskGroup() as group:
                await WorkerNode(settings, gateway, core, group).run(told)
    finally:
        core.close()


def main() -> int:
    """Run the process; return its exit code."""
    # Who interrupts the node in a terminal interrupts its family too: the node decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    set_up_logs()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(live())
    except (CoulisseError, _core.CoreError, OSError) as error:
        say({"error": ": ".join(str(part) for part in error.args)})
        return EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
