//! The state hash of orders with terms: items 13 to 16 of section 7 of the rules.

use crate::closing::NOWHERE;
use crate::engine::Engine;
use crate::state_hash::Hasher;
use crate::terms::{OrderTerms, expires};
use alloc::vec::Vec;
use coulisse_types::codec::Field;
use coulisse_types::{AccountId, InstrumentId, OrderId, Qty};

impl Engine {
    /// Items 13 to 16. Cost: two passes over all orders.
    pub(crate) fn hash_terms(&self, out: &mut Hasher) {
        let places = self.orders.by_id();
        let (mut off_book, mut with_terms, mut of_session) = (Vec::new(), Vec::new(), 0_usize);
        for place in &places {
            let order = self.orders.at(*place);
            if order.handle == NOWHERE {
                off_book.push(*place);
            }
            if self.is_hashed_with_terms(*place) {
                with_terms.push(*place);
            }
            of_session = of_session.saturating_add(usize::from(order.session != 0));
        }
        for listing in self.instruments.iter() {
            let watch = &listing.watch;
            let ranges =
                [watch.last.touched, watch.mark.touched, watch.last.trailed, watch.mark.trailed];
            for range in ranges {
                out.put(&range.low_ticks);
                out.put(&range.high_ticks);
            }
            self.hash_off_book(out, listing.rules.id, &off_book);
        }
        out.count(with_terms.len());
        for place in with_terms {
            self.hash_terms_of(out, place);
        }
        self.hash_switches(out);
        self.hash_lists(out);
        out.count(of_session);
        let orders = places.iter().map(|place| self.orders.at(*place));
        for order in orders.filter(|order| order.session != 0) {
            out.row(|out| {
                order.id.put(out);
                order.session.put(out);
                order.node.put(out);
            });
        }
    }

    /// The live orders of an instrument that are not on its book, of all that are on none.
    fn hash_off_book(&self, out: &mut Hasher, instrument: InstrumentId, places: &[u32]) {
        let off_book = || {
            let orders = places.iter().map(|place| self.orders.at(*place));
            orders.filter(|order| order.instrument == instrument)
        };
        out.count(off_book().count());
        for order in off_book() {
            out.put(&order.side);
            Self::hash_order(out, order);
        }
    }

    /// Whether an order was placed with terms, or expires by time: being in a list is no term.
    fn is_hashed_with_terms(&self, place: u32) -> bool {
        let asked = self.orders.terms_at(place).map(|terms| terms.asked);
        let by_time = expires(self.orders.at(place).time_in_force);
        asked.is_some_and(|asked| asked != OrderTerms::DEFAULT || by_time)
    }

    fn hash_terms_of(&self, out: &mut Hasher, place: u32) {
        let order = self.orders.at(place);
        let terms = self.orders.terms(order);
        let (shown, price_ticks) = if order.handle == NOWHERE {
            (Qty::ZERO, 0)
        } else {
            let resting = self.instruments.at(order.instrument).book.order(order.handle);
            (resting.qty, resting.price.ticks())
        };
        out.put(&order.id);
        out.put(&order.order_type);
        out.put(&order.time_in_force);
        out.put(&terms.asked.self_trade);
        out.put(&terms.asked.trigger);
        out.put(&terms.asked.trigger_on);
        out.put(&terms.trigger_ticks);
        out.put(&terms.asked.trail);
        out.put(&terms.best_ticks);
        out.put(&terms.is_due);
        out.put(&terms.asked.display_qty);
        out.put(&shown);
        out.put(&terms.asked.min_qty);
        out.put(&terms.asked.peg);
        out.put(&terms.asked.peg_offset);
        out.put(&price_ticks);
        out.put(&terms.asked.reduce_only);
        out.put(&terms.expire_ns);
        out.put(&terms.wait.number());
    }

    fn hash_switches(&self, out: &mut Hasher) {
        let switches = || {
            let ids = self.accounts.iter().map(|account| account.id);
            let deadlines = ids.map(|id: AccountId| (id, self.timers.deadline_ns(id)));
            deadlines.filter(|(_, deadline_ns)| *deadline_ns != 0)
        };
        out.count(switches().count());
        for (account, deadline_ns) in switches() {
            out.put(&account);
            out.put(&deadline_ns);
        }
    }

    fn hash_lists(&self, out: &mut Hasher) {
        let lists = self.lists.by_id(&self.orders);
        out.count(lists.len());
        for at in lists {
            let list = self.lists.at(at);
            out.put(&list.id);
            out.put(&list.kind);
            for leg in list.legs {
                out.put(&leg.map_or(OrderId(0), |leg| leg.id));
            }
            out.put(&list.phase.number());
        }
    }
}
