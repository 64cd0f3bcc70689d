//! The table written down: the events that make it again.

use super::{AssetInfo, InstrumentInfo, InstrumentTable};
use coulisse_types::event::{AssetCreated, GroupCreated, InstrumentCreated};
use coulisse_types::{Event, GroupId};

impl InstrumentTable {
    /// The events that make this table out of an empty one.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        // The slots are made of the instruments.
        let Self { assets, instruments, slots: _, groups } = self;
        let instruments = instruments.iter().map(InstrumentInfo::created);
        let groups = (1_u32..).zip(groups);
        let groups = groups.map(|(id, name)| GroupCreated { group: GroupId(id), name: *name });
        let assets = assets.iter().map(AssetInfo::created);
        assets.chain(instruments).chain(groups.map(Event::from))
    }
}

impl AssetInfo {
    fn created(&self) -> Event {
        let Self { id, name, scale } = *self;
        AssetCreated { asset: id, name, scale }.into()
    }
}

impl InstrumentInfo {
    fn created(&self) -> Event {
        let Self {
            id,
            symbol,
            base,
            quote,
            tick_minor,
            lot_minor,
            min_qty,
            max_qty,
            min_notional,
            maker_fee,
            taker_fee,
            // Follow from tick, lot and scales.
            prices: _,
            qtys: _,
        } = *self;
        let created = InstrumentCreated {
            instrument: id,
            symbol,
            base: base.id,
            quote: quote.id,
            tick_minor,
            lot_minor,
            min_qty,
            max_qty,
            min_notional,
            maker_fee,
            taker_fee,
        };
        created.into()
    }
}
