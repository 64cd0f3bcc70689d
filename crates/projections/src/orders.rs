//! Orders: how each stands, and what happened to it.

use crate::changes::{Changes, Fixed, Value};
use crate::fold::At;
use crate::rows::{Cell, Rows};
use crate::tables::TableId;
use coulisse_types::event::{
    OrderAccepted, OrderAmended, OrderClosed, OrderDecremented, OrderFilled, OrderListPlaced,
    OrderRefreshed, OrderRepriced, OrderRested, OrderState, OrderTermsSet, OrderTriggered,
};
use coulisse_types::{AccountId, InstrumentId, ListKind, OrderId, Price, Qty, Trigger};

/// Where the columns that change stand among themselves.
const QTY: usize = 0;
const PRICE: usize = 1;
const STATE: usize = 2;
const REASON: usize = 3;
const FILLED: usize = 4;
const REMAINING: usize = 5;
const CLOSED_SEQ: usize = 6;
const CLOSED_NS: usize = 7;
const SEQ: usize = 8;
const TIME_NS: usize = 9;
const CHANGING: usize = 10;

/// An order as it was accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    event: OrderAccepted,
    seq: i64,
    time_ns: i64,
}

impl Fixed for Accepted {
    fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        let event = &self.event;
        out.extend([
            Cell::Int(id(event.order_id)),
            Cell::Int(event.account.0.into()),
            Cell::Int(event.instrument.0.into()),
            Cell::Text(event.side.name()),
            Cell::Text(event.order_type.name()),
            Cell::Text(event.time_in_force.name()),
            Cell::Flag(event.post_only),
            Cell::Minor(event.notional.minor()),
            Cell::Text(event.client_order_id.as_str()),
            Cell::Int(self.seq),
            Cell::Int(self.time_ns),
        ]);
    }
}

/// An order's id as a column has it: it is below 2^53.
pub(crate) fn id(order_id: OrderId) -> i64 {
    i64::try_from(order_id.0).expect("an order id is below 2^53")
}

/// One row of an order's history.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    kind: &'static str,
    qty: Qty,
    price: Price,
    filled: Qty,
    remaining: Qty,
    detail: &'static str,
}

/// The orders of a batch.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    changes: Changes<Accepted, CHANGING>,
}

impl Default for Orders {
    fn default() -> Self {
        Self { changes: Changes::new(TableId::Orders) }
    }
}

impl Orders {
    pub(crate) fn write(&mut self, out: &mut Rows) {
        self.changes.write(out);
    }

    /// The order's columns, with where and when it is changed.
    fn touch(&mut self, at: At, order_id: OrderId) -> &mut [Value; CHANGING] {
        let values = self.changes.of(id(order_id));
        values[SEQ] = Value::Int(at.seq);
        values[TIME_NS] = Value::Int(at.time_ns);
        values
    }

    pub(crate) fn accepted(&mut self, at: At, event: &OrderAccepted, out: &mut Rows) {
        let accepted = Accepted { event: *event, seq: at.seq, time_ns: at.time_ns };
        let mut values: [Value; CHANGING] = std::array::from_fn(|_| Value::Int(0));
        values[QTY] = Value::Int(event.qty.lots());
        values[PRICE] = Value::Int(event.price.ticks());
        values[STATE] = Value::Name(OrderState::Open.name());
        values[REASON] = Value::Name("");
        values[REMAINING] = Value::Int(event.qty.lots());
        values[SEQ] = Value::Int(at.seq);
        values[TIME_NS] = Value::Int(at.time_ns);
        self.changes.born(id(event.order_id), accepted, values);
        let step = Step {
            kind: "accepted",
            qty: event.qty,
            price: event.price,
            remaining: event.qty,
            ..Step::default()
        };
        history(at, (event.order_id, event.account, event.instrument), step, out);
    }

    pub(crate) fn terms_set(&mut self, at: At, event: &OrderTermsSet, out: &mut Rows) {
        if event.trigger != Trigger::None {
            self.touch(at, event.order_id)[STATE] = Value::Name(OrderState::Waiting.name());
        }
        out.add(
            TableId::Terms,
            &[
                Cell::Int(id(event.order_id)),
                Cell::Int(at.seq),
                Cell::Text(event.self_trade.name()),
                Cell::Text(event.trigger.name()),
                Cell::Text(event.trigger_on.name()),
                Cell::Int(event.trigger_price.ticks()),
                Cell::Int(event.trail),
                Cell::Int(event.display_qty.lots()),
                Cell::Int(event.min_qty.lots()),
                Cell::Text(event.peg.name()),
                Cell::Int(event.peg_offset),
                Cell::Flag(event.reduce_only),
                Cell::Int(event.expire_ns),
            ],
        );
    }

    pub(crate) fn list_placed(&mut self, at: At, event: &OrderListPlaced, out: &mut Rows) {
        // Legs that wait for leg 0 have no event of their own that says so.
        let waiting = match event.kind {
            ListKind::Oco => [OrderId(0); 2],
            ListKind::Oto | ListKind::Otoco => [event.leg_1, event.leg_2],
        };
        for leg in waiting.into_iter().filter(|leg| leg.0 != 0) {
            self.touch(at, leg)[STATE] = Value::Name(OrderState::Waiting.name());
        }
        out.add(
            TableId::Lists,
            &[
                Cell::Int(id(event.list_id)),
                Cell::Int(at.seq),
                Cell::Int(event.account.0.into()),
                Cell::Int(event.instrument.0.into()),
                Cell::Text(event.kind.name()),
                Cell::Int(id(event.leg_1)),
                Cell::Int(id(event.leg_2)),
            ],
        );
    }

    pub(crate) fn filled(&mut self, at: At, event: &OrderFilled) {
        let values = self.touch(at, event.order_id);
        values[STATE] = Value::Name(OrderState::Open.name());
        values[FILLED] = Value::Int(event.filled.lots());
        values[REMAINING] = Value::Int(event.remaining.lots());
    }

    pub(crate) fn rested(&mut self, at: At, event: &OrderRested, out: &mut Rows) {
        let values = self.touch(at, event.order_id);
        values[STATE] = Value::Name(OrderState::Open.name());
        values[REMAINING] = Value::Int(event.remaining.lots());
        let step = Step {
            kind: "rested",
            price: event.price,
            remaining: event.remaining,
            ..Step::default()
        };
        history(at, (event.order_id, event.account, event.instrument), step, out);
    }

    pub(crate) fn amended(&mut self, at: At, event: &OrderAmended, out: &mut Rows) {
        let values = self.touch(at, event.order_id);
        values[QTY] = Value::Int(event.qty.lots());
        values[PRICE] = Value::Int(event.price.ticks());
        values[REMAINING] = Value::Int(event.remaining.lots());
        let step = Step {
            kind: "amended",
            qty: event.qty,
            price: event.price,
            remaining: event.remaining,
            detail: if event.kept_priority { "kept_priority" } else { "lost_priority" },
            ..Step::default()
        };
        history(at, (event.order_id, event.account, event.instrument), step, out);
    }

    pub(crate) fn triggered(&mut self, at: At, event: &OrderTriggered, out: &mut Rows) {
        let values = self.touch(at, event.order_id);
        values[STATE] = Value::Name(OrderState::Open.name());
        values[PRICE] = Value::Int(event.price.ticks());
        let step = Step {
            kind: "triggered",
            price: event.trigger_price,
            detail: event.trigger_on.name(),
            ..Step::default()
        };
        history(at, (event.order_id, event.account, event.instrument), step, out);
    }

    pub(crate) fn refreshed(&mut self, at: At, event: &OrderRefreshed, out: &mut Rows) {
        self.touch(at, event.order_id)[REMAINING] = Value::Int(event.remaining.lots());
        let step = Step {
            kind: "refreshed",
            price: event.price,
            remaining: event.remaining,
            ..Step::default()
        };
        history(at, (event.order_id, event.account, event.instrument), step, out);
    }

    pub(crate) fn repriced(&mut self, at: At, event: &OrderRepriced, out: &mut Rows) {
        let is_on_book = event.price.ticks() != 0;
        let state = if is_on_book { OrderState::Open } else { OrderState::Waiting };
        let values = self.touch(at, event.order_id);
        values[STATE] = Value::Name(state.name());
        values[REMAINING] = Value::Int(event.remaining.lots());
        let step = Step {
            kind: "repriced",
            price: event.price,
            remaining: event.remaining,
            ..Step::default()
        };
        history(at, (event.order_id, event.account, event.instrument), step, out);
    }

    pub(crate) fn decremented(&mut self, at: At, event: &OrderDecremented, out: &mut Rows) {
        let values = self.touch(at, event.order_id);
        values[QTY] = Value::Int(event.qty.lots());
        values[REMAINING] = Value::Int(event.remaining.lots());
        let step = Step {
            kind: "decremented",
            qty: event.qty,
            remaining: event.remaining,
            ..Step::default()
        };
        history(at, (event.order_id, event.account, event.instrument), step, out);
    }

    pub(crate) fn closed(&mut self, at: At, event: &OrderClosed, out: &mut Rows) {
        let values = self.touch(at, event.order_id);
        values[STATE] = Value::Name(event.state.name());
        values[REASON] = Value::Name(event.reason.name());
        values[FILLED] = Value::Int(event.filled.lots());
        values[REMAINING] = Value::Int(event.remaining.lots());
        values[CLOSED_SEQ] = Value::Int(at.seq);
        values[CLOSED_NS] = Value::Int(at.time_ns);
        let step = Step {
            kind: "closed",
            filled: event.filled,
            remaining: event.remaining,
            detail: event.reason.name(),
            ..Step::default()
        };
        history(at, (event.order_id, event.account, event.instrument), step, out);
    }
}

fn history(at: At, whose: (OrderId, AccountId, InstrumentId), step: Step, out: &mut Rows) {
    let (order_id, account, instrument) = whose;
    out.add(
        TableId::OrderEvents,
        &[
            Cell::Int(at.seq),
            Cell::Int(at.item),
            Cell::Int(at.time_ns),
            Cell::Int(id(order_id)),
            Cell::Int(account.0.into()),
            Cell::Int(instrument.0.into()),
            Cell::Text(step.kind),
            Cell::Int(step.qty.lots()),
            Cell::Int(step.price.ticks()),
            Cell::Int(step.filled.lots()),
            Cell::Int(step.remaining.lots()),
            Cell::Text(step.detail),
        ],
    );
}
