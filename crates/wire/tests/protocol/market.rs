//! One small market, and randomness from a seed.

use coulisse_types::event::{AssetCreated, GroupCreated, InstrumentCreated};
use coulisse_types::{Amount, AssetId, FeeRate, GroupId, InstrumentId, Qty, Text};
use coulisse_wire::InstrumentTable;

pub(crate) const BTC_USD: InstrumentId = InstrumentId(1);
pub(crate) const ETH_USD: InstrumentId = InstrumentId(2);

pub(crate) fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text.as_bytes()).expect("text")
}

/// BTC-USD: tick 0.01, lot 0.00001. ETH-USD: tick 0.05, lot 0.001. USD has 8 decimals.
/// One group: `desk`.
pub(crate) fn table() -> InstrumentTable {
    let mut table = InstrumentTable::new();
    for (id, name) in [(1, "BTC"), (2, "USD"), (3, "ETH")] {
        table.apply(&AssetCreated { asset: AssetId(id), name: text(name), scale: 8 }.into());
    }
    for (instrument, symbol, base, tick_minor, lot_minor) in
        [(BTC_USD, "BTC-USD", 1, 1_000_000, 1_000), (ETH_USD, "ETH-USD", 3, 5_000_000, 100_000)]
    {
        let listed = InstrumentCreated {
            instrument,
            symbol: text(symbol),
            base: AssetId(base),
            quote: AssetId(2),
            tick_minor,
            lot_minor,
            min_qty: Qty::from_lots(1),
            max_qty: Qty::from_lots(100_000_000),
            min_notional: Amount::from_minor(100_000_000),
            maker_fee: FeeRate::from_ppm(200),
            taker_fee: FeeRate::from_ppm(500),
        };
        table.apply(&listed.into());
    }
    table.apply(&GroupCreated { group: GroupId(1), name: text("desk") }.into());
    table
}

/// `SplitMix64` (Steele, Lea and Flood, 2014): the same numbers from the same seed, everywhere.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).expect("bound")).expect("below")
    }

    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
