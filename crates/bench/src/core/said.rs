//! What an engine said, read back.

use super::outcome::{Tally, bits};
use coulisse_types::Event;

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// How many events.
    pub events: u64,
    /// The trades.
    pub tally: Tally,
    /// How many stops and their kind acted.
    pub triggered: u64,
    /// How many commands were refused.
    pub rejected: u64,
    /// The first refusal.
    pub reject: Option<String>,
    /// Everything, folded: read back, or the compiler could leave it out.
    pub folded: u64,
}

impl Said {
    /// Reads events back, and takes them off the buffer.
    #[inline]
    pub fn read(&mut self, events: &mut Vec<Event>) {
        for event in &*events {
            let folded = match event {
                Event::Traded(trade) => {
                    self.tally.add(trade.price.ticks(), trade.qty.lots());
                    trade.trade_id.0
                }
                Event::OrderTriggered(order) => {
                    self.triggered += 1;
                    order.order_id.0
                }
                Event::OrderAccepted(order) => order.order_id.0,
                Event::OrderFilled(fill) => bits(fill.remaining.lots()),
                Event::OrderRested(order) => bits(order.remaining.lots()),
                Event::OrderClosed(order) => bits(order.filled.lots()),
                Event::LevelChanged(level) => bits(level.qty.lots()),
                Event::BalanceChanged(balance) => u64::from(balance.account.0),
                Event::Rejected(reject) => {
                    self.rejected += 1;
                    self.reject.get_or_insert_with(|| format!("{reject:?}"));
                    0
                }
                _ => 0,
            };
            self.folded = self.folded.rotate_left(1) ^ folded;
        }
        self.events += events.len() as u64;
        events.clear();
    }
}
