//! What an account traded on its last days, written down.

use super::Traded;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder};
use coulisse_types::limits::FEE_DAYS;

impl Traded {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self { day, total_minor, days } = self;
        out.put(day);
        out.put(total_minor);
        for minor in days {
            out.put(minor);
        }
    }

    pub(crate) fn decode(from: &mut Decoder<'_>) -> Result<Self, SnapshotError> {
        let (day, total_minor) = (from.get()?, from.get()?);
        let mut days = [0; FEE_DAYS];
        for minor in &mut days {
            *minor = from.get()?;
        }
        Ok(Self { day, total_minor, days })
    }
}
