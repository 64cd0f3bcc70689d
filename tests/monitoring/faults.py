"""Faults of a real node, each with the alerts that it must cause.

A fault is a context: it holds while the alerts are waited for, and is mended behind them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

from coulisse.domain.errors import ConnectionLost
from tests.chaos.test_poison import EXIT_TIMEOUT_S, PLANTED, POISON_PRICE, POISONED
from tests.integration.conftest import COMMAND

from .world import SPARE, World, order, request

Fault = Callable[[World], AbstractAsyncContextManager[None]]
PAUSED: Final = "coulisse_gateway_connections_paused"


@contextlib.asynccontextmanager
async def kill_switch(world: World) -> AsyncIterator[None]:
    """The switch of a group is thrown."""
    await world.client.admin.create_group("desk")
    await world.client.admin.kill("group", scope_id="desk")
    yield


@contextlib.asynccontextmanager
async def a_limit_that_is_nearly_used(world: World) -> AsyncIterator[None]:
    """Ten orders of ten."""
    await world.client.admin.set_limit("firm", "open_orders", "10")
    await world.ask("order.place", [order("buy", price="10.00")] * 10)
    yield
    await world.client.cancel_all()
    await world.client.admin.set_limit("firm", "open_orders", "100000")


@contextlib.asynccontextmanager
async def a_halt(world: World) -> AsyncIterator[None]:
    """An instrument is halted."""
    await world.client.admin.set_state(SPARE, "halted")
    yield
    await world.client.admin.set_state(SPARE, "open")


@contextlib.asynccontextmanager
async def more_than_can_be_done(world: World) -> AsyncIterator[None]:
    """More orders are tested at once than a turn does, over as many connections as that takes."""
    sockets = [await world.session() for _ in range(4)]
    many = [request(number, "order.test", **order("buy")) for number in range(1_000)]

    async def test_again() -> None:
        await asyncio.gather(*(one.send(many) for one in sockets))
        for one in sockets:
            for _ in many:
                await one.receive()
        await asyncio.sleep(0.5)

    async with _meanwhile(test_again):
        yield
    for one in sockets:
        await one.close()


@contextlib.asynccontextmanager
async def a_slow_reader(world: World) -> AsyncIterator[None]:
    """Somebody listens to all that an account does, and reads nothing of it."""
    socket = await world.session(receive_buffer_bytes=4_096)
    socket.writer.transport.pause_reading()  # type: ignore[attr-defined]
    channels = ("orders", "fills", "balances", "positions")
    await socket.send([request(1, "subscribe", channel=one) for one in channels])
    # Little by little until it is seen to be slow, and then so much that it is ended.
    begun_s = time.time()
    while not await asyncio.to_thread(world.prometheus.values, f"{PAUSED} > 0", begun_s):
        await world.trade(4)
        await asyncio.sleep(0.05)
    async with _meanwhile(lambda: world.trade(500)):
        yield
    socket.writer.transport.abort()


@contextlib.asynccontextmanager
async def a_full_house(world: World) -> AsyncIterator[None]:
    """Nearly as many connections as are let in."""
    sockets = [await world.socket() for _ in range(37)]
    yield
    for one in sockets:
        await one.close()


@contextlib.asynccontextmanager
async def wrong_tokens(world: World) -> AsyncIterator[None]:
    """Somebody tries tokens."""
    socket = await world.socket()

    async def try_some() -> None:
        with contextlib.suppress(ConnectionError):
            await socket.send([request(1, "session.logon", token="cst_wrong")] * 5)
        await asyncio.sleep(0.1)

    async with _meanwhile(try_some):
        yield
    await socket.close()


@contextlib.asynccontextmanager
async def a_loop_that_is_held_up(world: World) -> AsyncIterator[None]:
    """The core process does not get its processor for a while, again and again."""

    async def hold_up() -> None:
        os.kill(world.server.pid, signal.SIGSTOP)
        await asyncio.sleep(0.3)
        os.kill(world.server.pid, signal.SIGCONT)
        await asyncio.sleep(0.3)

    async with _meanwhile(hold_up):
        yield


@contextlib.asynccontextmanager
async def a_slow_disk(world: World) -> AsyncIterator[None]:
    """Each sync takes a second and a half."""
    async with _syncs_that_take(1_500_000, world.server.pid):
        async with _meanwhile(lambda: world.trade(250)):
            yield


@contextlib.asynccontextmanager
async def a_disk_that_stands_still(world: World) -> AsyncIterator[None]:
    """No sync ends, and hundreds of sessions send what they may without an answer."""
    names = ("CONNECTIONS_MAX", "KEY_RATE", "ACCOUNT_RATE", "ADDRESS_RATE")
    world.server.environ.update({f"COULISSE_GATEWAY__{name}": "1000000" for name in names})
    await world.start_again(log="still")
    sockets = [await world.session() for _ in range(400)]
    async with _syncs_that_take(60_000_000, world.server.pid):
        many = [request(n, "order.place", **order("buy", price="1.00")) for n in range(1_000)]
        async with asyncio.TaskGroup() as group:
            sending = [group.create_task(one.send(many)) for one in sockets]
            yield
            for task in sending:
                task.cancel()
        for one in sockets:
            one.writer.transport.abort()


def killed_again_and_again(name: str) -> Fault:
    """Return the fault that a process of the node does not stay alive."""

    @contextlib.asynccontextmanager
    async def fault(world: World) -> AsyncIterator[None]:
        async def kill() -> None:
            world.kill(name)
            await asyncio.sleep(0.1)

        async with _meanwhile(kill):
            yield

    return fault


@contextlib.asynccontextmanager
async def no_redis(world: World) -> AsyncIterator[None]:
    """Redis is killed."""
    world.redis.kill()
    yield
    world.redis.start()


@contextlib.asynccontextmanager
async def a_store_that_somebody_wrote_to(world: World) -> AsyncIterator[None]:
    """A balance of the store is changed by hand."""
    store = world.server.data_dir / "store.sqlite3"
    with contextlib.closing(sqlite3.connect(store)) as connection, connection:
        connection.execute(
            "UPDATE balances SET available = '17' WHERE (account, asset) = "
            "(SELECT account, asset FROM balances ORDER BY account, asset LIMIT 1)"
        )
    yield


@contextlib.asynccontextmanager
async def a_store_that_is_locked(world: World) -> AsyncIterator[None]:
    """Somebody holds the store for himself."""
    store = world.server.data_dir / "store.sqlite3"
    with contextlib.closing(sqlite3.connect(store, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        async with _meanwhile(lambda: world.trade(10)):
            yield
        connection.execute("ROLLBACK")


@contextlib.asynccontextmanager
async def a_full_disk(world: World) -> AsyncIterator[None]:
    """The disk that the journal is on has no room left."""
    filler = world.disk / "filler"
    with filler.open("wb") as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 20))
            file.flush()
    async with _meanwhile(lambda: world.trade(2)):
        yield
    filler.unlink()


@contextlib.asynccontextmanager
async def nearly_no_descriptors(world: World) -> AsyncIterator[None]:
    """The core process may have hardly more files open than it has."""
    pid, kind = world.server.pid, resource.RLIMIT_NOFILE
    before = resource.prlimit(pid, kind)
    last = max(map(int, os.listdir(f"/proc/{pid}/fd")))
    resource.prlimit(pid, kind, (last + 25, before[1]))
    # What is free below the limit is taken, but for what it takes to look at processes.
    free = last + 25 - len(os.listdir(f"/proc/{pid}/fd"))
    sockets = [await world.socket() for _ in range(free - 3)]
    yield
    for one in sockets:
        await one.close()
    resource.prlimit(pid, kind, before)


@contextlib.asynccontextmanager
async def many_assets(world: World) -> AsyncIterator[None]:
    """Nearly as many assets are named as there may be."""
    await world.ask("asset.create", ({"name": f"A{n:05}", "scale": 8} for n in range(960)))
    yield


def held_up(name: str) -> Fault:
    """Return the fault that a process of the node stands still while the node does not."""

    @contextlib.asynccontextmanager
    async def fault(world: World) -> AsyncIterator[None]:
        pids = world.processes(name)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        await world.trade(1_500)
        yield
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    return fault


@contextlib.asynccontextmanager
async def a_drain(world: World) -> AsyncIterator[None]:
    """The node is to stop, and a session does not go."""
    drain = await asyncio.create_subprocess_exec(
        *COMMAND, "drain", "--wait", "600", "--data-dir", str(world.disk),
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    yield
    await world.start_again()
    await drain.wait()


@contextlib.asynccontextmanager
async def starts_again_and_again(world: World) -> AsyncIterator[None]:
    """The node is killed three times."""
    for _ in range(3):
        begun_s = time.time()
        await world.start_again()
        await asyncio.to_thread(world.prometheus.has_seen, begun_s)
    yield


@contextlib.asynccontextmanager
async def a_store_of_a_later_version(world: World) -> AsyncIterator[None]:
    """The store was brought further by a later version."""
    store = world.server.data_dir / "store.sqlite3"
    with contextlib.closing(sqlite3.connect(store)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await world.start_again()
    yield


@contextlib.asynccontextmanager
async def workers_that_die(world: World) -> AsyncIterator[None]:
    """A gateway worker does not stay alive; another answers."""
    await world.start_again("--workers", "2")
    # The same one all the time: numbers of processes begin anew once they are used up.
    answers = min(world.processes("worker_process"))

    async def kill() -> None:
        for pid in world.processes("worker_process"):
            if pid != answers:
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.1)

    async with _meanwhile(kill):
        yield


@contextlib.asynccontextmanager
async def a_core_that_is_wrong(world: World) -> AsyncIterator[None]:
    """The core charges makers what takers pay, which its projector does not."""
    await world.start_anew("wrong", [*PLANTED, "maker_pays_taker_rate"])
    await world.trade(10)
    yield


@contextlib.asynccontextmanager
async def a_record_that_breaks_the_core(world: World) -> AsyncIterator[None]:
    """An order ends the node, and is void at the next start."""
    await world.start_anew("broken", POISONED)
    with contextlib.suppress(ConnectionLost):
        await world.ask("order.place", [order("buy", price=POISON_PRICE)])
    await asyncio.to_thread(world.server.process.wait, EXIT_TIMEOUT_S)
    await world.start_again(log="broken", command=POISONED)
    yield


@contextlib.asynccontextmanager
async def a_node_that_is_gone(world: World) -> AsyncIterator[None]:
    """The node is killed."""
    world.server.process.kill()
    yield


@contextlib.asynccontextmanager
async def _syncs_that_take(us: int, pid: int) -> AsyncIterator[None]:
    """Let each sync of a process wait so long before it begins."""
    strace = await asyncio.create_subprocess_exec(
        "strace", "-f", "-qq", "-p", str(pid), "-e", "trace=fdatasync",
        "-e", f"inject=fdatasync:delay_enter={us}", stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    yield
    strace.terminate()
    await strace.wait()


@contextlib.asynccontextmanager
async def _meanwhile(act: Callable[[], AsyncIterator[None] | object]) -> AsyncIterator[None]:
    """Do something again and again until the block ends."""
    over = asyncio.Event()

    async def again() -> None:
        while not over.is_set():
            await act()  # type: ignore[misc]
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(again())
        yield
        over.set()


FAULTS: Final[tuple[tuple[Fault, tuple[str, ...]], ...]] = (
    (kill_switch, ("CoulisseKillSwitchOn",)),
    (a_limit_that_is_nearly_used, ("CoulisseLimitNearlyUsed",)),
    (a_halt, ("CoulisseInstrumentHalted",)),
    (a_slow_reader, ("CoulisseSlowReaders",)),
    (a_full_house, ("CoulisseConnectionsNearlyFull",)),
    (wrong_tokens, ("CoulisseLogonsFail",)),
    (more_than_can_be_done, ("CoulisseOverloaded", "CoulisseAvailabilityBurns")),
    (a_loop_that_is_held_up, ("CoulisseLoopDelayed",)),
    (
        a_slow_disk,
        ("CoulisseJournalStalled", "CoulisseDurabilityBurns", "CoulisseLatencyBurns"),
    ),
    (no_redis, ("CoulisseRedisDown",)),
    (killed_again_and_again("projector_process"), ("CoulisseProjectorDown",)),
    (killed_again_and_again("series_process"), ("CoulisseSeriesDown",)),
    (a_store_that_somebody_wrote_to, ("CoulisseStoreDiffers",)),
    (a_store_that_is_locked, ("CoulisseStoreDown",)),
    (a_full_disk, ("CoulisseDiskNearlyFull", "CoulisseSnapshotsFail")),
    (nearly_no_descriptors, ("CoulisseDescriptorsNearlyUsed",)),
    (many_assets, ("CoulisseTableNearlyFull",)),
    (held_up("series_process"), ("CoulisseSeriesBehind",)),
    (held_up("redis_process"), ("CoulisseRedisBehind",)),
    (held_up("projector_process"), ("CoulisseProjectorBehind", "CoulisseStoreBehind")),
    (a_drain, ("CoulisseNotReady",)),
    (starts_again_and_again, ("CoulisseRestarts",)),
    (a_store_of_a_later_version, ("CoulisseStoreRefused",)),
    (workers_that_die, ("CoulisseWorkersMissing",)),
    (a_disk_that_stands_still, ("CoulisseJournalBacklog",)),
    (a_core_that_is_wrong, ("CoulisseProjectorDiverged",)),
    (a_record_that_breaks_the_core, ("CoulisseRecordVoided",)),
    (a_node_that_is_gone, ("CoulisseDown",)),
)
