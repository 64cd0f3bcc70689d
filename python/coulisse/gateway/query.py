"""What the query of a public route may say, and what is told of one that says something else.

It is looked at before the route is: a parameter that the route does not know, one that stands there
twice and a value that means nothing are refused with code, field and value, and the message says
what would be taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec
from litestar import Request, Response

from coulisse.domain.outcomes import Rejected

VALUE_CHARS_MAX: Final = 64
"""So much of a value is told back."""
_WHOLE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
Refusal = Response[bytes]


class Param(Protocol):
    """What values a parameter has."""

    @property
    def wanted(self) -> str:
        """What is taken, behind `must be`."""

    def takes(self, value: str) -> bool:
        """Tell whether a value is one of them."""


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number, both ends included."""

    low: int
    high: int

    @property
    def wanted(self) -> str:
        """What is taken."""
        return f": a whole number from {self.low} to {self.high}"

    def takes(self, value: str) -> bool:
        """Tell whether it is such a number, in digits alone."""
        return _WHOLE.fullmatch(value) is not None and self.low <= int(value) <= self.high


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words."""

    words: tuple[str, ...]

    @property
    def wanted(self) -> str:
        """What is taken."""
        return f" one of: {', '.join(self.words)}"

    def takes(self, value: str) -> bool:
        """Tell whether it is one of them."""
        return value in self.words


def checked(**params: Param) -> Callable[[Request[Any, Any, Any]], Refusal | None]:
    """Return what refuses a query with anything but these parameters, once each, as they must be.

    It goes before the handler (`before_request`).
    """

    def check(request: Request[Any, Any, Any]) -> Refusal | None:
        seen: set[str] = set()
        for name, value in request.query_params.multi_items():
            refused = _judge(request.scope["path"], name, str(value), seen, params)
            if refused is not None:
                body = {"ok": False, "error": refused.to_wire()}
                return Response(
                    msgspec.json.encode(body), status_code=400, media_type="application/json"
                )
            seen.add(name)
        return None

    return check


def _judge(
    path: str, name: str, value: str, seen: set[str], params: dict[str, Param]
) -> Rejected | None:
    """Return what is wrong with one parameter, if anything is."""
    shown = value[:VALUE_CHARS_MAX]
    param = params.get(name)
    if param is None:
        known = f"it takes {', '.join(params)}" if params else "it takes none"
        message = f"{name[:VALUE_CHARS_MAX]} is no parameter of {path}; {known}"
        return Rejected("UNKNOWN_FIELD", message, "not_sent", name[:VALUE_CHARS_MAX], shown)
    if name in seen:
        message = f"{name} stands twice in the query"
        return Rejected("DUPLICATE_FIELD", message, "not_sent", name, shown)
    if not param.takes(value):
        message = f"{name} {shown} must be{param.wanted}"
        return Rejected("INVALID_VALUE", message, "not_sent", name, shown)
    return None
