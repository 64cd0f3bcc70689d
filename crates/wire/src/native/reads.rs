//! What a list is asked for with: which rows, from where on, how many, and how new they must be.

use coulisse_types::{InstrumentId, RejectCode};

use super::bodies::read_one_symbol;
use super::cursors;
use super::error::Detail;
use super::params::{self, Fault, Params, integer};
use super::spec::{Op, at};
use crate::instruments::Symbols;
use crate::json::Raw;
use crate::limits::{INTEGER_MAX, PAGE_ROWS_MAX, TEXT_BYTES_MAX};

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Read {
    /// Which list.
    pub op: Op,
    /// Only in this instrument.
    pub instrument: Option<InstrumentId>,
    /// The key of the last row that was told; `None` for the first page.
    pub after: Option<u64>,
    /// Rows at most, from 1.
    pub limit: u32,
    /// The seq that must have been applied; 0 for none.
    pub min_seq: u64,
}

pub(super) fn read_list<'a>(
    op: Op,
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> params::Read<'a, Read> {
    let has_symbol = matches!(op, Op::OrdersOpen | Op::FillsGet);
    let instrument = if has_symbol { read_one_symbol(params, symbols)? } else { None };
    let paging = |place: usize| params.get(place.saturating_add(usize::from(has_symbol)));
    let min_seq = match paging(at::page::MIN_SEQ).present() {
        Some(value) => integer(value, "min_seq", INTEGER_MAX)?,
        None => 0,
    };
    let after = paging(at::page::CURSOR).present().map(|value| read_cursor(op, value));
    Ok(Read {
        op,
        instrument,
        after: after.transpose()?,
        limit: read_limit(paging(at::page::LIMIT))?,
        min_seq,
    })
}

pub(super) fn read_limit(value: Raw<'_>) -> params::Read<'_, u32> {
    let Some(value) = value.present() else { return Ok(PAGE_ROWS_MAX) };
    let limit = integer(value, "limit", u64::from(PAGE_ROWS_MAX))?;
    u32::try_from(limit).ok().filter(|limit| *limit > 0).ok_or_else(|| {
        let fault = Fault::new(RejectCode::NumberOutOfRange, "limit", value);
        Fault(fault.0.with_limit(b"1"))
    })
}

fn read_cursor(op: Op, value: Raw<'_>) -> params::Read<'_, u64> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    value.text(&mut scratch).and_then(|text| cursors::read(text, op)).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, "cursor", value);
        fault.with(Detail::Wanted("the next_cursor of a page of this list"))
    })
}
