//! History: what a page of it is asked for with, and how it is told.
//!
//! A row has a place: the seq of its record, and which of the record's events it is. Rows are told from
//! the newest place to the oldest, and never change, so a page goes on where the one before ended
//! whatever has happened since.

use alloc::vec::Vec;

use coulisse_types::{
    Amount, AssetId, ClientOrderId, InstrumentId, OrderId, RejectCode, Text, TradeId,
};

use super::admin::find_asset;
use super::answers::Answer;
use super::bodies::read_one_symbol;
use super::cursors;
use super::error::Detail;
use super::feed::{ClosedOrder, FillRow, Item, write_closed_order_items, write_fill_rows};
use super::orders::read_order_id;
use super::params::{Fault, Params, Read, integer, read_client_order_id};
use super::reads::read_limit;
use super::reply::{separate, write_number, write_times_of};
use super::spec::{Op, at};
use crate::instruments::{InstrumentTable, Symbols};
use crate::json::Raw;
use crate::limits::{INTEGER_MAX, TEXT_BYTES_MAX};

/// Where a row of history stands in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The record.
    pub seq: u64,
    /// Which of its events, or of its entries in the ledger, from 0.
    pub item: u32,
}

/// A page of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct History {
    /// Which list.
    pub op: Op,
    /// Only in this instrument.
    pub instrument: Option<InstrumentId>,
    /// Only of this asset.
    pub asset: Option<AssetId>,
    /// Only of this order; 0 for any.
    pub order_id: OrderId,
    /// Only of orders with this id of the client's; empty for any.
    pub client_order_id: ClientOrderId,
    /// Only what happened at this time or later, in µs since the epoch.
    pub from_us: i64,
    /// Only what happened before this time.
    pub to_us: i64,
    /// Only what happened after this seq.
    pub from_seq: u64,
    /// Only what stands before this place; `None` for the first page.
    pub before: Option<Place>,
    /// Rows at most, from 1.
    pub limit: u32,
    /// The seq that the list must be true at; 0 for none.
    pub min_seq: u64,
}

pub(super) fn read_history<'a>(
    op: Op,
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, History> {
    let of = params.get(at::history::OF);
    let (head, instrument, asset) = match op {
        Op::LedgerGet => {
            let asset = of.present().map(|value| find_asset(value, "asset", symbols));
            (1, None, asset.transpose()?.map(|asset| asset.id))
        }
        Op::FillsHistory => (2, read_one_symbol(params, symbols)?, None),
        _ => (3, read_one_symbol(params, symbols)?, None),
    };
    let order_id = match params.get(at::history::ORDER_ID).present() {
        Some(value) if op != Op::LedgerGet => read_order_id("order_id", value)?,
        _ => OrderId(0),
    };
    let client_order_id = match op {
        Op::OrdersHistory => read_client_order_id(params.get(at::history::CLIENT_ORDER_ID))?,
        _ => ClientOrderId::default(),
    };
    let span = |place: usize| params.get(usize::saturating_add(head, place));
    let page = |place: usize| span(at::span::COUNT.saturating_add(place));
    let whole = |value: Raw<'a>, field, absent: u64| match value.present() {
        Some(value) => integer(value, field, INTEGER_MAX),
        None => Ok(absent),
    };
    let from_us = whole(span(at::span::FROM_TIME), "from_time", 0)?;
    let to_us = whole(span(at::span::TO_TIME), "to_time", INTEGER_MAX)?;
    if to_us <= from_us {
        let fault = Fault::new(RejectCode::InvalidValue, "to_time", span(at::span::TO_TIME));
        return Err(fault.with(Detail::Wanted("a time after from_time")));
    }
    let before = page(at::page::CURSOR).present().map(|value| read_cursor(op, value));
    let signed = |us: u64| i64::try_from(us).unwrap_or(i64::MAX);
    Ok(History {
        op,
        instrument,
        asset,
        order_id,
        client_order_id,
        from_us: signed(from_us),
        to_us: signed(to_us),
        from_seq: whole(span(at::span::FROM_SEQ), "from_seq", 0)?,
        before: before.transpose()?,
        limit: read_limit(page(at::page::LIMIT))?,
        min_seq: whole(page(at::page::MIN_SEQ), "min_seq", 0)?,
    })
}

fn read_cursor(op: Op, value: Raw<'_>) -> Read<'_, Place> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    value.text(&mut scratch).and_then(|text| cursors::read_place(text, op)).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, "cursor", value);
        fault.with(Detail::Wanted("the next_cursor of a page of this list"))
    })
}

impl History {
    /// Whether a row at this place and time, of this instrument, is asked for.
    pub fn wants(&self, place: Place, time_us: i64, instrument: InstrumentId) -> bool {
        place.seq > self.from_seq
            && self.before.is_none_or(|before| place < before)
            && (self.from_us..self.to_us).contains(&time_us)
            && self.instrument.is_none_or(|wanted| wanted == instrument)
    }
}

/// A part of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage<T> {
    /// Its rows, the newest first.
    pub rows: Vec<T>,
    /// Where it goes on; `None` where nothing is older.
    pub next: Option<Place>,
    /// The seq that the store had come to.
    pub store_seq: u64,
}

/// An entry of the ledger as one account sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerRow {
    /// Where it stands.
    pub place: Place,
    /// When the log took its record, in µs since the epoch.
    pub time_us: i64,
    /// Which asset.
    pub asset: AssetId,
    /// What came; negative for what went.
    pub change: Amount,
    /// What it was.
    pub kind: Text<16>,
    /// Of the trade; 0 for none.
    pub instrument: InstrumentId,
    /// The trade; 0 for none.
    pub trade_id: TradeId,
    /// The account's order that it was paid for; 0 for none.
    pub order_id: OrderId,
}

/// Appends the reply to `orders.history`.
pub fn write_orders(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &HistoryPage<ClosedOrder>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "orders", page, |out| {
        write_closed_order_items(out, &page.rows, table);
    });
}

/// Appends the reply to `fills.history`.
pub fn write_fills(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &HistoryPage<FillRow>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "fills", page, |out| write_fill_rows(out, &page.rows, table));
}

/// Appends the reply to `ledger.get`.
pub fn write_ledger(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &HistoryPage<LedgerRow>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "entries", page, |out| {
        let mut first = true;
        for row in &page.rows {
            separate(out, &mut first);
            let mut item = Item::of(out, None, table.instrument(row.instrument));
            item.number("seq", i64::try_from(row.place.seq).unwrap_or(i64::MAX));
            item.number("time", row.time_us);
            item.amount(row.asset, "change", row.change, table);
            item.text("kind", row.kind.as_bytes());
            item.symbol();
            if row.trade_id.0 != 0 {
                item.id("trade_id", row.trade_id.0);
            }
            if row.order_id.0 != 0 {
                item.id("order_id", row.order_id.0);
            }
            item.close();
        }
    });
}

fn write_page<T>(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    name: &str,
    page: &HistoryPage<T>,
    write_rows: impl FnOnce(&mut Vec<u8>),
) {
    answer.open(out);
    write_number(out, b"seq", answer.stamps.seq);
    write_number(out, b"store_seq", page.store_seq);
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":[");
    write_rows(out);
    out.extend_from_slice(b"],");
    if let Some(place) = page.next {
        out.extend_from_slice(b"\"next_cursor\":\"");
        cursors::write_place(out, answer.op, place);
        out.extend_from_slice(b"\",");
    }
    write_times_of(out, answer.stamps.in_us, None, answer.stamps.out_us);
    out.extend_from_slice(b"}}");
}
