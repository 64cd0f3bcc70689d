//! Placing a list: section 15 of the rules. Checks first; from the first acceptance on nothing fails.

use crate::body::Body;
use crate::conditional::Aim;
use crate::engine::Engine;
use crate::gate::Proposal;
use crate::instruments::Listing;
use crate::lists::{LEGS, Leg, List, Phase};
use crate::matching::Taker;
use crate::orders::Order;
use crate::place::{check_amount, check_combination};
use crate::reject::{Reject, ensure};
use crate::terms::{Ask, OrderTerms, Wait, check_terms};
use alloc::vec::Vec;
use coulisse_types::command::{OrderListPlace, OrderPlace};
use coulisse_types::event::OrderListPlaced;
use coulisse_types::{
    Amount, ClientOrderId, Event, Field, ListKind, OrderId, OrderType, Price, Qty, RecordHeader,
    RejectCode, Side, TimeInForce, Trigger,
};

/// A leg as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct AskedLeg {
    place: OrderPlace,
    terms: OrderTerms,
}

/// A leg that passed its checks.
#[derive(Clone, Copy, Debug)]
struct Checked {
    order: Order,
    asked: AskedLeg,
    aim: Aim,
    need_minor: i128,
}

impl AskedLeg {
    const fn ask(&self) -> Ask<'_> {
        Ask { place: &self.place, terms: Some(&self.terms) }
    }

    /// What a leg that the kind does not use must look like.
    fn is_blank(&self) -> bool {
        let blank = OrderPlace {
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            qty: Qty::ZERO,
            price: Price::from_ticks(0),
            client_order_id: self.place.client_order_id,
            ..self.place
        };
        self.place == blank && self.terms == OrderTerms::DEFAULT
    }

    /// Whether it may be the one on the book.
    fn is_resting(&self) -> bool {
        self.ask().may_rest() && !self.terms.is_conditional()
    }

    const fn is_stop(&self) -> bool {
        matches!(self.terms.trigger, Trigger::Stop | Trigger::TakeProfit)
    }
}

/// The legs of a list as orders; only leg 0 has the client's id.
macro_rules! leg {
    ($body:expr, $id:expr, $side:ident, $type:ident, $tif:ident, $qty:ident, $price:ident,
     $trigger:ident, $on:ident, $trigger_price:ident) => {
        AskedLeg {
            place: OrderPlace {
                instrument: $body.instrument,
                side: $body.$side,
                order_type: $body.$type,
                time_in_force: $body.$tif,
                post_only: false,
                qty: $body.$qty,
                price: $body.$price,
                notional: Amount::ZERO,
                client_order_id: $id,
            },
            terms: OrderTerms {
                trigger: $body.$trigger,
                trigger_on: $body.$on,
                trigger_price: $body.$trigger_price,
                ..OrderTerms::DEFAULT
            },
        }
    };
}

fn legs(body: &OrderListPlace) -> [AskedLeg; LEGS] {
    let none = ClientOrderId::default();
    [
        leg!(
            body,
            body.client_order_id,
            side_0,
            order_type_0,
            time_in_force_0,
            qty_0,
            price_0,
            trigger_0,
            trigger_on_0,
            trigger_price_0
        ),
        leg!(
            body,
            none,
            side_1,
            order_type_1,
            time_in_force_1,
            qty_1,
            price_1,
            trigger_1,
            trigger_on_1,
            trigger_price_1
        ),
        leg!(
            body,
            none,
            side_2,
            order_type_2,
            time_in_force_2,
            qty_2,
            price_2,
            trigger_2,
            trigger_on_2,
            trigger_price_2
        ),
    ]
}

/// Refuses because of a leg.
pub(crate) fn leg_reject(leg: u8) -> Reject {
    Reject::new(RejectCode::InvalidCombination, Field::Legs).number(leg)
}

/// Steps 2 and 3: whether the legs make a list of this kind.
fn check_shape(kind: ListKind, legs: &[AskedLeg; LEGS]) -> Result<(), Reject> {
    let [zero, one, two] = legs;
    let check = |holds: bool, leg: u8| ensure(holds, || leg_reject(leg));
    let alike =
        |a: &AskedLeg, b: &AskedLeg| (a.place.side, a.place.qty) == (b.place.side, b.place.qty);
    check(kind == ListKind::Otoco || two.is_blank(), 2)?;
    if kind == ListKind::Oco {
        check(alike(zero, one), 1)?;
    }
    check(zero.is_resting(), 0)?;
    match kind {
        ListKind::Oco => check(one.is_stop(), 1)?,
        ListKind::Oto => {}
        ListKind::Otoco => {
            check(alike(one, two), 2)?;
            check(one.is_resting(), 1)?;
            check(two.is_stop(), 2)?;
        }
    }
    for (number, leg) in (0..).zip(legs) {
        let by_time = leg.place.time_in_force == TimeInForce::Gtd;
        check(!by_time && !leg.terms.is_trailing(), number)?;
    }
    Ok(())
}

#[expect(clippy::arithmetic_side_effects, reason = "needs of one account, counts of orders")]
impl Engine {
    pub(crate) fn place_list(
        &mut self,
        header: &RecordHeader,
        body: &OrderListPlace,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let listing = self.listing(body.instrument)?;
        let hash = self.client_ids.hash(header.account, &body.client_order_id);
        let known = (body.instrument, || Some(Body::of_list(body)));
        if let Some(event) = self.duplicate(header, hash, &body.client_order_id, known)? {
            events.push(Event::OrderDuplicate(event));
            return Ok(());
        }
        if !listing.is_plain {
            listing.check_takes_lists()?;
        }
        let asked = legs(body);
        check_shape(body.kind, &asked)?;
        let used = if body.kind == ListKind::Otoco { LEGS } else { LEGS - 1 };
        let mut legs: [Option<Checked>; LEGS] = [None; LEGS];
        for (number, (leg, asked)) in legs.iter_mut().zip(&asked).take(used).enumerate() {
            let is_pending = number > 0 && body.kind != ListKind::Oco;
            *leg = Some(self.check_leg(header, asked, is_pending)?);
        }
        let listing = self.instruments.at(body.instrument);
        self.check_list_room(header, listing, &asked[0], used)?;
        if let Some(zero) = &mut legs[0] {
            (zero.order.hash, zero.order.body) = (hash, Body::of_list(body));
        }
        let held_minor = self.check_list_funds(listing, body.kind, &legs)?;
        self.accept_list(body, &legs, held_minor, events);
        Ok(())
    }

    /// Step 4: a leg by itself.
    fn check_leg(
        &mut self,
        header: &RecordHeader,
        asked: &AskedLeg,
        is_pending: bool,
    ) -> Result<Checked, Reject> {
        let ask = asked.ask();
        let listing = self.instruments.at(asked.place.instrument);
        check_combination(&asked.place)?;
        check_terms(&ask, &asked.terms, self.time_ns)?;
        check_amount(&listing.rules, &asked.place)?;
        let aim = listing.aim(&ask, &asked.terms, is_pending)?;
        self.gate(&Proposal::of_ask(header.account, &ask, &aim))?;
        let hash = self.client_ids.hash(header.account, &ClientOrderId::default());
        let order = Order { body: Body::EMPTY, ..self.order_of(header, hash, &ask, aim.price) };
        let is_market_buy = order.price_ticks == 0 && order.side == Side::Buy;
        let need_minor = if is_market_buy {
            0
        } else {
            order.need(&self.instruments.at(order.instrument).rules)
        };
        Ok(Checked { order, asked: *asked, aim, need_minor })
    }

    /// Step 5: room for all legs together.
    fn check_list_room(
        &self,
        header: &RecordHeader,
        listing: &Listing,
        zero: &AskedLeg,
        used: usize,
    ) -> Result<(), Reject> {
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        let open = self.orders.open_count(header.account);
        let open_max = self.limits.open_orders_per_account_max;
        ensure(open + used <= open_max, || {
            Reject::new(RejectCode::TooManyOpenOrders, Field::Count).number(open).limit(open_max)
        })?;
        ensure(self.orders.live() + used <= self.orders.max(), || {
            Reject::table_full(Field::Count, self.orders.max())
        })?;
        self.check_client_id_room(&zero.place.client_order_id)?;
        let OrderPlace { side, price, qty, .. } = zero.place;
        self.check_level(listing, side, price, (qty, Qty::ZERO))
    }

    /// Step 6: what leg 0, or a pair, needs. What the list holds at first.
    fn check_list_funds(
        &self,
        listing: &Listing,
        kind: ListKind,
        legs: &[Option<Checked>; LEGS],
    ) -> Result<i128, Reject> {
        let [Some(zero), one, _] = legs else { return Ok(0) };
        let other_minor = match (kind, one) {
            (ListKind::Oco, Some(one)) => one.need_minor,
            _ => 0,
        };
        let need_minor = zero.need_minor.max(other_minor);
        self.check_available(&zero.order, &listing.rules, need_minor)?;
        Ok(need_minor)
    }

    /// All legs exist from here on.
    fn accept_list(
        &mut self,
        body: &OrderListPlace,
        legs: &[Option<Checked>; LEGS],
        held_minor: i128,
        events: &mut Vec<Event>,
    ) {
        let is_pair = body.kind == ListKind::Oco;
        let mut placed = [None; LEGS];
        for (at, leg) in placed.iter_mut().zip(legs) {
            let Some(Checked { mut order, asked, aim, .. }) = *leg else { continue };
            let binding = self.binding(order.account);
            self.accept(&mut order, &asked.ask(), &binding, events);
            let place = self.insert_with_terms(&mut order, &asked.terms, &aim);
            *at = Some(Leg { id: order.id, place });
        }
        let id = |leg: Option<Leg>| leg.map_or(OrderId(0), |leg| leg.id);
        let [Some(zero), one, two] = placed else { return };
        let order = *self.orders.at(zero.place);
        let need_minor = order.need(&self.instruments.at(order.instrument).rules);
        let extra_minor = if is_pair { held_minor - need_minor } else { 0 };
        for leg in one.into_iter().chain(two) {
            let order = *self.orders.at(leg.place);
            let terms = self.orders.terms_mut(&order);
            (terms.wait, terms.holds) = (Wait::List, false);
        }
        self.add_list(List {
            id: zero.id,
            instrument: body.instrument,
            kind: body.kind,
            legs: placed,
            phase: if is_pair { Phase::Pair } else { Phase::Pending },
            extra_minor,
        });
        events.push(Event::OrderListPlaced(OrderListPlaced {
            list_id: zero.id,
            account: order.account,
            instrument: body.instrument,
            kind: body.kind,
            leg_1: id(one),
            leg_2: id(two),
        }));
        if let Some(one) = one.filter(|_| is_pair) {
            self.adjust_hold(&order, extra_minor);
            self.enlist(one.place);
        }
        let held_minor = Some(need_minor);
        let taker = Taker { order, held_minor, to_spend_minor: None, bound_ticks: 0 };
        self.arrive(zero.place, taker, false, events);
    }
}
