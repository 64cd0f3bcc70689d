//! Inputs bent at random from a seed: what `make test` tries beside the kept corpus.

/// `SplitMix64` (Steele, Lea and Flood, 2014): the same numbers from the same seed, everywhere.
#[derive(Clone, Debug)]
pub struct Seeded(pub u64);

impl Seeded {
    /// The next number.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 where that is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }
}

/// `input` with up to four changes; some of it may come from `other`.
#[must_use]
pub fn bent(seeded: &mut Seeded, input: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=seeded.below(4) {
        let at = seeded.below(bytes.len() + 1);
        match seeded.below(6) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, seeded.next().to_le_bytes()[0]),
            2 => {
                let end = at + seeded.below(bytes.len() - at + 1).min(16);
                bytes.drain(at..end);
            }
            3 => {
                let from = seeded.below(other.len() + 1);
                let end = from + seeded.below(other.len() - from + 1).min(64);
                bytes.splice(at..at, other[from..end].iter().copied());
            }
            kind => {
                if let Some(byte) = bytes.get_mut(at) {
                    let noise = seeded.next().to_le_bytes();
                    *byte = if kind == 4 { *byte ^ (1 << (noise[0] % 8)) } else { noise[0] };
                }
            }
        }
    }
    bytes.truncate(super::corpus::INPUT_BYTES_MAX);
    bytes
}

/// Places at which to cut `bytes` in two: all of a short input, some of a long one.
pub fn cuts(bytes: &[u8]) -> impl Iterator<Item = usize> + use<> {
    let step = (bytes.len() / 64).max(1);
    (0..=bytes.len()).step_by(step)
}
