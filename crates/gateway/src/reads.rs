//! Lists: what a session is told of an account, page by page, and reads that wait for a seq.
//!
//! Invariants
//! - A row that is there all the time is told once, whatever comes and goes between two pages.
//! - A read that waits is answered in [`MIN_SEQ_PUBLICATIONS_MAX`], and no more than
//!   [`READS_WAITING_MAX`] wait.

use crate::batch::ConnId;
use crate::held::Departure;
use crate::hub::Hub;
use crate::limits::{MIN_SEQ_PUBLICATIONS_MAX, READS_WAITING_MAX};
use crate::outcomes::{DEPARTURE_PENDING_US, REPLY_TAIL_BYTES};
use crate::view::{CoreView, KeyView};
use coulisse_types::command::permission;
use coulisse_types::event::FeeTierChanged;
use coulisse_types::{AccountId, InstrumentId, RejectCode, Seq};
use coulisse_wire::InstrumentTable;
use coulisse_wire::native::answers::{self, Answer, KeyRow, Page};
use coulisse_wire::native::reply::Stamps;
use coulisse_wire::native::spec::{Access, Op};
use coulisse_wire::native::venue::{self, LimitRow};
use coulisse_wire::native::{Read, Request, RequestError, withdrawals};

/// A read that asks for more than this node has applied.
#[derive(Debug)]
pub(crate) struct WaitingRead {
    conn: ConnId,
    id_raw: Vec<u8>,
    account: AccountId,
    read: Read,
    in_us: i64,
    publications: u32,
}

impl WaitingRead {
    /// It has waited as long as it may.
    pub(crate) const fn is_overdue(&self) -> bool {
        self.publications >= MIN_SEQ_PUBLICATIONS_MAX
    }
}

/// Rows by ascending keys, as a read wants them.
fn page_of<T>(rows: Vec<T>, read: &Read, key_of: impl Fn(&T) -> u64) -> Page<T> {
    let is_wanted = |row: &T| read.after.is_none_or(|after| key_of(row) > after);
    let mut rows: Vec<T> = rows.into_iter().filter(is_wanted).collect();
    let has_more = rows.len() > read.limit as usize;
    rows.truncate(read.limit as usize);
    let next = if has_more { rows.last().map(key_of) } else { None };
    Page { rows, next, is_cut: false }
}

impl Hub {
    /// Answers what only reads an account, or lets it wait for its seq.
    pub(crate) fn read<'a>(
        &mut self,
        id: ConnId,
        request: &Request<'a>,
        read: &Read,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(), RequestError<'a>> {
        // What only operators ask for needs no more than that they are.
        let needed = if read.op.spec().access == Access::Admin { 0 } else { permission::READ };
        let account = self.account_of(id, request, needed, view)?;
        let waiting = WaitingRead {
            conn: id,
            id_raw: request.id_raw.to_vec(),
            account,
            read: *read,
            in_us: now_us,
            publications: 0,
        };
        if read.min_seq <= view.seq().0 {
            self.answer_read(&waiting, view);
        } else if self.waiting.len() >= READS_WAITING_MAX {
            return Err(RequestError::new(request.id_raw, RejectCode::Overloaded));
        } else {
            self.waiting.push(waiting);
        }
        Ok(())
    }

    /// Answers the reads whose seq has been applied, and those that have waited too long.
    pub(crate) fn answer_waiting(&mut self, view: &impl CoreView) {
        if self.waiting.is_empty() {
            return;
        }
        let seq = view.seq();
        for one in std::mem::take(&mut self.waiting) {
            if one.read.min_seq <= seq.0 {
                self.answer_read(&one, view);
            } else if one.is_overdue() {
                let (value, limit) = (one.read.min_seq.to_string(), seq.0.to_string());
                let error = RequestError::new(&one.id_raw, RejectCode::SeqNotReached);
                self.asked_us = one.in_us;
                let error = error.about(b"min_seq", value.as_bytes());
                self.refuse(one.conn, seq, &error.with_limit(limit.as_bytes()));
            } else {
                self.waiting.push(one);
            }
        }
    }

    /// Counts one publication of the feeds for those that wait.
    pub(crate) fn age_waiting(&mut self) {
        for one in &mut self.waiting {
            one.publications += 1;
        }
    }

    /// What an answer that is true now begins and ends with.
    pub(crate) fn answer_at<'a>(
        &self,
        (id_raw, op): (&'a [u8], Op),
        weight: u32,
        in_us: i64,
        seq: Seq,
    ) -> Answer<'a> {
        let (log_us, out_us) = (self.time_us, DEPARTURE_PENDING_US);
        Answer { id_raw, op, weight, stamps: Stamps { seq: seq.0, in_us, log_us, out_us } }
    }

    /// Writes an answer, whose time of leaving is written when it leaves.
    pub(crate) fn write_answer(&mut self, id: ConnId, seq: Seq, body: impl FnOnce(&mut Vec<u8>)) {
        let departure = Departure { tail: REPLY_TAIL_BYTES, in_us: None };
        self.write_departing(id, seq, Some(departure), body);
    }

    fn answer_read(&mut self, one: &WaitingRead, view: &impl CoreView) {
        let WaitingRead { conn, id_raw, account, read, in_us, .. } = one;
        let (conn, account, seq) = (*conn, *account, view.seq());
        let answer = self.answer_at((id_raw, read.op), read.op.weight().units, *in_us, seq);
        let table = std::mem::take(&mut self.instruments);
        match read.op {
            Op::OrdersOpen => {
                let mut orders = Vec::new();
                view.open_orders(account, read.instrument, &mut orders);
                let page = page_of(orders, read, |order| order.order_id.0);
                self.write_answer(conn, seq, |out| {
                    answers::write_open_orders(out, &answer, &page, &table);
                });
            }
            Op::FillsGet => {
                let page = self.fills.page(account, read);
                self.write_answer(conn, seq, |out| {
                    answers::write_fills(out, &answer, &page, &table);
                });
            }
            Op::BalancesGet => {
                let mut balances = Vec::new();
                view.balances(account, &mut balances);
                let page = page_of(balances, read, |balance| balance.asset.0.into());
                self.write_answer(conn, seq, |out| {
                    answers::write_balances(out, &answer, &page, &table);
                });
            }
            Op::PositionsGet => {
                let mut positions = Vec::new();
                view.positions(account, &mut positions);
                let page = page_of(positions, read, |position| position.instrument.0.into());
                self.write_answer(conn, seq, |out| {
                    answers::write_positions(out, &answer, &page, &table);
                });
            }
            Op::WithdrawalsGet | Op::WithdrawalsPending | Op::WithdrawalCapsGet => {
                self.answer_withdrawals(one, &answer, &table, view);
            }
            Op::AccountsGet | Op::GroupsGet | Op::LimitsGet | Op::FeeTiersGet => {
                self.answer_venue(conn, &answer, read, &table, view);
            }
            _ => {
                let mut keys = Vec::new();
                view.keys(account, &mut keys);
                let Page { rows, next, is_cut } = page_of(keys, read, |key| key.key.0.into());
                let rows = rows.iter().map(|key| self.key_row(key, view)).collect();
                let page = Page { rows, next, is_cut };
                self.write_answer(conn, seq, |out| {
                    answers::write_keys(out, &answer, &page, &table);
                });
            }
        }
        self.instruments = table;
    }

    /// Answers what lists what operators set.
    fn answer_venue(
        &mut self,
        conn: ConnId,
        answer: &Answer<'_>,
        read: &Read,
        table: &InstrumentTable,
        view: &impl CoreView,
    ) {
        let seq = view.seq();
        // One more says whether there is more.
        let count = read.limit as usize + 1;
        match read.op {
            Op::AccountsGet => {
                let mut rows = Vec::new();
                view.accounts(read.after.unwrap_or(0), count, &mut rows);
                let page = page_of(rows, read, |row| row.number.into());
                self.write_answer(conn, seq, |out| {
                    venue::write_accounts(out, answer, &page, table);
                });
            }
            Op::GroupsGet => {
                let mut rows = Vec::new();
                view.groups(&mut rows);
                let page = page_of(rows, read, |(group, _)| group.0.into());
                self.write_answer(conn, seq, |out| venue::write_groups(out, answer, &page));
            }
            Op::LimitsGet => {
                let mut rows = Vec::new();
                let version = view.limits(read.after, count, &mut rows);
                let page = page_of(rows, read, LimitRow::place);
                self.write_answer(conn, seq, |out| {
                    venue::write_limits(out, answer, (&page, version), table);
                });
            }
            _ => {
                let mut rows = Vec::new();
                view.fee_tiers(&mut rows);
                let place =
                    |row: &FeeTierChanged| u64::from(row.asset.0) << 8 | u64::from(row.tier);
                let page = page_of(rows, read, place);
                self.write_answer(conn, seq, |out| {
                    venue::write_fee_tiers(out, answer, &page, table);
                });
            }
        }
    }

    fn answer_withdrawals(
        &mut self,
        one: &WaitingRead,
        answer: &Answer<'_>,
        table: &InstrumentTable,
        view: &impl CoreView,
    ) {
        let WaitingRead { conn, account, read, .. } = one;
        let seq = view.seq();
        if read.op == Op::WithdrawalCapsGet {
            let mut rows = Vec::new();
            view.withdrawal_caps(&mut rows);
            let page = page_of(rows, read, |row| row.asset.0.into());
            self.write_answer(*conn, seq, |out| withdrawals::write_caps(out, answer, &page, table));
            return;
        }
        let whose = Some(*account).filter(|_| read.op == Op::WithdrawalsGet);
        let mut rows = Vec::new();
        view.withdrawals(whose, &mut rows);
        let page = page_of(rows, read, |row| row.id.0);
        self.write_answer(*conn, seq, |out| {
            withdrawals::write_withdrawals(out, answer, &page, table);
        });
    }

    fn key_row(&self, key: &KeyView, view: &impl CoreView) -> KeyRow {
        let accounts = key.accounts.ids();
        KeyRow {
            key_id: key.key_id,
            scheme: key.scheme,
            permissions: key.permissions,
            state: key.state,
            label: key.label,
            expire_us: key.expire_ns.div_euclid(1_000),
            accounts: accounts.filter_map(|id| view.account_name(AccountId(id))).collect(),
            instruments: key.instruments.ids().map(InstrumentId).collect(),
            networks: key.networks,
            last_used_us: self.key_use.last_us(key.key),
        }
    }
}
