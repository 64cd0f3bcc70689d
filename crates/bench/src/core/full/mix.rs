//! The flow of the full profile: all order types, drawn from a seed, against a market that moves.
//!
//! It is made ahead, command by command, beside an engine that says what became of each, so that
//! cancels and amends name orders that live; what is measured is the same rows on an engine of its
//! own. Each instrument has a middle that walks; orders are placed around it, and where the walk
//! meets what rests they trade. Stops stand a few ticks from the last price, so they act.
//!
//! Invariant: the rows depend on the seed and the counts alone.

use super::row::{Row, What};
use super::set_up::{ACCOUNTS, INSTRUMENTS, MIDDLE_TICKS};
use super::venue::Venue;
use crate::Failure;
use crate::core::draw::Draw;
use coulisse_types::{ClientOrderId, Event, InstrumentId, OrderId, Price, Qty, SelfTrade, Side};
use std::collections::BTreeMap;

/// Any number; another one gives another flow of the same kind.
const SEED: u64 = 42;
/// How often each is drawn, of a thousand. Limits that take are apart from those that rest.
const SHARES: [(What, u32); 22] = [
    (What::Limit, 540),
    (What::Cancel, 280),
    (What::Amend, 50),
    (What::Market, 25),
    (What::Ioc, 20),
    (What::PostOnly, 20),
    (What::Iceberg, 15),
    (What::Replace, 9),
    (What::Fok, 8),
    (What::SelfTrade, 6),
    (What::Stop, 5),
    (What::StopLimit, 5),
    (What::TakeProfit, 4),
    (What::TrailingStop, 2),
    (What::StopOnMark, 2),
    (What::MinQty, 2),
    (What::Gtd, 1),
    (What::Day, 2),
    (What::Oco, 1),
    (What::Pegged, 1),
    (What::Mark, 1),
    (What::CancelAfter, 1),
];
/// Of a thousand limits so many take.
const TAKE_PER_MILLE: u32 = 110;
/// Ticks from the middle that orders rest at, and those that rest near.
const DEPTH_TICKS: u32 = 1_000;
const NEAR_TICKS: u32 = 16;
const NEAR_PER_MILLE: u32 = 150;
/// How far past the middle a limit goes that takes.
const REACH_TICKS: i64 = 25;
/// One in so many commands of an instrument moves its middle by a tick.
const STEP_ODDS: u32 = 48;
/// Lots of an order are below this; a taker that is to meet n orders asks for n halves of it.
const QTY_LOTS_MAX: u32 = 40;
/// More lots than any order asks for.
pub const QTY_LOTS_MAX_OF_ALL: i64 = 1_000;
/// Ticks from the last price that stops stand at.
const STOP_TICKS: u32 = 30;
/// A cancel means a recent order so often, in a thousand; one of the last so many.
const RECENT_PER_MILLE: u32 = 600;
const RECENT: u64 = 512;
/// Pegged and trailing orders of one instrument: each is looked at after every command there.
const PEGS_MAX: u32 = 3;
const TRAILING_MAX: u32 = 10;
/// A tick comes in front of a batch of this many commands, if one is due.
const BATCH: usize = 64;
/// How long a `gtd` order stands at least, and how much longer at most.
const GTD_NS: i64 = 50_000_000;
const GTD_MORE_NS: u32 = 450_000_000;
/// What a dead man's switch is set to: an hour, which never passes here.
const SWITCH_NS: i64 = 3_600_000_000_000;
/// The place of an order that lives no more.
const GONE: usize = usize::MAX;

/// The rows of a run.
#[derive(Debug)]
pub struct Flow {
    /// Those that are not timed: limits that rest.
    pub prefill: Vec<Row>,
    /// The timed ones.
    pub rows: Vec<Row>,
    /// How many of each there are.
    pub counts: BTreeMap<What, u64>,
}

/// Makes the rows.
///
/// # Errors
/// The set-up was refused.
pub fn make(resting: usize, commands: usize) -> Result<Flow, Failure> {
    let mut mix = Mix::new(resting)?;
    let prefill: Vec<_> = (0..resting).map(|_| mix.do_next(What::Limit, true)).collect();
    mix.places_walk = true;
    let mut counts = BTreeMap::new();
    let mut rows = Vec::with_capacity(commands);
    for index in 0..commands {
        let row = if index % BATCH == 0 && mix.is_tick_due() {
            mix.do_next(What::Tick, false)
        } else {
            let what = mix.what();
            mix.do_next(what, false)
        };
        *counts.entry(row.what).or_default() += 1;
        rows.push(row);
    }
    Ok(Flow { prefill, rows, counts })
}

/// What is known of an order.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// The row that placed it.
    row: Row,
    /// Where it stands among the live ones.
    place: usize,
}

/// Prices of one instrument, in ticks, and its live orders that follow them.
#[derive(Clone, Copy, Debug)]
struct Market {
    middle: i64,
    last: i64,
    mark: i64,
    pegs: u32,
    trailing: u32,
}

struct Mix {
    draw: Draw,
    venue: Venue,
    markets: Vec<Market>,
    /// By order id, from 1.
    known: Vec<Known>,
    live: Vec<OrderId>,
    resting: usize,
    names: u64,
    places_walk: bool,
}

impl Mix {
    fn new(resting: usize) -> Result<Self, Failure> {
        let (middle, last) = (MIDDLE_TICKS, MIDDLE_TICKS);
        let market = Market { middle, last, mark: MIDDLE_TICKS, pegs: 0, trailing: 0 };
        Ok(Self {
            draw: Draw::new(SEED),
            venue: Venue::new(false)?,
            markets: vec![market; usize::try_from(INSTRUMENTS).unwrap_or_default()],
            known: Vec::new(),
            live: Vec::new(),
            resting,
            names: 0,
            places_walk: false,
        })
    }

    fn is_tick_due(&self) -> bool {
        self.venue.engine().next_timer_ns().is_some_and(|due_ns| due_ns <= self.venue.time_ns())
    }

    fn what(&mut self) -> What {
        let mut drawn = self.draw.up_to(SHARES.iter().map(|(_, share)| share).sum());
        for (what, share) in SHARES {
            if drawn < share {
                return what;
            }
            drawn -= share;
        }
        What::Limit
    }

    /// Draws the next row of a kind, or of another where that cannot be, and applies it.
    fn do_next(&mut self, what: What, only_rests: bool) -> Row {
        let row = self.draw_row(what, only_rests);
        self.venue.apply(&row);
        self.take_in(&row);
        self.venue.read_back();
        row
    }

    fn draw_row(&mut self, what: What, only_rests: bool) -> Row {
        let instrument = 1 + self.draw.up_to(INSTRUMENTS);
        self.walk(instrument);
        let side = if self.draw.up_to(2) == 0 { Side::Buy } else { Side::Sell };
        self.names += 1;
        let name = ClientOrderId::new(format!("c{:x}", self.names).as_bytes());
        let mut row = Row {
            what,
            side,
            account: 1 + self.draw.up_to(ACCOUNTS),
            instrument: InstrumentId(instrument),
            qty: Qty::from_lots(1 + self.draw.whole(QTY_LOTS_MAX)),
            price: Price::from_ticks(0),
            target: OrderId(0),
            extra: 0,
            name: name.unwrap_or_default(),
        };
        row.price = self.passive(&row);
        match what {
            What::Limit if !only_rests && self.draw.per_mille(TAKE_PER_MILLE) => {
                self.take(&mut row);
            }
            What::Cancel | What::Amend | What::Replace => self.target(&mut row),
            What::Ioc | What::Fok | What::MinQty => self.take(&mut row),
            What::Market => {
                self.take(&mut row);
                row.price = Price::from_ticks(0);
            }
            What::Mark => self.mark(&mut row),
            What::Tick => row.account = 0,
            _ => self.terms(&mut row),
        }
        row
    }

    fn market(&self, instrument: InstrumentId) -> &Market {
        &self.markets[usize::try_from(instrument.0 - 1).unwrap_or_default()]
    }

    fn market_mut(&mut self, instrument: InstrumentId) -> &mut Market {
        &mut self.markets[usize::try_from(instrument.0 - 1).unwrap_or_default()]
    }

    fn walk(&mut self, instrument: u32) {
        if self.places_walk && self.draw.up_to(STEP_ODDS) == 0 {
            let step = if self.draw.up_to(2) == 0 { 1 } else { -1 };
            let market = self.market_mut(InstrumentId(instrument));
            market.middle = (market.middle + step).clamp(MIDDLE_TICKS / 2, MIDDLE_TICKS * 3 / 2);
        }
    }

    /// A price on the order's own side of the middle.
    fn passive(&mut self, row: &Row) -> Price {
        let is_near = self.draw.per_mille(NEAR_PER_MILLE);
        let away = 1 + self.draw.whole(if is_near { NEAR_TICKS } else { DEPTH_TICKS });
        Price::from_ticks(ahead(row.side, self.market(row.instrument).middle, -away))
    }

    /// Makes an order one that takes: two or three of those that rest, more where too many do.
    fn take(&mut self, row: &mut Row) {
        let middle = self.market(row.instrument).middle;
        row.price = Price::from_ticks(ahead(row.side, middle, REACH_TICKS));
        let more = match self.live.len() * 100 / self.resting.max(1) {
            0..99 => 2,
            99..=101 => 5,
            _ => 12,
        };
        let meets = 1 + self.draw.whole(more);
        row.qty = Qty::from_lots(meets * i64::from(QTY_LOTS_MAX) / 2);
    }

    /// Names a live order, its account and instrument, and what becomes of it.
    fn target(&mut self, row: &mut Row) {
        let count = u64::try_from(self.known.len()).unwrap_or_default();
        let recent = count.saturating_sub(self.draw.below(RECENT));
        let id = if self.draw.per_mille(RECENT_PER_MILLE) && self.is_live(OrderId(recent)) {
            OrderId(recent)
        } else {
            let live = u64::try_from(self.live.len()).unwrap_or_default();
            self.live[usize::try_from(self.draw.below(live)).unwrap_or_default()]
        };
        let old = self.known(id).row;
        (row.account, row.instrument, row.side, row.target) =
            (old.account, old.instrument, old.side, id);
        match row.what {
            What::Cancel if self.draw.up_to(2) == 0 && !old.name.is_empty() => {
                (row.target, row.name) = (OrderId(0), old.name);
            }
            What::Cancel => row.name = ClientOrderId::default(),
            What::Amend if old.what != What::Limit => {
                (row.what, row.name) = (What::Cancel, ClientOrderId::default());
            }
            What::Amend if self.draw.up_to(2) == 0 => {
                row.qty = Qty::from_lots((old.qty.lots() - 1).max(1));
                row.price = Price::from_ticks(0);
            }
            What::Amend => {
                (row.qty, row.price) = (Qty::ZERO, self.passive(row));
            }
            _ => row.price = self.passive(row),
        }
    }

    fn mark(&mut self, row: &mut Row) {
        let last = self.market(row.instrument).last;
        (row.account, row.price) = (0, Price::from_ticks(last));
    }

    /// What else an order with terms says.
    fn terms(&mut self, row: &mut Row) {
        let Market { last, mark, pegs, trailing, .. } = *self.market(row.instrument);
        let away = 1 + self.draw.whole(STOP_TICKS);
        match row.what {
            What::Gtd => {
                let more_ns = self.draw.whole(GTD_MORE_NS);
                row.extra = self.venue.time_ns() + GTD_NS + more_ns;
            }
            What::Iceberg => {
                row.extra = row.qty.lots();
                row.qty = Qty::from_lots(row.qty.lots() * 4);
            }
            What::SelfTrade => {
                let modes = u32::from(SelfTrade::Decrement.number());
                row.extra = 1 + self.draw.whole(modes);
            }
            What::Pegged if pegs >= PEGS_MAX => row.what = What::Limit,
            What::TrailingStop if trailing >= TRAILING_MAX => row.what = What::Limit,
            What::TrailingStop => row.extra = away,
            What::Stop => row.extra = ahead(row.side, last, away),
            What::StopOnMark => row.extra = ahead(row.side, mark, away),
            What::TakeProfit => row.extra = ahead(row.side, last, -away),
            What::StopLimit => {
                row.extra = ahead(row.side, last, away);
                row.price = Price::from_ticks(ahead(row.side, row.extra, REACH_TICKS));
            }
            What::Oco => {
                row.extra = ahead(row.side, last, away);
                row.price = Price::from_ticks(ahead(row.side, last, -away - REACH_TICKS));
            }
            What::CancelAfter => row.extra = SWITCH_NS,
            _ => {}
        }
    }

    // What the engine said.

    fn take_in(&mut self, row: &Row) {
        let events = self.venue.events().to_vec();
        for event in &events {
            match event {
                Event::OrderAccepted(order) => self.add(order.order_id, row),
                Event::OrderClosed(order) => self.forget(order.order_id),
                Event::Traded(trade) => {
                    self.market_mut(trade.instrument).last = trade.price.ticks();
                }
                Event::MarkChanged(mark) => {
                    self.market_mut(mark.instrument).mark = mark.price.ticks();
                }
                Event::OrderAmended(order) => {
                    let place = index(order.order_id);
                    (self.known[place].row.qty, self.known[place].row.price) =
                        (order.qty, order.price);
                }
                _ => {}
            }
        }
    }

    fn add(&mut self, id: OrderId, row: &Row) {
        // The second leg of a pair has no name of its own.
        let is_second = self.known.last().is_some_and(|known| known.row.name == row.name);
        let name = if is_second { ClientOrderId::default() } else { row.name };
        self.known.push(Known { row: Row { name, ..*row }, place: self.live.len() });
        self.live.push(id);
        self.count(row, 1);
    }

    fn forget(&mut self, id: OrderId) {
        let Known { row, place } = *self.known(id);
        self.known[index(id)].place = GONE;
        self.live.swap_remove(place);
        if let Some(moved) = self.live.get(place) {
            self.known[index(*moved)].place = place;
        }
        self.count(&row, -1);
    }

    /// Counts an order that follows the prices in or out.
    fn count(&mut self, row: &Row, by: i32) {
        let market = self.market_mut(row.instrument);
        match row.what {
            What::Pegged => market.pegs = market.pegs.saturating_add_signed(by),
            What::TrailingStop => market.trailing = market.trailing.saturating_add_signed(by),
            _ => {}
        }
    }

    fn known(&self, id: OrderId) -> &Known {
        &self.known[index(id)]
    }

    fn is_live(&self, id: OrderId) -> bool {
        id.0 != 0 && self.known.get(index(id)).is_some_and(|known| known.place != GONE)
    }
}

/// Order ids count from 1, in shard 0.
fn index(id: OrderId) -> usize {
    usize::try_from(id.0 - 1).unwrap_or_default()
}

/// A price so many ticks further on than another, as an order of this side sees it: a buyer's up.
fn ahead(side: Side, price: i64, ticks: i64) -> i64 {
    match side {
        Side::Buy => price + ticks,
        Side::Sell => price - ticks,
    }
}
