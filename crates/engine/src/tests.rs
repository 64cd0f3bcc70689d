//! The engine's behaviour, by small stories; after every command all invariants are verified.

mod auctions;
mod configure;
mod fuzz;
mod fuzz_auctions;
mod fuzz_terms;
mod icebergs;
mod ids;
mod lists;
mod money;
mod orders;
mod pegs;
mod pro_rata;
mod refusals;
mod replace;
mod risk;
mod self_trade;
mod snapshots;
mod states;
mod stops;
mod timers;
mod void;
mod worths;

use crate::{Engine, default_genesis};
use alloc::vec::Vec;
use coulisse_types::command::{
    AccountCreate, AssetCreate, Deposit, Genesis, InstrumentCreate, MarkSet, OrderAmend,
    OrderCancel, OrderPlace, OrderPlaceTerms, Tick,
};
use coulisse_types::event::{OrderClosed, OrderFilled, Rejected};
use coulisse_types::{
    AccountId, Amount, AssetId, ClientOrderId, Command, Event, FeeRate, InstrumentId, KeyIndex,
    OrderId, OrderType, Peg, Price, Qty, RecordHeader, RejectCode, RequestId, SelfTrade, Seq, Side,
    Text, TimeInForce, Trigger, TriggerOn,
};

const ANN: u32 = 1;
const BOB: u32 = 2;
const BTC: AssetId = AssetId(1);
const USD: AssetId = AssetId(2);
const BTC_USD: InstrumentId = InstrumentId(1);
/// What each of two accounts has of each of two assets at the start, in minor units.
const FUNDS_MINOR: i128 = 1_000_000;

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text.as_bytes()).expect("plain text")
}

/// An engine with its log's last seq.
struct World {
    engine: Engine,
    header: RecordHeader,
}

impl World {
    /// Before genesis.
    fn empty() -> Self {
        Self { engine: Engine::new(), header: RecordHeader::default() }
    }

    /// Ann and Bob with 1,000,000 of BTC and USD each; one tick on one lot is 1 minor unit of USD
    /// and one lot 1 minor unit of BTC; maker 1,000 ppm, taker 3,000 ppm.
    fn new(genesis: Genesis) -> Self {
        let mut world = Self::empty();
        world.run(0, genesis);
        world.run(0, AssetCreate { name: text("BTC"), scale: 0 });
        world.run(0, AssetCreate { name: text("USD"), scale: 2 });
        world.run(0, an_instrument());
        for (account, name) in [(ANN, "ann"), (BOB, "bob")] {
            world.run(0, AccountCreate { name: text(name) });
            for asset in [BTC, USD] {
                world.run(account, Deposit { asset, amount: Amount::from_minor(FUNDS_MINOR) });
            }
        }
        world
    }

    fn usual() -> Self {
        Self::new(default_genesis(7, 1))
    }

    fn run(&mut self, account: u32, command: impl Into<Command>) -> Vec<Event> {
        let header = RecordHeader { account: AccountId(account), ..self.header };
        self.run_as(header, command)
    }

    fn run_by_key(&mut self, key: u32, account: u32, command: impl Into<Command>) -> Vec<Event> {
        let account = AccountId(account);
        let header = RecordHeader { account, key: KeyIndex(key), ..self.header };
        self.run_as(header, command)
    }

    fn run_once(&mut self, id: u128, account: u32, command: impl Into<Command>) -> Vec<Event> {
        let (account, request_id) = (AccountId(account), RequestId(id));
        self.run_as(RecordHeader { account, request_id, ..self.header }, command)
    }

    fn run_as(&mut self, header: RecordHeader, command: impl Into<Command>) -> Vec<Event> {
        self.header.seq = Seq(self.header.seq.0 + 1);
        let mut events = Vec::new();
        let header = RecordHeader { seq: self.header.seq, ..header };
        self.engine.apply(&header, &command.into(), &mut events);
        assert_eq!(self.engine.check_invariants(), Ok(()));
        events
    }

    fn buy(&mut self, account: u32, lots: i64, ticks: i64) -> Vec<Event> {
        self.run(account, limit(Side::Buy, lots, ticks))
    }

    fn sell(&mut self, account: u32, lots: i64, ticks: i64) -> Vec<Event> {
        self.run(account, limit(Side::Sell, lots, ticks))
    }

    fn mark(&mut self, ticks: i64) -> Vec<Event> {
        self.run(0, MarkSet { instrument: BTC_USD, price: Price::from_ticks(ticks) })
    }

    /// A tick, so many ns after the last command.
    fn tick(&mut self, later_ns: i64) -> Vec<Event> {
        self.header.time_ns += later_ns;
        self.run(0, Tick {})
    }

    /// Available and held, in minor units.
    fn has(&self, account: u32, asset: AssetId) -> (i128, i128) {
        let balance = self.engine.balance(AccountId(account), asset).expect("known");
        (balance.available.minor(), balance.held.minor())
    }

    /// The ids of orders that rest on a side, first to be filled first.
    fn queue(&self, side: Side) -> Vec<u64> {
        let listing = self.engine.instruments.at(BTC_USD);
        listing.book.side_orders(side).map(|order| order.order_id.0 & 0xFFFF).collect()
    }
}

fn an_instrument() -> InstrumentCreate {
    InstrumentCreate {
        symbol: text("BTC-USD"),
        base: BTC,
        quote: USD,
        tick_minor: 1,
        lot_minor: 1,
        min_qty: Qty::from_lots(1),
        max_qty: Qty::from_lots(100_000),
        min_notional: Amount::ZERO,
        maker_fee: FeeRate::from_ppm(1_000),
        taker_fee: FeeRate::from_ppm(3_000),
    }
}

fn limit(side: Side, lots: i64, ticks: i64) -> OrderPlace {
    OrderPlace {
        instrument: BTC_USD,
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        qty: Qty::from_lots(lots),
        price: Price::from_ticks(ticks),
        notional: Amount::ZERO,
        client_order_id: ClientOrderId::default(),
    }
}

fn market(side: Side, lots: i64, time_in_force: TimeInForce) -> OrderPlace {
    OrderPlace { order_type: OrderType::Market, time_in_force, ..limit(side, lots, 0) }
}

fn spend(side: Side, minor: i128) -> OrderPlace {
    OrderPlace { notional: Amount::from_minor(minor), ..market(side, 0, TimeInForce::Ioc) }
}

/// The same order, if it may only reduce.
fn reducing(order: OrderPlace) -> OrderPlaceTerms {
    OrderPlaceTerms { reduce_only: true, ..order.with_terms() }
}

/// What is said of an order by a kind of event, told as text of its kind and number.
fn told(events: &[Event]) -> Vec<alloc::string::String> {
    let tell = |kind: &str, id: OrderId, number: i64| {
        Some(alloc::format!("{kind} {} {number}", id.0 & 0xFFFF))
    };
    let said = |event: &Event| match event {
        Event::OrderFilled(fill) => tell("filled", fill.order_id, fill.qty.lots()),
        Event::OrderRested(rested) => tell("rested", rested.order_id, rested.price.ticks()),
        Event::OrderClosed(closed) => {
            tell(closed.reason.name(), closed.order_id, closed.remaining.lots())
        }
        Event::OrderTriggered(hit) => tell("triggered", hit.order_id, hit.price.ticks()),
        Event::OrderRefreshed(shown) => tell("shows", shown.order_id, shown.displayed.lots()),
        Event::OrderRepriced(moved) => tell("moved", moved.order_id, moved.price.ticks()),
        Event::OrderDecremented(less) => tell("lost", less.order_id, less.by.lots()),
        Event::OrderAmended(amended) => tell("amended", amended.order_id, amended.qty.lots()),
        _ => None,
    };
    events.iter().filter_map(said).collect()
}

/// The qty of each level that was said, by price.
fn levels(events: &[Event]) -> Vec<(i64, i64)> {
    let level = |event: &Event| match event {
        Event::LevelChanged(level) => Some((level.price.ticks(), level.qty.lots())),
        _ => None,
    };
    events.iter().filter_map(level).collect()
}

fn named(id: &str, order: OrderPlace) -> OrderPlace {
    OrderPlace { client_order_id: text(id), ..order }
}

fn order_id(counter: u64) -> OrderId {
    OrderId(1 << 44 | counter)
}

fn cancel(counter: u64) -> OrderCancel {
    OrderCancel { order_id: order_id(counter), client_order_id: ClientOrderId::default() }
}

fn cancel_named(id: &str) -> OrderCancel {
    OrderCancel { order_id: OrderId(0), client_order_id: text(id) }
}

fn amend(counter: u64, lots: i64, ticks: i64) -> OrderAmend {
    OrderAmend {
        order_id: order_id(counter),
        client_order_id: ClientOrderId::default(),
        qty: Qty::from_lots(lots),
        price: Price::from_ticks(ticks),
    }
}

/// The one refusal.
fn refusal(events: &[Event]) -> Rejected {
    match events {
        [Event::Rejected(rejected)] => *rejected,
        other => panic!("not one refusal: {other:?}"),
    }
}

fn code(events: &[Event]) -> RejectCode {
    refusal(events).code
}

/// Price, qty and fee of each fill, maker's and taker's.
fn fills(events: &[Event]) -> Vec<OrderFilled> {
    let fill = |event: &Event| match event {
        Event::OrderFilled(fill) => Some(*fill),
        _ => None,
    };
    events.iter().filter_map(fill).collect()
}

/// The last order that closed.
fn closed(events: &[Event]) -> OrderClosed {
    let close = |event: &Event| match event {
        Event::OrderClosed(closed) => Some(*closed),
        _ => None,
    };
    events.iter().rev().find_map(close).expect("an order closed")
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(|event| event.kind().name()).collect()
}
