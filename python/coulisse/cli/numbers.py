"""Numbers on a command line: one below zero looks like an option, and is told what it is."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

import typer
from typer.core import TyperCommand

from coulisse.cli.runner import fail

_BELOW_ZERO: Final = re.compile(r"-[0-9.][0-9.,_eE]*")


class AboveZero(TyperCommand):
    """A command whose numbers are above zero: `-1` is refused as a number, not as an option."""

    instead: ClassVar[str] = "give a number above zero"
    """What to do instead."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Read the arguments, unless one of them is a number below zero."""
        below = first_below_zero(args, self._valued(ctx))
        if below is not None:
            fail(f"{below} is below zero: {self.instead}")
        return super().parse_args(ctx, args)

    def _valued(self, ctx: typer.Context) -> frozenset[str]:
        """Return the options that have a value, which is theirs whatever it begins with."""
        params: list[Any] = self.get_params(ctx)
        options = [one for one in params if one.param_type_name == "option" and not one.is_flag]
        return frozenset(name for one in options for name in one.opts)


class BuyOrSell(AboveZero):
    """An order is for a quantity above zero; its side says which way."""

    instead = "a quantity is above zero, and `order buy` or `order sell` says which way"


class Deposit(AboveZero):
    """A deposit is above zero."""

    instead = "a deposit is above zero; `admin withdrawals request` takes money out"


def first_below_zero(args: list[str], valued: frozenset[str]) -> str | None:
    """Return the first argument that is a number below zero, and no option's value."""
    before = ""
    for arg in args:
        if arg == "--":
            return None
        if before not in valued and _BELOW_ZERO.fullmatch(arg):
            return arg
        before = "" if before in valued else arg
    return None
