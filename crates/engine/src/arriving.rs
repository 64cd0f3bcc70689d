//! Orders with terms on their way to the book: section 10 of the rules from step 4.9 on, and what
//! terms add to a fill: icebergs and lists.
//!
//! Unlike a plain order, one with terms is among the live ones before it is matched: what its fills
//! set off finds it there.

use crate::closing::NOWHERE;
use crate::conditional::Aim;
use crate::engine::Engine;
use crate::matching::{Taker, push_level};
use crate::orders::Order;
use crate::paged::NONE;
use crate::pegs::NO_ROOM;
use crate::terms::{OrderTerms, Terms, Wait, expiry_ns};
use alloc::vec::Vec;
use coulisse_book::{Level, MakerFill};
use coulisse_types::event::{OrderRefreshed, OrderRested, OrderState};
use coulisse_types::{Event, Price};

impl Engine {
    /// Makes an accepted order with terms one of the live ones; its place.
    pub(crate) fn insert_with_terms(
        &mut self,
        order: &mut Order,
        asked: &OrderTerms,
        aim: &Aim,
    ) -> u32 {
        let expire_ns = expiry_ns(order.time_in_force, asked, self.time_ns);
        order.terms = self.orders.add_terms(Terms {
            asked: *asked,
            trigger_ticks: aim.trigger_ticks,
            best_ticks: aim.best_ticks,
            is_due: false,
            wait: Wait::No,
            holds: true,
            expire_ns,
            list: NONE,
            leg: 0,
        });
        let place = self.orders.insert(order);
        if expire_ns != 0 {
            self.set_expiry(expire_ns, order.id, place);
        }
        place
    }

    /// What an accepted order with terms does first.
    #[inline(never)]
    pub(crate) fn execute_with_terms(
        &mut self,
        mut taker: Taker,
        asked: &OrderTerms,
        aim: &Aim,
        events: &mut Vec<Event>,
    ) {
        let place = self.insert_with_terms(&mut taker.order, asked, aim);
        if asked.is_conditional() {
            self.hold(&taker);
            self.enlist(place);
        } else if asked.is_pegged() {
            self.hold(&taker);
            self.add_peg(place);
            self.settle_peg(place, events);
        } else {
            self.arrive(place, taker, false, events);
        }
    }

    /// A live order that stands nowhere comes to the book as one that was just placed. `is_held`
    /// says whether it holds already what it needs.
    pub(crate) fn arrive(
        &mut self,
        place: u32,
        mut taker: Taker,
        is_held: bool,
        events: &mut Vec<Event>,
    ) {
        if let Some(reason) = self.why_not_enough(&taker) {
            if is_held {
                self.release(&taker, 0);
            }
            return self.end_arrived(place, &taker.order, (OrderState::Expired, reason), events);
        }
        if !is_held {
            self.hold(&taker);
        }
        let stop = self.match_taker(&mut taker, events);
        self.conclude(&taker, stop, Some(place), events);
    }

    /// What a fill sets off where one of its orders has terms. The level as it is left then.
    #[cold]
    #[inline(never)]
    pub(crate) fn after_trade(
        &mut self,
        taker: &Order,
        gone: &MakerFill,
        events: &mut Vec<Event>,
    ) -> Level {
        let mut level = Level { price: gone.price, qty: gone.level_left, count: gone.level_count };
        let maker = *self.orders.at(gone.owner);
        if maker.terms != NONE {
            if maker.remaining().is_zero() {
                let terms = self.detach(gone.owner);
                self.leg_gone(&terms, OrderState::Filled, events);
            } else {
                if gone.maker_left.is_zero() {
                    level = self.refresh(gone.owner, level, events);
                }
                self.leg_filled(&maker, events);
            }
        }
        if taker.terms != NONE {
            self.leg_filled(taker, events);
        }
        level
    }

    /// An iceberg whose shown part is gone shows its next, behind all orders of its level.
    pub(crate) fn refresh(&mut self, place: u32, without: Level, events: &mut Vec<Event>) -> Level {
        self.orders.at_mut(place).handle = NOWHERE;
        let Ok(level) = self.put_on_book(place, without.price) else {
            self.close_live(place, NO_ROOM, events);
            return without;
        };
        let order = self.orders.at(place);
        events.push(Event::OrderRefreshed(OrderRefreshed {
            order_id: order.id,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            price: without.price,
            displayed: self.shown(order),
            remaining: order.remaining(),
        }));
        level
    }

    /// Says that an order rests, and what its level is now.
    #[inline]
    pub(crate) fn push_rested(events: &mut Vec<Event>, order: &Order, price: Price, level: Level) {
        events.push(Event::OrderRested(OrderRested {
            order_id: order.id,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            price,
            remaining: order.remaining(),
        }));
        push_level(events, order.instrument, order.side, price, Some(level));
    }
}
