"""Make `.venv` ready: the locked Python packages, the Rust extension, the load generator.

`make` calls it before everything else. A step whose inputs have not changed since it last
succeeded is skipped: each leaves a stamp in `.venv`, a hash over the *content* of its inputs, so
a checkout, a touch or a copied clone rebuilds nothing and a deleted `.venv` rebuilds all.
Nothing is written outside `.venv`, `target` and the one built file in `python/coulisse`
(cargo and pip keep their own caches).

Only the standard library: this runs before anything is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import venv
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMPS = VENV / "stamps"
LOCKS = {group: ROOT / "requirements" / f"{group}.txt" for group in ("run", "dev", "docs")}
SYSTEM_LIST = ROOT / "requirements" / "system.txt"
EXTENSION = ROOT / "python" / "coulisse" / "_core.abi3.so"
BENCH = VENV / "bin" / "coulisse-bench"
# The same extension with faults to switch on (feature `planted`): the tests load it to see that
# they would find them. Nothing that is run can import it.
PLANTED = VENV / "planted" / "_core.abi3.so"
# What the extension is made of. A change to any of these files builds it again.
CORE_INPUTS = (
    ROOT / ".cargo",
    *(crate for crate in sorted((ROOT / "crates").iterdir()) if crate.name != "fuzz"),
    ROOT / "Cargo.toml",
    ROOT / "Cargo.lock",
    ROOT / "pyproject.toml",
    # maturin's version stands there.
    LOCKS["run"],
)
# pip tells its story in many lines; these are the ones that show it is moving.
PIP_LINES = ("Collecting ", "Installing ", "ERROR", "WARNING")


class SetupError(Exception):
    """A step that failed, in words for the person who typed `make`."""


def say(step: str, text: str) -> None:
    """Print one line of progress."""
    print(f"[{step}] {text}", flush=True)


def fingerprint(inputs: Iterable[Path]) -> str:
    """Hash the names and bytes of all files under `inputs`, in a fixed order."""
    digest = hashlib.sha256()
    for top in inputs:
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for path in files:
            if path.is_file() and not path.name.startswith(".") and "target" not in path.parts:
                content = path.read_bytes()
                digest.update(f"{path.relative_to(ROOT)}\0{len(content)}\0".encode())
                digest.update(content)
    return digest.hexdigest()


def is_stamped(step: str, mark: str) -> bool:
    """Tell whether `step` last succeeded on the inputs that `mark` stands for."""
    stamp = STAMPS / step
    return stamp.is_file() and stamp.read_text() == mark


def stamp(step: str, mark: str) -> None:
    """Remember that `step` succeeded on these inputs."""
    STAMPS.mkdir(exist_ok=True)
    (STAMPS / step).write_text(mark)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold off a second `make` in the same folder until this one's set-up is done."""
    with (VENV / "setup.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_venv() -> None:
    """Create `.venv`, or create it again where its interpreter has gone."""
    python = VENV / "bin" / "python"
    if python.exists() and (VENV / "bin" / "pip").exists():
        return
    say("venv", f"creating .venv with Python {sys.version.split()[0]}")
    venv.create(VENV, clear=VENV.exists(), with_pip=True, symlinks=True)


def install_packages(group: str, goal: str) -> None:
    """Install the lock of `group` (`dev` holds all of `run`), every file checked by its hash."""
    mark = fingerprint([LOCKS[group]])
    if is_stamped(group, mark):
        return
    name = LOCKS[group].relative_to(ROOT)
    say("packages", f"installing {name} into .venv")
    command = [str(VENV / "bin" / "pip"), "install", "--require-hashes", "--no-input"]
    command += ["--disable-pip-version-check", "--progress-bar", "off", "-r", str(name)]
    if stream(command, keep=PIP_LINES) != 0:
        raise SetupError(
            "the Python packages could not be installed: pip's package registry did not answer, "
            f"or gave a file that is not in {name}.\n  Try again: make {goal}"
        )
    for covered in ("run", "dev") if group == "dev" else (group,):
        stamp(covered, fingerprint([LOCKS[covered]]))


def stream(command: list[str], *, keep: tuple[str, ...]) -> int:
    """Run `command`, print those of its lines that begin as `keep` says, return its exit code.

    A failure prints its last lines in full.
    """
    lines: list[str] = []
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as process:  # fmt: skip
        assert process.stdout is not None, "a pipe was asked for"
        for line in process.stdout:
            lines.append(line)
            if line.startswith(keep):
                print(f"  {line.rstrip()[:100].split(' (from ')[0]}", flush=True)
    if process.returncode != 0:
        print("".join(lines[-15:]), end="", flush=True)
    return process.returncode


def cargo(*arguments: str) -> int:
    """Run cargo with its own output on the terminal; return its exit code."""
    return subprocess.run(["cargo", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL).returncode


def build_core(goal: str) -> None:
    """Build the extension and the load generator, in the one release profile."""
    mark = fingerprint(CORE_INPUTS)
    if EXTENSION.exists() and BENCH.exists() and is_stamped("core", mark):
        return
    say("crates", "fetching what Cargo.lock names")
    if cargo("fetch", "--locked") != 0:
        raise SetupError(
            "the Rust crates could not be fetched: cargo's crate registry did not answer, "
            f"or Cargo.lock is not up to date.\n  Try again: make {goal}"
        )
    say("core", "building the Rust core, release profile (a first build takes some minutes)")
    if maturin("develop", "release") != 0:
        raise SetupError(f"the Rust core did not build.\n  Try again: make {goal}")
    if cargo("build", "--release", "--locked", "--offline", "-p", "coulisse-bench") != 0:
        raise SetupError(f"the load generator did not build.\n  Try again: make {goal}")
    shutil.copy2(target_dir() / "release" / BENCH.name, BENCH)
    stamp("core", mark)


def maturin(command: str, profile: str, *options: str) -> int:
    """Run maturin for `.venv`, offline, its output on the terminal; return its exit code."""
    program = str(VENV / "bin" / "maturin")
    arguments = [program, command, *options, "--profile", profile, "--locked", "--offline"]
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV), "PIP_QUIET": "1"}
    # maturin refuses to choose between two environments; ours is the one above.
    environment.pop("CONDA_PREFIX", None)
    return subprocess.run(arguments, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode


def build_planted(goal: str) -> None:
    """Build the extension with faults, for the tests alone."""
    mark = fingerprint(CORE_INPUTS)
    if PLANTED.exists() and is_stamped("planted", mark):
        return
    say("planted", "building the core a second time, with faults for the tests to find")
    try:
        content = extension_with("planted", "quick")
    except SetupError as error:
        raise SetupError(f"{error}.\n  Try again: make {goal}") from None
    PLANTED.parent.mkdir(exist_ok=True)
    PLANTED.write_bytes(content)
    stamp("planted", mark)


def extension_with(feature: str, profile: str) -> bytes:
    """Build the extension with one of cargo's features; return it, installed nowhere.

    It has a target folder of its own: cargo names both libraries alike and would mix them up.
    """
    target = target_dir() / feature
    wheels = target / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    options = ("--features", feature, "--target-dir", str(target), "--out", str(wheels))
    if maturin("build", profile, *options) != 0:
        raise SetupError(f"the core with the feature {feature} did not build")
    (wheel,) = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return archive.read(f"coulisse/{EXTENSION.name}")


def target_dir() -> Path:
    """Where cargo puts what it builds (a setting of the user's may move it)."""
    command = ["cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return Path(json.loads(answer.stdout)["target_directory"])


def install_system_packages() -> None:
    """Install the programs that some tests drive, where that can be done without asking.

    That is: as root, on Debian. Anywhere else one line says what to install, and the tests that
    need it say so as they skip. `COULISSE_NO_APT=1` turns root on Debian into "anywhere else".
    """
    rows = [line.split(None, 2) for line in SYSTEM_LIST.read_text().splitlines()]
    wanted = [row for row in rows if row and row[0] != "#" and shutil.which(row[0]) is None]
    if not wanted:
        return
    packages = [package for _, package, _ in wanted]
    may_install = (
        os.geteuid() == 0
        and Path("/etc/debian_version").exists()
        and shutil.which("apt-get") is not None
        and not os.environ.get("COULISSE_NO_APT")
    )
    if may_install and apt_install(packages):
        return
    for command, package, reason in wanted:
        say("system", f"{command} is not here (Debian: {package}); {reason} will be skipped")


def apt_install(packages: list[str]) -> bool:
    """Install Debian packages; tell whether it worked."""
    say("system", f"installing {' '.join(packages)} with apt-get, for the tests")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if done.returncode != 0:
            print(done.stdout[-500:], done.stderr[-500:], sep="", flush=True)
            say("system", "Debian's package registry did not answer, or has no such package")
            return False
    return True


def main() -> int:
    """Set up for `run`, `dev` or `docs`; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("group", choices=tuple(LOCKS))
    parser.add_argument("--goal", default="run", help="the make target to name when a step fails")
    parser.add_argument("--tests", action="store_true", help="also what only the tests need")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        make_venv()
        with only_one():
            install_packages(arguments.group, arguments.goal)
            if arguments.group != "docs":
                build_core(arguments.goal)
            if arguments.tests:
                build_planted(arguments.goal)
                install_system_packages()
    except SetupError as error:
        print(f"coulisse: {error}", file=sys.stderr)
        return 1
    took_s = time.monotonic() - started
    if took_s > 2:
        say("setup", f"done in {took_s:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
