"""Build the extension once more without what metrics count, and compare a node with it.

    .venv/bin/python -m tools.uncounted [options of coulisse bench metrics]

The build has a target folder of its own, beside which the package is laid out anew: links
to its sources, and that extension. Nothing of it is installed. The build takes some minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tools.setup import EXTENSION, ROOT, SetupError, maturin, target_dir

PACKAGE = ROOT / "python" / "coulisse"


def lay_out(target: Path) -> Path:
    """Build, and return the directory that the package is found in. Raises `SetupError`."""
    wheels = target / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    options = ("--features", "uncounted", "--target-dir", str(target), "--out", str(wheels))
    if maturin("build", "release", *options) != 0:
        raise SetupError("the core without counts did not build")
    package = target / "python" / PACKAGE.name
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for source in PACKAGE.iterdir():
        if source != EXTENSION:
            (package / source.name).symlink_to(source)
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (package / EXTENSION.name).write_bytes(archive.read(f"coulisse/{EXTENSION.name}"))
    return package.parent


def main() -> int:
    """Build and measure; return the exit code."""
    try:
        found = lay_out(target_dir() / "uncounted")
    except SetupError as error:
        print(f"[uncounted] {error}", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "coulisse", "bench", "metrics", "--uncounted", str(found)]
    return subprocess.run([*command, *sys.argv[1:]], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
