"""`coulisse log`: the log's segments, in the data directory and in the archive."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from coulisse.cli.options import AsJson, ConfigFile, DataDir
from coulisse.cli.runner import fail
from coulisse.cli.store import progress_of, settings_of

app = typer.Typer(help="The log's segments.", no_args_is_help=True)


@app.command("list")
def list_segments(
    data_dir: DataDir = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """List the segments, the oldest first, and where each is."""
    from coulisse.log.archive import PACKED, archived
    from coulisse.log.files import segment_file, segments

    archive, directory = _archive_of(config, data_dir)
    rows = []
    for first_seq in archived(archive) if archive is not None else ():
        assert archive is not None, "it was asked above"
        rows.append((first_seq, archive / (segment_file(first_seq) + PACKED)))
    rows += [(first_seq, directory / segment_file(first_seq)) for first_seq in segments(directory)]
    for first_seq, file in rows:
        where = "archive" if file.parent == archive else "log"
        size = file.stat().st_size
        if as_json:
            said = {"first_seq": first_seq, "where": where, "file": str(file), "bytes": size}
            typer.echo(json.dumps(said))
        else:
            typer.echo(f"{first_seq:>20}  {where:<7}  {size:>12}  {file}")


@app.command("recall")
def recall_segments(
    data_dir: DataDir = None, config: ConfigFile = None, as_json: AsJson = False
) -> None:
    """Put the archived segments back, so that a store can be made again from all of the log.

    A node that runs archives nothing for a day from then.
    """
    from coulisse.log.archive import ArchiveError, recall
    from coulisse.log.files import begins_at_one, segments

    archive, directory = _archive_of(config, data_dir)
    if archive is None:
        fail("there is no archive: log.archive is not set")
        return
    done = 0
    try:
        with progress_of("segments") as progress:
            for done, count in recall(directory, archive):
                progress(done, count)
    except ArchiveError as error:
        fail(str(error))
    oldest, is_whole = segments(directory)[0], begins_at_one(directory)
    if as_json:
        said = {"segments": done, "first_seq": oldest, "whole": is_whole}
        typer.echo(json.dumps(said))
        return
    typer.echo(f"{done} segments are back: the log begins at seq {oldest}")
    if not is_whole:
        typer.echo("what lies before is not in the archive any more", err=True)


def _archive_of(config: Path | None, data_dir: Path | None) -> tuple[Path | None, Path]:
    from coulisse.log.file import archive_dir

    tree, directory = settings_of(config, data_dir)
    return archive_dir(tree), directory
