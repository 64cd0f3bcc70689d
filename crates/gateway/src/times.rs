//! How long things took: counts between fixed bounds.
//!
//! Cost: one comparison and one addition where it is the time that was counted last, as it is for the commands
//! of one read; else a table look-up, some comparisons and additions. Nothing is allocated.

/// Bounds, in µs: six to a decade from 10 µs to 10 s, five below that. A time counts under the first bound
/// that it does not pass.
pub const BOUNDS_US: [u64; BOUNDS] = bounds();

const BOUNDS: usize = FIRST_DECADE.len() + DECADES * STEPS.len() + 1;
const FIRST_DECADE: [u64; 5] = [1, 2, 3, 5, 7];
const STEPS: [u64; 6] = [10, 15, 20, 30, 50, 70];
const DECADES: usize = 6;

const fn bounds() -> [u64; BOUNDS] {
    let mut all = [0; BOUNDS];
    let mut at = 0;
    while at < FIRST_DECADE.len() {
        all[at] = FIRST_DECADE[at];
        at += 1;
    }
    let mut unit = 1;
    while at < BOUNDS {
        let step = (at - FIRST_DECADE.len()) % STEPS.len();
        all[at] = STEPS[step] * unit;
        if step + 1 == STEPS.len() {
            unit *= 10;
        }
        at += 1;
    }
    all
}

/// For each length in bits, the first bound that is not below the smallest number of that length.
const FIRST: [u8; 65] = first();

const fn first() -> [u8; 65] {
    let mut all = [0; 65];
    let mut bits = 1;
    while bits < all.len() {
        let least = 1_u64 << (bits - 1);
        let mut at: u8 = 0;
        while (at as usize) < BOUNDS && BOUNDS_US[at as usize] < least {
            at += 1;
        }
        all[bits] = at;
        bits += 1;
    }
    all
}

/// How often each length of time was seen, and what all together come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    counts: [u64; BOUNDS + 1],
    sum_us: u64,
    /// The time that was counted last, in µs, and how often: not in the others yet.
    run: (u64, u64),
}

impl Default for Times {
    fn default() -> Self {
        Self { counts: [0; BOUNDS + 1], sum_us: 0, run: (0, 0) }
    }
}

impl Times {
    /// Counts a time of so many µs, so often. One below 0, where a wall clock was set back, counts as 0.
    #[inline]
    pub fn add(&mut self, us: i64, count: u64) {
        if cfg!(feature = "uncounted") {
            return;
        }
        let us = u64::try_from(us).unwrap_or(0);
        if us != self.run.0 {
            let (before_us, count) = self.run;
            self.counts[place(before_us)] += count;
            self.sum_us = self.sum_us();
            self.run = (us, 0);
        }
        self.run.1 += count;
    }

    /// The counts under each bound alone, and beyond the last.
    pub fn counts(&self) -> [u64; BOUNDS + 1] {
        let (us, count) = self.run;
        let mut counts = self.counts;
        counts[place(us)] += count;
        counts
    }

    /// What all times together come to, in µs.
    pub const fn sum_us(&self) -> u64 {
        let (us, count) = self.run;
        self.sum_us.saturating_add(us.saturating_mul(count))
    }
}

/// Where a time counts.
fn place(us: u64) -> usize {
    let bits = u64::BITS - us.leading_zeros();
    let mut at = usize::from(FIRST[bits as usize]);
    while at < BOUNDS && BOUNDS_US[at] < us {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_rise_from_a_microsecond_to_ten_seconds() {
        assert!(BOUNDS_US.is_sorted_by(|one, next| one < next), "{BOUNDS_US:?}");
        assert_eq!((BOUNDS_US[0], BOUNDS_US[BOUNDS - 1]), (1, 10_000_000));
        assert!(BOUNDS_US.contains(&15) && BOUNDS_US.contains(&7_000_000));
    }

    #[test]
    fn a_time_counts_under_the_first_bound_that_it_does_not_pass() {
        let around = BOUNDS_US.iter().flat_map(|bound| [bound - 1, *bound, bound + 1]);
        for us in around.chain([0, u64::from(u32::MAX), i64::MAX as u64]) {
            let mut times = Times::default();
            times.add(i64::try_from(us).expect("no more than that"), 3);
            let at = BOUNDS_US.iter().position(|bound| us <= *bound).unwrap_or(BOUNDS);
            assert_eq!(times.counts()[at], 3, "{us} µs");
            assert_eq!(times.counts().iter().sum::<u64>(), 3);
            assert_eq!(times.sum_us(), us.saturating_mul(3));
        }
    }

    #[test]
    fn times_that_alternate_and_times_that_repeat_are_all_counted() {
        let mut times = Times::default();
        for us in [7, 7, 7, 40, 7, 40, 40, 0, 0, 7] {
            times.add(us, 1);
        }
        let at = |us| BOUNDS_US.iter().position(|bound| us <= *bound).unwrap_or(BOUNDS);
        assert_eq!((times.counts()[at(7)], times.counts()[at(40)], times.counts()[0]), (5, 3, 2));
        assert_eq!(times.sum_us(), 5 * 7 + 3 * 40);
    }

    #[test]
    fn a_clock_that_was_set_back_counts_as_no_time() {
        let mut times = Times::default();
        times.add(-5, 2);
        assert_eq!((times.counts()[0], times.sum_us()), (2, 0));
    }
}
