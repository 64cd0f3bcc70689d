//! The end of an auction: what crosses trades, all at one price. Section 18 of the rules.
//!
//! Invariants
//! - Best bid meets best ask; the younger of two is the taker. Both hold what they need, so nothing
//!   can fail for money.
//! - When an instrument leaves its auction its book is not crossed: should what could trade not have
//!   done it, because an order closed meanwhile, it is uncrossed again, at a new price.
//!
//! Cost: of one command, or one tick over all instruments, at most as many fills as a command may
//! make; a market order that ends counts as one. The rest goes on in the next tick.

use crate::auction::Uncross;
use crate::auction_price::Clearing;
use crate::engine::Engine;
use crate::ledger::Exchange;
use crate::matching::{Trade, push_filled, push_level};
use crate::orders::Order;
use crate::paged::NONE;
use crate::planted::Fault;
use alloc::vec::Vec;
use coulisse_book::{Book, Level, MakerFill, Top};
use coulisse_types::event::{AuctionUncrossed, CloseReason, OrderState, Role, Traded};
use coulisse_types::{
    Event, InstrumentId, OrderId, Price, Qty, Side, StateReason, TradeId, TradingState, TriggerOn,
};

/// How an order ends that traded all it was for.
const FILLED: (OrderState, CloseReason) = (OrderState::Filled, CloseReason::Filled);
/// How an order ends whose notional has no room for another fill.
const CANNOT_BEAR: (OrderState, CloseReason) = (OrderState::Expired, CloseReason::FillLimit);
/// How a market order ends that the auction left over.
const LEFT_OVER: (OrderState, CloseReason) = (OrderState::Expired, CloseReason::AuctionEnd);

/// The levels that one tick traded on, best first, not yet said.
#[derive(Clone, Debug, Default)]
struct TradedOn {
    bids: Vec<Price>,
    asks: Vec<Price>,
}

impl TradedOn {
    /// Trading goes from the best level on, and never back.
    fn add(&mut self, bid: Price, ask: Price) {
        for (prices, price) in [(&mut self.bids, bid), (&mut self.asks, ask)] {
            if prices.last() != Some(&price) {
                prices.push(price);
            }
        }
    }
}

/// An order that trades, and where it stands.
#[derive(Clone, Copy, Debug)]
struct Party {
    place: u32,
    id: OrderId,
    fill: MakerFill,
}

/// What a fill costs one of its two orders.
#[derive(Clone, Copy, Debug)]
struct Cost {
    account: u32,
    fee_minor: i128,
    /// What it no longer needs to hold of the quote asset, beside what it paid.
    saved_minor: i128,
}

impl Engine {
    /// The call is over: finds the price and begins to trade.
    pub(crate) fn begin_uncross(
        &mut self,
        instrument: InstrumentId,
        then: (TradingState, StateReason),
        fills_left: &mut u32,
        events: &mut Vec<Event>,
    ) {
        self.note_reference(instrument);
        self.attention.is_stale = 1;
        self.set_clearing(instrument, then, events);
        self.go_on_uncrossing(instrument, fills_left, events);
    }

    fn set_clearing(
        &mut self,
        instrument: InstrumentId,
        then: (TradingState, StateReason),
        events: &mut Vec<Event>,
    ) {
        let clearing: Clearing = self.clearing(instrument);
        let (price_ticks, qty) = (clearing.price_ticks, clearing.qty());
        let uncross = Uncross { price_ticks, left_lots: qty.lots(), then };
        self.instruments.at_mut(instrument).auction.uncross = Some(uncross);
        let price = Price::from_ticks(price_ticks);
        events.push(Event::AuctionUncrossed(AuctionUncrossed { instrument, price, qty }));
    }

    /// Trades until all is done or no fills are left; what follows then.
    pub(crate) fn go_on_uncrossing(
        &mut self,
        instrument: InstrumentId,
        fills_left: &mut u32,
        events: &mut Vec<Event>,
    ) {
        self.note_reference(instrument);
        let mut traded_on = TradedOn::default();
        let is_done = loop {
            let Some(uncross) = self.instruments.at(instrument).auction.uncross else { return };
            if !self.trade_at_one_price(instrument, fills_left, &mut traded_on, events) {
                break false;
            }
            if !self.instruments.at(instrument).book.is_crossed() {
                break true;
            }
            self.set_clearing(instrument, uncross.then, events);
        };
        let book = &self.instruments.at(instrument).book;
        for (side, prices) in [(Side::Buy, traded_on.bids), (Side::Sell, traded_on.asks)] {
            for price in prices {
                push_level(events, instrument, side, price, book.level(side, price));
            }
        }
        if is_done && self.end_market_orders(instrument, fills_left, events) {
            self.end_auction(instrument, events);
        }
    }

    /// Trades at the auction's price; whether nothing is left to trade there.
    #[expect(clippy::arithmetic_side_effects, reason = "fills and lots that are left")]
    fn trade_at_one_price(
        &mut self,
        instrument: InstrumentId,
        fills_left: &mut u32,
        traded_on: &mut TradedOn,
        events: &mut Vec<Event>,
    ) -> bool {
        loop {
            let listing = self.instruments.at_mut(instrument);
            let Some(uncross) = &mut listing.auction.uncross else { return true };
            if uncross.left_lots == 0 {
                return true;
            }
            if *fills_left == 0 {
                return false;
            }
            let price = Price::from_ticks(uncross.price_ticks);
            let Some((bid, ask)) = crossing(&listing.book, price) else {
                uncross.left_lots = 0;
                return true;
            };
            let mut qty = bid.qty.min(ask.qty).min(Qty::from_lots(uncross.left_lots));
            *fills_left -= 1;
            traded_on.add(bid.price, ask.price);
            if let Some((place, ended)) = self.who_is_over(instrument, [bid, ask], &mut qty) {
                self.expire_unsaid(place, ended, events);
                continue;
            }
            if let Some(place) = self.who_cannot_bear(instrument, [bid, ask], price, qty) {
                self.expire_unsaid(place, CANNOT_BEAR, events);
                continue;
            }
            if let Some(uncross) = &mut self.instruments.at_mut(instrument).auction.uncross {
                uncross.left_lots -= qty.lots();
            }
            self.trade_between(instrument, price, qty, events);
        }
    }

    /// The order, the older first, that is dead or would no longer only reduce; how it ends. Cuts
    /// `qty` to what those that may only reduce can still take.
    fn who_is_over(
        &self,
        instrument: InstrumentId,
        tops: [Top; 2],
        qty: &mut Qty,
    ) -> Option<(u32, (OrderState, CloseReason))> {
        if self.risk.dead == 0 && self.risk.reducers == 0 {
            return None;
        }
        let book = &self.instruments.at(instrument).book;
        let mut places = tops.map(|top| book.order(top.handle).owner);
        places.sort_unstable_by_key(|place| self.orders.at(*place).id);
        for place in places {
            let order = self.orders.at(place);
            if self.is_dead(order) {
                return Some((place, (OrderState::Cancelled, CloseReason::KillSwitch)));
            }
            if order.reduce_only {
                let capacity_lots = self.capacity_lots(order);
                if capacity_lots == 0 {
                    return Some((place, (OrderState::Expired, CloseReason::ReduceOnly)));
                }
                *qty = (*qty).min(Qty::from_lots(capacity_lots));
            }
        }
        None
    }

    /// The place of the order, the older first, that this fill would bring beyond what one order may
    /// trade for. Only trades with oneself can get there.
    fn who_cannot_bear(
        &self,
        instrument: InstrumentId,
        tops: [Top; 2],
        price: Price,
        qty: Qty,
    ) -> Option<u32> {
        let listing = self.instruments.at(instrument);
        let notional_minor = listing.rules.notional_of_trade(price, qty);
        let places = tops.map(|top| listing.book.order(top.handle).owner);
        let cannot = |place: &u32| {
            let order = self.orders.at(*place);
            let row = self.risk.rows.at(order.row);
            !order.can_bear(notional_minor) || !row.can_take(order.side, qty.lots(), notional_minor)
        };
        places.into_iter().filter(cannot).min_by_key(|place| self.orders.at(*place).id)
    }

    /// Ends an order on the book whose level is said later.
    #[expect(clippy::arithmetic_side_effects, reason = "a hold within its need")]
    fn expire_unsaid(
        &mut self,
        place: u32,
        ended: (OrderState, CloseReason),
        events: &mut Vec<Event>,
    ) {
        let order = *self.orders.at(place);
        let listing = self.instruments.at_mut(order.instrument);
        listing.book.remove(order.handle);
        let need_minor = order.need(&listing.rules);
        self.adjust_hold(&order, -need_minor);
        self.end_arrived(place, &order, ended, events);
    }

    /// One fill between best bid and best ask, and what it sets off.
    fn trade_between(
        &mut self,
        instrument: InstrumentId,
        price: Price,
        qty: Qty,
        events: &mut Vec<Event>,
    ) {
        let parties = self.fill_both(instrument, price, qty, events);
        for Party { place, id, .. } in parties {
            let order = *self.orders.at(place);
            if self.is_at(place, id) && order.remaining().is_zero() {
                self.end_arrived(place, &order, FILLED, events);
            }
        }
        for Party { place, id, fill } in parties {
            if self.is_at(place, id) && fill.maker_left.is_zero() {
                let MakerFill { price, level_left: qty, level_count: count, .. } = fill;
                self.refresh(place, Level { price, qty, count }, events);
            }
        }
        for Party { place, id, .. } in parties {
            let order = *self.orders.at(place);
            if self.is_at(place, id) && order.terms != NONE {
                self.leg_filled(&order, events);
            }
        }
    }

    /// Whether the order that stood at a place still does.
    fn is_at(&self, place: u32, id: OrderId) -> bool {
        self.orders.find(id) == Some(place)
    }

    /// Fills best bid and best ask, moves the money and says so; the two, the older first.
    #[expect(clippy::arithmetic_side_effects, reason = "counters, and needs of orders that exist")]
    #[expect(clippy::expect_used, reason = "both were just seen: a broken invariant")]
    fn fill_both(
        &mut self,
        instrument: InstrumentId,
        price: Price,
        qty: Qty,
        events: &mut Vec<Event>,
    ) -> [Party; 2] {
        let Self { instruments, ledger, orders, risk, attention, trade_count, planted, .. } = self;
        let listing = instruments.at_mut(instrument);
        let fills = [Side::Buy, Side::Sell]
            .map(|side| listing.book.fill_front(side, qty).expect("the order that was met"));
        listing.last_trade_id += 1;
        listing.set_price(TriggerOn::Last, price.ticks(), attention);
        *trade_count += 1;
        let (rules, fee_ppm) = (&listing.rules, listing.config.auction_fee.ppm());
        let notional_minor = rules.notional_of_trade(price, qty);
        let [buyer, seller] = fills.map(|fill| {
            let order = orders.at_mut(fill.owner);
            let need_minor = order.need(rules);
            let is_dear = planted.is(Fault::AuctionAtTakerRate);
            let rate_ppm = if is_dear { order.taker_ppm } else { fee_ppm.min(order.taker_ppm) };
            let fee_minor = order.fill_at(rate_ppm, qty, notional_minor, *planted);
            let saved_minor = match order.side {
                Side::Sell => 0,
                Side::Buy => need_minor - order.need(rules) - notional_minor - fee_minor,
            };
            Cost { account: order.account.0, fee_minor, saved_minor }
        });
        ledger.exchange(&Exchange {
            base: rules.base.0,
            quote: rules.quote.0,
            seller: seller.account,
            buyer: buyer.account,
            // Both hold what they need.
            is_seller_held: true,
            is_buyer_held: true,
            base_minor: rules.base_minor(qty),
            notional_minor,
            seller_fee_minor: seller.fee_minor,
            buyer_fee_minor: buyer.fee_minor,
            buyer_saved_minor: buyer.saved_minor,
        });
        let mut parties = fills.map(|fill| Party { place: fill.owner, id: fill.order_id, fill });
        let mut fees_minor = [buyer.fee_minor, seller.fee_minor];
        if parties[0].id > parties[1].id {
            parties.reverse();
            fees_minor.reverse();
        }
        let trade = Trade {
            id: TradeId(listing.last_trade_id),
            price,
            qty,
            notional_minor,
            maker_fee_minor: fees_minor[0],
            taker_fee_minor: fees_minor[1],
            maker_saved_minor: 0,
            planted: *planted,
        };
        let [older, younger] = parties.map(|party| orders.at(party.place));
        risk.trade(younger, older, &trade, rules.quote.0, self.time_ns);
        risk.add_open(younger.row, younger.side, -qty.lots());
        push_both(events, &trade, [older, younger]);
        parties
    }

    /// Step 6: market orders that are left over; whether all have ended.
    #[expect(clippy::arithmetic_side_effects, reason = "fills that are left")]
    fn end_market_orders(
        &mut self,
        instrument: InstrumentId,
        fills_left: &mut u32,
        events: &mut Vec<Event>,
    ) -> bool {
        loop {
            let orders = self.instruments.at(instrument).auction.market_orders;
            let Some((_, place)) = self.forest.first(orders) else { return true };
            if *fills_left == 0 {
                return false;
            }
            *fills_left -= 1;
            self.close_live(place, LEFT_OVER, events);
        }
    }

    /// Step 7.
    fn end_auction(&mut self, instrument: InstrumentId, events: &mut Vec<Event>) {
        let auction = &mut self.instruments.at_mut(instrument).auction;
        let Some(Uncross { then: (state, reason), .. }) = auction.leave() else { return };
        self.change_state(instrument, state, reason, 0, events);
    }
}

/// Best bid and best ask, if both would trade at a price.
fn crossing(book: &Book, price: Price) -> Option<(Top, Top)> {
    let (bid, ask) = (book.peek_best(Side::Buy)?, book.peek_best(Side::Sell)?);
    (bid.price >= price && price >= ask.price).then_some((bid, ask))
}

/// Says a trade between two orders, the older first.
fn push_both(events: &mut Vec<Event>, trade: &Trade, [maker, taker]: [&Order; 2]) {
    events.push(Event::Traded(Traded {
        instrument: taker.instrument,
        trade_id: trade.id,
        price: trade.price,
        qty: trade.qty,
        taker_side: taker.side,
        maker_order_id: maker.id,
        taker_order_id: taker.id,
    }));
    push_filled(events, trade, maker, Role::Maker, maker.remaining());
    push_filled(events, trade, taker, Role::Taker, taker.remaining());
}
