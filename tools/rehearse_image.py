"""Do the Dockerfile's steps without a daemon: build the wheel, install it, run it, in a new folder.

    .venv/bin/python tools/rehearse_image.py [--keep DIR]

It copies what the build context would have (the files that git knows), runs the very scripts that
the Dockerfile runs, and starts a node of the result as the image would: its root cannot be written,
its healthcheck is asked, and SIGTERM must end it with 0. It takes as long as a first build.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
READY_TIMEOUT_S = 120
STOP_TIMEOUT_S = 60


def scripts() -> list[tuple[str, list[str]]]:
    """Return the scripts that the Dockerfile runs, with their arguments, in order."""
    text = DOCKERFILE.read_text(encoding="utf-8").replace("\\\n", " ")
    found = re.findall(r"^RUN (?:--mount=\S+\s+)*sh (\S+)((?: \S+)*)\s*$", text, re.MULTILINE)
    return [(name, arguments.split()) for name, arguments in found]


def context(into: Path) -> None:
    """Copy what a build would be given."""
    listed = subprocess.check_output(["git", "ls-files", "-z"], cwd=ROOT)
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    left_out = tuple(f"{name}/" for name in ignored if name and not set(name) & set("#*"))
    for name in listed.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file() and not name.startswith(left_out):
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, into / name)


def run(*command: str, cwd: Path, **more: str) -> None:
    """Run a step; its failure is the end."""
    print(f"[image] {' '.join(command)}", flush=True)
    subprocess.run(command, cwd=cwd, check=True, env={**environment(), **more})


def environment() -> dict[str, str]:
    """Return an environment in which nothing of this repository's own is set."""
    dropped = ("COULISSE_", "PYO3_", "VIRTUAL_ENV")
    return {name: of for name, of in os.environ.items() if not name.startswith(dropped)}


def build(folder: Path) -> Path:
    """Do both stages that build; return the virtual environment."""
    source, wheels, prefix = folder / "src", folder / "wheels", folder / "opt" / "coulisse"
    context(source)
    places = {
        "/wheels": str(wheels),
        "/opt/coulisse": str(prefix),
        "/build/packages.txt": str(source / "deploy" / "image" / "packages.txt"),
        "/build/install.sh": str(source / "deploy" / "image" / "install.sh"),
    }
    prefix.parent.mkdir()
    for script, arguments in scripts():
        steps = [places.get(one, one) for one in (script, *arguments)]
        run("sh", *steps, cwd=source, PYTHON=sys.executable)
    return prefix


def try_it(prefix: Path, folder: Path) -> None:
    """Start a node as the image does, ask its healthcheck, and stop it."""
    data = folder / "data"
    data.mkdir(mode=0o700)
    settings = {
        "COULISSE_SECRETS__MASTER_KEY": secrets.token_hex(32),
        "COULISSE_LOG__DIR": str(data),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(folder),
    }
    before = written(prefix)
    command = [str(prefix / "bin" / "coulisse"), "serve", "--port", "0", "--json"]
    with subprocess.Popen(
        command, cwd=data, env={**environment(), **settings}, stdout=subprocess.PIPE, text=True
    ) as node:
        assert node.stdout is not None, "a pipe was asked for"
        ready = json.loads(node.stdout.readline())
        port = str(ready["http"]).rsplit(":", 1)[1]
        check = str(ROOT / "deploy" / "image" / "healthy.py")
        python = str(prefix / "bin" / "python")
        run(python, check, cwd=data, COULISSE_GATEWAY__PORT=port)
        node.send_signal(signal.SIGTERM)
        code = node.wait(STOP_TIMEOUT_S)
    if code != 0:
        raise SystemExit(f"the node ended with {code}")
    gone = subprocess.run(
        [python, check], env={**environment(), "COULISSE_GATEWAY__PORT": port}, check=False
    )
    if gone.returncode != 1:
        raise SystemExit("the healthcheck says that a node lives that has stopped")
    if written(prefix) != before:
        raise SystemExit("the node has written into the image's own folder, which is read-only")


def written(prefix: Path) -> Mapping[str, int]:
    """Return every file of a folder with its time, as ns."""
    return {str(path): path.stat().st_mtime_ns for path in prefix.rglob("*") if path.is_file()}


def main() -> int:
    """Do it all; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--keep", type=Path, help="a new folder, which stays [a temporary one]")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="coulisse-image-") as temporary:
        folder = Path(temporary) if arguments.keep is None else arguments.keep.absolute()
        folder.mkdir(exist_ok=True)
        prefix = build(folder)
        megabytes = sum(path.stat().st_size for path in prefix.rglob("*") if path.is_file()) / 1e6
        try_it(prefix, folder)
        print(f"[image] all steps done; {prefix.name} has {megabytes:.0f} MB", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
