//! The event hash written down.

use super::EventHash;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder};

impl EventHash {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        let Self { hash: _, buffer: _, unhashed: _ } = self;
        out.put(&self.now());
    }

    pub(crate) fn decode(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        let Self { hash, buffer: _, unhashed } = self;
        (*hash, *unhashed) = (from.get()?, 0);
        Ok(())
    }
}
