//! What the book could fill of an order now, without filling it: section 11 of the rules.
//!
//! Level by level: first what orders show, oldest first; then what icebergs hide, for it comes
//! behind all orders of its level.
//!
//! Cost: one step for each maker, at most as many as one command may fill.

use crate::engine::Engine;
use crate::instruments::Listing;
use crate::matching::Taker;
use crate::orders::Order;
use crate::paged::NONE;
use crate::planted::Fault;
use coulisse_types::event::CloseReason;
use coulisse_types::limits::ASSET_TOTAL_MINOR_MAX;
use coulisse_types::{AccountId, OrderType, Price, Qty, SelfTrade, Side, TimeInForce};

/// How far a walk has come.
#[derive(Clone, Copy, Debug)]
struct Walk {
    /// Lots that are still wanted.
    left: i64,
    /// Fills that it would take, at most.
    steps: i64,
    notional_minor: i128,
}

/// What a maker is to a taker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    /// They would trade.
    Trades,
    /// It takes a step, and nothing is filled.
    Counts,
    /// It would close at once: a step.
    Closes,
    /// Nothing behind it can be reached.
    Ends,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "steps below 2^54, lots of orders that exist, and notionals of as many fills as a \
              command may make"
)]
impl Engine {
    /// Whether two accounts are one for self-trade prevention.
    pub(crate) fn is_same_owner(&self, one: AccountId, other: AccountId) -> bool {
        let group = |account| self.accounts.membership(account).trade_group;
        one == other || (group(one) != 0 && group(one) == group(other))
    }

    /// What the taker does where it would trade with its own.
    pub(crate) fn self_trade(&self, order: &Order) -> SelfTrade {
        if order.terms == NONE {
            SelfTrade::None
        } else {
            self.orders.terms(order).asked.self_trade
        }
    }

    /// Why an order that needs a least quantity at once cannot have it; `None` if it can.
    pub(crate) fn why_not_enough(&self, taker: &Taker) -> Option<CloseReason> {
        let order = &taker.order;
        let is_fok = order.time_in_force == TimeInForce::Fok;
        let least = match order.terms {
            NONE => Qty::ZERO,
            _ => self.orders.terms(order).asked.min_qty,
        };
        if is_fok {
            self.why_not(taker, order.remaining(), CloseReason::FillOrKill)
        } else if least.is_zero() || self.planted.is(Fault::MinQtyIgnored) {
            None
        } else {
            self.why_not(taker, least, CloseReason::MinQty)
        }
    }

    fn why_not(&self, taker: &Taker, want: Qty, reason: CloseReason) -> Option<CloseReason> {
        let order = &taker.order;
        if order.reduce_only
            && reason == CloseReason::FillOrKill
            && self.capacity_lots(order) < order.remaining().lots()
        {
            return Some(CloseReason::ReduceOnly);
        }
        let Some(walk) = self.walk(taker, want) else {
            return Some(reason);
        };
        if order.traded_minor + walk.notional_minor > ASSET_TOTAL_MINOR_MAX {
            return Some(reason);
        }
        let must_pay = taker.held_minor.is_none() && order.side == Side::Buy;
        if must_pay && reason == CloseReason::FillOrKill {
            let quote = self.instruments.at(order.instrument).rules.quote;
            let available_minor = self.ledger.available_minor(order.account, quote);
            let cost_minor = walk.notional_minor + order.added_charge(walk.notional_minor);
            if cost_minor > available_minor {
                return Some(CloseReason::InsufficientBalance);
            }
        }
        None
    }

    /// Goes to where `want` lots would be filled; `None` if that cannot be reached.
    fn walk(&self, taker: &Taker, want: Qty) -> Option<Walk> {
        let order = &taker.order;
        let listing = self.instruments.at(order.instrument);
        let mode = self.self_trade(order);
        let steps_max = i64::from(self.limits.fills_per_command_max);
        let mut walk = Walk { left: want.lots(), steps: 0, notional_minor: 0 };
        let makers = order.side.opposite();
        for level in listing.book.levels(makers) {
            if walk.left == 0 || !reaches(order, level.price) || taker.is_beyond(level.price) {
                break;
            }
            if !listing.is_plain && self.is_out_of_band(listing, level.price) {
                break;
            }
            let mut hides = false;
            for resting in listing.book.orders(makers, level.price) {
                let maker = self.orders.at(resting.owner);
                let kind = self.kind_of(order, mode, maker);
                if kind == Maker::Ends {
                    return None;
                }
                walk.steps += 1;
                let filled = if kind == Maker::Trades { resting.qty } else { Qty::ZERO };
                walk.take(listing, level.price, filled);
                hides |= maker.remaining() != resting.qty;
                if walk.left == 0 || walk.steps > steps_max {
                    break;
                }
            }
            if hides && walk.left != 0 {
                self.walk_hidden(&mut walk, order, mode, level.price);
            }
            if walk.steps > steps_max {
                return None;
            }
        }
        (walk.left == 0).then_some(walk)
    }

    /// What the icebergs of a level hide: all of them count, for they take turns.
    fn walk_hidden(&self, walk: &mut Walk, order: &Order, mode: SelfTrade, price: Price) {
        let listing = self.instruments.at(order.instrument);
        let steps_max = i64::from(self.limits.fills_per_command_max);
        for resting in listing.book.orders(order.side.opposite(), price) {
            let maker = self.orders.at(resting.owner);
            let hidden = maker.remaining().lots() - resting.qty.lots();
            let kind = self.kind_of(order, mode, maker);
            if hidden == 0 || kind == Maker::Closes || walk.steps > steps_max {
                continue;
            }
            let display = self.orders.terms(maker).asked.display_qty.lots().max(1);
            walk.steps += hidden.div_euclid(display) + i64::from(hidden.rem_euclid(display) != 0);
            let filled = if kind == Maker::Trades { hidden } else { 0 };
            walk.take(listing, price, Qty::from_lots(filled));
        }
    }

    fn kind_of(&self, taker: &Order, mode: SelfTrade, maker: &Order) -> Maker {
        if self.is_dead(maker) {
            return Maker::Closes;
        }
        if mode != SelfTrade::None && self.is_same_owner(taker.account, maker.account) {
            return match mode {
                SelfTrade::ExpireMaker => Maker::Closes,
                _ => Maker::Ends,
            };
        }
        if maker.reduce_only { Maker::Counts } else { Maker::Trades }
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "lots and notionals of orders that exist")]
impl Walk {
    fn take(&mut self, listing: &Listing, price: Price, qty: Qty) {
        let qty = qty.min(Qty::from_lots(self.left));
        self.left -= qty.lots();
        self.notional_minor += listing.rules.notional_of_trade(price, qty);
    }
}

/// Whether a level is within an order's limit.
fn reaches(order: &Order, price: Price) -> bool {
    match (order.order_type, order.side) {
        (OrderType::Market, _) => true,
        (OrderType::Limit, Side::Buy) => price.ticks() <= order.price_ticks,
        (OrderType::Limit, Side::Sell) => price.ticks() >= order.price_ticks,
    }
}
