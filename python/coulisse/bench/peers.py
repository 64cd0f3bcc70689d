"""Other servers under the same load, for comparison: echoes, and orders the usual way.

They are installed on demand by npm and pip, each into a directory of its own, in versions that
stand here; nothing of them is kept in the repository. What cannot be installed or does not run is
said, with its reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coulisse.bench import servers
from coulisse.domain.errors import CoulisseError

SCRIPTS = Path("bench") / "peers"
"""Our own few lines for each, in the repository, from where the benchmark runs."""
INSTALL_TIMEOUT_S = 300.0
NODE_PACKAGES = ("ws@8.23.0", "nodejs-order-book@10.1.1")
UWS_PACKAGES = ("@trufflesuite/uws-js-unofficial@20.30.0-unofficial.0",)
PYTHON_PACKAGES = (
    "starlette==1.10.0",
    "uvicorn==0.54.0",
    "uvloop==0.23.0",
    "websockets==17.4",
)
USUAL = "node_usual"
"""The stack that a team would otherwise build."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A server to compare with."""

    name: str
    script: str
    runs_on: Literal["node", "python"]
    packages: tuple[str, ...]
    echoes: bool = True
    """It sends back what it is sent; otherwise it takes orders as a node of ours does."""


PEERS = (
    Peer("node_ws_echo", "ws_echo.js", "node", NODE_PACKAGES),
    Peer("uwebsockets_echo", "uws_echo.js", "node", UWS_PACKAGES),
    Peer("websockets_echo", "websockets_echo.py", "python", PYTHON_PACKAGES),
    Peer("starlette_echo", "starlette_echo.py", "python", PYTHON_PACKAGES),
    Peer(USUAL, "usual.js", "node", NODE_PACKAGES, echoes=False),
)

Load = Callable[[servers.Server, bool], dict[str, Any]]
"""Loads a server; whether it echoes. Returns the shapes."""


def measure(directory: Path, files: servers.Files, cpu: int, load: Load) -> dict[str, Any]:
    """Return the figures of every peer, or why there are none."""
    return {peer.name: _measure(peer, directory, files, cpu, load) for peer in PEERS}


def _measure(
    peer: Peer, directory: Path, files: servers.Files, cpu: int, load: Load
) -> dict[str, Any]:
    # The failure of one is no failure of the run: the others' figures stand.
    try:
        command, variables = _install(peer, directory.resolve())
        with servers.other(command, files, cpu, variables) as server:
            return {**load(server, peer.echoes), "rss_mb": server.peak_rss_mb()}
    except (CoulisseError, OSError, subprocess.SubprocessError) as error:
        return {"not_measured": str(error)}


def _install(peer: Peer, directory: Path) -> tuple[list[str], dict[str, str]]:
    """Install what the peer needs; return its command and variables. Raises `CoulisseError`."""
    script = str((SCRIPTS / peer.script).resolve(strict=True))
    if peer.runs_on == "node":
        modules = _npm(directory, peer.packages)
        return [_program("node"), script], {"NODE_PATH": str(modules)}
    return [str(_venv(directory, peer.packages)), script], {}


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise CoulisseError(f"{name} is not installed")
    return found


def _npm(directory: Path, packages: tuple[str, ...]) -> Path:
    place = directory / ("node-" + packages[0].strip("@").replace("/", "-"))
    command = [_program("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts"]
    _once(place, packages, [[*command, "--prefix", str(place), *packages]])
    return place / "node_modules"


def _venv(directory: Path, packages: tuple[str, ...]) -> Path:
    place = directory / "python"
    python = place / "bin" / "python"
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _once(place, packages, [[sys.executable, "-m", "venv", str(place)], [*pip, *packages]])
    return python


def _once(place: Path, packages: tuple[str, ...], commands: list[list[str]]) -> None:
    """Run `commands` unless they have made `place` for these packages already."""
    stamp = place / "packages"
    wanted = "\n".join(packages)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    place.mkdir(parents=True, exist_ok=True)
    for command in commands:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, env=os.environ
        )
        if done.returncode != 0:
            said = done.stderr.strip().splitlines()
            raise CoulisseError(f"{Path(command[0]).name}: {said[-1] if said else 'failed'}")
    stamp.write_text(wanted, encoding="utf-8")
