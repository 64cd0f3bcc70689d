//! Whether an order would be let in: the checks of a placement up to the risk gate, and nothing more.

use crate::body::Body;
use crate::conditional::Aim;
use crate::engine::Engine;
use crate::gate::Proposal;
use crate::place::{check_amount, check_combination};
use crate::reject::Reject;
use crate::terms::Ask;
use coulisse_types::RecordHeader;
use coulisse_types::command::OrderPlace;
use coulisse_types::event::Rejected;

impl Engine {
    /// Looks at a placement as the engine would now, up to and with the risk gate. It places nothing;
    /// tokens of rates are taken, as the gate takes them of whoever asks.
    ///
    /// # Errors
    /// What the placement would be refused for by then.
    pub fn check_order(
        &mut self,
        header: &RecordHeader,
        body: &OrderPlace,
    ) -> Result<(), Rejected> {
        self.look_at(header, body).map_err(|reject| reject.event(body.client_order_id))
    }

    #[inline]
    fn look_at(&mut self, header: &RecordHeader, body: &OrderPlace) -> Result<(), Reject> {
        let ask = Ask::plain(body);
        let listing = self.listing(body.instrument)?;
        let hash = self.client_ids.hash(header.account, &body.client_order_id);
        let known = (body.instrument, || Body::of(&ask));
        if self.duplicate(header, hash, &body.client_order_id, known)?.is_some() {
            return Ok(());
        }
        check_combination(body)?;
        check_amount(&listing.rules, body)?;
        self.gate(&Proposal::of_ask(header.account, &ask, &Aim::at(body.price)))?;
        Ok(())
    }
}
