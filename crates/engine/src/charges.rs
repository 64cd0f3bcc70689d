//! Notional, charge and need: the only arithmetic on money besides postings.
//!
//! Invariant: only [`ceil_ppm`] rounds, up, in favour of the house.
//!
//! Everything is exact in `i128`; what fits in 64 bits, as nearly all does, takes one multiplication
//! instead of a call into the 128-bit routines.

use crate::instruments::Instrument;
use crate::orders::Order;
use coulisse_types::{Price, Qty, Side};

/// Millionths in one.
pub(crate) const PPM: i128 = 1_000_000;
const PPM_NARROW: u64 = 1_000_000;

/// ticks × lots × the value of one tick on one lot; `None` past an `i128`. No argument is negative.
#[inline]
pub(crate) fn notional(ticks: i64, lots: i64, unit_minor: i64) -> Option<i128> {
    let [ticks, lots, unit_minor] = [ticks, lots, unit_minor].map(i64::unsigned_abs);
    let product = u128::from(ticks).checked_mul(u128::from(lots))?;
    let minor = match u64::try_from(product) {
        Ok(narrow) => u128::from(narrow).checked_mul(u128::from(unit_minor))?,
        Err(_) => product.checked_mul(u128::from(unit_minor))?,
    };
    i128::try_from(minor).ok()
}

/// Millionths of a minor unit that a rate takes of a notional.
#[inline]
#[expect(
    clippy::arithmetic_side_effects,
    reason = "rates are at most 10^5 either way and no asset has more than 10^32 minor units"
)]
pub(crate) fn parts(rate_ppm: i32, notional_minor: i128) -> i128 {
    match (u64::try_from(notional_minor), u32::try_from(rate_ppm)) {
        (Ok(minor), Ok(rate)) => i128::from(minor) * i128::from(rate),
        _ => notional_minor * i128::from(rate_ppm),
    }
}

/// Whole minor units for `parts` millionths, rounded up; parts are below 0 where rebates prevail.
#[inline]
#[expect(clippy::arithmetic_side_effects, reason = "the divisor is a constant, the sum far below")]
pub(crate) fn ceil_ppm(parts: i128) -> i128 {
    match u64::try_from(parts) {
        Ok(parts) => i128::from(parts.div_ceil(PPM_NARROW)),
        Err(_) => (parts + (PPM - 1)).div_euclid(PPM),
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "sums of what exists of an asset: below 10^32, times a rate below 10^38"
)]
impl Order {
    /// What is left of it.
    #[inline]
    pub(crate) const fn remaining(&self) -> Qty {
        Qty::from_lots(self.qty_lots - self.filled_lots)
    }

    /// What the order holds while it lives, in minor units of [`Self::held_asset`]'s asset.
    ///
    /// `None` past an `i128`.
    #[inline]
    pub(crate) fn need_at(&self, price: Price, remaining: Qty, rules: &Instrument) -> Option<i128> {
        match self.side {
            Side::Sell => Some(rules.base_minor(remaining)),
            Side::Buy => rules.notional(price, remaining).map(|minor| self.need_of(minor)),
        }
    }

    /// The same at its own price, for an order that the limits have let in.
    ///
    /// Apart from `need_at`: what that returns goes through memory, and is waited for.
    #[inline]
    pub(crate) fn need(&self, rules: &Instrument) -> i128 {
        match self.side {
            Side::Sell => rules.base_minor(self.remaining()),
            Side::Buy => {
                let price = Price::from_ticks(self.price_ticks);
                self.need_of(rules.notional_of_trade(price, self.remaining()))
            }
        }
    }

    /// What an order to buy holds of which so much is open.
    #[inline]
    fn need_of(&self, open_minor: i128) -> i128 {
        let parts = self.fee_parts + parts(self.taker_ppm, open_minor);
        open_minor + ceil_ppm(parts) - self.charged_minor
    }

    /// Whether its charge was rounded up.
    #[inline]
    pub(crate) fn is_rounded(&self) -> bool {
        match u64::try_from(self.fee_parts) {
            Ok(parts) => parts.rem_euclid(PPM_NARROW) != 0,
            Err(_) => self.fee_parts.rem_euclid(PPM) != 0,
        }
    }

    /// The asset it holds.
    #[inline]
    pub(crate) const fn held_asset(&self, rules: &Instrument) -> u32 {
        match self.side {
            Side::Sell => rules.base.0,
            Side::Buy => rules.quote.0,
        }
    }

    /// The most lots of one price that `funds_minor` pays for, with the charge they add.
    ///
    /// k lots cost k·n + ceil((parts + t·k·n) / 10^6) − charged; that is within the funds exactly
    /// where k·n·(10^6 + t) ≤ 10^6·(funds + charged) − parts.
    pub(crate) fn affordable_lots(&self, funds_minor: i128, lot_notional_minor: i128) -> i128 {
        let budget = PPM * (funds_minor + self.charged_minor) - self.fee_parts;
        let cost = lot_notional_minor * (PPM + i128::from(self.taker_ppm));
        budget.max(0).div_euclid(cost)
    }

    /// What a fill of `notional_minor` as taker would add to its charge.
    #[inline]
    pub(crate) fn added_charge(&self, notional_minor: i128) -> i128 {
        let parts = self.fee_parts + parts(self.taker_ppm, notional_minor);
        ceil_ppm(parts) - self.charged_minor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_and_wide_arithmetic_agree_at_the_seam() {
        let seam = i128::from(u64::MAX);
        for minor in [0, 1, 999_999, seam - 1, seam, seam + 1, seam * 4_096] {
            assert_eq!(parts(500, minor), minor * 500);
            let ceil = minor / PPM + i128::from(minor % PPM != 0);
            assert_eq!(ceil_ppm(minor), ceil);
        }
        assert_eq!(notional(1 << 53, 1 << 53, 1 << 20), Some(1 << 126));
        assert_eq!(notional(1 << 53, 1 << 53, 1 << 21), None);
        assert_eq!(notional(3, 5, 7), Some(105));
    }
}
