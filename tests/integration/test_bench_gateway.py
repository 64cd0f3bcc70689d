"""`coulisse bench gateway`: a real node and the floor, under the same load."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from coulisse.bench.gateway import file_system

COMMAND = [sys.executable, "-m", "coulisse", "bench", "gateway", "--json"]
SHORT = ["--seconds", "1", "--rate", "5000", "--burst-rate", "4000", "--operations", "60000"]
MEMORY = Path("/dev/shm")


def bench_gateway(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=300)


def test_a_short_run_measures_every_shape_of_our_node_and_of_the_floor(tmp_path: Path) -> None:
    # A sync costs nothing where pytest's directory is in memory; this test measures no speed.
    durability = "os" if file_system(tmp_path) == "tmpfs" else "fsync"
    done = bench_gateway(*SHORT, "--durability", durability, "--data-dir", str(tmp_path))
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    shapes = ["open_5000", "100x1", "50x32"]
    assert list(result["shapes"]) == list(result["floor"]) == shapes
    for figures in [*result["shapes"].values(), *result["floor"].values()]:
        assert figures["orders_per_s"] > 0
        assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["p999_us"]
    sent = sum(result["shapes"][shape]["sent"] for shape in shapes)
    assert result["accepted"] + result["rejected"] == sent
    assert result["accepted"] >= 0.99 * sent
    assert result["trades"] > 0.05 * sent
    assert set(result["rejects"]) <= {"ORDER_NOT_FOUND"}
    assert set(result["ratio_to_floor"]) == set(shapes)
    bursts = result["open_4000"]
    assert bursts["per_write"] == 10 and set(bursts["times_group_commit"]) == {"p50", "p99"}
    assert bursts["group_commit"]["accepted"] == bursts["group_commit"]["sent"]
    for name in {durability, "os", "group_commit"}:
        figures = bursts[name]
        assert figures["sent"] == 4_000 == figures["accepted"] + figures["rejected"]
        assert figures["accepted"] >= 0.95 * figures["sent"]
        assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["p999_us"]
    stored = result["stores"]
    assert stored["shape"] == "open_5000" and set(stored["times"]) == {"p50", "p99"}
    for name in ("without", "with"):
        assert stored[name]["sent"] == stored[name]["accepted"] + stored[name]["rejected"] > 0
    assert result["journal_fs"] == file_system(tmp_path)
    assert result["fdatasync_p50_us"] > 0
    assert 10 < result["pss_mb"] <= result["rss_mb"] < 200
    assert list(tmp_path.iterdir()) == [], "the run's directory is removed"


def test_a_journal_in_memory_is_refused_where_a_sync_is_to_be_measured() -> None:
    if not MEMORY.is_dir() or file_system(MEMORY) != "tmpfs":
        pytest.skip("no tmpfs here")
    done = bench_gateway("--data-dir", str(MEMORY))
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("coulisse: /dev/shm is tmpfs, where a sync costs nothing")


def test_an_unknown_durability_is_refused() -> None:
    done = bench_gateway("--durability", "maybe")
    assert (done.returncode, done.stderr) == (
        1,
        "coulisse: --durability is fsync or os, not 'maybe'\n",
    )
