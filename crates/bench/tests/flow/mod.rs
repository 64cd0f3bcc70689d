//! A small order flow with known fills: every order is of ten lots, and every crossing order takes
//! the first order of the other side, whole.

use std::collections::BTreeSet;
use std::fmt::Write;

/// Orders that rest before cancels and crosses begin, and about as many at the end.
const DEPTH: usize = 2_000;

/// A flow that goes on where it stopped.
#[derive(Default)]
pub(crate) struct Flow {
    state: u64,
    last_id: u64,
    /// Each side by priority: how far from the middle, then who came first.
    sides: [BTreeSet<(u64, u64)>; 2],
}

impl Flow {
    fn draw(&mut self, below: u64) -> u64 {
        // Knuth's MMIX constants; the high bits are good enough here.
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695);
        (self.state >> 33) % below
    }

    /// The next `count` lines.
    pub(crate) fn lines(&mut self, count: usize) -> String {
        let mut text = String::new();
        for _ in 0..count {
            self.line(&mut text);
        }
        text
    }

    fn line(&mut self, text: &mut String) {
        let side = usize::from(self.draw(2) == 1);
        let is_full = self.sides[side].len() > DEPTH / 2;
        let kind = self.draw(100);
        if is_full && kind < 45 {
            let from = (self.draw(200), 0);
            let found = self.sides[side].range(from..).next().copied();
            let key = found.unwrap_or_else(|| *self.sides[side].first().expect("full"));
            self.sides[side].remove(&key);
            let _ = writeln!(text, "C,{},0,0,0", key.1);
            return;
        }
        self.last_id += 1;
        let id = self.last_id;
        if is_full && kind < 55 {
            let _ = self.sides[side].pop_first();
            let limit = if side == 1 { 200_000 } else { 50_000 };
            let _ = writeln!(text, "X,{id},{},{limit},10", 1 - side);
            return;
        }
        let distance = 1 + self.draw(300);
        self.sides[side].insert((distance, id));
        let price = if side == 1 { 100_000 + distance } else { 100_000 - distance };
        let _ = writeln!(text, "A,{id},{side},{price},10");
    }
}
