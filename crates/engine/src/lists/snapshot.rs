//! Lists written down, by list id: their legs are live orders.

use super::{LEGS, Leg, List, Phase};
use crate::engine::Engine;
use crate::forest::Forest;
use crate::paged::NONE;
use crate::snapshot::SnapshotError;
use crate::snapshot::codec::{Decoder, Encoder};
use coulisse_types::OrderId;
use coulisse_types::codec::{Field, Reader, Writer};

impl Engine {
    pub(crate) fn encode_lists(&self, out: &mut Encoder<'_>) {
        let places = self.lists.by_id(&self.orders);
        out.count(places.len());
        for place in places {
            let List { id, instrument, kind, legs, phase, extra_minor } = self.lists.at(place);
            out.put(id);
            out.put(instrument);
            out.put(kind);
            for leg in legs {
                out.put(&leg.map_or(OrderId(0), |Leg { id, place: _ }| id));
            }
            out.put(phase);
            out.put(extra_minor);
        }
    }

    /// Reads the lists; orders and instruments are there already.
    pub(crate) fn decode_lists(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        for _ in 0..from.count(self.orders.max())? {
            let (id, instrument, kind) = (from.get()?, from.get()?, from.get()?);
            let exists = self.instruments.get(instrument).is_some();
            from.agree(exists, "a list in no instrument")?;
            let mut legs = [None; LEGS];
            for leg in &mut legs {
                *leg = self.decode_leg(from)?;
            }
            let (phase, extra_minor) = (from.get()?, from.get()?);
            from.agree(legs.iter().any(Option::is_some), "a list without a leg")?;
            let at = self.add_list(List { id, instrument, kind, legs, phase, extra_minor });
            if phase == Phase::Due {
                let Self { instruments, forest, .. } = self;
                let watch = &mut instruments.at_mut(instrument).watch;
                let is_new = forest.get(watch.due_lists, (0, id.0)).is_none();
                from.agree(is_new, "two lists of one id")?;
                Forest::insert(forest, &mut watch.due_lists, (0, id.0), at);
            }
        }
        Ok(())
    }

    fn decode_leg(&self, from: &mut Decoder<'_>) -> Result<Option<Leg>, SnapshotError> {
        let id: OrderId = from.get()?;
        if id == OrderId(0) {
            return Ok(None);
        }
        let place = self.orders.find(id);
        let free =
            place.filter(|place| self.orders.terms_at(*place).is_some_and(|t| t.list == NONE));
        from.agree(free.is_some(), "a leg that does not live, or is in another list")?;
        Ok(free.map(|place| Leg { id, place }))
    }
}

impl Field for Phase {
    const TYPE: &'static str = "phase";
    const BYTES_MAX: usize = 1;

    fn put(&self, out: &mut Writer<'_>) {
        Field::put(&self.number(), out);
    }

    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let number = <u8 as Field>::decode(reader)?;
        [Self::Pending, Self::Due, Self::Pair].into_iter().find(|phase| phase.number() == number)
    }
}
