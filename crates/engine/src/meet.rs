//! What comes of meeting a maker, before the two trade: who may only reduce, and who is dead.
//!
//! Cost: a plain taker on books without dead orders and without any that may only reduce asks one
//! question per fill.

use crate::conditional::Aim;
use crate::engine::Engine;
use crate::gate::{Kind, Proposal, Stays};
use crate::matching::{Stop, Taker, Trade, push_level};
use crate::orders::Order;
use crate::paged::NONE;
use crate::planted::Fault;
use crate::positions::Filled;
use crate::reject::{Reject, ensure};
use crate::risk::Risk;
use crate::terms::{Ask, OrderTerms, Wait};
use alloc::vec::Vec;
use coulisse_book::{Level, Top};
use coulisse_types::event::{CloseReason, OrderState};
use coulisse_types::limits::{POSITION_LOTS_MAX, POSITION_MINOR_MAX};
use coulisse_types::{AccountId, Event, Field, OrderType, Price, Qty, RejectCode, Unit};

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// They may trade at most this many lots.
    Trades(i64),
    /// They did not trade, and that took one of the command's fills.
    Passed,
    /// The taker goes no further.
    Over(Stop),
}

impl Proposal {
    /// What a placement comes to the gate as.
    #[inline]
    pub(crate) fn of_ask(account: AccountId, ask: &Ask<'_>, aim: &Aim) -> Self {
        let body = ask.place;
        let is_conditional = ask.terms.is_some_and(OrderTerms::is_conditional);
        Self {
            account,
            instrument: body.instrument,
            side: body.side,
            kind: Kind::Placed,
            price_ticks: aim.price.ticks(),
            lots: body.qty.lots(),
            notional_minor: body.notional.minor(),
            reduce_only: ask.terms.is_some_and(|terms| terms.reduce_only),
            is_priced: body.order_type == OrderType::Limit,
            stays: match (is_conditional, ask.may_rest()) {
                (true, _) => Stays::Conditional,
                (false, true) => Stays::Open,
                (false, false) => Stays::No,
            },
        }
    }

    /// What an amended order comes to the gate as.
    pub(crate) fn of_amend(
        order: &Order,
        price: Price,
        remaining: Qty,
        is_conditional: bool,
    ) -> Self {
        Self {
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            kind: Kind::Amended(order.remaining().lots()),
            price_ticks: price.ticks(),
            lots: remaining.lots(),
            notional_minor: 0,
            reduce_only: order.reduce_only,
            is_priced: order.order_type == OrderType::Limit,
            stays: if is_conditional { Stays::Conditional } else { Stays::Open },
        }
    }
}

impl Engine {
    /// Whether a live order waits for its trigger.
    #[inline]
    pub(crate) fn is_conditional(&self, order: &Order) -> bool {
        order.terms != NONE && self.orders.terms(order).wait == Wait::Trigger
    }

    /// Whether nothing but a trade can come of meeting a maker.
    #[inline]
    pub(crate) fn meets_plainly(&self, taker: &Taker) -> bool {
        self.risk.dead == 0 && self.risk.reducers == 0 && !taker.order.reduce_only
    }

    /// Looks at a maker that the taker is about to trade with. `level` is the one traded on and not
    /// yet said.
    #[inline(never)]
    pub(crate) fn meet(
        &mut self,
        taker: &mut Taker,
        top: &Top,
        level: &mut Option<Level>,
        events: &mut Vec<Event>,
    ) -> Meeting {
        let order = &taker.order;
        let mut lots = i64::MAX;
        if order.reduce_only {
            lots = self.capacity_lots(order);
            if lots == 0 {
                return Meeting::Over(Stop::ReduceOnly);
            }
        }
        let place = self.instruments.at(order.instrument).book.order(top.handle).owner;
        let maker = *self.orders.at(place);
        let ended = if self.is_dead(&maker) && !self.planted.is(Fault::DeadTrade) {
            (OrderState::Cancelled, CloseReason::KillSwitch)
        } else if let Some(meeting) = self.meet_own(taker, (place, &maker), top, level, events) {
            return meeting;
        } else if maker.reduce_only {
            match self.capacity_lots(&maker) {
                0 => (OrderState::Expired, CloseReason::ReduceOnly),
                capacity => return Meeting::Trades(lots.min(capacity)),
            }
        } else {
            return Meeting::Trades(lots);
        };
        if let Some(left) = level.filter(|left| left.price != top.price) {
            push_level(events, maker.instrument, maker.side, left.price, Some(left));
        }
        *level = Some(self.end_maker(place, top.price, ended, events));
        Meeting::Passed
    }

    /// Lots that an order may still close of its account's position.
    pub(crate) fn capacity_lots(&self, order: &Order) -> i64 {
        let row = self.risk.find_row(order.account.0, order.instrument.0);
        let lots = row.map_or(0, |place| self.risk.rows.at(place).capacity_lots(order.side));
        if lots > 0 && self.planted.is(Fault::ReduceOnlyFlips) { i64::MAX } else { lots }
    }

    /// Refuses a reduce-only order of more than the position.
    pub(crate) fn check_reduce_only(&self, proposal: &Proposal) -> Result<(), Reject> {
        let row = self.risk.find_row(proposal.account.0, proposal.instrument.0);
        let capacity = row.map_or(0, |place| self.risk.rows.at(place).capacity_lots(proposal.side));
        ensure(proposal.lots <= capacity, || {
            Reject::new(RejectCode::ReduceOnlyWouldIncrease, Field::Qty)
                .value(Unit::Lots, proposal.lots)
                .limit(capacity)
        })
    }

    /// Whether both positions stay within their bounds with a fill. All that was ever traded is far
    /// below them, or each position is looked at.
    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "sums far below 2^127")]
    pub(crate) fn positions_can_take(
        &self,
        taker: &Taker,
        top: &Top,
        qty: Qty,
        notional_minor: i128,
    ) -> bool {
        // A position's cost, profit and fees together are at most four times what was traded.
        let risk = &self.risk;
        let is_far = risk.traded_lots + i128::from(qty.lots()) <= i128::from(POSITION_LOTS_MAX)
            && 4 * risk.traded_minor + notional_minor <= POSITION_MINOR_MAX;
        is_far || self.each_can_take(&taker.order, top, qty, notional_minor)
    }

    #[cold]
    #[inline(never)]
    fn each_can_take(&self, taker: &Order, top: &Top, qty: Qty, notional_minor: i128) -> bool {
        let owner = self.instruments.at(taker.instrument).book.order(top.handle).owner;
        [self.orders.at(owner), taker].iter().all(|order| {
            self.risk.rows.at(order.row).can_take(order.side, qty.lots(), notional_minor)
        })
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "sums of what was traded: far below 2^127")]
impl Risk {
    /// Takes in a trade: both positions, maker's first, and what the maker asks for no longer.
    #[inline]
    pub(crate) fn trade(
        &mut self,
        taker: &Order,
        maker: &Order,
        trade: &Trade,
        quote: u32,
        time_ns: i64,
    ) {
        let lots = trade.qty.lots();
        // Past the bounds they say no more: each position is looked at from there on.
        let (lots_max, minor_max) = (i128::from(POSITION_LOTS_MAX), POSITION_MINOR_MAX);
        self.traded_lots = (self.traded_lots + i128::from(lots)).min(lots_max);
        self.traded_minor = (self.traded_minor + trade.notional_minor).min(minor_max);
        self.note_moved(taker.instrument.0);
        self.add_open(maker.row, maker.side, -lots);
        for (order, fee_minor) in [(maker, trade.maker_fee_minor), (taker, trade.taker_fee_minor)] {
            let notional_minor = trade.notional_minor;
            let (side, planted) = (order.side, trade.planted);
            self.fill(order.row, &Filled { side, lots, notional_minor, fee_minor, planted });
            if order.row == taker.row || !planted.is(Fault::TakersOnlyTraded) {
                self.count_traded(order.row, quote, time_ns, notional_minor);
            }
        }
    }

    /// Counts out a maker that was filled.
    #[inline]
    pub(crate) fn leave(&mut self, maker: &Order) {
        self.count_out(maker.row);
        if maker.reduce_only {
            self.reducers -= 1;
        }
    }
}
