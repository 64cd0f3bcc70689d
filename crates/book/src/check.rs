//! The invariants of a book, verified by walking all of it.

use crate::arena::NONE;
use crate::book::Book;
use crate::view::Handle;
use coulisse_types::{Price, Side};

/// Which invariant does not hold, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// The best bid is not below the best ask.
    Crossed {
        /// The best bid in ticks.
        bid: Price,
        /// The best ask in ticks.
        ask: Price,
    },
    /// The cached best of a side is not its best level.
    StaleBest {
        /// The side.
        side: Side,
    },
    /// Levels are not in order of price, or one is found under another price than its own.
    Disordered {
        /// The level's price in ticks.
        price: Price,
    },
    /// A level's sums are not those of its orders, or it has none.
    WrongSum {
        /// The level's price in ticks.
        price: Price,
    },
    /// An order's links do not agree with its neighbours or its level.
    WrongLink {
        /// The order.
        handle: Handle,
    },
    /// An order without quantity rests.
    NoQty {
        /// The order.
        handle: Handle,
    },
    /// Orders or levels are in use that no side shows.
    Lost,
    /// A resting order is not found by its id.
    NotIndexed {
        /// The order.
        handle: Handle,
    },
    /// The table holds ids of orders that do not rest.
    StaleId,
}

impl Book {
    /// Verifies every invariant of a book in which orders are matched as they come.
    ///
    /// Cost: one step per order and level.
    ///
    /// # Errors
    /// [`Broken`], the first that does not hold.
    pub fn check(&self) -> Result<(), Broken> {
        if let (Some(bid), Some(ask)) = (self.best(Side::Buy), self.best(Side::Sell))
            && bid >= ask
        {
            return Err(Broken::Crossed { bid, ask });
        }
        self.check_structure()
    }

    /// Verifies every invariant of a book in which orders are collected: it may be crossed.
    ///
    /// Cost: one step per order and level.
    ///
    /// # Errors
    /// [`Broken`], the first that does not hold.
    pub fn check_structure(&self) -> Result<(), Broken> {
        let (mut orders, mut levels) = (0_u32, 0_u32);
        for side in [Side::Buy, Side::Sell] {
            if self.ladder(side).first().unwrap_or(NONE) != self.ladder(side).best() {
                return Err(Broken::StaleBest { side });
            }
            let mut last_rank = None;
            for level in self.level_nodes(side) {
                let price = Price::from_ticks(level.price_ticks);
                let found = self.ladder(side).level(level.rank());
                let is_own = found.is_some_and(|slot| core::ptr::eq(self.levels.at(slot), level));
                if level.side != side || last_rank >= Some(level.rank()) || !is_own {
                    return Err(Broken::Disordered { price });
                }
                last_rank = Some(level.rank());
                let count = self.check_level(side, price)?;
                orders = orders.checked_add(count).ok_or(Broken::Lost)?;
                levels = levels.checked_add(1).ok_or(Broken::Lost)?;
            }
        }
        if orders != self.len() || levels != self.level_count() {
            return Err(Broken::Lost);
        }
        Ok(())
    }

    /// Walks one level; how many orders it has.
    fn check_level(&self, side: Side, price: Price) -> Result<u32, Broken> {
        let slot = self.ladder(side).level(crate::ladder::rank(side, price));
        let slot = slot.ok_or(Broken::Disordered { price })?;
        let level = self.levels.at(slot);
        let (mut count, mut sum_lots, mut prev, mut at) = (0_u32, 0_i64, NONE, level.head);
        while at != NONE {
            let (handle, node) = (Handle(at), self.orders.at(at));
            if node.prev != prev || node.level != slot || count == level.count {
                return Err(Broken::WrongLink { handle });
            }
            if node.qty_lots <= 0 {
                return Err(Broken::NoQty { handle });
            }
            count = count.checked_add(1).ok_or(Broken::Lost)?;
            sum_lots = sum_lots.checked_add(node.qty_lots).ok_or(Broken::WrongSum { price })?;
            (prev, at) = (at, node.next);
        }
        if level.tail != prev {
            return Err(Broken::WrongLink { handle: Handle(level.tail) });
        }
        if count == 0 || count != level.count || sum_lots != level.qty_lots {
            return Err(Broken::WrongSum { price });
        }
        Ok(count)
    }
}
