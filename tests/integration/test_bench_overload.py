"""`coulisse bench overload`: every request is answered, whatever is asked for."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "coulisse", "bench", "overload", "--json"]
SMALL = ["--seconds", "1", "--rows", "60000", "--durability", "os"]


def test_a_small_run_answers_all_that_is_asked(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, *SMALL, "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["offered_per_s"] == 10 * result["capacity_per_s"] > 0
    assert result["offered"] == result["sent"] + result["held_back"] > 0
    answered = result["accepted"] + sum(result["rejects"].values())
    assert answered == result["sent"] > 0, "each once, or refused with a code"
    assert set(result["rejects"]) <= {"ORDER_NOT_FOUND", "OVERLOADED"}
    assert result["refused"] == result["rejects"].get("OVERLOADED", 0)
    assert result["cancels_answered"] == result["cancels_sent"] > 0
    assert result["cancels_overloaded"] == result["slow_closed"] == 0
    assert result["goodput_per_s"] > 0
    assert 10 < result["rss_mb"] < 600 and result["rss_mb_over_time"]
    assert result["rss_growth_mb"] < 200
    assert list(tmp_path.iterdir()) == [], "the run's directory is removed"
