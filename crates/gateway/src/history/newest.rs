//! What the node knows of an account that the store does not have yet: read off the ring of the latest
//! records, along the links of the account's own channel, from the newest to the oldest.
//!
//! Cost: one step for each record that told the account something, [`HISTORY_RECORDS_MAX`] at most,
//! whatever else happened meanwhile.

use super::FillAt;
use crate::hub::Hub;
use crate::limits::HISTORY_RECORDS_MAX;
use crate::private_feed::links_of;
use coulisse_types::event::{OrderAccepted, OrderClosed, OrderTermsSet};
use coulisse_types::{AccountId, Event, InstrumentId, OrderId, Price, Qty, Seq};
use coulisse_wire::native::Channel;
use coulisse_wire::native::feed::{ClosedOrder, FillRow, OpenOrder};
use coulisse_wire::native::history::{History, Place};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// How far down a reading of the newest records has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// To the store's end: the store has what is older.
    All,
    /// To all that is wanted.
    Enough,
    /// The page is full, or as many records were looked at as may be: it goes on before this place.
    Stopped(Place),
    /// Something between them and the store is no longer kept.
    Gap,
}

/// Rows of records that the store does not have, the newest first: one more than a page, where there are so
/// many.
#[derive(Debug)]
pub(super) struct Newest<T> {
    pub(super) rows: Vec<T>,
    pub(super) reach: Reach,
}

/// An order that closed, as far as the newest records tell of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closing {
    place: Place,
    time_us: i64,
    event: OrderClosed,
    qty: Option<Qty>,
    price: Option<Price>,
    terms: Option<OrderTermsSet>,
    accepted: Option<(OrderAccepted, u64, i64)>,
}

impl Closing {
    pub(super) const fn order_id(&self) -> OrderId {
        self.event.order_id
    }

    /// Whether these records say how it was accepted too.
    pub(super) const fn is_known(&self) -> bool {
        self.accepted.is_some()
    }

    /// Takes what an event says of it, unless a later one has said it.
    fn take(&mut self, event: &Event, seq: u64, time_us: i64) {
        match event {
            Event::OrderAmended(event) => {
                self.qty.get_or_insert(event.qty);
                self.price.get_or_insert(event.price);
            }
            Event::OrderDecremented(event) => {
                self.qty.get_or_insert(event.qty);
            }
            Event::OrderTriggered(event) => {
                self.price.get_or_insert(event.price);
            }
            Event::OrderTermsSet(event) => self.terms = Some(*event),
            Event::OrderAccepted(event) => {
                self.qty.get_or_insert(event.qty);
                self.price.get_or_insert(event.price);
                self.accepted = Some((*event, seq, time_us));
            }
            _ => {}
        }
    }

    /// The order as it closed; `stored` is how the store has it, where these records do not say how it was
    /// accepted.
    pub(super) fn order(&self, stored: Option<&ClosedOrder>) -> Option<ClosedOrder> {
        let closed = &self.event;
        let (order, notional, accepted_seq, accepted_us) = match (&self.accepted, stored) {
            (Some((event, seq, time_us)), _) => {
                let order = OpenOrder {
                    order_id: event.order_id,
                    client_order_id: event.client_order_id,
                    instrument: event.instrument,
                    side: event.side,
                    order_type: event.order_type,
                    time_in_force: event.time_in_force,
                    post_only: event.post_only,
                    qty: event.qty,
                    price: event.price,
                    filled: closed.filled,
                    waits: false,
                    terms: self.terms,
                };
                (order, event.notional, *seq, *time_us)
            }
            (None, Some(row)) => (row.order, row.notional, row.accepted_seq, row.accepted_us),
            (None, None) => return None,
        };
        let qty = self.qty.unwrap_or(order.qty);
        let price = self.price.unwrap_or(order.price);
        Some(ClosedOrder {
            place: self.place,
            time_us: self.time_us,
            order: OpenOrder { qty, price, filled: closed.filled, ..order },
            notional,
            remaining: closed.remaining,
            state: closed.state,
            reason: closed.reason,
            accepted_seq,
            accepted_us,
        })
    }
}

/// What an event says of which order of which account, where that matters to how it was in the end.
const fn order_of(event: &Event) -> Option<(AccountId, OrderId)> {
    Some(match event {
        Event::OrderAccepted(event) => (event.account, event.order_id),
        Event::OrderAmended(event) => (event.account, event.order_id),
        Event::OrderDecremented(event) => (event.account, event.order_id),
        Event::OrderTriggered(event) => (event.account, event.order_id),
        Event::OrderTermsSet(event) => (event.account, event.order_id),
        _ => return None,
    })
}

/// One record of an account, read.
struct Record {
    seq: u64,
    time_us: i64,
    events: Vec<(u32, Event)>,
}

impl Record {
    /// Its events from the last to the first, each with its place.
    fn backwards(&self) -> impl Iterator<Item = (Place, &Event)> {
        let seq = self.seq;
        self.events.iter().rev().map(move |(item, event)| (Place { seq, item: *item }, event))
    }
}

impl Hub {
    /// The account's fills of records behind `store_seq`.
    pub(super) fn newest_fills(
        &self,
        account: AccountId,
        asked: &History,
        store_seq: u64,
    ) -> Newest<FillAt> {
        let mut rows = Vec::new();
        let down_to = store_seq.max(asked.from_seq);
        let reach = self.walk((account, Channel::Fills), asked.before, down_to, |record| {
            for (place, event) in record.backwards() {
                let Event::OrderFilled(fill) = event else { continue };
                let is_its = fill.account == account
                    && (asked.order_id.0 == 0 || asked.order_id == fill.order_id);
                if is_its && asked.wants(place, record.time_us, fill.instrument) {
                    let (seq, time_us) = (record.seq, record.time_us);
                    rows.push(FillAt { place, row: FillRow { fill: *fill, seq, time_us } });
                }
            }
            if rows.len() > asked.limit as usize {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        Newest { rows, reach }
    }

    /// The account's orders that closed in records behind `store_seq`. All that are told are known, but where
    /// it reached the store.
    pub(super) fn newest_closings(
        &self,
        account: AccountId,
        asked: &History,
        store_seq: u64,
    ) -> Newest<Closing> {
        let limit = asked.limit as usize;
        let mut rows: Vec<Closing> = Vec::new();
        let mut unknown: BTreeMap<OrderId, usize> = BTreeMap::new();
        let reach = self.walk((account, Channel::Orders), asked.before, store_seq, |record| {
            for (place, event) in record.backwards() {
                if let Event::OrderClosed(closed) = event {
                    if is_wanted(asked, account, closed, (place, record.time_us)) {
                        // One more than the page says that there are more; how it was, nobody asks.
                        if rows.len() < limit {
                            unknown.insert(closed.order_id, rows.len());
                        }
                        rows.push(Closing::of(closed, place, record.time_us));
                    }
                    continue;
                }
                let Some((whose, order_id)) = order_of(event) else { continue };
                let index = unknown.get(&order_id).filter(|_| whose == account);
                if let Some(closing) = index.and_then(|index| rows.get_mut(*index)) {
                    closing.take(event, record.seq, record.time_us);
                    if closing.is_known() {
                        unknown.remove(&order_id);
                    }
                }
            }
            let is_enough = rows.len() > limit || record.seq <= asked.from_seq;
            if is_enough && unknown.is_empty() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        settled(rows, reach, limit)
    }

    /// Shows records of an account's channel to `look`, from the newest that stands before `before` down to
    /// those that the store has, or until that has seen enough.
    fn walk(
        &self,
        (account, channel): (AccountId, Channel),
        before: Option<Place>,
        store_seq: u64,
        mut look: impl FnMut(&Record) -> ControlFlow<()>,
    ) -> Reach {
        let ends = links_of(&self.private, account, channel);
        let Some((key, newest)) = ends.first().copied() else { return Reach::All };
        // The page before ended at a record of this same chain.
        let mut at = before.map_or(newest, |before| newest.min(Seq(before.seq)));
        let mut last = None;
        for _ in 0..HISTORY_RECORDS_MAX {
            if at.0 <= store_seq {
                return Reach::All;
            }
            let Some(kept) = self.ring.find(at) else { return Reach::Gap };
            let Some(prev) = kept.prev(key) else { return Reach::Gap };
            let (seq, time_us) = (at.0, kept.time_us());
            let record = Record { seq, time_us, events: kept.numbered_events() };
            if look(&record).is_break() {
                return Reach::Enough;
            }
            (last, at) = (Some(seq), prev);
        }
        let stopped = last.map(|seq| Place { seq, item: 0 });
        if at.0 <= store_seq { Reach::All } else { stopped.map_or(Reach::Gap, Reach::Stopped) }
    }
}

impl Closing {
    const fn of(event: &OrderClosed, place: Place, time_us: i64) -> Self {
        let (qty, price, terms, accepted) = (None, None, None, None);
        Self { place, time_us, event: *event, qty, price, terms, accepted }
    }
}

fn is_wanted(
    asked: &History,
    account: AccountId,
    closed: &OrderClosed,
    (place, time_us): (Place, i64),
) -> bool {
    let instrument: InstrumentId = closed.instrument;
    closed.account == account
        && (asked.order_id.0 == 0 || asked.order_id == closed.order_id)
        && (asked.client_order_id.is_empty() || asked.client_order_id == closed.client_order_id)
        && asked.wants(place, time_us, instrument)
}

/// The page's own closings alone, and where it ends: behind them where there are more, and in front of one of
/// which the records that may be looked at do not say how it was accepted.
fn settled(mut rows: Vec<Closing>, reach: Reach, limit: usize) -> Newest<Closing> {
    let stops = matches!(reach, Reach::Stopped(_));
    let unknown = rows.iter().position(|one| !one.is_known()).filter(|_| stops);
    let end = unknown.unwrap_or(limit).min(limit);
    if reach == Reach::Gap || rows.len() <= end {
        return Newest { rows, reach };
    }
    rows.truncate(end);
    let reach = rows.last().map_or(Reach::Gap, |last| Reach::Stopped(last.place));
    Newest { rows, reach }
}
