"""`coulisse bench recovery`: what was acknowledged is there again, or the figures say it is not."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "coulisse", "bench", "recovery", "--json"]
# After these nothing may be missing; after the others all that came behind the backup is.
NOTHING_LOST = ("killed", "snapshots_lost", "log_torn")
BACK_TO_THE_BACKUP = ("machine_lost", "log_cut", "log_damaged")


@pytest.mark.torture
def test_recovery_loses_what_it_says_and_nothing_else(tmp_path: Path) -> None:
    arguments = ["--orders", "4000", "--resting", "500", "--data-dir", "made"]
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    for name in NOTHING_LOST:
        assert result[name]["acknowledged"] > 0, name
        assert result[name]["acknowledged_lost"] == 0, name
    for name in BACK_TO_THE_BACKUP:
        assert result[name]["acknowledged_lost"] == result[name]["acknowledged"] > 0, name
    assert "was durable, but the segments end at" in result["log_cut"]["said"]
    assert "is damaged at byte" in result["log_damaged"]["said"]
    assert result["master_key_lost"]["orders_lost"] == 0
    assert "does not open with this master key" in result["master_key_lost"]["said"]
    assert result["store_rebuild"]["records"] > 4_500
    if "not_measured" not in (full := result["disk_full"]):
        assert full["acknowledged_lost"] == 0 < full["acknowledged"]
        assert "no storage space" in full["said"]
    assert list((tmp_path / "made").iterdir()) == []
