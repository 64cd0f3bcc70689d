//! Latencies counted in buckets whose width grows with the value.
//!
//! Invariants
//! - Recording is an increment: nothing is allocated, and no value is lost or cut off.
//! - A percentile is never below the true one and at most 1/64 above it.
//!
//! Values below 64 ns have a bucket each; above, every power of two is split in 64.
//! Source: Tene, `HdrHistogram` (2012), the idea.

const SPLIT_BITS: u32 = 6;
const SPLIT: u64 = 1 << SPLIT_BITS;
/// One row of buckets for each power of two from 64 up, and one for what is below.
const BUCKETS: usize = (64 - SPLIT_BITS as usize + 1) << SPLIT_BITS;

/// A histogram of durations in nanoseconds.
#[derive(Clone, Debug)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    max_ns: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

/// The bucket of a value.
fn bucket(value_ns: u64) -> usize {
    let row = (64 - SPLIT_BITS).saturating_sub(value_ns.leading_zeros());
    let column = value_ns >> row.saturating_sub(1);
    // Above row 0 the column's top bit is always set; it stands for the row.
    let place = if row == 0 { column } else { u64::from(row) * SPLIT + (column - SPLIT) };
    usize::try_from(place).unwrap_or(BUCKETS - 1)
}

/// The largest value in a bucket.
fn top_of(place: usize) -> u64 {
    let place = u64::try_from(place).unwrap_or(u64::MAX);
    let (row, column) = (place >> SPLIT_BITS, place & (SPLIT - 1));
    if row == 0 {
        return column;
    }
    let first = (column + SPLIT) << (row - 1);
    first + ((1 << (row - 1)) - 1)
}

impl Histogram {
    /// A histogram without values.
    pub fn new() -> Self {
        Self { counts: vec![0; BUCKETS], total: 0, max_ns: 0 }
    }

    /// Counts one value.
    pub fn record(&mut self, value_ns: u64) {
        self.counts[bucket(value_ns)] += 1;
        self.total += 1;
        self.max_ns = self.max_ns.max(value_ns);
    }

    /// How many values were counted.
    pub const fn total(&self) -> u64 {
        self.total
    }

    /// The largest value, exactly.
    pub const fn max_ns(&self) -> u64 {
        self.max_ns
    }

    /// What `per_mille` of a thousand values do not exceed; 0 without values.
    pub fn at_per_mille(&self, per_mille: u64) -> u64 {
        // In 128 bits: a count times a thousand.
        let rank = (u128::from(self.total) * u128::from(per_mille)).div_ceil(1_000).max(1);
        let mut seen: u128 = 0;
        for (place, count) in self.counts.iter().enumerate() {
            seen += u128::from(*count);
            if seen >= rank {
                return top_of(place).min(self.max_ns);
            }
        }
        self.max_ns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_falls_in_a_bucket_that_ends_at_most_a_64th_above_it() {
        let powers = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1, 3 << bit >> 1]);
        for value in powers.chain([0, 64, 65, 127, 128, 1_000_003, u64::MAX]) {
            let top = top_of(bucket(value));
            assert!(top >= value && top - value <= value / SPLIT, "{value} ends at {top}");
        }
        assert!(bucket(u64::MAX) < BUCKETS);
    }

    #[test]
    fn percentiles_of_a_thousand_values_are_theirs() {
        let mut histogram = Histogram::new();
        for value in (1..=1_000).rev() {
            histogram.record(value);
        }
        let near = |per_mille: u64| histogram.at_per_mille(per_mille).abs_diff(per_mille);
        assert!(near(500) <= 500 / SPLIT && near(990) <= 990 / SPLIT);
        assert_eq!(histogram.at_per_mille(1_000), 1_000);
        assert_eq!(histogram.max_ns(), 1_000);
        assert_eq!(Histogram::new().at_per_mille(500), 0);
    }
}
