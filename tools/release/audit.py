"""What is known against the packages that are built in, installed or tested with.

Licences, sources and double versions of crates are looked at without a network. Advisories are
not: they come from databases elsewhere. What could not be asked is said to be unchecked, and is
never a success: the exit code is 0 where all was checked and clean, 1 where something was found,
2 where something could not be checked.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from tools.release.programs import ROOT

LOCKS: Final = tuple(f"requirements/{group}.txt" for group in ("dev", "release", "fuzz", "docs"))
"""All locks but run.txt, which dev.txt holds whole."""
CARGO_LOCKS: Final = ("Cargo.toml", "crates/fuzz/engine/Cargo.toml")
OFFLINE: Final = ("licenses", "bans", "sources")
WAIT_S: Final = 600


class Outcome(Enum):
    """How one look ended."""

    CLEAN = "clean"
    FOUND = "FOUND"
    UNCHECKED = "NOT CHECKED"


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look came to."""

    what: str
    outcome: Outcome
    said: str = ""


def exit_code(all_looked: Sequence[Looked]) -> int:
    """Return 1 where something was found, 2 where something was not checked, else 0."""
    outcomes = {looked.outcome for looked in all_looked}
    if Outcome.FOUND in outcomes:
        return 1
    return 2 if Outcome.UNCHECKED in outcomes or not outcomes else 0


def of_cargo_deny(what: str, code: int, stderr: str) -> Looked:
    """Judge what `cargo-deny --format json check` said."""
    lines = [json.loads(line) for line in stderr.splitlines() if line.startswith("{")]
    errors = [
        line["fields"]["message"]
        for line in lines
        if line.get("type") == "diagnostic" and line["fields"].get("severity") == "error"
    ]
    if errors:
        return Looked(what, Outcome.FOUND, "; ".join(errors))
    # Without the summary it gave up before it had looked.
    if code == 0 and any(line.get("type") == "summary" for line in lines):
        return Looked(what, Outcome.CLEAN)
    return Looked(what, Outcome.UNCHECKED, _last(stderr))


def of_pip_audit(what: str, stdout: str, stderr: str) -> Looked:
    """Judge what `pip-audit --format json` said.

    A package of which its service knows nothing it calls skipped, and ends with 0: where a
    registry stands in between that has no advisories, that is every package.
    """
    try:
        answer: dict[str, Any] = json.loads(stdout)
        packages: list[dict[str, Any]] = answer["dependencies"]
    except (ValueError, KeyError):
        return Looked(what, Outcome.UNCHECKED, _last(stderr))
    found = [
        f"{one['name']} {one['version']}: {' '.join(fault['id'] for fault in one['vulns'])}"
        for one in packages
        if one.get("vulns")
    ]
    if found:
        return Looked(what, Outcome.FOUND, "; ".join(found))
    skipped = [one["name"] for one in packages if "skip_reason" in one]
    if skipped or not packages:
        said = f"the registry told nothing of {len(skipped)} of {len(packages)} packages"
        return Looked(what, Outcome.UNCHECKED, said)
    return Looked(what, Outcome.CLEAN, f"{len(packages)} packages")


def _last(text: str) -> str:
    """Return the last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith("{"):
            fields = json.loads(line).get("fields", {})
            line = fields.get("message", line)
        return line.splitlines()[0][:200]
    return "it said nothing"


def audit(programs: Path) -> Iterator[Looked]:
    """Look at everything, one after the other."""
    for manifest in CARGO_LOCKS:
        folder = Path(manifest).parent
        where = "crates" if folder == Path() else f"crates of {folder}"
        for check in (*OFFLINE, "advisories"):
            yield _cargo_deny(programs, manifest, check, f"{where}: {check}")
    for lock in LOCKS:
        command = [str(programs / "pip-audit"), "--requirement", lock, "--disable-pip", "--no-deps"]
        command += ["--format", "json", "--progress-spinner", "off"]
        done = _run(command)
        yield of_pip_audit(f"{lock}: advisories", done.stdout, done.stderr)


def _cargo_deny(programs: Path, manifest: str, check: str, what: str) -> Looked:
    command = [str(programs / "cargo-deny"), "--format", "json", "--manifest-path", manifest]
    done = _run([*command, "--config", str(ROOT / "deny.toml"), "check", check])
    return of_cargo_deny(what, done.returncode, done.stderr)


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WAIT_S)
