"""The audit file: lines as they happen, bounded, and never the node's end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from coulisse.telemetry import audit
from coulisse.telemetry.audit import FILES_KEPT, AuditFile


def test_what_happened_is_a_line_each_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    AuditFile(file).write([{"what": "logon", "key_id": "k", "seq": 0, "address": None}], lost=2)
    first, second = map(json.loads, file.read_text().splitlines())
    assert {name: first[name] for name in first if name != "time"} == {
        "what": "logon",
        "key_id": "k",
    }
    assert (second["what"], second["count"]) == ("lost", 2)
    assert file.stat().st_mode & 0o077 == 0
    AuditFile(file).write([])
    assert len(file.read_text().splitlines()) == 2


def test_files_are_put_aside_when_full_and_the_oldest_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "FILE_BYTES_MAX", 100)
    written = AuditFile(tmp_path / "audit.jsonl")
    for number in range(FILES_KEPT + 4):
        written.write([{"what": "logon", "session": number, "key_id": "k" * 60}])
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == ["audit.jsonl", *(f"audit.jsonl.{n}" for n in range(1, FILES_KEPT + 1))]
    newest = json.loads((tmp_path / "audit.jsonl").read_text().splitlines()[-1])
    assert newest["session"] == FILES_KEPT + 3


def test_a_file_that_cannot_be_written_is_said_once_and_harms_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = AuditFile(tmp_path / "missing" / "audit.jsonl")
    for _ in range(2):
        written.write([{"what": "logon"}])
    said = capsys.readouterr()
    assert (said.out + said.err).count("audit_failed") == 1
