//! A book written down: what stands where, in the order that makes the same book again.
//!
//! Invariant: inserting what [`Book::resting`] shows of both sides, in its order, into an empty book
//! makes a book that answers and matches as this one does. Only slots and handles may differ.
//!
//! Whoever adds a field to a book, a level or a node meets it here: nothing is left out with `..`.

use crate::book::{Book, LevelNode, Node};
use coulisse_types::{OrderId, Price, Qty, Side};

/// A resting order, as it has to be inserted again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// The id it was inserted with.
    pub order_id: OrderId,
    /// The caller's tag.
    pub owner: u32,
    /// Its price in ticks.
    pub price: Price,
    /// What is left of it, in lots.
    pub qty: Qty,
}

impl Book {
    /// All there is to a side: best price first, then first come.
    ///
    /// Cost: one step per order and level.
    pub fn resting(&self, side: Side) -> impl Iterator<Item = Resting> + '_ {
        // The levels and ladders hold sums and orders of what the walk below shows.
        let Self { orders, levels: _, ladders: _ } = self;
        self.level_nodes(side).flat_map(move |level| {
            let LevelNode { price_ticks, qty_lots: _, count: _, head, tail: _, side: _ } = *level;
            let after = move |node: &&Node| orders.get(node.next);
            core::iter::successors(orders.get(head), after).map(move |node| {
                let Node { order_id, qty_lots, next: _, prev: _, level: _, owner } = *node;
                Resting {
                    order_id: OrderId(order_id),
                    owner,
                    price: Price::from_ticks(price_ticks),
                    qty: Qty::from_lots(qty_lots),
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    #[test]
    fn what_a_book_shows_of_itself_makes_the_same_book_again() {
        let mut book = Book::new(100);
        for (number, side) in (0_u32..).zip([Side::Buy, Side::Sell].repeat(20)) {
            let price = Price::from_ticks(i64::from(number % 5) + 10 * i64::from(side.number()));
            let qty = Qty::from_lots(i64::from(number) + 1);
            book.insert(side, price, qty, OrderId(u64::from(number)), number).expect("room");
        }
        let gone = book.front(Side::Sell).expect("an order");
        book.remove(gone);
        let mut again = Book::new(100);
        for side in [Side::Buy, Side::Sell] {
            for one in book.resting(side) {
                again.insert(side, one.price, one.qty, one.order_id, one.owner).expect("room");
            }
        }
        again.check().expect("whole");
        for side in [Side::Buy, Side::Sell] {
            assert!(book.resting(side).eq(again.resting(side)));
            assert!(book.levels(side).eq(again.levels(side)));
            let ids = |book: &Book| book.side_orders(side).map(|o| o.order_id).collect::<Vec<_>>();
            assert_eq!(ids(&book), ids(&again));
        }
    }
}
