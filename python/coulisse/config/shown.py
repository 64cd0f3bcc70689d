"""Settings for people's eyes: every value as it holds, and what is secret masked."""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, SecretStr

MASK: Final = "***"
PLAIN: Final = frozenset({"off", "sqlite"})
"""Values of a secret setting that are none."""


def shown(value: Any) -> Any:  # noqa: ANN401  # a tree of settings, or what JSON has of it
    """Return a tree of settings, or a part of one, as JSON has it: no secret is in there."""
    match value:
        case SecretStr():
            return masked(value.get_secret_value())
        case BaseModel():
            fields = type(value).model_fields
            return {name: shown(getattr(value, name)) for name in fields}
        case Mapping():
            return {str(name): shown(one) for name, one in value.items()}
        case str() | bool() | int() | float() | None:
            return value
        case Decimal():
            return format(value, "f")
        case Path():
            return str(value)
        case Sequence():
            return [shown(one) for one in value]
        case _:
            raise TypeError(f"no setting is a {type(value).__name__}")


def masked(secret: str) -> str:
    """Return what may be seen of a secret: of a URL where it leads, of anything else nothing."""
    if secret in PLAIN or secret.startswith("sqlite:///"):
        return secret
    try:
        parts = urllib.parse.urlsplit(secret)
    except ValueError:
        return MASK
    if "://" not in secret or not parts.scheme:
        return MASK
    user, _, host = parts.netloc.rpartition("@")
    netloc = f"{MASK}@{host}" if user else host
    # A password may stand there, too.
    query = f"?{MASK}" if parts.query else ""
    return f"{parts.scheme}://{netloc}{parts.path}{query}"
