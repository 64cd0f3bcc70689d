"""Symbols in both spellings."""

from __future__ import annotations

import pytest

from coulisse.domain.symbols import is_asset_name, is_plain_name, split_symbol, wire_symbol


@pytest.mark.parametrize("symbol", ["BTC-USD", "BTC/USD"])
def test_both_spellings_are_one_symbol(symbol: str) -> None:
    assert split_symbol(symbol) == ("BTC", "USD")
    assert wire_symbol(symbol) == "BTC-USD"


@pytest.mark.parametrize(
    "symbol", ["", "BTC", "btc-usd", "BTCUSD", "BTC-USD-X", "B-USD", "BTC-BTC", "A" * 13 + "-USD"]
)
def test_what_is_no_symbol_is_refused_with_itself(symbol: str) -> None:
    with pytest.raises(ValueError, match="not a symbol"):
        wire_symbol(symbol)


def test_names_have_the_form_that_the_core_takes() -> None:
    assert is_asset_name("USD") and not is_asset_name("usd") and not is_asset_name("U")
    assert is_plain_name("maker-btc_1") and not is_plain_name("Maker") and not is_plain_name("")
