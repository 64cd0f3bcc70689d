//! The latest fills of all accounts, so that each can be asked for its own: what a node remembers of them
//! without a store.
//!
//! Invariants
//! - It is a function of the log alone, cursors included, and stands in the snapshot: no client can tell
//!   which node it asks, or how that one started.
//! - It takes no more memory than [`FILLS_KEPT_MAX`] fills.
//!
//! Cost: one copy for each fill; a page is one step for each fill of the account that it looks at,
//! [`FILLS_LOOKED_AT_MAX`] at most.

use crate::hub::FeedsFault;
use crate::hub::snapshot::{get, length};
use crate::limits::{FILLS_KEPT_MAX, FILLS_LOOKED_AT_MAX};
use coulisse_types::codec::{Field, Reader};
use coulisse_types::{AccountId, Event, limits};
use coulisse_wire::native::Read;
use coulisse_wire::native::answers::Page;
use coulisse_wire::native::feed::FillRow;
use coulisse_wire::record::{decode_events, encode_events};
use std::collections::VecDeque;

#[derive(Clone, Copy, Debug)]
struct Kept {
    row: FillRow,
    /// The number of the account's fill before this one; 0 for none.
    prev: u64,
}

/// The latest fills. Fills are numbered from 1, in the order of the log.
#[derive(Debug, Default)]
pub(crate) struct Fills {
    kept: VecDeque<Kept>,
    /// How many there were in all: the number of the latest.
    count: u64,
    /// The number of each account's latest fill; 0 for none.
    latest: Vec<u64>,
}

impl Fills {
    /// Takes a fill of the record that is delivered.
    pub(crate) fn note(&mut self, row: FillRow) {
        let index = row.fill.account.0 as usize;
        if index >= self.latest.len() {
            self.latest.resize(index + 1, 0);
        }
        self.count += 1;
        let prev = std::mem::replace(&mut self.latest[index], self.count);
        if self.kept.len() == FILLS_KEPT_MAX {
            self.kept.pop_front();
        }
        self.kept.push_back(Kept { row, prev });
    }

    /// The fill of this number, if it is kept.
    fn find(&self, number: u64) -> Option<&Kept> {
        let first = self.count - self.kept.len() as u64 + 1;
        self.kept.get(usize::try_from(number.checked_sub(first)?).ok()?)
    }

    /// A page of an account's fills, the newest first. The key of a row is its number.
    pub(crate) fn page(&self, account: AccountId, read: &Read) -> Page<FillRow> {
        let latest = self.latest.get(account.0 as usize).copied().unwrap_or(0);
        let mut next = match read.after {
            Some(after) => self.before(account, latest, after),
            None => latest,
        };
        let mut page = Page { rows: Vec::new(), next: None, is_cut: false };
        let mut last = 0;
        for _ in 0..FILLS_LOOKED_AT_MAX {
            let Some(kept) = self.find(next) else {
                page.is_cut = next != 0;
                return page;
            };
            let is_wanted = read.instrument.is_none_or(|wanted| wanted == kept.row.fill.instrument);
            if is_wanted && page.rows.len() == read.limit as usize {
                break;
            }
            page.rows.extend(is_wanted.then_some(kept.row));
            (last, next) = (next, kept.prev);
        }
        page.next = (next != 0).then_some(last);
        page
    }

    /// The number of the account's fill before the one of a cursor; where that is gone, or was never its
    /// own, one that is not kept, or 0.
    fn before(&self, account: AccountId, latest: u64, after: u64) -> u64 {
        match self.find(after) {
            Some(kept) if kept.row.fill.account == account => kept.prev,
            Some(_) => 0,
            None => after.min(latest).min(self.count - self.kept.len() as u64),
        }
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        let Self { kept, count, latest } = self;
        count.encode(out);
        length(latest.len()).encode(out);
        for number in latest {
            number.encode(out);
        }
        length(kept.len()).encode(out);
        let mut bytes = Vec::new();
        for Kept { row, prev } in kept {
            let FillRow { fill, seq, time_us } = row;
            bytes.clear();
            encode_events(&mut bytes, &[(*fill).into()]);
            seq.encode(out);
            time_us.encode(out);
            prev.encode(out);
            length(bytes.len()).encode(out);
            out.extend_from_slice(&bytes);
        }
    }

    pub(crate) fn decode(&mut self, reader: &mut Reader<'_>) -> Result<(), FeedsFault> {
        self.count = get(reader)?;
        let accounts: u32 = get(reader)?;
        if accounts > limits::ACCOUNTS_MAX + 1 || reader.len() < accounts as usize * 8 {
            return Err(FeedsFault { reason: "fills of more accounts than there are" });
        }
        self.latest = (0..accounts).map(|_| get(reader)).collect::<Result<_, _>>()?;
        let kept: u32 = get(reader)?;
        if kept as usize > FILLS_KEPT_MAX || u64::from(kept) > self.count {
            return Err(FeedsFault { reason: "more fills than are kept" });
        }
        for _ in 0..kept {
            let (seq, time_us, prev) = (get(reader)?, get(reader)?, get(reader)?);
            let bytes: u32 = get(reader)?;
            let events = reader.take(bytes as usize).and_then(decode_events);
            let Some([Event::OrderFilled(fill)]) = events.as_deref() else {
                return Err(FeedsFault { reason: "a fill that means nothing" });
            };
            self.kept.push_back(Kept { row: FillRow { fill: *fill, seq, time_us }, prev });
        }
        Ok(())
    }
}
