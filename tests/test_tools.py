"""Set-up: what it asks of a machine, when it works again, and what it says when it cannot."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import setup

ROOT = Path(__file__).resolve().parent.parent
PREFLIGHT = ROOT / "tools" / "preflight.sh"


def a_program(folder: Path, name: str, says: str) -> None:
    """Put a program into `folder` that prints one line."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)


def preflight(folder: Path, python: str = sys.executable) -> subprocess.CompletedProcess[str]:
    """Run the check of the machine where only `folder` and the base system are on the path."""
    for name in ("sh", "awk", "cut"):
        if not (folder / name).exists():
            (folder / name).symlink_to(
                next(p for p in ("/bin", "/usr/bin") if Path(p, name).exists()) + f"/{name}"
            )
    return subprocess.run(
        [str(folder / "sh"), str(PREFLIGHT)],
        env={"PATH": str(folder), "PYTHON": python},
        capture_output=True,
        text=True,
    )


def test_a_machine_that_has_all_is_told_nothing(tmp_path: Path) -> None:
    a_program(tmp_path, "cargo", "cargo 1.88.0 (abc 2025-01-01)")
    a_program(tmp_path, "cc", "")
    answer = preflight(tmp_path)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")


def test_all_that_is_missing_is_said_in_one_line(tmp_path: Path) -> None:
    answer = preflight(tmp_path, python="no-such-python")
    assert answer.returncode == 1
    assert answer.stderr.count("\n") == 1
    for name in ("Python 3.11", "cargo", "C compiler"):
        assert name in answer.stderr


def test_an_old_cargo_is_named_with_its_version(tmp_path: Path) -> None:
    a_program(tmp_path, "cargo", "cargo 1.84.1 (abc 2025-01-01)")
    a_program(tmp_path, "cc", "")
    answer = preflight(tmp_path)
    assert answer.returncode == 1
    assert "cargo 1.88 or newer (cargo 1.84.1" in answer.stderr


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one source file, which set-up takes for the repository."""
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    (tmp_path / "lib.rs").write_text("one")
    return tmp_path


def test_a_touched_file_is_not_a_changed_file(sources: Path) -> None:
    before = setup.fingerprint([sources])
    os.utime(sources / "lib.rs", (1, 1))
    assert setup.fingerprint([sources]) == before


@pytest.mark.parametrize("change", ["content", "name", "new file"])
def test_a_changed_file_is_seen(sources: Path, change: str) -> None:
    before = setup.fingerprint([sources])
    match change:
        case "content":
            (sources / "lib.rs").write_text("two")
        case "name":
            (sources / "lib.rs").rename(sources / "bil.rs")
        case _:
            (sources / "empty.rs").touch()
    assert setup.fingerprint([sources]) != before


def test_packages_that_cannot_be_had_name_the_registry_and_the_command(
    sources: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    lock = sources / "run.txt"
    lock.write_text("nothing-like-it==1 --hash=sha256:" + "0" * 64)
    monkeypatch.setattr(setup, "LOCKS", {"run": lock})
    monkeypatch.setattr(setup, "STAMPS", sources / "stamps")
    monkeypatch.setattr(setup, "VENV", ROOT / ".venv")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(setup.SetupError, match=r"Python packages(.|\n)*Try again: make test"):
        setup.install_packages("run", "test")
    assert "nothing-like-it" in capfd.readouterr().out
    assert not (sources / "stamps").exists()


def test_crates_that_cannot_be_had_name_the_registry_and_the_command(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "CORE_INPUTS", (sources / "lib.rs",))
    monkeypatch.setattr(setup, "STAMPS", sources / "stamps")
    monkeypatch.setattr(setup, "cargo", lambda *arguments: 101)
    with pytest.raises(setup.SetupError, match=r"Rust crates(.|\n)*Try again: make run"):
        setup.build_core("run")


def test_a_step_is_done_again_only_when_its_inputs_change(
    sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "STAMPS", sources / "stamps")
    setup.stamp("core", "mark of these inputs")
    assert setup.is_stamped("core", "mark of these inputs")
    assert not setup.is_stamped("core", "mark of others")
    assert not setup.is_stamped("dev", "mark of these inputs")
