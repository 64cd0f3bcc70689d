"""Builds a node: core, driver, listeners, REST, in the order that each needs the other.

`running(config)` is the whole life of a node: what it opened is closed again on every way out,
and what was acknowledged is durable by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import cast

from coulisse import _core
from coulisse.config import Config, GatewayConfig
from coulisse.domain.errors import ConfigError, NodeFailed
from coulisse.domain.outcomes import Rejected
from coulisse.domain.schema import schema
from coulisse.engine.driver import Driver
from coulisse.gateway.door import Door
from coulisse.gateway.http import HttpSide
from coulisse.gateway.listener import Listener
from coulisse.gateway.plain import PlainHub
from coulisse.gateway.protocol import conn_types
from coulisse.gateway.rest import Site, build_app
from coulisse.log.file import data_dir, open_core
from coulisse.node.projector import Projector, allowed_processors
from coulisse.node.seed import seed
from coulisse.node.seed_limits import seed_limits
from coulisse.telemetry.logs import logger
from coulisse.telemetry.metrics import Metrics

Server = tuple[GatewayConfig, PlainHub]


class Node:
    """A running node."""

    def __init__(
        self,
        config: Config,
        core: _core.Core,
        group: asyncio.TaskGroup,
        demo_key: Mapping[str, str] | None,
        projector: Projector,
    ) -> None:
        """Put a node together; `group` owns its tasks."""
        self.config = config
        self.core = core
        self.group = group
        self.projector = projector
        self.driver = Driver(core, schema(), self._on_fatal)
        self.listeners: list[Listener] = []
        self.stopping = asyncio.Event()
        self._hubs: list[PlainHub] = []
        gateway = config.gateway
        self.door = Door(gateway.connections_max, gateway.connections_per_address_max)
        self._is_ready = False
        self._log = logger("node")
        labels = {
            "version": _core.VERSION,
            "durability": config.log.durability,
            "node": str(config.node.id),
        }
        site = Site(
            core=core,
            durable=self.driver.durable,
            metrics=Metrics(self._metrics, labels).text,
            health=self.health,
            demo_key=demo_key,
            hosts=config.gateway.host_names,
        )
        self._http = HttpSide(build_app(site))

    async def start(self, listeners: list[tuple[Listener, PlainHub, _Conns]]) -> None:
        """Replay is done: seed the log, then accept connections."""
        self.driver.attach(asyncio.get_running_loop())
        await seed(self.core, self.driver, self.config)
        await seed_limits(self.core, self.driver, self.config)
        for listener, hub, conns in listeners:
            conns.open(self.core, self._http, hub, self.door)
            self._guard(listener)
            hub.start(self.spawn)
            await listener.listen()
            self.listeners.append(listener)
            self._hubs.append(hub)
        if self.projector.is_wanted:
            self.spawn(self.projector.run())
        # What lives now lives until the end: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        self._is_ready = True
        self._log.info(
            "ready",
            addresses=[listener.address for listener in self.listeners],
            data_dir=str(data_dir(self.config)),
            settings=self.config.model_dump(mode="json", exclude={"accounts"}),
            **self.core.recovery,
        )

    def _guard(self, listener: Listener) -> None:
        """Let the door pause a listener and open it again."""
        self.door.attach(listener.pause, lambda: self.spawn(listener.listen()))

    def spawn(self, work: Awaitable[None]) -> object:
        """Run `work` as a task of this node."""

        async def task() -> None:
            await work

        return self.group.create_task(task())

    def health(self) -> tuple[bool, Mapping[str, object]]:
        """Return whether the node takes orders, and the facts."""
        ready = not self.stopping.is_set() and self.driver.failure is None
        return ready, {
            "ok": self.driver.failure is None,
            "ready": ready,
            "version": _core.VERSION,
            "node": self.config.node.id,
            "durability": self.config.log.durability,
            "seq": self.core.seq,
            "durable_seq": self.core.durable_seq,
            "voided_records": len(self.core.voided),
            "projector": self.projector.health(),
        }

    def _metrics(self) -> Mapping[str, int]:
        return {**self.core.metrics(), **self.door.metrics(), **self.projector.metrics()}

    def stop(self) -> None:
        """Ask the node to stop. Returns at once."""
        self.stopping.set()

    async def wait(self) -> None:
        """Wait until it was asked to stop. Raises `NodeFailed` if its journal failed."""
        await self.stopping.wait()
        if self.driver.failure is not None:
            raise NodeFailed(self.driver.failure)

    async def shut_down(self) -> None:
        """Stop accepting, announce it, answer what is under way, close the journal."""
        self.stopping.set()
        for listener in self.listeners:
            listener.close()
        for hub in self._hubs:
            hub.stop()
        self.driver.go_away("the node stops")
        if self.driver.failure is None:
            with contextlib.suppress(NodeFailed):
                await self.driver.durable()
        await self._http.stop()
        if self._is_ready:
            await self.projector.end()
        gc.unfreeze()
        if self._is_ready:
            self._log.info("stopped", seq=self.core.seq, durable_seq=self.core.durable_seq)
        self.driver.close()

    def _on_fatal(self, reason: str) -> None:
        self._log.error("journal_failed", reason=reason)
        self.stopping.set()


class _Conns:
    """Makes the connections of a listener, once the core is there."""

    def __init__(self) -> None:
        self._new: type[_core.Conn] | None = None
        self._again: type[_core.Conn] | None = None
        self._core: _core.Core | None = None

    def open(self, core: _core.Core, http: HttpSide, hub: PlainHub, door: Door) -> None:
        """Make connections of `core` from now on."""
        self._core = core
        side = http.returning_to(self.again, door.leave)
        self._new, self._again = conn_types(side, hub, door)

    def __call__(self) -> asyncio.BaseProtocol:
        assert self._new is not None and self._core is not None, "nobody listens before"
        return cast(asyncio.BaseProtocol, self._new(self._core))

    def again(self) -> asyncio.BaseProtocol:
        """Take back what HTTP has served."""
        assert self._again is not None and self._core is not None, "nobody listens before"
        return cast(asyncio.BaseProtocol, self._again(self._core))


@contextlib.asynccontextmanager
async def running(
    config: Config,
    servers: list[Server],
    demo_key: Mapping[str, str] | None = None,
) -> AsyncIterator[Node]:
    """Run a node that listens for `servers`.

    Raises `StartError` or `ConfigError` in one line, and `NodeFailed` when the journal fails.
    """
    projector = Projector(config, allowed_processors())
    if config.node.cpu is not None:
        _pin(config.node.cpu)
    # A busy port is known before the journal is touched.
    bound: list[tuple[Listener, PlainHub, _Conns]] = []
    with contextlib.ExitStack() as sockets:
        for gateway, hub in servers:
            conns = _Conns()
            listener = Listener(gateway, conns)
            sockets.callback(listener.close)
            bound.append((listener, hub, conns))
        gateways = [config.gateway, *(gateway for gateway, _ in servers)]
        core = open_core(config, gateways)
        try:
            async with asyncio.TaskGroup() as group:
                node = Node(config, core, group, demo_key, projector)
                try:
                    await node.start(bound)
                    yield node
                finally:
                    await node.shut_down()
        except BaseExceptionGroup as faults:
            # A group of one says less than the one itself.
            if len(faults.exceptions) == 1:
                raise faults.exceptions[0] from None
            raise
        finally:
            core.close()


def _pin(cpu: int) -> None:
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError:
        here = ", ".join(str(one) for one in sorted(os.sched_getaffinity(0)))
        raise ConfigError(f"node.cpu: {cpu} is no processor of this process: {here}") from None


async def no_plain_events(event: str, data: dict[str, object]) -> Rejected | None:
    """Refuse the frames of `/ws` on a node that runs no program of a team's own."""
    message = f"nobody handles {event!r} here; the native protocol is at /v1/ws"
    return Rejected("UNKNOWN_OP", message, "not_sent", "event", event)
