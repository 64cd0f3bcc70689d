"""What a node counts, as Prometheus reads it."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from coulisse import _core
from coulisse.telemetry.catalogue import ENTRIES, GROUPS
from coulisse.telemetry.metrics import Metrics, Reading, Values, info, lags, of_node, of_workers
from coulisse.telemetry.processes import disk_facts, process_rows
from coulisse.telemetry.times import LoopDelay, Times


def samples(reading: Reading) -> list[Sample]:
    text = Metrics(lambda: reading).text().decode()
    return [one for family in text_string_to_metric_families(text) for one in family.samples]


def values(reading: Reading) -> dict[tuple[str, ...], float]:
    return {
        (one.name, *(value for _, value in sorted(one.labels.items()))): one.value
        for one in samples(reading)
    }


def test_names_are_of_the_one_form_and_stand_once() -> None:
    names = [entry.name for group in GROUPS for entry in group.entries]
    assert len(names) == len(set(names)) == len(ENTRIES)
    for entry in ENTRIES.values():
        assert (entry.kind == "counter") == entry.name.endswith("_total"), entry.name
        assert entry.kind != "histogram" or entry.name.endswith("_us"), entry.name
        assert entry.doc.endswith(".") and len(entry.doc) > 15, entry.name
        assert "worker" not in entry.labels[1:], "it comes first"
        use = entry.name.removesuffix("_max")
        is_limit = entry.name.endswith("_max") and not entry.name.endswith("shown_max")
        assert not is_limit or use in ENTRIES or f"{use}_used" in ENTRIES, "each has its use beside"


def test_a_number_is_shown_under_its_name_with_its_kind_and_meaning() -> None:
    text = Metrics(lambda: Reading({"log_seq": 7, "journal_groups_total": 3})).text().decode()
    assert "coulisse_log_seq 7\n" in text and "coulisse_journal_groups_total 3\n" in text
    assert "# TYPE coulisse_journal_groups_total counter" in text
    assert f"# HELP coulisse_log_seq {ENTRIES['log_seq'].doc}" in text


def test_rows_have_their_labels_and_each_worker_its_number() -> None:
    reading = Reading(
        node={
            "risk_limit_used": {"firm||open_orders|": 4, "group|desk|position|BTC-USD": 2},
            "engine_table_rows": {"accounts": 9},
        },
        workers={
            "0": {"gateway_requests_total": 1},
            "2": {"gateway_rejects_total": {"OFF_TICK": 5}},
        },
    )
    assert {(one.name, *sorted(one.labels.items())): one.value for one in samples(reading)} == {
        (
            "coulisse_risk_limit_used",
            ("kind", "open_orders"), ("name", ""), ("scope", "firm"), ("subject", ""),
        ): 4,
        (
            "coulisse_risk_limit_used",
            ("kind", "position"), ("name", "desk"), ("scope", "group"), ("subject", "BTC-USD"),
        ): 2,
        ("coulisse_engine_table_rows", ("table", "accounts")): 9,
        ("coulisse_gateway_requests_total", ("worker", "0")): 1,
        ("coulisse_gateway_rejects_total", ("code", "OFF_TICK"), ("worker", "2")): 5,
    }  # fmt: skip


def test_times_are_a_histogram_in_seconds() -> None:
    times = Times()
    for seconds in (2e-6, 3e-6, 0.000_012, 100.0):
        times.add(seconds)
    found = values(Reading(workers={"1": {"gateway_reply_us": times.counts}}))
    bucket = "coulisse_gateway_reply_seconds_bucket"
    assert found[bucket, "1e-06", "1"] == 0
    assert found[bucket, "2e-06", "1"] == 1
    assert found[bucket, "3e-06", "1"] == 2
    assert found[bucket, "1.5e-05", "1"] == 3
    assert found[bucket, "10.0", "1"] == 3
    assert found[bucket, "+Inf", "1"] == found["coulisse_gateway_reply_seconds_count", "1"] == 4
    assert found["coulisse_gateway_reply_seconds_sum", "1"] == pytest.approx(100.000_017)
    assert len(found) == len(_core.TIME_BOUNDS_US) + 3


def test_a_time_that_is_a_number_is_shown_in_seconds() -> None:
    assert values(Reading({"log_wait_us": 2_500_000})) == {("coulisse_log_wait_seconds",): 2.5}


def test_what_is_in_no_list_is_not_shown() -> None:
    assert samples(Reading({"nobody_described_it": 1}, {"0": {"nor_this": 1}})) == []


def test_a_reading_is_the_same_behind_a_line_of_json() -> None:
    reading = Reading(
        {"log_seq": 7, "engine_table_rows": {"accounts": 9}}, {"0": {"gateway_reply_us": [1, 2]}}
    )
    assert Reading.from_wire(json.loads(json.dumps(reading.to_wire()))) == reading


def test_what_each_worker_counts_is_parted_from_what_there_is_once() -> None:
    counted: Values = {"log_seq": 7, "gateway_requests_total": 1, "gateway_reply_us": [1, 2]}
    assert of_node(counted) == {"log_seq": 7}
    assert of_workers(counted) == {"gateway_requests_total": 1, "gateway_reply_us": [1, 2]}


def test_what_follows_the_log_has_a_lag_where_it_says_how_far_it_is() -> None:
    counted = {"projector_seq": 90, "series_seq": 120, "log_seq": 130}
    assert lags(counted, 110) == {"projector_lag_records": 20, "series_lag_records": 0}


def test_a_node_says_what_it_is() -> None:
    said = info(node="1", version="0.1", durability="os")
    assert values(Reading(said)) == {("coulisse_node_info", "os", "1", "0.1"): 1}


def test_the_kernel_tells_of_processes_that_are_there_and_of_the_disk(tmp_path: Path) -> None:
    rows = process_rows({"core": os.getpid(), "gone": 2**22 + 1, "none": None})
    assert {frozenset(of) for of in rows.values()} <= {frozenset({"core"}), frozenset()}
    assert 1 << 20 < rows["process_memory_bytes"]["core"] < 1 << 40
    assert rows["process_cpu_seconds_total"]["core"] > 0
    assert rows["process_start_time_seconds"]["core"] > 1_600_000_000
    assert 0 < rows["process_descriptors"].get("core", 1) < rows["process_descriptors_max"]["core"]
    disk = disk_facts(tmp_path)
    assert 0 < disk["node_disk_free_bytes"] <= disk["node_disk_bytes"]
    assert disk_facts(tmp_path / "nowhere") == {}


def test_a_process_has_begun_when_it_was_started_and_not_a_second_before() -> None:
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    before_s = time.time()
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        after_s = time.time()
        begun_s = process_rows({"one": process.pid})["process_start_time_seconds"]["one"]
    # Ticks are cut, and the clock may have been set a little since this process began.
    assert before_s - tick_s - 0.2 <= begun_s <= after_s + 0.2


def test_a_process_that_can_open_nothing_more_says_so() -> None:
    kind = resource.RLIMIT_NOFILE
    before = resource.getrlimit(kind)
    resource.setrlimit(kind, (3, before[1]))
    try:
        rows = process_rows({"core": os.getpid(), "projector": 1})
    finally:
        resource.setrlimit(kind, before)
    assert rows["process_descriptors"] == rows["process_descriptors_max"] == {"core": 3}


async def test_the_loop_is_late_by_as_much_as_it_was_held_up() -> None:
    import asyncio

    stopping, delay = asyncio.Event(), LoopDelay()
    async with asyncio.TaskGroup() as group, asyncio.timeout(60):
        group.create_task(delay.watch(stopping))
        await asyncio.sleep(0.01)
        began_s = time.monotonic()
        while time.monotonic() < began_s + 0.4:
            pass
        # It tells nobody when it has looked.
        while sum(delay.times.counts[:-1]) == 0:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        stopping.set()
    late_us = delay.times.counts[-1]
    assert late_us > 200_000, "it was called 0.4 s after it began, not after 0.1"


def test_the_page_lists_every_metric() -> None:
    page = (Path(__file__).parents[3] / "docs/operating/metrics.md").read_text()
    listed = re.findall(r"^\| `(coulisse_[a-z_]+)`", page, re.MULTILINE)
    assert listed == [entry.shown for group in GROUPS for entry in group.entries]
