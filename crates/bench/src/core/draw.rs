//! Draws from a seed, in whole numbers.
//!
//! Source: Steele, Lea and Flood, Fast Splittable Pseudorandom Number Generators (2014), `SplitMix64`.

/// A stream of draws.
#[derive(Clone, Debug)]
pub struct Draw {
    state: u64,
}

impl Draw {
    /// The stream of a seed.
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to but not `below`, which is not 0.
    #[inline]
    pub fn below(&mut self, below: u64) -> u64 {
        // The high half of the product: no remainder, and a bias of less than `below` / 2^64.
        let product = u128::from(self.next()) * u128::from(below);
        u64::try_from(product >> 64).unwrap_or_default()
    }

    /// The same for numbers that are small.
    #[inline]
    pub fn up_to(&mut self, below: u32) -> u32 {
        u32::try_from(self.below(u64::from(below))).unwrap_or_default()
    }

    /// The same, as ticks or lots.
    #[inline]
    pub fn whole(&mut self, below: u32) -> i64 {
        i64::from(self.up_to(below))
    }

    /// True so many times in a thousand.
    #[inline]
    pub fn per_mille(&mut self, chance: u32) -> bool {
        self.up_to(1_000) < chance
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_gives_one_stream_within_its_bounds() {
        let (mut one, mut other) = (Draw::new(7), Draw::new(7));
        let drawn: Vec<_> = (0..1_000).map(|_| one.below(10)).collect();
        assert!(drawn.iter().all(|number| *number == other.below(10)));
        for number in 0..10 {
            let count = drawn.iter().filter(|drawn| **drawn == number).count();
            assert!((50..150).contains(&count), "{number} was drawn {count} times");
        }
    }
}
