"""`coulisse bench soak`: a short run over a kill, and what its checks say of a planted fault."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from coulisse.bench import soak, soak_check
from coulisse.bench.soak_check import ACKED, CLOSED, ORDER, SENT

pytestmark = pytest.mark.timeout(200)
COMMAND = [sys.executable, "-m", "coulisse", "bench", "soak", "--json"]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    """The figures of a run of 9 seconds in whose middle the node is killed, and its directory."""
    directory = tmp_path_factory.mktemp("soak")
    run = soak.SoakRun(
        minutes=0.15, rate=800, connections=40, restarts=(("kill", 0.5),), durability="os"
    )
    return soak.run_in(run, directory), directory


def test_nothing_is_lost_and_all_sessions_come_back_behind_a_kill(
    ran: tuple[dict[str, Any], Path],
) -> None:
    result, _ = ran
    assert result["holds"]["nothing_lost"] is True, result["log"]
    assert result["holds"]["sessions_back"] is True, result["restarts"]
    assert result["holds"]["stores_equal"] is True, result["store"]
    assert result["holds"]["no_errors"] is True, result["orders"]
    assert result["laps"] >= 3 and len(result["page"]) == result["laps"]
    orders = result["orders"]
    assert orders["requests"] == sum(lap["sent"] for lap in result["page"]) > 0
    assert orders["acked"] + orders["refused"] == orders["sent"] > 1_000
    # The log, the store and the history each have exactly what the clients were told of.
    for found in (result["log"], result["store"]["orders"]):
        assert (found["orders"], found["lost"]) == (orders["acked"], 0)
    assert result["history"]["orders"] > 0 == result["history"]["open_orders"]
    assert result["store"]["differences"] == 0 and result["store"]["fills_sum_equal"] is True
    assert result["store"]["rows_compared_by_hash"] > orders["acked"]
    (restart,) = result["restarts"]
    assert restart["kind"] == "kill" and restart["clients"]["sessions"] == 100
    assert set(result["memory"]) == {"all", "core", "projector", "series"}
    assert all(line["rss_mb"]["core"] > 10 for line in result["page"] if line["life"] == 1)
    # Nine seconds say nothing of a slope, and a run that says nothing has not passed.
    assert result["holds"]["rss"] is not True and result["passed"] is False


def test_an_order_that_is_lost_is_found_by_every_check(
    ran: tuple[dict[str, Any], Path], tmp_path: Path
) -> None:
    result, directory = ran
    kept = bytearray((directory / "record").read_bytes())
    # The clients were told of an order that the node has never had.
    assert ORDER.unpack_from(kept, 0) == (0, 0, 0), "numbers begin with 1"
    ORDER.pack_into(kept, 0, 999_999_999, 0, SENT | ACKED | CLOSED)
    record = tmp_path / "record"
    record.write_bytes(kept)
    data, end_seq = directory / "data", result["log"]["seq"]
    found = soak_check.check_log(str(data), str(record), end_seq)
    assert (found["lost"], found["is_right"]) == (1, False)
    address = json.dumps(["sqlite", str(data / "store.sqlite3")])
    stored = soak_check.check_store(address, str(data), str(record), end_seq)
    assert (stored["orders"]["lost"], stored["orders"]["is_right"]) == (1, False)


def test_more_sockets_than_there_may_be_are_refused_in_one_line() -> None:
    done = subprocess.run(
        [*COMMAND, "--connections", "100000000"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("coulisse: 100000000 sockets are too many: ")
