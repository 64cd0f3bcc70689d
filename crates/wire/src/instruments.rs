//! What the edge must know of assets and instruments to read and write their numbers.
//!
//! [`InstrumentTable`] is a fold of `AssetCreated`, `InstrumentCreated` and `GroupCreated`; the same
//! events give the same table on every node.
//!
//! Invariant: text becomes ticks, lots and minor units exactly or not at all; nothing is rounded.

use alloc::vec::Vec;

use coulisse_types::decimal::{self, DecimalError};
use coulisse_types::event::{AssetCreated, InstrumentCreated};
use coulisse_types::{
    AccountName, Amount, AssetId, AssetName, Event, FeeRate, GroupId, InstrumentId, Price, Qty,
    RejectCode, Symbol, TickLotValue,
};

use crate::digits;

mod snapshot;

/// An asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AssetInfo {
    /// Its id.
    pub id: AssetId,
    /// Its name.
    pub name: AssetName,
    /// Decimals of the minor unit.
    pub scale: u8,
}

impl AssetInfo {
    /// Reads an amount.
    ///
    /// # Errors
    /// `INVALID_VALUE`, `OFF_MINOR_UNIT` or `NUMBER_OUT_OF_RANGE`.
    pub fn read_amount(&self, text: &[u8]) -> Result<Amount, RejectCode> {
        let minor = decimal::parse(text, self.scale);
        minor.map(Amount::from_minor).map_err(|error| code(error, RejectCode::OffMinorUnit))
    }

    /// Appends an amount with all the decimals of the asset.
    pub fn write_amount(&self, out: &mut Vec<u8>, amount: Amount) {
        digits::fixed(out, amount.minor(), self.scale);
    }
}

/// How whole steps, ticks or lots, stand in text: `steps` × `factor` × 10^-`decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Grid {
    factor: i64,
    decimals: u8,
}

impl Grid {
    /// The grid of steps of `minor` × 10^-`scale`, with no more decimals than it needs.
    fn new(minor: i64, scale: u8) -> Self {
        let mut grid = Self { factor: minor.max(1), decimals: scale };
        while grid.decimals > 0 && grid.factor.checked_rem(10) == Some(0) {
            grid.factor = grid.factor.div_euclid(10);
            grid.decimals = grid.decimals.saturating_sub(1);
        }
        grid
    }

    fn read(self, text: &[u8], off_grid: RejectCode) -> Result<i64, RejectCode> {
        if let (1, Some(steps)) = (self.factor, short_decimal(text, self.decimals)) {
            return Ok(steps);
        }
        let value = decimal::parse(text, self.decimals).map_err(|error| code(error, off_grid))?;
        if self.factor == 1 {
            return i64::try_from(value).map_err(|_| RejectCode::NumberOutOfRange);
        }
        let factor = i128::from(self.factor);
        if value.checked_rem(factor) != Some(0) {
            return Err(off_grid);
        }
        let steps = value.checked_div(factor).and_then(|steps| i64::try_from(steps).ok());
        steps.ok_or(RejectCode::NumberOutOfRange)
    }

    fn write(self, out: &mut Vec<u8>, steps: i64) {
        // An i64 times an i64 fits an i128, so nothing saturates.
        let value = i128::from(steps).saturating_mul(i128::from(self.factor));
        digits::fixed(out, value, self.decimals);
    }
}

/// The common spelling, as `60000.00`: no sign, at most 18 digits, no more decimals than there are.
///
/// `None` for anything else, right or wrong: [`decimal::parse`] then says what it is.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "at most 18 digits are read and at most 18 zeros appended, checked together below"
)]
fn short_decimal(text: &[u8], decimals: u8) -> Option<i64> {
    const POWERS: [i64; 10] =
        [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000];
    if text.len() > 17 || matches!(text, [b'0', b'0'..=b'9', ..] | [b'.', ..] | [.., b'.']) {
        return None;
    }
    let mut value = 0_i64;
    // Digits after the point so far; before the point, nothing.
    let mut fraction: Option<usize> = None;
    for byte in text {
        match (byte, fraction) {
            (b'0'..=b'9', _) => {
                value = value * 10 + i64::from(byte - b'0');
                fraction = fraction.map(|count| count + 1);
            }
            (b'.', None) => fraction = Some(0),
            _ => return None,
        }
    }
    let zeros = usize::from(decimals).checked_sub(fraction.unwrap_or(0))?;
    if text.is_empty() || text.len() + zeros > 18 {
        return None;
    }
    POWERS.get(zeros).map(|power| value * power)
}

const fn code(error: DecimalError, too_fine: RejectCode) -> RejectCode {
    match error {
        DecimalError::Syntax => RejectCode::InvalidValue,
        DecimalError::Range => RejectCode::NumberOutOfRange,
        DecimalError::TooFine => too_fine,
    }
}

/// An instrument with its rules, and how its numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstrumentInfo {
    /// Its id.
    pub id: InstrumentId,
    /// Its name, `BASE-QUOTE`.
    pub symbol: Symbol,
    /// What is bought and sold.
    pub base: AssetInfo,
    /// What it is priced in.
    pub quote: AssetInfo,
    /// Quote minor units of one tick on one whole base unit.
    pub tick_minor: i64,
    /// Base minor units of one lot.
    pub lot_minor: i64,
    /// Smallest order, in lots.
    pub min_qty: Qty,
    /// Largest order, in lots.
    pub max_qty: Qty,
    /// Smallest notional, in quote minor units.
    pub min_notional: Amount,
    /// Fee of the resting side.
    pub maker_fee: FeeRate,
    /// Fee of the arriving side.
    pub taker_fee: FeeRate,
    prices: Grid,
    qtys: Grid,
}

impl InstrumentInfo {
    /// An instrument from the event that listed it and its assets.
    pub fn new(created: &InstrumentCreated, base: AssetInfo, quote: AssetInfo) -> Self {
        Self {
            id: created.instrument,
            symbol: created.symbol,
            base,
            quote,
            tick_minor: created.tick_minor,
            lot_minor: created.lot_minor,
            min_qty: created.min_qty,
            max_qty: created.max_qty,
            min_notional: created.min_notional,
            maker_fee: created.maker_fee,
            taker_fee: created.taker_fee,
            prices: Grid::new(created.tick_minor, quote.scale),
            qtys: Grid::new(created.lot_minor, base.scale),
        }
    }

    /// Decimals of a price in text.
    pub const fn price_decimals(&self) -> u8 {
        self.prices.decimals
    }

    /// Decimals of a quantity in text.
    pub const fn qty_decimals(&self) -> u8 {
        self.qtys.decimals
    }

    /// Reads a price.
    ///
    /// # Errors
    /// `INVALID_VALUE`, `OFF_TICK` or `NUMBER_OUT_OF_RANGE`.
    pub fn read_price(&self, text: &[u8]) -> Result<Price, RejectCode> {
        self.prices.read(text, RejectCode::OffTick).map(Price::from_ticks)
    }

    /// Reads a quantity.
    ///
    /// # Errors
    /// `INVALID_VALUE`, `OFF_LOT` or `NUMBER_OUT_OF_RANGE`.
    pub fn read_qty(&self, text: &[u8]) -> Result<Qty, RejectCode> {
        self.qtys.read(text, RejectCode::OffLot).map(Qty::from_lots)
    }

    /// Reads an amount of the quote asset.
    ///
    /// # Errors
    /// `INVALID_VALUE`, `OFF_MINOR_UNIT` or `NUMBER_OUT_OF_RANGE`.
    pub fn read_notional(&self, text: &[u8]) -> Result<Amount, RejectCode> {
        decimal::parse(text, self.quote.scale)
            .map(Amount::from_minor)
            .map_err(|error| code(error, RejectCode::OffMinorUnit))
    }

    /// Appends a price.
    pub fn write_price(&self, out: &mut Vec<u8>, price: Price) {
        self.prices.write(out, price.ticks());
    }

    /// Appends a quantity.
    pub fn write_qty(&self, out: &mut Vec<u8>, qty: Qty) {
        self.qtys.write(out, qty.lots());
    }

    /// Appends a sum of quantities, in lots.
    pub fn write_volume(&self, out: &mut Vec<u8>, lots: i128) {
        let value = lots.saturating_mul(i128::from(self.qtys.factor));
        digits::fixed(out, value, self.qtys.decimals);
    }

    /// Appends a sum of notionals, in ticks × lots.
    pub fn write_turnover(&self, out: &mut Vec<u8>, tick_lots: i128) {
        let unit = TickLotValue::new(self.tick_minor, self.lot_minor, self.base.scale);
        let minor = unit.map_or(0, |unit| tick_lots.saturating_mul(i128::from(unit.minor())));
        self.write_notional(out, Amount::from_minor(minor));
    }

    /// Appends the average price at which `qty` was entered for `cost`, to the decimals of a price,
    /// rounded down; nothing where there is no quantity.
    ///
    /// Exact: the price of one lot is cost / qty, a tick on a lot is a whole number of minor units, and
    /// the decimals of a price are `factor` for each tick.
    pub fn write_average_entry(&self, out: &mut Vec<u8>, qty: Qty, cost: Amount) {
        let unit = TickLotValue::new(self.tick_minor, self.lot_minor, self.base.scale);
        let lots = u128::from(qty.lots().unsigned_abs());
        let per_tick = unit.and_then(|unit| lots.checked_mul(u128::try_from(unit.minor()).ok()?));
        let Some(per_tick) = per_tick.filter(|minor| *minor > 0) else { return };
        let cost = cost.minor().unsigned_abs();
        let (Some(ticks), Some(rest)) = (cost.checked_div(per_tick), cost.checked_rem(per_tick))
        else {
            return;
        };
        let factor = self.prices.factor.unsigned_abs();
        let whole = ticks.checked_mul(u128::from(factor));
        let value = whole.and_then(|whole| whole.checked_add(scaled_part(rest, factor, per_tick)));
        if let Some(value) = value.and_then(|value| i128::try_from(value).ok()) {
            digits::fixed(out, value, self.prices.decimals);
        }
    }

    /// Appends an amount of the quote asset.
    pub fn write_notional(&self, out: &mut Vec<u8>, amount: Amount) {
        self.quote.write_amount(out, amount);
    }
}

/// floor(`part` × `factor` / `whole`), for `part` < `whole` ≤ 2^126: bit by bit where the product is
/// past 128 bits.
#[expect(
    clippy::arithmetic_side_effects,
    reason = "part < whole ≤ 2^126 keeps twice the rest and one part more below 2^128; whole is not 0"
)]
fn scaled_part(part: u128, factor: u64, whole: u128) -> u128 {
    if let Some(product) = part.checked_mul(u128::from(factor)) {
        return product / whole;
    }
    let (mut quotient, mut rest) = (0_u128, 0_u128);
    for bit in (0..u64::BITS).rev() {
        quotient <<= 1;
        rest <<= 1;
        if factor >> bit & 1 == 1 {
            rest += part;
        }
        while rest >= whole {
            rest -= whole;
            quotient += 1;
        }
    }
    quotient
}

/// Finds instruments by the name that stands on the wire.
pub trait Symbols {
    /// The instrument of this name, `BASE-QUOTE`.
    fn find(&self, symbol: &[u8]) -> Option<&InstrumentInfo>;

    /// The asset of this name, as `USD`.
    fn find_asset(&self, name: &[u8]) -> Option<&AssetInfo>;

    /// The group of accounts of this name.
    fn find_group(&self, name: &[u8]) -> Option<GroupId>;
}

/// All assets and instruments, by id and by symbol.
#[derive(Clone, Debug, Default)]
pub struct InstrumentTable {
    assets: Vec<AssetInfo>,
    instruments: Vec<InstrumentInfo>,
    /// Open addressing by the hash of the symbol: the instrument's id, 0 for a free slot. Its length
    /// is a power of two, and at most half of it is used.
    slots: Vec<u32>,
    groups: Vec<AccountName>,
}

impl InstrumentTable {
    /// An empty table.
    pub const fn new() -> Self {
        Self { assets: Vec::new(), instruments: Vec::new(), slots: Vec::new(), groups: Vec::new() }
    }

    /// Takes the next event; any but the three that matter change nothing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::AssetCreated(AssetCreated { asset, name, scale }) => {
                self.assets.push(AssetInfo { id: *asset, name: *name, scale: *scale });
            }
            Event::InstrumentCreated(created) => {
                let (base, quote) = (self.asset(created.base), self.asset(created.quote));
                if let (Some(base), Some(quote)) = (base, quote) {
                    let info = InstrumentInfo::new(created, *base, *quote);
                    self.instruments.push(info);
                    self.rebuild();
                }
            }
            Event::GroupCreated(created) => self.groups.push(created.name),
            _ => {}
        }
    }

    /// Listing is rare: the few names are simply placed anew.
    fn rebuild(&mut self) {
        let size = self.instruments.len().saturating_mul(2).next_power_of_two();
        self.slots.clear();
        self.slots.resize(size, 0);
        for instrument in &self.instruments {
            let mut at = slot_of(instrument.symbol.as_bytes(), size);
            while self.slots.get(at).is_some_and(|id| *id != 0) {
                at = next_slot(at, size);
            }
            if let Some(slot) = self.slots.get_mut(at) {
                *slot = instrument.id.0;
            }
        }
    }

    /// An asset by id.
    pub fn asset(&self, id: AssetId) -> Option<&AssetInfo> {
        by_id(&self.assets, id.0)
    }

    /// An asset by name. Cost: linear; there are few and nobody asks on the hot path.
    pub fn asset_named(&self, name: &[u8]) -> Option<&AssetInfo> {
        self.assets.iter().find(|asset| asset.name.as_bytes() == name)
    }

    /// An instrument by id.
    pub fn instrument(&self, id: InstrumentId) -> Option<&InstrumentInfo> {
        by_id(&self.instruments, id.0)
    }

    /// The name of a group of accounts.
    pub fn group(&self, id: GroupId) -> Option<&AccountName> {
        by_id(&self.groups, id.0)
    }

    /// All instruments, by id.
    pub fn instruments(&self) -> &[InstrumentInfo] {
        &self.instruments
    }

    /// All assets, by id.
    pub fn assets(&self) -> &[AssetInfo] {
        &self.assets
    }
}

/// Ids are given from 1 in order of creation.
fn by_id<T>(all: &[T], id: u32) -> Option<&T> {
    all.get(usize::try_from(id).ok()?.checked_sub(1)?)
}

impl Symbols for InstrumentTable {
    fn find_asset(&self, name: &[u8]) -> Option<&AssetInfo> {
        self.asset_named(name)
    }

    /// Cost: linear; only operators ask.
    fn find_group(&self, name: &[u8]) -> Option<GroupId> {
        let index = self.groups.iter().position(|group| group.as_bytes() == name)?;
        u32::try_from(index).ok()?.checked_add(1).map(GroupId)
    }

    fn find(&self, symbol: &[u8]) -> Option<&InstrumentInfo> {
        let mut at = slot_of(symbol, self.slots.len());
        loop {
            let id = InstrumentId(*self.slots.get(at)?);
            let instrument = self.instrument(id)?;
            if instrument.symbol.as_bytes() == symbol {
                return Some(instrument);
            }
            at = next_slot(at, self.slots.len());
        }
    }
}

fn next_slot(at: usize, size: usize) -> usize {
    at.wrapping_add(1) & size.wrapping_sub(1)
}

/// A multiplicative hash, eight bytes a step (Knuth, TAOCP 3, section 6.4). The names in the table
/// are the operator's, so nobody can choose them to collide.
fn slot_of(symbol: &[u8], size: usize) -> usize {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut hash = 0_u64;
    for chunk in symbol.chunks(8) {
        let mut word = [0; 8];
        if let Some(front) = word.get_mut(..chunk.len()) {
            front.copy_from_slice(chunk);
        }
        hash = (hash ^ u64::from_le_bytes(word)).wrapping_mul(GOLDEN).rotate_left(29);
    }
    usize::try_from(hash & 0xffff_ffff).unwrap_or_default() & size.wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use coulisse_types::Text;

    fn asset(id: u32, name: &[u8], scale: u8) -> AssetInfo {
        AssetInfo { id: AssetId(id), name: Text::new(name).expect("name"), scale }
    }

    fn listed(id: u32, symbol: &[u8], tick_minor: i64, lot_minor: i64) -> InstrumentCreated {
        InstrumentCreated {
            instrument: InstrumentId(id),
            symbol: Text::new(symbol).expect("symbol"),
            base: AssetId(1),
            quote: AssetId(2),
            tick_minor,
            lot_minor,
            min_qty: Qty::from_lots(1),
            max_qty: Qty::from_lots(1_000_000),
            min_notional: Amount::ZERO,
            maker_fee: FeeRate::from_ppm(200),
            taker_fee: FeeRate::from_ppm(500),
        }
    }

    fn info(tick_minor: i64, lot_minor: i64) -> InstrumentInfo {
        let created = listed(1, b"BTC-USD", tick_minor, lot_minor);
        InstrumentInfo::new(&created, asset(1, b"BTC", 8), asset(2, b"USD", 8))
    }

    #[test]
    fn text_becomes_ticks_and_lots_exactly_or_not_at_all() {
        let btc = info(1_000_000, 1_000);
        assert_eq!((btc.price_decimals(), btc.qty_decimals()), (2, 5));
        assert_eq!(btc.read_price(b"60000.00"), Ok(Price::from_ticks(6_000_000)));
        assert_eq!(btc.read_price(b"-5"), Ok(Price::from_ticks(-500)));
        assert_eq!(btc.read_price(b"60000.001"), Err(RejectCode::OffTick));
        assert_eq!(btc.read_qty(b"0.000015"), Err(RejectCode::OffLot));
        assert_eq!(btc.read_notional(b"0.000000001"), Err(RejectCode::OffMinorUnit));
        assert_eq!(btc.read_price(b"99999999999999999999"), Err(RejectCode::NumberOutOfRange));
        assert_eq!(btc.read_price(b"1e5"), Err(RejectCode::InvalidValue));
    }

    #[test]
    fn the_short_way_to_read_a_decimal_agrees_with_the_long_one() {
        let mut accepted = 0_u32;
        let mut state = 1_u64;
        for _ in 0..200_000 {
            let mut text = Vec::new();
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            for place in 0..(state >> 60) + 4 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let dot = place > 0 && (state >> 40).is_multiple_of(6);
                text.push(if dot { b'.' } else { b"0123456789-"[(state >> 33) as usize % 11] });
            }
            for decimals in 0..=12 {
                let Some(short) = short_decimal(&text, decimals) else { continue };
                accepted += 1;
                assert_eq!(decimal::parse(&text, decimals), Ok(i128::from(short)));
            }
        }
        assert!(accepted > 20_000, "{accepted}");
        assert_eq!(short_decimal(b"60000.00", 2), Some(6_000_000));
        assert_eq!(short_decimal(b"0.01", 5), Some(1_000));
        assert_eq!(short_decimal(b"", 5), None);
    }

    #[test]
    fn a_tick_that_is_no_power_of_ten_is_kept() {
        let nickel = info(5_000_000, 1_000);
        assert_eq!(nickel.read_price(b"60000.05"), Ok(Price::from_ticks(1_200_001)));
        assert_eq!(nickel.read_price(b"60000.04"), Err(RejectCode::OffTick));
        let tens = info(1_000_000_000, 1_000);
        assert_eq!(tens.read_price(b"60010"), Ok(Price::from_ticks(6_001)));
        assert_eq!(tens.read_price(b"60011"), Err(RejectCode::OffTick));
        let mut out = Vec::new();
        nickel.write_price(&mut out, Price::from_ticks(1_200_001));
        out.push(b' ');
        tens.write_price(&mut out, Price::from_ticks(6_001));
        assert_eq!(out, b"60000.05 60010");
    }

    #[test]
    fn every_listed_symbol_is_found_and_no_other() {
        let mut table = InstrumentTable::new();
        assert_eq!(table.find(b"BTC-USD"), None);
        for (id, name) in [(1, &b"BTC"[..]), (2, b"USD")] {
            let name = Text::new(name).expect("name");
            table.apply(&AssetCreated { asset: AssetId(id), name, scale: 8 }.into());
        }
        let symbol = |i: u32| alloc::format!("A{i}LONGNAME-USD");
        for i in 1..=300 {
            table.apply(&listed(i, symbol(i).as_bytes(), 1_000_000, 1_000).into());
        }
        for i in 1..=300 {
            let found = table.find(symbol(i).as_bytes()).map(|info| info.id);
            assert_eq!(found, Some(InstrumentId(i)));
        }
        assert_eq!(table.find(b"A301LONGNAME-USD"), None);
        assert_eq!(table.find(b""), None);
        assert_eq!(table.find(&[b'A'; 200]), None);
    }
}
