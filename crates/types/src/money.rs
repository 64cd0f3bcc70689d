//! Money as integers: prices in ticks, quantities in lots, balances in minor units.
//!
//! Invariants
//! - [`Price`], [`Qty`] and [`Amount`] never mix without naming the conversion.
//! - Only [`FeeRate::charge_ceil`] rounds: up, in favour of the house.

use crate::codec::{Field, Reader, Writer};
use crate::limits::NOTIONAL_MINOR_MAX;

/// A price, in whole ticks of its instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Price(i64);

impl Price {
    /// The price of `ticks` ticks. Whether it is allowed is the instrument's business.
    pub const fn from_ticks(ticks: i64) -> Self {
        Self(ticks)
    }

    /// The whole number of ticks.
    pub const fn ticks(self) -> i64 {
        self.0
    }
}

/// A quantity, in whole lots of its instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Qty(i64);

impl Qty {
    /// No lots.
    pub const ZERO: Self = Self(0);

    /// The quantity of `lots` lots.
    pub const fn from_lots(lots: i64) -> Self {
        Self(lots)
    }

    /// The whole number of lots.
    pub const fn lots(self) -> i64 {
        self.0
    }

    /// Whether there are no lots.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum, or `None` past the range of an `i64`.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(lots) => Some(Self(lots)),
            None => None,
        }
    }

    /// The difference, or `None` past the range of an `i64`.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(lots) => Some(Self(lots)),
            None => None,
        }
    }
}

/// An amount of one asset, in its minor units; signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(i128);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount of `minor` minor units.
    pub const fn from_minor(minor: i128) -> Self {
        Self(minor)
    }

    /// The whole number of minor units.
    pub const fn minor(self) -> i128 {
        self.0
    }

    /// The sum, or `None` past the range of an `i128`.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(minor) => Some(Self(minor)),
            None => None,
        }
    }

    /// The difference, or `None` past the range of an `i128`.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(minor) => Some(Self(minor)),
            None => None,
        }
    }

    /// The notional of `qty` at `price`: ticks × lots × the value of one tick on one lot.
    ///
    /// `None` past [`NOTIONAL_MINOR_MAX`]; the caller rejects the command rather than clamp it.
    #[must_use]
    pub fn notional(price: Price, qty: Qty, unit: TickLotValue) -> Option<Self> {
        let minor =
            i128::from(price.0).checked_mul(i128::from(qty.0))?.checked_mul(i128::from(unit.0))?;
        (minor.unsigned_abs() <= NOTIONAL_MINOR_MAX.unsigned_abs()).then_some(Self(minor))
    }
}

/// What one tick on one lot is worth, in quote minor units. At least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickLotValue(i64);

impl TickLotValue {
    /// One tick (quote minor units for one whole base unit) on one lot (base minor units).
    ///
    /// `None` unless the product is a whole, positive number of quote minor units that fits.
    #[must_use]
    pub fn new(tick_minor: i64, lot_minor: i64, base_scale: u8) -> Option<Self> {
        if tick_minor <= 0 || lot_minor <= 0 {
            return None;
        }
        let product = i128::from(tick_minor).checked_mul(i128::from(lot_minor))?;
        let unit = 10_i128.checked_pow(u32::from(base_scale))?;
        if product.checked_rem(unit)? != 0 {
            return None;
        }
        i64::try_from(product.checked_div(unit)?).ok().filter(|v| *v > 0).map(Self)
    }

    /// Quote minor units.
    pub const fn minor(self) -> i64 {
        self.0
    }
}

/// A fee rate in parts per million of the notional: 1 basis point is 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FeeRate(i32);

impl FeeRate {
    /// Parts in a whole.
    pub const PPM: i128 = 1_000_000;

    /// A rate of `ppm` parts per million.
    pub const fn from_ppm(ppm: i32) -> Self {
        Self(ppm)
    }

    /// Parts per million.
    pub const fn ppm(self) -> i32 {
        self.0
    }

    /// What the maker and taker notional of one order are charged in all, rounded up once.
    ///
    /// `None` past the range of an `i128`, which [`NOTIONAL_MINOR_MAX`] rules out.
    #[must_use]
    pub fn charge_ceil(maker: (Self, Amount), taker: (Self, Amount)) -> Option<Amount> {
        let maker_parts = i128::from(maker.0.0).checked_mul(maker.1.0)?;
        let taker_parts = i128::from(taker.0.0).checked_mul(taker.1.0)?;
        let parts = maker_parts.checked_add(taker_parts)?;
        let whole = parts.div_euclid(Self::PPM);
        let excess = parts.rem_euclid(Self::PPM);
        whole.checked_add(i128::from(excess != 0)).map(Amount)
    }
}

macro_rules! integer_field {
    ($type:ty, $name:literal, $inner:ty) => {
        impl Field for $type {
            const TYPE: &'static str = $name;
            const BYTES_MAX: usize = <$inner as Field>::BYTES_MAX;
            #[inline]
            fn put(&self, out: &mut Writer<'_>) {
                self.0.put(out);
            }
            fn decode(reader: &mut Reader<'_>) -> Option<Self> {
                <$inner as Field>::decode(reader).map(Self)
            }
        }
    };
}
integer_field!(Price, "price_ticks", i64);
integer_field!(Qty, "qty_lots", i64);
integer_field!(Amount, "amount_minor", i128);
integer_field!(FeeRate, "rate_ppm", i32);

/// Declares an enum of one byte: its numbers are wire format, its names are what JSON shows.
macro_rules! byte_enum {
    ($(#[$meta:meta])* $name:ident, $type_name:literal {
        $($(#[$vmeta:meta])* $variant:ident = $number:literal => $text:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$vmeta])* $variant = $number,)+
        }

        impl $name {
            /// Every value, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The number in records.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$variant => $number,)+
                }
            }

            /// The value with this number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// The name in JSON and on screens.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)+
                }
            }

            /// The value with this name.
            pub fn from_name(name: &[u8]) -> Option<Self> {
                $(if name == $text.as_bytes() {
                    return Some(Self::$variant);
                })+
                None
            }
        }

        impl $crate::codec::Field for $name {
            const TYPE: &'static str = $type_name;
            const BYTES_MAX: usize = 1;
            #[inline]
            fn put(&self, out: &mut $crate::codec::Writer<'_>) {
                $crate::codec::Field::put(&self.number(), out);
            }
            fn decode(reader: &mut $crate::codec::Reader<'_>) -> Option<Self> {
                <u8 as $crate::codec::Field>::decode(reader).and_then(Self::from_number)
            }
        }
    };
}
pub(crate) use byte_enum;

byte_enum! {
    /// The side of an order, or of the book it rests on.
    Side, "side" {
        /// Bids.
        Buy = 0 => "buy",
        /// Asks.
        Sell = 1 => "sell",
    }
}

impl Side {
    /// The other side.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

byte_enum! {
    /// How an order is priced.
    OrderType, "order_type" {
        /// Not worse than its price.
        Limit = 0 => "limit",
        /// At the best prices there are; never rests.
        Market = 1 => "market",
    }
}

byte_enum! {
    /// How long an order stands.
    TimeInForce, "time_in_force" {
        /// Until cancelled.
        Gtc = 0 => "gtc",
        /// What can be filled at once; the rest expires.
        Ioc = 1 => "ioc",
        /// All at once or nothing.
        Fok = 2 => "fok",
        /// Until a time that the order names.
        Gtd = 3 => "gtd",
        /// Until the end of the day, by the log's time, in UTC.
        Day = 4 => "day",
    }
}

impl TimeInForce {
    /// Whether what is left of a limit order may stay.
    pub const fn may_rest(self) -> bool {
        matches!(self, Self::Gtc | Self::Gtd | Self::Day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_on_a_lot_must_be_a_whole_number_of_minor_units() {
        // 0.01 USD (scale 8) on 0.00001 BTC (scale 8) is 1e-7 USD: 10 minor units.
        assert_eq!(TickLotValue::new(1_000_000, 1_000, 8).map(TickLotValue::minor), Some(10));
        assert_eq!(TickLotValue::new(1, 1, 8), None);
        assert_eq!(TickLotValue::new(0, 1_000, 8), None);
    }

    #[test]
    fn fees_round_up_once_for_the_whole_order() {
        let bp5 = FeeRate::from_ppm(500);
        let charge = |minor| {
            FeeRate::charge_ceil(
                (FeeRate::default(), Amount::ZERO),
                (bp5, Amount::from_minor(minor)),
            )
        };
        assert_eq!(charge(1), Some(Amount::from_minor(1)));
        assert_eq!(charge(2_000), Some(Amount::from_minor(1)));
        assert_eq!(charge(2_001), Some(Amount::from_minor(2)));
        assert_eq!(charge(0), Some(Amount::ZERO));
    }

    #[test]
    fn a_notional_beyond_the_limit_is_refused() {
        let unit = TickLotValue::new(1, 1, 0).expect("one");
        let huge = (Price::from_ticks(i64::MAX), Qty::from_lots(i64::MAX));
        assert_eq!(Amount::notional(huge.0, huge.1, unit), None);
    }
}
