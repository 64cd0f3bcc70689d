//! What an order can be beyond the plain: section 10 of the rules, its terms and their checks.
//!
//! Terms are rare, so they stand apart from the orders: an order has the place of its terms, or
//! none, and whoever handles plain orders asks one question.

use crate::reject::{Reject, ensure};
use coulisse_types::command::{OrderPlace, OrderPlaceTerms, OrderReplace};
use coulisse_types::event::OrderTermsSet;
use coulisse_types::limits::{AHEAD_NS_MAX, DAY_NS, PRICE_TICKS_MAX, TRAIL_BP_MAX};
use coulisse_types::{
    AccountId, Amount, ClientOrderId, Field, InstrumentId, OrderId, OrderType, Peg, Price, Qty,
    RejectCode, SelfTrade, Side, TimeInForce, Trigger, TriggerOn, Unit,
};

mod snapshot;

/// What an order asked for beyond the plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderTerms {
    /// What happens where it would trade with one of the same account or trade group.
    pub self_trade: SelfTrade,
    /// What makes it act; `none` for at once.
    pub trigger: Trigger,
    /// Which price the trigger looks at.
    pub trigger_on: TriggerOn,
    /// Where the trigger acts, in ticks; 0 for a trailing stop, which makes its own.
    pub trigger_price: Price,
    /// How far a trailing stop stays behind, in ticks or basis points; 0 otherwise.
    pub trail: i64,
    /// How much of it the book shows at a time, in lots; 0 for all.
    pub display_qty: Qty,
    /// The least that must be filled at once, in lots; 0 for none.
    pub min_qty: Qty,
    /// What its price follows; its own price is then the limit.
    pub peg: Peg,
    /// How far above what it follows, in ticks; negative for below.
    pub peg_offset: i64,
    /// Whether it may only make the account's position smaller.
    pub reduce_only: bool,
    /// When it asked to expire, in ns since the epoch; 0 but for `gtd`.
    pub expire_ns: i64,
}

/// What is asked for in a placement.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) place: &'a OrderPlace,
    /// `None` where all are at their defaults and nothing expires by time.
    pub(crate) terms: Option<&'a OrderTerms>,
}

/// Why a live order is not on the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// It is on the book, or on its way through it.
    No,
    /// It waits for its trigger.
    Trigger,
    /// Its peg has nothing to follow.
    Peg,
    /// It waits for leg 0 of its list.
    List,
}

impl Wait {
    /// The number in the state hash.
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::No => 0,
            Self::Trigger => 1,
            Self::Peg => 2,
            Self::List => 3,
        }
    }
}

/// The terms of a live order, and where they stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) asked: OrderTerms,
    /// Where it triggers now, in ticks; 0 for none.
    pub(crate) trigger_ticks: i64,
    /// The best price since a trailing order was placed, in ticks; 0 for others.
    pub(crate) best_ticks: i64,
    /// Whether a trailing order has been seen to be due.
    pub(crate) is_due: bool,
    pub(crate) wait: Wait,
    /// Whether it holds its need. Not while it waits for its list, nor beside the other of a pair.
    pub(crate) holds: bool,
    /// When it expires, in ns since the epoch; 0 for never.
    pub(crate) expire_ns: i64,
    /// The place of its list; void where it is in none.
    pub(crate) list: u32,
    /// Which leg of that list it is.
    pub(crate) leg: u8,
}

/// An order without terms: any one.
const PLAIN: OrderPlace = OrderPlace {
    instrument: InstrumentId(0),
    side: Side::Buy,
    order_type: OrderType::Limit,
    time_in_force: TimeInForce::Gtc,
    post_only: false,
    qty: Qty::ZERO,
    price: Price::from_ticks(0),
    notional: Amount::ZERO,
    client_order_id: ClientOrderId::EMPTY,
};

impl OrderTerms {
    /// Of a plain order.
    pub const DEFAULT: Self = split(&PLAIN.with_terms()).1;

    /// Whether it waits for a trigger before it acts.
    #[inline]
    pub(crate) const fn is_conditional(&self) -> bool {
        !matches!(self.trigger, Trigger::None)
    }

    /// Whether its trigger price follows.
    #[inline]
    pub(crate) const fn is_trailing(&self) -> bool {
        matches!(self.trigger, Trigger::TrailTicks | Trigger::TrailBp)
    }

    /// Whether its price follows.
    #[inline]
    pub(crate) const fn is_pegged(&self) -> bool {
        !matches!(self.peg, Peg::None)
    }

    /// The event that says them.
    pub(crate) const fn set(
        &self,
        order_id: OrderId,
        account: AccountId,
        instrument: InstrumentId,
    ) -> OrderTermsSet {
        OrderTermsSet {
            order_id,
            account,
            instrument,
            self_trade: self.self_trade,
            trigger: self.trigger,
            trigger_on: self.trigger_on,
            trigger_price: self.trigger_price,
            trail: self.trail,
            display_qty: self.display_qty,
            min_qty: self.min_qty,
            peg: self.peg,
            peg_offset: self.peg_offset,
            reduce_only: self.reduce_only,
            expire_ns: self.expire_ns,
        }
    }
}

/// Takes the plain part and the terms out of a command that has both.
macro_rules! split {
    ($body:expr) => {
        (
            OrderPlace {
                instrument: $body.instrument,
                side: $body.side,
                order_type: $body.order_type,
                time_in_force: $body.time_in_force,
                post_only: $body.post_only,
                qty: $body.qty,
                price: $body.price,
                notional: $body.notional,
                client_order_id: $body.client_order_id,
            },
            OrderTerms {
                self_trade: $body.self_trade,
                trigger: $body.trigger,
                trigger_on: $body.trigger_on,
                trigger_price: $body.trigger_price,
                trail: $body.trail,
                display_qty: $body.display_qty,
                min_qty: $body.min_qty,
                peg: $body.peg,
                peg_offset: $body.peg_offset,
                reduce_only: $body.reduce_only,
                expire_ns: $body.expire_ns,
            },
        )
    };
}

/// The plain part of a placement, and its terms.
pub(crate) const fn split(body: &OrderPlaceTerms) -> (OrderPlace, OrderTerms) {
    split!(body)
}

/// The placement in a replacement, and its terms.
pub(crate) const fn split_new(body: &OrderReplace) -> (OrderPlace, OrderTerms) {
    split!(body)
}

/// Whether an order of this kind can expire by time.
pub(crate) const fn expires(time_in_force: TimeInForce) -> bool {
    matches!(time_in_force, TimeInForce::Gtd | TimeInForce::Day)
}

impl<'a> Ask<'a> {
    pub(crate) fn new(place: &'a OrderPlace, terms: &'a OrderTerms) -> Self {
        let is_plain = *terms == OrderTerms::DEFAULT && !expires(place.time_in_force);
        Self { place, terms: (!is_plain).then_some(terms) }
    }

    /// Of a placement that names no terms.
    #[inline]
    pub(crate) const fn plain(place: &'a OrderPlace) -> Self {
        let terms = if expires(place.time_in_force) { Some(&OrderTerms::DEFAULT) } else { None };
        Self { place, terms }
    }

    /// Whether what is left of it may stay on the book.
    #[inline]
    pub(crate) const fn may_rest(&self) -> bool {
        matches!(self.place.order_type, OrderType::Limit) && self.place.time_in_force.may_rest()
    }
}

/// When an order placed `now_ns` expires; 0 for never.
pub(crate) fn expiry_ns(time_in_force: TimeInForce, terms: &OrderTerms, now_ns: i64) -> i64 {
    match time_in_force {
        TimeInForce::Gtd => terms.expire_ns,
        TimeInForce::Day => {
            let day = now_ns.checked_div_euclid(DAY_NS).and_then(|day| day.checked_add(1));
            day.and_then(|day| day.checked_mul(DAY_NS)).unwrap_or(i64::MAX)
        }
        TimeInForce::Gtc | TimeInForce::Ioc | TimeInForce::Fok => 0,
    }
}

fn combination(field: Field, unit: Unit, value: impl Into<i128>) -> Reject {
    Reject::new(RejectCode::InvalidCombination, field).value(unit, value)
}

/// Refuses a field that must be zero.
fn must_be_zero(field: Field, unit: Unit, value: impl Into<i128>) -> Result<(), Reject> {
    let value = value.into();
    ensure(value == 0, || combination(field, unit, value))
}

fn within(
    (field, unit): (Field, Unit),
    value: i64,
    range: core::ops::RangeInclusive<i64>,
) -> Result<(), Reject> {
    let max = *range.end();
    ensure(range.contains(&value), || {
        Reject::new(RejectCode::AmountOutOfRange, field).value(unit, value).limit(max)
    })
}

/// What section 10 asks of terms, after step 4.3.
pub(crate) fn check_terms(ask: &Ask<'_>, terms: &OrderTerms, now_ns: i64) -> Result<(), Reject> {
    check_expiry(ask.place.time_in_force, terms.expire_ns, now_ns)?;
    check_trigger(ask.place, terms)?;
    let (display, min_qty) = (terms.display_qty.lots(), terms.min_qty.lots());
    let qty = ask.place.qty.lots();
    if display != 0 {
        let takes = ask.may_rest() && !terms.is_pegged();
        ensure(takes, || combination(Field::DisplayQty, Unit::Lots, display))?;
        within((Field::DisplayQty, Unit::Lots), display, 1..=qty)?;
    }
    if min_qty != 0 {
        let is_ioc = ask.place.time_in_force == TimeInForce::Ioc;
        let takes = is_ioc && ask.place.notional.minor() == 0;
        ensure(takes, || combination(Field::MinQty, Unit::Lots, min_qty))?;
        within((Field::MinQty, Unit::Lots), min_qty, 1..=qty)?;
    }
    if terms.is_pegged() {
        let takes = ask.may_rest() && !ask.place.post_only;
        ensure(takes, || combination(Field::Peg, Unit::Number, terms.peg.number()))?;
        let range = -PRICE_TICKS_MAX..=PRICE_TICKS_MAX;
        within((Field::PegOffset, Unit::Ticks), terms.peg_offset, range)?;
    } else {
        must_be_zero(Field::PegOffset, Unit::Ticks, terms.peg_offset)?;
    }
    let by_notional = ask.place.notional.minor() != 0;
    ensure(!terms.reduce_only || !by_notional, || combination(Field::ReduceOnly, Unit::Number, 1))
}

fn check_expiry(tif: TimeInForce, expire_ns: i64, now_ns: i64) -> Result<(), Reject> {
    if tif != TimeInForce::Gtd {
        return must_be_zero(Field::ExpireTime, Unit::Ns, expire_ns);
    }
    let last_ns = now_ns.checked_add(AHEAD_NS_MAX).unwrap_or(i64::MAX);
    ensure(expire_ns > now_ns && expire_ns <= last_ns, || {
        Reject::new(RejectCode::TimeOutOfRange, Field::ExpireTime)
            .value(Unit::Ns, expire_ns)
            .limit(now_ns)
    })
}

fn check_trigger(place: &OrderPlace, terms: &OrderTerms) -> Result<(), Reject> {
    let trigger_ticks = terms.trigger_price.ticks();
    let number = |value: bool| u8::from(value);
    if !terms.is_conditional() {
        must_be_zero(Field::Trigger, Unit::Number, terms.trigger_on.number())?;
        must_be_zero(Field::TriggerPrice, Unit::Ticks, trigger_ticks)?;
        return must_be_zero(Field::Trail, Unit::Number, terms.trail);
    }
    must_be_zero(Field::Notional, Unit::QuoteMinor, place.notional.minor())?;
    must_be_zero(Field::PostOnly, Unit::Number, number(place.post_only))?;
    must_be_zero(Field::DisplayQty, Unit::Lots, terms.display_qty.lots())?;
    must_be_zero(Field::MinQty, Unit::Lots, terms.min_qty.lots())?;
    must_be_zero(Field::Peg, Unit::Number, terms.peg.number())?;
    if !terms.is_trailing() {
        must_be_zero(Field::Trail, Unit::Number, terms.trail)?;
        return ensure((1..=PRICE_TICKS_MAX).contains(&trigger_ticks), || {
            Reject::new(RejectCode::PriceOutOfRange, Field::TriggerPrice)
                .value(Unit::Ticks, trigger_ticks)
                .limit(PRICE_TICKS_MAX)
        });
    }
    ensure(place.order_type == OrderType::Market, || {
        combination(Field::OrderType, Unit::Number, place.order_type.number())
    })?;
    must_be_zero(Field::TriggerPrice, Unit::Ticks, trigger_ticks)?;
    let by_ticks = terms.trigger == Trigger::TrailTicks;
    let max = if by_ticks { PRICE_TICKS_MAX } else { TRAIL_BP_MAX };
    within((Field::Trail, Unit::Number), terms.trail, 1..=max)
}
