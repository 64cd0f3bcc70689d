"""Money in and out of text: exact decimals at the edge, whole steps inside.

Invariants
- A float never enters: it is a TypeError, wherever it comes from.
- Nothing here rounds. What is not a whole number of steps is `OffStep`.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation

Number = str | int | Decimal
"""What money may be given as."""

# 38 digits is the most that a balance has; a product of two such numbers still fits.
_EXACT = Context(prec=80, traps=[InvalidOperation, Inexact])
_DIGITS_MAX = 38


class OffStep(ValueError):
    """A number that is not a whole number of ticks, lots or minor units."""

    def __init__(self, value: Decimal, step: Decimal) -> None:
        """Carry the value and the step it misses."""
        super().__init__(f"{as_text(value)} is not a multiple of {as_text(step)}")
        self.value = value
        self.step = step


def to_decimal(value: Number) -> Decimal:
    """Take a number as it was given; a float is a TypeError, NaN and infinity a ValueError."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        kind = type(value).__name__
        raise TypeError(f"money is given as str, int or Decimal, never as {kind}: {value!r}")
    try:
        number = Decimal(value.strip() if isinstance(value, str) else value)
    except InvalidOperation:
        raise ValueError(f"not a decimal number: {value!r}") from None
    if not number.is_finite():
        raise ValueError(f"not a finite number: {value!r}")
    exponent = number.as_tuple().exponent
    if isinstance(exponent, int) and (
        number.adjusted() >= _DIGITS_MAX
        or exponent < -_DIGITS_MAX
        or len(number.as_tuple()[1]) > _DIGITS_MAX
    ):
        raise ValueError(f"more digits than any amount here can have: {str(value)[:60]!r}")
    return number


def as_text(value: Number) -> str:
    """Print a number as the wire has it: plain digits, no exponent."""
    return format(to_decimal(value), "f")


def to_steps(value: Number, step: Decimal) -> int:
    """Count how many steps make `value`; raises `OffStep` unless it is a whole number."""
    number = to_decimal(value)
    try:
        steps = _EXACT.divide(number, step)
    except Inexact:
        raise OffStep(number, step) from None
    if steps != steps.to_integral_value():
        raise OffStep(number, step)
    return int(steps)


def from_steps(steps: int, step: Decimal) -> Decimal:
    """Return the number that `steps` steps make, with the decimals of the step."""
    return _EXACT.multiply(Decimal(steps), step)


def minor_step(scale: int) -> Decimal:
    """Return one minor unit of an asset with `scale` decimals."""
    return Decimal(1).scaleb(-scale)


def to_minor(value: Number, scale: int) -> int:
    """Count the minor units of an amount; raises `OffStep` if it is finer than one."""
    return to_steps(value, minor_step(scale))


def from_minor(minor: int, scale: int) -> Decimal:
    """Return the amount that `minor` minor units make."""
    return from_steps(minor, minor_step(scale))
