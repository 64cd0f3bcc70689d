"""`coulisse bench metrics`: a node that is measured is compared with one that is not."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import coulisse
from coulisse.bench.metrics import compared

COMMAND = [sys.executable, "-m", "coulisse", "bench", "metrics", "--json"]
SMALL = ["--seconds", "1", "--turns", "1", "--rows", "40000", "--durability", "os"]


def test_two_nodes_that_count_alike_have_no_figures(tmp_path: Path) -> None:
    counted = Path(coulisse.__file__).parent.parent
    where = ["--uncounted", str(counted), "--data-dir", str(tmp_path)]
    done = subprocess.run([*COMMAND, *SMALL, *where], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and not done.stdout
    assert re.search(r"the uncounted node has counted [1-9]\d* records", done.stderr), done.stderr
    assert list(tmp_path.iterdir()) == [], "the run's directory is removed"


def test_the_cost_is_that_of_pairs_and_not_of_the_machine() -> None:
    speeds = {"counted": (99, 49, 198), "uncounted": (100, 50, 200)}
    taken = {
        name: [{"50x32": {"orders_per_s": one}} for one in found] for name, found in speeds.items()
    }
    assert compared(taken, "50x32") == {
        "orders_per_s": {"counted": 99, "uncounted": 100},
        "cost_percent": 1.0,
        "cost_percent_of_turns": [1.0, 1.0, 2.0],
    }
