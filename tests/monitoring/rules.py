"""The rules of deploy/prometheus, and series by which `promtool` sees each alert fire or not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "prometheus"
RULES: Final = FOLDER / "rules"
NODE: Final = 'instance="n1"'


@dataclass(frozen=True)
class Case:
    """One series by which an alert fires, and one by which it does not: values a minute."""

    fires: Mapping[str, str]
    quiet: Mapping[str, str]
    at: str = "20m"


def _gauge(metric: str, bad: float, good: float, labels: str = "", **beside: float) -> Case:
    name = f"coulisse_{metric}{{{NODE}{labels}}}"
    more = {
        f"coulisse_{other}{{{NODE}{labels}}}": f"{value}x600" for other, value in beside.items()
    }
    return Case({name: f"{bad}x600", **more}, {name: f"{good}x600", **more})


def _histogram(metric: str, below: str, share_bad: float, share_good: float) -> Case:
    """Of a thousand a minute, so many beyond a bound."""

    def series(share: float) -> dict[str, str]:
        counted = {below: 1_000 * (1 - share), "10.0": 1_000, "+Inf": 1_000}
        buckets = {
            f'coulisse_{metric}_seconds_bucket{{{NODE}, worker="0", le="{le}"}}': f"0+{count}x600"
            for le, count in counted.items()
        }
        return {**buckets, f'coulisse_{metric}_seconds_count{{{NODE}, worker="0"}}': "0+1000x600"}

    return Case(series(share_bad), series(share_good), at="2h")


def _part(metric: str, reason: float, good: float) -> Case:
    requests = f'coulisse_gateway_requests_total{{{NODE}, worker="0"}}'
    name = f'coulisse_{metric}{{{NODE}, worker="0", code="OVERLOADED"}}'
    total = {requests: "0+1000x600"}
    return Case({name: f"0+{reason}x600", **total}, {name: f"0+{good}x600", **total}, at="2h")


CASES: Final[Mapping[str, Case]] = {
    "CoulisseDown": Case(
        {f'up{{job="coulisse", {NODE}}}': "0x600"}, {f'up{{job="coulisse", {NODE}}}': "1x600"}
    ),
    "CoulisseNotReady": _gauge("node_ready", 0, 1),
    "CoulisseRestarts": Case(
        {f'coulisse_process_start_time_seconds{{{NODE}, process="core"}}': "100+60x600"},
        {f'coulisse_process_start_time_seconds{{{NODE}, process="core"}}': "100x600"},
    ),
    "CoulisseDiskNearlyFull": _gauge("node_disk_free_bytes", 9, 50, node_disk_bytes=100),
    "CoulisseDescriptorsNearlyUsed": _gauge(
        "process_descriptors", 95, 20, ', process="core"', process_descriptors_max=100
    ),
    "CoulisseLoopDelayed": _histogram("loop_delay", "0.1", 0.05, 0.001),
    "CoulisseWorkersMissing": _gauge("workers_up", 1, 2, workers_wanted=2),
    "CoulisseJournalStalled": _gauge("log_wait_seconds", 2, 0.01),
    "CoulisseJournalBacklog": _gauge("journal_backlog_bytes", 40, 1, journal_backlog_bytes_max=64),
    "CoulisseRecordVoided": _gauge("engine_voided_records_total", 1, 0),
    "CoulisseTableNearlyFull": _gauge(
        "engine_table_rows", 95, 5, ', table="accounts"', engine_table_rows_max=100
    ),
    "CoulisseOverloaded": Case(
        {f"coulisse_gateway_requests_overloaded_total{{{NODE}}}": "0+60x600"},
        {f"coulisse_gateway_requests_overloaded_total{{{NODE}}}": "7x600"},
    ),
    "CoulisseSlowReaders": Case(
        {f'coulisse_gateway_sessions_closed_total{{{NODE}, reason="slow"}}': "0+1x600"},
        {f'coulisse_gateway_sessions_closed_total{{{NODE}, reason="stranger"}}': "0+1x600"},
    ),
    "CoulisseConnectionsNearlyFull": _gauge(
        "door_connections", 95, 5, ', worker="0"', door_connections_max=100
    ),
    "CoulisseLogonsFail": Case(
        {f"coulisse_people_logons_failed_total{{{NODE}}}": "0+120x600"},
        {f"coulisse_people_logons_failed_total{{{NODE}}}": "0+6x600"},
    ),
    "CoulisseKillSwitchOn": _gauge("risk_killed", 1, 0, ', scope="firm", name=""'),
    "CoulisseLimitNearlyUsed": _gauge(
        "risk_limit_used", 95, 50, ', kind="open_orders"', risk_limit_max=100
    ),
    "CoulisseInstrumentHalted": _gauge("engine_instruments", 1, 0, ', state="halted"'),
    "CoulisseProjectorDown": _gauge("projector_up", 0, 1),
    "CoulisseProjectorDiverged": _gauge("projector_diverged", 1, 0),
    "CoulisseProjectorBehind": _gauge("projector_lag_records", 200_000, 50),
    "CoulisseSnapshotsFail": Case(
        {f"coulisse_projector_snapshot_failures_total{{{NODE}}}": "0+1x600"},
        {f"coulisse_projector_snapshot_failures_total{{{NODE}}}": "3x600"},
    ),
    "CoulisseStoreDown": _gauge("store_up", 0, 1, store_refused=0),
    "CoulisseStoreRefused": _gauge("store_refused", 1, 0),
    "CoulisseStoreBehind": _gauge("store_lag_records", 200_000, 50),
    "CoulisseStoreDiffers": _gauge("store_differences", 1, 0),
    "CoulisseSeriesDown": _gauge("series_up", 0, 1),
    "CoulisseSeriesBehind": _gauge("series_lag_records", 200_000, 50),
    "CoulisseRedisDown": _gauge("redis_up", 0, 1),
    "CoulisseRedisBehind": _gauge("redis_lag_records", 200_000, 50),
    "CoulisseAvailabilityBurns": _part("gateway_rejects_total", 20, 0.5),
    "CoulisseLatencyBurns": _histogram("gateway_reply", "0.05", 0.2, 0.005),
    "CoulisseDurabilityBurns": _histogram("log_durable", "0.1", 0.02, 0.0005),
}


def groups() -> Iterator[dict[str, Any]]:
    """Every group of every file."""
    for file in sorted(RULES.glob("*.yml")):
        yield from yaml.safe_load(file.read_text())["groups"]


def alerts() -> list[dict[str, Any]]:
    """Every rule that is an alert."""
    return [rule for group in groups() for rule in group["rules"] if "alert" in rule]


def promtool_tests() -> dict[str, Any]:
    """What `promtool test rules` is given: of each alert a test that it fires, and one that not."""
    tests = []
    for name, case in CASES.items():
        for series, fires in ((case.fires, True), (case.quiet, False)):
            query = f'count(ALERTS{{alertname="{name}", alertstate="firing"}}) > bool 0'
            expected = [{"labels": "{}", "value": 1}] if fires else []
            tests.append(
                {
                    "interval": "1m",
                    "input_series": [
                        {"series": one, "values": values} for one, values in series.items()
                    ],
                    "promql_expr_test": [
                        {"expr": query, "eval_time": case.at, "exp_samples": expected}
                    ],
                }
            )
    files = [str(file) for file in sorted(RULES.glob("*.yml"))]
    return {"rule_files": files, "evaluation_interval": "1m", "tests": tests}


_DURATION: Final = re.compile(r"\b(\d+)(s|m|h|d)\b")
_FASTER: Final = {"s": ("ms", 17), "m": ("s", 1), "h": ("s", 60), "d": ("s", 1_440)}


def faster(text: str) -> str:
    """The rules with windows and delays a sixtieth as long, for who waits for real faults.

    And who is to be behind is so by a hundredth of the records.
    """

    def shorten(match: re.Match[str]) -> str:
        unit, times = _FASTER[match[2]]
        return f"{int(match[1]) * times}{unit}"

    text = text.replace("4 * 3600", "4 * 60").replace("> 100000", "> 1000")
    return _DURATION.sub(shorten, text)
