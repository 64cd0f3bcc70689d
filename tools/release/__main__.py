"""The commands of a release: `.venv/bin/python -m tools.release COMMAND`.

cut 0.2.0       write the version and the changelog's section; a person looks, commits and tags
verify v0.2.0   see that a tag is what the files say
notes 0.2.0     print what changed in a version
wheel           build dist/: the wheel, its bill of materials, SHA256SUMS
try DIR         install the wheel in DIR with what it asks for, and run it
gather DIR OUT  put what several machines have built into one folder
audit           what is known against the packages
"""

from __future__ import annotations

import argparse
import datetime
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.release.audit import Outcome, audit, exit_code
from tools.release.changelog import ChangelogError, notes
from tools.release.programs import ROOT, programs
from tools.release.sbom import SbomError, write_sbom
from tools.release.trial import TrialError, install, try_wheel
from tools.release.version import CHANGELOG, ReleaseError, cut_release, verify, version
from tools.release.wheel import WheelError, build, built_for, faults, gather, sums

DIST = ROOT / "dist"


def make_wheel() -> None:
    """Build dist/ anew."""
    tools = programs()
    shutil.rmtree(DIST, ignore_errors=True)
    wheel = build(DIST)
    wrong = list(faults(wheel, version(ROOT)))
    if wrong:
        raise WheelError("\n  ".join((wheel.name, *wrong)))
    # Whether it keeps to the stable ABI that its name promises.
    subprocess.run([str(tools / "abi3audit"), "--strict", "--summary", str(wheel)], check=True)
    host = subprocess.check_output(["rustc", "--print", "host-tuple"], text=True).strip()
    write_sbom(wheel, host, tools)
    sums(DIST)
    for file in sorted(DIST.iterdir()):
        print(f"[wheel] dist/{file.name}")
    print(f"[wheel] {built_for(wheel)}")


def try_built(folder: Path) -> None:
    """Try the one wheel of a folder."""
    wheels = list(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise TrialError(f"{folder} holds {len(wheels)} wheels, not one")
    with tempfile.TemporaryDirectory(prefix="coulisse-wheel-") as temporary:
        home = Path(temporary)
        try_wheel(install(wheels[0], home / "venv"), wheels[0].name.split("-")[1], home)
    print(f"[try] {wheels[0].name} installs, starts, serves and stops")


def look() -> int:
    """Audit, and say how each look ended; return the exit code."""
    looked = []
    for one in audit(programs()):
        looked.append(one)
        print(f"[audit] {one.what}: {one.outcome.value}{one.said and f' ({one.said})'}", flush=True)
    if any(one.outcome is Outcome.UNCHECKED for one in looked):
        print(
            "[audit] what is NOT CHECKED is not known to be clean: ask again where it can be asked"
        )
    return exit_code(looked)


def main() -> int:
    """Do what is asked; return the exit code."""
    parser = argparse.ArgumentParser(prog="tools.release")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, takes in (
        ("cut", ["version"]), ("verify", ["tag"]), ("notes", ["version"]), ("wheel", []),
        ("try", ["folder"]), ("gather", ["folder", "out"]), ("audit", []),
    ):  # fmt: skip
        command = commands.add_parser(name)
        for argument in takes:
            command.add_argument(argument)
    asked = parser.parse_args()
    try:
        return run(asked)
    except (ChangelogError, ReleaseError, SbomError, TrialError, WheelError, OSError) as error:
        print(f"release: {error}", file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"release: {error.cmd[0]} ended with {error.returncode}", file=sys.stderr)
    return 1


def run(asked: argparse.Namespace) -> int:
    """Do what is asked; return the exit code."""
    match asked.command:
        case "cut":
            cut_release(ROOT, asked.version, datetime.datetime.now(datetime.UTC).date())
            print("look at `git diff`, then go on as docs/operating/releases.md says")
        case "verify":
            print(verify(ROOT, asked.tag))
        case "notes":
            print(notes((ROOT / CHANGELOG).read_text(encoding="utf-8"), asked.version))
        case "wheel":
            make_wheel()
        case "try":
            try_built(Path(asked.folder))
        case "gather":
            gather(Path(asked.folder), Path(asked.out))
        case _:
            return look()
    return 0


if __name__ == "__main__":
    sys.exit(main())
