//! Withdrawals: what the parameters of requests about them become, and the rows that are told of them.

use alloc::vec::Vec;

use coulisse_types::command::{
    Withdraw, WithdrawalApprove, WithdrawalCancel, WithdrawalCapSet, WithdrawalReject,
};
use coulisse_types::{AccountName, Amount, AssetId, KeyId, RejectCode, RequestId, Seq};

use super::admin::{find_asset, plain};
use super::answers::{Answer, Page, write_page};
use super::creating::read_money;
use super::error::Detail;
use super::feed::Item;
use super::params::{Fault, Params, Read};
use super::reply::separate;
use super::request::Admin;
use super::spec::{Op, at};
use crate::instruments::{InstrumentTable, Symbols};
use crate::json::Raw;
use crate::limits::{INTEGER_MAX, TEXT_BYTES_MAX};

pub(super) fn read<'a>(
    op: Op,
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Admin> {
    Ok(plain(match op {
        Op::Withdraw => {
            let asset = find_asset(params.get(at::withdraw::ASSET), "asset", symbols)?;
            let amount = read_money(asset, params.get(at::withdraw::QTY), "qty")?;
            Withdraw { asset: asset.id, amount }.into()
        }
        Op::WithdrawalCapSet => {
            let asset = find_asset(params.get(at::withdraw::ASSET), "asset", symbols)?;
            let cap = read_money(asset, params.get(at::CAP), "cap")?;
            WithdrawalCapSet { asset: asset.id, cap }.into()
        }
        _ => {
            let withdrawal_id = read_id(params.get(at::WITHDRAWAL_ID))?;
            match op {
                Op::WithdrawalApprove => WithdrawalApprove { withdrawal_id }.into(),
                Op::WithdrawalReject => WithdrawalReject { withdrawal_id }.into(),
                _ => WithdrawalCancel { withdrawal_id }.into(),
            }
        }
    }))
}

fn read_id(value: Raw<'_>) -> Read<'_, Seq> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let text = value.text(&mut scratch).and_then(|text| core::str::from_utf8(text).ok());
    let is_plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_digit());
    let id = text.filter(is_plain).and_then(|text| text.parse().ok());
    id.filter(|id| (1..=INTEGER_MAX).contains(id)).map(Seq).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, "withdrawal_id", value);
        fault.with(Detail::Wanted("the withdrawal_id of a pending withdrawal"))
    })
}

/// A withdrawal that waits for a second person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WithdrawalRow {
    /// The seq of the request.
    pub id: Seq,
    /// Whose.
    pub account: AccountName,
    /// Which asset.
    pub asset: AssetId,
    /// How much.
    pub amount: Amount,
    /// The key that asked; empty for the node itself.
    pub asked_by: KeyId,
    /// The request's id; 0 for none.
    pub request_id: RequestId,
    /// When it expires, in ns since the epoch.
    pub expire_ns: i64,
}

/// A withdrawal cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapRow {
    /// The asset.
    pub asset: AssetId,
    /// What an account may withdraw in a day without a second person.
    pub cap: Amount,
    /// How often it was set.
    pub version: u32,
    /// What it is to be raised to; negative where nobody proposed that.
    pub proposed: Amount,
    /// The key that proposed it.
    pub proposed_by: KeyId,
}

/// Appends the reply to `withdrawals.get` and `withdrawals.pending`.
pub fn write_withdrawals(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &Page<WithdrawalRow>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "withdrawals", page, |out| {
        let mut first = true;
        for row in &page.rows {
            separate(out, &mut first);
            let mut item = Item::of(out, None, None);
            item.id("withdrawal_id", row.id.0);
            item.text("account", row.account.as_bytes());
            item.amount(row.asset, "qty", row.amount, table);
            item.text("state", b"pending");
            if !row.asked_by.is_empty() {
                item.text("asked_by", row.asked_by.as_bytes());
            }
            item.request_id(row.request_id);
            item.time("expire_time", row.expire_ns);
            item.close();
        }
    });
}

/// Appends the reply to `withdrawal_caps.get`.
pub fn write_caps(
    out: &mut Vec<u8>,
    answer: &Answer<'_>,
    page: &Page<CapRow>,
    table: &InstrumentTable,
) {
    write_page(out, answer, "caps", page, |out| {
        let mut first = true;
        for row in &page.rows {
            separate(out, &mut first);
            let mut item = Item::of(out, None, None);
            item.amount(row.asset, "cap", row.cap, table);
            item.number("version", row.version.into());
            if row.proposed.minor() >= 0 {
                item.money(row.asset, "proposed", row.proposed, table);
                item.text("proposed_by", row.proposed_by.as_bytes());
            }
            item.close();
        }
    });
}
