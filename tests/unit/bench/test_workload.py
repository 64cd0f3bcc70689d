"""The workload is the one that published figures were measured on."""

import hashlib
from pathlib import Path

import pytest

from coulisse.bench import workload


def sha256_of(operations: int, prefill: int, seed: int) -> str:
    """Hash a whole workload."""
    lines = "".join(workload.generate(operations, prefill, seed))
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


# Computed from the script that defines the workload for every engine that is compared.
@pytest.mark.parametrize(
    ("operations", "prefill", "seed", "sha256"),
    [
        (20_000, 1_000, 42, "b3612ec3c6c4185bd682a4908f2d604cd4c0e860df97ef5dca69fed0ac27ee8c"),
        (20_000, 1_000, 7, "103996575c270cd2d682c5ad8182cb389d9aa6a32a4fbbc86dbf37bdf1dd1b32"),
        (3_000, 60, 5, "620f43ac9ff1c62b67cf0d8fedb4e5b7cead240e4e09fbe021aed00b6c435e71"),
        (500, 1, 3, "e08a5ff9776b5e712903adc4ec383c65552c25029b4f02db3cddbdc427ba28ff"),
    ],
)
def test_the_bytes_are_those_of_the_shared_workload(
    operations: int, prefill: int, seed: int, sha256: str
) -> None:
    assert sha256_of(operations, prefill, seed) == sha256


def test_a_written_file_has_the_generated_lines(tmp_path: Path) -> None:
    path = tmp_path / "workload.csv"
    workload.write(path, 200, 50, 1)
    assert path.read_bytes() == "".join(workload.generate(200, 50, 1)).encode("ascii")
    assert path.read_bytes().count(b"\n") == 250


def test_the_prefill_only_adds_and_every_cancel_names_a_live_order() -> None:
    rows = [line.rstrip().split(",") for line in workload.generate(5_000, 200, 9)]
    assert {row[0] for row in rows[:200]} == {"A"}
    assert {row[0] for row in rows[200:]} == {"A", "C", "X"}
    added = [row[1] for row in rows if row[0] == "A"]
    cancelled = [row[1] for row in rows if row[0] == "C"]
    assert set(cancelled) <= set(added)
    assert len(set(cancelled)) == len(cancelled)


def test_a_prefill_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="prefill 0"):
        next(workload.generate(1, 0, 1))
