//! Matching an arriving order: section 5 of the rules.
//!
//! Invariants
//! - A trade is at the maker's price; the oldest order of the best level comes first.
//! - Each fill pays what it adds to its order's charge, so fees are rounded once per order.
//! - A maker's hold follows its need fill by fill; the taker's is let go when matching has ended.

use crate::charges::ceil_ppm;
use crate::closing::Room;
use crate::engine::Engine;
use crate::instruments::Instrument;
use crate::ledger::{Exchange, Ledger, Pocket};
use crate::meet::Meeting;
use crate::orders::Order;
use crate::paged::NONE;
use crate::pegs::NO_ROOM;
use crate::planted::{Fault, Planted};
use alloc::vec::Vec;
use coulisse_book::{Handle, Level, MakerFill, Top};
use coulisse_types::event::{
    CloseReason, LevelChanged, OrderClosed, OrderFilled, OrderState, Role, Traded,
};
use coulisse_types::limits::ASSET_TOTAL_MINOR_MAX;
use coulisse_types::{
    Amount, Event, InstrumentId, OrderType, Price, Qty, Side, TradeId, TriggerOn,
};

/// An order on its way through the book.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    pub(crate) order: Order,
    /// What it still holds; `None` where it pays fill by fill out of what is available.
    pub(crate) held_minor: Option<i128>,
    /// What it may still trade for, in quote minor units; `None` but for a market order by notional.
    pub(crate) to_spend_minor: Option<i128>,
    /// The last price that a market order may trade at, in ticks; 0 for any.
    pub(crate) bound_ticks: i64,
}

/// Why matching ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Nothing is left of the order.
    Filled,
    /// What is left to spend buys no lot.
    NotionalSpent,
    /// No maker is left within the limit.
    NoMaker,
    /// One command may make only so many fills.
    FillLimit,
    /// The next lot cannot be paid for.
    NoFunds,
    /// The next maker is of the same owner.
    SelfTrade,
    /// It would no longer make the position smaller.
    ReduceOnly,
    /// The next price is beyond the slippage bound.
    Slippage,
    /// The next fill would be outside the band.
    Band,
}

/// A match about to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    /// Whom the taker meets.
    maker: Handle,
    price: Price,
    qty: Qty,
    notional_minor: i128,
}

/// One match, with what it costs whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trade {
    pub(crate) id: TradeId,
    pub(crate) price: Price,
    pub(crate) qty: Qty,
    pub(crate) notional_minor: i128,
    pub(crate) maker_fee_minor: i128,
    pub(crate) taker_fee_minor: i128,
    /// What the maker no longer needs to hold of the quote asset, beside what it paid.
    pub(crate) maker_saved_minor: i128,
    pub(crate) planted: Planted,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "lots of orders that exist, counters, and sums of what exists of an asset"
)]
impl Engine {
    /// Takes what a limit order, or a market sell by qty, holds.
    #[inline]
    pub(crate) fn hold(&mut self, taker: &Taker) {
        let Some(minor) = taker.held_minor else { return };
        let order = &taker.order;
        let account = order.account.0;
        let asset = order.held_asset(&self.instruments.at(order.instrument).rules);
        self.ledger.post(Pocket::Available(account), Pocket::Held(account), asset, minor);
    }

    /// Lets go what the order holds beyond `need_minor`.
    #[inline]
    pub(crate) fn release(&mut self, taker: &Taker, need_minor: i128) {
        let Some(held_minor) = taker.held_minor else { return };
        let order = &taker.order;
        let is_ioc = order.time_in_force == coulisse_types::TimeInForce::Ioc;
        if is_ioc && order.filled_lots > 0 && self.planted.is(Fault::IocKeepsHold) {
            return;
        }
        let account = order.account.0;
        let asset = order.held_asset(&self.instruments.at(order.instrument).rules);
        let saved_minor = held_minor - need_minor;
        self.ledger.post(Pocket::Held(account), Pocket::Available(account), asset, saved_minor);
    }

    /// Matches until nothing is left or no more can be done; why it ended.
    #[inline]
    pub(crate) fn match_taker(&mut self, taker: &mut Taker, events: &mut Vec<Event>) -> Stop {
        let fills_max = self.limits.fills_per_command_max;
        let (instrument, makers) = (taker.order.instrument, taker.order.side.opposite());
        let is_plain = self.instruments.at(instrument).is_plain;
        if !is_plain {
            self.note_reference(instrument);
        }
        let mut fills = 0;
        let mut level: Option<Level> = None;
        let stop = loop {
            if let Some(stop) = taker.is_done() {
                break stop;
            }
            let Some(top) = self.next_maker(taker) else {
                break Stop::NoMaker;
            };
            if taker.is_beyond(top.price) {
                break Stop::Slippage;
            }
            if fills == fills_max {
                break Stop::FillLimit;
            }
            let mut most_lots = i64::MAX;
            if taker.order.terms != NONE || !self.meets_plainly(taker) {
                match self.meet(taker, &top, &mut level, events) {
                    Meeting::Trades(lots) => most_lots = lots,
                    Meeting::Passed => {
                        fills += 1;
                        continue;
                    }
                    Meeting::Over(stop) => break stop,
                }
            }
            if !is_plain && self.is_shared(taker, &top) {
                let (made, stop) = self.share(taker, &top, fills_max - fills, &mut level, events);
                fills += made;
                match stop {
                    None => continue,
                    Some(stop) => break stop,
                }
            }
            let fill = match self.next_fill(taker, &top, most_lots, is_plain) {
                Ok(fill) => fill,
                Err(stop) => break stop,
            };
            if let Some(left) = level.filter(|level| level.price != top.price) {
                push_level(events, instrument, makers, left.price, Some(left));
            }
            level = Some(self.trade(taker, &fill, events));
            fills += 1;
        };
        if let Some(left) = level {
            push_level(events, instrument, makers, left.price, Some(left));
            self.warm_maker(instrument, makers);
        }
        stop
    }

    /// The order that the taker meets next, if there is one within its limit.
    #[inline]
    fn next_maker(&self, taker: &Taker) -> Option<Top> {
        let order = &taker.order;
        let book = &self.instruments.at(order.instrument).book;
        #[cfg(not(feature = "planted"))]
        let top = book.peek_best(order.side.opposite())?;
        #[cfg(feature = "planted")]
        let top = self.planted.peek(book, order.side.opposite())?;
        let limit = order.price_ticks;
        let within = match (order.order_type, order.side) {
            (OrderType::Market, _) => true,
            (OrderType::Limit, Side::Buy) => top.price.ticks() <= limit,
            (OrderType::Limit, Side::Sell) if self.planted.is(Fault::PastLimit) => {
                top.price.ticks() >= limit - 1
            }
            (OrderType::Limit, Side::Sell) => top.price.ticks() >= limit,
        };
        within.then_some(top)
    }

    /// The fill with the next maker: steps 2 and 3, and what stops it.
    #[inline]
    fn next_fill(
        &mut self,
        taker: &Taker,
        top: &Top,
        most_lots: i64,
        is_plain: bool,
    ) -> Result<Fill, Stop> {
        let qty = self.fill_qty(taker, top, most_lots)?;
        self.price_fill(taker, top, qty, is_plain)
    }

    /// A fill of so much with a maker, unless it may not be.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what a call returns in memory is waited for")]
    pub(crate) fn price_fill(
        &mut self,
        taker: &Taker,
        top: &Top,
        qty: Qty,
        is_plain: bool,
    ) -> Result<Fill, Stop> {
        let order = &taker.order;
        let price = taker.trade_price(top.price, self.planted);
        let listing = self.instruments.at(order.instrument);
        let notional_minor = listing.rules.notional_of_trade(price, qty);
        if !order.can_bear(notional_minor)
            || !self.positions_can_take(taker, top, qty, notional_minor)
        {
            return Err(Stop::FillLimit);
        }
        if !is_plain && self.is_out_of_band(listing, price) {
            self.leave_band(order.instrument);
            return Err(Stop::Band);
        }
        Ok(Fill { maker: top.handle, price, qty, notional_minor })
    }

    /// How much it trades with the next maker: steps 2 and 3.
    #[inline]
    fn fill_qty(&self, taker: &Taker, top: &Top, most_lots: i64) -> Result<Qty, Stop> {
        let order = &taker.order;
        let rules = &self.instruments.at(order.instrument).rules;
        let mut lots = top.qty.lots().min(most_lots);
        if let Some(to_spend_minor) = taker.to_spend_minor {
            let lot_minor = rules.notional_of_trade(top.price, Qty::from_lots(1));
            lots = at_most(lots, to_spend_minor.div_euclid(lot_minor));
            if lots == 0 {
                return Err(Stop::NotionalSpent);
            }
        } else {
            lots = lots.min(order.remaining().lots());
        }
        if taker.held_minor.is_none() {
            lots = self.payable_lots(order, rules, top.price, lots);
            if lots == 0 {
                return Err(Stop::NoFunds);
            }
        }
        Ok(Qty::from_lots(lots))
    }

    /// How many of `lots` an order that holds nothing can pay for now.
    fn payable_lots(&self, order: &Order, rules: &Instrument, price: Price, lots: i64) -> i64 {
        let qty = Qty::from_lots(lots);
        match order.side {
            Side::Sell => {
                let available_minor = self.ledger.available_minor(order.account, rules.base);
                if rules.base_minor(qty) <= available_minor {
                    return lots;
                }
                at_most(lots, available_minor.div_euclid(rules.lot_minor.into()))
            }
            Side::Buy => {
                let available_minor = self.ledger.available_minor(order.account, rules.quote);
                let notional_minor = rules.notional_of_trade(price, qty);
                if notional_minor + order.added_charge(notional_minor) <= available_minor {
                    return lots;
                }
                let lot_minor = rules.notional_of_trade(price, Qty::from_lots(1));
                at_most(lots, order.affordable_lots(available_minor, lot_minor))
            }
        }
    }

    /// Trades `qty` with the next maker: step 4. The maker's level as it is left.
    #[inline]
    fn trade(&mut self, taker: &mut Taker, fill: &Fill, events: &mut Vec<Event>) -> Level {
        let book = &mut self.instruments.at_mut(taker.order.instrument).book;
        let makers = taker.order.side.opposite();
        #[cfg(not(feature = "planted"))]
        let gone = book.fill_front(makers, fill.qty);
        #[cfg(feature = "planted")]
        let gone = Planted::fill(book, &mut self.orders, makers, fill.maker, fill.qty);
        // Not taken out of its place: it was just written, and would be waited for.
        let gone = gone.as_ref().filter(|gone| gone.handle == fill.maker);
        #[expect(clippy::expect_used, reason = "the maker was just seen: a broken invariant")]
        let gone = gone.expect("the maker that was met");
        self.after_fill(taker, fill, gone, events)
    }

    /// The same with a maker that may stand anywhere in its level.
    #[inline(never)]
    pub(crate) fn trade_apart(
        &mut self,
        taker: &mut Taker,
        fill: &Fill,
        events: &mut Vec<Event>,
    ) -> Level {
        let book = &mut self.instruments.at_mut(taker.order.instrument).book;
        let gone = book.fill(fill.maker, fill.qty);
        #[expect(clippy::expect_used, reason = "no fill is of nothing: a broken invariant")]
        let gone = gone.expect("the maker that was allocated to");
        self.after_fill(taker, fill, &gone, events)
    }

    /// What the book filled is paid and said. The maker's level as it is left.
    #[inline]
    fn after_fill(
        &mut self,
        taker: &mut Taker,
        fill: &Fill,
        gone: &MakerFill,
        events: &mut Vec<Event>,
    ) -> Level {
        let Fill { price, qty, notional_minor, .. } = *fill;
        let Self {
            instruments,
            ledger,
            orders,
            risk,
            client_ids,
            attention,
            trade_count,
            planted,
            ..
        } = self;
        let listing = instruments.at_mut(taker.order.instrument);
        listing.last_trade_id += 1;
        if listing.last_price_ticks == 0 || !planted.is(Fault::LastPriceKept) {
            listing.set_price(TriggerOn::Last, price.ticks(), attention);
        }
        *trade_count += 1;
        let rules = &listing.rules;
        let maker_place = gone.owner;
        let maker = orders.at_mut(maker_place);
        let need_before_minor = maker.need(rules);
        let taker_fee_minor = taker.order.fill(Role::Taker, qty, notional_minor, *planted);
        let maker_fee_minor = maker.make(qty, notional_minor, taker_fee_minor, *planted);
        let maker_saved_minor = match maker.side {
            Side::Sell => 0,
            Side::Buy => need_before_minor - notional_minor - maker_fee_minor - maker.need(rules),
        };
        let trade = Trade {
            id: TradeId(listing.last_trade_id),
            price,
            qty,
            notional_minor,
            maker_fee_minor,
            taker_fee_minor,
            maker_saved_minor,
            planted: *planted,
        };
        settle_trade(ledger, rules, taker, maker, &trade, *planted);
        push_trade(events, &trade, taker, maker);
        let is_plain = maker.terms == NONE && taker.order.terms == NONE;
        risk.trade(&taker.order, maker, &trade, rules.quote.0, self.time_ns);
        if maker.remaining().is_zero() {
            let ended = (OrderState::Filled, CloseReason::Filled);
            push_closed(events, maker, ended);
            round_off(ledger, rules, maker, *planted);
            client_ids.close(maker, ended.0, *planted);
            if maker.terms == NONE {
                risk.leave(maker);
                orders.remove(maker_place);
            }
        }
        if !is_plain {
            return self.after_trade(&taker.order, gone, events);
        }
        Level { price: gone.price, qty: gone.level_left, count: gone.level_count }
    }

    /// Puts what is left of an order on the book. `place` is where an amended one stands.
    #[inline]
    pub(crate) fn rest(&mut self, taker: &Taker, place: Option<u32>, events: &mut Vec<Event>) {
        let order = &taker.order;
        // A plain order that was never filled needs what it holds.
        if order.filled_lots > 0 || order.terms != NONE {
            let need_minor = order.need(&self.instruments.at(order.instrument).rules);
            self.release(taker, need_minor);
        }
        let place = if let Some(place) = place {
            self.relist(place, order);
            place
        } else {
            self.come_to_live(order)
        };
        let price = Price::from_ticks(order.price_ticks);
        match self.insert_on_book(order, place, price) {
            Ok(level) => Self::push_rested(events, order, price, level),
            Err(Room) => self.close_live(place, NO_ROOM, events),
        }
    }

    /// Ends an order that holds nothing any more and is not among the live ones.
    pub(crate) fn close(
        &mut self,
        order: &Order,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) {
        push_closed(events, order, ended);
        let rules = &self.instruments.at(order.instrument).rules;
        round_off(&mut self.ledger, rules, order, self.planted);
        self.client_ids.close(order, ended.0, self.planted);
    }
}

/// What rounding up added to the charge of an order that closes goes to the rounding account.
#[inline]
fn round_off(ledger: &mut Ledger, rules: &Instrument, order: &Order, planted: Planted) {
    if order.fee_parts != 0 && order.is_rounded() && !planted.is(Fault::RoundingStays) {
        ledger.post(Pocket::Fees, Pocket::Rounding, rules.quote.0, 1);
    }
}

impl Taker {
    /// Whether nothing is left to do.
    #[inline]
    fn is_done(&self) -> Option<Stop> {
        match self.to_spend_minor {
            Some(left_minor) => (left_minor == 0).then_some(Stop::NotionalSpent),
            None => self.order.remaining().is_zero().then_some(Stop::Filled),
        }
    }

    /// Whether a price is beyond what a market order may trade at.
    #[inline]
    pub(crate) fn is_beyond(&self, price: Price) -> bool {
        self.bound_ticks != 0
            && match self.order.side {
                Side::Buy => price.ticks() > self.bound_ticks,
                Side::Sell => price.ticks() < self.bound_ticks,
            }
    }

    #[inline]
    fn trade_price(&self, maker_price: Price, planted: Planted) -> Price {
        if self.order.order_type == OrderType::Limit && planted.is(Fault::TakerPrice) {
            return Price::from_ticks(self.order.price_ticks);
        }
        maker_price
    }

    /// What its events say is left: nothing, for an order by notional.
    #[inline]
    fn remaining(&self) -> Qty {
        if self.to_spend_minor.is_some() { Qty::ZERO } else { self.order.remaining() }
    }
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "lots of an order that exists, and sums of what exists of an asset"
)]
impl Order {
    /// Whether its notional over its life stays within bounds with a fill of `notional_minor`.
    ///
    /// Only trades with oneself can get there; the bound keeps every charge inside 128 bits.
    #[inline]
    pub(crate) const fn can_bear(&self, notional_minor: i128) -> bool {
        self.traded_minor + notional_minor <= ASSET_TOTAL_MINOR_MAX
    }

    /// Takes in a fill; what it adds to the charge.
    #[inline]
    fn fill(&mut self, role: Role, qty: Qty, notional_minor: i128, planted: Planted) -> i128 {
        let rate_ppm = match role {
            Role::Maker => self.maker_ppm,
            Role::Taker => self.taker_ppm,
        };
        self.fill_at(rate_ppm, qty, notional_minor, planted)
    }

    /// The same at a rate that is not one of its own.
    #[inline]
    pub(crate) fn fill_at(
        &mut self,
        rate_ppm: i32,
        qty: Qty,
        notional_minor: i128,
        planted: Planted,
    ) -> i128 {
        self.filled_lots += qty.lots();
        self.traded_minor += notional_minor;
        self.fee_parts += crate::charges::parts(rate_ppm, notional_minor);
        let mut fee_minor = ceil_ppm(self.fee_parts) - self.charged_minor;
        if self.side == Side::Sell && planted.is(Fault::FeePerFill) {
            fee_minor = ceil_ppm(crate::charges::parts(rate_ppm, notional_minor));
        }
        self.charged_minor += fee_minor;
        fee_minor
    }

    /// The same as maker: a rebate is at most what the taker pays, and what is cut is forfeited.
    #[inline]
    fn make(
        &mut self,
        qty: Qty,
        notional_minor: i128,
        taker_fee_minor: i128,
        planted: Planted,
    ) -> i128 {
        let parts_before = self.fee_parts;
        let fee_minor = self.fill(Role::Maker, qty, notional_minor, planted);
        let least_minor = -taker_fee_minor.max(0);
        if fee_minor >= least_minor || planted.is(Fault::RebateUncut) {
            return fee_minor;
        }
        self.charged_minor += least_minor - fee_minor;
        // Not above what it was before, or the need would rise with a fill.
        self.fee_parts = parts_before.min(self.charged_minor * crate::charges::PPM);
        least_minor
    }
}

/// The smaller of two counts of lots.
#[inline]
fn at_most(lots: i64, bound: i128) -> i64 {
    i64::try_from(bound).map_or(lots, |bound| bound.min(lots))
}

/// Moves the money of a trade.
#[inline]
#[expect(clippy::arithmetic_side_effects, reason = "a hold and what is paid out of it")]
fn settle_trade(
    ledger: &mut Ledger,
    rules: &Instrument,
    taker: &mut Taker,
    maker: &Order,
    trade: &Trade,
    planted: Planted,
) {
    let base_minor = rules.base_minor(trade.qty);
    let (maker_fee_minor, taker_fee_minor) =
        planted.fees(trade.maker_fee_minor, trade.taker_fee_minor);
    let is_held = taker.held_minor.is_some();
    let (taker_account, maker_account) = (taker.order.account.0, maker.account.0);
    let seen_as_buy = Exchange {
        base: rules.base.0,
        quote: rules.quote.0,
        seller: maker_account,
        buyer: taker_account,
        is_seller_held: true,
        is_buyer_held: is_held,
        base_minor,
        notional_minor: trade.notional_minor,
        seller_fee_minor: maker_fee_minor,
        buyer_fee_minor: taker_fee_minor,
        buyer_saved_minor: 0,
    };
    let (mut exchange, paid_minor) = match taker.order.side {
        Side::Buy => (seen_as_buy, trade.notional_minor + taker_fee_minor),
        Side::Sell => (
            Exchange {
                seller: taker_account,
                buyer: maker_account,
                is_seller_held: is_held,
                is_buyer_held: true,
                seller_fee_minor: taker_fee_minor,
                buyer_fee_minor: maker_fee_minor,
                buyer_saved_minor: trade.maker_saved_minor,
                ..seen_as_buy
            },
            base_minor,
        ),
    };
    if planted.is(Fault::SellWithoutFee) {
        exchange.seller_fee_minor = 0;
    }
    ledger.exchange(&exchange);
    if let Some(held_minor) = &mut taker.held_minor {
        *held_minor -= paid_minor;
    }
    if let Some(to_spend_minor) = &mut taker.to_spend_minor {
        *to_spend_minor -= trade.notional_minor;
    }
}

#[inline]
fn push_trade(events: &mut Vec<Event>, trade: &Trade, taker: &Taker, maker: &Order) {
    let order = &taker.order;
    events.push(Event::Traded(Traded {
        instrument: order.instrument,
        trade_id: trade.id,
        price: trade.price,
        qty: trade.qty,
        taker_side: order.side,
        maker_order_id: maker.id,
        taker_order_id: order.id,
    }));
    push_filled(events, trade, maker, Role::Maker, maker.remaining());
    push_filled(events, trade, order, Role::Taker, taker.remaining());
}

#[inline]
pub(crate) fn push_filled(
    events: &mut Vec<Event>,
    trade: &Trade,
    order: &Order,
    role: Role,
    remaining: Qty,
) {
    let fee_minor = match role {
        Role::Maker => trade.maker_fee_minor,
        Role::Taker => trade.taker_fee_minor,
    };
    events.push(Event::OrderFilled(OrderFilled {
        order_id: order.id,
        account: order.account,
        instrument: order.instrument,
        trade_id: trade.id,
        side: order.side,
        role,
        price: trade.price,
        qty: trade.qty,
        notional: Amount::from_minor(trade.notional_minor),
        fee: Amount::from_minor(fee_minor),
        filled: Qty::from_lots(order.filled_lots),
        remaining,
        client_order_id: order.client_order_id,
    }));
}

#[inline]
fn push_closed(events: &mut Vec<Event>, order: &Order, (state, reason): (OrderState, CloseReason)) {
    events.push(Event::OrderClosed(OrderClosed {
        order_id: order.id,
        account: order.account,
        instrument: order.instrument,
        state,
        reason,
        filled: Qty::from_lots(order.filled_lots),
        // An order by notional has no qty of its own, and nothing remains of it.
        remaining: order.remaining().max(Qty::ZERO),
        client_order_id: order.client_order_id,
    }));
}

/// Says what a level is now; `None` where it is gone.
#[inline]
pub(crate) fn push_level(
    events: &mut Vec<Event>,
    instrument: InstrumentId,
    side: Side,
    price: Price,
    level: Option<Level>,
) {
    let (qty, order_count) = level.map_or((Qty::ZERO, 0), |level| (level.qty, level.count));
    events.push(Event::LevelChanged(LevelChanged { instrument, side, price, qty, order_count }));
}
