//! Values of the risk gate's limits as text: what a number means depends on the limit's kind.

use alloc::vec::Vec;

use coulisse_types::{Amount, AssetId, InstrumentId, LimitKind, Qty, RejectCode, decimal};

use crate::digits;
use crate::instruments::{AssetInfo, InstrumentInfo, InstrumentTable};

/// What limits of one kind count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// Lots of an instrument.
    Lots,
    /// Minor units of a quote asset.
    Money,
    /// A plain number.
    Count,
    /// A number per second, with a burst.
    Rate,
    /// Nanoseconds; on the wire microseconds.
    Time,
}

pub(super) const fn measure(kind: LimitKind) -> Measure {
    match kind {
        LimitKind::OrderQty | LimitKind::Position => Measure::Lots,
        LimitKind::OrderNotional
        | LimitKind::GrossNotional
        | LimitKind::NetNotional
        | LimitKind::DailyLoss
        | LimitKind::Drawdown => Measure::Money,
        LimitKind::OpenOrders | LimitKind::ConditionalOrders => Measure::Count,
        LimitKind::OrderRate | LimitKind::MessageRate => Measure::Rate,
        LimitKind::DuplicateWindow => Measure::Time,
    }
}

/// What a limit is about, found by its name.
#[derive(Clone, Copy)]
pub(super) enum Subject<'t> {
    Nothing,
    Instrument(&'t InstrumentInfo),
    Asset(&'t AssetInfo),
}

impl<'t> Subject<'t> {
    /// What the number in an event or a command names.
    pub(super) fn of(kind: LimitKind, subject: u32, table: &'t InstrumentTable) -> Option<Self> {
        match measure(kind) {
            Measure::Lots => table.instrument(InstrumentId(subject)).map(Self::Instrument),
            Measure::Money => table.asset(AssetId(subject)).map(Self::Asset),
            Measure::Count | Measure::Rate | Measure::Time => Some(Self::Nothing),
        }
    }

    /// Its id; 0 for none.
    pub(super) const fn id(&self) -> u32 {
        match self {
            Self::Nothing => 0,
            Self::Instrument(info) => info.id.0,
            Self::Asset(asset) => asset.id.0,
        }
    }

    /// Its name; empty for none.
    pub(super) fn name(&self) -> &'t [u8] {
        match self {
            Self::Nothing => &[],
            Self::Instrument(info) => info.symbol.as_bytes(),
            Self::Asset(asset) => asset.name.as_bytes(),
        }
    }

    /// Reads a bound of this kind.
    pub(super) fn read(&self, kind: LimitKind, text: &[u8]) -> Result<i128, RejectCode> {
        match self {
            Self::Instrument(info) => info.read_qty(text).map(|qty| i128::from(qty.lots())),
            Self::Asset(asset) => asset.read_amount(text).map(Amount::minor),
            Self::Nothing => {
                let number = decimal::parse(text, 0).map_err(|_| RejectCode::InvalidValue)?;
                let factor = if measure(kind) == Measure::Time { 1_000 } else { 1 };
                number.checked_mul(factor).ok_or(RejectCode::NumberOutOfRange)
            }
        }
    }

    /// Appends a value of this kind; times are rounded down to microseconds.
    pub(super) fn write(&self, out: &mut Vec<u8>, kind: LimitKind, value: i128) {
        match (self, i64::try_from(value)) {
            (Self::Instrument(info), Ok(lots)) => info.write_qty(out, Qty::from_lots(lots)),
            (Self::Asset(asset), _) => asset.write_amount(out, Amount::from_minor(value)),
            _ if measure(kind) == Measure::Time => digits::fixed(out, value.div_euclid(1_000), 0),
            _ => digits::fixed(out, value, 0),
        }
    }
}
