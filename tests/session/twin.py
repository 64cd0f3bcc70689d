"""A core under random commands, and a twin that knows what must come of them.

The twin is the bare engine. It is given what was sent, in the order in which it was sent, with the
seqs that the log must have given it; so it says what stands in the log at every seq, what each
reply must say, and what every book and account is there. Nothing of it reads the journal.
"""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from coulisse import _core
from tests.model.codec import Header, Message, decode_events, encode_body, encode_record, number

GENESIS = Message(
    "Genesis",
    hash_seed=7,
    shard=0,
    assets_max=1_024,
    instruments_max=1_024,
    accounts_max=1_000_000,
    keys_max=1_000_000,
    live_orders_max=1_000_000,
    open_orders_per_account_max=10_000,
    fills_per_command_max=10_000,
    client_order_ids_max=1_000_000,
    closed_ids_per_account_max=4_096,
    request_ids_max=65_536,
)
MARKET = (
    Message("AssetCreate", name="BTC", scale=8),
    Message("AssetCreate", name="USD", scale=8),
    Message(
        "InstrumentCreate",
        symbol="BTC-USD",
        base=1,
        quote=2,
        tick_minor=1_000_000,
        lot_minor=1_000,
        min_qty=1,
        max_qty=10**12,
        min_notional=0,
        maker_fee=200,
        taker_fee=500,
    ),
    Message("AccountCreate", name="alice"),
    Message("AccountCreate", name="bob"),
)
ACCOUNTS = ("alice", "bob")
SEGMENT_BYTES = 1 << 16
SILENCE_S = 20.0
"""No reply at all for so long is a fault."""


class CheckFailed(AssertionError):
    """The core did not keep what it had said."""


# Of the log's times the state keeps the day alone.
TODAY_NS = time.time_ns()


@dataclass(frozen=True, slots=True)
class Sent:
    """One command as it was sent: what a session asked, or what the node submitted."""

    seq: int
    command: Message
    account: int
    request_id: int
    incarnation: int
    session: int = 0
    """Which session of its life asked, by the number that its orders keep; 0 for the node."""
    text: bytes = b""


@dataclass(slots=True)
class Ledger:
    """What was sent, what was told, and the twin that knows what must have come of it."""

    twin: _core.Engine = field(default_factory=_core.Engine)
    applied: int = 0
    sent: list[Sent] = field(default_factory=list)
    """Behind `applied`, in order: not known to be in the log."""
    told: dict[int, dict[str, object]] = field(default_factory=dict)
    """Replies since the last opening, by seq."""
    events: dict[int, list[Message]] = field(default_factory=dict)
    placed: list[Sent] = field(default_factory=list)
    """Placements that are in the log."""
    told_count: int = 0

    def settle(self, survived: int) -> list[Sent]:
        """The log ends at `survived`: give the twin what it holds; return what is lost."""
        last_told = max(self.told, default=0)
        if survived < max(last_told, self.applied):
            raise CheckFailed(f"told up to {max(last_told, self.applied)}, kept up to {survived}")
        lost = []
        for one in self.sent:
            if one.seq > survived:
                lost.append(one)
                continue
            self._apply(one)
        if self.applied != survived:
            raise CheckFailed(f"{survived} records, {self.applied} were sent")
        self.sent.clear()
        return lost

    def _apply(self, one: Sent) -> None:
        header = Header(
            one.seq,
            time_ns=TODAY_NS,
            incarnation=one.incarnation,
            account=one.account,
            session=one.session,
            request_id=one.request_id,
        )
        events = decode_events(self.twin.apply(encode_record(header, one.command)))
        self.applied = one.seq
        self.events[one.seq] = events
        if one.command.kind == "OrderPlace" and events[0].kind == "OrderAccepted":
            self.placed.append(one)

    def check_told(self) -> None:
        """Every reply said what the twin says."""
        for seq, reply in self.told.items():
            events = self.events[seq]
            if not _says(reply, seq, events):
                raise CheckFailed(f"{seq}: {reply} instead of {events}")
        self.told_count += len(self.told)
        self.told.clear()


def _says(reply: dict[str, object], seq: int, events: list[Message]) -> bool:
    """Whether a reply says what these events say."""
    first = events[0]
    error, result = reply.get("error"), reply.get("result")
    if first.kind == "Rejected":
        return isinstance(error, dict) and error["code"] == first.code
    if not isinstance(result, dict) or result["seq"] != seq:
        return False
    if "count" in result:
        counts = [event.count for event in events if event.kind == "OrdersCancelled"]
        return counts == [result["count"]]
    if "order_id" in result:
        first_seq = getattr(first, "first_seq", None)
        same_order = result["order_id"] == str(first.order_id)
        return same_order and result.get("first_seq") == first_seq
    return first.kind not in ("OrderAccepted", "OrderDuplicate", "OrderClosed")


class Life:
    """One life of the process: a core, two sessions, and the power button."""

    def __init__(
        self, disk: _core.SimDisk | Path, ledger: Ledger, durability: str = "fsync"
    ) -> None:
        self._disk, self.ledger = disk, ledger
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()
        self.fatal: list[str] = []
        self.core = _core.Core(
            data_dir=str(disk) if isinstance(disk, Path) else None,
            disk=None if isinstance(disk, Path) else disk,
            hash_seed=7,
            segment_bytes=SEGMENT_BYTES,
            durability=durability,
        )
        self.core.attach(self._loop.call_soon, self._on_fatal)
        self._fd = self.core.eventfd
        self._loop.add_reader(self._fd, self.core.on_durable)
        self.incarnation = self.core.recovery["incarnation"]
        self._next = self.core.seq + 1
        self.sessions: dict[str, _core.LocalSession] = {}
        """In the order in which they were opened, which numbers them."""

    def _on_fatal(self, reason: str) -> None:
        self.fatal.append(reason)
        self._moved.set()

    def check(self) -> list[Sent]:
        """Look at what the opening found; return what was sent and is lost."""
        started = self.core.seq
        survived = started - 1
        if self.ledger.applied == 0 and not self.ledger.sent:
            self._sent(Sent(1, GENESIS, 0, 0, self.incarnation))
        lost = self.ledger.settle(survived)
        node_started = Message("NodeStarted", incarnation=self.incarnation)
        self.ledger.sent.append(Sent(started, node_started, 0, 0, self.incarnation))
        self.ledger.check_told()
        with contextlib.suppress(_core.CoreError):
            self.open_sessions()
        return lost

    def open_sessions(self) -> None:
        """Open a session for each account, before anybody else connects: the first numbers."""
        for account in ACCOUNTS:
            self.sessions[account] = self.core.session(account, self._take)

    def check_state(self) -> None:
        """All that was sent is in the log: state and events are the twin's."""
        self.ledger.settle(self.core.seq)
        self.ledger.check_told()
        self.core.check_invariants()
        mine = (self.core.state_hash(), self.core.event_hash())
        if mine != (self.ledger.twin.state_hash(), self.ledger.twin.event_hash()):
            raise CheckFailed(f"another state at {self.core.seq}")

    def _sent(self, one: Sent) -> None:
        self.ledger.sent.append(one)

    def _take(self, text: bytes) -> None:
        reply = json.loads(text)
        self.ledger.told[reply["id"]] = reply
        self._moved.set()

    def ask(self, account: str, command: Message, op: str, params: dict[str, object]) -> None:
        """Ask in a session; the request's id is the seq that its command will have."""
        seq = self._next
        self._next += 1
        text = json.dumps({"id": seq, "op": op, "params": params}).encode()
        whose = ACCOUNTS.index(account) + 1
        session = (self.incarnation << 32) + list(self.sessions).index(account) + 1
        self._sent(Sent(seq, command, whose, 0, self.incarnation, session, text))
        self.sessions[account].request(text)

    def again(self, one: Sent) -> None:
        """Ask the same once more."""
        request = json.loads(one.text)
        self.ask(ACCOUNTS[one.account - 1], one.command, request["op"], request["params"])

    def submit(self, command: Message, account: int = 0, request_id: int = 0) -> None:
        """Submit a command of the node; its outcome is told as a reply is."""
        seq = self._next
        self._next += 1
        self._sent(Sent(seq, command, account, request_id, self.incarnation))

        def done(at: int, events: bytes) -> None:
            rejected = decode_events(events)[0].kind == "Rejected"
            body: dict[str, object] = {"ok": True, "result": {"seq": at}}
            if rejected:
                body = {"ok": False, "error": {"code": decode_events(events)[0].code}}
            self.ledger.told[at] = body
            self._moved.set()

        body = encode_body(command)
        self.core.command(number(command.kind), body, done, account=account, request_id=request_id)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait for something that a reply or a fatal fault brings about."""
        while not reached():
            self._moved.clear()
            async with asyncio.timeout(SILENCE_S):
                await self._moved.wait()

    async def all_told(self) -> None:
        """Wait until every command of this life is answered."""
        wanted = [one.seq for one in self.ledger.sent if one.command.kind != "NodeStarted"]
        await self.until(lambda: all(seq in self.ledger.told for seq in wanted[-1:]))

    async def tick(self) -> None:
        """Let the loop end its tick."""
        turned = self._loop.create_future()
        self._loop.call_soon(turned.set_result, None)
        await turned

    def end(self) -> None:
        """Close the core; after a power cut that fails, and changes nothing."""
        self._loop.remove_reader(self._fd)
        self.core.close()

    def cut(self, seed: int | None) -> None:
        """Cut the power; the process dies. What was durable until then may still be told."""
        assert isinstance(self._disk, _core.SimDisk), "a real disk is not to be cut"
        self._disk.crash(seed)
        try:
            self.end()
        except RuntimeError:
            # Its disk is gone.
            pass


def random_command(rng: random.Random, life: Life, serial: int, spread_ticks: int = 10) -> None:
    """Send one command that reaches the log; most are orders within `spread_ticks` of 100.00."""
    account = rng.choice(ACCOUNTS)
    draw = rng.random()
    earlier = f"{account}-{serial - rng.randrange(1, 20)}"
    if draw < 0.6:
        price = 10_000 + rng.randrange(-spread_ticks, spread_ticks + 1)
        place(life, account, f"{account}-{serial}", rng.choice(["buy", "sell"]), price, rng)
    elif draw < 0.75:
        cancel = Message("OrderCancel", order_id=0, client_order_id=earlier)
        life.ask(account, cancel, "order.cancel", {"client_order_id": earlier})
    elif draw < 0.85:
        qty = rng.randrange(1, 1_000)
        amend = Message("OrderAmend", order_id=0, client_order_id=earlier, qty=qty, price=0)
        params: dict[str, object] = {"client_order_id": earlier, "qty": f"0.{qty:05}"}
        life.ask(account, amend, "order.amend", params)
    elif draw < 0.87:
        cancel_all = Message("OrderCancelAll", instrument=0, side="both", session=0)
        life.ask(account, cancel_all, "order.cancel_all", {})
    else:
        amount = rng.randrange(1, 10**9)
        deposit = Message("Deposit", asset=rng.choice([1, 2]), amount=amount)
        life.submit(deposit, account=ACCOUNTS.index(account) + 1, request_id=10**6 + serial)


def place(life: Life, account: str, cid: str, side: str, price: int, rng: random.Random) -> None:
    """Send a limit order at `price` ticks."""
    qty = rng.randrange(1, 1_000)
    command = Message(
        "OrderPlace",
        instrument=1,
        side=side,
        order_type="limit",
        time_in_force="gtc",
        post_only=False,
        qty=qty,
        price=price,
        notional=0,
        client_order_id=cid,
    )
    params: dict[str, object] = {"symbol": "BTC-USD", "side": side, "client_order_id": cid}
    params |= {"qty": f"0.{qty:05}", "price": f"{price // 100}.{price % 100:02}"}
    life.ask(account, command, "order.place", params)


async def begin(disk: _core.SimDisk | Path, durability: str = "fsync") -> Life:
    """Start on an empty disk: one instrument, two accounts with money, all of it answered."""
    life = Life(disk, Ledger(), durability)
    life.check()
    for command in MARKET:
        life.submit(command)
    for account in (1, 2):
        for asset in (1, 2):
            life.submit(Message("Deposit", asset=asset, amount=10**15), account=account)
    await life.all_told()
    life.open_sessions()
    return life
