"""Runs a command's coroutine: the fast loop, and errors as one line with an exit code."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

import typer
import uvloop

from coulisse.domain.errors import CoulisseError
from coulisse.domain.outcomes import CancelAllResult, OrderResult, Rejected, Unknown

if TYPE_CHECKING:
    from coulisse.client.client import Client
    from coulisse.config import Config

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
HINTS = {"NOT_LOGGED_ON": "give a key with --key-file or COULISSE_KEY_FILE"}
"""What a command's user can do about a code of the protocol."""


def run(work: Coroutine[object, object, None]) -> None:
    """Run `work` to its end; what goes wrong is one line on stderr and exit code 1."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)
    except (CoulisseError, ValueError, TypeError) as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    except BrokenPipeError:
        # Whoever read the output has seen enough; the interpreter must not complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def fail(message: str) -> None:
    """Print one line on stderr and leave with exit code 1."""
    hint = HINTS.get(message.partition(":")[0])
    typer.echo(f"coulisse: {message}; {hint}" if hint else f"coulisse: {message}", err=True)
    raise typer.Exit(EXIT_FAILED)


def node_config(
    file: Path | None,
    *,
    host: str | None,
    port: int | None,
    data_dir: Path | None,
    durability: str | None,
    workers: int | None = None,
) -> Config:
    """Read the settings and put the flags on top; bad ones end the command in one line."""
    # Loaded here: commands that only talk to a node read no settings, and start faster.
    from coulisse.config import load_config

    try:
        if durability not in (None, "fsync", "os"):
            raise ValueError(f"--durability is fsync or os, not {durability!r}")
        config = load_config(file).with_gateway(host=host, port=port, workers=workers)
        return config.with_log(directory=data_dir, durability=durability)
    except (CoulisseError, ValueError) as error:
        fail(str(error))
        raise


async def connect(url: str | None, key_file: Path | None) -> Client:
    """Connect as the flags, the environment or the running demo say."""
    # Loaded here: a node needs no client.
    from coulisse.client.client import Client

    return await Client.connect(url, credentials=key_file)


def show_outcome(
    outcome: OrderResult | CancelAllResult | Rejected | Unknown, as_json: bool, done: str
) -> None:
    """Print what became of a request; refused and unknown leave with exit code 1."""
    if as_json:
        typer.echo(json.dumps(_outcome_wire(outcome)))
    elif isinstance(outcome, OrderResult | CancelAllResult):
        typer.echo(done)
    if isinstance(outcome, Rejected):
        fail(str(outcome))
    if isinstance(outcome, Unknown):
        fail("the connection was lost before the answer came; it is not known whether it was done")


def _outcome_wire(outcome: OrderResult | CancelAllResult | Rejected | Unknown) -> object:
    match outcome:
        case OrderResult():
            return outcome.to_wire()
        case CancelAllResult():
            return {"ok": True, "count": outcome.count, "seq": outcome.seq}
        case Rejected():
            return {"ok": False, "error": outcome.to_wire()}
        case Unknown():
            return {"ok": False, "state": "unknown", "client_order_id": outcome.client_order_id}
