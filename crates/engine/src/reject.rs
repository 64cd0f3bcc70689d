//! A refusal on its way out: what becomes the one `Rejected` event of a command.

use coulisse_types::event::Rejected;
use coulisse_types::{ClientOrderId, Field, RejectCode, Unit};

/// Why a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reject {
    code: RejectCode,
    field: Field,
    unit: Unit,
    value: i128,
    limit: i128,
}

impl Reject {
    /// A refusal that names a field, without numbers.
    pub(crate) const fn new(code: RejectCode, field: Field) -> Self {
        Self { code, field, unit: Unit::None, value: 0, limit: 0 }
    }

    /// The same with the offending value in a unit.
    #[must_use]
    pub(crate) fn value(self, unit: Unit, value: impl Into<i128>) -> Self {
        Self { unit, value: value.into(), ..self }
    }

    /// The same with the offending plain number: an id, a count, a bit mask.
    #[must_use]
    pub(crate) fn number(self, value: impl Into<i128>) -> Self {
        self.value(Unit::Number, value)
    }

    /// The same with the bound.
    #[must_use]
    pub(crate) fn limit(self, limit: impl Into<i128>) -> Self {
        Self { limit: limit.into(), ..self }
    }

    /// A table holds as many as it may.
    pub(crate) fn table_full(field: Field, max: u32) -> Self {
        Self::new(RejectCode::TableFull, field).number(max).limit(max)
    }

    /// The event.
    pub(crate) fn event(self, client_order_id: ClientOrderId) -> Rejected {
        let Self { code, field, unit, value, limit } = self;
        Rejected { code, field, unit, value, limit, client_order_id }
    }
}

/// `Ok` if the rule holds, else the refusal.
#[inline]
pub(crate) fn ensure(holds: bool, reject: impl FnOnce() -> Reject) -> Result<(), Reject> {
    if holds { Ok(()) } else { Err(reject()) }
}
