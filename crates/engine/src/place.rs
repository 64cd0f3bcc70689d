//! Placing an order: section 4 of the rules. Checks first; from `accept` on nothing can fail.

use crate::body::Body;
use crate::closing::NOWHERE;
use crate::conditional::Aim;
use crate::engine::Engine;
use crate::gate::{Binding, Passed, Proposal, Stays};
use crate::hash_index::KeyHash;
use crate::instruments::{Instrument, Listing};
use crate::matching::{Stop, Taker};
use crate::orders::Order;
use crate::paged::NONE;
use crate::planted::Fault;
use crate::reject::{Reject, ensure};
use crate::terms::{Ask, OrderTerms, check_terms, split};
use alloc::vec::Vec;
use coulisse_book::BookError;
use coulisse_types::command::{OrderPlace, OrderPlaceTerms};
use coulisse_types::event::{CloseReason, OrderAccepted, OrderDuplicate, OrderState};
use coulisse_types::limits::{
    FOLLOWERS_PER_INSTRUMENT_MAX, NOTIONAL_MINOR_MAX, PRICE_TICKS_MAX, SHARD_SHIFT,
};
use coulisse_types::{
    ClientOrderId, Event, Field, InstrumentId, OrderId, OrderType, Price, Qty, RecordHeader,
    RejectCode, Side, TimeInForce, Unit,
};

impl Engine {
    #[inline]
    pub(crate) fn place(
        &mut self,
        header: &RecordHeader,
        body: &OrderPlace,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let ask = Ask::plain(body);
        if ask.terms.is_some() {
            return self.place_ask(header, &ask, events);
        }
        self.place_any(header, &Ask { place: body, terms: None }, events)
    }

    #[inline(never)]
    pub(crate) fn place_terms(
        &mut self,
        header: &RecordHeader,
        body: &OrderPlaceTerms,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let (place, terms) = split(body);
        self.place_ask(header, &Ask::new(&place, &terms), events)
    }

    /// Places an order that may have terms.
    #[inline(never)]
    pub(crate) fn place_ask(
        &mut self,
        header: &RecordHeader,
        ask: &Ask<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.place_any(header, ask, events)
    }

    /// Twice in the program: once for plain orders, where nothing of terms is left of it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call would bring the questions back")]
    fn place_any(
        &mut self,
        header: &RecordHeader,
        ask: &Ask<'_>,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let Ask { place: body, terms } = *ask;
        let listing = self.listing(body.instrument)?;
        let hash = self.client_ids.hash(header.account, &body.client_order_id);
        let known = (body.instrument, || Body::of(ask));
        if let Some(event) = self.duplicate(header, hash, &body.client_order_id, known)? {
            events.push(Event::OrderDuplicate(event));
            return Ok(());
        }
        if !listing.is_plain {
            listing.check_takes(ask)?;
        }
        let collects = listing.collects();
        check_combination(body)?;
        if let Some(terms) = terms {
            check_terms(ask, terms, self.time_ns)?;
        }
        check_amount(&listing.rules, body)?;
        let aim = match terms {
            _ if collects => listing.aim_in_auction(body)?,
            Some(terms) => listing.aim(ask, terms, false)?,
            None => Aim::at(body.price),
        };
        let mut proposal = Proposal::of_ask(header.account, ask, &aim);
        if collects {
            proposal.stays = Stays::Open;
        }
        if proposal.reduce_only && proposal.stays != Stays::Conditional {
            self.check_reduce_only(&proposal)?;
        }
        // That of section 16 (trading state) stands after 4.2.
        let Passed { bound_ticks, is_sure, binding } = self.gate(&proposal)?;
        let listing = self.instruments.at(body.instrument);
        if body.post_only && !self.planted.is(Fault::PostOnlyIgnored) {
            check_post_only(listing, body.side, body.price)?;
        }
        if collects {
            self.check_room_to_collect(header, ask, aim.price)?;
        } else {
            self.check_room(header, ask)?;
        }
        let is_conditional = terms.is_some_and(OrderTerms::is_conditional);
        let mut taker = Taker {
            order: self.order_of(header, hash, ask, aim.price),
            held_minor: None,
            to_spend_minor: Some(body.notional.minor()).filter(|minor| *minor != 0),
            bound_ticks,
        };
        taker.held_minor = self.check_funds(&taker.order, listing, is_conditional || collects)?;
        if self.is_trial {
            return Ok(());
        }
        self.accept(&mut taker.order, ask, &binding, events);
        if is_sure {
            self.risk.sure = taker.order.row;
        }
        match terms {
            _ if collects => self.collect(taker, terms, &aim, events),
            None => self.execute(&mut taker, events),
            Some(terms) => self.execute_with_terms(taker, terms, &aim, events),
        }
        Ok(())
    }

    /// The instrument that a command names.
    #[inline]
    pub(crate) fn listing(&self, id: InstrumentId) -> Result<&Listing, Reject> {
        self.instruments
            .get(id)
            .ok_or_else(|| Reject::new(RejectCode::UnknownInstrument, Field::Symbol).number(id.0))
    }

    /// Step 2: what stands under the client order id already, if the same was asked for in the
    /// same instrument.
    #[inline]
    pub(crate) fn duplicate(
        &self,
        header: &RecordHeader,
        hash: KeyHash,
        client_order_id: &ClientOrderId,
        (asked_instrument, asked): (InstrumentId, impl FnOnce() -> Option<Body>),
    ) -> Result<Option<OrderDuplicate>, Reject> {
        let (account, client_order_id) = (header.account, *client_order_id);
        if client_order_id.is_empty() {
            return Ok(None);
        }
        let (is_same, event) =
            if let Some(place) = self.orders.find_client(hash, account, &client_order_id) {
                let order = self.orders.at(place);
                let event = OrderDuplicate {
                    order_id: order.id,
                    first_seq: order.first_seq,
                    state: self.state_of(order),
                    filled: Qty::from_lots(order.filled_lots),
                    client_order_id,
                };
                let is_same = |body| (order.instrument, order.body) == (asked_instrument, body);
                (asked().is_some_and(is_same), event)
            } else if let Some(closed) = self.client_ids.find(account, hash) {
                let event = OrderDuplicate {
                    order_id: closed.order_id(),
                    first_seq: closed.first_seq(),
                    state: closed.state(),
                    filled: Qty::from_lots(closed.filled_lots()),
                    client_order_id,
                };
                (asked().is_some_and(|body| closed.is_of(asked_instrument, &body)), event)
            } else {
                return Ok(None);
            };
        ensure(is_same, || {
            Reject::new(RejectCode::ClientOrderIdConflict, Field::ClientOrderId)
                .number(event.order_id.0)
        })?;
        Ok(Some(event))
    }

    /// Step 7: is there room for what the order may need.
    #[inline]
    fn check_room(&self, header: &RecordHeader, ask: &Ask<'_>) -> Result<(), Reject> {
        let (body, may_rest) = (ask.place, ask.may_rest());
        let counts = may_rest || ask.terms.is_some_and(OrderTerms::is_conditional);
        self.check_tables(header, body, counts)?;
        let listing = self.instruments.at(body.instrument);
        match ask.terms {
            Some(terms) => self.check_room_for_terms(listing, ask, terms),
            None if may_rest => {
                self.check_level(listing, body.side, body.price, (body.qty, Qty::ZERO))
            }
            None => Ok(()),
        }
    }

    /// Whether the tables have room for it; `counts` says whether it will be open.
    #[inline]
    pub(crate) fn check_tables(
        &self,
        header: &RecordHeader,
        body: &OrderPlace,
        counts: bool,
    ) -> Result<(), Reject> {
        if counts {
            let open = self.orders.open_count(header.account);
            let open_max = self.limits.open_orders_per_account_max;
            ensure(open < open_max, || {
                Reject::new(RejectCode::TooManyOpenOrders, Field::Count)
                    .number(open)
                    .limit(open_max)
            })?;
        }
        ensure(self.orders.live() < self.orders.max(), || {
            Reject::table_full(Field::Count, self.orders.max())
        })?;
        self.check_client_id_room(&body.client_order_id)
    }

    #[inline]
    pub(crate) fn check_client_id_room(&self, id: &ClientOrderId) -> Result<(), Reject> {
        let has_room = self.client_ids.has_room(self.orders.named());
        ensure(id.is_empty() || has_room, || {
            Reject::table_full(Field::ClientOrderId, self.client_ids.max())
        })
    }

    #[inline(never)]
    fn check_room_for_terms(
        &self,
        listing: &Listing,
        ask: &Ask<'_>,
        terms: &OrderTerms,
    ) -> Result<(), Reject> {
        if terms.is_pegged() || terms.is_trailing() {
            let followers = listing.watch.follower_count();
            ensure(followers < FOLLOWERS_PER_INSTRUMENT_MAX, || {
                Reject::new(RejectCode::TooManyFollowers, Field::Count)
                    .number(followers)
                    .limit(FOLLOWERS_PER_INSTRUMENT_MAX)
            })?;
        }
        if !ask.may_rest() || terms.is_pegged() || terms.is_conditional() {
            return Ok(());
        }
        let OrderPlace { side, price, qty, .. } = *ask.place;
        let shown = if terms.display_qty.is_zero() { qty } else { terms.display_qty };
        self.check_level(listing, side, price, (shown, Qty::ZERO))
    }

    /// Whether a level's sum can take in `qty`, of which `counted` is in it already.
    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "sums of lots that rest, below 2^63")]
    pub(crate) fn check_level(
        &self,
        listing: &Listing,
        side: Side,
        price: Price,
        (qty, counted): (Qty, Qty),
    ) -> Result<(), Reject> {
        // Where even a book full of the largest orders so far would not overflow, none can.
        let largest_lots = qty.lots().max(listing.largest_lots);
        let most = largest_lots.checked_mul(i64::from(self.orders.max()));
        if most.is_some() {
            return Ok(());
        }
        let added = Qty::from_lots(qty.lots() - counted.lots());
        match listing.book.check_insert(side, price, added) {
            Err(BookError::LevelQtyOverflow { level }) => {
                let others_lots = level.qty.lots() - counted.lots();
                let room = Qty::from_lots(i64::MAX - others_lots);
                Err(qty_reject(RejectCode::QtyAboveMax, qty, room))
            }
            _ => Ok(()),
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "else it is written twice, and waited for between")]
    pub(crate) fn order_of(
        &self,
        header: &RecordHeader,
        hash: KeyHash,
        ask: &Ask<'_>,
        price: Price,
    ) -> Order {
        let body = ask.place;
        let rules = &self.instruments.at(body.instrument).rules;
        let (mut maker_ppm, taker_ppm) = self.rates(header.account, rules);
        if self.planted.is(Fault::MakerPaysTakerRate) {
            maker_ppm = taker_ppm;
        }
        Order {
            id: OrderId(0),
            account: header.account,
            instrument: body.instrument,
            price_ticks: price.ticks(),
            qty_lots: body.qty.lots(),
            filled_lots: 0,
            charged_minor: 0,
            traded_minor: 0,
            fee_parts: 0,
            maker_ppm,
            taker_ppm,
            first_seq: header.seq,
            hash,
            body: Body::of(ask).unwrap_or(Body::EMPTY),
            handle: NOWHERE,
            terms: NONE,
            session: header.session,
            node: header.origin.node,
            row: NONE,
            reduce_only: ask.terms.is_some_and(|terms| terms.reduce_only),
            side: body.side,
            order_type: body.order_type,
            time_in_force: body.time_in_force,
            post_only: body.post_only,
            client_order_id: body.client_order_id,
        }
    }

    /// Step 8: can it pay. What it will hold; `None` for an order that pays fill by fill.
    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "a notional and its charge: below 10^31")]
    pub(crate) fn check_funds(
        &self,
        order: &Order,
        listing: &Listing,
        is_conditional: bool,
    ) -> Result<Option<i128>, Reject> {
        let rules = &listing.rules;
        let by_notional = order.qty_lots == 0;
        let (held_minor, least_minor) = match (order.order_type, order.side) {
            (OrderType::Limit, _) | (OrderType::Market, Side::Sell) if !by_notional => {
                let need_minor = order.need(rules);
                (Some(need_minor), need_minor)
            }
            // It will be a limit order at its collar price.
            (OrderType::Market, Side::Buy) if is_conditional => {
                let need_minor = order.need(rules);
                (Some(need_minor), need_minor)
            }
            (_, Side::Sell) => (None, rules.base_minor(Qty::from_lots(1))),
            (_, Side::Buy) => match listing.book.best(Side::Sell) {
                Some(ask) => {
                    let lot_minor = rules.notional_of_trade(ask, Qty::from_lots(1));
                    (None, lot_minor + order.added_charge(lot_minor))
                }
                None => return Ok(None),
            },
        };
        self.check_available(order, rules, least_minor)?;
        Ok(held_minor)
    }

    /// Whether an order's account has as much more as it needs.
    #[inline]
    pub(crate) fn check_available(
        &self,
        order: &Order,
        rules: &Instrument,
        more_minor: i128,
    ) -> Result<(), Reject> {
        let (asset, unit) = match order.side {
            Side::Sell => (rules.base, Unit::BaseMinor),
            Side::Buy => (rules.quote, Unit::QuoteMinor),
        };
        let available_minor = self.ledger.available_minor(order.account, asset);
        ensure(more_minor <= available_minor, || {
            Reject::new(RejectCode::InsufficientBalance, Field::Available)
                .value(unit, more_minor)
                .limit(available_minor)
        })
    }

    /// The id of the order of this number.
    #[inline]
    pub(crate) fn order_id(&self, number: u64) -> OrderId {
        OrderId(u64::from(self.limits.shard) << SHARD_SHIFT | number)
    }

    /// Step 9: the order exists.
    #[inline]
    #[expect(clippy::arithmetic_side_effects, reason = "a u64 counter does not run out")]
    pub(crate) fn accept(
        &mut self,
        order: &mut Order,
        ask: &Ask<'_>,
        binding: &Binding,
        events: &mut Vec<Event>,
    ) {
        let body = ask.place;
        self.order_counter += 1;
        order.row = self.row_of(order.account, order.instrument);
        self.risk.touch(order.row);
        self.note_accepted(order.account, binding, body);
        order.id = self.order_id(self.order_counter);
        events.push(Event::OrderAccepted(OrderAccepted {
            order_id: order.id,
            account: order.account,
            instrument: body.instrument,
            side: body.side,
            order_type: body.order_type,
            time_in_force: body.time_in_force,
            post_only: body.post_only,
            qty: body.qty,
            price: body.price,
            notional: body.notional,
            client_order_id: body.client_order_id,
        }));
        if let Some(terms) = ask.terms.filter(|terms| **terms != OrderTerms::DEFAULT) {
            events.push(Event::OrderTermsSet(terms.set(order.id, order.account, order.instrument)));
        }
        if !body.client_order_id.is_empty() {
            self.client_ids.make_room(order.account, self.orders.named());
        }
    }

    /// Steps 10 and 11.
    #[inline]
    fn execute(&mut self, taker: &mut Taker, events: &mut Vec<Event>) {
        let is_fok = taker.order.time_in_force == TimeInForce::Fok;
        if is_fok
            && !self.planted.is(Fault::FokPartial)
            && let Some(reason) = self.why_not_enough(taker)
        {
            return self.close(&taker.order, (OrderState::Expired, reason), events);
        }
        self.hold(taker);
        let stop = self.match_taker(taker, events);
        self.conclude(taker, stop, None, events);
    }

    /// What becomes of an order when matching has ended. `place` is where an amended one stands.
    #[inline]
    pub(crate) fn conclude(
        &mut self,
        taker: &Taker,
        stop: Stop,
        place: Option<u32>,
        events: &mut Vec<Event>,
    ) {
        let order = &taker.order;
        let ended = match (stop, order.order_type, order.time_in_force) {
            (Stop::Filled, ..) => (OrderState::Filled, CloseReason::Filled),
            (Stop::FillLimit, ..) => (OrderState::Expired, CloseReason::FillLimit),
            (Stop::SelfTrade, ..) => (OrderState::Expired, CloseReason::SelfTrade),
            (Stop::ReduceOnly, ..) => (OrderState::Expired, CloseReason::ReduceOnly),
            (Stop::Slippage, ..) => (OrderState::Expired, CloseReason::Slippage),
            (_, OrderType::Limit, TimeInForce::Gtc | TimeInForce::Gtd | TimeInForce::Day) => {
                return self.rest(taker, place, events);
            }
            (_, OrderType::Limit, TimeInForce::Ioc) => {
                (OrderState::Expired, CloseReason::ImmediateOrCancel)
            }
            (_, OrderType::Limit, TimeInForce::Fok) => {
                (OrderState::Expired, CloseReason::FillOrKill)
            }
            (Stop::NotionalSpent, OrderType::Market, _) if order.filled_lots > 0 => {
                (OrderState::Filled, CloseReason::NotionalSpent)
            }
            (Stop::NotionalSpent, OrderType::Market, _) => {
                (OrderState::Expired, CloseReason::NotionalSpent)
            }
            (Stop::NoMaker | Stop::Band, OrderType::Market, _) => {
                (OrderState::Expired, CloseReason::NoLiquidity)
            }
            (Stop::NoFunds, OrderType::Market, _) => {
                (OrderState::Expired, CloseReason::InsufficientBalance)
            }
        };
        self.release(taker, 0);
        match place {
            Some(place) => self.end_arrived(place, order, ended, events),
            None => self.close(order, ended, events),
        }
    }
}

/// Step 3: fields that exclude each other.
#[inline]
pub(crate) fn check_combination(body: &OrderPlace) -> Result<(), Reject> {
    let tif = body.time_in_force;
    let notional_minor = body.notional.minor();
    let refuse = |field, unit, value: i128| {
        Err(Reject::new(RejectCode::InvalidCombination, field).value(unit, value))
    };
    match body.order_type {
        OrderType::Market => {
            if body.price.ticks() != 0 {
                return refuse(Field::Price, Unit::Ticks, body.price.ticks().into());
            }
            if body.post_only {
                return refuse(Field::PostOnly, Unit::Number, 1);
            }
            if tif.may_rest() {
                return refuse(Field::TimeInForce, Unit::Number, tif.number().into());
            }
            if notional_minor != 0 && !body.qty.is_zero() {
                return refuse(Field::Notional, Unit::QuoteMinor, notional_minor);
            }
            if notional_minor != 0 && tif == TimeInForce::Fok {
                return refuse(Field::TimeInForce, Unit::Number, tif.number().into());
            }
        }
        OrderType::Limit => {
            if notional_minor != 0 {
                return refuse(Field::Notional, Unit::QuoteMinor, notional_minor);
            }
            if body.post_only && !tif.may_rest() {
                return refuse(Field::PostOnly, Unit::Number, 1);
            }
        }
    }
    Ok(())
}

/// Steps 4 and 5: how much, and for how much.
#[inline]
pub(crate) fn check_amount(rules: &Instrument, body: &OrderPlace) -> Result<(), Reject> {
    let notional_minor = body.notional.minor();
    if notional_minor != 0 {
        let least_minor = rules.min_notional.minor().max(1);
        return check_notional(notional_minor, least_minor);
    }
    check_qty(rules, body.qty)?;
    match body.order_type {
        OrderType::Limit => check_price(rules, body.price, body.qty),
        OrderType::Market => Ok(()),
    }
}

#[inline]
pub(crate) fn check_qty(rules: &Instrument, qty: Qty) -> Result<(), Reject> {
    let (min, max) = (rules.min_qty, rules.max_qty);
    ensure(qty >= min, || qty_reject(RejectCode::QtyBelowMin, qty, min))?;
    ensure(qty <= max, || qty_reject(RejectCode::QtyAboveMax, qty, max))
}

pub(crate) fn qty_reject(code: RejectCode, qty: Qty, limit: Qty) -> Reject {
    Reject::new(code, Field::Qty).value(Unit::Lots, qty.lots()).limit(limit.lots())
}

/// Step 5. The qty is within the instrument's bounds.
#[inline]
pub(crate) fn check_price(rules: &Instrument, price: Price, qty: Qty) -> Result<(), Reject> {
    let ticks = price.ticks();
    ensure((1..=PRICE_TICKS_MAX).contains(&ticks), || {
        Reject::new(RejectCode::PriceOutOfRange, Field::Price)
            .value(Unit::Ticks, ticks)
            .limit(PRICE_TICKS_MAX)
    })?;
    let notional_minor = rules.notional(price, qty).unwrap_or(i128::MAX);
    check_notional(notional_minor, rules.min_notional.minor())
}

/// Refuses a notional out of bounds. What is above the largest is never below the least.
#[inline]
fn check_notional(notional_minor: i128, least_minor: i128) -> Result<(), Reject> {
    let refuse = |code, limit: i128| {
        Reject::new(code, Field::Notional).value(Unit::QuoteMinor, notional_minor).limit(limit)
    };
    ensure(notional_minor <= NOTIONAL_MINOR_MAX, || {
        refuse(RejectCode::NotionalAboveMax, NOTIONAL_MINOR_MAX)
    })?;
    ensure(notional_minor >= least_minor, || refuse(RejectCode::NotionalBelowMin, least_minor))
}

/// Step 6: a post-only order must not meet a maker.
#[inline]
pub(crate) fn check_post_only(listing: &Listing, side: Side, price: Price) -> Result<(), Reject> {
    match listing.book.best(side.opposite()) {
        Some(best) if listing.book.crosses(side, price) => {
            Err(Reject::new(RejectCode::PostOnlyWouldTrade, Field::Price)
                .value(Unit::Ticks, price.ticks())
                .limit(best.ticks()))
        }
        _ => Ok(()),
    }
}
