"""What the demo prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from coulisse.cli.demo import own_name


def test_the_commands_it_shows_are_called_as_it_was_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [".venv/bin/coulisse", "demo"])
    assert own_name() == ".venv/bin/coulisse"
    monkeypatch.setattr(sys, "argv", ["/x/coulisse/__main__.py", "demo"])
    assert own_name() == f"{sys.executable} -m coulisse"
    command = tmp_path / "coulisse"
    command.write_text("")
    command.chmod(0o755)
    assert own_name() == "coulisse"
