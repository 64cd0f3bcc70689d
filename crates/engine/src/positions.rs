//! Positions: section 20 of the rules. What an account has in an instrument, and what its orders ask.
//!
//! Invariants
//! - Net lots of an instrument sum to zero over all accounts: every trade has two sides.
//! - Cost has the sign of the net lots and is zero with them.
//! - Open lots are what remains of the account's live orders, dead ones apart.
//!
//! Cost: constant per fill; a division where a fill closes a part.

use crate::planted::{Fault, Planted};
use crate::worth::LotFence;
use coulisse_types::Side;
use coulisse_types::limits::{POSITION_LOTS_MAX, POSITION_MINOR_MAX};

/// What an account has, and asks for, in one instrument.
///
/// The first cache line is all that placing and cancelling touch.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub(crate) struct Row {
    pub(crate) open_buy_lots: i128,
    pub(crate) open_sell_lots: i128,
    /// Net lots; negative for short.
    pub(crate) qty_lots: i64,
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    /// The place of its group's sums in the instrument; void where it is in no group.
    pub(crate) sums: u32,
    /// The place of the account's money row in the instrument's quote asset.
    pub(crate) money: u32,
    /// The kill of the firm after which the open lots were last counted.
    pub(crate) epoch: u32,
    /// Where it stands among the account's rows of that quote asset.
    pub(crate) seat: u16,
    /// Whether this command filled it, and whether its limits are to be looked at.
    pub(crate) is_filled: bool,
    pub(crate) is_touched: bool,
    /// What the account's own limits on the instrument surely let pass.
    pub(crate) fence: LotFence,
    /// What the position was entered for, in quote minor units.
    pub(crate) cost_minor: i128,
    /// Profit realised, before fees, in quote minor units.
    pub(crate) realised_minor: i128,
    /// Fees paid less rebates, in quote minor units.
    pub(crate) fees_minor: i128,
}

/// A fill as one of its sides sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    pub(crate) side: Side,
    pub(crate) lots: i64,
    pub(crate) notional_minor: i128,
    pub(crate) fee_minor: i128,
    pub(crate) planted: Planted,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "the bounds of `can_take` keep net lots within 2^62 and money within 2 × 10^34"
)]
impl Row {
    /// Lots that may still be closed by an order of this side.
    #[inline]
    pub(crate) fn capacity_lots(&self, side: Side) -> i64 {
        match side {
            Side::Buy => (-self.qty_lots).max(0),
            Side::Sell => self.qty_lots.max(0),
        }
    }

    /// Whether the position stays within its bounds with a fill.
    pub(crate) fn can_take(&self, side: Side, lots: i64, notional_minor: i128) -> bool {
        let qty_lots = match side {
            Side::Buy => self.qty_lots + lots,
            Side::Sell => self.qty_lots - lots,
        };
        let minor = self.cost_minor.abs() + self.realised_minor.abs() + self.fees_minor.abs();
        qty_lots.abs() <= POSITION_LOTS_MAX && minor + notional_minor <= POSITION_MINOR_MAX
    }

    /// Takes in a fill.
    #[inline]
    pub(crate) fn fill(&mut self, fill: &Filled) {
        self.fees_minor += fill.fee_minor;
        let adds = match fill.side {
            Side::Buy => self.qty_lots >= 0,
            Side::Sell => self.qty_lots <= 0,
        };
        if adds {
            self.open(fill.side, fill.lots, fill.notional_minor);
        } else {
            self.close(fill);
        }
    }

    #[inline]
    fn open(&mut self, side: Side, lots: i64, notional_minor: i128) {
        match side {
            Side::Buy => {
                self.qty_lots += lots;
                self.cost_minor += notional_minor;
            }
            Side::Sell => {
                self.qty_lots -= lots;
                self.cost_minor -= notional_minor;
            }
        }
    }

    /// A fill against the position: what it closes is realised, the rest opens the other way.
    fn close(&mut self, fill: &Filled) {
        let held_lots = self.qty_lots.abs();
        let closed_lots = fill.lots.min(held_lots);
        let removed_minor = share(self.cost_minor, closed_lots, held_lots);
        let part_minor = share(fill.notional_minor, closed_lots, fill.lots);
        self.cost_minor -= removed_minor;
        let gained_minor = match fill.side {
            Side::Buy => {
                self.qty_lots += closed_lots;
                -part_minor - removed_minor
            }
            Side::Sell => {
                self.qty_lots -= closed_lots;
                part_minor - removed_minor
            }
        };
        let is_reversed = fill.planted.is(Fault::ProfitReversed);
        self.realised_minor += if is_reversed { -gained_minor } else { gained_minor };
        let opened_lots = fill.lots - closed_lots;
        if opened_lots > 0 {
            let entry_minor = if fill.planted.is(Fault::FlipKeepsEntry) {
                share(removed_minor.abs(), opened_lots.min(held_lots), held_lots)
            } else {
                fill.notional_minor - part_minor
            };
            self.open(fill.side, opened_lots, entry_minor);
        }
    }

    /// Whether anything is to be told about the position.
    pub(crate) const fn is_plain(&self) -> bool {
        self.qty_lots == 0
            && self.cost_minor == 0
            && self.realised_minor == 0
            && self.fees_minor == 0
    }
}

/// `minor` × `part` / `whole`, rounded toward zero; `part` is at most `whole`, which is at least 1.
#[inline]
fn share(minor: i128, part: i64, whole: i64) -> i128 {
    if part == whole {
        return minor;
    }
    let (part, whole) = (part.unsigned_abs(), whole.unsigned_abs());
    let magnitude = mul_div(minor.unsigned_abs(), part, whole);
    let magnitude = i128::try_from(magnitude).unwrap_or(i128::MAX);
    if minor < 0 { magnitude.checked_neg().unwrap_or(0) } else { magnitude }
}

/// `value` × `part` / `whole`, rounded down, with all digits of the product.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "a divisor that is at least 1, and in each step of the long division a remainder below it"
)]
fn mul_div(value: u128, part: u64, whole: u64) -> u128 {
    if let Ok(value) = u64::try_from(value)
        && let Some(product) = value.checked_mul(part)
    {
        return u128::from(product / whole);
    }
    if let Some(product) = value.checked_mul(u128::from(part)) {
        return product / u128::from(whole);
    }
    // Long division by limbs of 64 bits: quotient and remainder of the value first.
    let (part, whole) = (u128::from(part), u128::from(whole));
    let (quotient, rest) = (value / whole, value % whole);
    quotient * part + rest * part / whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_of_large_amounts_have_all_their_digits() {
        let value = 30_000_000_000_000_000_000_000_000_000_000_007_i128;
        let (part, whole) = ((1_i64 << 62) - 1, 1_i64 << 62);
        // value − ceil(value / 2^62), by hand.
        let expected = value - (value / (1 << 62) + 1);
        assert_eq!(share(value, part, whole), expected);
        assert_eq!(share(-value, part, whole), -expected);
        assert_eq!(share(7, 1, 2), 3);
        assert_eq!(share(-7, 1, 2), -3);
        assert_eq!(share(1 << 80, 1 << 40, 1 << 41), 1 << 79);
    }
}
