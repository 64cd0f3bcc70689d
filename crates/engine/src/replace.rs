//! Cancel-replace: one command, two results. Section 14 of the rules.

use crate::body::Body;
use crate::engine::Engine;
use crate::reject::Reject;
use crate::terms::{Ask, split_new};
use alloc::vec::Vec;
use coulisse_types::command::OrderReplace;
use coulisse_types::event::{CloseReason, OrderState};
use coulisse_types::{Event, RecordHeader};

impl Engine {
    pub(crate) fn replace(
        &mut self,
        header: &RecordHeader,
        body: &OrderReplace,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let (place, terms) = split_new(body);
        let ask = Ask::new(&place, &terms);
        let hash = self.client_ids.hash(header.account, &place.client_order_id);
        let known = (place.instrument, || Body::of(&ask));
        // Another order under this id is a refusal of the placement: it comes after the cancel.
        if let Ok(Some(event)) = self.duplicate(header, hash, &place.client_order_id, known) {
            events.push(Event::OrderDuplicate(event));
            return Ok(());
        }
        if self.instruments.get(place.instrument).is_some() {
            self.note_reference(place.instrument);
        }
        let (cancel_id, cancel_client_id) = (body.cancel_order_id, body.cancel_client_order_id);
        let found = self.find_order(header, cancel_id, &cancel_client_id);
        let lets_go = |found: u32| {
            let instrument = self.orders.at(found).instrument;
            self.instruments.at(instrument).check_lets_go().map(|()| found)
        };
        match found.and_then(lets_go) {
            Ok(found) => {
                self.close_live(found, (OrderState::Cancelled, CloseReason::Replaced), events);
            }
            Err(reject) if body.allow_failure => {
                events.push(Event::Rejected(reject.event(place.client_order_id)));
            }
            Err(reject) => return Err(reject),
        }
        if let Err(reject) = self.place_ask(header, &ask, events) {
            events.push(Event::Rejected(reject.event(place.client_order_id)));
        }
        Ok(())
    }
}
