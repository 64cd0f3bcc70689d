"""`coulisse bench rest`: orders over REST are placed, and nothing that is spoiled gets in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

COMMAND = [sys.executable, "-m", "coulisse", "bench", "rest", "--json"]
SMALL = ["--seconds", "1", "--spoiled", "14000", "--durability", "os"]
WAYS = {"signature", "secret", "body", "late", "replayed", "revoked", "expired"}


def test_orders_are_placed_and_what_is_spoiled_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, *SMALL, "--data-dir", str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    placed, spoiled = result["placed"], result["spoiled"]
    assert placed["orders_per_s"] > 0
    assert placed["accepted"] == placed["sent"] > 100
    assert spoiled["accepted"] == 0
    assert spoiled["sent"] == sum(spoiled["codes"].values()) == 14_000
    ways = [code.split() for code in spoiled["codes"]]
    assert {way for way, _ in ways} == WAYS
    codes = {code for _, code in ways}
    assert codes == {"LOGON_FAILED", "REQUEST_EXPIRED", "NONCE_USED", "KEY_EXPIRED"}
    assert list(tmp_path.iterdir()) == [], "the run's directory is removed"
