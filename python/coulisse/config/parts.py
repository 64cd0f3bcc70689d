"""What every branch of the settings tree is made of."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict


class Part(BaseModel):
    """A branch of the tree: frozen, and closed to unknown keys."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )


def between(low: int, high: int) -> AfterValidator:
    """Return the check that a number is within both bounds."""

    def check(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"{value} is not between {low} and {high}")
        return value

    return AfterValidator(check)
