//! A book that finds its orders by id: what stands alone, without an engine.
//!
//! Invariant: the table holds exactly the ids of the orders that rest.

use crate::arena::index;
use crate::book::Book;
use crate::check::Broken;
use crate::id_table::{IdTable, Vacancy};
use crate::view::{BookError, Handle, MakerFill, OrderView};
use core::hint::black_box;
use core::ops::ControlFlow;
use coulisse_types::{OrderId, Price, Qty, Side, TimeInForce};

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// What was filled at once, in lots.
    pub filled: Qty,
    /// What rests, in lots; zero if nothing does.
    pub rests: Qty,
    /// What was let go, in lots: the rest of an `ioc` or market order, all of a `fok` that could
    /// not be filled.
    pub expired: Qty,
    /// The handle, if something rests.
    pub handle: Option<Handle>,
}

/// Why an order was refused. The book is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// An order of this id rests.
    DuplicateId {
        /// The id.
        order_id: OrderId,
    },
    /// The book cannot take it.
    Book(BookError),
}

/// Most operations that [`IndexedBook::warm`] looks ahead for.
pub const WARM_MAX: usize = 32;
/// Orders from which on a book, at some 60 bytes each, is larger than the nearer caches.
const WARM_FROM: u32 = 32_768;

/// An operation that is to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ahead {
    /// The order that it places, cancels or reduces.
    pub order_id: OrderId,
    /// Where an order that is placed would rest.
    pub joins: Option<(Side, Price)>,
}

/// A [`Book`] with a table from order id to handle.
#[derive(Clone, Debug)]
pub struct IndexedBook {
    book: Book,
    table: IdTable,
}

impl IndexedBook {
    /// An empty book of at most `orders_max` orders.
    pub fn new(orders_max: u32) -> Self {
        Self { book: Book::new(orders_max), table: IdTable::new(orders_max) }
    }

    /// Makes room now, as [`Book::reserve`].
    pub fn reserve(&mut self, orders: u32, levels: u32) {
        self.book.reserve(orders, levels);
        self.table.reserve(orders);
    }

    /// The book, to read.
    pub const fn book(&self) -> &Book {
        &self.book
    }

    /// The order of this id, if it rests.
    #[inline]
    pub fn order(&self, order_id: OrderId) -> Option<OrderView> {
        self.find(order_id).map(|handle| self.book.order(handle))
    }

    /// Reads what the next operations will need, at most [`WARM_MAX`]: the order that each names,
    /// with its neighbours and its level, or the level that it will join.
    ///
    /// Each would wait for memory several times in a row; over a batch the waits overlap. Changes
    /// nothing, and does nothing while the book is small enough to be in the caches.
    pub fn warm(&self, ahead: impl Iterator<Item = Ahead>) {
        if self.book.len() < WARM_FROM {
            return;
        }
        let mut rows = [None; WARM_MAX];
        for (row, one) in rows.iter_mut().zip(ahead) {
            *row = Some(one);
        }
        let rows = || rows.iter().flatten();
        let read = rows().fold(0, |read, one| read ^ self.table.peek(one.order_id.0));
        black_box(read);
        let mut slots = [None; WARM_MAX];
        for (slot, one) in slots.iter_mut().zip(rows()) {
            *slot = match one.joins {
                Some((side, price)) => self.book.last_of(side, price),
                // The id itself is compared when its turn comes.
                None => self.table.get(one.order_id.0, |_| one.order_id.0),
            };
        }
        let nodes = || slots.iter().flatten().filter_map(|slot| self.book.orders.get(*slot));
        black_box(nodes().fold(0, |read, node| read ^ node.level));
        let beside = |slot: u32| self.book.orders.get(slot).map_or(0, |node| node.level);
        black_box(nodes().fold(0, |read, node| read ^ beside(node.prev) ^ beside(node.next)));
        let level = |slot: u32| self.book.levels.get(slot).map_or(0, |level| level.count);
        black_box(nodes().fold(0, |read, node| read ^ level(node.level)));
    }

    #[inline]
    fn find(&self, order_id: OrderId) -> Option<Handle> {
        let slot = self.table.get(order_id.0, |slot| self.book.orders.at(slot).order_id)?;
        Some(Handle::from_index(slot))
    }

    /// Matches an order and lets the rest of it rest, if it has a price and is `gtc`.
    ///
    /// Without a price it takes any, and never rests. `on_fill` sees each fill in order.
    ///
    /// # Errors
    /// [`AddError`]: an order of that id rests, or the book cannot take the order.
    #[inline]
    pub fn add(
        &mut self,
        order_id: OrderId,
        side: Side,
        price: Option<Price>,
        qty: Qty,
        time_in_force: TimeInForce,
        mut on_fill: impl FnMut(&MakerFill),
    ) -> Result<Added, AddError> {
        let orders = &self.book.orders;
        let vacancy = self.table.vacancy(order_id.0, |slot| orders.at(slot).order_id);
        let Ok(vacancy) = vacancy else {
            return Err(AddError::DuplicateId { order_id });
        };
        if let (Some(price), TimeInForce::Gtc) = (price, time_in_force) {
            if !self.book.crosses(side, price) {
                return self.rest(order_id, side, price, qty, vacancy);
            }
            self.book.check_insert(side, price, qty).map_err(AddError::Book)?;
        } else if qty.lots() <= 0 {
            return Err(AddError::Book(BookError::QtyNotPositive { qty }));
        }
        let nothing = Added { filled: Qty::ZERO, rests: Qty::ZERO, expired: qty, handle: None };
        if time_in_force == TimeInForce::Fok
            && self.book.fillable(side, price, qty, u32::MAX).lots() < qty.lots()
        {
            return Ok(nothing);
        }
        let Self { book, table } = self;
        let matched = book.match_taker(side, price, qty, u32::MAX, |fill| {
            if fill.maker_left.is_zero() {
                table.remove(fill.order_id.0, fill.handle.index());
            }
            on_fill(fill);
            ControlFlow::Continue(())
        });
        let filled = qty.checked_sub(matched.left).unwrap_or(qty);
        match price {
            Some(price) if time_in_force == TimeInForce::Gtc && !matched.left.is_zero() => {
                let orders = &self.book.orders;
                let vacancy = self.table.vacancy(order_id.0, |slot| orders.at(slot).order_id);
                let vacancy = vacancy.map_err(|_| AddError::DuplicateId { order_id })?;
                let rested = self.rest(order_id, side, price, matched.left, vacancy)?;
                Ok(Added { filled, ..rested })
            }
            _ => Ok(Added { filled, expired: matched.left, ..nothing }),
        }
    }

    #[inline]
    fn rest(
        &mut self,
        order_id: OrderId,
        side: Side,
        price: Price,
        qty: Qty,
        vacancy: Vacancy,
    ) -> Result<Added, AddError> {
        let handle = self.book.insert(side, price, qty, order_id, 0).map_err(AddError::Book)?;
        self.table.fill(vacancy, handle.index());
        Ok(Added { filled: Qty::ZERO, rests: qty, expired: Qty::ZERO, handle: Some(handle) })
    }

    /// Takes an order out; `None` if none of that id rests.
    #[inline]
    pub fn cancel(&mut self, order_id: OrderId) -> Option<OrderView> {
        let handle = self.find(order_id)?;
        self.table.remove(order_id.0, handle.index());
        Some(self.book.remove(handle))
    }

    /// Takes `by` lots off an order, which keeps its place; the order as it now stands.
    ///
    /// `None`, and nothing changes, if no such order rests or nothing would be left of it.
    pub fn reduce(&mut self, order_id: OrderId, by: Qty) -> Option<OrderView> {
        let handle = self.find(order_id)?;
        self.book.reduce(handle, by)?;
        Some(self.book.order(handle))
    }
    /// Verifies every invariant of the book and of the table.
    ///
    /// Cost: one step per order and level.
    ///
    /// # Errors
    /// [`Broken`], the first that does not hold.
    pub fn check(&self) -> Result<(), Broken> {
        self.book.check()?;
        for side in [Side::Buy, Side::Sell] {
            for order in self.book.side_orders(side) {
                if self.find(order.order_id) != Some(order.handle) {
                    return Err(Broken::NotIndexed { handle: order.handle });
                }
            }
        }
        if self.table.len() == index(self.book.len()) { Ok(()) } else { Err(Broken::StaleId) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_ahead_at_anything_changes_nothing() {
        let mut book = IndexedBook::new(WARM_FROM + 1);
        let price = |number: u64| Price::from_ticks(i64::try_from(number % 7).expect("small"));
        for number in 0..=u64::from(WARM_FROM) {
            let qty = Qty::from_lots(1);
            book.add(
                OrderId(number),
                Side::Buy,
                Some(price(number)),
                qty,
                TimeInForce::Gtc,
                |_| {},
            )
            .expect("room");
        }
        let cancels = (0..10).map(|number| Ahead { order_id: OrderId(number), joins: None });
        let unknown =
            (0..10).map(|number| Ahead { order_id: OrderId(1 << 40 | number), joins: None });
        let places = (0..20).map(|number| Ahead {
            order_id: OrderId(1 << 41 | number),
            joins: Some((if number < 10 { Side::Buy } else { Side::Sell }, price(number * 3))),
        });
        let before: (u32, Option<OrderView>) = (book.book().len(), book.order(OrderId(3)));
        book.warm(cancels.clone());
        book.warm(unknown.chain(places).chain(cancels));
        assert_eq!((book.book().len(), book.order(OrderId(3))), before);
        assert_eq!(book.check(), Ok(()));
    }
}
