//! Releasing the pending legs of a list whose leg 0 is filled: section 15 of the rules.

use crate::conditional::Done;
use crate::engine::Engine;
use crate::lists::{self, List, Phase};
use crate::matching::Taker;
use crate::terms::Wait;
use alloc::vec::Vec;
use coulisse_types::event::{CloseReason, OrderState};
use coulisse_types::limits::TRIGGERS_PER_COMMAND_MAX;
use coulisse_types::{Event, InstrumentId, ListKind, OrderType};

/// How legs end that the account cannot hold for.
const NO_FUNDS: (OrderState, CloseReason) = (OrderState::Expired, CloseReason::InsufficientBalance);

#[expect(clippy::arithmetic_side_effects, reason = "needs of one account, a bounded count")]
impl Engine {
    /// Releases the oldest list of an instrument that is due; whether there was one.
    pub(crate) fn release_next_list(
        &mut self,
        instrument: InstrumentId,
        done: &mut Done,
        events: &mut Vec<Event>,
    ) -> bool {
        let watch = &self.instruments.at(instrument).watch;
        let Some((_, at)) = self.forest.first(watch.due_lists) else {
            return false;
        };
        if done.released == TRIGGERS_PER_COMMAND_MAX {
            self.end_followers(at, lists::ENDED, events);
            return true;
        }
        done.released += 1;
        let followers = self.lists.at(at).followers().next();
        if followers.is_some_and(|leg| self.is_dead(self.orders.at(leg.place))) {
            self.end_followers(at, (OrderState::Cancelled, CloseReason::KillSwitch), events);
            return true;
        }
        if self.lists.at(at).kind == ListKind::Otoco {
            self.release_pair(at, events);
        } else {
            self.release_one(at, events);
        }
        self.call_auction(events);
        true
    }

    fn end_followers(
        &mut self,
        at: u32,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) {
        for leg in self.remove_list(at).followers() {
            self.close_live(leg.place, ended, events);
        }
    }

    fn release_one(&mut self, at: u32, events: &mut Vec<Event>) {
        let Some(leg) = self.lists.at(at).followers().next() else { return };
        let order = *self.orders.at(leg.place);
        let listing = self.instruments.at(order.instrument);
        let is_conditional = self.orders.terms(&order).asked.is_conditional();
        let Ok(held_minor) = self.check_funds(&order, listing, is_conditional) else {
            return self.end_followers(at, NO_FUNDS, events);
        };
        let is_priced = order.order_type == OrderType::Limit;
        let bound_ticks = if is_priced { 0 } else { listing.slippage_bound(order.side) };
        self.remove_list(at);
        let terms = self.orders.terms_mut(&order);
        (terms.wait, terms.holds) = (Wait::No, true);
        let taker = Taker { order, held_minor, to_spend_minor: None, bound_ticks };
        if is_conditional {
            self.hold(&taker);
            self.watch_released(leg.place);
        } else {
            self.arrive(leg.place, taker, false, events);
        }
    }

    fn release_pair(&mut self, at: u32, events: &mut Vec<Event>) {
        let list = *self.lists.at(at);
        let [_, Some(one), Some(two)] = list.legs else { return };
        let [order, other] = [one, two].map(|leg| *self.orders.at(leg.place));
        let rules = &self.instruments.at(order.instrument).rules;
        let [need_minor, other_minor] = [order, other].map(|order| order.need(rules));
        let held_minor = need_minor.max(other_minor);
        if self.check_available(&order, rules, held_minor).is_err() {
            return self.end_followers(at, NO_FUNDS, events);
        }
        let extra_minor = held_minor - need_minor;
        self.remove_list(at);
        let pair =
            List { legs: [None, Some(one), Some(two)], phase: Phase::Pair, extra_minor, ..list };
        self.add_list(pair);
        let terms = self.orders.terms_mut(&order);
        (terms.wait, terms.holds) = (Wait::No, true);
        self.adjust_hold(&order, extra_minor);
        self.watch_released(two.place);
        let held_minor = Some(need_minor);
        let taker = Taker { order, held_minor, to_spend_minor: None, bound_ticks: 0 };
        self.arrive(one.place, taker, false, events);
    }

    /// A released conditional order waits; the price as it is now counts as touched, so that one
    /// whose trigger price is passed already acts.
    fn watch_released(&mut self, place: u32) {
        self.enlist(place);
        let on = self.orders.terms_at(place).map(|terms| terms.asked.trigger_on);
        let instrument = self.orders.at(place).instrument;
        let Self { instruments, attention, .. } = self;
        let listing = instruments.at_mut(instrument);
        if let Some((on, ticks)) = on.map(|on| (on, listing.price_on(on)))
            && ticks != 0
        {
            listing.touch(on, ticks, attention);
        }
    }
}
