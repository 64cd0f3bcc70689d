//! Live orders and what they ask for, kept in step: whoever puts an order among the live ones, takes
//! it out or changes what remains of it, does it here.
//!
//! Invariant: the open lots of every row, and the sums over them, follow the table of live orders.

use crate::engine::Engine;
use crate::orders::Order;
use coulisse_types::{AccountId, InstrumentId};

impl Engine {
    /// Puts an order among the live ones; its place.
    #[inline]
    pub(crate) fn come_to_live(&mut self, order: &Order) -> u32 {
        self.risk.add_open(order.row, order.side, order.remaining().lots());
        self.risk.count_in(order.row);
        self.risk.touch(order.row);
        if order.reduce_only {
            self.risk.reducers = self.risk.reducers.saturating_add(1);
        }
        self.orders.insert(order)
    }

    /// Takes an order out of the live ones. It may be read until the next one comes.
    #[inline]
    pub(crate) fn leave_live(&mut self, place: u32) {
        let Self { orders, risk, .. } = self;
        let order = orders.at(place);
        if order.reduce_only {
            risk.reducers = risk.reducers.saturating_sub(1);
        }
        risk.touch(order.row);
        if risk.dead > 0 && risk.is_dead(order) {
            risk.dead = risk.dead.saturating_sub(1);
        } else {
            let lots = order.remaining().lots();
            risk.add_open(order.row, order.side, lots.checked_neg().unwrap_or(0));
            risk.count_out(order.row);
        }
        self.orders.remove(place);
    }

    /// Changes a live order that is not dead: qty, price, what is filled.
    #[inline]
    pub(crate) fn relist(&mut self, place: u32, order: &Order) {
        let old = self.orders.at(place);
        let (now, before) = (order.remaining().lots(), old.remaining().lots());
        self.risk.add_open(order.row, order.side, now.checked_sub(before).unwrap_or(0));
        self.risk.touch(order.row);
        *self.orders.at_mut(place) = *order;
    }

    /// The place of the row of an account in an instrument, made if there is none.
    #[inline]
    pub(crate) fn row_of(&mut self, account: AccountId, instrument: InstrumentId) -> u32 {
        let quote = self.instruments.at(instrument).rules.quote;
        self.risk.row_of(account.0, instrument.0, quote.0)
    }
}
