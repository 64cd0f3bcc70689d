//! Candles: trades folded into intervals of time, the one fold of them that there is.
//!
//! A trade changes the candle of its second alone. When a later second trades, that candle is added to
//! the ones of every longer interval; what is under way in those is what they have and the second's.
//!
//! Invariants
//! - What a series shows is a function of the trades in the log and of the times of their records.
//! - A series keeps [`CANDLES_KEPT_MAX`] candles of each interval, the one under way included.
//!
//! Cost: a trade changes one candle; a second that traded changes one of each interval.

use crate::limits::CANDLES_KEPT_MAX;
use coulisse_wire::native::feed::{Candle, CandleInterval, TradeRow};
use std::collections::VecDeque;

/// The intervals longer than a second.
const LONGER: usize = CandleInterval::ALL.len() - 1;

/// The candles of one instrument.
#[derive(Debug, Default)]
pub struct CandleSeries {
    /// Of each interval, oldest first; the last may be under way. Those longer than a second lack what
    /// the last second has traded.
    pub(crate) kept: [VecDeque<Candle>; LONGER + 1],
}

/// When the interval begins that a time is in.
fn start_of(interval: CandleInterval, time_us: i64) -> i64 {
    time_us.div_euclid(interval.micros()) * interval.micros()
}

/// Adds to the last candle, or behind it.
fn add(kept: &mut VecDeque<Candle>, candle: Candle) {
    match kept.back_mut() {
        // Times of the log never fall.
        Some(last) if last.start_us >= candle.start_us => last.extend(&candle),
        _ => {
            if kept.len() >= CANDLES_KEPT_MAX {
                kept.pop_front();
            }
            kept.push_back(candle);
        }
    }
}

impl CandleSeries {
    /// Takes a trade.
    pub fn traded(&mut self, trade: &TradeRow) {
        let [seconds, longer @ ..] = &mut self.kept;
        let start_us = start_of(CandleInterval::OneSecond, trade.time_us);
        let candle = Candle::of(start_us, trade.price, trade.qty, trade.seq);
        if let Some(done) = seconds.back().filter(|last| last.start_us < start_us) {
            for (kept, interval) in longer.iter_mut().zip(&CandleInterval::ALL[1..]) {
                let start_us = start_of(*interval, done.start_us);
                add(kept, Candle { start_us, ..*done });
            }
        }
        add(seconds, candle);
    }

    /// The latest candles of an interval, oldest first, the one under way included.
    pub fn latest(&self, interval: CandleInterval) -> VecDeque<Candle> {
        let [seconds, longer @ ..] = &self.kept;
        if interval == CandleInterval::OneSecond {
            return seconds.clone();
        }
        let at = CandleInterval::ALL[1..].iter().position(|one| *one == interval).unwrap_or(0);
        let mut kept = longer[at].clone();
        if let Some(last) = seconds.back() {
            add(&mut kept, Candle { start_us: start_of(interval, last.start_us), ..*last });
        }
        kept
    }

    /// All trades of the hour that `time_us` is in and the 23 before it, as one candle.
    pub fn day(&self, time_us: i64) -> Option<Candle> {
        let hour = CandleInterval::OneHour;
        let first_us = start_of(hour, time_us) - 23 * hour.micros();
        let mut hours = self.latest(hour).into_iter().filter(|one| one.start_us >= first_us);
        let mut day = hours.next()?;
        hours.for_each(|one| day.extend(&one));
        Some(day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coulisse_types::{Price, Qty, Side};

    fn trade(seq: u64, time_us: i64, ticks: i64) -> TradeRow {
        let (price, qty) = (Price::from_ticks(ticks), Qty::from_lots(2));
        TradeRow { trade_id: seq, price, qty, taker_side: Side::Buy, seq, time_us }
    }

    /// The fold as one would write it down: each interval by itself.
    fn naive(trades: &[TradeRow], interval: CandleInterval) -> Vec<Candle> {
        let mut candles: Vec<Candle> = Vec::new();
        for trade in trades {
            let start_us = trade.time_us - trade.time_us.rem_euclid(interval.micros());
            let one = Candle::of(start_us, trade.price, trade.qty, trade.seq);
            match candles.last_mut().filter(|last| last.start_us == start_us) {
                Some(last) => {
                    last.high = last.high.max(trade.price);
                    last.low = last.low.min(trade.price);
                    last.close = trade.price;
                    last.lots += 2;
                    last.tick_lots += 2 * i128::from(trade.price.ticks());
                    last.trades += 1;
                    last.seq = trade.seq;
                }
                None => candles.push(one),
            }
        }
        candles.split_off(candles.len().saturating_sub(CANDLES_KEPT_MAX))
    }

    #[test]
    fn every_interval_is_what_folding_it_by_itself_gives_after_every_trade() {
        let (mut series, mut trades) = (CandleSeries::default(), Vec::new());
        let (mut time_us, mut random) = (1_795_391_900_000_000, 7_u64);
        for seq in 1..3_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Mostly within a second, now and then some minutes or a day later.
            time_us += match random >> 60 {
                0 => 86_400_000_000 / 7,
                1..4 => 130_000_000,
                _ => 400_000,
            };
            let ticks = i64::try_from(random >> 40 & 0xff).expect("a byte") + 1;
            trades.push(trade(seq, time_us, ticks));
            series.traded(trades.last().expect("just pushed"));
            if seq % 37 == 0 || seq < 50 {
                for interval in CandleInterval::ALL {
                    assert_eq!(series.latest(*interval), naive(&trades, *interval), "{seq}");
                }
            }
        }
        for kept in &series.kept {
            assert!(kept.len() <= CANDLES_KEPT_MAX);
        }
    }

    #[test]
    fn a_day_is_the_hour_under_way_and_the_23_before_it() {
        let hour_us = CandleInterval::OneHour.micros();
        let mut series = CandleSeries::default();
        for hour in 0..30 {
            let seq = u64::try_from(hour).expect("not negative") + 1;
            series.traded(&trade(seq, hour * hour_us + 5, hour + 1));
        }
        let day = series.day(29 * hour_us + 7).expect("it traded");
        assert_eq!((day.trades, day.open.ticks(), day.close.ticks()), (24, 7, 30));
        assert_eq!(series.day(60 * hour_us), None);
    }
}
