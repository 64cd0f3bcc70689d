//! Matching an arriving order: section 5 of the rules.
//!
//! Invariants
//! - A trade is at the maker's price; the oldest order of the best level comes first.
//! - Each fill pays what it adds to its order's charge, so fees are rounded once per order.
//! - A maker's hold follows its need fill by fill; the taker's is let go when matching has ended.

use crate::charges::ceil_ppm;
use crate::engine::Engine;
use crate::instruments::Instrument;
use crate::ledger::{Ledger, Pocket};
use crate::orders::Order;
use crate::planted::{Fault, Planted};
use alloc::vec::Vec;
use coulisse_book::{Handle, Level, Top};
use coulisse_types::event::{
    CloseReason, LevelChanged, OrderClosed, OrderFilled, OrderRested, OrderState, Role, Traded,
};
use coulisse_types::limits::ASSET_TOTAL_MINOR_MAX;
use coulisse_types::{Amount, Event, InstrumentId, OrderType, Price, Qty, Side, TradeId};

/// An order on its way through the book.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    pub(crate) order: Order,
    /// What it still holds; `None` where it pays fill by fill out of what is available.
    pub(crate) held_minor: Option<i128>,
    /// What it may still trade for, in quote minor units; `None` but for a market order by notional.
    pub(crate) to_spend_minor: Option<i128>,
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
}

/// A match about to be made.
#[derive(Clone, Copy, Debug)]
struct Fill {
    /// Whom the taker meets.
    maker: Handle,
    price: Price,
    qty: Qty,
    notional_minor: i128,
}

/// One match, with what it costs whom.
#[derive(Clone, Copy, Debug)]
struct Trade {
    id: TradeId,
    price: Price,
    qty: Qty,
    notional_minor: i128,
    maker_fee_minor: i128,
    taker_fee_minor: i128,
    /// What the maker no longer needs to hold of the quote asset, beside what it paid.
    maker_saved_minor: i128,
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
        let mut fills = 0;
        let mut level: Option<Level> = None;
        let stop = loop {
            if let Some(stop) = taker.is_done() {
                break stop;
            }
            let Some(top) = self.next_maker(taker) else {
                break Stop::NoMaker;
            };
            if fills == fills_max {
                break Stop::FillLimit;
            }
            let qty = match self.fill_qty(taker, &top) {
                Ok(qty) => qty,
                Err(stop) => break stop,
            };
            let price = taker.trade_price(top.price, self.planted);
            let rules = &self.instruments.at(instrument).rules;
            let notional_minor = rules.notional_of_trade(price, qty);
            if !taker.order.can_bear(notional_minor) {
                break Stop::FillLimit;
            }
            if let Some(left) = level.filter(|level| level.price != top.price) {
                push_level(events, instrument, makers, left.price, Some(left));
            }
            let fill = Fill { maker: top.handle, price, qty, notional_minor };
            level = Some(self.trade(taker, &fill, events));
            fills += 1;
        };
        if let Some(left) = level {
            push_level(events, instrument, makers, left.price, Some(left));
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

    /// How much it trades with the next maker: steps 2 and 3.
    #[inline]
    fn fill_qty(&self, taker: &Taker, top: &Top) -> Result<Qty, Stop> {
        let order = &taker.order;
        let rules = &self.instruments.at(order.instrument).rules;
        let mut lots = top.qty.lots();
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
        let Fill { maker: handle, price, qty, notional_minor } = *fill;
        let Self { instruments, ledger, orders, client_ids, trade_count, planted, .. } = self;
        let listing = instruments.at_mut(taker.order.instrument);
        let makers = taker.order.side.opposite();
        #[cfg(not(feature = "planted"))]
        let gone = listing.book.fill_front(makers, qty);
        #[cfg(feature = "planted")]
        let gone = Planted::fill(&mut listing.book, orders, makers, handle, qty);
        #[expect(clippy::expect_used, reason = "the maker was just seen: a broken invariant")]
        let gone = gone.filter(|gone| gone.handle == handle).expect("the maker that was met");
        listing.last_trade_id += 1;
        if listing.last_price_ticks == 0 || !planted.is(Fault::LastPriceKept) {
            listing.last_price_ticks = price.ticks();
        }
        *trade_count += 1;
        let rules = &listing.rules;
        let maker_place = gone.owner;
        let maker = orders.at_mut(maker_place);
        let need_before_minor = maker.need(rules);
        let maker_fee_minor = maker.fill(Role::Maker, qty, notional_minor, *planted);
        let taker_fee_minor = taker.order.fill(Role::Taker, qty, notional_minor, *planted);
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
        };
        settle_trade(ledger, rules, taker, maker, &trade, *planted);
        push_trade(events, &trade, taker, maker);
        if maker.remaining().is_zero() {
            let ended = (OrderState::Filled, CloseReason::Filled);
            push_closed(events, maker, ended);
            client_ids.close(maker, ended.0, *planted);
            orders.remove(maker_place);
        }
        Level { price: gone.price, qty: gone.level_left, count: gone.level_count }
    }

    /// Why a fill-or-kill order cannot be filled in full now; `None` if it can.
    pub(crate) fn why_not_in_full(&self, taker: &Taker) -> Option<CloseReason> {
        let order = &taker.order;
        let book = &self.instruments.at(order.instrument).book;
        let is_limit = order.order_type == OrderType::Limit;
        let limit = is_limit.then_some(Price::from_ticks(order.price_ticks));
        let qty = order.remaining();
        if book.fillable(order.side, limit, qty, self.limits.fills_per_command_max) != qty {
            return Some(CloseReason::FillOrKill);
        }
        self.dry_run(order, taker.held_minor.is_none())
    }

    /// Goes through the fills of an order that the book could fill, own makers' earnings included.
    ///
    /// Whether the order can bear them decides before whether it can pay for them.
    fn dry_run(&self, order: &Order, must_pay: bool) -> Option<CloseReason> {
        let listing = self.instruments.at(order.instrument);
        let rules = &listing.rules;
        let buys = must_pay && order.side == Side::Buy;
        let mut available_minor = self.ledger.available_minor(order.account, rules.quote);
        let mut can_pay = true;
        let mut order = *order;
        let mut next = listing.book.front(order.side.opposite());
        while let Some(handle) = next.filter(|_| !order.remaining().is_zero()) {
            let resting = listing.book.order(handle);
            let qty = resting.qty.min(order.remaining());
            let notional_minor = rules.notional_of_trade(resting.price, qty);
            if !order.can_bear(notional_minor) {
                return Some(CloseReason::FillOrKill);
            }
            let fee_minor = order.fill(Role::Taker, qty, notional_minor, Planted::default());
            available_minor -= notional_minor + fee_minor;
            can_pay &= available_minor >= 0;
            let mut maker = *self.orders.at(resting.owner);
            if maker.account == order.account {
                let fee_minor = maker.fill(Role::Maker, qty, notional_minor, Planted::default());
                available_minor += notional_minor - fee_minor;
            }
            next = listing.book.next_in_side(handle);
        }
        (buys && !can_pay).then_some(CloseReason::InsufficientBalance)
    }

    /// Puts what is left of an order on the book. `place` is where an amended one stands.
    #[inline]
    pub(crate) fn rest(&mut self, taker: &Taker, place: Option<u32>, events: &mut Vec<Event>) {
        let order = &taker.order;
        // What was never filled needs what it holds.
        if order.filled_lots > 0 {
            let need_minor = order.need(&self.instruments.at(order.instrument).rules);
            self.release(taker, need_minor);
        }
        let place = if let Some(place) = place {
            *self.orders.at_mut(place) = *order;
            place
        } else {
            self.orders.insert(order)
        };
        let (price, remaining) = (Price::from_ticks(order.price_ticks), order.remaining());
        let listing = self.instruments.at_mut(order.instrument);
        listing.largest_lots = listing.largest_lots.max(order.qty_lots);
        let book = &mut listing.book;
        #[expect(clippy::expect_used, reason = "checked before acceptance: a broken invariant")]
        let handle =
            book.insert(order.side, price, remaining, order.id, place).expect("there is room");
        let level = book.level_of(handle);
        self.orders.at_mut(place).handle = handle;
        events.push(Event::OrderRested(OrderRested {
            order_id: order.id,
            account: order.account,
            instrument: order.instrument,
            side: order.side,
            price,
            remaining,
        }));
        push_level(events, order.instrument, order.side, price, Some(level));
    }

    /// Ends an order that holds nothing any more and is not among the live ones.
    pub(crate) fn close(
        &mut self,
        order: &Order,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) {
        push_closed(events, order, ended);
        self.client_ids.close(order, ended.0, self.planted);
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
    const fn can_bear(&self, notional_minor: i128) -> bool {
        self.traded_minor + notional_minor <= ASSET_TOTAL_MINOR_MAX
    }

    /// Takes in a fill; what it adds to the charge.
    #[inline]
    fn fill(&mut self, role: Role, qty: Qty, notional_minor: i128, planted: Planted) -> i128 {
        self.filled_lots += qty.lots();
        let rate_ppm = match role {
            Role::Maker => self.maker_ppm,
            Role::Taker => self.taker_ppm,
        };
        self.traded_minor += notional_minor;
        self.fee_parts += crate::charges::parts(rate_ppm, notional_minor);
        let mut fee_minor = ceil_ppm(self.fee_parts) - self.charged_minor;
        if self.side == Side::Sell && planted.is(Fault::FeePerFill) {
            fee_minor = ceil_ppm(crate::charges::parts(rate_ppm, notional_minor));
        }
        self.charged_minor += fee_minor;
        fee_minor
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
    let (base, quote) = (rules.base.0, rules.quote.0);
    let base_minor = rules.base_minor(trade.qty);
    let (taker_account, maker_account) = (taker.order.account.0, maker.account.0);
    let taker_pays = match taker.held_minor {
        Some(_) => Pocket::Held(taker_account),
        None => Pocket::Available(taker_account),
    };
    let maker_pays = Pocket::Held(maker_account);
    let (taker_gets, maker_gets) =
        (Pocket::Available(taker_account), Pocket::Available(maker_account));
    let paid_minor = match taker.order.side {
        Side::Buy => {
            ledger.post(maker_pays, taker_gets, base, base_minor);
            ledger.post(taker_pays, maker_gets, quote, trade.notional_minor);
            ledger.post(taker_pays, Pocket::Fees, quote, trade.taker_fee_minor);
            if !planted.is(Fault::SellWithoutFee) {
                ledger.post(maker_gets, Pocket::Fees, quote, trade.maker_fee_minor);
            }
            trade.notional_minor + trade.taker_fee_minor
        }
        Side::Sell => {
            ledger.post(taker_pays, maker_gets, base, base_minor);
            ledger.post(maker_pays, taker_gets, quote, trade.notional_minor);
            ledger.post(maker_pays, Pocket::Fees, quote, trade.maker_fee_minor);
            ledger.post(maker_pays, maker_gets, quote, trade.maker_saved_minor);
            if !planted.is(Fault::SellWithoutFee) {
                ledger.post(taker_gets, Pocket::Fees, quote, trade.taker_fee_minor);
            }
            base_minor
        }
    };
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
fn push_filled(events: &mut Vec<Event>, trade: &Trade, order: &Order, role: Role, remaining: Qty) {
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
