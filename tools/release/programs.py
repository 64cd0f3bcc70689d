"""The programs that releases and audits need, in a virtual environment of their own.

Nothing that runs or tests Coulisse needs them, so `make run` and `make test` do not install them.
"""

from __future__ import annotations

import hashlib
import subprocess
import venv
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent.parent
LOCK: Final = ROOT / "requirements" / "release.txt"
HOME: Final = ROOT / "target" / "release-tools"


def programs() -> Path:
    """Return the folder of the programs, installed by their lock if they are not.

    Raises `subprocess.CalledProcessError` where the package registry does not answer.
    """
    stamp = HOME / "stamp"
    mark = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != mark:
        print(f"[tools] installing {LOCK.relative_to(ROOT)} into target/{HOME.name}", flush=True)
        venv.create(HOME, clear=True, with_pip=True, symlinks=True)
        pip = [str(HOME / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "--no-deps", "-r", str(LOCK)], check=True)
        stamp.write_text(mark)
    return HOME / "bin"
