"""The first start as commands."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from coulisse import _core
from coulisse.config import AccountConfig, Config, InstrumentConfig, KeyConfig
from coulisse.domain.errors import ConfigError
from coulisse.domain.schema import Event, Value, schema
from coulisse.engine.driver import Driver
from coulisse.node.seed import request_id, seed

Sent = tuple[str, dict[str, Value], int, int]


class Tables:
    """The core's tables, filled by the commands that arrive."""

    def __init__(self) -> None:
        self.seq = 2
        self.keys: dict[str, tuple[int, bytes]] = {}
        self.done: set[tuple[int, int]] = set()
        self.forgets = False
        self.assets: dict[str, tuple[int, int]] = {}
        self.accounts: dict[str, int] = {}
        self.symbols: set[str] = set()
        self.sent: list[Sent] = []
        self.refuses: dict[str, Event] = {}

    def account_id(self, name: str) -> int | None:
        return self.accounts.get(name)

    def asset(self, name: str) -> tuple[int, int] | None:
        return self.assets.get(name)

    def key(self, key_id: str) -> tuple[int, bytes] | None:
        return self.keys.get(key_id)

    def request_done(self, account: int, request_id: int) -> bool | None:
        known = (account, request_id) in self.done
        return None if self.forgets and not known else known

    def instrument_id(self, symbol: str) -> int | None:
        return 1 if symbol in self.symbols else None

    def has_limit(self, scope: str, scope_id: int, kind: str, subject: int) -> bool:
        return False

    def instrument_json(self, symbol: str) -> bytes | None:
        return b"{}" if symbol in self.symbols else None

    async def command(
        self,
        name: str,
        fields: Mapping[str, Value],
        *,
        account: int = 0,
        request_id: int = 0,
    ) -> tuple[int, list[Event]]:
        self.seq += 1
        self.sent.append((name, dict(fields), account, request_id))
        if name in self.refuses:
            return self.seq, [self.refuses[name]]
        if name == "AssetCreate":
            self.assets[str(fields["name"])] = (len(self.assets) + 1, int(fields["scale"]))
        elif name == "AccountCreate":
            self.accounts[str(fields["name"])] = len(self.accounts) + 1
        elif name == "InstrumentCreate":
            self.symbols.add(str(fields["symbol"]))
        elif name == "KeyCreate":
            self.keys[str(fields["key_id"])] = (account, b"")
        self.done.add((account, request_id))
        return self.seq, [Event("Done", {})]

    def names(self) -> list[str]:
        return [name for name, *_ in self.sent]


PUBLIC_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
ALICE = AccountConfig(
    name="alice",
    deposits={"USD": Decimal("10.5")},
    keys=(KeyConfig(key_id="a-1", public_key=PUBLIC_KEY),),
)


def a_config(*accounts: AccountConfig) -> Config:
    btc = InstrumentConfig(symbol="BTC/USD", tick_size=Decimal("0.01"), lot_size=Decimal("0.00001"))
    return Config.model_validate({"instruments": (btc,), "accounts": accounts})


async def test_assets_come_before_instruments_and_accounts_before_their_money() -> None:
    tables = Tables()
    await seed(tables, tables, a_config(ALICE))
    assert tables.names() == [
        "AssetCreate", "AssetCreate", "InstrumentCreate", "AccountCreate", "KeyCreate", "Deposit",
    ]  # fmt: skip


async def test_numbers_become_minor_units_lots_and_parts_per_million() -> None:
    tables = Tables()
    await seed(tables, tables, a_config(ALICE))
    fields = next(fields for name, fields, *_ in tables.sent if name == "InstrumentCreate")
    assert fields == {
        "symbol": "BTC-USD", "base": 1, "quote": 2, "tick_minor": 1_000_000, "lot_minor": 1_000,
        "min_qty": 1, "max_qty": 100_000_000_000, "min_notional": 0,
        "maker_fee": 200, "taker_fee": 500,
    }  # fmt: skip
    deposit = next(sent for sent in tables.sent if sent[0] == "Deposit")
    assert deposit[1] == {"asset": 2, "amount": 1_050_000_000} and deposit[2] == 1


async def test_a_restart_repeats_nothing() -> None:
    tables = Tables()
    await seed(tables, tables, a_config(ALICE))
    before = len(tables.sent)
    await seed(tables, tables, a_config(ALICE))
    assert len(tables.sent) == before


async def test_what_is_added_to_the_file_later_is_created_then() -> None:
    tables = Tables()
    await seed(tables, tables, a_config(ALICE))
    tables.sent.clear()
    bob = AccountConfig(name="bob", deposits={"EUR": Decimal(1)})
    await seed(tables, tables, a_config(ALICE, bob))
    assert tables.names() == ["AssetCreate", "AccountCreate", "Deposit"]


async def test_a_first_start_that_was_cut_short_sends_the_rest_under_the_same_ids() -> None:
    whole = Tables()
    await seed(whole, whole, a_config(ALICE))
    cut = Tables()
    for name, fields, account, number in whole.sent[:4]:
        await cut.command(name, fields, account=account, request_id=number)
    cut.sent.clear()
    await seed(cut, cut, a_config(ALICE))
    assert cut.sent == whole.sent[4:]


async def test_a_deposit_that_was_refused_is_made_by_the_next_start_and_only_then() -> None:
    tables = Tables()
    two = ALICE.model_copy(update={"deposits": {"BTC": Decimal(1), "USD": Decimal("10.5")}})
    tables.refuses["Deposit"] = Event(
        "Rejected", {"code": "AMOUNT_OUT_OF_RANGE", "field": "amount"}
    )
    with pytest.raises(ConfigError):
        await seed(tables, tables, a_config(two))
    tables.refuses.clear()
    tables.sent.clear()
    # Whatever else happens meanwhile, and whatever it does to the seq.
    tables.seq += 100
    await seed(tables, tables, a_config(two))
    assert tables.names() == ["Deposit", "Deposit"]
    more = two.model_copy(update={"deposits": {"BTC": Decimal(2), "USD": Decimal(11)}})
    await seed(tables, tables, a_config(more))
    assert tables.names() == ["Deposit", "Deposit"]


async def test_where_requests_are_forgotten_only_what_is_surely_missing_is_made() -> None:
    tables = Tables()
    await seed(tables, tables, a_config(ALICE))
    tables.forgets = True
    tables.done.clear()
    tables.sent.clear()
    await seed(tables, tables, a_config(ALICE))
    assert tables.names() == []
    bob = AccountConfig(name="bob", deposits={"USD": Decimal(1)})
    tables.refuses["Deposit"] = Event(
        "Rejected", {"code": "AMOUNT_OUT_OF_RANGE", "field": "amount"}
    )
    with pytest.raises(ConfigError):
        await seed(tables, tables, a_config(ALICE, bob))
    tables.refuses.clear()
    tables.sent.clear()
    await seed(tables, tables, a_config(ALICE, bob))
    assert tables.names() == ["Deposit"]


async def test_an_amount_that_no_record_can_hold_is_one_line() -> None:
    core = _core.Core(disk=_core.SimDisk(), segment_bytes=1 << 20)
    driver = Driver(core, schema(), pytest.fail)
    driver.attach(asyncio.get_running_loop())
    for qty, says in (("9" * 38, "does not fit"), ("9" * 26, "AMOUNT_OUT_OF_RANGE")):
        rich = AccountConfig(name="alice", deposits={"USD": Decimal(qty)})
        with pytest.raises(ConfigError, match=f"Deposit alice, USD: .*{says}"):
            await seed(core, driver, a_config(rich))
    await seed(core, driver, a_config(ALICE))
    await seed(core, driver, a_config(ALICE))
    text = core.balances_json("alice")
    assert text is not None and b'"available":"10.50000000"' in text
    driver.close()


async def test_a_name_that_is_taken_is_no_fault_and_any_other_reject_is() -> None:
    tables = Tables()
    tables.refuses["KeyCreate"] = Event("Rejected", {"code": "ALREADY_EXISTS", "field": "key_id"})
    await seed(tables, tables, a_config(ALICE))
    tables = Tables()
    tables.refuses["Deposit"] = Event(
        "Rejected", {"code": "AMOUNT_OUT_OF_RANGE", "field": "amount"}
    )
    with pytest.raises(ConfigError, match="Deposit alice, USD: AMOUNT_OUT_OF_RANGE"):
        await seed(tables, tables, a_config(ALICE))


async def test_a_deposit_finer_than_its_asset_is_refused_before_anything_is_opened() -> None:
    tables = Tables()
    fine = AccountConfig(name="alice", deposits={"USD": Decimal("0.000000001")})
    with pytest.raises(ConfigError, match="alice: USD"):
        await seed(tables, tables, a_config(fine))
    assert "AccountCreate" not in tables.names()


def test_request_ids_differ_by_content_and_are_never_zero() -> None:
    ids = {request_id("seed", "Deposit", "a", asset) for asset in ("USD", "BTC", "ETH")}
    assert len(ids) == 3 and 0 not in ids and max(ids) < 2**128
    assert request_id("x") == request_id("x")
