"""Build the extension once more without what metrics count, and compare a node with it.

    .venv/bin/python -m tools.uncounted [options of coulisse bench metrics]

The build has a target folder of its own, beside which the package is laid out anew: links
to its sources, and that extension. Nothing of it is installed. The build takes some minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tools.setup import EXTENSION, ROOT, SetupError, extension_with, target_dir

PACKAGE = ROOT / "python" / "coulisse"


def lay_out(package: Path) -> None:
    """Build the extension, and lay the package out anew beside it. Raises `SetupError`."""
    extension = extension_with("uncounted", "release")
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for source in PACKAGE.iterdir():
        if source != EXTENSION:
            (package / source.name).symlink_to(source)
    (package / EXTENSION.name).write_bytes(extension)


def main() -> int:
    """Build and measure; return the exit code."""
    try:
        found = target_dir() / "uncounted" / "python"
        lay_out(found / PACKAGE.name)
    except SetupError as error:
        print(f"[uncounted] {error}", file=sys.stderr)
        return 1
    command = [sys.executable, "-m", "coulisse", "bench", "metrics", "--uncounted", str(found)]
    return subprocess.run([*command, *sys.argv[1:]], cwd=ROOT).returncode


if __name__ == "__main__":
    sys.exit(main())
