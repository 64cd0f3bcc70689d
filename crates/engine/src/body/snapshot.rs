//! A body written down, as a field of a row.

use super::Body;
use coulisse_types::codec::{Field, Reader, Writer};

impl Field for Body {
    const TYPE: &'static str = "order_body";

    const BYTES_MAX: usize = 2 * u64::BYTES_MAX;

    fn put(&self, out: &mut Writer<'_>) {
        let Self([low, high]) = self;
        Field::put(low, out);
        Field::put(high, out);
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self([Field::decode(reader)?, Field::decode(reader)?]))
    }
}
