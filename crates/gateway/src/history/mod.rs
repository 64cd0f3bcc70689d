//! History: questions that a store answers, and answers made of what it has and of what the node knows
//! that the store does not have yet.
//!
//! The caller takes questions, asks the store elsewhere, and says what came of it. Until then who
//! asked waits, and its answer is written as any other.
//!
//! Invariants
//! - No row is told twice and none is left out between the two: the store's end where it had come to, all
//!   others are from later records. Where the node no longer has one of those, none of them is told, and the
//!   list is true at the store's seq alone.
//! - A row has the same place from either, so that a page goes on where one of the other ended.
//! - At most [`HISTORY_WAITING_MAX`] questions wait, and each is answered: after
//!   [`MIN_SEQ_PUBLICATIONS_MAX`] publications and one more answer of the store, whatever it is.

mod newest;

use crate::batch::ConnId;
use crate::hub::Hub;
use crate::limits::{HISTORY_WAITING_MAX, MIN_SEQ_PUBLICATIONS_MAX, PUBLICATIONS_PER_S};
use crate::view::CoreView;
use coulisse_types::command::permission;
use coulisse_types::{AccountId, OrderId, RejectCode, Seq};
use coulisse_wire::native::answers::Answer;
use coulisse_wire::native::feed::{ClosedOrder, FillRow};
use coulisse_wire::native::history::{self, History, HistoryPage, LedgerRow, Place};
use coulisse_wire::native::{Request, RequestError};
use newest::{Closing, Newest, Reach};
use std::collections::{BTreeMap, VecDeque};

/// What is asked of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its number: [`Hub::finish_history`] wants it back.
    pub number: u64,
    /// Whose rows.
    pub account: AccountId,
    /// Which.
    pub asked: History,
    /// Not a page, but how these orders of the account were accepted, and their quantity and price now.
    pub orders: Vec<OrderId>,
}

/// A fill, and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FillAt {
    /// Where.
    pub place: Place,
    /// The fill.
    pub row: FillRow,
}

/// What a store says: rows of one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told<T> {
    /// The seq that it had come to.
    pub seq: u64,
    /// The newest rows that were asked for, one more than the page has where there are so many.
    pub rows: Vec<T>,
    /// Where it stopped looking before it had found so many; `None` where it looked at all.
    pub looked_to: Option<Place>,
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Of `orders.history`; or orders by their ids, whose places mean nothing.
    Orders(Told<ClosedOrder>),
    /// Of `fills.history`.
    Fills(Told<FillAt>),
    /// Of `ledger.get`.
    Ledger(Told<LedgerRow>),
    /// It cannot be read.
    Down,
}

/// A row that has a place.
trait Placed: Copy {
    fn place(&self) -> Place;
}

impl Placed for ClosedOrder {
    fn place(&self) -> Place {
        self.place
    }
}

impl Placed for FillAt {
    fn place(&self) -> Place {
        self.place
    }
}

impl Placed for LedgerRow {
    fn place(&self) -> Place {
        self.place
    }
}

/// Orders that closed behind the store's seq, while the store is asked how they were accepted.
struct Closed {
    told: Told<ClosedOrder>,
    newest: Newest<Closing>,
    /// The seq that they are true at.
    seq: Seq,
}

/// Who waits for the store.
struct Asker {
    conn: ConnId,
    id_raw: Vec<u8>,
    account: AccountId,
    asked: History,
    in_us: i64,
    publications: u32,
    closed: Option<Closed>,
}

/// Why there is no answer yet.
enum NotYet {
    /// The store has to go on first. What was asked for is beyond it: the field that says so, and its value.
    Behind(&'static [u8], u64),
    /// The store is asked for these orders too.
    Asks(Closed),
}

/// The questions of a hub.
#[derive(Default)]
pub(crate) struct HistoryDesk {
    is_open: bool,
    last: u64,
    asked_total: u64,
    new: VecDeque<Question>,
    waiting: BTreeMap<u64, Asker>,
    /// Those that are asked again with the next publication.
    again: Vec<Asker>,
}

impl HistoryDesk {
    fn ask(&mut self, who: Asker, orders: Vec<OrderId>) {
        self.last += 1;
        self.asked_total += 1;
        let (number, account, asked) = (self.last, who.account, who.asked);
        self.new.push_back(Question { number, account, asked, orders });
        self.waiting.insert(number, who);
    }

    fn count(&self) -> usize {
        self.waiting.len() + self.again.len()
    }
}

impl Hub {
    /// Says that there is a store, and somebody who asks it.
    pub fn open_history(&mut self) {
        self.history.is_open = true;
    }

    /// Whether a question is to be taken.
    pub fn has_questions(&self) -> bool {
        !self.history.new.is_empty()
    }

    /// Takes the questions for the store.
    pub fn take_questions(&mut self) -> impl Iterator<Item = Question> {
        std::mem::take(&mut self.history.new).into_iter()
    }

    /// How many questions wait, and how many there were.
    pub fn history_counters(&self) -> (u64, u64) {
        (u64::try_from(self.history.count()).unwrap_or(u64::MAX), self.history.asked_total)
    }

    /// Asks the store for a page.
    pub(crate) fn history<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        asked: &History,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        let account = self.account_of(id, request, permission::READ, view)?;
        if !self.history.is_open {
            return Err(store_down(request.id_raw, b"off"));
        }
        if self.history.count() >= HISTORY_WAITING_MAX {
            let error = RequestError::new(request.id_raw, RejectCode::Overloaded);
            return Err(error.later(u64::from(1_000 / PUBLICATIONS_PER_S)));
        }
        let id_raw = request.id_raw.to_vec();
        let (asked, in_us, publications) = (*asked, now_us, 0);
        let who = Asker { conn: id, id_raw, account, asked, in_us, publications, closed: None };
        self.history.ask(who, Vec::new());
        Ok(())
    }

    /// Asks once more where the store was not far enough. To be called once a publication.
    pub(crate) fn ask_again(&mut self) {
        for who in std::mem::take(&mut self.history.again) {
            let publications = who.publications + 1;
            self.history.ask(Asker { publications, closed: None, ..who }, Vec::new());
        }
    }

    /// Goes on with what waited for the store.
    pub fn finish_history(&mut self, number: u64, found: Found, view: &impl CoreView) {
        let Some(mut who) = self.history.waiting.remove(&number) else { return };
        let done = match (found, who.closed.take()) {
            (Found::Down, _) => {
                self.asked_us = who.in_us;
                self.refuse(who.conn, view.seq(), &store_down(&who.id_raw, b"down"));
                return;
            }
            (Found::Orders(known), Some(closed)) => self.answer_closed(&who, closed, &known),
            (Found::Orders(told), None) => self.answer_orders(&who, told, view),
            (Found::Fills(told), _) => self.answer_fills(&who, told, view),
            (Found::Ledger(told), _) => self.answer_ledger(&who, told, view),
        };
        match done {
            Ok(()) => {}
            Err(NotYet::Asks(closed)) => {
                let orders = closed.newest.rows.iter().filter(|one| !one.is_known());
                let orders = orders.map(Closing::order_id).collect();
                self.history.ask(Asker { closed: Some(closed), ..who }, orders);
            }
            Err(NotYet::Behind(field, value)) => {
                if who.publications < MIN_SEQ_PUBLICATIONS_MAX {
                    self.history.again.push(who);
                    return;
                }
                let (value, limit) = (value.to_string(), view.seq().0.to_string());
                let error = RequestError::new(&who.id_raw, RejectCode::SeqNotReached);
                let error = error.about(field, value.as_bytes()).with_limit(limit.as_bytes());
                self.asked_us = who.in_us;
                self.refuse(who.conn, view.seq(), &error);
            }
        }
    }

    fn answer_fills(
        &mut self,
        who: &Asker,
        told: Told<FillAt>,
        view: &impl CoreView,
    ) -> Result<(), NotYet> {
        let newest = self.newest_fills(who.account, &who.asked, told.seq);
        let (page, seq) = page_of(who, told, newest, view.seq())?;
        let HistoryPage { rows, next, store_seq } = page;
        let rows = rows.into_iter().map(|fill| fill.row).collect();
        let page = HistoryPage { rows, next, store_seq };
        self.write_history(who, seq, |out, answer, table| {
            history::write_fills(out, answer, &page, table);
        });
        Ok(())
    }

    fn answer_ledger(
        &mut self,
        who: &Asker,
        told: Told<LedgerRow>,
        view: &impl CoreView,
    ) -> Result<(), NotYet> {
        let newest = Newest { rows: Vec::new(), reach: Reach::Gap };
        let (page, seq) = page_of(who, told, newest, view.seq())?;
        self.write_history(who, seq, |out, answer, table| {
            history::write_ledger(out, answer, &page, table);
        });
        Ok(())
    }

    fn answer_orders(
        &mut self,
        who: &Asker,
        told: Told<ClosedOrder>,
        view: &impl CoreView,
    ) -> Result<(), NotYet> {
        let newest = self.newest_closings(who.account, &who.asked, told.seq);
        if newest.reach != Reach::Gap && newest.rows.iter().any(|one| !one.is_known()) {
            return Err(NotYet::Asks(Closed { told, newest, seq: view.seq() }));
        }
        let rows = newest.rows.iter().filter_map(|one| one.order(None)).collect();
        self.tell_orders(who, told, Newest { rows, reach: newest.reach }, view.seq())
    }

    /// Answers once the store has said how orders that closed since were accepted.
    fn answer_closed(
        &mut self,
        who: &Asker,
        closed: Closed,
        known: &Told<ClosedOrder>,
    ) -> Result<(), NotYet> {
        let Closed { told, newest: Newest { rows, reach }, seq } = closed;
        let is_it = |one: &Closing, row: &&ClosedOrder| row.order.order_id == one.order_id();
        let row_of = |one: &Closing| known.rows.iter().find(|row| is_it(one, row));
        let rows: Option<Vec<ClosedOrder>> =
            rows.iter().map(|one| one.order(row_of(one))).collect();
        // A store that does not have what it had come to was emptied meanwhile.
        let Some(rows) = rows else { return Err(NotYet::Behind(b"seq", seq.0)) };
        self.tell_orders(who, told, Newest { rows, reach }, seq)
    }

    fn tell_orders(
        &mut self,
        who: &Asker,
        told: Told<ClosedOrder>,
        newest: Newest<ClosedOrder>,
        at: Seq,
    ) -> Result<(), NotYet> {
        let (page, seq) = page_of(who, told, newest, at)?;
        self.write_history(who, seq, |out, answer, table| {
            history::write_orders(out, answer, &page, table);
        });
        Ok(())
    }

    fn write_history(
        &mut self,
        who: &Asker,
        seq: Seq,
        body: impl FnOnce(&mut Vec<u8>, &Answer<'_>, &coulisse_wire::InstrumentTable),
    ) {
        let Asker { conn, id_raw, asked: History { op, .. }, in_us, .. } = who;
        let answer = self.answer_at((id_raw, *op), op.weight().units, *in_us, seq);
        let table = std::mem::take(&mut self.instruments);
        self.write_answer(*conn, seq, |out| body(out, &answer, &table));
        self.instruments = table;
    }
}

fn store_down<'a>(id_raw: &'a [u8], how: &'static [u8]) -> RequestError<'a> {
    RequestError::new(id_raw, RejectCode::StoreDown).about(b"store", how)
}

/// A page of what the store has and of what is newer, and the seq that it is true at; `at` is the node's own.
fn page_of<T: Placed>(
    who: &Asker,
    told: Told<T>,
    newest: Newest<T>,
    at: Seq,
) -> Result<(HistoryPage<T>, Seq), NotYet> {
    let Told { seq: store_seq, rows: stored, looked_to } = told;
    let asked = &who.asked;
    let Newest { mut rows, reach } = newest;
    let is_of_store = |place: Place| place.seq <= store_seq;
    let (mut next, mut seq) = (None, at);
    match reach {
        Reach::All | Reach::Enough => {}
        Reach::Stopped(place) => next = Some(place),
        // The page before ended where the store is not yet, and what is between them is not known.
        Reach::Gap if asked.before.is_some_and(|before| !is_of_store(before)) => {
            let needed = asked.before.map_or(0, |before| before.seq);
            return Err(NotYet::Behind(b"cursor", needed));
        }
        Reach::Gap => {
            rows.clear();
            seq = Seq(store_seq.min(at.0));
        }
    }
    if seq.0 < asked.min_seq {
        return Err(NotYet::Behind(b"min_seq", asked.min_seq));
    }
    if matches!(reach, Reach::All | Reach::Gap) {
        // What the store has of records that this node does not have yet is told later.
        rows.extend(stored.into_iter().filter(|row| row.place().seq <= seq.0));
        next = looked_to.filter(|_| rows.len() <= asked.limit as usize);
    }
    if rows.len() > asked.limit as usize {
        rows.truncate(asked.limit as usize);
        next = rows.last().map(Placed::place);
    }
    Ok((HistoryPage { rows, next, store_seq }, seq))
}
