"""`coulisse bench`: measure the core and the gateway."""

from __future__ import annotations

import typer

from coulisse.bench.binary import become_program
from coulisse.cli.runner import fail
from coulisse.domain.errors import CoulisseError

app = typer.Typer(help="Measure the core and the gateway on this machine.", no_args_is_help=True)
PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


@app.command("core", context_settings=PASSED_ON)
def core(context: typer.Context) -> None:
    """Measure the book and the engine: --json, --workload FILE.

    All options are those of `coulisse-bench core`, which this runs.
    """
    _run("core", context.args)


@app.command("gateway", context_settings=PASSED_ON)
def gateway(context: typer.Context) -> None:
    """Measure a node behind its socket, and a bare server beside it: --json, --durability os.

    All options are those of `coulisse-bench gateway`, which this runs.
    """
    _run("gateway", context.args)


def _run(what: str, arguments: list[str]) -> None:
    try:
        become_program([what, *arguments])
    except CoulisseError as error:
        fail(str(error))
