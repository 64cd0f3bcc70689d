//! Where a kill switch stands, as a field of a row.

use super::Kill;
use coulisse_types::codec::{Field, Reader, Writer};

impl Field for Kill {
    const TYPE: &'static str = "kill";
    const BYTES_MAX: usize = 1;

    fn put(&self, out: &mut Writer<'_>) {
        Field::put(&self.number(), out);
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let number = <u8 as Field>::decode(reader)?;
        [Self::Off, Self::On, Self::Asked].into_iter().find(|kill| kill.number() == number)
    }
}
