//! What the events of one command mean for the one who sent it.
//!
//! Invariant: a record may close, fill or trigger many orders; only what happened to the order that
//! the command names or places is its outcome.

use coulisse_types::event::{CloseReason, OrderAccepted, OrderClosed, OrderState, Rejected};
use coulisse_types::{
    ClientOrderId, Command, Event, InstrumentId, ListKind, OrderId, Qty, Seq, Trigger,
};

use crate::limits::LEGS_MAX;

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

/// One of the two results of a replacement.
pub type Part = Result<OrderOutcome, Rejected>;

/// The result of one command, folded from its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandOutcome {
    /// It was refused.
    Rejected(Rejected),
    /// It concerned one order.
    Order(OrderOutcome),
    /// It cancelled an order and placed another, or was refused one of both.
    Replaced {
        /// The old order; `None` where the new one is a duplicate.
        cancel: Option<Part>,
        /// The new order.
        place: Part,
    },
    /// It placed a list of orders; where it only repeated one, there is its first leg alone.
    List([Option<OrderOutcome>; LEGS_MAX]),
    /// It cancelled all orders that were asked for.
    Cancelled {
        /// In this instrument; 0 for all.
        instrument: InstrumentId,
        /// How many.
        count: u32,
    },
    /// It set a dead man's switch.
    CancelAfter {
        /// When it acts, in ns since the epoch; 0 for never.
        deadline_ns: i64,
    },
    /// A request with its id stands in the log already.
    RequestDuplicate {
        /// The seq at which it was accepted.
        first_seq: Seq,
    },
    /// It set something that is counted.
    Versioned {
        /// How often it was set.
        version: u32,
    },
    /// It set a kill switch.
    Killed {
        /// Orders up to this one are dead.
        last_order_id: OrderId,
    },
    /// It asked for a withdrawal, or ended one.
    Withdrawal {
        /// Which; `None` where it never waited.
        id: Option<Seq>,
        /// Where it stands.
        state: &'static str,
        /// When it ends by itself, in ns since the epoch; 0 for never.
        expire_ns: i64,
    },
    /// It set a withdrawal cap, or proposed it.
    Capped {
        /// How often it was set; `None` where it is only proposed.
        version: Option<u32>,
    },
    /// It did what it says.
    Done,
}

impl CommandOutcome {
    /// Folds the events that `command` caused. Cost: one look at each event.
    pub fn from_events(command: &Command, events: &[Event]) -> Self {
        match (command, events) {
            (Command::OrderReplace(_), [Event::Rejected(_), _, ..]) => replaced(events),
            (_, [Event::Rejected(rejected), ..]) => Self::Rejected(*rejected),
            (_, [Event::RequestDuplicate(duplicate), ..]) => {
                Self::RequestDuplicate { first_seq: duplicate.first_seq }
            }
            (Command::OrderPlace(_) | Command::OrderPlaceTerms(_), _) => placed(events),
            (Command::OrderCancel(cancel), _) => {
                named(events, cancel.order_id, &cancel.client_order_id)
            }
            (Command::OrderAmend(amend), _) => {
                named(events, amend.order_id, &amend.client_order_id)
            }
            (Command::OrderReplace(_), _) => replaced(events),
            (Command::OrderListPlace(list), _) => listed(list.kind, events),
            _ => said(events),
        }
    }
}

/// The first order that is accepted is the one that was placed: what it sets off is accepted later,
/// if at all.
fn placed(events: &[Event]) -> CommandOutcome {
    let mut rest = events.iter();
    loop {
        match rest.next() {
            Some(Event::OrderAccepted(accepted)) => {
                let mut order = accepted_order(accepted);
                for event in rest {
                    fold(&mut order, event);
                }
                return CommandOutcome::Order(order);
            }
            Some(Event::OrderDuplicate(duplicate)) => {
                return CommandOutcome::Order(OrderOutcome {
                    order_id: duplicate.order_id,
                    client_order_id: duplicate.client_order_id,
                    instrument: InstrumentId(0),
                    state: duplicate.state,
                    reason: None,
                    filled: duplicate.filled,
                    first_seq: Some(duplicate.first_seq),
                });
            }
            Some(Event::Rejected(rejected)) => return CommandOutcome::Rejected(*rejected),
            Some(_) => {}
            None => return CommandOutcome::Done,
        }
    }
}

const fn accepted_order(accepted: &OrderAccepted) -> OrderOutcome {
    OrderOutcome {
        order_id: accepted.order_id,
        client_order_id: accepted.client_order_id,
        instrument: accepted.instrument,
        state: OrderState::Open,
        reason: None,
        filled: Qty::ZERO,
        first_seq: None,
    }
}

const fn closed_order(closed: &OrderClosed) -> OrderOutcome {
    OrderOutcome {
        order_id: closed.order_id,
        client_order_id: closed.client_order_id,
        instrument: closed.instrument,
        state: closed.state,
        reason: Some(closed.reason),
        filled: closed.filled,
        first_seq: None,
    }
}

/// What an event says of a known order.
fn fold(known: &mut OrderOutcome, event: &Event) {
    match event {
        Event::OrderFilled(fill) if known.order_id == fill.order_id => {
            known.filled = fill.filled;
            known.state = OrderState::Open;
        }
        Event::OrderClosed(closed) if known.order_id == closed.order_id => {
            known.state = closed.state;
            known.reason = Some(closed.reason);
            known.filled = closed.filled;
        }
        Event::OrderRested(rested) if known.order_id == rested.order_id => {
            known.state = OrderState::Open;
        }
        Event::OrderTermsSet(terms)
            if known.order_id == terms.order_id && terms.trigger != Trigger::None =>
        {
            known.state = OrderState::Waiting;
        }
        Event::OrderTriggered(triggered) if known.order_id == triggered.order_id => {
            known.state = OrderState::Open;
        }
        Event::OrderRepriced(repriced) if known.order_id == repriced.order_id => {
            let waits = repriced.price.ticks() == 0;
            known.state = if waits { OrderState::Waiting } else { OrderState::Open };
        }
        _ => {}
    }
}

/// The order that a cancel or an amend names. An amended order that waits for its trigger is shown
/// as open: its events do not say, the caller asks the core.
fn named(events: &[Event], order_id: OrderId, client_order_id: &ClientOrderId) -> CommandOutcome {
    let is = |id: OrderId, client_id: &ClientOrderId| {
        if order_id.0 == 0 { client_id == client_order_id } else { id == order_id }
    };
    let mut order: Option<OrderOutcome> = None;
    for event in events {
        match (event, order.as_mut()) {
            (event, Some(known)) => fold(known, event),
            (Event::OrderAmended(amended), None)
                if is(amended.order_id, &amended.client_order_id) =>
            {
                order = Some(OrderOutcome {
                    order_id: amended.order_id,
                    client_order_id: amended.client_order_id,
                    instrument: amended.instrument,
                    state: OrderState::Open,
                    reason: None,
                    filled: amended.qty.checked_sub(amended.remaining).unwrap_or_default(),
                    first_seq: None,
                });
            }
            (Event::OrderClosed(closed), None) if is(closed.order_id, &closed.client_order_id) => {
                order = Some(closed_order(closed));
            }
            _ => {}
        }
    }
    order.map_or(CommandOutcome::Done, CommandOutcome::Order)
}

/// Two results: the old order's is the first reject, or the first order that closed for it; then
/// the new order's.
fn replaced(events: &[Event]) -> CommandOutcome {
    let mut rest = events.iter();
    let cancel = loop {
        match rest.next() {
            Some(Event::OrderDuplicate(_)) => break None,
            Some(Event::Rejected(rejected)) => break Some(Err(*rejected)),
            Some(Event::OrderClosed(closed)) if closed.reason == CloseReason::Replaced => {
                break Some(Ok(closed_order(closed)));
            }
            Some(_) => {}
            None => return CommandOutcome::Done,
        }
    };
    let after = if cancel.is_none() { events } else { rest.as_slice() };
    let place = match placed(after) {
        CommandOutcome::Order(order) => Ok(order),
        CommandOutcome::Rejected(rejected) => Err(rejected),
        other => return other,
    };
    CommandOutcome::Replaced { cancel, place }
}

/// The orders that are accepted before the list is said are its legs, in their order.
fn listed(kind: ListKind, events: &[Event]) -> CommandOutcome {
    let mut legs = [None; LEGS_MAX];
    let mut open = legs.iter_mut().enumerate();
    for event in events {
        match event {
            Event::OrderDuplicate(_) => {
                return match placed(events) {
                    CommandOutcome::Order(first) => {
                        let mut legs = [None; LEGS_MAX];
                        legs[0] = Some(first);
                        CommandOutcome::List(legs)
                    }
                    other => other,
                };
            }
            Event::OrderListPlaced(_) => break,
            Event::OrderAccepted(accepted) => {
                let Some((index, leg)) = open.next() else { break };
                let mut order = accepted_order(accepted);
                if index > 0 && kind != ListKind::Oco {
                    order.state = OrderState::Waiting;
                }
                for event in events {
                    fold(&mut order, event);
                }
                *leg = Some(order);
            }
            _ => {}
        }
    }
    CommandOutcome::List(legs)
}

/// What commands that are about no single order say of themselves.
fn said(events: &[Event]) -> CommandOutcome {
    for event in events {
        match event {
            Event::OrdersCancelled(all) => {
                return CommandOutcome::Cancelled { instrument: all.instrument, count: all.count };
            }
            Event::CancelAfterSet(set) => {
                return CommandOutcome::CancelAfter { deadline_ns: set.deadline_ns };
            }
            Event::LimitChanged(changed) => {
                return CommandOutcome::Versioned { version: changed.version };
            }
            Event::InstrumentConfigured(configured) => {
                return CommandOutcome::Versioned { version: configured.version };
            }
            Event::WithdrawalHeld(held) => {
                let (id, expire_ns) = (Some(held.withdrawal_id), held.expire_ns);
                return CommandOutcome::Withdrawal { id, state: "pending", expire_ns };
            }
            Event::WithdrawalEnded(ended) => {
                let (id, state) = (Some(ended.withdrawal_id), ended.end.name());
                return CommandOutcome::Withdrawal { id, state, expire_ns: 0 };
            }
            Event::Withdrawn(_) => {
                return CommandOutcome::Withdrawal { id: None, state: "settled", expire_ns: 0 };
            }
            Event::WithdrawalCapProposed(_) => return CommandOutcome::Capped { version: None },
            Event::WithdrawalCapChanged(set) => {
                return CommandOutcome::Capped { version: Some(set.version) };
            }
            Event::KillSwitchSet(set) => {
                return CommandOutcome::Killed { last_order_id: set.last_order_id };
            }
            _ => {}
        }
    }
    CommandOutcome::Done
}
