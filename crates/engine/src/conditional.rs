//! Conditional orders: stops, take-profits, trailing stops. Sections 10 and 12 of the rules.
//!
//! Invariants
//! - A waiting order lives and holds its need, but stands on no book; it stands in one tree of its
//!   instrument, or among its trailing orders, until it acts or closes.
//! - What is due acts one after the other, each on the prices that those before it made.
//!
//! Cost: a look at four roots and at each trailing order of the instrument, for each that acts.

use crate::engine::Engine;
use crate::instruments::Listing;
use crate::matching::Taker;
use crate::paged::NONE;
use crate::place::check_price;
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use crate::terms::{Ask, OrderTerms, Wait};
use crate::watch::{Post, Range, Way};
use alloc::vec::Vec;
use coulisse_types::event::OrderTriggered;
use coulisse_types::limits::{COLLAR_PPM, PRICE_TICKS_MAX, TRIGGERS_PER_COMMAND_MAX};
use coulisse_types::{
    Event, Field, InstrumentId, OrderType, Price, RejectCode, Side, StateReason, TradingState,
    Trigger, TriggerOn, Unit,
};

/// Where an order will act, and at what price.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aim {
    /// Its limit, or the collar price of a conditional market order; 0 for another market order.
    pub(crate) price: Price,
    /// 0 for none.
    pub(crate) trigger_ticks: i64,
    /// Where a trailing order's price begins; 0 for others.
    pub(crate) best_ticks: i64,
}

impl Aim {
    /// Of an order that acts at once.
    #[inline]
    pub(crate) const fn at(price: Price) -> Self {
        Self { price, trigger_ticks: 0, best_ticks: 0 }
    }
}

/// What has been done at the end of this command so far, over all instruments.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Done {
    pub(crate) triggered: u32,
    pub(crate) released: u32,
}

/// Where a trailing order acts when the best price is `best_ticks`; anything where that is none.
#[expect(clippy::arithmetic_side_effects, reason = "prices and distances up to 2^53")]
fn trail_ticks(terms: &OrderTerms, side: Side, best_ticks: i64) -> i128 {
    let best = i128::from(best_ticks);
    let distance = match terms.trigger {
        Trigger::TrailBp => (best * i128::from(terms.trail)).div_euclid(10_000),
        _ => i128::from(terms.trail),
    };
    match side {
        Side::Sell => best - distance,
        Side::Buy => best + distance,
    }
}

/// How far a conditional market order may go.
#[expect(clippy::arithmetic_side_effects, reason = "prices up to 2^53 and rates up to 10^6")]
pub(crate) fn collar_price(listing: &Listing, side: Side, trigger_ticks: i64) -> Price {
    let ppm = match listing.config.slippage_ppm {
        0 => COLLAR_PPM,
        ppm => ppm,
    };
    let slip = (i128::from(trigger_ticks) * i128::from(ppm)).div_euclid(1_000_000);
    let slip_ticks = i64::try_from(slip).unwrap_or(PRICE_TICKS_MAX);
    Price::from_ticks(match side {
        Side::Buy => (trigger_ticks + slip_ticks).min(PRICE_TICKS_MAX),
        Side::Sell => (trigger_ticks - slip_ticks).max(1),
    })
}

fn in_range(ticks: i128) -> Option<i64> {
    let ticks = i64::try_from(ticks).ok()?;
    (1..=PRICE_TICKS_MAX).contains(&ticks).then_some(ticks)
}

impl Listing {
    /// A price that triggers look at, in ticks; 0 for none yet.
    pub(crate) const fn price_on(&self, on: TriggerOn) -> i64 {
        match on {
            TriggerOn::Last => self.last_price_ticks,
            TriggerOn::Mark => self.mark_ticks,
        }
    }

    /// What section 10 asks of a conditional order after step 4.5, and where it will act. Whether a
    /// pending leg of a list would act at once is looked at when it is released.
    pub(crate) fn aim(
        &self,
        ask: &Ask<'_>,
        terms: &OrderTerms,
        is_pending: bool,
    ) -> Result<Aim, Reject> {
        let (side, trigger) = (ask.place.side, terms.trigger);
        if trigger == Trigger::None {
            return Ok(Aim::at(ask.place.price));
        }
        let now_ticks = self.price_on(terms.trigger_on);
        let (trigger_ticks, best_ticks) = if terms.is_trailing() {
            ensure(now_ticks != 0, || {
                Reject::new(RejectCode::NoReference, Field::Trigger).number(trigger.number())
            })?;
            let ticks = trail_ticks(terms, side, now_ticks);
            let out_of_range = Reject::new(RejectCode::PriceOutOfRange, Field::Trail)
                .value(Unit::Ticks, ticks)
                .limit(PRICE_TICKS_MAX);
            (in_range(ticks).ok_or(out_of_range)?, now_ticks)
        } else {
            let ticks = terms.trigger_price.ticks();
            let is_past = Way::of(trigger, side).is_past(now_ticks, ticks);
            ensure(is_pending || now_ticks == 0 || !is_past, || {
                Reject::new(RejectCode::TriggerWouldFire, Field::TriggerPrice)
                    .value(Unit::Ticks, ticks)
                    .limit(now_ticks)
            })?;
            (ticks, 0)
        };
        if ask.place.order_type == OrderType::Limit {
            return Ok(Aim { price: ask.place.price, trigger_ticks, best_ticks });
        }
        let price = collar_price(self, side, trigger_ticks);
        check_price(&self.rules, price, ask.place.qty)?;
        Ok(Aim { price, trigger_ticks, best_ticks })
    }
}

impl Engine {
    /// Where a conditional order stands while it waits.
    fn post(&self, place: u32) -> Post {
        let order = self.orders.at(place);
        let terms = self.orders.terms(order);
        Post {
            id: order.id,
            place,
            on: terms.asked.trigger_on,
            way: Way::of(terms.asked.trigger, order.side),
            trigger_ticks: terms.trigger_ticks,
            trails: terms.asked.is_trailing(),
        }
    }

    /// A conditional order begins to wait for its trigger.
    pub(crate) fn enlist(&mut self, place: u32) {
        self.post_up(place);
        self.risk.count_waiting(self.orders.at(place).account.0, 1);
    }

    /// The same, where the gate counts it already.
    pub(crate) fn post_up(&mut self, place: u32) {
        let post = self.post(place);
        let Self { orders, instruments, forest, .. } = self;
        let order = *orders.at(place);
        orders.terms_mut(&order).wait = Wait::Trigger;
        instruments.at_mut(order.instrument).watch.enlist(forest, &post);
    }

    /// A conditional order waits for its trigger no more.
    pub(crate) fn discharge(&mut self, place: u32) {
        let post = self.post(place);
        let Self { orders, instruments, forest, .. } = self;
        let order = *orders.at(place);
        orders.terms_mut(&order).wait = Wait::No;
        instruments.at_mut(order.instrument).watch.discharge(forest, &post);
        if !self.is_dead(&order) {
            self.risk.count_waiting(order.account.0, -1);
        }
    }

    /// Lets orders act that are due, and lists go on, until nothing is due or trading stops.
    pub(crate) fn run_triggers(
        &mut self,
        instrument: InstrumentId,
        done: &mut Done,
        events: &mut Vec<Event>,
    ) {
        // Where nothing is unsettled no price was touched and no list is due.
        let is_due =
            |listing: &Listing| listing.state == TradingState::Open && listing.watch.unsettled;
        while is_due(self.instruments.at(instrument)) {
            if self.release_next_list(instrument, done, events) {
                continue;
            }
            self.look_at_trailing(instrument);
            let Some(place) = self.next_due(instrument) else {
                self.settle_watch(instrument);
                break;
            };
            if done.triggered == TRIGGERS_PER_COMMAND_MAX {
                self.interrupt(instrument, StateReason::Stops, events);
                break;
            }
            #[expect(clippy::arithmetic_side_effects, reason = "below the bound just looked at")]
            {
                done.triggered += 1;
            }
            let touched = self.instruments.at(instrument).watch.last.touched;
            self.trigger(place, events);
            if self.planted.is(Fault::CascadeOnce) {
                self.instruments.at_mut(instrument).watch.last.touched = touched;
            }
        }
    }

    /// Trailing orders follow what the prices were since they were last looked at.
    fn look_at_trailing(&mut self, instrument: InstrumentId) {
        let Self { instruments, orders, planted, .. } = self;
        let listing = instruments.at_mut(instrument);
        if listing.watch.last.trailed.is_empty() && listing.watch.mark.trailed.is_empty() {
            return;
        }
        for place in listing.watch.trailing.places() {
            let order = *orders.at(place);
            let terms = orders.terms_mut(&order);
            let on = terms.asked.trigger_on;
            let range = listing.watch.of(on).trailed;
            let way = Way::of(terms.asked.trigger, order.side);
            if terms.is_due || range.is_empty() {
                continue;
            }
            if way.is_touched(range, terms.trigger_ticks) {
                terms.is_due = true;
                continue;
            }
            if planted.is(Fault::TrailStays) {
                continue;
            }
            terms.best_ticks = match order.side {
                Side::Sell => terms.best_ticks.max(range.high_ticks),
                Side::Buy => terms.best_ticks.min(range.low_ticks),
            };
            let ticks = trail_ticks(&terms.asked, order.side, terms.best_ticks);
            terms.trigger_ticks = in_range(ticks).unwrap_or(terms.trigger_ticks);
            terms.is_due = way.is_past(listing.price_on(on), terms.trigger_ticks);
        }
        listing.watch.last.trailed = Range::EMPTY;
        listing.watch.mark.trailed = Range::EMPTY;
    }

    /// The place of the order that acts next, if one is due.
    fn next_due(&self, instrument: InstrumentId) -> Option<u32> {
        let watch = &self.instruments.at(instrument).watch;
        let is_alive = |place: &u32| !self.is_dead(self.orders.at(*place));
        let is_due = |place: &u32| {
            self.orders.terms_at(*place).is_some_and(|terms| terms.is_due) && is_alive(place)
        };
        watch
            .due_stop(&self.forest, TriggerOn::Last, is_alive)
            .or_else(|| watch.due_stop(&self.forest, TriggerOn::Mark, is_alive))
            .or_else(|| watch.trailing.places().find(is_due))
    }

    /// A conditional order acts: from now on it is a limit order that has just arrived.
    fn trigger(&mut self, place: u32, events: &mut Vec<Event>) {
        self.discharge(place);
        let order = self.orders.at_mut(place);
        order.order_type = OrderType::Limit;
        let order = *order;
        let terms = *self.orders.terms(&order);
        events.push(Event::OrderTriggered(OrderTriggered {
            order_id: order.id,
            account: order.account,
            instrument: order.instrument,
            trigger_on: terms.asked.trigger_on,
            trigger_price: Price::from_ticks(terms.trigger_ticks),
            price: Price::from_ticks(order.price_ticks),
            client_order_id: order.client_order_id,
        }));
        if terms.list != NONE {
            self.pair_triggered(place, terms.list, events);
        }
        let held_minor = Some(order.need(&self.instruments.at(order.instrument).rules));
        let taker = Taker { order, held_minor, to_spend_minor: None, bound_ticks: 0 };
        self.arrive(place, taker, true, events);
        self.call_auction(events);
    }
}
