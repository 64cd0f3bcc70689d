"""A small exchange for tests written by hand: one instrument, three funded accounts.

One tick on one lot is one minor unit of USD, one lot is one minor unit of BTC. Every command goes
to the core and to the reference, which must agree; the caller looks at the events.
"""

from dataclasses import dataclass, field

from coulisse._core import Engine
from tests.model.codec import Header, Message
from tests.model.differential import Twins
from tests.model.terms import with_terms

ANN, BOB, CYD = 1, 2, 3
USD, BTC = 1, 2
USD_EACH, BTC_EACH = 1_000_000, 1_000
LIMITS = {
    **{"hash_seed": 1, "shard": 0, "assets_max": 4, "instruments_max": 4, "accounts_max": 4},
    **{"keys_max": 4, "live_orders_max": 1_000, "open_orders_per_account_max": 500},
    **{"fills_per_command_max": 500, "client_order_ids_max": 1_000},
    **{"closed_ids_per_account_max": 100, "request_ids_max": 100},
}


@dataclass(slots=True)
class Scenario:
    """The core and the reference in one small world."""

    twins: Twins = field(default_factory=lambda: Twins(Engine()))
    # What the log says the time is.
    now_ns: int = 0

    def send(
        self, command: Message, *, account: int = 0, void: bool = False, **header: int
    ) -> list[Message]:
        """Apply any command, as it says or as `void`; incarnation 1 of node 1 unless told."""
        seq = self.twins.exchange.last_seq + 1
        fields = {"incarnation": 1, "account": account, "time_ns": self.now_ns} | header
        events = self.twins.step(Header(seq, **fields, void=void), command)
        self.twins.compare_states()
        return events

    def place(
        self,
        account: int,
        side: str,
        qty: int,
        price: int = 0,
        *,
        tif: str = "gtc",
        notional: int = 0,
        post_only: bool = False,
        client_order_id: str = "",
        instrument: int = 1,
    ) -> list[Message]:
        """Place an order; without a price it is a market order."""
        kind = "limit" if price else "market"
        body: dict[str, object] = {"side": side, "order_type": kind, "price": price}
        flags: dict[str, object] = {"time_in_force": tif, "post_only": post_only}
        sizes = {"qty": qty, "notional": notional, "instrument": instrument}
        command = Message("OrderPlace", **body, **flags, **sizes, client_order_id=client_order_id)
        return self.send(command, account=account)

    def cancel(self, account: int, order_id: int) -> list[Message]:
        """Cancel by order id."""
        command = Message("OrderCancel", order_id=order_id, client_order_id="")
        return self.send(command, account=account)

    def cancel_all(self, account: int, *, side: str = "both", session: int = 0) -> list[Message]:
        """Cancel everything of an account, or what it has on one side or from one session."""
        command = Message("OrderCancelAll", instrument=0, side=side, session=session)
        return self.send(command, account=account)

    def amend(self, account: int, order_id: int, *, qty: int = 0, price: int = 0) -> list[Message]:
        """Amend by order id."""
        ids: dict[str, object] = {"order_id": order_id, "client_order_id": ""}
        return self.send(Message("OrderAmend", **ids, qty=qty, price=price), account=account)

    def terms(
        self, account: int, side: str, qty: int, price: int = 0, *, tif: str = "", **terms: object
    ) -> list[Message]:
        """Place an order with terms; without a price it is a market order."""
        command = with_terms(order_fields(side, qty, price, tif) | terms)
        return self.send(command, account=account)

    def replace(
        self, account: int, order_id: int, side: str, qty: int, price: int, **fields: object
    ) -> list[Message]:
        """Cancel an order and place a limit order."""
        placement = vars(with_terms(order_fields(side, qty, price, "") | fields))
        cancel = {"cancel_order_id": order_id, "cancel_client_order_id": ""}
        given = {"allow_failure": False} | placement | cancel | fields
        del given["kind"]
        return self.send(Message("OrderReplace", **given), account=account)

    def tick(self, now_ns: int) -> list[Message]:
        """Let the node do what is due at a time."""
        self.now_ns = now_ns
        return self.send(Message("Tick"))

    def mark(self, price: int) -> list[Message]:
        """Set the mark."""
        return self.send(Message("MarkSet", instrument=1, price=price))

    def state(self, state: str) -> list[Message]:
        """Set the trading state."""
        return self.send(Message("TradingStateSet", instrument=1, state=state))

    def configure(self, **fields: object) -> list[Message]:
        """Set how the instrument is traded; all that is not given is off."""
        how: dict[str, object] = {"matching": "price_time", "reference": "last", "auction_ns": 0}
        off = {"collar_ppm": 0, "slippage_ppm": 0, "band_ppm": 0, "auction_fee": 0}
        return self.send(Message("InstrumentConfigure", instrument=1, **off | how | fields))

    def trade(self, price: int) -> None:
        """Make a price the last one: ANN sells a lot to BOB there."""
        self.place(ANN, "sell", 1, price)
        self.place(BOB, "buy", 1, price)

    def balance(self, account: int, asset: int) -> tuple[int, int]:
        """(available, held); the core agrees, or its state hash would differ."""
        ledger = self.twins.exchange.ledger
        return ledger.available[account, asset], ledger.held[account, asset]


def order_fields(side: str, qty: int, price: int, tif: str) -> dict[str, object]:
    """A limit order of instrument 1 or, without a price, a market order."""
    kind, default_tif = ("limit", "gtc") if price else ("market", "ioc")
    body: dict[str, object] = {"side": side, "order_type": kind, "qty": qty, "price": price}
    rest: dict[str, object] = {"instrument": 1, "notional": 0, "client_order_id": ""}
    return body | rest | {"post_only": False, "time_in_force": tif or default_tif}


def an_exchange(*, maker_fee: int = 0, taker_fee: int = 0, **limits: int) -> Scenario:
    """A running exchange with these fees in ppm; limits as in genesis."""
    scenario = Scenario()
    open_exchange(scenario, (maker_fee, taker_fee), limits)
    return scenario


def open_exchange(scenario: Scenario, fees_ppm: tuple[int, int], limits: dict[str, int]) -> None:
    """Make of a new scenario what `an_exchange` says."""
    maker_fee, taker_fee = fees_ppm
    scenario.send(Message("Genesis", **LIMITS | limits))
    scenario.send(Message("NodeStarted", incarnation=1))
    for name in ("USD", "BTC"):
        scenario.send(Message("AssetCreate", name=name, scale=0))
    fees = {"maker_fee": maker_fee, "taker_fee": taker_fee, "min_notional": 1}
    steps = {"tick_minor": 1, "lot_minor": 1, "min_qty": 1, "max_qty": 1 << 53}
    ids = {"symbol": "BTC-USD", "base": BTC, "quote": USD}
    scenario.send(Message("InstrumentCreate", **ids, **steps, **fees))
    for account, name in ((ANN, "ann"), (BOB, "bob"), (CYD, "cyd")):
        scenario.send(Message("AccountCreate", name=name))
        for asset, amount in ((USD, USD_EACH), (BTC, BTC_EACH)):
            scenario.send(Message("Deposit", asset=asset, amount=amount), account=account)


def of(events: list[Message], kind: str, *names: str) -> list[tuple[object, ...]]:
    """The named fields of each event of a kind, in order."""
    return [tuple(getattr(e, name) for name in names) for e in events if e.kind == kind]


def kinds(events: list[Message]) -> list[str]:
    """The kinds of the events, in order."""
    return [event.kind for event in events]
