"""Money in and out of text."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coulisse.domain.money import (
    OffStep,
    as_text,
    from_minor,
    from_steps,
    to_decimal,
    to_minor,
    to_steps,
)

TICK = Decimal("0.01")


@pytest.mark.parametrize("value", [1.5, float("nan"), True, None, b"1"])
def test_what_is_not_exact_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="never as"):
        to_decimal(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text", ["", "abc", "NaN", "Infinity", "-sNaN", "1e400", "1" * 39, "1e-39"]
)
def test_text_that_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        to_decimal(text)


def test_all_three_ways_to_give_a_number_are_the_same_number() -> None:
    assert to_decimal("60000") == to_decimal(60000) == to_decimal(Decimal("6E+4"))


@given(st.integers(-(10**30), 10**30), st.integers(0, 18))
def test_minor_units_come_back_from_text_as_they_went(minor: int, scale: int) -> None:
    assert to_minor(as_text(from_minor(minor, scale)), scale) == minor


@given(st.integers(1, 2**53))
def test_ticks_come_back_as_they_went_and_keep_the_decimals_of_the_tick(ticks: int) -> None:
    price = from_steps(ticks, TICK)
    assert to_steps(price, TICK) == ticks
    assert price.as_tuple().exponent == -2


@pytest.mark.parametrize("price", ["0.001", "60000.005", "1e-30"])
def test_a_price_between_two_ticks_says_which_step_it_misses(price: str) -> None:
    with pytest.raises(OffStep) as caught:
        to_steps(price, TICK)
    assert caught.value.step == TICK
    assert caught.value.value == Decimal(price)


def test_a_step_that_is_no_power_of_ten_divides_exactly_or_not_at_all() -> None:
    assert to_steps("1.25", Decimal("0.25")) == 5
    with pytest.raises(OffStep):
        to_steps("1.30", Decimal("0.25"))
    with pytest.raises(OffStep):
        to_steps("1", Decimal("3"))


def test_text_has_no_exponent() -> None:
    assert as_text(Decimal("1E+8")) == "100000000"
    assert as_text(Decimal("1E-8")) == "0.00000001"
