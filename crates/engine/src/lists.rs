//! Lists: orders of which one cancels, or sets off, others. Section 15 of the rules.
//!
//! Invariants
//! - A list lives as long as one of its orders depends on another; then what is left of it are
//!   orders like any others.
//! - Of a pair at work the limit order holds its need and the list what the conditional one needs
//!   beyond; pending legs hold nothing.
//! - Legs that are to be released wait in their instrument, by list id, until the end of a command
//!   that leaves it open.

use crate::engine::Engine;
use crate::forest::Forest;
use crate::orders::{Order, Orders};
use crate::paged::{Arena, NONE};
use crate::terms::Terms;
use alloc::vec::Vec;
use coulisse_types::event::{CloseReason, OrderState};
use coulisse_types::{Event, InstrumentId, ListKind, OrderId};

/// Most legs of a list.
pub(crate) const LEGS: usize = 3;
/// The number of the leg that others wait for.
const WORKING_LEG: u8 = 0;
/// How a leg ends because of another.
pub(crate) const ENDED: (OrderState, CloseReason) = (OrderState::Cancelled, CloseReason::List);

/// How far a list has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Legs wait for leg 0.
    Pending,
    /// Leg 0 is filled: the others are to be released.
    Due,
    /// Two legs are at work, of which one will cancel the other.
    Pair,
}

impl Phase {
    /// The number in the state hash.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Due => 1,
            Self::Pair => 2,
        }
    }
}

/// A leg that lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) id: OrderId,
    pub(crate) place: u32,
}

/// A list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    /// The order id of leg 0.
    pub(crate) id: OrderId,
    pub(crate) instrument: InstrumentId,
    pub(crate) kind: ListKind,
    /// `None` for one that is gone, or never was.
    pub(crate) legs: [Option<Leg>; LEGS],
    pub(crate) phase: Phase,
    /// What a pair holds beyond the need of its limit order, in minor units.
    pub(crate) extra_minor: i128,
}

/// All lists.
#[derive(Clone, Debug)]
pub(crate) struct Lists {
    arena: Arena<List, 256>,
}

impl Lists {
    pub(crate) fn new(max: u32) -> Self {
        Self { arena: Arena::new(max) }
    }

    pub(crate) const fn count(&self) -> u32 {
        self.arena.live()
    }

    pub(crate) fn at(&self, place: u32) -> &List {
        self.arena.at(place)
    }

    pub(crate) fn at_mut(&mut self, place: u32) -> &mut List {
        self.arena.at_mut(place)
    }

    /// The places of all lists, by list id: each is known to its legs.
    pub(crate) fn by_id(&self, orders: &Orders) -> Vec<u32> {
        let of_order = |place| orders.terms_at(place).map(|terms| terms.list);
        let mut places: Vec<u32> =
            orders.by_id().into_iter().filter_map(of_order).filter(|list| *list != NONE).collect();
        places.sort_unstable_by_key(|place| self.at(*place).id);
        places.dedup();
        places
    }
}

impl List {
    /// Legs 1 and 2, as far as they live.
    pub(crate) fn followers(&self) -> impl Iterator<Item = Leg> + use<> {
        let [_, one, two] = self.legs;
        one.into_iter().chain(two)
    }

    /// The limit order of a pair at work, and the conditional one.
    fn pair(&self) -> [Option<Leg>; 2] {
        let [zero, one, two] = self.legs;
        match self.kind {
            ListKind::Oco => [zero, one],
            ListKind::Oto | ListKind::Otoco => [one, two],
        }
    }
}

#[expect(clippy::arithmetic_side_effects, reason = "counts of lists, and what is held of an asset")]
impl Engine {
    /// Makes a list of legs that were just accepted.
    pub(crate) fn add_list(&mut self, list: List) -> u32 {
        let at = self.lists.arena.insert(list);
        for (number, leg) in (0..).zip(list.legs) {
            if let Some(leg) = leg {
                let order = *self.orders.at(leg.place);
                let terms = self.orders.terms_mut(&order);
                (terms.list, terms.leg) = (at, number);
            }
        }
        self.instruments.at_mut(list.instrument).watch.watchers += 1;
        at
    }

    /// Dissolves a list; what is left of it are orders like any others.
    pub(crate) fn remove_list(&mut self, at: u32) -> List {
        let list = *self.lists.at(at);
        self.lists.arena.free(at);
        for leg in list.legs.into_iter().flatten() {
            let order = *self.orders.at(leg.place);
            self.orders.terms_mut(&order).list = NONE;
        }
        let Self { instruments, forest, .. } = self;
        let watch = &mut instruments.at_mut(list.instrument).watch;
        watch.watchers -= 1;
        if list.phase == Phase::Due {
            forest.remove(&mut watch.due_lists, (0, list.id.0));
        }
        list
    }

    /// An order with these terms is gone: what its list, if it is in one, does about it.
    pub(crate) fn leg_gone(&mut self, terms: &Terms, state: OrderState, events: &mut Vec<Event>) {
        if terms.list != NONE {
            self.leg_of_list_gone(terms.list, terms.leg, state, events);
        }
    }

    #[inline(never)]
    fn leg_of_list_gone(&mut self, at: u32, leg: u8, state: OrderState, events: &mut Vec<Event>) {
        let list = self.lists.at_mut(at);
        if let Some(gone) = list.legs.get_mut(usize::from(leg)) {
            *gone = None;
        }
        if list.phase == Phase::Pending && leg == WORKING_LEG && state == OrderState::Filled {
            return self.list_is_due(at);
        }
        let list = self.remove_list(at);
        match list.phase {
            Phase::Pair => self.end_pair(&list, events),
            Phase::Pending | Phase::Due => {
                for leg in list.followers() {
                    self.close_live(leg.place, ENDED, events);
                }
            }
        }
    }

    fn list_is_due(&mut self, at: u32) {
        let Self { lists, instruments, forest, attention, .. } = self;
        let list = lists.at_mut(at);
        list.phase = Phase::Due;
        let listing = instruments.at_mut(list.instrument);
        Forest::insert(forest, &mut listing.watch.due_lists, (0, list.id.0), at);
        listing.unsettle(attention);
    }

    /// One of a dissolved pair acted or is gone: what is left of the two closes. The one that acted
    /// is no longer in `list`.
    fn end_pair(&mut self, list: &List, events: &mut Vec<Event>) {
        for leg in list.pair().into_iter().flatten() {
            let order = *self.orders.at(leg.place);
            self.close_live(leg.place, ENDED, events);
            self.adjust_hold(&order, -list.extra_minor);
        }
    }

    /// An order with terms was filled, in part or in full: as one of a pair at work it cancels the
    /// other.
    pub(crate) fn leg_filled(&mut self, order: &Order, events: &mut Vec<Event>) {
        let terms = *self.orders.terms(order);
        if terms.list == NONE || self.lists.at(terms.list).phase != Phase::Pair {
            return;
        }
        let mut list = self.remove_list(terms.list);
        if let Some(acted) = list.legs.get_mut(usize::from(terms.leg)) {
            *acted = None;
        }
        self.end_pair(&list, events);
    }

    /// The limit order of a pair at work lost qty without a trade: the two hold the larger need.
    pub(crate) fn leg_decremented(&mut self, order: &Order) {
        let at = self.orders.terms(order).list;
        if at == NONE || self.lists.at(at).phase != Phase::Pair {
            return;
        }
        let list = *self.lists.at(at);
        let [_, Some(other)] = list.pair() else { return };
        let rules = &self.instruments.at(order.instrument).rules;
        let extra_minor = (self.orders.at(other.place).need(rules) - order.need(rules)).max(0);
        self.lists.at_mut(at).extra_minor = extra_minor;
        self.adjust_hold(order, extra_minor - list.extra_minor);
    }

    /// The conditional order of a pair acts: the other closes, and it holds alone what it needs.
    pub(crate) fn pair_triggered(&mut self, place: u32, at: u32, events: &mut Vec<Event>) {
        let leg = self.orders.terms_at(place).map_or(0, |terms| terms.leg);
        let mut list = self.remove_list(at);
        if let Some(acted) = list.legs.get_mut(usize::from(leg)) {
            *acted = None;
        }
        self.end_pair(&list, events);
        let order = *self.orders.at(place);
        let need_minor = order.need(&self.instruments.at(order.instrument).rules);
        self.orders.terms_mut(&order).holds = true;
        self.adjust_hold(&order, need_minor);
    }
}
