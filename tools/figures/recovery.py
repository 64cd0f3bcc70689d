"""Figures of docs/operating/recovery.md: what a failure loses, and how long it takes."""

from __future__ import annotations

from collections.abc import Callable

from tools.figures.source import Results, count, seconds, size, table

NAME = "recovery"


def _log(results: Results) -> str:
    records, log_bytes = results(NAME, "records"), results(NAME, "disk.log_bytes")
    resting = results(NAME, "resting")
    return (
        f"The log of the run: {count(records)} records, {size(log_bytes)}, "
        f"{count(resting)} orders at rest; stores in SQLite. Each figure is of one run, to the "
        "first order that was acknowledged again, programs' own starts included; what a person or "
        "a supervisor waits before (systemd: `RestartSec=1`) comes on top."
    )


def _first(results: Results, name: str) -> str:
    return f"**{seconds(results(NAME, f'{name}.first_order_s'))}**"


def _lost(results: Results, name: str) -> str:
    told = results(NAME, f"{name}.acknowledged")
    lost = results(NAME, f"{name}.acknowledged_lost")
    what = "nothing" if lost == 0 else "what came behind the backup"
    return f"{what} ({count(lost)} of {count(told)} acknowledged until then)"


def _disk_full(results: Results) -> tuple[str, str]:
    if "not_measured" in results.at(NAME, "disk_full"):
        return "nothing", f"not measured: {results.at(NAME, 'disk_full.not_measured')}"
    return _lost(results, "disk_full"), f"{_first(results, 'disk_full')} from when there is room"


def _times(results: Results) -> str:
    def stores(name: str) -> str:
        return f"{seconds(results(NAME, f'{name}.stores_s'))} until the stores are full again"

    restored = {
        name: f"{_first(results, name)} from the first command, of which restore "
        f"{seconds(results(NAME, f'{name}.restore_s'))}; {stores(name)}"
        for name in ("machine_lost", "log_cut", "log_damaged")
    }
    refused = {
        name: f"refused after {seconds(results(NAME, f'{name}.refused_s'))}; then {restored[name]}"
        for name in ("log_cut", "log_damaged")
    }
    killed_s = results(NAME, "killed.first_order_s")
    replayed = results(NAME, "snapshots_lost.replayed")
    redis = results.at(NAME, "redis_lost")
    if "not_measured" in redis:
        told = f"not measured: {redis['not_measured']}"
    else:
        told = f"no stop: an order without it took {seconds(redis['order_without_it_s'])}; "
        told += f"it was told all again {seconds(redis['told_again_s'])} after it was back"
    rows = [
        ("[the process is killed](#the-process-is-killed)", _lost(results, "killed"),
         f"{_first(results, 'killed')} from the kill, "
         f"{count(results(NAME, 'killed.replayed'))} records replayed"),
        ("[the machine is lost](#the-machine-is-lost)", _lost(results, "machine_lost"),
         restored["machine_lost"]),
        ("[the disk is full](#the-disk-is-full)", *_disk_full(results)),
        ("[the log's end is torn](#the-log-is-damaged)", _lost(results, "log_torn"),
         f"{_first(results, 'log_torn')}: the start cuts it off"),
        ("[the log lacks what was durable](#the-log-is-damaged)", _lost(results, "log_cut"),
         refused["log_cut"]),
        ("[the log is damaged in its middle](#the-log-is-damaged)", _lost(results, "log_damaged"),
         refused["log_damaged"]),
        ("[snapshots are lost](#snapshots-are-lost)", _lost(results, "snapshots_lost"),
         f"{_first(results, 'snapshots_lost')}: all {count(replayed)} records are replayed"),
        ("[store and series are lost](#the-store-or-the-series-are-lost)", "nothing",
         f"{_first(results, 'store_lost')}; "
         f"{seconds(results(NAME, 'store_lost.filled_s'))} until they are full again"),
        ("[Redis is lost](#redis-is-lost)", "nothing", told),
        ("[an operator's mistake](#an-operators-mistake): a halt", "nothing; orders were refused",
         f"{_first(results, 'halted_by_mistake')} from `coulisse admin open`"),
        ("[the master key is lost](#the-master-key-is-lost)",
         "secrets of HMAC keys and passwords; no order, no balance",
         f"{_first(results, 'master_key_lost')} from the first command"),
        ("[a poison record](#a-poison-record)", "that record, and what is behind it in flight",
         f"two starts: 2 × {killed_s:.2f} s = {2 * killed_s:.2f} s "
         "(computed from the first line; not measured)"),
    ]  # fmt: skip
    return table(("what happens", "what is lost", "orders are taken again after"), rows)


def _rates(results: Results) -> str:
    def rebuilt(what: str) -> str:
        place = f"{what}_rebuild"
        rate, took_s = results(NAME, f"{place}.records_per_s"), results(NAME, f"{place}.took_s")
        records = count(results(NAME, f"{place}.records"))
        return f"{count(rate)} records/s ({records} in {seconds(took_s)})"

    per_record = results("store-postgresql", "orders")
    postgresql = per_record / results("store-postgresql", "fill_s")
    replay = results("start", "start_by_replay.replayed") / results(
        "start", "start_by_replay.replay_s"
    )
    hundred = 100e6
    rows = [
        ("backup, with its replay", f"{count(results(NAME, 'backup.records'))} records in "
         f"{seconds(results(NAME, 'backup.took_s'))}, {size(results(NAME, 'backup.bytes'))}", ""),
        ("start from a snapshot, 1,000,000 orders at rest",
         f"{seconds(results('start', 'start.ready_s'))}, "
         f"{count(results('start', 'start.replayed'))} records replayed",
         "the same: it does not grow with the log"),
        ("start without a snapshot: replay", f"{count(replay)} records/s",
         f"{seconds(hundred / replay)}"),
        ("`coulisse store rebuild`, SQLite", rebuilt("store"),
         _hours(hundred / results(NAME, "store_rebuild.records_per_s"))),
        ("`coulisse store rebuild`, PostgreSQL", f"{count(postgresql)} orders/s",
         _hours(hundred / postgresql)),
        ("`coulisse series rebuild`, SQLite", rebuilt("series"),
         _hours(hundred / results(NAME, "series_rebuild.records_per_s"))),
    ]  # fmt: skip
    return table(("what", "measured", "100,000,000 records (computed)"), rows)


def _hours(value_s: float) -> str:
    return seconds(value_s) if value_s < 600 else f"{value_s / 3_600:.1f} h"


def _said(results: Results) -> str:
    lines = {
        "master_key_lost": "another master key",
        "log_cut": "records gone that were durable",
        "log_damaged": "a wrong byte",
    }
    text = [f"{results.at(NAME, f'{name}.said')}    # {what}" for name, what in lines.items()]
    if "said" in results.at(NAME, "disk_full"):
        text.append(f"{results.at(NAME, 'disk_full.said')}    # a full disk")
    return "\n".join(["```", *text, "```"])


BLOCKS: dict[str, Callable[[Results], str]] = {
    "log": _log,
    "times": _times,
    "rates": _rates,
    "said": _said,
}
