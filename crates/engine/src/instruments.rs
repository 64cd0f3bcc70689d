//! What can be traded: rules, book and trade counter of each instrument.

use crate::charges;
use crate::configure::Trading;
use alloc::vec::Vec;
use coulisse_book::Book;
use coulisse_types::event::InstrumentCreated;
use coulisse_types::{
    Amount, AssetId, FeeRate, InstrumentId, Price, Qty, Symbol, TickLotValue, TradingState,
};

/// An instrument's rules. They never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// Its id.
    pub id: InstrumentId,
    /// Its name, `BASE-QUOTE`.
    pub symbol: Symbol,
    /// What is bought and sold.
    pub base: AssetId,
    /// What it is priced in.
    pub quote: AssetId,
    /// Quote minor units of one tick on one whole base unit.
    pub tick_minor: i64,
    /// Base minor units of one lot.
    pub lot_minor: i64,
    /// Quote minor units of one tick on one lot.
    pub unit: TickLotValue,
    /// Smallest order, in lots.
    pub min_qty: Qty,
    /// Largest order, in lots.
    pub max_qty: Qty,
    /// Smallest notional of an order, in quote minor units.
    pub min_notional: Amount,
    /// Fee of the resting side.
    pub maker_fee: FeeRate,
    /// Fee of the arriving side.
    pub taker_fee: FeeRate,
    /// Decimals of a minor unit of the base asset.
    pub base_scale: u8,
    /// Decimals of a minor unit of the quote asset.
    pub quote_scale: u8,
    /// Decimals that show every price.
    pub price_decimals: u8,
    /// Decimals that show every quantity.
    pub qty_decimals: u8,
}

impl Instrument {
    /// Whole ticks at `price` for `qty` in quote minor units; `None` past an `i128`.
    #[inline]
    pub(crate) fn notional(&self, price: Price, qty: Qty) -> Option<i128> {
        charges::notional(price.ticks(), qty.lots(), self.unit.minor())
    }

    /// The same where the limits rule out that it is past an `i128`.
    #[inline]
    #[expect(clippy::expect_used, reason = "the limits bound it: else a broken invariant")]
    pub(crate) fn notional_of_trade(&self, price: Price, qty: Qty) -> i128 {
        self.notional(price, qty).expect("a trade's notional is within the limits")
    }

    /// `qty` in base minor units.
    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "two i64 multiply within an i128")]
    pub(crate) fn base_minor(&self, qty: Qty) -> i128 {
        i128::from(qty.lots()) * i128::from(self.lot_minor)
    }

    /// The event that made it.
    pub(crate) const fn created(&self) -> InstrumentCreated {
        InstrumentCreated {
            instrument: self.id,
            symbol: self.symbol,
            base: self.base,
            quote: self.quote,
            tick_minor: self.tick_minor,
            lot_minor: self.lot_minor,
            min_qty: self.min_qty,
            max_qty: self.max_qty,
            min_notional: self.min_notional,
            maker_fee: self.maker_fee,
            taker_fee: self.taker_fee,
        }
    }
}

/// Decimals that show every multiple of `step` × 10^-scale.
pub(crate) fn display_decimals(step: i64, scale: u8) -> u8 {
    let mut decimals = scale;
    let mut rest = step;
    while decimals > 0 && rest.checked_rem(10) == Some(0) {
        rest = rest.checked_div(10).unwrap_or(1);
        decimals = decimals.saturating_sub(1);
    }
    decimals
}

/// An instrument at work.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) rules: Instrument,
    pub(crate) book: Book,
    /// The id of its last trade; 0 before the first.
    pub(crate) last_trade_id: u64,
    /// The largest qty that an order here ever had, in lots.
    pub(crate) largest_lots: i64,
    /// How it is traded.
    pub(crate) config: Trading,
    /// The price of its last trade, in ticks; 0 before the first.
    pub(crate) last_price_ticks: i64,
    /// Its mark price, in ticks; 0 before the first.
    pub(crate) mark_ticks: i64,
    /// What it takes now.
    pub(crate) state: TradingState,
}

/// All instruments, by id.
#[derive(Clone, Debug)]
pub(crate) struct Instruments {
    rows: Vec<Listing>,
    max: u32,
    live_orders_max: u32,
}

#[expect(clippy::arithmetic_side_effects, reason = "ids are from 1 and follow the number of rows")]
impl Instruments {
    pub(crate) const fn new(max: u32, live_orders_max: u32) -> Self {
        Self { rows: Vec::new(), max, live_orders_max }
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.rows.len()).unwrap_or(u32::MAX)
    }

    pub(crate) const fn max(&self) -> u32 {
        self.max
    }

    #[inline]
    pub(crate) fn get(&self, id: InstrumentId) -> Option<&Listing> {
        self.rows.get(crate::paged::index(id.0.checked_sub(1)?))
    }

    /// The instrument of something that exists.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "an unknown id here is a broken invariant")]
    pub(crate) fn at(&self, id: InstrumentId) -> &Listing {
        &self.rows[crate::paged::index(id.0 - 1)]
    }

    /// The same, to change.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "an unknown id here is a broken invariant")]
    pub(crate) fn at_mut(&mut self, id: InstrumentId) -> &mut Listing {
        &mut self.rows[crate::paged::index(id.0 - 1)]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Listing> {
        self.rows.iter()
    }

    /// Adds an instrument under the next id, whatever its own says.
    pub(crate) fn add(&mut self, rules: Instrument) -> &Instrument {
        let id = InstrumentId(self.count() + 1);
        let book = Book::new(self.live_orders_max);
        let rules = Instrument { id, ..rules };
        self.rows.push(Listing {
            rules,
            book,
            last_trade_id: 0,
            largest_lots: 0,
            config: Trading::UNCONFIGURED,
            last_price_ticks: 0,
            mark_ticks: 0,
            state: TradingState::Open,
        });
        &self.at(id).rules
    }
}
