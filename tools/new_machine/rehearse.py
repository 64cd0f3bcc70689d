"""Type docs/operating/new-machine.md into a machine of its own, and look whether all of it runs.

    .venv/bin/python -m tools.new_machine.rehearse

The machine is this one with other mounts, processes and network: `/etc` and `/var` are overlaid,
`/opt` and `/run` empty, all ports free, no other host in reach. So commands are run as they stand
on the page, with its paths and ports; PostgreSQL, Redis, Prometheus and Java are Debian's own,
which have to be installed. What has to come from a network is fetched beforehand: the wheel's
packages, QuestDB. It needs root, Debian 12, `unshare` and a built tree.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from coulisse.bench.questdb_server import archive
from tools.rehearse_image import context, environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "operating" / "new-machine.md"
FETCHED = ROOT / "target" / "new-machine"
PYTHON = "/usr/bin/python3"
KEYSTROKES_PER_MIN = 200
"""Of somebody who types no faster than most people."""


def fences() -> list[str]:
    """Return the blocks of commands on the page, in its order."""
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def typing() -> dict[str, float]:
    """Count what has to be typed, and say how long that takes."""
    blocks = fences()
    characters = sum(len(block) for block in blocks)
    commands = sum(len(block.splitlines()) for block in blocks)
    minutes = round(characters / KEYSTROKES_PER_MIN, 1)
    return {"lines": commands, "characters": characters, "typing_min": minutes}


def missing() -> str:
    """Return what this machine lacks to be another one, or nothing."""
    if os.geteuid() != 0:
        return "the right to make namespaces"
    version = Path("/etc/debian_version")
    if not version.is_file() or not version.read_text().startswith("12"):
        return "Debian 12"
    wanted = ("unshare", "psql", "redis-server", "prometheus", "java", "systemd-analyze", "ip")
    return ", ".join(name for name in wanted if shutil.which(name) is None)


def built_wheel() -> Path:
    """Build the wheel of this tree, of what is built already; return its folder."""
    dist = FETCHED / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    command = [
        str(ROOT / ".venv" / "bin" / "maturin"),
        "build",
        "--release",
        "--locked",
        "--offline",
    ]
    subprocess.run([*command, "--out", str(dist)], cwd=ROOT, check=True, capture_output=True)
    return dist


def fetched_packages() -> Path:
    """Fetch what the wheel needs, by hash; return the folder."""
    house = FETCHED / "packages"
    lock = ROOT / "deploy" / "image" / "packages.txt"
    command = [
        PYTHON,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
    ]
    command += ["--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]
    subprocess.run([*command, "--dest", str(house)], check=True, env=environment())
    return house


def rehearse() -> dict[str, Any]:
    """Do all of it; return what was typed and what came of it. Raises `RuntimeError`."""
    dist, house, jars = built_wheel(), fetched_packages(), archive().parent
    with tempfile.TemporaryDirectory(prefix="coulisse-new-machine-") as name:
        top = Path(name)
        source, work, page = top / "coulisse", top / "disk", top / "page.json"
        work.mkdir()
        source.mkdir()
        context(source)
        # Not in an image, but in a source tree.
        shutil.copytree(ROOT / "deploy", source / "deploy", dirs_exist_ok=True)
        shutil.copytree(dist, source / "dist")
        page.write_text(json.dumps(fences()), encoding="utf-8")
        top.chmod(0o755)
        given = {
            **environment(), "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(house), "PYTHON": PYTHON,
            "QUESTDB_JARS": str(jars), "HOME": "/root",
        }  # fmt: skip
        inside = [PYTHON, str(ROOT / "tools" / "new_machine" / "inside.py"), str(work), str(page)]
        done = subprocess.run(
            ["unshare", "-m", "-p", "-n", "-f", "--kill-child", "--mount-proc", *inside],
            cwd=source, env=given, capture_output=True, text=True, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-6_000:])
    return {**typing(), **json.loads(done.stdout.splitlines()[-1])}


if __name__ == "__main__":
    lacking = missing()
    if lacking:
        sys.exit(f"a new machine needs {lacking}")
    print(json.dumps(rehearse(), indent=1))
