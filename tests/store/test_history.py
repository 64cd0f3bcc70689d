"""History of an account: what a store has and what the node knows since, told as one list."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import pytest

from coulisse import _core
from coulisse.store.errors import StoreDown, StoreRefused
from coulisse.store.sql.address import Address
from coulisse.store.sql.history import Asked, Page, open_reader, page_of
from coulisse.store.sql.migrate import engine_for
from coulisse.store.sql.writer import Writer, open_writer
from tests.model.codec import Message
from tests.session.twin import Life

from .conftest import NewAddress
from .journals import a_life, following, genesis_of, more

OPS = {"orders.history": "orders", "fills.history": "fills", "ledger.get": "entries"}
Params = dict[str, object]
Rows = list[dict[str, Any]]


class Asking:
    """A session of Alice's, and what reads the store for it."""

    def __init__(self, life: Life, address: Address, genesis: bytes, look_rows: int) -> None:
        self.life, self._look_rows, self._genesis = life, look_rows, genesis
        self.history = _core.History(life.core)
        self.answers: list[dict[str, Any]] = []
        self.session = life.core.session(
            "alice", lambda text: self.answers.append(json.loads(text))
        )
        self._reader = open_reader(address, genesis)
        self._engine = engine_for(address)

    def answer(self) -> int:
        """Put the questions that there are to the store; return how many."""
        questions = self.history.take()
        for said in questions:
            asked = Asked(**{**said, "orders": tuple(said["orders"])})  # type: ignore[arg-type]
            page = self._page(asked)
            self.history.found(asked.number, asked.op, page.seq, page.rows, page.looked_to)
        return len(questions)

    def _page(self, asked: Asked) -> Page:
        if self._look_rows == 0:
            return self._reader.page(asked)
        with self._engine.connect() as connection:

            def query(statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
                if connection.dialect.name == "postgresql":
                    statement = statement.replace("?", "%s")
                return [tuple(row) for row in connection.exec_driver_sql(statement, tuple(values))]

            return page_of(query, asked, self._genesis, self._look_rows)

    async def ask(self, op: str, params: Params) -> dict[str, Any]:
        """Ask, answer for the store, return the reply."""
        self.answers.clear()
        self.session.request(json.dumps({"id": 1, "op": op, "params": params}).encode())
        # Asked for a second time: how orders were accepted.
        for _ in range(8):
            self.answer()
            await self.life.tick()
            if self.answers:
                return self.answers.pop()
        raise AssertionError("no answer")

    async def all_rows(self, op: str, params: Params, limit: int) -> tuple[Rows, set[int]]:
        """Every row by pages of so many, and the seqs that the pages were true at."""
        rows: Rows = []
        seqs = set()
        asked = {**params, "limit": limit}
        for _ in range(10_000):
            reply = await self.ask(op, asked)
            assert reply["ok"], reply
            result = reply["result"]
            rows += result[OPS[op]]
            assert len(result[OPS[op]]) <= limit
            seqs.add(result["seq"])
            if "next_cursor" not in result:
                return rows, seqs
            asked["cursor"] = result["next_cursor"]
        raise AssertionError("no end")

    def close(self) -> None:
        self._reader.close()
        self._engine.dispose()


@contextmanager
def asking(
    life: Life, address: Address, disk: _core.SimDisk, look_rows: int = 0
) -> Iterator[Asking]:
    one = Asking(life, address, genesis_of(disk), look_rows)
    try:
        yield one
    finally:
        one.close()


def to_seq(disk: _core.SimDisk, writer: Writer, records: int) -> None:
    """Fill a store by so many records more."""
    replica = following(disk, writer)
    done = 0
    while done < records:
        applied = replica.catch_up(min(20, records - done))
        if (rows := replica.take_rows()) is not None:
            writer.write(rows)
        if applied == 0:
            return
        done += applied


async def to_end(disk: _core.SimDisk, writer: Writer, life: Life) -> None:
    """Fill a store by all that there is: what is told is on the disk, or will be in a moment."""
    async with asyncio.timeout(20):
        while writer.checkpoint.seq < life.core.seq:
            to_seq(disk, writer, 10_000)
            await life.tick()


def stored(address: Address, select: str) -> list[dict[str, Any]]:
    engine = engine_for(address)
    with engine.connect() as connection:
        found = [dict(row._mapping) for row in connection.exec_driver_sql(select)]
    engine.dispose()
    return found


def keys_of(rows: Rows, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


async def test_however_far_the_store_has_come_the_list_is_the_same_and_has_each_row_once(
    address: Address,
) -> None:
    disk, life = await a_life(21, 500)
    writer = open_writer(address, genesis_of(disk))
    last, lists = life.core.seq, []
    # Nothing stored; parts of it; all of it.
    with asking(life, address, disk) as alice:
        for step in (0, 40, 200, 170, 60, None):
            if step is None:
                await to_end(disk, writer, life)
            else:
                to_seq(disk, writer, step)
            for op in ("orders.history", "fills.history"):
                for limit in (7, 500):
                    rows, seqs = await alice.all_rows(op, {}, limit)
                    lists.append((op, rows))
                    assert seqs == {last}, f"{op} at {writer.checkpoint.seq}, {limit} a page"
    assert writer.checkpoint.seq == last
    for op in ("orders.history", "fills.history"):
        of_op = [rows for one, rows in lists if one == op]
        assert len(of_op) == 12 and all(rows == of_op[0] for rows in of_op)
    # And it is what the tables hold, read in another way.
    orders, fills = lists[-4][1], lists[-1][1]
    wanted = stored(
        address,
        "SELECT order_id, closed_seq, closed_ns, accepted_seq, state, reason, client_order_id "
        "FROM orders WHERE account = 1 AND closed_seq > 0",
    )
    assert len(orders) == len(wanted) > 60
    by_id = {str(row["order_id"]): row for row in wanted}
    for order in orders:
        row = by_id.pop(order["order_id"])
        assert order["seq"] == row["closed_seq"] and order["time"] == row["closed_ns"] // 1_000
        for name in ("accepted_seq", "state", "reason", "client_order_id"):
            assert order[name] == row[name]
    assert [order["seq"] for order in orders] == sorted(
        (order["seq"] for order in orders), reverse=True
    )
    wanted = stored(
        address, "SELECT seq, trade_id, order_id FROM fills WHERE account = 1 ORDER BY seq, item"
    )
    told = [(row["seq"], int(row["trade_id"]), int(row["order_id"])) for row in reversed(fills)]
    assert told == [(row["seq"], row["trade_id"], row["order_id"]) for row in wanted]
    assert len(told) > 100
    writer.close()
    life.end()


async def test_the_ledger_sums_to_the_balances_and_is_true_at_the_stores_seq(
    address: Address,
) -> None:
    disk, life = await a_life(22, 400)
    writer = open_writer(address, genesis_of(disk))
    to_seq(disk, writer, 300)
    with asking(life, address, disk) as alice:
        rows, seqs = await alice.all_rows("ledger.get", {}, 9)
        assert seqs == {writer.checkpoint.seq} and 0 < len(rows)
        await to_end(disk, writer, life)
        rows, seqs = await alice.all_rows("ledger.get", {}, 50)
        assert seqs == {life.core.seq}
        for number, asset in enumerate(("BTC", "USD"), 1):
            only, _ = await alice.all_rows("ledger.get", {"asset": asset}, 20)
            assert only == [row for row in rows if row["asset"] == asset]
            total = sum(Decimal(row["change"]).scaleb(8) for row in only)
            (held,) = stored(
                address,
                f"SELECT available, held FROM balances WHERE account = 1 AND asset = {number}",
            )
            assert total == int(held["available"]) + int(held["held"])
    kinds = {row["kind"] for row in rows}
    assert {"deposit", "trade", "fee"} <= kinds
    own = stored(address, "SELECT order_id FROM orders WHERE account = 1")
    mine = {str(row["order_id"]) for row in own}
    assert {row["order_id"] for row in rows if "order_id" in row} <= mine
    writer.close()
    life.end()


async def test_what_is_asked_for_is_told_and_nothing_else(address: Address) -> None:
    disk, life = await a_life(23, 400)
    writer = open_writer(address, genesis_of(disk))
    to_seq(disk, writer, 250)
    with asking(life, address, disk) as alice:
        orders, _ = await alice.all_rows("orders.history", {}, 500)
        fills, _ = await alice.all_rows("fills.history", {}, 500)
        # One that closed in the store's part, one that closed since.
        for order in (orders[0], orders[-1]):
            for name in ("order_id", "client_order_id"):
                asked: Params = {name: order[name]}
                assert (await alice.all_rows("orders.history", asked, 3))[0] == [order]
        for order_id in {fills[0]["order_id"], fills[-1]["order_id"]}:
            wanted = [fill for fill in fills if fill["order_id"] == order_id]
            of_it = await alice.all_rows("fills.history", {"order_id": order_id}, 1)
            assert of_it[0] == wanted
        for op, rows in (("orders.history", orders), ("fills.history", fills)):
            for place in (5, len(rows) // 2, len(rows) - 5):
                seq, time = rows[place]["seq"], rows[place]["time"]
                later = (await alice.all_rows(op, {"from_seq": seq}, 11))[0]
                assert later == [row for row in rows if row["seq"] > seq]
                since = (await alice.all_rows(op, {"from_time": time}, 11))[0]
                assert since == [row for row in rows if row["time"] >= time]
                until = (await alice.all_rows(op, {"to_time": time}, 11))[0]
                assert until == [row for row in rows if row["time"] < time]
            found = await alice.all_rows(op, {"symbol": "BTC-USD"}, 13)
            assert found[0] == rows
        for op in OPS:
            wrong: list[tuple[Params, str]] = [
                ({"cursor": "00"}, "cursor"),
                ({"limit": 501}, "limit"),
                ({"from_time": 7, "to_time": 7}, "to_time"),
                ({"min_seq": -1}, "min_seq"),
            ]
            for params, field in wrong:
                error = (await alice.ask(op, params))["error"]
                assert error["field"] == field and error["value"] == str(params[field])
        # A cursor of another list.
        page = (await alice.ask("fills.history", {"limit": 1}))["result"]
        error = (await alice.ask("ledger.get", {"cursor": page["next_cursor"]}))["error"]
        assert (error["code"], error["field"]) == ("INVALID_VALUE", "cursor")
    writer.close()
    life.end()


async def test_a_page_of_one_instrument_looks_at_so_many_rows_and_says_where_it_goes_on(
    address: Address,
) -> None:
    disk, life = await a_life(24, 300)
    ether = dict(symbol="ETH-USD", base=3, quote=2, tick_minor=1_000_000, lot_minor=1_000)
    rules = dict(min_qty=1, max_qty=10**12, min_notional=0, maker_fee=200, taker_fee=500)
    life.submit(Message("AssetCreate", name="ETH", scale=8))
    life.submit(Message("InstrumentCreate", **ether, **rules))
    life.submit(Message("Deposit", asset=3, amount=7), account=1)
    await life.all_told()
    writer = open_writer(address, genesis_of(disk))
    await to_end(disk, writer, life)
    with asking(life, address, disk, look_rows=4) as alice:
        for op, field in (("orders.history", "symbol"), ("fills.history", "symbol")):
            every = (await alice.all_rows(op, {}, 500))[0]
            assert (await alice.all_rows(op, {field: "BTC-USD"}, 9))[0] == every
            assert (await alice.all_rows(op, {field: "ETH-USD"}, 9))[0] == []
            first = (await alice.ask(op, {field: "ETH-USD"}))["result"]
            assert first[OPS[op]] == [] and "next_cursor" in first
        assert len((await alice.all_rows("ledger.get", {"asset": "ETH"}, 9))[0]) == 1
        every = (await alice.all_rows("ledger.get", {}, 500))[0]
        found = (await alice.all_rows("ledger.get", {"asset": "USD"}, 9))[0]
        assert found == [row for row in every if row["asset"] == "USD"]
    writer.close()
    life.end()


async def test_a_list_that_must_be_newer_than_the_store_waits_for_it_and_not_for_ever(
    address: Address,
) -> None:
    disk, life = await a_life(25, 60)
    writer = open_writer(address, genesis_of(disk))
    last = life.core.seq
    with asking(life, address, disk) as alice:
        ask = {"id": 1, "op": "ledger.get", "params": {"min_seq": last}}
        alice.session.request(json.dumps(ask).encode())
        assert alice.answer() == 1
        await life.tick()
        assert alice.answers == [] and alice.answer() == 0, "asked again with the next publication"
        life.core.publish()
        await to_end(disk, writer, life)
        assert alice.answer() == 1
        await life.tick()
        assert alice.answers.pop()["result"]["seq"] == last
        ask["params"] = {"min_seq": last + 1}
        alice.session.request(json.dumps(ask).encode())
        asked = 0
        while not alice.answers:
            asked += alice.answer()
            life.core.publish()
            await life.tick()
        error = alice.answers.pop()["error"]
        assert (error["code"], error["field"]) == ("SEQ_NOT_REACHED", "min_seq")
        assert error["value"] == str(last + 1) and 2 * _core.PUBLICATIONS_PER_S <= asked < 30
        # So many may wait, and no more.
        for number in range(70):
            ask["id"] = number
            alice.session.request(json.dumps(ask).encode())
        await life.tick()
        codes = [answer["error"]["code"] for answer in alice.answers]
        assert codes == ["OVERLOADED"] * 6 and "retry_after_ms" in alice.answers[0]["error"]
        for question in alice.history.take():
            alice.history.down(int(str(question["number"])))
        await life.tick()
        assert [answer["error"]["code"] for answer in alice.answers[6:]] == ["STORE_DOWN"] * 64
    writer.close()
    life.end()


async def test_each_page_is_read_by_an_index_and_by_no_sort(new_address: NewAddress) -> None:
    disk, life = await a_life(26, 40)
    address = new_address()
    writer = open_writer(address, genesis_of(disk), may_make=True)
    await to_end(disk, writer, life)
    engine = engine_for(address)
    plans: list[str] = []
    with engine.connect() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off; SET enable_bitmapscan = off")
            connection.exec_driver_sql("SET enable_hashjoin = off; SET enable_mergejoin = off")

        def query(statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
            if not is_sqlite:
                statement = statement.replace("?", "%s")
            explain = "EXPLAIN QUERY PLAN" if is_sqlite else "EXPLAIN"
            lines = connection.exec_driver_sql(f"{explain} {statement}", tuple(values))
            plans.append("\n".join(str(line[-1]) for line in lines))
            found = connection.exec_driver_sql(statement, tuple(values))
            return [tuple(row) for row in found]

        for op, params, index in PAGES:
            plans.clear()
            page_of(query, an_asked(op, params), genesis_of(disk), look_rows=3)
            told = "\n".join(plans)
            assert index in told, f"{op} {params}: {told}"
            # The one row of the checkpoint is the first.
            for plan in plans[1:]:
                assert "Seq Scan" not in plan and "SCAN " not in plan, plan
                if params.get("order_id", 0) == 0 and not params.get("client_order_id"):
                    assert "Sort" not in plan and "TEMP B-TREE" not in plan, plan
    engine.dispose()
    writer.close()
    life.end()


ENDS, FILLS = "order_events_of_ends", "fills_by_account_seq_item"
PAGES: list[tuple[str, dict[str, Any], str]] = [
    ("orders.history", {}, ENDS),
    ("orders.history", {"before": (30, 2)}, ENDS),
    ("orders.history", {"instrument": 1}, ENDS),
    ("orders.history", {"from_us": 7, "to_us": 2**50}, ENDS),
    ("orders.history", {"order_id": 9}, "order_events_by_order_id_seq_item"),
    ("orders.history", {"client_order_id": "alice-3"}, "orders_by_client_order_id"),
    (
        "orders.history",
        {"client_order_id": "a", "before": (9, 1)},
        "order_events_by_order_id_seq_item",
    ),
    ("fills.history", {}, FILLS),
    ("fills.history", {"before": (30, 2), "instrument": 1}, FILLS),
    ("fills.history", {"from_us": 7}, FILLS),
    ("fills.history", {"order_id": 9}, "fills_by_order_id"),
    ("ledger.get", {}, "ledger_by_credit_seq_item"),
    ("ledger.get", {"before": (30, 2), "asset": 1}, "ledger_by_debit_seq_item"),
]


def an_asked(op: str, params: Mapping[str, Any]) -> Asked:
    none: Mapping[str, Any] = {
        "instrument": None, "asset": None, "order_id": 0, "client_order_id": "", "from_us": 0,
        "to_us": 2**53 - 1, "from_seq": 0, "before": None, "limit": 100,
    }  # fmt: skip
    return Asked(number=1, op=op, account=1, **{**none, **params})


async def test_a_store_of_another_log_or_of_nobody_is_not_read(new_address: NewAddress) -> None:
    disk, life = await a_life(27, 40)
    address = new_address()
    asked = an_asked("fills.history", {})
    reader = open_reader(address, genesis_of(disk))
    with pytest.raises(StoreDown):
        reader.page(asked)
    writer = open_writer(address, genesis_of(disk), may_make=True)
    assert reader.page(asked).rows == []
    await to_end(disk, writer, life)
    assert reader.page(asked).seq == life.core.seq
    other = open_reader(address, bytes(16))
    with pytest.raises(StoreRefused, match="STORE_OTHER_LOG"):
        other.page(asked)
    writer.close()
    reader.close()
    other.close()
    life.end()


async def test_pages_go_on_without_a_row_twice_while_orders_are_placed_and_stored(
    address: Address,
) -> None:
    dice = random.Random(28)
    disk, life = await a_life(28, 200)
    writer = open_writer(address, genesis_of(disk))
    with asking(life, address, disk) as alice:
        for op in ("orders.history", "fills.history"):
            at = life.core.seq
            before, _ = await alice.all_rows(op, {}, 500)
            rows: Rows = []
            asked: Params = {"limit": 4}
            while True:
                result = (await alice.ask(op, asked))["result"]
                rows += result[OPS[op]]
                if "next_cursor" not in result:
                    break
                asked["cursor"] = result["next_cursor"]
                if dice.random() < 0.3:
                    await more(life, dice.randrange(10**6), 5)
                if dice.random() < 0.3:
                    to_seq(disk, writer, dice.randrange(60))
            assert keys_of(rows, "seq", "order_id") == keys_of(before, "seq", "order_id")
            assert life.core.seq > at
    writer.close()
    life.end()
