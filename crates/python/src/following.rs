//! What a replica makes of the events for a store that has come to some seq: the rows of the store, or the
//! time series.
//!
//! Invariant: nothing is made before the chain hash at that seq was seen to be the store's.

use crate::series::After;
use coulisse_journal::ChainHash;
use coulisse_projections::series::SeriesFold;
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

/// What rows are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Those of the store; the events are kept too, for whoever makes rows of them in another way.
    Store { keeps_events: bool },
    /// Those of the time series, likewise.
    Series { keeps_events: bool },
}

enum Making {
    Store(Box<Fold>),
    Series(SeriesFold),
}

/// A store's place in the log, and the rows that follow.
pub(crate) struct Following {
    from_seq: u64,
    from_chain: ChainHash,
    has_begun: bool,
    making: Making,
    records: u64,
    kept: Option<Vec<(RecordHeader, Vec<u8>)>>,
}

impl Following {
    pub(crate) fn new(from_seq: u64, from_chain: ChainHash, wanted: Wanted) -> Self {
        let (making, keeps_events) = match wanted {
            Wanted::Store { keeps_events } => (Making::Store(Box::default()), keeps_events),
            Wanted::Series { keeps_events } => {
                (Making::Series(SeriesFold::default()), keeps_events)
            }
        };
        let kept = keeps_events.then(Vec::new);
        Self { from_seq, from_chain, has_begun: false, making, records: 0, kept }
    }

    /// Whether the place is here and was not looked at yet.
    pub(crate) fn waits_for(&self, after: &After<'_>) -> bool {
        !self.has_begun && after.engine.last_seq().0 >= self.from_seq
    }

    /// Begins here, where the log's chain hash is `chain`, if it is the store's.
    pub(crate) fn begin(
        &mut self,
        after: &After<'_>,
        chain: Option<ChainHash>,
    ) -> Result<(), FollowError> {
        if self.from_seq > 0 && chain != Some(self.from_chain) {
            return Err(FollowError::Other { seq: self.from_seq });
        }
        match &mut self.making {
            Making::Store(fold) => {
                for listed in after.engine.instruments() {
                    let (base, quote) = (listed.base, listed.quote);
                    let lot_minor = listed.lot_minor;
                    fold.learn(listed.id, Instrument { base, quote, lot_minor });
                }
            }
            Making::Series(fold) => *fold = after.fold(),
        }
        self.has_begun = true;
        Ok(())
    }

    /// Takes a record and what followed from it.
    #[inline]
    pub(crate) fn take(&mut self, header: &RecordHeader, events: &[Event], after: &After<'_>) {
        if !self.has_begun {
            return;
        }
        match &mut self.making {
            Making::Store(fold) => fold.take(header, events),
            Making::Series(fold) => fold.take(header, events, after),
        }
        self.records += 1;
        if let Some(kept) = &mut self.kept {
            let mut bytes = Vec::new();
            encode_events(&mut bytes, events);
            kept.push((*header, bytes));
        }
    }

    /// The rows since the last time, if a record was taken.
    pub(crate) fn take_rows(&mut self, after: &After<'_>) -> Option<Rows> {
        if std::mem::take(&mut self.records) == 0 {
            return None;
        }
        Some(match &mut self.making {
            Making::Store(fold) => fold.take_rows(),
            Making::Series(fold) => fold.take_rows(after.engine.last_seq().0, after),
        })
    }

    pub(crate) fn take_events(&mut self) -> Vec<(RecordHeader, Vec<u8>)> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Events whose rows were not taken yet.
    pub(crate) fn waiting_events(&self) -> u64 {
        match &self.making {
            Making::Store(fold) => fold.events(),
            Making::Series(fold) => fold.events(),
        }
    }
}
