"""Seeded traffic: commands for small worlds where every limit is hit and orders meet often.

One integer makes a world and all that happens in it. What comes next may depend on the reference
exchange's state (ids of live orders, balances), so the same seed always gives the same commands.
No floats: chances are whole per cents.
"""

import random
from dataclasses import dataclass, field, replace

from tests.model.codec import Header, Message
from tests.model.configure_traffic import ConfigureTraffic
from tests.model.exchange import ReferenceExchange
from tests.model.keys import PERMISSIONS, REQUESTS, ids_of
from tests.model.keys_traffic import KEY_NAMES, KeysTraffic
from tests.model.orders_traffic import OrderTraffic
from tests.model.risk_traffic import RiskTraffic
from tests.model.states_traffic import StatesTraffic
from tests.model.subjects import wants
from tests.model.terms_traffic import TermsTraffic
from tests.model.withdrawals_traffic import WithdrawalsTraffic
from tests.model.world import ASSETS, World, a_world

ASSET_NAMES = ("USD", "BTC", "ETH", "AB", "ABC", "CDE")
ACCOUNT_NAMES = ("ann", "bob", "cyd", "dan", "eve", "fay")
BAD_NAMES = ("", "a.b", "TOO-LONG-FOR-ANY-ASSET", "Mixed", "x!", "A")
HUGE = ((1 << 127) - 1, 10**32, 10**32 + 1, -(1 << 127))


@dataclass(slots=True)
class Traffic:
    """The next command of a world, one at a time."""

    rng: random.Random
    world: World
    orders: OrderTraffic
    configure: ConfigureTraffic
    states: StatesTraffic
    risk: RiskTraffic
    keys: KeysTraffic
    withdrawals: WithdrawalsTraffic
    setup: list[tuple[Header, Message]]
    sent: list[tuple[Header, Message]] = field(default_factory=list)
    # The record that was sent as void and of which that was not told yet.
    voided: tuple[int, Message] | None = None

    def next(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        """The next record for an exchange in this state."""
        self.states.move()
        self.orders.now_ns = self.states.now_ns
        # Without what the set-up makes there is nothing to trade.
        may_void = exchange.genesis is not None and not self.setup
        header, command = self._draw(exchange)
        seq = exchange.last_seq + 1
        header = replace(header, seq=seq, time_ns=self.states.now_ns)
        is_void = self.rng.randrange(1_000) < 1 and wants("states") and exchange.nodes
        if is_void and may_void:
            header, self.voided = replace(header, void=True), (seq, command)
        if command.kind in REQUESTS and header.request_id:
            self.sent = [*self.sent[-5:], (header, command)]
        return header, command

    def _draw(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        rng = self.rng
        if exchange.genesis is None:
            if exchange.last_seq <= 3 and rng.randrange(3):
                return Header(0), Message("AssetCreate", name="USD", scale=2)
            return self._genesis(exchange)
        if self.setup:
            return self.setup.pop()
        if self.voided is not None or rng.randrange(1_000) < wants("states"):
            return self._void(exchange)
        if self.sent and rng.randrange(100) < 2:
            return self._again()
        if wants("time") and rng.randrange(100) < (60 if self.states.is_due(exchange) else 2):
            return self._tick()
        if self.states.closed(exchange) and rng.randrange(100) < 14:
            command = self.states.reopen(exchange)
            is_tick = command.kind == "Tick"
            return self._tick() if is_tick else (self._header(exchange, 8), command)
        if wants("risk") and self.risk.is_next(exchange):
            header = self._header(exchange, PERMISSIONS["admin"])
            command = self.risk.next(exchange, header)
            return self._by_whom(exchange, header, command), command
        if rng.randrange(100) < 89:
            header = self._header(exchange, PERMISSIONS["trade"])
            command = self.orders.next(exchange, header.account)
            if wants("risk"):
                command = self.risk.vary(exchange, header.account, command)
            return header, command
        return self._other(exchange)

    def _by_whom(self, exchange: ReferenceExchange, header: Header, command: Message) -> Header:
        """Ticks come from the node, and the first step of a reset's key tries the second too."""
        chance = self.rng.randrange(100)
        if command.kind == "Tick" and chance < 95:
            return replace(header, key=0)
        if command.kind == "KillReset" and command.step == 2 and chance < 40:
            asked_by = exchange.kill_switches.get((command.scope, command.scope_id))
            return replace(header, key=asked_by or header.key)
        return header

    def _void(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        """Tell that the last record is void; now and then of one that is none, or badly."""
        rng, count = self.rng, len(exchange.instruments)
        seq, record = self.voided or (rng.randrange(exchange.last_seq + 3), Message("Tick"))
        self.voided = None
        instrument = getattr(record, "instrument", 0)
        if not 1 <= instrument <= count or rng.randrange(100) < 6:
            instrument = rng.choice((0, 0, count, count + 1))
        key = rng.choice((0,) * 9 + (1,))
        header = Header(0, incarnation=rng.choice((999, 999, 999, 1)), key=key)
        return header, Message("Void", seq=seq, instrument=instrument)

    def _again(self) -> tuple[Header, Message]:
        """A request sent before, or its id with something else."""
        header, command = self.rng.choice(self.sent)
        if self.rng.randrange(3) == 0:
            command = Message("Deposit", asset=1, amount=self.rng.randrange(1, 5))
        return header, command

    def _header(self, exchange: ReferenceExchange, permission: int) -> Header:
        rng = self.rng
        accounts = len(exchange.accounts)
        account = rng.randrange(1, accounts + 1)
        if rng.randrange(100) < 1:
            account = rng.choice((0, accounts + 1, 2**32 - 1))
        key = 0
        if exchange.keys and rng.randrange(100) < 40:
            key = rng.choice([0, *_fitting_keys(exchange, account, permission)])
            works = key == 0 or exchange.keys[key - 1][0].state == "active"
            key = key if works or rng.randrange(5) == 0 else 0
            if rng.randrange(100) < 6:
                key = rng.randrange(1, len(exchange.keys) + 2)
        node = rng.choice((1, 1, 1, 2, 7))
        incarnation = exchange.nodes.get(node, 0) + rng.choice((0, 0, 0, 0, 0, 1))
        if rng.randrange(100) < 1:
            incarnation = max(0, incarnation - 2)
        batch, index = rng.randrange(9), rng.randrange(3)
        session = self.keys.nonce(exchange, key) or rng.randrange(9)
        where = (0, 0, node, incarnation, batch, index, account, key, session)
        return Header(*where, request_id=self._request_id())

    def _request_id(self) -> int:
        rng = self.rng
        return rng.choice((0, 0, 0, rng.randrange(1, 12), rng.randrange(1, 2**128)))

    def _other(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        money, things = (self._deposit, self._withdraw), (self._asset, self._instrument)
        others = (self._account, self._key, self._node, self._genesis, self._configure)
        timed = (self._state, self._schedule, self._cancel_after)
        states = (8, 6) if wants("states") else (0, 0)
        keys = 11 * wants("keys")
        waiting = 30 * wants("withdrawals")
        weights = (46, 22, 4, 12, 3, 4, 3, 1, 27, *states, 4 * wants("time"), keys, waiting)
        rare = (self._keys, self._waiting)
        make = self.rng.choices((*money, *things, *others, *timed, *rare), weights)[0]
        return make(exchange)

    def _tick(self) -> tuple[Header, Message]:
        key = self.rng.choice((0,) * 40 + (1, 2, 99))
        return Header(0, incarnation=self.rng.choice((999, 999, 999, 1)), key=key), Message("Tick")

    def _state(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        return self._header(exchange, PERMISSIONS["admin"]), self.states.set_state(exchange)

    def _schedule(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        return self._header(exchange, PERMISSIONS["admin"]), self.states.schedule(exchange)

    def _cancel_after(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        return self._header(exchange, PERMISSIONS["trade"]), self.states.cancel_after()

    def _configure(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        to = self.configure
        often = (to.instrument, to.instrument, to.mark, to.mark, to.mark)
        make = self.rng.choice((to.group, to.account, *often))
        return self._header(exchange, 8), make(exchange)

    def _deposit(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        rng = self.rng
        asset = rng.randrange(1, len(exchange.assets) + 1)
        amount = rng.randrange(1, self.world.purse_minor(asset) + 1)
        if rng.randrange(100) < 6:
            amount = rng.choice((0, -1, *HUGE))
        asset = rng.choice((0, 99)) if rng.randrange(100) < 4 else asset
        return self._header(exchange, 8), Message("Deposit", asset=asset, amount=amount)

    def _withdraw(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        rng = self.rng
        header = self._header(exchange, 4)
        asset = rng.randrange(1, len(exchange.assets) + 1)
        available = exchange.ledger.available[header.account, asset]
        amount = rng.choice((1, available // 3, available // 2, available, available + 1))
        if rng.randrange(100) < 6:
            amount = rng.choice((0, -1, *HUGE))
        asset = rng.choice((0, 99)) if rng.randrange(100) < 4 else asset
        return header, Message("Withdraw", asset=asset, amount=amount)

    def _asset(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        rng = self.rng
        bad = rng.randrange(4) == 0
        name, scale = rng.choice(BAD_NAMES if bad else ASSET_NAMES), rng.choice((0, 2, 8, 18))
        if rng.randrange(6) == 0:
            scale = rng.choice((19, 255))
        name = name[:12]
        return self._header(exchange, 8), Message("AssetCreate", name=name, scale=scale)

    def _instrument(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        """A listing that is good but for, mostly, one or two of its fields."""
        rng = self.rng
        known = len(exchange.assets)
        base, quote = rng.randrange(1, known + 1), rng.randrange(1, known + 1)
        if rng.randrange(4) == 0:
            base, quote = rng.randrange(1, len(ASSETS) + 1), rng.randrange(1, len(ASSETS) + 1)
        command = self.world.listing(base, quote)
        spoil: dict[str, tuple[int | str, ...]] = {
            "symbol": ("BTCUSD", "", "btc-usd", "USD-BTC"),
            "base": (0, 9, 1),
            "quote": (0, 9, 2),
            "tick_minor": (0, -5, 7, 2**63 - 1),
            "lot_minor": (0, -1, 3, 2**63 - 1),
            "min_qty": (0, -1, 2**53 + 1),
            "max_qty": (0, 2**53 + 1, 2**63 - 1),
            "min_notional": (-1, 10**30 + 1, (1 << 127) - 1),
            "maker_fee": (-1, 100_001, 90_000),
            "taker_fee": (-1, 100_001, 2**31 - 1),
        }
        for name in rng.sample(sorted(spoil), rng.choice((0, 1, 1, 1, 2))):
            setattr(command, name, rng.choice(spoil[name]))
        return self._header(exchange, 8), command

    def _account(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        name = self.rng.choice((*ACCOUNT_NAMES, *BAD_NAMES))
        return self._header(exchange, 8), Message("AccountCreate", name=name)

    def _key(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        rng = self.rng
        key_id = rng.choice((*KEY_NAMES, *BAD_NAMES))
        permissions = rng.choice((0, 1, 2, 4, 6, 8, 15, 16, 255))
        body = {"key_id": key_id, "public_key": rng.randbytes(32), "permissions": permissions}
        return self._header(exchange, 8), Message("KeyCreate", **body)

    def _keys(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        command = self.keys.next(exchange, self.states.now_ns)
        if command.kind not in ("PasswordSet", "SessionEnd", "CancelOnDisconnect"):
            return self._header(exchange, 8), command
        header = self._header(exchange, self.rng.choice((2, 8)))
        own = [key.key_id for key, _ in exchange.keys]
        named = getattr(command, "key_id", self.rng.choice(own or [""]))
        chance = self.rng.randrange(3)
        if chance == 0 and named in own:
            header = replace(header, key=own.index(named) + 1)
        elif chance == 1:
            # Whoever may not administer asks for others in vain.
            header = replace(header, key=self.rng.choice(_not_admins(exchange) or [0]))
        return header, command

    def _waiting(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        return self.withdrawals.next(exchange, self._header(exchange, 8))

    def _node(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        rng = self.rng
        node = rng.choice((1, 2, 65_535))
        incarnation = exchange.nodes.get(node, 0) + rng.choice((0, 1, 1, 1, 2))
        key = rng.choice((0, 0, 0, 1))
        return Header(0, node=node, key=key), Message("NodeStarted", incarnation=incarnation)

    def _genesis(self, exchange: ReferenceExchange) -> tuple[Header, Message]:
        return Header(0), Message("Genesis", **self.world.limits)


def _fitting_keys(exchange: ReferenceExchange, account: int, permission: int) -> list[int]:
    return [
        index
        for index, (c, owner) in enumerate(exchange.keys, start=1)
        if c.permissions & permission
        and (c.permissions & 8 or account in (owner, *ids_of(c.accounts)))
    ]


def _not_admins(exchange: ReferenceExchange) -> list[int]:
    return [
        index
        for index, (key, _) in enumerate(exchange.keys, start=1)
        if not key.permissions & 8 and key.state == "active"
    ]


def traffic(seed: int) -> Traffic:
    """The traffic of one seed, from its first record on."""
    rng = random.Random(seed)
    world = a_world(rng)
    orders = OrderTraffic(rng, world, TermsTraffic(rng, world))
    configure, states = ConfigureTraffic(rng, world), StatesTraffic(rng)
    risk = RiskTraffic(rng, world, patient=rng.randrange(3) == 0)
    about = (KeysTraffic(rng), WithdrawalsTraffic(rng, world))
    return Traffic(rng, world, orders, configure, states, risk, *about, world.setup()[::-1])
