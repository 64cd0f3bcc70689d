"""`coulisse status`: how a running node is, from /readyz and /metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import typer

from coulisse.cli.options import AsJson, KeyFile, Url
from coulisse.cli.runner import fail, run
from coulisse.client.credentials import find_credentials
from coulisse.domain.errors import ConnectionLost

EXIT_NOT_WELL = 3
FULL = 0.8
"""Of a limit that is used so far it is said by name."""
PARTS = ("projector", "store", "series", "redis", "workers")
Facts = Mapping[str, Any]


def status(as_json: AsJson = False, url: Url = None, key_file: KeyFile = None) -> None:
    """Say how a running node is. Needs no key.

    Exit code 0: it takes orders and all is well beside it. 3: it does not, or something beside it
    is not as it should be. 1: it does not answer.
    """
    run(_status(as_json, url, key_file))


async def _status(as_json: bool, url: str | None, key_file: Path | None) -> None:
    http_url = find_credentials(url, key_file).http_url
    health, metrics = await _ask(http_url)
    is_well = bool(health.get("ready")) and not health.get("degraded")
    if as_json:
        said = {"ok": is_well, "url": http_url, "health": health, "metrics": metrics}
        typer.echo(json.dumps(said))
    else:
        typer.echo("\n".join(lines_of(http_url, health, metrics)))
    if not is_well:
        raise typer.Exit(EXIT_NOT_WELL)


async def _ask(http_url: str) -> tuple[Facts, Mapping[str, float]]:
    # Loaded here: it takes a third of the start of every other command.
    import httpx

    try:
        async with httpx.AsyncClient(base_url=http_url, timeout=10.0, trust_env=False) as http:
            ready, shown = await http.get("/readyz"), await http.get("/metrics")
        health = msgspec.json.decode(ready.content)
    except httpx.HTTPError as error:
        raise ConnectionLost(f"{http_url}: {str(error) or type(error).__name__}") from None
    except msgspec.DecodeError:
        health = None
    if not isinstance(health, dict) or "durable_seq" not in health:
        fail(f"{http_url}: this is no node: /readyz says {ready.status_code}")
    return health, metrics_of(shown.text)


def metrics_of(text: str) -> dict[str, float]:
    """Read what Prometheus reads: each sample by its name, labels and all."""
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if line and line[0] != "#")
    return {name: float(value) for name, value in samples}


def lines_of(url: str, health: Facts, metrics: Mapping[str, float]) -> Iterator[str]:
    """Say it in lines for people."""
    state = "takes orders" if health.get("ready") else "takes no orders"
    if health.get("draining"):
        state += ", drains"
    if not health.get("ok"):
        state += ", its journal has failed"
    yield f"{url}: node {health.get('node')}, version {health.get('version')}: {state}"
    behind = int(health["seq"]) - int(health["durable_seq"])
    waiting = f", {behind} records wait for the disk" if behind > 0 else ""
    yield f"log: seq {health['durable_seq']} ({health.get('durability')}){waiting}"
    voided = int(health.get("voided_records") or 0)
    if voided:
        yield f"VOID RECORDS: {voided}: see docs/operating/poison.md"
    for name in PARTS:
        part = health.get(name)
        if isinstance(part, Mapping):
            yield f"{name}: {_facts(part)}"
    if health.get("degraded"):
        yield "DEGRADED: something beside the node is not as it should be"
    yield from _use(metrics)


def _facts(part: Facts) -> str:
    state = str(part.get("state", ""))
    others = [f"{key} {value}" for key, value in part.items() if key != "state" and value != ""]
    return ", ".join(filter(None, (state, *others)))


def _use(metrics: Mapping[str, float]) -> Iterator[str]:
    """Say which limits are near, and which is nearest."""
    shares = []
    for name, limit in metrics.items():
        family, brace, labels = name.partition("{")
        if not family.endswith("_max") or limit <= 0:
            continue
        base, of = family.removesuffix("_max"), brace + labels
        used = metrics.get(f"{base}{of}", metrics.get(f"{base}_used{of}"))
        if used is not None:
            shares.append((used / limit, f"{base.removeprefix('coulisse_')}{of}", used, limit))
    shares.sort(reverse=True)
    near = [one for one in shares if one[0] >= FULL]
    for share, name, used, limit in near or shares[:1]:
        said = f"{name} {used:.0f} of {limit:.0f} ({share:.0%})"
        yield f"NEAR ITS LIMIT: {said}" if near else f"limits: the nearest is {said}"
