"""Builds a node: core, driver, listeners, REST, in the order that each needs the other.

`running(config)` is the whole life of a node: what it opened is closed again on every way out,
and what was acknowledged is durable by then.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import os
from collections.abc import AsyncIterator, Awaitable, Mapping

from coulisse import _core
from coulisse.config import Config, GatewayConfig
from coulisse.config.shown import shown
from coulisse.domain.errors import ConfigError, NodeFailed
from coulisse.domain.schema import schema
from coulisse.engine.driver import Driver
from coulisse.gateway.listener import Listener
from coulisse.gateway.plain import PlainHub
from coulisse.gateway.rest import Site
from coulisse.log.file import data_dir, open_core, refuse_file
from coulisse.node.front import Conns, Front
from coulisse.node.history import stored_history
from coulisse.node.lives import lone_faults, pause
from coulisse.node.log_archive import LogArchive
from coulisse.node.projector import Projector, allowed_processors, elsewhere
from coulisse.node.redis import RedisSide
from coulisse.node.seed import seed
from coulisse.node.seed_check import check_seed, unlike
from coulisse.node.seed_limits import seed_limits
from coulisse.node.series import Series
from coulisse.node.store_verify import StoreVerify
from coulisse.node.tracing import Tracing
from coulisse.node.workers import Workers, reserved
from coulisse.telemetry.audit import AuditFile
from coulisse.telemetry.logs import logger
from coulisse.telemetry.metrics import (
    CORE_PROCESS,
    Metrics,
    Reading,
    Values,
    info,
    lags,
    of_node,
    of_workers,
)
from coulisse.telemetry.processes import disk_facts, process_rows
from coulisse.telemetry.times import LoopDelay

DRAIN_LOOK_S = 0.25
"""How often a node that drains looks whether anybody is left."""
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
        series: Series,
        redis: RedisSide,
        beside: tuple[int, ...],
    ) -> None:
        """Put a node together; `group` owns its tasks, `beside` is where its errands run."""
        self.config = config
        self.core = core
        self.group = group
        self.projector = projector
        self.series = series
        self.verify = StoreVerify(config, projector.store, beside)
        self.archive = LogArchive(config, projector.store, beside)
        self.redis = redis
        self.tracing = Tracing(config)
        self.driver = Driver(core, schema(), self._on_fatal)
        self.listeners: list[Listener] = []
        self.stopping = asyncio.Event()
        self.workers = Workers(config, demo_key, self._shared)
        self._is_ready = False
        self._drains_until_s: float | None = None
        self._log = logger("node")
        self._delay = LoopDelay()
        site = Site(
            core=core,
            durable=self.driver.durable,
            metrics=Metrics(self.reading).text,
            health=self.health,
            demo_key=demo_key,
            hosts=config.gateway.host_names,
            series=series.stored,
        )
        self._history = stored_history(
            config.store_database, data_dir(config), lambda: projector.store.is_refused
        )
        self.audit = AuditFile(data_dir(config) / "audit.jsonl")
        self._front = Front(core, config.gateway, site, self.spawn, self.audit)

    async def start(self, listeners: list[tuple[Listener, PlainHub, Conns]]) -> None:
        """Replay is done: seed the log, then accept connections."""
        self.driver.attach(asyncio.get_running_loop())
        if self._history is not None:
            self._history.attach(_core.History(self.core))
        check_seed(self.core, self.config)
        for one in unlike(self.core, self.config):
            # What is listed holds; whoever changed the file has to know.
            self._log.warning("instrument_listed_otherwise", **one._asdict())
        await seed(self.core, self.driver, self.config)
        await seed_limits(self.core, self.driver, self.config)
        self.listeners = [listener for listener, _, _ in listeners]
        if self.workers.are_wanted:
            self.driver.serve_workers(self.core)
            await self.workers.start(self.listeners[0].port, self.spawn)
        else:
            for listener, hub, conns in listeners:
                await self._front.listen(listener, hub, conns)
        self.spawn(self._delay.watch(self.stopping))
        if self.projector.is_wanted:
            self.spawn(self.projector.run())
        if self.verify.is_wanted:
            self.spawn(self.verify.run())
        if self.archive.is_wanted:
            self.spawn(self.archive.run())
        if self.series.is_wanted:
            self.spawn(self.series.run())
        if self.redis.is_wanted:
            self.spawn(self.redis.run())
        if self.tracing.is_wanted:
            self.spawn(self.tracing.run(self.core))
        # What lives now lives until the end: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        self._is_ready = True
        self._log.info(
            "ready",
            addresses=[listener.address for listener in self.listeners],
            data_dir=str(data_dir(self.config)),
            settings={name: of for name, of in shown(self.config).items() if name != "accounts"},
            **self.core.recovery,
        )

    def spawn(self, work: Awaitable[None]) -> object:
        """Run `work` as a task of this node."""

        async def task() -> None:
            await work

        return self.group.create_task(task())

    def health(self) -> tuple[bool, Mapping[str, object]]:
        """Return whether the node takes orders, and the facts."""
        is_draining = self._drains_until_s is not None
        ready = not (self.stopping.is_set() or is_draining) and self.driver.failure is None
        durable_seq = self.core.durable_seq
        store = self.projector.store.health(durable_seq)
        series_are_well, series = self.series.health(durable_seq)
        redis_is_well, redis = self.redis.health(durable_seq)
        log_is_well, log = self.archive.health()
        return ready, {
            "ok": self.driver.failure is None,
            "ready": ready,
            "draining": is_draining,
            "version": _core.VERSION,
            "node": self.config.node.id,
            "durability": self.config.log.durability,
            "seq": self.core.seq,
            "durable_seq": durable_seq,
            "voided_records": len(self.core.voided),
            "projector": self.projector.health(),
            **store,
            "degraded": bool(store["degraded"])
            or not (series_are_well and redis_is_well and log_is_well),
            "log": log,
            "series": series,
            "redis": redis,
            **self.workers.health(),
        }

    def reading(self) -> Reading:
        """Return all that is counted now."""
        counted: Values = {
            **self.core.metrics(),
            **self._front.door.metrics(),
            **self.projector.metrics(),
            **self.series.metrics(),
            **self.redis.metrics(),
            **self.archive.metrics(),
            **self.tracing.metrics(),
            **self.workers.metrics(),
            "loop_delay_us": self._delay.times.counts,
        }
        return Reading(
            node={**of_node(counted), **self._facts(counted)},
            workers={CORE_PROCESS: of_workers(counted), **self.workers.counted()},
        )

    def _facts(self, counted: Values) -> Values:
        """Return what nobody counts: what and how the node is, and what the kernel says of it."""
        ready, health = self.health()
        pids = {
            "core": os.getpid(),
            "projector": self.projector.pid,
            "series": self.series.pid,
            "redis": self.redis.pid,
            **self.workers.pids(),
        }
        return {
            **info(
                version=_core.VERSION,
                durability=self.config.log.durability,
                node=str(self.config.node.id),
            ),
            "node_ready": int(ready),
            "node_degraded": int(bool(health["degraded"])),
            **lags(counted, self.core.durable_seq),
            **disk_facts(data_dir(self.config)),
            **process_rows(pids),
        }

    def _shared(self) -> tuple[Mapping[str, object], Reading]:
        """Return what a worker tells of the node in its own answers."""
        return self.health()[1], self.reading()

    @property
    def connections(self) -> int:
        """How many there are, at the workers too."""
        return self._front.door.open_count + self.workers.connections

    def drain(self, wait_s: float) -> None:
        """Take no new connections, announce the end, and stop when all are gone or in `wait_s`.

        Returns at once. Asked again, the earlier end holds.
        """
        now_s = asyncio.get_running_loop().time()
        is_first = self._drains_until_s is None
        self._drains_until_s = min(now_s + wait_s, self._drains_until_s or math.inf)
        if is_first:
            self._log.info("draining", wait_s=wait_s, connections=self.connections)
            reason = f"the node stops within {wait_s:g} s"
            self._front.close_listeners()
            self.workers.drain(reason)
            self.driver.announce_end(reason)
            self.spawn(self._stop_when_drained())

    async def _stop_when_drained(self) -> None:
        loop = asyncio.get_running_loop()
        while self._drains_until_s is not None and loop.time() < self._drains_until_s:
            # Workers are told of it with their next line.
            await pause(self.stopping, min(DRAIN_LOOK_S, self._drains_until_s - loop.time()))
            if self.stopping.is_set() or (self.workers.have_drained and self.connections == 0):
                break
        self.stop()

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
        self._front.close()
        # What their sessions have asked is answered before the core takes no more.
        await self.workers.end()
        self.driver.go_away("the node stops")
        if self.driver.failure is None:
            with contextlib.suppress(NodeFailed):
                await self.driver.durable()
        await self._front.stop()
        if self._history is not None:
            self._history.close()
        self.verify.end()
        self.archive.end()
        self.tracing.end()
        if self._is_ready:
            await self.projector.end()
            await self.series.end()
            await self.redis.end()
        gc.unfreeze()
        if self._is_ready:
            self._log.info("stopped", seq=self.core.seq, durable_seq=self.core.durable_seq)
        self.driver.close()

    def _on_fatal(self, reason: str) -> None:
        self._log.error("journal_failed", reason=reason)
        self.stopping.set()


@contextlib.asynccontextmanager
async def running(
    config: Config,
    servers: list[Server],
    demo_key: Mapping[str, str] | None = None,
) -> AsyncIterator[Node]:
    """Run a node that listens for `servers`.

    Raises `StartError` or `ConfigError` in one line, and `NodeFailed` when the journal fails.
    """
    refuse_file(data_dir(config))
    processors = allowed_processors()
    projector = Projector(config, processors)
    beside = elsewhere(config, processors)
    series = Series(config, beside)
    redis = RedisSide(config, beside)
    if config.node.cpu is not None:
        _pin(config.node.cpu)
    # A busy port is known before the journal is touched.
    bound: list[tuple[Listener, PlainHub, Conns]] = []
    with contextlib.ExitStack() as sockets:
        for gateway, hub in servers:
            conns = Conns()
            listener = Listener(reserved(gateway) if gateway.workers else gateway, conns)
            sockets.callback(listener.close)
            bound.append((listener, hub, conns))
        gateways = [config.gateway, *(gateway for gateway, _ in servers)]
        core = open_core(config, gateways)
        try:
            with lone_faults():
                async with asyncio.TaskGroup() as group:
                    node = Node(config, core, group, demo_key, projector, series, redis, beside)
                    try:
                        await node.start(bound)
                        yield node
                    finally:
                        await node.shut_down()
        finally:
            core.close()


def _pin(cpu: int) -> None:
    try:
        os.sched_setaffinity(0, {cpu})
    except OSError:
        here = ", ".join(str(one) for one in sorted(os.sched_getaffinity(0)))
        raise ConfigError(f"node.cpu: {cpu} is no processor of this process: {here}") from None
