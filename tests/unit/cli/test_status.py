"""What `coulisse status` makes of health and metrics."""

from __future__ import annotations

from typing import Any

from coulisse.cli.status import lines_of, metrics_of

HEALTH: dict[str, Any] = {
    "ok": True, "ready": True, "version": "0.1.0", "node": 1, "durability": "fsync",
    "seq": 12, "durable_seq": 12, "voided_records": 0, "degraded": False,
    "projector": {"state": "running", "seq": 12}, "redis": {"state": "off"},
}  # fmt: skip
METRICS = """# HELP coulisse_a A.
# TYPE coulisse_a gauge
coulisse_a 5.0
coulisse_a_max 10.0
coulisse_rows_used{table="orders"} 9.0
coulisse_rows_max{table="orders"} 10.0
coulisse_rows_used{table="keys"} 1.0
coulisse_rows_max{table="keys"} 10.0
coulisse_off_max 0.0
coulisse_lone_max 4.0
"""


def test_a_node_that_is_well_says_so_and_which_limit_is_nearest() -> None:
    metrics = metrics_of(METRICS.replace('orders"} 9.0', 'orders"} 2.0'))
    told = list(lines_of("http://n", HEALTH, metrics))
    assert told[0] == "http://n: node 1, version 0.1.0: takes orders"
    assert "projector: running, seq 12" in told and "redis: off" in told
    assert told[-1] == "limits: the nearest is a 5 of 10 (50%)"


def test_what_is_not_well_is_said_aloud() -> None:
    ill = {
        **HEALTH, "ready": False, "draining": True, "ok": False, "degraded": True,
        "voided_records": 2, "durable_seq": 10,
    }  # fmt: skip
    told = "\n".join(lines_of("http://n", ill, metrics_of(METRICS)))
    for said in (
        "takes no orders, drains, its journal has failed", "2 records wait for the disk",
        "VOID RECORDS: 2", "DEGRADED", 'NEAR ITS LIMIT: rows{table="orders"} 9 of 10 (90%)',
    ):  # fmt: skip
        assert said in told, said
    assert "keys" not in told
