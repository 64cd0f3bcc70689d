//! What a delta of `balances` says of withdrawals, beside the balances that they changed.

use alloc::vec::Vec;

use coulisse_types::event::{WithdrawalEnded, WithdrawalHeld, Withdrawn};
use coulisse_types::{AccountId, Event};

use super::super::reply::separate;
use super::item::Item;
use crate::instruments::InstrumentTable;

/// Whether an event is about a withdrawal: it is told on `balances`, and is none of its items.
pub(super) const fn is_of_withdrawal(event: &Event) -> bool {
    matches!(event, Event::Withdrawn(_) | Event::WithdrawalHeld(_) | Event::WithdrawalEnded(_))
}

/// Appends `,"withdrawals":[…]` with those of an account; nothing where there are none.
pub(super) fn write_withdrawals(
    out: &mut Vec<u8>,
    account: AccountId,
    events: &[Event],
    table: &InstrumentTable,
) {
    let start = out.len();
    out.extend_from_slice(b",\"withdrawals\":[");
    let (mut first, mut is_approved) = (true, false);
    for event in events {
        match event {
            Event::WithdrawalHeld(held) if held.account == account => {
                separate(out, &mut first);
                write_held(out, held, table);
            }
            Event::WithdrawalEnded(ended) if ended.account == account => {
                separate(out, &mut first);
                write_ended(out, ended, table);
                is_approved = true;
            }
            // What was approved has been told as that.
            Event::Withdrawn(gone) if gone.account == account && !is_approved => {
                separate(out, &mut first);
                write_settled(out, gone, table);
            }
            _ => {}
        }
    }
    if first {
        out.truncate(start);
    } else {
        out.push(b']');
    }
}

fn write_held(out: &mut Vec<u8>, held: &WithdrawalHeld, table: &InstrumentTable) {
    let mut item = Item::of(out, None, None);
    item.id("withdrawal_id", held.withdrawal_id.0);
    item.amount(held.asset, "qty", held.amount, table);
    item.text("state", b"pending");
    item.request_id(held.request_id);
    item.time("expire_time", held.expire_ns);
    item.close();
}

fn write_ended(out: &mut Vec<u8>, ended: &WithdrawalEnded, table: &InstrumentTable) {
    let mut item = Item::of(out, None, None);
    item.id("withdrawal_id", ended.withdrawal_id.0);
    item.amount(ended.asset, "qty", ended.amount, table);
    item.text("state", ended.end.name().as_bytes());
    item.close();
}

fn write_settled(out: &mut Vec<u8>, gone: &Withdrawn, table: &InstrumentTable) {
    let mut item = Item::of(out, None, None);
    item.amount(gone.asset, "qty", gone.amount, table);
    item.text("state", b"settled");
    item.request_id(gone.request_id);
    item.close();
}
