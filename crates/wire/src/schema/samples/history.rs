//! Examples of history.

use alloc::vec;
use alloc::vec::Vec;

use coulisse_types::event::{CloseReason, OrderState};
use coulisse_types::{Amount, AssetId, OrderId, Qty, TradeId};

use super::{BTC_USD, SEQ, TIME_US, fill_rows, open_order, text};
use crate::instruments::InstrumentTable;
use crate::native::Op;
use crate::native::answers::Answer;
use crate::native::feed::{ClosedOrder, OpenOrder};
use crate::native::history::{self, HistoryPage, LedgerRow, Place};

/// Appends the reply of the example.
pub(super) fn write(out: &mut Vec<u8>, op: Op, answer: &Answer<'_>, table: &InstrumentTable) {
    match op {
        Op::OrdersHistory => history::write_orders(out, answer, &page(vec![closed()]), table),
        Op::FillsHistory => history::write_fills(out, answer, &page(fill_rows()), table),
        _ => history::write_ledger(out, answer, &page(entries()), table),
    }
}

fn page<T>(rows: Vec<T>) -> HistoryPage<T> {
    HistoryPage { rows, next: Some(Place { seq: SEQ - 40, item: 1 }), store_seq: SEQ - 23 }
}

fn closed() -> ClosedOrder {
    ClosedOrder {
        place: Place { seq: SEQ, item: 0 },
        time_us: TIME_US + 12,
        order: OpenOrder { order_id: OrderId(88_101), ..open_order() },
        notional: Amount::ZERO,
        remaining: Qty::from_lots(600),
        state: OrderState::Cancelled,
        reason: CloseReason::CancelRequested,
        accepted_seq: 88_101,
        accepted_us: TIME_US - 2_000_000,
    }
}

fn entries() -> Vec<LedgerRow> {
    let of = |item, asset, minor, kind, order_id| LedgerRow {
        place: Place { seq: SEQ, item },
        time_us: TIME_US + 12,
        asset: AssetId(asset),
        change: Amount::from_minor(minor),
        kind: text(kind),
        instrument: BTC_USD,
        trade_id: TradeId(5_117),
        order_id: OrderId(order_id),
    };
    vec![
        of(2, 2, -12_000_000, "fee", SEQ),
        of(1, 2, -24_000_000_000, "trade", SEQ),
        of(0, 1, 400_000, "trade", 0),
    ]
}
