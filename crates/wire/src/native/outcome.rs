//! What the events of one command mean for the one who sent it.

use coulisse_types::event::{CloseReason, OrderState, Rejected};
use coulisse_types::{ClientOrderId, Event, InstrumentId, OrderId, Qty, Seq};

/// Where the order of a place, a cancel or an amend stands after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderOutcome {
    /// The order.
    pub order_id: OrderId,
    /// The client's id; empty for none.
    pub client_order_id: ClientOrderId,
    /// Its instrument; 0 where the events do not say (a duplicate).
    pub instrument: InstrumentId,
    /// Where it stands.
    pub state: OrderState,
    /// Why it closed, if this command closed it.
    pub reason: Option<CloseReason>,
    /// What is filled of it in all.
    pub filled: Qty,
    /// The seq at which it was accepted, if this command only repeated it.
    pub first_seq: Option<Seq>,
}

/// The result of one command, folded from its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// It was refused.
    Rejected(Rejected),
    /// It concerned one order.
    Order(OrderOutcome),
    /// It cancelled all orders that were asked for.
    Cancelled {
        /// In this instrument; 0 for all.
        instrument: InstrumentId,
        /// How many.
        count: u32,
    },
    /// A request with its id stands in the log already.
    RequestDuplicate {
        /// The seq at which it was accepted.
        first_seq: Seq,
    },
    /// It did what it says.
    Done,
}

impl CommandOutcome {
    /// Folds the events of one command. Cost: one look at each event.
    pub fn from_events(events: &[Event]) -> Self {
        let mut order: Option<OrderOutcome> = None;
        for event in events {
            match event {
                Event::Rejected(rejected) => return Self::Rejected(*rejected),
                Event::OrderDuplicate(duplicate) => {
                    return Self::Order(OrderOutcome {
                        order_id: duplicate.order_id,
                        client_order_id: duplicate.client_order_id,
                        instrument: InstrumentId(0),
                        state: duplicate.state,
                        reason: None,
                        filled: duplicate.filled,
                        first_seq: Some(duplicate.first_seq),
                    });
                }
                Event::RequestDuplicate(duplicate) => {
                    return Self::RequestDuplicate { first_seq: duplicate.first_seq };
                }
                Event::OrdersCancelled(all) => {
                    return Self::Cancelled { instrument: all.instrument, count: all.count };
                }
                _ => fold_order(&mut order, event),
            }
        }
        match order {
            // A cancel-all closes orders before it says how many; it returned above.
            Some(order) => Self::Order(order),
            None => Self::Done,
        }
    }
}

/// The first order that is accepted, amended or closed is the one that was asked about: a maker
/// that closes does so after its taker was accepted or amended.
fn fold_order(order: &mut Option<OrderOutcome>, event: &Event) {
    match (event, order.as_mut()) {
        (Event::OrderAccepted(accepted), None) => {
            *order = Some(OrderOutcome {
                order_id: accepted.order_id,
                client_order_id: accepted.client_order_id,
                instrument: accepted.instrument,
                state: OrderState::Open,
                reason: None,
                filled: Qty::ZERO,
                first_seq: None,
            });
        }
        (Event::OrderAmended(amended), None) => {
            *order = Some(OrderOutcome {
                order_id: amended.order_id,
                client_order_id: amended.client_order_id,
                instrument: amended.instrument,
                state: OrderState::Open,
                reason: None,
                filled: amended.qty.checked_sub(amended.remaining).unwrap_or_default(),
                first_seq: None,
            });
        }
        (Event::OrderClosed(closed), None) => {
            *order = Some(OrderOutcome {
                order_id: closed.order_id,
                client_order_id: closed.client_order_id,
                instrument: closed.instrument,
                state: closed.state,
                reason: Some(closed.reason),
                filled: closed.filled,
                first_seq: None,
            });
        }
        (Event::OrderFilled(fill), Some(known)) if known.order_id == fill.order_id => {
            known.filled = fill.filled;
        }
        (Event::OrderClosed(closed), Some(known)) if known.order_id == closed.order_id => {
            known.state = closed.state;
            known.reason = Some(closed.reason);
            known.filled = closed.filled;
        }
        _ => {}
    }
}
