"""`coulisse bench core`: figures only with the result that every engine must come to."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from coulisse.bench import results, workload

COMMAND = [sys.executable, "-m", "coulisse", "bench", "core", "--json", "--repeat", "1"]


def bench_core(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    return subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, capture_output=True, text=True, timeout=300
    )


def test_a_million_operations_come_to_the_published_result(tmp_path: Path) -> None:
    done = bench_core(cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["operations"] == 1_000_000
    # As stated with the definition of the workload, for every engine that is compared.
    assert (result["trades"], result["volume"]) == (273_298, 4_798_238)
    assert result["notional"] == 479_775_994_098
    assert result["resting"] == 9_893
    assert (result["best_bid"], result["best_ask"]) == (99_997, 99_998)
    assert result["levels"] == [523, 518]
    rates = ("book_ops_per_s", "engine_ops_per_s", "p50_ns", "p99_ns", "p999_ns", "max_us")
    assert all(result[name] > 0 for name in rates)


def test_a_given_workload_is_used_and_sparse_ids_change_nothing(tmp_path: Path) -> None:
    path = tmp_path / "flow.csv"
    workload.write(path, 20_000, 1_000, 7)
    given = ["--workload", str(path), "--prefill", "1000"]
    runs = [
        bench_core(*given, *more, cwd=tmp_path) for more in ([], ["--id-factor", "1099511627777"])
    ]
    plain, sparse = (json.loads(run.stdout) for run in runs)
    names = ("trades", "volume", "notional", "best_bid", "best_ask", "resting", "levels", "events")
    assert plain["operations"] == 20_000
    assert plain["trades"] > 1_000
    assert {name: plain[name] for name in names} == {name: sparse[name] for name in names}


def test_a_workload_that_means_nothing_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "flow.csv"
    path.write_text("A,1,0,100,5\nB,2,0,100,5\n", encoding="ascii")
    done = bench_core("--workload", str(path), "--prefill", "1", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == 'coulisse: coulisse-bench: workload line 2: "B,2,0,100,5" means nothing\n'


def test_a_saved_result_names_its_machine_commit_and_command(tmp_path: Path) -> None:
    path = tmp_path / "flow.csv"
    workload.write(path, 2_000, 500, 3)
    done = bench_core("--workload", str(path), "--prefill", "500", "--save", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    saved = tmp_path / "bench" / "results" / f"{results.today()}-core.json"
    record = json.loads(saved.read_text(encoding="utf-8"))
    assert record["result"] == json.loads(done.stdout)
    assert record["benchmark"] == "core"
    assert record["command"] == "coulisse bench core --json"
    assert set(record) == {"benchmark", "date", "commit", "command", "machine", "result"}
    assert {"cpu", "cores", "system", "load_average"} <= set(record["machine"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["--profile", "full", "--sizes"],
        ["--profile", "full", "--workload", "flow.csv"],
        ["--sizes", "--workload", "flow.csv"],
    ],
)
def test_profiles_that_exclude_each_other_are_refused_in_one_line(
    arguments: list[str], tmp_path: Path
) -> None:
    done = bench_core(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    said = "coulisse: --workload, --profile full and --sizes exclude each other\n"
    assert done.stderr == said
