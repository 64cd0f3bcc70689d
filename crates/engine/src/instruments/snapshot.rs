//! Instruments written down: rules, counters, and the book, best price first, then first come.

use super::{Instrument, Instruments, Listing};
use crate::configure::Trading;
use crate::orders::{Order, Orders, TOGETHER};
use crate::paged::{NONE, index};
use crate::snapshot::codec::{Decoder, Encoder, row};
use crate::snapshot::{SnapshotError, SnapshotFault};
use alloc::vec::Vec;
use coulisse_book::{Handle, Resting};
use coulisse_types::{AssetId, InstrumentId, Price, Qty, Side, TickLotValue};

/// In the number of an order on a book: its price and what is shown of it follow.
const OTHER: u32 = 1 << 31;

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
    /// Writes the instruments and their books, whose orders are `orders`, at `places` by id.
    pub(crate) fn encode(&self, orders: &Orders, places: &[u32], out: &mut Encoder<'_>) {
        let Self { rows, max: _, live_orders_max: _ } = self;
        let numbers = orders.numbers(places);
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
                auction,
                // Follows from state and configuration.
                is_plain: _,
            } = listing;
            rules.encode_row(out);
            config.encode_row(out);
            out.put(state);
            out.put(last_trade_id);
            out.put(largest_lots);
            out.put(last_price_ticks);
            out.put(mark_ticks);
            watch.encode(out);
            auction.encode(out);
            out.put(&book.len());
            for side in [Side::Buy, Side::Sell] {
                out.count(book.resting(side).count());
                for resting in book.resting(side) {
                    // Its order stands elsewhere, and so does what the book shows of it, if that
                    // is all that is left of it.
                    let Resting { order_id: _, owner, price, qty } = resting;
                    let number = numbers.get(index(owner)).copied().unwrap_or(NONE);
                    if (price, qty) == as_asked(orders.at(owner)) {
                        out.put(&number);
                    } else {
                        out.put(&(number | OTHER));
                        out.put(&price);
                        out.put(&qty);
                    }
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
            listing.auction.decode(from)?;
            listing.settle_mode();
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
        let mut batch: Vec<(u32, Option<(Price, Qty)>)> = Vec::with_capacity(index(TOGETHER));
        let mut left = from.count(count_max)?;
        while left > 0 {
            batch.clear();
            for _ in 0..left.min(TOGETHER) {
                let number: u32 = from.get()?;
                let place = number & !OTHER;
                // An order stands at its number since it was read.
                from.agree(place < orders.live(), "an order on a book that does not live")?;
                let is_other = number & OTHER != 0;
                let shown = if is_other { Some((from.get()?, from.get()?)) } else { None };
                batch.push((place, shown));
            }
            core::hint::black_box(orders.peek_all(batch.iter().map(|(place, _)| *place)));
            for (place, shown) in &batch {
                self.put(from, side, *place, *shown, orders)?;
            }
            left = left.saturating_sub(TOGETHER);
        }
        Ok(())
    }

    /// Puts one order on the book, as `shown` where that is not as it was asked for.
    fn put(
        &mut self,
        from: &Decoder<'_>,
        side: Side,
        place: u32,
        shown: Option<(Price, Qty)>,
        orders: &mut Orders,
    ) -> Result<(), SnapshotError> {
        let order = orders.at_mut(place);
        let asked = as_asked(order);
        let is_its = order.handle == Handle::from_index(NONE)
            && order.instrument == self.rules.id
            && order.side == side
            && shown.is_none_or(|shown| shown != asked)
            && shown.is_none_or(|(price, _)| price == asked.0 || order.terms != NONE);
        from.agree(is_its, "an order on a book that is not its own")?;
        let (price, qty) = shown.unwrap_or(asked);
        match self.book.insert(side, price, qty, order.id, place) {
            Ok(handle) => order.handle = handle,
            Err(_) => from.agree(false, "an order that the book does not take")?,
        }
        Ok(())
    }
}

/// What the book shows of an order that shows all that is left of it, at its own price.
fn as_asked(order: &Order) -> (Price, Qty) {
    (Price::from_ticks(order.price_ticks), order.remaining())
}
