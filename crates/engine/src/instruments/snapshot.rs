//! Instruments written down: rules, counters, and the book, best price first, then first come.

use super::{Instrument, Instruments, Listing};
use crate::configure::Trading;
use crate::orders::{Orders, TOGETHER};
use crate::paged::{NONE, index};
use crate::snapshot::codec::{Decoder, Encoder, row};
use crate::snapshot::{SnapshotError, SnapshotFault};
use alloc::vec::Vec;
use coulisse_book::{Handle, Resting};
use coulisse_types::{AssetId, InstrumentId, OrderId, Price, Qty, Side, TickLotValue};

row!(Trading {
    version,
    matching,
    reference,
    collar_ppm,
    slippage_ppm,
    band_ppm,
    auction_ns,
    auction_fee,
});

impl Instrument {
    fn encode_row(&self, out: &mut Encoder<'_>) {
        let Self {
            // Follows the order.
            id: _,
            symbol,
            base,
            quote,
            tick_minor,
            lot_minor,
            // Follows from tick, lot and the base's scale.
            unit: _,
            min_qty,
            max_qty,
            min_notional,
            maker_fee,
            taker_fee,
            base_scale,
            quote_scale,
            price_decimals,
            qty_decimals,
        } = self;
        out.put(symbol);
        out.put(base);
        out.put(quote);
        out.put(tick_minor);
        out.put(lot_minor);
        out.put(base_scale);
        out.put(min_qty);
        out.put(max_qty);
        out.put(min_notional);
        out.put(maker_fee);
        out.put(taker_fee);
        out.put(quote_scale);
        out.put(price_decimals);
        out.put(qty_decimals);
    }

    fn decode_row(from: &mut Decoder<'_>) -> Result<Self, SnapshotError> {
        let (symbol, base, quote) = (from.get()?, from.get()?, from.get()?);
        let (tick_minor, lot_minor, base_scale) = (from.get()?, from.get()?, from.get()?);
        let Some(unit) = TickLotValue::new(tick_minor, lot_minor, base_scale) else {
            return Err(from.fault(SnapshotFault::Malformed));
        };
        Ok(Self {
            id: InstrumentId(0),
            symbol,
            base,
            quote,
            tick_minor,
            lot_minor,
            unit,
            min_qty: from.get()?,
            max_qty: from.get()?,
            min_notional: from.get()?,
            maker_fee: from.get()?,
            taker_fee: from.get()?,
            base_scale,
            quote_scale: from.get()?,
            price_decimals: from.get()?,
            qty_decimals: from.get()?,
        })
    }
}

impl Instruments {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self { rows, max: _, live_orders_max: _ } = self;
        out.count(rows.len());
        for listing in rows {
            let Listing {
                rules,
                book,
                config,
                state,
                last_trade_id,
                largest_lots,
                last_price_ticks,
                mark_ticks,
                watch,
            } = listing;
            rules.encode_row(out);
            config.encode_row(out);
            out.put(state);
            out.put(last_trade_id);
            out.put(largest_lots);
            out.put(last_price_ticks);
            out.put(mark_ticks);
            watch.encode(out);
            out.put(&book.len());
            for side in [Side::Buy, Side::Sell] {
                out.count(book.resting(side).count());
                for resting in book.resting(side) {
                    // The owner is a place in memory; its id finds it again.
                    let Resting { order_id, owner: _, price, qty } = resting;
                    out.put(&order_id);
                    out.put(&price);
                    out.put(&qty);
                }
            }
        }
    }

    /// Reads the instruments into an empty table, and puts `orders` on their books.
    pub(crate) fn decode(
        &mut self,
        from: &mut Decoder<'_>,
        asset_count: u32,
        orders: &mut Orders,
    ) -> Result<(), SnapshotError> {
        let mut resting = 0_u64;
        for _ in 0..from.count(self.max)? {
            let rules = Instrument::decode_row(from)?;
            let exists = |asset: AssetId| (1..=asset_count).contains(&asset.0);
            from.agree(exists(rules.base) && exists(rules.quote), "an instrument of no asset")?;
            let id = self.add(rules).id;
            let listing = self.at_mut(id);
            listing.config = Trading::decode_row(from)?;
            listing.state = from.get()?;
            listing.last_trade_id = from.get()?;
            listing.largest_lots = from.get()?;
            listing.last_price_ticks = from.get()?;
            listing.mark_ticks = from.get()?;
            listing.watch.decode(from)?;
            let count = from.count(orders.live())?;
            for side in [Side::Buy, Side::Sell] {
                listing.decode_side(from, side, count, orders)?;
            }
            from.agree(listing.book.len() == count, "sides that are not the book")?;
            resting = resting.saturating_add(u64::from(count));
        }
        let waiting = u64::from(orders.waiting_count());
        let live = u64::from(orders.live());
        from.agree(resting.saturating_add(waiting) == live, "a live order that rests nowhere")
    }
}

impl Listing {
    /// Puts the orders of one side on the book.
    fn decode_side(
        &mut self,
        from: &mut Decoder<'_>,
        side: Side,
        count_max: u32,
        orders: &mut Orders,
    ) -> Result<(), SnapshotError> {
        let mut batch: Vec<(OrderId, Price, Qty)> = Vec::with_capacity(index(TOGETHER));
        let mut left = from.count(count_max)?;
        while left > 0 {
            batch.clear();
            for _ in 0..left.min(TOGETHER) {
                batch.push((from.get()?, from.get()?, from.get()?));
            }
            core::hint::black_box(orders.peek_all(batch.iter().map(|(order_id, ..)| *order_id)));
            for (order_id, price, qty) in &batch {
                self.put(from, side, *order_id, (*price, *qty), orders)?;
            }
            left = left.saturating_sub(TOGETHER);
        }
        Ok(())
    }

    /// Puts one order on the book.
    fn put(
        &mut self,
        from: &Decoder<'_>,
        side: Side,
        order_id: OrderId,
        (price, qty): (Price, Qty),
        orders: &mut Orders,
    ) -> Result<(), SnapshotError> {
        let Some(place) = orders.find(order_id) else {
            return from.agree(false, "an order on a book that does not live");
        };
        let order = orders.at_mut(place);
        let is_its = order.handle == Handle::from_index(NONE)
            && order.instrument == self.rules.id
            && order.side == side
            && (order.price_ticks == price.ticks() || order.terms != NONE);
        from.agree(is_its, "an order on a book that is not its own")?;
        match self.book.insert(side, price, qty, order_id, place) {
            Ok(handle) => order.handle = handle,
            Err(_) => from.agree(false, "an order that the book does not take")?,
        }
        Ok(())
    }
}
