//! The tables of the time series: names, columns, keys. Prices are in ticks, quantities in lots, times in µs
//! since the epoch.

use crate::tables::{ColumnSpec, Growth, Kind, TableSpec};

const fn column(name: &'static str, kind: Kind, doc: &'static str) -> ColumnSpec {
    ColumnSpec { name, kind, doc }
}

const SYMBOL: ColumnSpec = column("symbol", Kind::Text, "the instrument");
const AT: ColumnSpec = column("ts", Kind::Int, "when");
const SEQ: ColumnSpec = column("seq", Kind::Int, "the record");
const BID: ColumnSpec = column("bid", Kind::Int, "the best bid; 0 where bid_qty is");
const BID_QTY: ColumnSpec = column("bid_qty", Kind::Int, "what is bid there; 0: there is no bid");
const ASK: ColumnSpec = column("ask", Kind::Int, "the best ask; 0 where ask_qty is");
const ASK_QTY: ColumnSpec = column("ask_qty", Kind::Int, "what is asked there; 0: no ask");

const CANDLE: &[ColumnSpec] = &[
    SYMBOL,
    column("ts", Kind::Int, "when it begins"),
    column("seq", Kind::Int, "its last trade"),
    column("open", Kind::Int, "the first price"),
    column("high", Kind::Int, "the highest"),
    column("low", Kind::Int, "the lowest"),
    column("close", Kind::Int, "the last"),
    column("qty", Kind::Minor, "what was traded"),
    column("notional", Kind::Minor, "the same in ticks × lots"),
    column("trades", Kind::Int, "how many trades"),
];

const fn candles(name: &'static str) -> TableSpec {
    let doc = "The trades of one interval of time; where nothing traded there is no row.";
    TableSpec { name, doc, key: 2, growth: Growth::Writes, columns: CANDLE }
}

/// Every table of the time series; those of candles are the last ones, in the order of
/// [`CandleInterval::ALL`](coulisse_types::candle::CandleInterval::ALL).
pub const SERIES: &[TableSpec] = &[
    TableSpec {
        name: "instruments",
        doc: "What ticks and lots are: a price is ticks × tick_minor / 10^quote_scale, a quantity \
              lots × lot_minor / 10^base_scale.",
        key: 2,
        growth: Growth::Adds,
        columns: &[
            SYMBOL,
            column("ts", Kind::Int, "when it was listed"),
            SEQ,
            column("tick_minor", Kind::Int, "quote minor units of one tick on one base unit"),
            column("quote_scale", Kind::Int, "decimals of the quote's minor unit"),
            column("lot_minor", Kind::Int, "base minor units of one lot"),
            column("base_scale", Kind::Int, "decimals of the base's minor unit"),
        ],
    },
    TableSpec {
        name: "trades",
        doc: "A trade as the market sees it.",
        key: 4,
        growth: Growth::Adds,
        columns: &[
            SYMBOL,
            AT,
            SEQ,
            column("trade_id", Kind::Int, "its id, consecutive in the instrument"),
            column("price", Kind::Int, "the maker's price"),
            column("qty", Kind::Int, "how much"),
            column("taker_side", Kind::Text, "the side that arrived: buy or sell"),
        ],
    },
    TableSpec {
        name: "quotes",
        doc: "The best bid and ask, after each record that changed one of the four numbers.",
        key: 3,
        growth: Growth::Adds,
        columns: &[SYMBOL, AT, SEQ, BID, BID_QTY, ASK, ASK_QTY],
    },
    TableSpec {
        name: "quotes_1m",
        doc: "The last quote of each minute that had one.",
        key: 2,
        growth: Growth::Writes,
        columns: &[
            SYMBOL,
            column("ts", Kind::Int, "when the minute begins"),
            SEQ,
            BID,
            BID_QTY,
            ASK,
            ASK_QTY,
        ],
    },
    TableSpec {
        name: "marks",
        doc: "The mark price, after each record that set it.",
        key: 3,
        growth: Growth::Adds,
        columns: &[SYMBOL, AT, SEQ, column("price", Kind::Int, "the mark price")],
    },
    candles("candles_1s"),
    candles("candles_1m"),
    candles("candles_5m"),
    candles("candles_15m"),
    candles("candles_1h"),
    candles("candles_4h"),
    candles("candles_1d"),
];

/// Places of tables in [`SERIES`].
pub(super) const INSTRUMENTS: usize = 0;
pub(super) const TRADES: usize = 1;
pub(super) const QUOTES: usize = 2;
pub(super) const MINUTES: usize = 3;
pub(super) const MARKS: usize = 4;
pub(super) const CANDLES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use coulisse_types::candle::CandleInterval;

    #[test]
    fn every_table_is_at_its_place() {
        let at = [INSTRUMENTS, TRADES, QUOTES, MINUTES, MARKS];
        let names = ["instruments", "trades", "quotes", "quotes_1m", "marks"];
        assert_eq!(at.map(|place| SERIES[place].name), names);
        let candles: Vec<_> = SERIES[CANDLES..].iter().map(|table| table.name).collect();
        let wanted = CandleInterval::ALL.iter().map(|one| format!("candles_{}", one.name()));
        assert_eq!(candles, wanted.collect::<Vec<_>>());
    }
}
