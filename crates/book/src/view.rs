//! What the book shows and what it refuses.

use coulisse_types::{OrderId, Price, Qty, Side};

/// Names one resting order, from when it is inserted until it is filled or removed.
///
/// Handles are dense from 0 and the last one freed is the next one given, so that a caller's
/// parallel array stays as small as the book was at its fullest. A handle freed by a fill or a
/// removal is given again by the next insertion at the earliest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub(crate) u32);

impl Handle {
    /// The handle's place in a parallel array.
    pub const fn index(self) -> u32 {
        self.0
    }

    /// The handle at `index`. That an order rests there is the caller's promise.
    pub const fn from_index(index: u32) -> Self {
        Self(index)
    }
}

/// A resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderView {
    /// Its handle. After a removal the order is gone and the handle free.
    pub handle: Handle,
    /// The id it was inserted with.
    pub order_id: OrderId,
    /// The caller's tag, as it was inserted.
    pub owner: u32,
    /// The side it rests on.
    pub side: Side,
    /// Its price in ticks.
    pub price: Price,
    /// What is left of it, in lots; above zero.
    pub qty: Qty,
}

/// All resting quantity at one price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// The price in ticks.
    pub price: Price,
    /// The sum over its orders, in lots. Zero only where an operation has just emptied the level.
    pub qty: Qty,
    /// How many orders it has.
    pub count: u32,
}

/// The order that the next taker meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Top {
    /// Its handle.
    pub handle: Handle,
    /// The best price of the side, in ticks.
    pub price: Price,
    /// What is left of the order, in lots.
    pub qty: Qty,
}

/// One match, as the maker sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MakerFill {
    /// The maker. Freed if `maker_left` is zero; not given again before the next insertion.
    pub handle: Handle,
    /// The maker's id.
    pub order_id: OrderId,
    /// The maker's tag.
    pub owner: u32,
    /// The maker's price, which is the price of the trade, in ticks.
    pub price: Price,
    /// What was filled, in lots; above zero.
    pub qty: Qty,
    /// What is left of the maker, in lots.
    pub maker_left: Qty,
    /// What is left of the level, in lots.
    pub level_left: Qty,
    /// How many orders are left in the level.
    pub level_count: u32,
}

/// Why a match ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The taker is filled.
    Filled,
    /// No maker is left within the taker's limit.
    NoMaker,
    /// The bound on fills was reached.
    FillsMax,
    /// The caller broke off.
    Broken,
}

/// What a match did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Matched {
    /// What is left of the taker, in lots.
    pub left: Qty,
    /// How many fills there were.
    pub fills: u32,
    /// Why it ended.
    pub stop: Stop,
}

/// Why an insertion was refused. The book is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BookError {
    /// The book holds as many orders as it may.
    Full {
        /// The limit given at construction.
        orders_max: u32,
    },
    /// The quantity is zero or negative.
    QtyNotPositive {
        /// What was offered.
        qty: Qty,
    },
    /// The level's sum would pass the range of an `i64`.
    LevelQtyOverflow {
        /// The level as it stands.
        level: Level,
    },
}
