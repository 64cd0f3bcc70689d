"""Figures of docs/operating/capacity.md: what was measured, and the arithmetic on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tools.figures.source import Results, count, size, table

DAY_S = 86_400
RATE = 100_000
SOCKETS = 10_000
BASE_PROCESSES = 3
"""Processes that hold the core's tables: core, projector, time series; and each worker."""
BOOK_MESSAGES_PER_S = 10
"""Most conflated messages of a book that a subscriber is sent a second."""
SNAPSHOTS_KEPT = 2


def _rows_per_order(results: Results) -> float:
    return results("store-sqlite", "filled_rows") / results("store-sqlite", "orders")


def _store_orders_per_s(results: Results, backend: str) -> float:
    """Orders a second that one process writes to a store, its own processor and no more."""
    return results(f"store-{backend}", "orders") / results(f"store-{backend}", "fill_cpu_s")


def _log_per_order(results: Results) -> float:
    return results("recovery", "disk.log_bytes") / results("recovery", "records")


def _store_per_order(results: Results, what: str) -> float:
    return results("recovery", f"disk.{what}_bytes") / results("recovery", "records")


def _measured(results: Results) -> str:
    def n(benchmark: str, place: str) -> str:
        return count(results(benchmark, place))

    snapshot = results("start", "snapshot_bytes") / results("start", "orders")
    store_rates = [count(_store_orders_per_s(results, one)) for one in ("sqlite", "postgresql")]
    left = 100 * results("tls", "orders_ratio")
    store, rows_each = _store_per_order(results, "store"), _rows_per_order(results)
    rows = [
        ("orders a second, one processor for core and sync thread, 50 connections × 32 in flight",
         n('gateway', 'shapes.50x32.orders_per_s')),
        ("the same, 100 connections × 1 in flight",
         n('gateway', 'shapes.100x1.orders_per_s')),
        ("by how much metrics, read each second, slow these two down",
         _metrics_cost(results)),
        ("processors of the node at 20,000 orders/s, 100 connections, projector included",
         n('sockets', 'alone.processors.server')),
        ("the same with 10,000 subscribers of a book",
         n('sockets', 'processors.server')),
        ("memory of the node with 100 traders, at the peak", f"{n('gateway', 'rss_mb')} MB"),
        ("memory that 10,000 idle sockets add", f"{n('sockets', 'idle_rss_mb')} MB"),
        ("memory of the node with 10,000 subscribers and 20,000 orders/s, at the peak",
         f"{n('sockets', 'loaded_rss_mb')} MB"),
        ("the same with 2 workers", f"{n('sockets-2-workers', 'loaded_rss_mb')} MB"),
        ("memory of a connection with TLS", f"{n('tls', 'tls_connection_kb')} kB"),
        ("what TLS leaves of the orders a second", f"{count(left)} %"),
        ("memory of a core with 1,000,000 orders at rest", f"{n('start', 'start.rss_mb')} MB"),
        ("memory of an account with two assets, in each process that has the tables",
         f"{n('capacity', 'accounts.bytes_per_account')} bytes"),
        ("log of an order: many at once, alone",
         f"{count(_log_per_order(results))}, {n('capacity', 'wire.log_bytes_alone')} bytes"),
        ("what the archive's compression leaves of it",
         f"{count(100 * results('recovery', 'disk.archived_share'))} %"),
        ("snapshot: an order at rest, an account",
         f"{count(snapshot)} and "
         f"{n('capacity', 'accounts.snapshot_bytes_per_account')} bytes"),
        ("store in SQLite, an order (half of them trade with the other half)",
         f"{count(store)} bytes, {count(rows_each)} rows"),
        ("time series in SQLite, an order", f"{count(_store_per_order(results, 'series'))} bytes"),
        ("orders a second that a store is filled with, one processor: SQLite, PostgreSQL",
         ", ".join(store_rates)),
        ("records a second that a replica follows with", n('start', 'replica_records_per_s')),
        ("bytes of an order over WebSocket: request, all that comes back",
         f"{n('capacity', 'wire.request_bytes')}, {n('capacity', 'wire.reply_bytes')}"),
        ("bytes of a book's message, one level changed",
         n('capacity', 'wire.book_message_bytes')),
    ]  # fmt: skip
    return table(("what", "measured"), rows)


def _metrics_cost(results: Results) -> str:
    if not results.has("metrics"):
        return "not measured yet"
    turns = count(results("metrics", "turns"))
    told = []
    for shape in ("50x32", "100x1"):
        costs = results.at("metrics", f"shapes.{shape}.cost_percent_of_turns")
        median = results("metrics", f"shapes.{shape}.cost_percent")
        told.append(f"{median:.1f} % ({min(costs):.0f} to {max(costs):.0f})")
    return f"{', '.join(told)}: medians and ranges of {turns} pairs of runs"


def _rate(results: Results) -> str:
    dense = RATE / results("gateway", "shapes.50x32.orders_per_s")
    thin = RATE / results("gateway", "shapes.100x1.orders_per_s")
    follow = RATE / results("start", "replica_records_per_s")
    sqlite = _store_orders_per_s(results, "sqlite")
    postgresql = _store_orders_per_s(results, "postgresql")
    log_s = _log_per_order(results) * RATE
    request, reply = (results("capacity", f"wire.{one}_bytes") for one in ("request", "reply"))
    rows = [
        ("core, with its sync thread", f"{count(dense)} to {count(thin)} processors",
         "100,000 ÷ orders/s of one processor; the more at once, the cheaper"),
        ("projector, snapshots alone", f"{count(follow)} processors",
         "100,000 ÷ records/s of a replica"),
        ("projector with a store", "1 processor, and it falls behind: it writes "
         f"{count(sqlite)} (SQLite) or {count(postgresql)} (PostgreSQL) orders/s",
         f"an hour at this rate is caught up with in {count(RATE / sqlite)} hours without orders"),
        ("log", f"{size(log_s)}/s, {size(log_s * DAY_S)} a day",
         f"{count(_log_per_order(results))} bytes × 100,000"),
        ("network in", f"{count(request * RATE * 8 / 1e6)} Mbit/s",
         f"{count(request)} bytes × 100,000 × 8, without headers of TCP and IP"),
        ("network out", f"{count(reply * RATE * 8 / 1e6)} Mbit/s",
         f"{count(reply)} bytes × 100,000 × 8; private channels and feeds come on top"),
    ]  # fmt: skip
    return table(("what", "needs (computed)", "how"), rows)


def _sockets(results: Results) -> str:
    idle = results("sockets", "idle_rss_mb") * 1e6
    tls = results("tls", "tls_connection_kb") * 1e3 * SOCKETS
    each = results("capacity", "wire.book_message_bytes")
    busy = results("sockets-2-workers", "processors.server")
    out = each * BOOK_MESSAGES_PER_S * SOCKETS
    alone, with_them = (
        results("sockets", one) for one in ("alone.processors.server", "processors.server")
    )
    one, two = (results(f"sockets{suffix}", "delivery_p99_ms") for suffix in ("", "-2-workers"))
    rows = [
        ("memory, idle", size(idle), "measured; the kernel's own 4 kB a socket are not in it"),
        ("memory, idle, with TLS", size(tls), f"{count(tls / SOCKETS)} bytes × 10,000 (computed)"),
        ("processors, following a book beside 20,000 orders/s", count(with_them - alone),
         f"measured: {count(with_them)} with them, {count(alone)} without"),
        ("messages to them a second", count(results("sockets", "deliveries_per_s")),
         f"measured; 99 % of messages were read within {count(one)} ms"),
        ("the same with 2 workers", count(results("sockets-2-workers", "deliveries_per_s")),
         f"measured; within {count(two)} ms; {count(busy)} processors"),
        ("network out, following one book", f"{size(out)}/s",
         f"{count(each)} bytes × 10 a second × 10,000 (computed, the most: one level a message)"),
    ]  # fmt: skip
    return table(("what", "10,000 sockets", "how"), rows)


def _disk(results: Results) -> str:
    log = _log_per_order(results)
    share = results("recovery", "disk.archived_share")
    store, series = (_store_per_order(results, one) for one in ("store", "series"))
    alone = results("capacity", "wire.log_bytes_alone")
    rows = [
        ("1 order", f"{size(log)} to {size(alone)}", size(log * share), size(store), size(series)),
        *(
            (
                f"{rate:,} orders/s on average, a day ({count(rate * DAY_S)} orders)",
                *(size(each * rate * DAY_S) for each in (logged, log * share, store, series)),
            )
            for rate, logged in ((10, alone), (1_000, alone), (20_000, log))
        ),
    ]
    return table(("", "log", "log, archived", "store (SQLite)", "series (SQLite)"), rows)


def _growth(results: Results) -> str:
    account = results("capacity", "accounts.bytes_per_account")
    snapshot = results("capacity", "accounts.snapshot_bytes_per_account")
    log = results("capacity", "accounts.log_bytes_per_account")
    rows = [
        (
            f"{accounts:,}",
            size(account * accounts),
            ", ".join(
                size(account * accounts * processes)
                for processes in (BASE_PROCESSES, BASE_PROCESSES + 2)
            ),
            size(snapshot * accounts),
            size(log * accounts),
        )
        for accounts in (10_000, 100_000, 1_000_000)
    ]
    head = ("accounts", "each process with the tables", "a node: no worker, 2 workers")
    return table((*head, "a snapshot", "log of opening them"), rows)


def _shards(results: Results) -> str:
    account = results("capacity", "accounts.bytes_per_account")
    thin = results("gateway", "shapes.100x1.orders_per_s")
    store = _store_orders_per_s(results, "postgresql")
    rows = [
        (
            str(shards),
            f"{shards} × 1,000,000 = {shards * 1_000_000:,}",
            f"{shards} × {count(thin)} = {count(shards * thin)}",
            f"{shards} × {count(store)} = {count(shards * store)}",
            f"{shards} × {BASE_PROCESSES} × {size(account * 1e6)} = "
            f"{size(shards * BASE_PROCESSES * account * 1e6)}",
        )
        for shards in (1, 4, 16)
    ]
    head = ("shards", "accounts", "orders/s at the peak", "orders/s all day, with PostgreSQL")
    return table((*head, "memory for accounts, one node a shard"), rows)


@dataclass(frozen=True)
class _Case:
    """A worked example: what is asked of a node."""

    accounts: int
    resting: int
    sockets: int
    has_tls: bool
    workers: int
    average: int
    peak: int


SMALL = _Case(20_000, 50_000, 2_000, True, 0, 50, 2_000)
BROKER = _Case(1_000_000, 300_000, 30_000, True, 3, 1_000, 20_000)
LAPTOP = _Case(25, 2_000, 2, False, 0, 200, 200)


def _case(results: Results, case: _Case) -> str:
    processes = BASE_PROCESSES + case.workers
    base = results("sockets", "base_rss_mb") * 1e6
    if case.workers:
        more = (results("sockets-2-workers", "base_rss_mb") - results("sockets", "base_rss_mb")) / 2
        base += more * 1e6 * case.workers
    account = results("capacity", "accounts.bytes_per_account")
    order = results("start", "start.rss_mb") * 1e6 / results("start", "orders")
    each = (
        results("tls", "tls_connection_kb") * 1e3
        if case.has_tls
        else results("sockets", "idle_rss_mb") * 100
    )
    tables = processes * (account * case.accounts + order * case.resting)
    memory = base + tables + each * case.sockets
    thin = results("gateway", "shapes.100x1.orders_per_s")
    quiet = results("sockets", "alone.processors.server")
    core = quiet * case.peak / 20_000 if case.peak <= 20_000 else case.peak / thin
    dense, share = _log_per_order(results), results("recovery", "disk.archived_share")
    # At such averages most orders are alone in their group.
    log = results("capacity", "wire.log_bytes_alone")
    rows_per_day = case.average * DAY_S
    store = _store_per_order(results, "store") + _store_per_order(results, "series")
    fill = case.average / _store_orders_per_s(results, "sqlite")
    tls = " with TLS" if case.has_tls else ""
    with_workers = f", {case.workers} workers" if case.workers else ""
    each_table = f"{case.accounts:,} × {count(account)} + {case.resting:,} × {count(order)} bytes"
    logged = log * rows_per_day
    rows = [
        ("memory, programs", size(base), f"measured base{with_workers}"),
        ("memory, accounts and orders", size(tables),
         f"{processes} processes × ({each_table})"),
        ("memory, sockets", size(each * case.sockets), f"{case.sockets:,} × {size(each)}{tls}"),
        ("**memory**", f"**{size(memory)}**", "the sum"),
        ("processors at the peak", count(core), f"{count(quiet)} × {case.peak:,} ÷ 20,000"),
        ("processors of the store, on average", count(fill),
         f"{case.average:,} ÷ {count(_store_orders_per_s(results, 'sqlite'))}"),
        ("log a day, and archived", f"{size(logged)}, {size(share * dense * rows_per_day)}",
         f"{case.average:,} orders/s × {DAY_S:,} × {count(log)} bytes"),
        ("store and series a year", size(store * rows_per_day * 365),
         f"{count(store)} bytes × {count(rows_per_day * 365)} orders"),
    ]  # fmt: skip
    return table(("what", "computed", "how"), rows)


def _soak(results: Results) -> str:
    if not results.has("soak"):
        return "No soak has been recorded yet."
    soak = results.at("soak", "")
    found = [(name, value) for name, value in soak.items() if isinstance(value, int | float)]
    for part in ("holds", "disk_gb_per_h"):
        found += [(f"{part}.{name}", value) for name, value in soak.get(part, {}).items()]
    rows = [(f"`{name}`", f"{value}") for name, value in found]
    for name, held in soak["memory"].items():
        slope = held["rss_mb_per_h"]
        said = f"{slope['per_h']} ({slope['low']} to {slope['high']})" if slope else "unknown"
        rows.append((f"`memory.{name}`: MB, MB/h", f"{held['rss_mb_last']}, {said}"))
    for name, drift in soak["drifts"].items():
        rows.append((f"`drifts.{name}`, %", f"{drift['percent']}"))
    for restart in soak["restarts"]:
        rows.append((f"ready after `{restart['kind']}`, s", f"{restart['ready_after_s']}"))
    return table(("figure", "measured"), rows)


BLOCKS: dict[str, Callable[[Results], str]] = {
    "measured": _measured,
    "rate": _rate,
    "sockets": _sockets,
    "disk": _disk,
    "growth": _growth,
    "shards": _shards,
    "small": lambda results: _case(results, SMALL),
    "broker": lambda results: _case(results, BROKER),
    "soak": _soak,
    "laptop": lambda results: _case(results, LAPTOP),
}
