"""A number below zero on a command line is told what it is."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from coulisse.cli.app import command
from coulisse.cli.numbers import first_below_zero


def said(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(command([arguments[0]]), arguments)
    return done.exit_code, done.stderr


@pytest.mark.parametrize(
    ("arguments", "number", "says"),
    [
        (("order", "buy", "-1", "BTC-USD"), "-1", "order buy` or `order sell"),
        (("order", "sell", "-0.5", "BTC-USD", "@60000"), "-0.5", "above zero"),
        (("order", "buy", "--tif", "ioc", "-.5", "BTC-USD"), "-.5", "above zero"),
        (("account", "deposit", "USD", "-5"), "-5", "withdrawals request"),
    ],
)
def test_it_is_refused_in_one_line_that_says_what_to_do(
    arguments: tuple[str, ...], number: str, says: str
) -> None:
    code, error = said(*arguments)
    assert code == 1 and error.count("\n") == 1
    assert error.startswith(f"coulisse: {number} is below zero") and says in error


def test_an_option_that_there_is_not_is_still_told_as_one() -> None:
    code, error = said("order", "buy", "--nope", "1", "BTC-USD")
    assert code == 2 and "No such option" in error and "--nope" in error


def test_what_belongs_to_an_option_or_stands_behind_two_dashes_is_let_be() -> None:
    valued = frozenset({"--trail"})
    assert first_below_zero(["1", "--trail", "-5", "BTC-USD"], valued) is None
    assert first_below_zero(["--", "-5"], valued) is None
    assert first_below_zero(["--trail", "5", "-6"], valued) == "-6"
    assert first_below_zero(["-x", "--peg", "bid-1"], valued) is None
