"""The wheel: built by the script that the image uses, looked at, and given its papers.

    dist/coulisse-0.2.0-cp311-abi3-manylinux_2_34_x86_64.whl
    dist/coulisse-0.2.0-cp311-abi3-manylinux_2_34_x86_64.cdx.json
    dist/SHA256SUMS

One wheel serves every CPython from 3.11 on (abi3). How old a system may be that it runs on, maturin
reads from the symbols that it needs and writes into its name.
"""

from __future__ import annotations

import email.parser
import hashlib
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from tools.release.programs import ROOT

SCRIPT: Final = ROOT / "deploy" / "image" / "build-wheel.sh"
PACKAGE: Final = ROOT / "python"
EXTENSION: Final = "coulisse/_core.abi3.so"
ENTRY_POINTS: Final = "[console_scripts]\ncoulisse=coulisse.cli:main\n"
BUILT: Final = frozenset({".so", ".pyc"})
SUMS: Final = "SHA256SUMS"
BUILT_FOR: Final = re.compile(rb"coulisse is built for (?:x86-64-v3|every processor of its kind)")


class WheelError(Exception):
    """What is wrong with a wheel."""


def environment() -> Mapping[str, str]:
    """Return what `make` builds the extension with, so that nothing is built twice."""
    python = ROOT / ".venv" / "bin" / "python"
    return {
        **{name: of for name, of in os.environ.items() if name != "CONDA_PREFIX"},
        "MATURIN": str(python.with_name("maturin")),
        "VIRTUAL_ENV": str(ROOT / ".venv"),
        "PYO3_PYTHON": str(python),
        "PYO3_BUILD_EXTENSION_MODULE": "1",
    }


def build(out: Path) -> Path:
    """Build the wheel into `out`, which holds none yet; return it. Raises `WheelError`."""
    done = subprocess.run(["sh", str(SCRIPT), str(out)], env=environment(), check=False)
    wheels = list(out.glob("*.whl")) if done.returncode == 0 else []
    if len(wheels) != 1:
        raise WheelError("the wheel was not built")
    return wheels[0]


def faults(wheel: Path, version: str) -> Iterator[str]:
    """Say what is wrong with a wheel of this source tree."""
    wanted = {
        str(path.relative_to(PACKAGE)): path.read_bytes()
        for path in sorted((PACKAGE / "coulisse").rglob("*"))
        if path.is_file() and path.suffix not in BUILT
    }
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    info = f"coulisse-{version}.dist-info"
    for name, content in wanted.items():
        if held.get(name) != content:
            yield f"{name} is not in it, or is another"
    for name in sorted(set(held) - set(wanted) - {EXTENSION}):
        if not name.startswith(f"{info}/"):
            yield f"{name} is in it, and not in the source"
    if EXTENSION not in held:
        yield f"{EXTENSION} is not in it"
    if held.get(f"{info}/entry_points.txt") != ENTRY_POINTS.encode():
        yield "its entry point is not `coulisse`"
    metadata = email.parser.BytesParser().parsebytes(held.get(f"{info}/METADATA", b""))
    if metadata["Version"] != version:
        yield f"it says that it is version {metadata['Version']}, not {version}"
    if "-cp311-abi3-manylinux_" not in wheel.name:
        yield "its name does not say that it is for every Python from 3.11 on, on any Linux"


def built_for(wheel: Path) -> str:
    """Return what the extension in a wheel says that it is built for."""
    with zipfile.ZipFile(wheel) as archive:
        found = BUILT_FOR.search(archive.read(EXTENSION))
    if found is None:
        raise WheelError(f"{wheel.name} does not say which processor it is built for")
    return found[0].decode()


def sums(folder: Path) -> Path:
    """Write the SHA-256 of each file of `folder` into one, as sha256sum does; return it."""
    file = folder / SUMS
    file.write_text(_summed(folder), encoding="ascii")
    return file


def _summed(folder: Path) -> str:
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted(folder.iterdir())
        if path.name != SUMS
    ]
    return "".join(lines)


def gather(folder: Path, out: Path) -> None:
    """Copy what was built on several machines into `out`, which is new, and sum it up anew.

    Each folder of `folder` must be as it was built. Raises `WheelError`.
    """
    out.mkdir()
    for part in sorted(folder.iterdir()):
        said = (part / SUMS).read_text(encoding="ascii")
        names = [line.split()[1] for line in said.splitlines()]
        if {path.name for path in part.iterdir()} - {SUMS} != set(names):
            raise WheelError(f"{part.name}: its files are not those of {SUMS}")
        if _summed(part) != said:
            raise WheelError(f"{part.name}: a file is not what it was when {SUMS} was written")
        for name in names:
            if (out / name).exists():
                raise WheelError(f"{name} was built twice")
            shutil.copy2(part / name, out / name)
    sums(out)
