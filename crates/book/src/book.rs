//! The book: orders in levels, first in first out; matching, cancelling, reducing.
//!
//! Invariants ([`Book::check`] verifies them)
//! - A level's `qty_lots` and `count` are the sums over its orders; a level without orders is gone.
//! - Every order has at least one lot.
//! - The book does not prevent a cross by itself: who inserts a marketable order without matching
//!   it first crosses the book.
//!
//! Cost: every operation is constant but for finding a level's page (see [`crate::pages`]). An
//! order takes 32 bytes, a level 32, a page of 64 ranks 280.

use crate::arena::{Arena, NONE, Slot};
use crate::ladder::{Ladder, rank};
use crate::view::{BookError, Handle, Level, MakerFill, Matched, OrderView, Stop, Top};
use core::ops::ControlFlow;
use coulisse_types::{OrderId, Price, Qty, Side};

/// Orders made at a time: chunks of 128 KB.
const ORDER_CHUNK: usize = 4_096;
/// Levels made at a time: chunks of 32 KB.
const LEVEL_CHUNK: usize = 1_024;

/// A resting order: half a cache line, so that none lies across two.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct Node {
    pub(crate) order_id: u64,
    pub(crate) qty_lots: i64,
    /// Who came later, in its level. In a free slot: the next free one.
    pub(crate) next: u32,
    /// Who came before.
    pub(crate) prev: u32,
    /// Its level; [`NONE`] in a free slot, so that a stale handle cannot be acted upon.
    pub(crate) level: u32,
    pub(crate) owner: u32,
}

impl Slot for Node {
    const VACANT: Self =
        Self { order_id: 0, qty_lots: 0, next: NONE, prev: NONE, level: NONE, owner: 0 };

    #[inline]
    fn retire(&mut self, next_free: u32) {
        self.level = NONE;
        self.next = next_free;
    }

    fn next_free(&self) -> u32 {
        self.next
    }
}

/// A level.
#[derive(Clone, Copy, Debug)]
#[repr(align(32))]
pub(crate) struct LevelNode {
    pub(crate) price_ticks: i64,
    pub(crate) qty_lots: i64,
    pub(crate) count: u32,
    /// The order that came first. In a free slot: the next free one.
    pub(crate) head: u32,
    /// The order that came last.
    pub(crate) tail: u32,
    pub(crate) side: Side,
}

impl Slot for LevelNode {
    const VACANT: Self =
        Self { price_ticks: 0, qty_lots: 0, count: 0, head: NONE, tail: NONE, side: Side::Buy };

    #[inline]
    fn retire(&mut self, next_free: u32) {
        self.head = next_free;
    }

    fn next_free(&self) -> u32 {
        self.head
    }
}

impl LevelNode {
    pub(crate) const fn view(&self) -> Level {
        Level {
            price: Price::from_ticks(self.price_ticks),
            qty: Qty::from_lots(self.qty_lots),
            count: self.count,
        }
    }

    #[inline]
    pub(crate) const fn rank(&self) -> u64 {
        rank(self.side, Price::from_ticks(self.price_ticks))
    }
}

/// One instrument's resting orders.
#[derive(Clone, Debug)]
pub struct Book {
    pub(crate) orders: Arena<Node, ORDER_CHUNK>,
    pub(crate) levels: Arena<LevelNode, LEVEL_CHUNK>,
    pub(crate) ladders: [Ladder; 2],
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "a level's sum was checked when its orders came, and only falls by what they have left"
)]
impl Book {
    /// An empty book of at most `orders_max` orders. Allocates nothing for them yet.
    pub fn new(orders_max: u32) -> Self {
        let levels_max = orders_max;
        Self {
            orders: Arena::new(orders_max),
            levels: Arena::new(levels_max),
            ladders: [Ladder::new(levels_max), Ladder::new(levels_max)],
        }
    }

    /// Makes room now for `orders` orders on `levels` levels a side that lie near each other, so
    /// that it is not made in service.
    pub fn reserve(&mut self, orders: u32, levels: u32) {
        self.orders.reserve(orders);
        self.levels.reserve(levels.checked_mul(2).unwrap_or(levels));
        for ladder in &mut self.ladders {
            ladder.reserve(levels);
        }
    }

    /// Orders that rest.
    pub const fn len(&self) -> u32 {
        self.orders.live()
    }

    /// Whether no order rests.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many orders may rest.
    pub const fn orders_max(&self) -> u32 {
        self.orders.limit()
    }

    /// Orders that can still be inserted.
    pub const fn spare(&self) -> u32 {
        self.orders.spare()
    }

    /// Levels of both sides.
    pub const fn level_count(&self) -> u32 {
        self.levels.live()
    }

    /// Pages of both sides' directories, 280 bytes each.
    pub fn page_count(&self) -> u32 {
        self.ladders.iter().map(Ladder::pages).sum()
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a side's number is 0 or 1")]
    pub(crate) fn ladder(&self, side: Side) -> &Ladder {
        &self.ladders[usize::from(side.number())]
    }

    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a side's number is 0 or 1")]
    fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        &mut self.ladders[usize::from(side.number())]
    }

    /// Whether [`Self::insert`] would take this order.
    ///
    /// Holds on through matching: fills only free orders, and never touch the taker's own side.
    ///
    /// # Errors
    /// As [`Self::insert`].
    #[inline]
    pub fn check_insert(&self, side: Side, price: Price, qty: Qty) -> Result<(), BookError> {
        if qty.lots() <= 0 {
            return Err(BookError::QtyNotPositive { qty });
        }
        if self.orders.spare() == 0 {
            return Err(BookError::Full { orders_max: self.orders_max() });
        }
        match self.level(side, price) {
            Some(level) if level.qty.checked_add(qty).is_none() => {
                Err(BookError::LevelQtyOverflow { level })
            }
            _ => Ok(()),
        }
    }

    /// Puts an order at the end of its level. Does not match.
    ///
    /// `owner` is the caller's tag: it comes back in fills and views.
    ///
    /// # Errors
    /// [`BookError`] if the book is full, `qty` is not positive, or the level's sum would overflow;
    /// the book is as it was.
    #[inline]
    pub fn insert(
        &mut self,
        side: Side,
        price: Price,
        qty: Qty,
        order_id: OrderId,
        owner: u32,
    ) -> Result<Handle, BookError> {
        let qty_lots = qty.lots();
        if qty_lots <= 0 {
            return Err(BookError::QtyNotPositive { qty });
        }
        let full = BookError::Full { orders_max: self.orders_max() };
        let rank = rank(side, price);
        let Some(level) = self.ladder_mut(side).level_to_fill(rank) else {
            return self.insert_level(
                side,
                price,
                Node { order_id: order_id.0, qty_lots, owner, ..Node::VACANT },
            );
        };
        let below = self.levels.at(level);
        let Some(sum_lots) = below.qty_lots.checked_add(qty_lots) else {
            return Err(BookError::LevelQtyOverflow { level: below.view() });
        };
        let prev = below.tail;
        let node = Node { order_id: order_id.0, qty_lots, next: NONE, prev, level, owner };
        let slot = self.orders.insert(node).ok_or(full)?;
        self.orders.at_mut(prev).next = slot;
        let below = self.levels.at_mut(level);
        below.qty_lots = sum_lots;
        below.count += 1;
        below.tail = slot;
        Ok(Handle(slot))
    }

    /// Puts the first order of a level, and the level.
    fn insert_level(&mut self, side: Side, price: Price, node: Node) -> Result<Handle, BookError> {
        let full = BookError::Full { orders_max: self.orders_max() };
        let slot = self.orders.insert(node).ok_or(full)?;
        let level = LevelNode {
            price_ticks: price.ticks(),
            qty_lots: node.qty_lots,
            count: 1,
            head: slot,
            tail: slot,
            side,
        };
        let Some(level) = self.levels.insert(level) else {
            self.orders.free(slot);
            return Err(full);
        };
        self.orders.at_mut(slot).level = level;
        self.ladder_mut(side).insert(rank(side, price), level);
        Ok(Handle(slot))
    }

    /// Takes an order out, wherever it stands in its level.
    #[inline]
    pub fn remove(&mut self, handle: Handle) -> OrderView {
        let node = *self.orders.at(handle.0);
        let level = self.levels.at_mut(node.level);
        level.qty_lots -= node.qty_lots;
        level.count -= 1;
        let emptied = level.count == 0;
        let (side, price) = (level.side, Price::from_ticks(level.price_ticks));
        if emptied {
            self.remove_level(node.level, side, price);
        } else {
            if node.prev == NONE {
                level.head = node.next;
            } else {
                self.orders.at_mut(node.prev).next = node.next;
            }
            if node.next == NONE {
                level.tail = node.prev;
            } else {
                self.orders.at_mut(node.next).prev = node.prev;
            }
        }
        self.orders.free(handle.0);
        OrderView {
            handle,
            order_id: OrderId(node.order_id),
            owner: node.owner,
            side,
            price,
            qty: Qty::from_lots(node.qty_lots),
        }
    }

    #[inline]
    fn remove_level(&mut self, level: u32, side: Side, price: Price) {
        self.levels.free(level);
        let Self { levels, ladders, .. } = self;
        if let Some(ladder) = ladders.get_mut(usize::from(side.number())) {
            ladder.remove(rank(side, price), |next| levels.at(next).rank());
        }
    }

    /// Takes `by` off an order, which keeps its place; what is left of it.
    ///
    /// `None`, and nothing changes, unless `by` is at least one lot and leaves at least one.
    #[inline]
    pub fn reduce(&mut self, handle: Handle, by: Qty) -> Option<Qty> {
        let node = self.orders.at_mut(handle.0);
        if by.lots() <= 0 || by.lots() >= node.qty_lots {
            return None;
        }
        node.qty_lots -= by.lots();
        let left = Qty::from_lots(node.qty_lots);
        let level = node.level;
        self.levels.at_mut(level).qty_lots -= by.lots();
        Some(left)
    }

    /// The best price of a side.
    #[inline]
    pub fn best(&self, side: Side) -> Option<Price> {
        self.best_level(side).map(|level| level.price)
    }

    /// The best level of a side.
    #[inline]
    pub fn best_level(&self, side: Side) -> Option<Level> {
        self.levels.get(self.ladder(side).best()).map(LevelNode::view)
    }

    /// The order that the next taker meets on this side.
    #[inline]
    pub fn front(&self, side: Side) -> Option<Handle> {
        self.levels.get(self.ladder(side).best()).map(|level| Handle(level.head))
    }

    /// The slot of the order that came last to a level, if it exists.
    #[inline]
    pub(crate) fn last_of(&self, side: Side, price: Price) -> Option<u32> {
        let level = self.ladder(side).level(rank(side, price))?;
        Some(self.levels.at(level).tail)
    }

    /// The order that the next taker meets on this side, with its price and quantity.
    #[inline]
    pub fn peek_best(&self, side: Side) -> Option<Top> {
        let level = self.levels.get(self.ladder(side).best())?;
        Some(Top {
            handle: Handle(level.head),
            price: Price::from_ticks(level.price_ticks),
            qty: Qty::from_lots(self.orders.at(level.head).qty_lots),
        })
    }

    /// Whether an order of `side` at `price` would meet a maker.
    #[inline]
    pub fn crosses(&self, side: Side, price: Price) -> bool {
        let makers = self.ladder(side.opposite());
        makers.best() != NONE && makers.best_rank() <= rank(side.opposite(), price)
    }

    /// Fills the first order of a side with at most `qty`, and frees it if nothing is left.
    ///
    /// `None` if the side is empty or `qty` is not positive: there is no fill of zero lots. Whether
    /// the price is within the taker's limit is the caller's business; see [`Self::peek_best`].
    #[inline]
    pub fn fill_front(&mut self, side: Side, qty: Qty) -> Option<MakerFill> {
        let best = self.ladder(side).best();
        if best == NONE || qty.lots() <= 0 {
            return None;
        }
        let level = self.levels.at_mut(best);
        let handle = level.head;
        let node = self.orders.at_mut(handle);
        let fill_lots = qty.lots().min(node.qty_lots);
        node.qty_lots -= fill_lots;
        level.qty_lots -= fill_lots;
        let (maker, next) = (*node, node.next);
        if maker.qty_lots == 0 {
            level.count -= 1;
            level.head = next;
        }
        let level = *level;
        if maker.qty_lots == 0 {
            self.orders.free(handle);
            if level.count == 0 {
                self.remove_level(best, side, Price::from_ticks(level.price_ticks));
            } else {
                self.orders.at_mut(next).prev = NONE;
            }
        }
        Some(MakerFill {
            handle: Handle(handle),
            order_id: OrderId(maker.order_id),
            owner: maker.owner,
            price: Price::from_ticks(level.price_ticks),
            qty: Qty::from_lots(fill_lots),
            maker_left: Qty::from_lots(maker.qty_lots),
            level_left: Qty::from_lots(level.qty_lots),
            level_count: level.count,
        })
    }

    /// Fills an order, wherever it stands, with at most `qty`, and frees it if nothing is left.
    ///
    /// `None` if `qty` is not positive. Who shares a level out fills others than its first with it.
    pub fn fill(&mut self, handle: Handle, qty: Qty) -> Option<MakerFill> {
        let OrderView { order_id, owner, side, price, qty: before, .. } = self.order(handle);
        if qty.lots() <= 0 {
            return None;
        }
        let qty = qty.min(before);
        if qty == before {
            self.remove(handle);
        } else {
            self.reduce(handle, qty);
        }
        let level = self.level(side, price);
        Some(MakerFill {
            handle,
            order_id,
            owner,
            price,
            qty,
            maker_left: Qty::from_lots(before.lots() - qty.lots()),
            level_left: level.map_or(Qty::ZERO, |level| level.qty),
            level_count: level.map_or(0, |level| level.count),
        })
    }

    /// Whether the best bid is not below the best ask.
    #[inline]
    pub fn is_crossed(&self) -> bool {
        match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), Some(ask)) => bid >= ask,
            _ => false,
        }
    }

    /// Matches a taker of `side` against the other side, best price first, then first come.
    ///
    /// Without a `limit` any price will do. `on_fill` sees each fill after it happened and may
    /// break off before the next; who must judge a fill before it happens uses
    /// [`Self::peek_best`] and [`Self::fill_front`]. The rest of the taker is not inserted.
    #[inline]
    pub fn match_taker(
        &mut self,
        side: Side,
        limit: Option<Price>,
        qty: Qty,
        fills_max: u32,
        mut on_fill: impl FnMut(&MakerFill) -> ControlFlow<()>,
    ) -> Matched {
        let makers = side.opposite();
        let limit_rank = limit.map_or(u64::MAX, |limit| rank(makers, limit));
        let (mut left, mut fills) = (qty, 0);
        let stop = loop {
            if left.lots() <= 0 {
                break Stop::Filled;
            }
            if self.ladder(makers).best_rank() > limit_rank {
                break Stop::NoMaker;
            }
            if fills == fills_max {
                break if self.front(makers).is_some() { Stop::FillsMax } else { Stop::NoMaker };
            }
            let Some(fill) = self.fill_front(makers, left) else {
                break Stop::NoMaker;
            };
            left = Qty::from_lots(left.lots() - fill.qty.lots());
            fills += 1;
            if on_fill(&fill).is_break() {
                break Stop::Broken;
            }
        };
        Matched { left, fills, stop }
    }

    /// How much of a taker [`Self::match_taker`] would fill with at most `orders_max` fills.
    ///
    /// Cost: one step per level, and one per order in the level where `orders_max` binds.
    pub fn fillable(&self, side: Side, limit: Option<Price>, qty: Qty, orders_max: u32) -> Qty {
        let makers = side.opposite();
        let limit_rank = limit.map_or(u64::MAX, |limit| rank(makers, limit));
        let (mut left_lots, mut orders_left) = (qty.lots().max(0), orders_max);
        for level in self.level_nodes(makers) {
            if left_lots == 0 || orders_left == 0 || level.rank() > limit_rank {
                break;
            }
            if level.count <= orders_left {
                orders_left -= level.count;
                left_lots -= left_lots.min(level.qty_lots);
                continue;
            }
            for order in self.orders_from(level.head) {
                if left_lots == 0 || orders_left == 0 {
                    break;
                }
                orders_left -= 1;
                left_lots -= left_lots.min(order.qty.lots());
            }
            break;
        }
        Qty::from_lots(qty.lots().max(0) - left_lots)
    }

    /// The order that rests under `handle`.
    #[inline]
    pub fn order(&self, handle: Handle) -> OrderView {
        let node = self.orders.at(handle.0);
        let level = self.levels.at(node.level);
        OrderView {
            handle,
            order_id: OrderId(node.order_id),
            owner: node.owner,
            side: level.side,
            price: Price::from_ticks(level.price_ticks),
            qty: Qty::from_lots(node.qty_lots),
        }
    }

    /// The level that an order rests in.
    #[inline]
    pub fn level_of(&self, handle: Handle) -> Level {
        self.levels.at(self.orders.at(handle.0).level).view()
    }

    /// The level at a price.
    #[inline]
    pub fn level(&self, side: Side, price: Price) -> Option<Level> {
        let level = self.ladder(side).level(rank(side, price))?;
        Some(self.levels.at(level).view())
    }
}
