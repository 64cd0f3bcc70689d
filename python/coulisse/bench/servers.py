"""The two servers that are loaded: a node of ours, and the bare floor below it.

Each runs in processes of its own, what answers on one processor, and is found by the first line
that it prints.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import selectors
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from coulisse.bench.binary import find_program
from coulisse.bench.pinning import children, cpu_s, pinned_to
from coulisse.client.keys import new_private_key, public_key
from coulisse.domain.errors import CoulisseError

SYMBOL = "BTC-USD"
ACCOUNTS = 100
READY_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
ANSWER_TIMEOUT_S = 10.0
COMPLAINT_BYTES = 2_000
"""How much of what a failed server said is shown."""


@dataclass(frozen=True, slots=True)
class Files:
    """What a run leaves in its directory for the servers and the load."""

    config: Path
    accounts: Path
    """Lines of `account key_id private_key` for the load generator."""
    log: Path


def write_files(directory: Path) -> Files:
    """Write a config of one instrument and a hundred funded accounts, and their keys."""
    files = Files(directory / "bench.toml", directory / "accounts", directory / "server.log")
    config = [
        # A benchmark asks for all that the machine can do, from one address and over few keys.
        "[gateway]",
        "logon_timeout_s = 0",
        "key_rate = 0",
        "account_rate = 0",
        "address_rate = 0",
        "[[instruments]]",
        f'symbol = "{SYMBOL}"',
        'tick_size = "0.01"',
        'lot_size = "0.00001"',
    ]
    keys = []
    for number in range(ACCOUNTS):
        private, name = new_private_key(), f"bench-{number}"
        keys.append(f"{name} {name} {private}\n")
        # With 50 connections each key acts for two accounts, which takes the permission `admin`.
        config += [
            "[[accounts]]",
            f'name = "{name}"',
            'deposits = { BTC = "1000000", USD = "1000000000" }',
            "[[accounts.keys]]",
            f'key_id = "{name}"',
            f'public_key = "{public_key(private).hex()}"',
            'permissions = ["read", "trade", "admin"]',
        ]
    files.config.write_text("\n".join(config) + "\n", encoding="utf-8")
    files.accounts.touch(mode=0o600)
    files.accounts.write_text("".join(keys), encoding="utf-8")
    return files


def keys_of(files: Files) -> list[tuple[str, str]]:
    """Return the id and the private key of each account's key."""
    lines = files.accounts.read_text(encoding="utf-8").splitlines()
    return [(line.split()[1], line.split()[2]) for line in lines]


@dataclass(frozen=True, slots=True)
class Server:
    """A server that answers."""

    pid: int
    host: str
    port: int
    http: str

    def trades(self) -> int:
        """Return how many trades there have been: the newest trade's id."""
        url = f"{self.http}/v1/trades/{SYMBOL}"
        with urllib.request.urlopen(url, timeout=ANSWER_TIMEOUT_S) as answer:
            body = json.load(answer)
        return max((int(trade["trade_id"]) for trade in body["trades"]), default=0)

    def metric(self, name: str) -> int:
        """Return a metric of the node, its labels with it as /metrics shows them."""
        with urllib.request.urlopen(f"{self.http}/metrics", timeout=ANSWER_TIMEOUT_S) as answer:
            lines = answer.read().decode().splitlines()
        values = [line.split()[1] for line in lines if line.startswith(f"{name} ")]
        return int(float(values[0])) if values else 0

    def cpu_s(self) -> float:
        """Return the processor time that the server itself has used so far."""
        return cpu_s(self.pid)

    def pids(self) -> list[int]:
        """Return the server's process and each that it has started."""
        return list(_family(self.pid))

    def family_cpu_s(self) -> dict[str, float]:
        """Return the processor time of each of its processes so far, by what it is."""
        return {name: cpu_s(pid) for name, pid in _named_family(self.pid)}

    def family_rss_mb(self) -> dict[str, float]:
        """Return what each of its processes holds now, by what it is."""
        family = _named_family(self.pid)
        return {name: round(_memory_kb(pid, "VmRSS:") * 1_024 / 1e6, 1) for name, pid in family}

    def peak_rss_mb(self) -> float:
        """Return the sum of what each process of the server ever held at once."""
        return round(sum(peak_rss_mb(pid) for pid in _family(self.pid)), 1)

    def rss_mb(self) -> float:
        """Return the sum of what the processes of the server hold now."""
        return round(sum(_memory_kb(pid, "VmRSS:") for pid in _family(self.pid)) * 1_024 / 1e6, 1)

    def pss_mb(self) -> float:
        """Return what its processes hold together now: a page that several share counts once."""
        return round(sum(_shared_kb(pid) for pid in _family(self.pid)) * 1_024 / 1e6, 1)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for child in children(pid):
        yield from _family(child)


def _named_family(pid: int) -> Iterator[tuple[str, int]]:
    """Yield what each process of a server is, and its pid."""
    workers = 0
    for one in _family(pid):
        command = Path(f"/proc/{one}/cmdline").read_bytes()
        if b"projector_process" in command:
            yield "projector", one
        elif b"series_process" in command:
            yield "series", one
        elif b"worker_process" in command:
            workers += 1
            yield f"worker_{workers}", one
        else:
            yield "core", one


def peak_rss_mb(pid: int) -> float:
    """Return what a process ever held at once."""
    return round(_memory_kb(pid, "VmHWM:") * 1_024 / 1e6, 1)


def _memory_kb(pid: int, name: str) -> int:
    return _field_kb(Path(f"/proc/{pid}/status"), name)


def _shared_kb(pid: int) -> int:
    """The proportional set size: each page over the number of processes that have it."""
    return _field_kb(Path(f"/proc/{pid}/smaps_rollup"), "Pss:")


def _field_kb(path: Path, name: str) -> int:
    for line in path.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


@contextlib.contextmanager
def node(
    files: Files,
    data_dir: Path,
    durability: str,
    cpu: int | None,
    workers: int = 0,
    *,
    has_stores: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """Run `coulisse serve` until the block ends: its core and sync thread on one processor.

    The projector stands back behind what runs on the other processors. Without `cpu` all of it runs
    wherever it may, and so do the workers. It has no store and no time series unless they are asked
    for: what is compared with it keeps nothing either.
    """
    command = [sys.executable, "-m", "coulisse", "serve", "--json", "--port", "0"]
    command += ["--config", str(files.config), "--data-dir", str(data_dir)]
    command += ["--durability", durability, "--workers", str(workers)]
    pinned = {} if cpu is None else {"COULISSE_NODE__CPU": str(cpu)}
    pinned |= {} if has_stores else {"COULISSE_STORE__DATABASE": "off"}
    with running(command, files, None, {**pinned, **(variables or {})}) as (process, ready):
        address = urlsplit(str(ready["http"]))
        host, port = address.hostname or "127.0.0.1", address.port or 0
        yield Server(process.pid, host, port, str(ready["http"]).rstrip("/"))


@contextlib.contextmanager
def floor(
    files: Files, cpu: int, group_commit: Path | None = None, durability: str = "fsync"
) -> Iterator[Server]:
    """Run the bare server on one processor until the block ends.

    With `group_commit`, a directory, it answers a request once that is in a file there: synced in
    groups by a thread on the same processor, or only written with durability `os`.
    """
    command = [str(find_program()), "floor", "--port", "0"]
    if group_commit is not None:
        group_commit.mkdir()
        command += ["--group-commit", str(group_commit), "--durability", durability]
    with running(command, files, cpu) as (process, ready):
        yield Server(process.pid, "127.0.0.1", int(ready["port"]), "")


@contextlib.contextmanager
def other(
    command: Sequence[str], files: Files, cpu: int, variables: Mapping[str, str]
) -> Iterator[Server]:
    """Run a server of somebody else on one processor until the block ends."""
    with running(command, files, cpu, variables) as (process, ready):
        yield Server(process.pid, "127.0.0.1", int(ready["port"]), "")


def surroundings() -> dict[str, str]:
    """Return the environment without settings of the user's own."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COULISSE_")}


@contextlib.contextmanager
def running(
    command: Sequence[str],
    files: Files,
    cpu: int | None,
    variables: Mapping[str, str] | None = None,
    ready_s: float = READY_TIMEOUT_S,
) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a server until the block ends; give its process and the first line that it prints.

    That may take `ready_s`. What it complains of is added to the log of the run.
    """
    kept = surroundings()
    kept["COULISSE_SECRETS__MASTER_KEY"] = secrets.token_hex(32)
    kept.update(variables or {})
    with files.log.open("a", encoding="utf-8") as log, pinned_to(cpu):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=kept, cwd=files.log.parent
        )
    try:
        yield process, _ready(process, files.log, ready_s)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _ready(process: subprocess.Popen[str], log: Path, within_s: float) -> dict[str, Any]:
    assert process.stdout is not None, "stdout is a pipe"
    line = _first_line(process.stdout, within_s)
    if not line:
        said = log.read_text(encoding="utf-8", errors="replace")[-COMPLAINT_BYTES:].strip()
        raise CoulisseError(f"the server did not start: {said or 'it said nothing'}")
    ready: dict[str, Any] = json.loads(line)
    return ready


def _first_line(stream: IO[str], within_s: float) -> str:
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        return stream.readline() if selector.select(within_s) else ""
