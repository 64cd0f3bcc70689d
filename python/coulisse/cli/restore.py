"""`coulisse restore`: a data directory from a backup."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.backup import tell_backup
from coulisse.cli.options import AsJson, ConfigFile, DataDir
from coulisse.cli.runner import fail
from coulisse.cli.store import progress_of, settings_of
from coulisse.domain.errors import CoulisseError

Source = Annotated[Path, typer.Argument(help="The directory of a backup.")]


def restore(
    source: Source,
    check: bool = typer.Option(False, "--check", help="Only look at the backup: write nothing."),
    data_dir: DataDir = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Make a data directory, a new or an empty one, of a backup, and replay it there.

    What was acknowledged after the backup is lost; clients that had seen it are told so.
    """
    _, directory = settings_of(config, data_dir)
    from coulisse.node import backup as backups

    try:
        with progress_of("records") as progress:
            if check:
                found = backups.check_backup(source, progress)
            else:
                found = backups.restore(source, directory, progress)
    except CoulisseError as error:
        fail(str(error))
        return
    what = f"{source}: sound," if check else f"{directory}: restored"
    tell_backup(found, what, as_json=as_json)
    if not check and not as_json:
        typer.echo("start the node with the master key that this log was written with")
