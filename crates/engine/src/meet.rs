//! What comes of meeting a maker, before the two trade: who may only reduce, and who is dead.
//!
//! Cost: a plain taker on books without dead orders and without any that may only reduce asks one
//! question per fill.

use crate::engine::Engine;
use crate::gate::{Kind, Proposal, Stays};
use crate::matching::{Stop, Taker, Trade, push_level};
use crate::orders::Order;
use crate::positions::Filled;
use crate::reject::{Reject, ensure};
use crate::risk::Risk;
use alloc::vec::Vec;
use coulisse_book::{Level, Top};
use coulisse_types::command::OrderPlace;
use coulisse_types::event::{CloseReason, OrderState};
use coulisse_types::limits::{POSITION_LOTS_MAX, POSITION_MINOR_MAX};
use coulisse_types::{AccountId, Event, Field, OrderType, Price, Qty, RejectCode, Unit};

/// What came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meeting {
    /// They may trade at most this many lots.
    Trades(i64),
    /// The maker is gone; its level as it is left.
    Ended(Level),
    /// The taker goes no further.
    Stops(Stop),
}

impl Proposal {
    /// What a placement without trigger and peg comes to the gate as.
    #[inline]
    pub(crate) fn of_place(account: AccountId, body: &OrderPlace, reduce_only: bool) -> Self {
        let is_limit = body.order_type == OrderType::Limit;
        Self {
            account,
            instrument: body.instrument,
            side: body.side,
            kind: Kind::Placed,
            price_ticks: body.price.ticks(),
            lots: body.qty.lots(),
            notional_minor: body.notional.minor(),
            reduce_only,
            is_priced: is_limit,
            stays: if is_limit && body.time_in_force.may_rest() { Stays::Open } else { Stays::No },
        }
    }

    /// What an amended order comes to the gate as.
    pub(crate) fn of_amend(order: &Order, price: Price, remaining: Qty) -> Self {
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
            stays: Stays::Open,
        }
    }
}

impl Engine {
    /// Whether nothing but a trade can come of meeting a maker.
    #[inline]
    pub(crate) fn meets_plainly(&self, taker: &Taker) -> bool {
        self.risk.dead == 0 && self.risk.reducers == 0 && !taker.order.reduce_only
    }

    /// Looks at a maker that the taker is about to trade with.
    #[inline(never)]
    pub(crate) fn meet(
        &mut self,
        taker: &Taker,
        top: &Top,
        level: Option<Level>,
        events: &mut Vec<Event>,
    ) -> Meeting {
        let order = &taker.order;
        let mut lots = i64::MAX;
        if order.reduce_only {
            lots = self.capacity_lots(order);
            if lots == 0 {
                return Meeting::Stops(Stop::ReduceOnly);
            }
        }
        let place = self.instruments.at(order.instrument).book.order(top.handle).owner;
        let maker = self.orders.at(place);
        let ended = if self.is_dead(maker) {
            (OrderState::Cancelled, CloseReason::KillSwitch)
        } else if maker.reduce_only {
            match self.capacity_lots(maker) {
                0 => (OrderState::Expired, CloseReason::ReduceOnly),
                capacity => return Meeting::Trades(lots.min(capacity)),
            }
        } else {
            return Meeting::Trades(lots);
        };
        if let Some(left) = level.filter(|left| left.price != top.price) {
            push_level(events, order.instrument, order.side.opposite(), left.price, Some(left));
        }
        Meeting::Ended(self.end_maker(place, ended, events))
    }

    /// Closes a maker; its level as it is left, which is said when matching leaves it.
    fn end_maker(
        &mut self,
        place: u32,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) -> Level {
        let maker = *self.orders.at(place);
        self.delist(place);
        self.close(&maker, ended, events);
        let book = &mut self.instruments.at_mut(maker.instrument).book;
        let taken = book.remove(maker.handle);
        let left = book.level(taken.side, taken.price);
        self.let_go(&maker);
        left.unwrap_or(Level { price: taken.price, qty: Qty::ZERO, count: 0 })
    }

    /// Lots that an order may still close of its account's position.
    pub(crate) fn capacity_lots(&self, order: &Order) -> i64 {
        let row = self.risk.find_row(order.account.0, order.instrument.0);
        row.map_or(0, |place| self.risk.rows.at(place).capacity_lots(order.side))
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

    /// Whether a maker counts a step and no quantity in what could be filled.
    #[inline]
    pub(crate) fn counts_nothing(&self, place: u32) -> bool {
        let maker = self.orders.at(place);
        maker.reduce_only || self.is_dead(maker)
    }

    /// Whether an order could be filled in full within so many steps.
    pub(crate) fn can_fill(&self, order: &Order, limit: Option<Price>, steps_max: u32) -> bool {
        let book = &self.instruments.at(order.instrument).book;
        let mut wanted = order.remaining().lots();
        let mut steps = 0_u32;
        let mut next = book.front(order.side.opposite());
        while let Some(handle) = next.filter(|_| wanted > 0) {
            let maker = book.order(handle);
            let within = limit.is_none_or(|limit| match order.side {
                coulisse_types::Side::Buy => maker.price <= limit,
                coulisse_types::Side::Sell => maker.price >= limit,
            });
            if !within || steps == steps_max {
                return false;
            }
            steps = steps.saturating_add(1);
            if !self.counts_nothing(maker.owner) {
                wanted = wanted.saturating_sub(maker.qty.lots());
            }
            next = book.next_in_side(handle);
        }
        wanted <= 0
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
        self.add_open(maker.row, maker.side, -lots);
        for (order, fee_minor) in [(maker, trade.maker_fee_minor), (taker, trade.taker_fee_minor)] {
            let notional_minor = trade.notional_minor;
            self.fill(order.row, &Filled { side: order.side, lots, notional_minor, fee_minor });
            self.count_traded(order.row, quote, time_ns, notional_minor);
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
