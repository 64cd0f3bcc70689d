"""`coulisse bench rest`: orders over the private REST, and requests that must not be accepted.

Each is signed with HMAC. First a closed loop places orders; then requests come that are spoiled in
every way in turn: signed with another secret, changed, an hour old, sent before, of a key that was
revoked or whose time is over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from coulisse.bench import results, servers, workload
from coulisse.bench.binary import run_program
from coulisse.bench.gateway import SEED
from coulisse.bench.pinning import processors
from coulisse.bench.scratch import run_directory
from coulisse.client.client import Client

ROWS_PER_S = 100_000
"""Rows of the workload for each second: more than one process places over REST."""

EXPIRES_IN_US = 500_000
"""Over before the first request is spoiled: orders are placed for a second at least."""


@dataclass(frozen=True, slots=True)
class RestRun:
    """What to measure."""

    connections: int = 50
    """Each with one request under way."""
    seconds: int = 5
    """How long orders are placed."""
    spoiled: int = 0
    """Requests that must not be accepted."""
    durability: Literal["fsync", "os"] = "fsync"
    data_dir: Path | None = None


def measure(run: RestRun) -> dict[str, Any]:
    """Run the benchmark and return its figures. Raises `CoulisseError` where there are none."""
    described = results.machine()
    with run_directory(run.data_dir) as directory:
        return {**_measure(run, directory), "date": results.today(), "machine": described}


def _measure(run: RestRun, directory: Path) -> dict[str, Any]:
    flow = directory / "workload.csv"
    # What is spoiled needs a good request now and then, to be sent again.
    workload.write(flow, ROWS_PER_S * run.seconds + run.spoiled // 10, 1, SEED)
    files = servers.write_files(directory)
    cpus = processors()
    with servers.node(files, directory / "data", run.durability, cpus.server) as ours:
        accounts = [line.split() for line in files.accounts.read_text("utf-8").splitlines()]
        lists = asyncio.run(_issue_keys(ours.http, accounts))
        for name, lines in lists.items():
            path = directory / name
            path.touch(mode=0o600)
            path.write_text("".join(lines), encoding="utf-8")
        arguments = ["rest", "--host", ours.host, "--port", str(ours.port)]
        arguments += ["--accounts", str(directory / "good"), "--symbol", servers.SYMBOL]
        arguments += ["--workload", str(flow), "--seconds", str(run.seconds)]
        arguments += ["--connections", str(run.connections)]
        if run.spoiled:
            arguments += ["--spoiled", str(run.spoiled)]
            arguments += ["--revoked", str(directory / "revoked")]
            arguments += ["--expired", str(directory / "expired")]
        figures = run_program(arguments, cpu=cpus.load)
        rss_mb = ours.peak_rss_mb()
    return {
        "connections": run.connections,
        **figures,
        "durability": run.durability,
        "rss_mb": rss_mb,
    }


async def _issue_keys(http: str, accounts: Sequence[Sequence[str]]) -> Mapping[str, Sequence[str]]:
    """Issue three HMAC keys for each account: one to use, one that is revoked, one that expires.

    Return, by what they are, the lines of their files: account, key id, secret.
    """
    _, key_id, private_key = accounts[0]
    lists: dict[str, list[str]] = {"good": [], "revoked": [], "expired": []}
    async with await Client.connect(http, key_id=key_id, private_key=private_key) as client:
        for account, *_ in accounts:
            for kind, lines in lists.items():
                until = time.time_ns() // 1_000 + EXPIRES_IN_US if kind == "expired" else None
                name = f"{account}-{kind}"
                done = await client.admin.create_key(
                    account, name, ("read", "trade"), expire_time=until
                )
                lines.append(f"{account} {name} {done['secret']}\n")
            await client.admin.revoke_key(f"{account}-revoked")
    return lists
