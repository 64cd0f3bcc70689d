//! One command of the mix, small: what it is about, from which the command itself is made when it is
//! due, as a node makes it from a request.

use coulisse_types::command::{
    CancelAfter, MarkSet, OrderAmend, OrderCancel, OrderListPlace, OrderPlace, OrderPlaceTerms,
    OrderReplace, Tick,
};
use coulisse_types::{
    Amount, ClientOrderId, Command, InstrumentId, ListKind, OrderId, OrderType, Peg, Price, Qty,
    SelfTrade, Side, TimeInForce, Trigger, TriggerOn,
};

/// What a row asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A limit order that rests, or takes and then rests.
    Limit,
    /// One for the day.
    Day,
    /// One until `extra`, in ns since the epoch.
    Gtd,
    /// One that must not take.
    PostOnly,
    /// One that shows `extra` lots at a time.
    Iceberg,
    /// One that must not meet its own; `extra` is the number of its mode.
    SelfTrade,
    /// One whose price follows the best of its side.
    Pegged,
    /// A limit order for now.
    Ioc,
    /// One for now of which half must be filled.
    MinQty,
    /// A limit order for all or nothing.
    Fok,
    /// A market order.
    Market,
    /// A market order from the price `extra` on.
    Stop,
    /// The same, from the mark `extra` on.
    StopOnMark,
    /// A limit order from the price `extra` on.
    StopLimit,
    /// A market order from the better price `extra` on.
    TakeProfit,
    /// A market order that follows the price by `extra` ticks.
    TrailingStop,
    /// A limit order, and a stop at `extra`, of which one cancels the other.
    Oco,
    /// The cancel of `target`, or of the order with the client's id.
    Cancel,
    /// A new qty or price for `target`.
    Amend,
    /// The cancel of `target`, and a limit order.
    Replace,
    /// A dead man's switch in `extra` ns.
    CancelAfter,
    /// The mark.
    Mark,
    /// What is due.
    Tick,
}

/// A row.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// What it asks for.
    pub what: What,
    /// Whose side.
    pub side: Side,
    /// For whom; 0 is the node itself.
    pub account: u32,
    /// In which instrument.
    pub instrument: InstrumentId,
    /// How much.
    pub qty: Qty,
    /// The limit.
    pub price: Price,
    /// The order it is about.
    pub target: OrderId,
    /// As `what` says.
    pub extra: i64,
    /// The client's id of the new order, or of the one to cancel.
    pub name: ClientOrderId,
}

impl Row {
    /// The command.
    #[inline]
    pub fn command(&self) -> Command {
        let Self { instrument, qty, price, target, extra, name, .. } = *self;
        match self.what {
            What::Limit => Command::OrderPlace(self.plain(OrderType::Limit, TimeInForce::Gtc)),
            What::Day => Command::OrderPlace(self.plain(OrderType::Limit, TimeInForce::Day)),
            What::PostOnly => {
                let place = self.plain(OrderType::Limit, TimeInForce::Gtc);
                Command::OrderPlace(OrderPlace { post_only: true, ..place })
            }
            What::Ioc => Command::OrderPlace(self.plain(OrderType::Limit, TimeInForce::Ioc)),
            What::Fok => Command::OrderPlace(self.plain(OrderType::Limit, TimeInForce::Fok)),
            What::Market => Command::OrderPlace(self.plain(OrderType::Market, TimeInForce::Ioc)),
            What::Cancel => {
                Command::OrderCancel(OrderCancel { order_id: target, client_order_id: name })
            }
            What::Amend => Command::OrderAmend(OrderAmend {
                order_id: target,
                client_order_id: ClientOrderId::default(),
                qty,
                price,
            }),
            What::Replace => Command::OrderReplace(self.replace()),
            What::Oco => Command::OrderListPlace(self.oco()),
            What::CancelAfter => Command::CancelAfter(CancelAfter { timeout_ns: extra }),
            What::Mark => Command::MarkSet(MarkSet { instrument, price }),
            What::Tick => Command::Tick(Tick {}),
            _ => Command::OrderPlaceTerms(self.with_terms()),
        }
    }

    /// The placement of a row that is an order without terms.
    pub fn plain(&self, order_type: OrderType, time_in_force: TimeInForce) -> OrderPlace {
        OrderPlace {
            instrument: self.instrument,
            side: self.side,
            order_type,
            time_in_force,
            post_only: false,
            qty: self.qty,
            price: self.price,
            notional: Amount::ZERO,
            client_order_id: self.name,
        }
    }

    fn with_terms(&self) -> OrderPlaceTerms {
        let limit = self.terms(OrderType::Limit, TimeInForce::Gtc);
        let market = self.terms(OrderType::Market, TimeInForce::Ioc);
        let at = Price::from_ticks(self.extra);
        match self.what {
            What::Gtd => {
                OrderPlaceTerms { time_in_force: TimeInForce::Gtd, expire_ns: self.extra, ..limit }
            }
            What::Iceberg => OrderPlaceTerms { display_qty: Qty::from_lots(self.extra), ..limit },
            What::SelfTrade => {
                let mode = u8::try_from(self.extra).ok().and_then(SelfTrade::from_number);
                OrderPlaceTerms { self_trade: mode.unwrap_or(SelfTrade::ExpireTaker), ..limit }
            }
            What::Pegged => {
                let peg = if self.side == Side::Buy { Peg::Bid } else { Peg::Ask };
                OrderPlaceTerms { peg, ..limit }
            }
            What::MinQty => OrderPlaceTerms {
                time_in_force: TimeInForce::Ioc,
                min_qty: Qty::from_lots(self.qty.lots() / 2 + 1),
                ..limit
            },
            What::StopLimit => {
                OrderPlaceTerms { trigger: Trigger::Stop, trigger_price: at, ..limit }
            }
            What::TakeProfit => {
                OrderPlaceTerms { trigger: Trigger::TakeProfit, trigger_price: at, ..market }
            }
            What::TrailingStop => {
                OrderPlaceTerms { trigger: Trigger::TrailTicks, trail: self.extra, ..market }
            }
            What::StopOnMark => OrderPlaceTerms {
                trigger: Trigger::Stop,
                trigger_on: TriggerOn::Mark,
                trigger_price: at,
                ..market
            },
            _ => OrderPlaceTerms { trigger: Trigger::Stop, trigger_price: at, ..market },
        }
    }

    /// An order with every term at its default.
    fn terms(&self, order_type: OrderType, time_in_force: TimeInForce) -> OrderPlaceTerms {
        let price = if order_type == OrderType::Limit { self.price } else { Price::from_ticks(0) };
        OrderPlaceTerms { price, ..self.plain(order_type, time_in_force).with_terms() }
    }

    fn replace(&self) -> OrderReplace {
        let place = self.terms(OrderType::Limit, TimeInForce::Gtc);
        place.replacing(self.target, ClientOrderId::default(), false)
    }

    fn oco(&self) -> OrderListPlace {
        let zero = Price::from_ticks(0);
        OrderListPlace {
            kind: ListKind::Oco,
            instrument: self.instrument,
            client_order_id: self.name,
            side_0: self.side,
            order_type_0: OrderType::Limit,
            time_in_force_0: TimeInForce::Gtc,
            qty_0: self.qty,
            price_0: self.price,
            trigger_0: Trigger::None,
            trigger_on_0: TriggerOn::Last,
            trigger_price_0: zero,
            side_1: self.side,
            order_type_1: OrderType::Market,
            time_in_force_1: TimeInForce::Ioc,
            qty_1: self.qty,
            price_1: zero,
            trigger_1: Trigger::Stop,
            trigger_on_1: TriggerOn::Last,
            trigger_price_1: Price::from_ticks(self.extra),
            side_2: Side::Buy,
            order_type_2: OrderType::Limit,
            time_in_force_2: TimeInForce::Gtc,
            qty_2: Qty::ZERO,
            price_2: zero,
            trigger_2: Trigger::None,
            trigger_on_2: TriggerOn::Last,
            trigger_price_2: zero,
        }
    }
}
