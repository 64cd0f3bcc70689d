"""`coulisse init`: a commented `coulisse.toml` and a `.env` to begin with."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Annotated

import typer

from coulisse.cli.options import AsJson
from coulisse.cli.runner import fail

FILES = ("coulisse.toml", ".env")
HERE = Path()
Directory = Annotated[Path, typer.Argument(help="Where the files go [here].")]


def init(
    directory: Directory = HERE,
    as_json: AsJson = False,
) -> None:
    """Write a commented coulisse.toml, and .env with a master key of its own.

    A file that is there already stays as it is.
    """
    from coulisse.config.template import env_template, toml_template

    texts = (toml_template(), env_template(secrets.token_hex(32), secrets_alone=True))
    written: list[Path] = []
    kept: list[Path] = []
    file = directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in zip(FILES, texts, strict=True):
            file = directory / name
            (written if _write_new(file, text) else kept).append(file)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    if as_json:
        said = {"written": [str(file) for file in written], "kept": [str(file) for file in kept]}
        typer.echo(json.dumps({"ok": bool(written), **said}))
    else:
        _tell(written, kept)
    if not written:
        raise typer.Exit(1)


def _write_new(file: Path, text: str) -> bool:
    """Write a file for its owner alone, unless there is one; return whether it was written.

    Raises `OSError`; then there is none.
    """
    from coulisse.log.files import private_file

    try:
        with private_file(file, must_be_new=True) as out:
            out.write(text.encode())
    except FileExistsError:
        return False
    except OSError:
        # Half of it would be kept by the next time.
        file.unlink(missing_ok=True)
        raise
    return True


def _tell(written: list[Path], kept: list[Path]) -> None:
    for file in written:
        typer.echo(f"{file}: written")
    for file in kept:
        typer.echo(f"{file}: is there already, and stays as it is", err=not written)
    if any(file.name == ".env" for file in written):
        typer.echo("keep a copy of .env elsewhere: without its master key HMAC keys are lost")
    if written:
        typer.echo("start a node in that directory: coulisse serve --config coulisse.toml")
