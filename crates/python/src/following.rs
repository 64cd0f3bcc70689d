//! What a replica makes of the events for a store that has come to some seq.
//!
//! Invariant: nothing is made before the chain hash at that seq was seen to be the store's.

use coulisse_engine::Engine;
use coulisse_journal::ChainHash;
use coulisse_projections::{Fold, Instrument, Rows};
use coulisse_types::{Event, RecordHeader};
use coulisse_wire::record::encode_events;

/// Why a store cannot be gone on with.
#[derive(Debug)]
pub(crate) enum FollowError {
    /// It holds more than the log does.
    Ahead { seq: u64, durable_seq: u64 },
    /// The replica has gone past it.
    Passed { seq: u64, at: u64 },
    /// It was filled from another history.
    Other { seq: u64 },
}

/// A store's place in the log, and the rows that follow.
pub(crate) struct Following {
    from_seq: u64,
    from_chain: ChainHash,
    has_begun: bool,
    fold: Fold,
    records: u64,
    kept: Option<Vec<(RecordHeader, Vec<u8>)>>,
}

impl Following {
    pub(crate) fn new(from_seq: u64, from_chain: ChainHash, keeps_events: bool) -> Self {
        Self {
            from_seq,
            from_chain,
            has_begun: false,
            fold: Fold::default(),
            records: 0,
            kept: keeps_events.then(Vec::new),
        }
    }

    /// Whether the place is here and was not looked at yet.
    pub(crate) fn waits_for(&self, engine: &Engine) -> bool {
        !self.has_begun && engine.last_seq().0 >= self.from_seq
    }

    /// Begins here, where the log's chain hash is `chain`, if it is the store's.
    pub(crate) fn begin(
        &mut self,
        engine: &Engine,
        chain: Option<ChainHash>,
    ) -> Result<(), FollowError> {
        if self.from_seq > 0 && chain != Some(self.from_chain) {
            return Err(FollowError::Other { seq: self.from_seq });
        }
        for listed in engine.instruments() {
            let instrument =
                Instrument { base: listed.base, quote: listed.quote, lot_minor: listed.lot_minor };
            self.fold.learn(listed.id, instrument);
        }
        self.has_begun = true;
        Ok(())
    }

    /// Takes a record and what followed from it.
    #[inline]
    pub(crate) fn take(&mut self, header: &RecordHeader, events: &[Event]) {
        if !self.has_begun {
            return;
        }
        self.fold.take(header, events);
        self.records += 1;
        if let Some(kept) = &mut self.kept {
            let mut bytes = Vec::new();
            encode_events(&mut bytes, events);
            kept.push((*header, bytes));
        }
    }

    /// The rows since the last time, if a record was taken.
    pub(crate) fn take_rows(&mut self) -> Option<Rows> {
        if std::mem::take(&mut self.records) == 0 {
            return None;
        }
        Some(self.fold.take_rows())
    }

    pub(crate) fn take_events(&mut self) -> Vec<(RecordHeader, Vec<u8>)> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Events whose rows were not taken yet.
    pub(crate) fn waiting_events(&self) -> u64 {
        self.fold.events()
    }
}
