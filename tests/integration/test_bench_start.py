"""`coulisse bench start`: figures only with as many orders after the start as before it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "coulisse", "bench", "start", "--json"]


def test_a_small_start_is_from_the_snapshot_and_replays_the_tail_alone(tmp_path: Path) -> None:
    arguments = ["--orders", "6000", "--tail-s", "2", "--tail-rate", "300", "--data-dir", "made"]
    arguments += ["--beside-commands", "600"]
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["orders"], result["tail_commands"]) == (6_000, 600)
    assert result["start"]["snapshot_seq"] > 6_000
    assert result["start"]["replayed"] == 600
    assert result["start_by_replay"]["snapshot_seq"] == 0
    assert result["start_by_replay"]["replayed"] > 6_600
    assert result["snapshot_bytes"] > 6_000 * 70
    assert result["trading"]["snapshots"] > 0
    for figures in (result["trading"]["with_snapshot"], result["trading"]["without_snapshot"]):
        assert figures["commands"] >= 600
        assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["p999_us"] <= figures["max_us"]
    assert list((tmp_path / "made").iterdir()) == []
