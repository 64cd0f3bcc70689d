//! Sharing an arriving order among the orders of a level by their size: section 19 of the rules.
//!
//! Invariants
//! - A pass allocates as much as the order takes, or all that is shown; nobody gets more than it
//!   shows.
//! - What is allocated is reckoned before the first of the fills is made.
//!
//! Cost: one step for each order of the level, at most [`PRO_RATA_ORDERS_MAX`] a pass, in a list
//! that is used again.

use crate::engine::Engine;
use crate::matching::{Stop, Taker, push_level};
use crate::paged::index;
use crate::planted::Fault;
use alloc::vec::Vec;
use coulisse_book::{Handle, Level, Top};
use coulisse_types::limits::PRO_RATA_ORDERS_MAX;
use coulisse_types::{Event, MatchingMode, Qty, SelfTrade};

/// What one order of a level gets in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    maker: Handle,
    shown_lots: i64,
    lots: i64,
}

/// Allocates `wanted_lots` to orders, oldest first: to each its part of what they show, rounded
/// down, then what is left by age.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "at most a thousand orders of at most 2^53 lots: below 2^63, products below 2^127"
)]
fn allocate(shares: &mut [Share], wanted_lots: i64) {
    let total_lots: i64 = shares.iter().map(|share| share.shown_lots).sum();
    let wanted_lots = wanted_lots.min(total_lots);
    let mut left_lots = wanted_lots;
    for share in &mut *shares {
        let product = i128::from(wanted_lots) * i128::from(share.shown_lots);
        let lots = product.checked_div_euclid(total_lots.into()).unwrap_or(0);
        share.lots = i64::try_from(lots).unwrap_or(share.shown_lots);
        left_lots -= share.lots;
    }
    for share in shares {
        let more_lots = left_lots.min(share.shown_lots - share.lots);
        share.lots += more_lots;
        left_lots -= more_lots;
    }
}

impl Engine {
    /// Whether an order is shared among the orders of the level that it meets.
    #[cold]
    pub(crate) fn is_shared(&self, taker: &Taker, top: &Top) -> bool {
        let order = &taker.order;
        let listing = self.instruments.at(order.instrument);
        let by_age = listing.config.matching != MatchingMode::ProRata
            || self.planted.is(Fault::ProRataByAge);
        if by_age || taker.held_minor.is_none() {
            return false;
        }
        let mode = self.self_trade(order);
        if mode == SelfTrade::None && self.meets_plainly(taker) {
            return true;
        }
        if order.reduce_only {
            return false;
        }
        let level = listing.book.orders(order.side.opposite(), top.price);
        let mut makers =
            level.take(index(PRO_RATA_ORDERS_MAX)).map(|resting| self.orders.at(resting.owner));
        let prevents = mode != SelfTrade::None;
        !makers.any(|maker| {
            maker.reduce_only
                || self.is_dead(maker)
                || prevents && self.is_same_owner(order.account, maker.account)
        })
    }

    /// One pass over a level: at most `fills_left` fills. How many there were, and why it stopped
    /// before its end. `level` is the one traded on and not yet said.
    #[inline(never)]
    #[expect(clippy::arithmetic_side_effects, reason = "a count within a bound")]
    pub(crate) fn share(
        &mut self,
        taker: &mut Taker,
        top: &Top,
        fills_left: u32,
        level: &mut Option<Level>,
        events: &mut Vec<Event>,
    ) -> (u32, Option<Stop>) {
        let makers = taker.order.side.opposite();
        let mut shares = core::mem::take(&mut self.shares);
        let book = &self.instruments.at(taker.order.instrument).book;
        let first = book.orders(makers, top.price).take(index(PRO_RATA_ORDERS_MAX));
        shares.extend(first.map(|resting| Share {
            maker: resting.handle,
            shown_lots: resting.qty.lots(),
            lots: 0,
        }));
        allocate(&mut shares, taker.order.remaining().lots());
        let (mut fills, mut stop) = (0, None);
        for share in shares.iter().filter(|share| share.lots > 0) {
            if fills == fills_left {
                break;
            }
            let maker = Top { handle: share.maker, ..*top };
            let fill = match self.price_fill(taker, &maker, Qty::from_lots(share.lots), false) {
                Ok(fill) => fill,
                Err(why) => {
                    stop = Some(why);
                    break;
                }
            };
            if let Some(left) = level.filter(|level| level.price != top.price) {
                push_level(events, taker.order.instrument, makers, left.price, Some(left));
            }
            *level = Some(self.trade_apart(taker, &fill, events));
            fills += 1;
        }
        shares.clear();
        self.shares = shares;
        (fills, stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allocated(shown: &[i64], wanted_lots: i64) -> Vec<i64> {
        let share = |lots: &i64| Share { maker: Handle::from_index(0), shown_lots: *lots, lots: 0 };
        let mut shares: Vec<Share> = shown.iter().map(share).collect();
        allocate(&mut shares, wanted_lots);
        shares.iter().map(|share| share.lots).collect()
    }

    #[test]
    fn each_gets_its_part_and_what_rounding_leaves_goes_by_age() {
        assert_eq!(allocated(&[1, 2, 6], 5), [1, 1, 3]);
        assert_eq!(allocated(&[10, 10, 10], 10), [4, 3, 3]);
        assert_eq!(allocated(&[1, 1, 98], 3), [1, 0, 2]);
    }

    #[test]
    fn an_order_that_takes_all_fills_each() {
        assert_eq!(allocated(&[3, 4], 7), [3, 4]);
        assert_eq!(allocated(&[3, 4], 100), [3, 4]);
    }

    #[test]
    fn the_largest_orders_there_are_do_not_overflow() {
        let all = [1 << 53; 1_000];
        assert_eq!(allocated(&all, i64::MAX), all);
        assert_eq!(allocated(&all, 1).iter().sum::<i64>(), 1);
    }
}
