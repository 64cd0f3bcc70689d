"""Fuzz every decoder, guided by coverage, and keep what is new: `make fuzz` runs it.

The Rust targets (crates/fuzz) are built with coverage around libFuzzer, into target/fuzz, by the
stable compiler; that needs a C++ compiler. The Python targets (tests/fuzz) run under Atheris, which
is installed by hash into target/fuzz as well. Each begins with its kept corpus; what reached
something new is packed into the corpus again, the shortest first, as far as there is room. What
broke a law stays in target/fuzz/found, and the exit code says so.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.fuzz.corpus import pack, unpack  # noqa: E402
from tests.fuzz.targets import TARGETS  # noqa: E402

BASE = ROOT / "target" / "fuzz"
ENGINE = ROOT / "crates" / "fuzz" / "engine"
TRIPLE = "x86_64-unknown-linux-gnu"
COVERAGE = " ".join(
    [
        "-Cpasses=sancov-module",
        *(
            f"-Cllvm-args=-sanitizer-coverage-{what}"
            for what in ("level=3", "inline-8bit-counters", "pc-table", "trace-compares")
        ),
        "-Cdebug-assertions",
    ]
)
RUST = (
    "frames", "packed", "heads", "requests", "calls", "numbers", "records", "events", "journal",
    "snapshots", "feeds", "links",
)  # fmt: skip
CANARY = "canary"
CORPUS_BYTES_MAX = 64 * 1_024
"""Of one target; a megabyte of all together."""


def main() -> int:
    """Fuzz; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=int, default=60, help="of each target")
    parser.add_argument("--only", default="", help="targets whose name has this in it")
    arguments = parser.parse_args()
    if not arguments.only and not all(_sings(*found) for found in (_rust(CANARY), _python(CANARY))):
        print("[fuzz] the canary was not found: nothing is led by coverage", flush=True)
        return 1
    chosen = [name for name in (*RUST, *TARGETS) if arguments.only in name]
    failed = [name for name in chosen if not _fuzz(name, arguments.seconds)]
    print(f"[fuzz] {len(chosen)} targets, broken: {', '.join(failed) or 'none'}", flush=True)
    return 1 if failed else 0


def _sings(command: list[str], environ: dict[str, str]) -> bool:
    """Tell whether a fault that only coverage leads to is found in time."""
    folder = BASE / "in" / CANARY
    folder.mkdir(parents=True, exist_ok=True)
    options = ["-max_total_time=60", "-use_value_profile=1", f"-artifact_prefix={folder}/"]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True
    )
    return done.returncode != 0 and b"canary sings" in done.stderr + done.stdout


def _fuzz(name: str, seconds: int) -> bool:
    """Run one target and keep what it found; tell whether its law held."""
    command, environ = _rust(name) if name in RUST else _python(name)
    corpus, fresh = BASE / "in" / name, BASE / "out" / name
    found = BASE / "found"
    for folder in (corpus, fresh):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    found.mkdir(exist_ok=True)
    kept = _kept(name)
    seeds = () if name in RUST else TARGETS[name].seeds
    inputs = [*unpack(kept.read_bytes()), *seeds]
    for number, data in enumerate(inputs):
        (corpus / f"kept-{number}").write_bytes(data)
    print(f"[fuzz] {name}: {len(inputs)} inputs, {seconds} s", flush=True)
    limits = ["-max_len=4096", "-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1"]
    limits += [f"-max_total_time={seconds}", f"-artifact_prefix={found}/{name}-"]
    if not _run([*command, *limits, str(corpus)], environ, name):
        return False
    if name in RUST:
        merge = ["-merge=1", "-max_len=4096", str(fresh), str(corpus)]
        if not _run([*command, *merge], environ, name):
            return False
    # Atheris does not merge: there all that reached something new is kept.
    folder = fresh if name in RUST else corpus
    _keep(kept, [file.read_bytes() for file in folder.iterdir()])
    return True


def _kept(name: str) -> Path:
    folder = ROOT / ("crates/fuzz/corpus" if name in RUST else "tests/fuzz/corpus")
    return folder / f"{name}.corpus"


def _keep(file: Path, inputs: list[bytes]) -> None:
    """Pack the shortest inputs, as many as there is room for."""
    chosen: list[bytes] = []
    room = CORPUS_BYTES_MAX
    for data in sorted(inputs, key=len):
        room -= len(data) + 4
        if room < 0:
            break
        chosen.append(data)
    file.write_bytes(pack(chosen))
    print(f"[fuzz] {file.stem}: {len(chosen)} of {len(inputs)} inputs kept", flush=True)


def _run(command: list[str], environ: dict[str, str], name: str) -> bool:
    done = subprocess.run(
        command, cwd=ROOT, env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        errors="replace",
    )  # fmt: skip
    lines = done.stderr.splitlines()
    for line in lines:
        if line.startswith(("stat::number_of_executed_units", "Done ", "stat::new_units_added")):
            print(f"  {line}", flush=True)
    if done.returncode != 0:
        print("\n".join(lines[-40:]), flush=True)
        print(f"[fuzz] {name}: broken; the input is in {BASE / 'found'}", flush=True)
    return done.returncode == 0


def _rust(name: str) -> tuple[list[str], dict[str, str]]:
    """Build the engine; return how to run one target."""
    environ = os.environ | {"RUSTFLAGS": COVERAGE, "CARGO_TARGET_DIR": str(BASE / "rust")}
    build = ["cargo", "build", "--release", "--locked", "--quiet", "--target", TRIPLE]
    subprocess.run(build, cwd=ENGINE, env=environ, check=True)
    program = BASE / "rust" / TRIPLE / "release" / "coulisse-fuzz-engine"
    seeds = {"COULISSE_FUZZ_SEEDS": str(BASE / "in" / name)}
    return [str(program)], os.environ | {"COULISSE_FUZZ_TARGET": name} | seeds


def _python(name: str) -> tuple[list[str], dict[str, str]]:
    """Install Atheris where it is not; return how to run one target."""
    packages = BASE / "packages"
    lock = ROOT / "requirements" / "fuzz.txt"
    if not (packages / "atheris").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps"]
        subprocess.run([*pip, "--target", str(packages), "-r", str(lock)], check=True)
    environ = os.environ | {"PYTHONPATH": f"{packages}:{ROOT}"}
    return [sys.executable, "-m", "tests.fuzz.engine", name], environ


if __name__ == "__main__":
    sys.exit(main())
