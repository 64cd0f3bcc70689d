"""What a start finds out before it sends anything: that a file cannot be, and what it says anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from coulisse import TradingEngine, _core
from coulisse.config import Config
from coulisse.domain.errors import ConfigError
from coulisse.node.seed_check import NoTables, check_seed, unlike

BTC = {"symbol": "BTC-USD", "tick_size": "0.01", "lot_size": "0.00001"}
ETH = {"symbol": "ETH-USD", "tick_size": "0.01", "lot_size": "0.0001"}
FINE: dict[str, Any] = {
    "instruments": [BTC, ETH],
    "accounts": [{"name": "alice", "deposits": {"USD": "10", "EUR": "1.5"}}],
    "risk": {
        "limits": [
            {"kind": "order_qty", "subject": "BTC-USD", "limit": "0.4"},
            {"kind": "order_notional", "subject": "USD", "limit": "50", "scope": "account"},
        ],
        "withdrawal_caps": [{"asset": "EUR", "cap": "100"}],
    },
}
"""Settings with which a node starts."""


def with_limit(**limit: str) -> dict[str, Any]:
    return {**FINE, "risk": {"limits": [limit]}}


def test_what_can_all_be_made_is_let_through() -> None:
    check_seed(NoTables(), Config.model_validate(FINE))


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        (
            {**FINE, "instruments": [BTC, {**ETH, "tick_size": "0.000000000001"}]},
            "ETH-USD: 0.000000000001 is not a multiple of 0.00000001",
        ),
        (
            with_limit(kind="order_qty", subject="NOPE-USD", limit="1"),
            "no instrument NOPE-USD",
        ),
        (
            with_limit(kind="position", subject="BTC-USD", limit="0.0000000001"),
            "0.0000000001 is not a multiple of 0.00001",
        ),
        (with_limit(kind="order_notional", subject="XYZ", limit="1"), "no asset XYZ"),
        (
            {**FINE, "accounts": [{"name": "alice", "deposits": {"USD": "0.0000000001"}}]},
            "alice: USD: 0.0000000001 is not a multiple of 0.00000001",
        ),
        (
            {**FINE, "risk": {"withdrawal_caps": [{"asset": "XYZ", "cap": "1"}]}},
            "withdrawal_caps: no asset XYZ",
        ),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_made(tree: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        check_seed(NoTables(), Config.model_validate(tree))


async def test_a_start_that_is_refused_lists_nothing_and_a_mended_file_holds(
    tmp_path: Path,
) -> None:
    """The first of two instruments is listed with what the file says when both can be."""
    broken = {**FINE, "instruments": [BTC, {**ETH, "tick_size": "0.000000000001"}]}
    mended = {**FINE, "instruments": [{**BTC, "tick_size": "5"}, ETH]}
    where = {"log": {"dir": str(tmp_path / "data")}}
    with pytest.raises(ConfigError, match="ETH-USD"):
        async with TradingEngine(config=Config.model_validate({**broken, **where})):
            pytest.fail("it started")
    config = Config.model_validate({**mended, **where})
    async with TradingEngine(config=config):
        pass
    core = _core.Core(data_dir=str(tmp_path / "data"))
    try:
        assert list(unlike(core, config)) == []
        later = Config.model_validate({**mended, "instruments": [{**BTC, "lot_size": "0.001"}]})
        assert [tuple(one) for one in unlike(core, later)] == [
            ("BTC-USD", "tick_size", "5", "0.01"),
            ("BTC-USD", "lot_size", "0.00001", "0.001"),
        ]
    finally:
        core.close()
