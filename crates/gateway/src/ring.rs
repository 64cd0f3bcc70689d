//! What the latest records said, kept in one bounded ring so that a client can go on from where it
//! stopped.
//!
//! A record is kept with its links: for each stream that it told something, the seq at which that stream
//! was told something before. So what a client missed is found from the newest to the oldest, at the cost
//! of what it missed alone, whatever else happened meanwhile.
//!
//! Invariants
//! - The ring takes no more memory than it was given: bytes, and [`ENTRY_BYTES`] for each record.
//! - A record is found whole or not at all; what the oldest links point to may be gone.
//!
//! Cost: one encoding and one copy for each record; finding one is looking at its place.

use coulisse_types::codec::{Field, Reader, Writer};
use coulisse_types::{Event, Seq};
use coulisse_wire::native::feed::{private_channels, status_of};
use coulisse_wire::record::decode_events;
use std::collections::VecDeque;

/// What one record takes beside its bytes.
const ENTRY_BYTES: usize = size_of::<Entry>();

/// A stream of messages that a client can go on with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LinkKey {
    /// Which channel of which kind of owner.
    pub(crate) stream: u8,
    /// Whose, or of which instrument.
    pub(crate) id: u32,
}

/// A stream that a record told something, and the seq at which it was told something before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) key: LinkKey,
    pub(crate) prev: Seq,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u32,
    len: u32,
}

/// A record that is kept.
pub(crate) struct Kept<'r> {
    links: Reader<'r>,
    count: u32,
    time_us: i64,
    events: &'r [u8],
    items: &'r [u8],
}

impl Kept<'_> {
    /// The seq at which a stream was told something before this; `None` where this told it nothing.
    pub(crate) fn prev(&self, key: LinkKey) -> Option<Seq> {
        let mut links = self.links;
        for _ in 0..self.count {
            let stream = u8::decode(&mut links)?;
            let id = u32::decode(&mut links)?;
            let prev = Seq::decode(&mut links)?;
            if (LinkKey { stream, id }) == key {
                return Some(prev);
            }
        }
        None
    }

    /// When the log took it, in µs since the epoch.
    pub(crate) const fn time_us(&self) -> i64 {
        self.time_us
    }

    /// What it said that some stream tells.
    pub(crate) fn events(&self) -> Vec<Event> {
        decode_events(self.events).unwrap_or_default()
    }

    /// The same, each with its number among all events of the record.
    pub(crate) fn numbered_events(&self) -> Vec<(u32, Event)> {
        let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap_or_default();
        self.items.chunks_exact(ITEM_BYTES).map(number).zip(self.events()).collect()
    }
}

/// The ring.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    bytes: Vec<u8>,
    /// Where the next record goes.
    next: usize,
    entries: VecDeque<Entry>,
    entries_max: usize,
    /// The seq of the first entry.
    first_seq: u64,
    scratch: Vec<u8>,
    items: Vec<u32>,
}

/// Whether some stream that can be gone on with tells of it.
fn is_told(event: &Event) -> bool {
    matches!(event, Event::Traded(_) | Event::OrderTermsSet(_))
        || private_channels(event).is_some()
        || status_of(event).is_some()
}

impl Ring {
    /// A ring of so many bytes; 0: it keeps nothing.
    pub(crate) fn new(bytes: usize) -> Self {
        // An eighth for the entries: a record that tells nothing takes no more.
        let entries_max = bytes / 8 / ENTRY_BYTES;
        let bytes = vec![0; bytes - entries_max * ENTRY_BYTES];
        Self { bytes, entries_max, ..Self::default() }
    }

    /// Keeps a record. Records come in the order of their seqs.
    pub(crate) fn push(&mut self, seq: Seq, time_us: i64, links: &[Link], events: &[Event]) {
        if self.bytes.is_empty() {
            return;
        }
        if self.first_seq + self.entries.len() as u64 != seq.0 {
            self.clear(seq.0);
        }
        let mut entry = Entry { at: 0, len: 0 };
        if !links.is_empty() {
            let len = self.encode(time_us, links, events);
            if len > self.bytes.len() {
                // What came before is of no use without it.
                self.clear(seq.0 + 1);
                return;
            }
            if self.next + len > self.bytes.len() {
                self.evict(self.next, self.bytes.len());
                self.next = 0;
            }
            self.evict(self.next, self.next + len);
            self.bytes[self.next..self.next + len].copy_from_slice(&self.scratch[..len]);
            let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            entry = Entry { at: small(self.next), len: small(len) };
            self.next += len;
        }
        self.entries.push_back(entry);
        while self.entries.len() > self.entries_max || self.is_first_empty() {
            self.pop();
        }
    }

    /// Encodes a record at the front of the scratch memory; returns its length.
    ///
    /// What stands there is made once for the largest record so far: encoding field by field into a
    /// growing vector costs three times as much.
    fn encode(&mut self, time_us: i64, links: &[Link], events: &[Event]) -> usize {
        let most =
            HEAD_BYTES + links.len() * LINK_BYTES + events.len() * (EVENT_BYTES_MAX + ITEM_BYTES);
        if self.scratch.len() < most {
            self.scratch.resize(most, 0);
        }
        let mut writer = Writer::new(&mut self.scratch);
        u32::try_from(links.len()).unwrap_or(u32::MAX).put(&mut writer);
        for link in links {
            link.key.stream.put(&mut writer);
            link.key.id.put(&mut writer);
            link.prev.put(&mut writer);
        }
        time_us.put(&mut writer);
        let mut end = HEAD_BYTES + links.len() * LINK_BYTES;
        let count_at = end - ITEM_BYTES;
        self.items.clear();
        for (item, event) in (0_u32..).zip(events).filter(|(_, event)| is_told(event)) {
            self.items.push(item);
            let (head, body) = self.scratch[end..].split_at_mut(EVENT_HEAD_BYTES);
            let mut writer = Writer::new(body);
            let room = writer.left();
            event.put_body(&mut writer);
            let len = room - writer.left();
            head[..2].copy_from_slice(&event.kind().number().to_le_bytes());
            head[2..].copy_from_slice(&u16::try_from(len).unwrap_or(u16::MAX).to_le_bytes());
            end += EVENT_HEAD_BYTES + len;
        }
        let count = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.scratch[count_at..count_at + ITEM_BYTES].copy_from_slice(&count.to_le_bytes());
        for item in &self.items {
            self.scratch[end..end + ITEM_BYTES].copy_from_slice(&item.to_le_bytes());
            end += ITEM_BYTES;
        }
        end
    }

    fn clear(&mut self, next_seq: u64) {
        self.entries.clear();
        self.first_seq = next_seq;
        self.next = 0;
    }

    fn pop(&mut self) {
        self.entries.pop_front();
        self.first_seq += 1;
    }

    fn is_first_empty(&self) -> bool {
        self.entries.front().is_some_and(|first| first.len == 0)
    }

    /// Forgets what stands in these bytes: always the oldest.
    fn evict(&mut self, from: usize, to: usize) {
        let stands_there = |entry: &Entry| {
            let at = entry.at as usize;
            at < to && at + entry.len as usize > from
        };
        while self.entries.front().is_some_and(|first| first.len == 0 || stands_there(first)) {
            self.pop();
        }
    }

    /// The record at a seq, if it is kept and told something.
    pub(crate) fn find(&self, seq: Seq) -> Option<Kept<'_>> {
        let index = seq.0.checked_sub(self.first_seq)?;
        let entry = self.entries.get(usize::try_from(index).ok()?)?;
        let at = entry.at as usize;
        let bytes = self.bytes.get(at..at + entry.len as usize)?;
        let mut reader = Reader::new(bytes);
        let count = u32::decode(&mut reader)?;
        let links = reader;
        reader.take(count as usize * LINK_BYTES)?;
        let time_us = i64::decode(&mut reader)?;
        let told = u32::decode(&mut reader)?;
        let rest = &bytes[bytes.len() - reader.len()..];
        let (events, items) =
            rest.split_at_checked(rest.len().checked_sub(told as usize * ITEM_BYTES)?)?;
        Some(Kept { links, count, time_us, events, items })
    }

    /// Records that are kept, and the bytes of the ring.
    pub(crate) fn used(&self) -> (usize, usize) {
        (self.entries.len(), self.bytes.len() + self.entries_max * ENTRY_BYTES)
    }
}

/// The count of links, the time, and the count of events.
const HEAD_BYTES: usize = 4 + 8 + ITEM_BYTES;
/// The number of an event among all of its record.
const ITEM_BYTES: usize = 4;
/// The kind of an event and the length of its body, as [`decode_events`] reads them.
const EVENT_HEAD_BYTES: usize = 2 + 2;
const EVENT_BYTES_MAX: usize = EVENT_HEAD_BYTES + Event::BYTES_MAX;
/// A stream, an id and a seq.
const LINK_BYTES: usize = 1 + 4 + 8;

#[cfg(test)]
mod tests {
    use super::*;
    use coulisse_types::event::{BalanceChanged, Ticked};
    use coulisse_types::{AccountId, Amount, AssetId};

    const KEY: LinkKey = LinkKey { stream: 2, id: 7 };

    fn said(minor: u64) -> Event {
        let (available, held) = (Amount::from_minor(minor.into()), Amount::ZERO);
        BalanceChanged { account: AccountId(7), asset: AssetId(1), available, held }.into()
    }

    fn link(prev: u64) -> [Link; 1] {
        [Link { key: KEY, prev: Seq(prev) }]
    }

    #[test]
    fn the_newest_records_are_found_whole_and_the_memory_is_what_was_given() {
        let mut ring = Ring::new(4_096);
        let (_, given) = ring.used();
        assert!(given <= 4_096);
        let mut prev = 0;
        for seq in 1..5_000 {
            // Every third record tells nothing; some tell much.
            if seq % 3 == 0 {
                ring.push(Seq(seq), 5, &[], &[]);
                continue;
            }
            // What no stream tells is not kept, and counted all the same.
            let silent = Event::from(Ticked { closed: 0, more: false });
            let events = [silent, said(seq)].repeat(if seq % 10 == 0 { 9 } else { 1 });
            ring.push(Seq(seq), 1_000 + i64::try_from(seq).expect("small"), &link(prev), &events);
            prev = seq;
            assert_eq!(ring.used().1, given);
            let (mut at, mut found) = (Seq(seq), 0);
            while let Some(kept) = ring.find(at) {
                let count = if at.0 % 10 == 0 { 9 } else { 1 };
                assert_eq!(kept.events(), vec![said(at.0); count], "{at:?} of {seq}");
                let numbers: Vec<u32> = (1..).step_by(2).take(count).collect();
                let numbered = kept.numbered_events();
                assert_eq!(numbered, numbers.iter().map(|n| (*n, said(at.0))).collect::<Vec<_>>());
                assert_eq!(kept.time_us(), 1_000 + i64::try_from(at.0).expect("small"));
                at = kept.prev(KEY).expect("its link");
                found += 1;
            }
            assert!(found >= 10 || at == Seq(0), "{found} of {seq}");
        }
        assert!(ring.find(Seq(3)).is_none() && ring.find(Seq(5_000)).is_none());
    }

    #[test]
    fn a_record_larger_than_the_ring_leaves_nothing_that_would_hide_it() {
        let mut ring = Ring::new(1_024);
        ring.push(Seq(1), 0, &link(0), &[said(1)]);
        ring.push(Seq(2), 0, &link(1), &vec![said(2); 100]);
        assert!(ring.find(Seq(1)).is_none() && ring.find(Seq(2)).is_none());
        ring.push(Seq(3), 0, &link(2), &[said(3)]);
        assert!(ring.find(Seq(3)).is_some());
    }
}
