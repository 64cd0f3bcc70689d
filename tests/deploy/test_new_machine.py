"""docs/operating/new-machine.md, typed as it stands into a machine of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.new_machine import rehearse

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
TYPING_MIN_MAX = 10.0


def test_the_page_is_typed_in_ten_minutes_and_names_files_that_there_are() -> None:
    assert rehearse.typing()["typing_min"] < TYPING_MIN_MAX
    text = "".join(rehearse.fences())
    named = set(re.findall(r"\bdeploy/[\w./*-]+", text))
    assert len(named) > 4
    assert not [name for name in named if not list(DEPLOY.parent.glob(name.rstrip("/")))]


@pytest.mark.torture
def test_what_the_page_types_makes_a_node_with_all_that_is_beside_it() -> None:
    if lacking := rehearse.missing():
        pytest.skip(f"a new machine needs {lacking}")
    seen = rehearse.rehearse()
    assert len(seen["blocks"]) == len(rehearse.fences())
    ready = seen["ready"]
    assert ready["ready"] and not ready["degraded"]
    assert {name: ready[name]["behind"] for name in ("store", "series", "redis")} == {
        "store": 0, "series": 0, "redis": 0,
    }  # fmt: skip
    assert seen["ledger_rows"] > 0 and seen["redis_keys"] == 1
    assert seen["modes"] == {
        "/etc/coulisse/coulisse.env": "0o600",
        "/etc/coulisse/questdb.env": "0o600",
        "/var/lib/coulisse": "0o700",
    }
