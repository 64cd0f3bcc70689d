//! Walks over the book: levels best first, orders first come first.

use crate::arena::NONE;
use crate::book::{Book, LevelNode};
use crate::ladder::{Ladder, rank};
use crate::view::{Handle, Level, OrderView};
use coulisse_types::{Price, Side};

/// The levels of a side, best first.
#[derive(Clone, Debug)]
pub struct Levels<'a> {
    nodes: LevelNodes<'a>,
}

impl Iterator for Levels<'_> {
    type Item = Level;

    fn next(&mut self) -> Option<Level> {
        self.nodes.next().map(LevelNode::view)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct LevelNodes<'a> {
    book: &'a Book,
    ladder: &'a Ladder,
    next: u32,
}

impl<'a> Iterator for LevelNodes<'a> {
    type Item = &'a LevelNode;

    fn next(&mut self) -> Option<&'a LevelNode> {
        let level = self.book.levels.get(self.next)?;
        self.next = self.ladder.after(level.rank()).unwrap_or(NONE);
        Some(level)
    }
}

/// The orders of a level, first come first.
#[derive(Clone, Debug)]
pub struct Orders<'a> {
    book: &'a Book,
    next: u32,
}

impl Iterator for Orders<'_> {
    type Item = OrderView;

    fn next(&mut self) -> Option<OrderView> {
        if self.next == NONE {
            return None;
        }
        let handle = Handle(self.next);
        self.next = self.book.orders.at(self.next).next;
        Some(self.book.order(handle))
    }
}

impl Book {
    /// The levels of a side, best first.
    pub fn levels(&self, side: Side) -> Levels<'_> {
        Levels { nodes: self.level_nodes(side) }
    }

    pub(crate) fn level_nodes(&self, side: Side) -> LevelNodes<'_> {
        let ladder = self.ladder(side);
        LevelNodes { book: self, ladder, next: ladder.best() }
    }

    /// The orders at a price, first come first; none where there is no level.
    pub fn orders(&self, side: Side, price: Price) -> Orders<'_> {
        let level = self.ladder(side).level(rank(side, price));
        self.orders_from(level.map_or(NONE, |level| self.levels.at(level).head))
    }

    /// All orders of a side, best price first, then first come.
    pub fn side_orders(&self, side: Side) -> impl Iterator<Item = OrderView> + '_ {
        self.level_nodes(side).flat_map(|level| self.orders_from(level.head))
    }

    pub(crate) fn orders_from(&self, head: u32) -> Orders<'_> {
        Orders { book: self, next: head }
    }

    /// Who comes after an order in its own level.
    #[inline]
    pub fn next_in_level(&self, handle: Handle) -> Option<Handle> {
        let next = self.orders.at(handle.0).next;
        (next != NONE).then_some(Handle(next))
    }

    /// Who comes after an order on its side: in its level, else the first of the next level.
    #[inline]
    pub fn next_in_side(&self, handle: Handle) -> Option<Handle> {
        self.next_in_level(handle).or_else(|| {
            let level = self.levels.at(self.orders.at(handle.0).level);
            let next = self.ladder(level.side).after(level.rank())?;
            Some(Handle(self.levels.at(next).head))
        })
    }
}
