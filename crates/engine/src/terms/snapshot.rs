//! The terms of a live order written down, behind the order's own row.
//!
//! Which list it is in the lists say, which are read after this.

use super::{OrderTerms, Terms, Wait};
use crate::paged::NONE;
use crate::snapshot::codec::row;
use coulisse_types::codec::{Field, Reader, Writer};

row!(OrderTerms {
    self_trade,
    trigger,
    trigger_on,
    trigger_price,
    trail,
    display_qty,
    min_qty,
    peg,
    peg_offset,
    reduce_only,
    expire_ns,
});

impl Terms {
    pub(crate) fn encode_row(&self, out: &mut crate::snapshot::codec::Encoder<'_>) {
        let Self {
            asked,
            trigger_ticks,
            best_ticks,
            is_due,
            wait,
            holds,
            expire_ns,
            list: _,
            leg: _,
        } = self;
        asked.encode_row(out);
        out.put(trigger_ticks);
        out.put(best_ticks);
        out.put(is_due);
        out.put(wait);
        out.put(holds);
        out.put(expire_ns);
    }

    pub(crate) fn decode_row(
        from: &mut crate::snapshot::codec::Decoder<'_>,
    ) -> Result<Self, crate::snapshot::SnapshotError> {
        Ok(Self {
            asked: OrderTerms::decode_row(from)?,
            trigger_ticks: from.get()?,
            best_ticks: from.get()?,
            is_due: from.get()?,
            wait: from.get()?,
            holds: from.get()?,
            expire_ns: from.get()?,
            list: NONE,
            leg: 0,
        })
    }
}

impl Field for Wait {
    const TYPE: &'static str = "wait";
    const BYTES_MAX: usize = 1;

    fn put(&self, out: &mut Writer<'_>) {
        Field::put(&self.number(), out);
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let number = <u8 as Field>::decode(reader)?;
        [Self::No, Self::Trigger, Self::Peg, Self::List].into_iter().find(|w| w.number() == number)
    }
}
