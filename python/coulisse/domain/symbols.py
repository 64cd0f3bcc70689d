"""Symbols: the names of instruments. `BTC-USD` on the wire; Python also takes `BTC/USD`."""

from __future__ import annotations

import re

_SYMBOL = re.compile(r"([A-Z0-9]{2,12})[-/]([A-Z0-9]{2,12})")
_ASSET = re.compile(r"[A-Z0-9]{2,12}")
_NAME = re.compile(r"[a-z0-9_-]{1,32}")


def split_symbol(symbol: str) -> tuple[str, str]:
    """Return the base and the quote asset of a symbol in either spelling."""
    match = _SYMBOL.fullmatch(symbol)
    if match is None or match[1] == match[2]:
        raise ValueError(f"not a symbol like BTC-USD: {symbol!r}")
    return match[1], match[2]


def wire_symbol(symbol: str) -> str:
    """Return a symbol as the wire spells it."""
    base, quote = split_symbol(symbol)
    return f"{base}-{quote}"


def is_symbol(text: str) -> bool:
    """Tell whether `text` may name an instrument, in either spelling."""
    match = _SYMBOL.fullmatch(text)
    return match is not None and match[1] != match[2]


def is_asset_name(name: str) -> bool:
    """Tell whether `name` may name an asset."""
    return _ASSET.fullmatch(name) is not None


def is_plain_name(name: str) -> bool:
    """Tell whether `name` may name an account or a key."""
    return _NAME.fullmatch(name) is not None
