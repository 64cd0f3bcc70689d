//! Which nonces a key has used: the highest, and a window of 1,024 behind it.
//!
//! Invariant: a nonce is taken at most once, whatever the order in which they come.
//!
//! Cost: constant but for a jump ahead, which clears at most the whole window (16 words).
//! Source: the anti-replay window of RFC 4303 (ESP), section 3.4.3, with a ring instead of a shift.

use coulisse_types::limits::NONCE_WINDOW;

/// Words of the window.
pub(crate) const WORDS: usize = 16;
const BITS: u64 = 64;
const _: () = assert!(NONCE_WINDOW == 16 * BITS, "the window is these words");

/// The nonces of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Nonces {
    /// The highest so far; 0 for none.
    pub(crate) highest: u64,
    /// Bit `nonce % 1024` says whether that nonce of the window was used.
    pub(crate) used: [u64; WORDS],
}

#[expect(clippy::arithmetic_side_effects, reason = "differences of what was compared before")]
impl Nonces {
    /// Takes a nonce; whether it was free. 0 never is.
    pub(crate) fn take(&mut self, nonce: u64) -> bool {
        if nonce > self.highest {
            let ahead = (nonce - self.highest).min(NONCE_WINDOW);
            // What the window moves over has not been used by anyone.
            for step in 0..ahead {
                self.set(nonce - step, false);
            }
            self.highest = nonce;
        } else if nonce == 0 || self.highest - nonce >= NONCE_WINDOW || self.is_set(nonce) {
            return false;
        }
        self.set(nonce, true);
        true
    }

    const fn place(nonce: u64) -> (u64, u64) {
        let bit = nonce % NONCE_WINDOW;
        (bit / BITS, 1 << (bit % BITS))
    }

    fn is_set(&self, nonce: u64) -> bool {
        let (word, bit) = Self::place(nonce);
        (0..).zip(&self.used).any(|(at, used)| at == word && used & bit != 0)
    }

    fn set(&mut self, nonce: u64, used: bool) {
        let (word, bit) = Self::place(nonce);
        for (at, held) in (0..).zip(&mut self.used) {
            if at == word {
                *held = if used { *held | bit } else { *held & !bit };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;

    #[test]
    fn a_nonce_is_free_where_it_is_within_the_window_and_was_not_used() {
        let (mut nonces, mut used) = (Nonces::default(), BTreeSet::new());
        let (mut highest, mut state) = (0_u64, 7_u64);
        for _ in 0..20_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let jump = match state >> 62 {
                0 => 3,
                1 => 40,
                2 => 1_100,
                _ => 2_000,
            };
            let nonce = (highest + jump).saturating_sub((state >> 33) % 1_500).max(1);
            let is_free = nonce + NONCE_WINDOW > highest && !used.contains(&nonce);
            assert_eq!(nonces.take(nonce), is_free, "{nonce} after {highest}");
            if is_free {
                used.insert(nonce);
                highest = highest.max(nonce);
            }
        }
        assert!(used.len() > 1_000);
    }
}
