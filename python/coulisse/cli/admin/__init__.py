"""`coulisse admin`: what an operator does to a market and to those who trade on it."""

from __future__ import annotations

import typer

from coulisse.cli.admin import halt, kill_reset, kill_switch, limit, mark, reopen

app = typer.Typer(help="What an operator does. Needs an admin key.", no_args_is_help=True)
app.command("halt")(halt.halt)
app.command("open")(reopen.reopen)
app.command("mark")(mark.mark)
app.command("limit")(limit.limit)
app.command("kill-switch")(kill_switch.kill_switch)
app.command("kill-reset")(kill_reset.kill_reset)
