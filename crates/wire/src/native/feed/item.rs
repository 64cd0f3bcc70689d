//! One JSON object being written: keys with values of each kind.

use alloc::format;
use alloc::vec::Vec;

use coulisse_types::{
    Amount, AssetId, ClientOrderId, InstrumentId, OrderId, Price, Qty, RequestId,
};

use crate::digits;
use crate::instruments::{InstrumentInfo, InstrumentTable};

/// An item of a message.
pub(in crate::native) struct Item<'o, 't> {
    pub(super) out: &'o mut Vec<u8>,
    pub(super) info: Option<&'t InstrumentInfo>,
    first: bool,
}

impl<'o, 't> Item<'o, 't> {
    /// Opens an item whose numbers are those of an instrument.
    pub(in crate::native) fn of(
        out: &'o mut Vec<u8>,
        event: Option<&str>,
        info: Option<&'t InstrumentInfo>,
    ) -> Self {
        out.push(b'{');
        let mut item = Self { out, info, first: true };
        if let Some(event) = event {
            item.text("event", event.as_bytes());
        }
        item
    }

    /// Goes on in an object that has keys already.
    pub(super) const fn behind(out: &'o mut Vec<u8>, info: &'t InstrumentInfo) -> Self {
        Self { out, info: Some(info), first: false }
    }

    /// Opens an item about an order: its ids and its symbol.
    pub(super) fn about(
        out: &'o mut Vec<u8>,
        event: Option<&str>,
        order: (OrderId, ClientOrderId, InstrumentId),
        table: &'t InstrumentTable,
    ) -> Self {
        let (order_id, client_order_id, instrument) = order;
        let mut item = Self::of(out, event, table.instrument(instrument));
        item.id("order_id", order_id.0);
        if !client_order_id.is_empty() {
            item.text("client_order_id", client_order_id.as_bytes());
        }
        item.symbol();
        item
    }

    pub(in crate::native) fn symbol(&mut self) {
        if let Some(info) = self.info {
            self.text("symbol", info.symbol.as_bytes());
        }
    }

    pub(super) fn key(&mut self, key: &str) {
        if !core::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    pub(in crate::native) fn text(&mut self, key: &str, text: &[u8]) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(text);
        self.out.push(b'"');
    }

    pub(in crate::native) fn id(&mut self, key: &str, id: u64) {
        self.key(key);
        self.out.push(b'"');
        digits::unsigned(self.out, id);
        self.out.push(b'"');
    }

    pub(super) fn flag(&mut self, key: &str, value: bool) {
        self.key(key);
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(in crate::native) fn number(&mut self, key: &str, value: i64) {
        self.key(key);
        digits::signed(self.out, value);
    }

    /// A time, in microseconds; nothing where it is 0.
    pub(in crate::native) fn time(&mut self, key: &str, time_ns: i64) {
        if time_ns != 0 {
            self.number(key, time_ns.div_euclid(1_000));
        }
    }

    pub(super) fn quoted(&mut self, key: &str, write: impl FnOnce(&mut Vec<u8>, &InstrumentInfo)) {
        if let Some(info) = self.info {
            self.key(key);
            self.out.push(b'"');
            write(self.out, info);
            self.out.push(b'"');
        }
    }

    pub(super) fn qty(&mut self, key: &str, qty: Qty) {
        self.quoted(key, |out, info| info.write_qty(out, qty));
    }

    pub(super) fn price(&mut self, key: &str, price: Price) {
        self.quoted(key, |out, info| info.write_price(out, price));
    }

    pub(super) fn notional(&mut self, key: &str, amount: Amount) {
        self.quoted(key, |out, info| info.write_notional(out, amount));
    }

    /// An asset, and so much of it; nothing of an asset that is not known.
    pub(in crate::native) fn amount(
        &mut self,
        asset: AssetId,
        key: &str,
        amount: Amount,
        table: &InstrumentTable,
    ) {
        if let Some(info) = table.asset(asset) {
            self.text("asset", info.name.as_bytes());
        }
        self.money(asset, key, amount, table);
    }

    /// So much of an asset.
    pub(in crate::native) fn money(
        &mut self,
        asset: AssetId,
        key: &str,
        amount: Amount,
        table: &InstrumentTable,
    ) {
        if let Some(info) = table.asset(asset) {
            self.key(key);
            self.out.push(b'"');
            info.write_amount(self.out, amount);
            self.out.push(b'"');
        }
    }

    /// The client's idempotency id; nothing where there was none.
    pub(in crate::native) fn request_id(&mut self, id: RequestId) {
        if id != RequestId(0) {
            self.text("request_id", format!("{:x}", id.0).as_bytes());
        }
    }

    /// A rate, as a fraction.
    pub(in crate::native) fn rate(&mut self, key: &str, ppm: i64) {
        self.key(key);
        self.out.push(b'"');
        digits::fixed(self.out, i128::from(ppm), 6);
        self.out.push(b'"');
    }

    pub(in crate::native) fn close(self) {
        self.out.push(b'}');
    }
}
