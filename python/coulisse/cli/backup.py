"""`coulisse backup`: a copy of the log at one seq, while the node runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from coulisse.cli.options import AsJson, ConfigFile, DataDir
from coulisse.cli.runner import fail
from coulisse.cli.store import progress_of, settings_of
from coulisse.domain.errors import CoulisseError

if TYPE_CHECKING:
    from coulisse.node.backup import Manifest

Target = Annotated[Path, typer.Argument(help="A directory that is new or empty.")]


def backup(
    target: Target,
    data_dir: DataDir = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Copy the log up to what is durable now, and replay the copy before it is believed.

    It holds what a node needs, but the master key: keep that elsewhere. No key of anybody is in
    it that is not encrypted.
    """
    _, directory = settings_of(config, data_dir)
    from coulisse.node.backup import make_backup

    try:
        with progress_of("records") as progress:
            made = make_backup(directory, target, progress)
    except CoulisseError as error:
        fail(str(error))
        return
    tell_backup(made, f"{target}: a backup of {directory}", as_json=as_json)


def tell_backup(manifest: Manifest, what: str, *, as_json: bool) -> None:
    """Say what a backup holds."""
    if as_json:
        typer.echo(json.dumps({"ok": True, **asdict(manifest)}))
        return
    megabytes = sum(one.bytes for one in manifest.files) / 1e6
    typer.echo(f"{what} at seq {manifest.seq}, of {manifest.record_time}, {megabytes:.1f} MB")
    typer.echo(f"replayed: chain {manifest.chain[:16]}…, state {manifest.state_hash[:16]}…")
