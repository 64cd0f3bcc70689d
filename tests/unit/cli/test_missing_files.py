"""Commands whose files are not there say so in one line, and what makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from coulisse.cli.app import command


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "trades", "--out", "out.csv"), "`coulisse store rebuild`"),
        (("store", "verify"), "`coulisse store rebuild`"),
        (("series", "verify"), "`coulisse series rebuild`"),
        (("series", "rebuild"), "series.sqlite3: No such file"),
        (("backup", "target"), "there is no journal; say where with --data-dir"),
        (("restore", "target"), "no backup"),
        (("drain",), "no node runs there; say which with --data-dir"),
    ],
)
def test_what_is_not_there_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COULISSE_RECORDED_DIR", raising=False)
    given = (*arguments, "--data-dir", str(tmp_path / "nowhere"))
    done = CliRunner().invoke(command([arguments[0]]), given)
    assert done.exit_code == 1, done.output
    assert done.stderr.startswith("coulisse: ") and done.stderr.count("\n") == 1
    assert says in done.stderr and "Errno" not in done.stderr
    assert not (tmp_path / "out.csv").exists() and not (tmp_path / "target").exists()
