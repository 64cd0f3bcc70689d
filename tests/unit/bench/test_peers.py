"""Peers: what cannot be installed is said, and hides nothing of the others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coulisse.bench import peers, servers


def _no_load(server: servers.Server, echoes: bool) -> dict[str, Any]:
    raise AssertionError("nothing runs that could be loaded")


def test_a_peer_that_cannot_be_installed_has_a_reason_instead_of_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "peers").mkdir()
    (tmp_path / "peers" / "python").write_text("in the way")
    files = servers.Files(tmp_path / "config", tmp_path / "accounts", tmp_path / "log")
    found = peers.measure(tmp_path / "peers", files, 0, _no_load)
    assert set(found) == {peer.name for peer in peers.PEERS}
    for peer in peers.PEERS:
        reason = found[peer.name]["not_measured"]
        wanted = "is not installed" if peer.runs_on == "node" else "File exists"
        assert wanted in reason, reason


def test_every_peer_has_its_script() -> None:
    for peer in peers.PEERS:
        assert (peers.SCRIPTS / peer.script).is_file(), peer.script
