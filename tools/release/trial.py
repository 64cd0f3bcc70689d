"""Install a wheel into a fresh virtual environment and run it, as somebody does who has only that.

`coulisse --version` must say the version, and `coulisse demo` come up, serve its page, say the same
version in `/healthz` and `/metrics`, and end by SIGINT with 0. Nothing of this repository is on the
path.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import urllib.parse
import venv
from pathlib import Path
from typing import Final

ANSWER_TIMEOUT_S: Final = 120
STOP_TIMEOUT_S: Final = 60
PAGES: Final = ("/", "/page/page.js", "/page/session.js", "/page/page.css")


class TrialError(Exception):
    """What a wheel does not do."""


def install(wheel: Path, folder: Path, packages: Path | None = None) -> Path:
    """Install a wheel into `folder`, and what it asks for; return the folder of the programs.

    Where `packages` is given, a folder of installed packages, what it asks for is taken from there.
    """
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    command += ["--disable-pip-version-check", "--no-input"]
    if packages is not None:
        command += ["--no-deps", "--no-index"]
    subprocess.run([*command, str(wheel)], check=True)
    if packages is not None:
        (site,) = folder.glob("lib/python3*/site-packages")
        # A folder that is named so comes after the wheel's, and its own .pth files are not read.
        (site / "beside.pth").write_text(f"{packages}\n", encoding="utf-8")
    return folder / "bin"


def try_wheel(programs: Path, version: str, home: Path) -> None:
    """Run what was installed. Raises `TrialError`."""
    dropped = ("COULISSE_", "PYTHON", "VIRTUAL_ENV")
    environ = {name: of for name, of in os.environ.items() if not name.startswith(dropped)}
    environ |= {"HOME": str(home), "XDG_STATE_HOME": str(home / "state")}
    where = [str(programs / "python"), "-c", "import coulisse; print(coulisse.__file__)"]
    for command, wanted in (
        (where, f"{programs.parent}{os.sep}"),
        ([str(programs / "coulisse"), "--version"], f"coulisse {version}\n"),
    ):
        said = subprocess.check_output(command, cwd=home, env=environ, text=True)
        if not said.startswith(wanted):
            raise TrialError(f"{' '.join(command)} said {said!r}, not {wanted!r}")
    command = [str(programs / "coulisse"), "demo", "--port", "0", "--json"]
    with subprocess.Popen(
        command, cwd=home, env=environ, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None, "a pipe was asked for"
        try:
            line = demo.stdout.readline()
            if not line:
                raise TrialError("the demo ended before it was ready")
            _look(json.loads(line)["http"], version)
            demo.send_signal(signal.SIGINT)
            code = demo.wait(STOP_TIMEOUT_S)
        finally:
            demo.kill()
    if code != 0:
        raise TrialError(f"the demo ended with {code}")


def _look(base: str, version: str) -> None:
    """Ask for the page and all that it loads, and for the version."""
    for path in PAGES:
        _get(base, path)
    said = json.loads(_get(base, "/healthz"))["version"]
    if said != version:
        raise TrialError(f"/healthz says version {said}, not {version}")
    shown = _get(base, "/metrics").decode()
    (info,) = (line for line in shown.splitlines() if line.startswith("coulisse_node_info{"))
    if f'version="{version}"' not in info:
        raise TrialError(f"/metrics has {info}, not version {version}")


def _get(base: str, path: str) -> bytes:
    parts = urllib.parse.urlsplit(base)
    assert parts.hostname is not None, base
    asking = http.client.HTTPConnection(parts.hostname, parts.port, timeout=ANSWER_TIMEOUT_S)
    try:
        asking.request("GET", path)
        answer = asking.getresponse()
        body = answer.read()
    finally:
        asking.close()
    if answer.status != 200 or not body:
        raise TrialError(f"{path} was answered with {answer.status} and {len(body)} bytes")
    return body
