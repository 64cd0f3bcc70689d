//! A body written down, as a field of a row.

use super::Body;
use alloc::vec::Vec;
use coulisse_types::codec::{Field, Reader};

impl Field for Body {
    const TYPE: &'static str = "order_body";

    fn encode(&self, out: &mut Vec<u8>) {
        let Self([low, high]) = self;
        low.encode(out);
        high.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self([Field::decode(reader)?, Field::decode(reader)?]))
    }
}
