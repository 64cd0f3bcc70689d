"""`coulisse bench sockets`: every socket is opened, subscribed and told."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "coulisse", "bench", "sockets", "--json"]
SMALL = ["--connections", "1000", "--seconds", "1", "--rate", "1000", "--durability", "os"]


def bench_sockets(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=120)


def test_a_small_run_tells_every_subscriber_of_the_book(tmp_path: Path) -> None:
    done = bench_sockets(*SMALL, "--data-dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["connections"] == 1_000
    assert result["deliveries"]["messages"] >= 1_000, "each of them was told at least once"
    assert result["deliveries"]["untold"] == 0
    assert 0 < result["delivery_p50_ms"] <= result["delivery_p99_ms"]
    assert result["orders_per_s"] > 0 and result["order_p50_us"] > 0
    for step in ("alone", "loaded"):
        counts = result[step]
        assert counts["accepted"] + counts["rejected"] == counts["sent"] == 1_000
        assert counts["accepted"] >= 900
    assert 0 < result["idle_rss_mb"] < 20
    assert 10 < result["base_rss_mb"] <= result["loaded_rss_mb"] < 400
    assert list(tmp_path.iterdir()) == [], "the run's directory is removed"


def test_workers_hold_the_sockets_and_their_processes_are_told_apart(tmp_path: Path) -> None:
    arguments = ("--workers", "2", "--ladder", "300", "--data-dir", str(tmp_path))
    done = bench_sockets(*SMALL, *arguments)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    names = {"core", "projector", "worker_1", "worker_2"}
    assert result["workers"] == 2
    assert set(result["cpu_s_of_each"]) == set(result["rss_mb_of_each"]) == names
    assert result["deliveries"]["messages"] >= 1_000 and result["deliveries"]["untold"] == 0
    assert result["loaded"]["accepted"] >= 900
    fewer, all_of_them = result["ladder"]
    assert [fewer["subscribers"], all_of_them["subscribers"]] == [300, 1_000]
    assert 0 < fewer["deliveries_per_s"] < all_of_them["deliveries_per_s"]
    for rung in (fewer, all_of_them, result["alone"]):
        assert set(rung["processors"]) == {"server", "generator", "others", "idle"}
        assert rung["processors"]["server"] > 0


def test_what_one_process_cannot_hold_a_second_one_holds(tmp_path: Path) -> None:
    few = 3_000
    done = subprocess.run(
        [*COMMAND, *SMALL, "--connections", "2800", "--workers", "2", "--data-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (few, few)),
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["connections"], result["generator_processes"]) == (2_800, 2)
    assert result["deliveries"]["messages"] >= 2_800, "each of both was told at least once"
    assert result["deliveries"]["untold"] == 0


def test_sockets_alone_are_opened_and_nothing_is_loaded(tmp_path: Path) -> None:
    done = bench_sockets("--connections", "50", "--idle", "--data-dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["connections"] == 50 and result["connect_ms"] > 0
    assert "ladder" not in result and result["budget"]["idle_rss_mb"] == 80


def test_a_ladder_that_does_not_rise_is_refused() -> None:
    done = bench_sockets(*SMALL, "--ladder", "500,1000")
    assert (done.returncode, done.stdout) == (1, "")
    assert "--ladder rises from 1 to below 1000" in done.stderr


def test_more_sockets_than_descriptors_are_refused_before_anything_starts() -> None:
    done = bench_sockets("--connections", "100000000")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("coulisse: 100000000 sockets need 100000300 descriptors;")
