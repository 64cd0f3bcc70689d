"""`coulisse doctor`: what about this machine would harm a node, and how to mend it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from coulisse.cli.options import AsJson, ConfigFile, DataDir, Host, Port
from coulisse.cli.runner import EXIT_FAILED, node_config

if TYPE_CHECKING:
    from coulisse.node.checks.finding import Finding

MARKS = {"ok": "ok  ", "warn": "warn", "fail": "FAIL", "skip": "-   "}


def doctor(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Look at clock, limits, disk, ports, servers, versions and settings.

    Each line that is not well says how to mend it. Exit code 1 where a node could not start or
    would lose something; what is only worth a look (warn) does not count.
    """
    tree = node_config(config, host=host, port=port, data_dir=data_dir, durability=None)
    from coulisse.node.checks.examine import examine

    tell_findings(examine(tree), as_json=as_json)


def tell_findings(findings: Iterable[Finding], *, as_json: bool) -> None:
    """Print what was found, a line each as it is found; exit with 1 if something is broken."""
    is_broken = False
    for one in findings:
        is_broken = is_broken or one.state == "fail"
        if as_json:
            typer.echo(json.dumps(asdict(one)))
            continue
        typer.echo(f"{MARKS[one.state]}  {one.what}: {one.says}")
        if one.mend:
            typer.echo(f"        {one.mend}")
    if is_broken:
        raise typer.Exit(EXIT_FAILED)
