"""The kinds of value that settings have: what each accepts, and what it says of what it refuses."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from coulisse._core import is_public_key
from coulisse.domain.money import to_decimal
from coulisse.domain.symbols import is_asset_name, is_plain_name


def _exact(value: object) -> Decimal:
    # TOML has floats; money never was one.
    if isinstance(value, float) or not isinstance(value, str | int | Decimal):
        raise ValueError(f'write the number as text, "0.01", not as {value!r}')
    return to_decimal(value)


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise ValueError(f"{value} is not more than zero")
    return value


def _not_negative(value: Decimal) -> Decimal:
    if value < 0:
        raise ValueError(f"{value} is negative")
    return value


def between(low: int, high: int) -> AfterValidator:
    """Refuse what is not between the two, both included."""

    def check(value: int) -> int:
        if not low <= value <= high:
            raise ValueError(f"{value} is not between {low} and {high}")
        return value

    return AfterValidator(check)


def _plain_name(value: str) -> str:
    if not is_plain_name(value):
        raise ValueError(f"a name is 1 to 32 of a-z 0-9 _ -, not {value!r}")
    return value


def _asset_name(value: str) -> str:
    if not is_asset_name(value):
        raise ValueError(f"an asset's name is 2 to 12 of A-Z 0-9, not {value!r}")
    return value


def _hex_key(value: str) -> str:
    if len(value) != 64 or not all(digit in "0123456789abcdef" for digit in value):
        raise ValueError(f"an Ed25519 public key is 64 hexadecimal digits, not {value!r}")
    if not is_public_key(bytes.fromhex(value)):
        raise ValueError(f"{value} is no Ed25519 public key")
    return value


def _origin(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if value != "*" and (scheme not in ("http", "https") or not rest or "/" in rest):
        raise ValueError(f"an origin is https://host[:port] or *, not {value!r}")
    return value


def _host(value: str) -> str:
    if not value.strip():
        # The kernel would take it for every address of the machine.
        raise ValueError(f"{value!r} is no address; 0.0.0.0 listens on all of them")
    return value


Exact = Annotated[Decimal, BeforeValidator(_exact)]
Positive = Annotated[Exact, AfterValidator(_positive)]
NotNegative = Annotated[Exact, AfterValidator(_not_negative)]
PlainName = Annotated[str, AfterValidator(_plain_name)]
AssetName = Annotated[str, AfterValidator(_asset_name)]
HexKey = Annotated[str, AfterValidator(_hex_key)]
Origin = Annotated[str, AfterValidator(_origin)]
Host = Annotated[str, AfterValidator(_host)]


class Part(BaseModel):
    """A branch of the tree: frozen, and closed to unknown keys."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True
    )
