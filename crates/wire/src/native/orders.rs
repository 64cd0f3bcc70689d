//! What the parameters of placements become.

use coulisse_types::command::{OrderListPlace, OrderPlace, OrderPlaceTerms};
use coulisse_types::{
    Amount, ClientOrderId, ListKind, OrderId, OrderType, Peg, Price, Qty, RejectCode, SelfTrade,
    Side, TimeInForce, Trigger, TriggerOn,
};

use super::error::Detail;
use super::params::{
    Fault, Params, Read, find_symbol, integer, missing, missing_either, name, no_notional, one_of,
    read_client_order_id, read_notional, read_price, read_qty, read_time, whole_number,
};
use super::request::Body;
use super::spec::{self, LEG_PARAMS, Op, at};
use crate::instruments::{InstrumentInfo, Symbols};
use crate::json::{Kind, Raw, Scanner};
use crate::limits::{INTEGER_MAX, LEGS_MAX, TEXT_BYTES_MAX};

const ORDER_PARAMS: &[spec::ParamSpec] = Op::Place.spec().params;
const LIST_PARAMS: &[spec::ParamSpec] = Op::PlaceList.spec().params;

#[inline]
pub(super) fn read_place<'a>(
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Body<'a>> {
    let (info, order, trigger) = read_plain(params, symbols)?;
    let instrument = info.id;
    if trigger != Trigger::None || params.has_more() || order.time_in_force == TimeInForce::Gtd {
        return read_place_terms(params, info, &order, trigger);
    }
    Ok(Body::Command { command: order.into(), instrument })
}

#[cold]
fn read_place_terms<'a>(
    params: &Params<'a>,
    info: &InstrumentInfo,
    order: &OrderPlace,
    trigger: Trigger,
) -> Read<'a, Body<'a>> {
    let terms = read_terms(params, info, order, trigger)?;
    Ok(Body::Command { command: terms.into(), instrument: info.id })
}

pub(super) fn read_replace<'a>(
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Body<'a>> {
    let (info, order, trigger) = read_plain(params, symbols)?;
    let ids = [at::replace::CANCEL_ORDER_ID, at::replace::CANCEL_CLIENT_ORDER_ID]
        .map(|at| params.get(at));
    let (cancel_order_id, cancel_client_order_id) =
        read_ref(["cancel_order_id", "cancel_client_order_id"], ids)?;
    let allow_failure = params.get(at::replace::ALLOW_FAILURE).kind == Kind::True;
    let terms = read_terms(params, info, &order, trigger)?;
    let replace = terms.replacing(cancel_order_id, cancel_client_order_id, allow_failure);
    Ok(Body::Command { command: replace.into(), instrument: info.id })
}

/// What an order without terms has, and its trigger.
#[inline(always)]
#[expect(clippy::inline_always, reason = "the order is built where the command needs it")]
fn read_plain<'a, 's>(
    params: &Params<'a>,
    symbols: &'s (impl Symbols + ?Sized),
) -> Read<'a, (&'s InstrumentInfo, OrderPlace, Trigger)> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let info = find_symbol(params.get(at::place::SYMBOL), "symbol", symbols)?;
    let side = one_of(ORDER_PARAMS, at::place::SIDE, params.get(at::place::SIDE), Side::from_name)?;
    let (order_type, trigger) = match params.get(at::place::TYPE).present() {
        Some(value) => one_of(ORDER_PARAMS, at::place::TYPE, value, spec::type_of)?,
        None => (OrderType::Limit, Trigger::None),
    };
    let time_in_force = match (params.get(at::place::TIF).present(), order_type) {
        (Some(tif), _) => one_of(ORDER_PARAMS, at::place::TIF, tif, TimeInForce::from_name)?,
        (None, OrderType::Limit) => TimeInForce::Gtc,
        (None, OrderType::Market) => TimeInForce::Ioc,
    };
    let (qty, price) = (params.get(at::place::QTY), params.get(at::place::PRICE));
    let notional = params.get(at::place::NOTIONAL);
    match order_type {
        OrderType::Limit if !price.is_present() => return Err(missing("price")),
        OrderType::Limit if !qty.is_present() => return Err(missing("qty")),
        OrderType::Market if !qty.is_present() && !notional.is_present() => {
            return Err(missing_either("qty", "notional"));
        }
        OrderType::Limit | OrderType::Market => {}
    }
    let notional_minor = read_notional(info, "notional", notional, &mut scratch)?;
    if notional.is_present() && notional_minor == Amount::ZERO {
        return Err(no_notional(info, notional));
    }
    let order = OrderPlace {
        instrument: info.id,
        side,
        order_type,
        time_in_force,
        post_only: params.get(at::place::POST_ONLY).kind == Kind::True,
        qty: read_qty(info, "qty", qty, &mut scratch)?,
        price: read_price(info, "price", price, &mut scratch)?,
        notional: notional_minor,
        client_order_id: read_client_order_id(params.get(at::place::CLIENT_ORDER_ID))?,
    };
    Ok((info, order, trigger))
}

/// The order with its terms. Terms that contradict each other are left to the core; what cannot be said to it is
/// refused.
fn read_terms<'a>(
    params: &Params<'a>,
    info: &InstrumentInfo,
    order: &OrderPlace,
    trigger: Trigger,
) -> Read<'a, OrderPlaceTerms> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let [peg, offset, expire_time] =
        [at::place::PEG, at::place::PEG_OFFSET, at::place::EXPIRE_TIME].map(|at| params.get(at));
    let trigger_price = params.get(at::place::TRIGGER_PRICE);
    if matches!(trigger, Trigger::Stop | Trigger::TakeProfit) && !trigger_price.is_present() {
        return Err(missing("trigger_price"));
    }
    if order.time_in_force == TimeInForce::Gtd && !expire_time.is_present() {
        return Err(missing("expire_time"));
    }
    let (trigger, trail) = read_trail(params, info, trigger)?;
    Ok(OrderPlaceTerms {
        self_trade: match params.get(at::place::SELF_TRADE).present() {
            None => SelfTrade::None,
            Some(mode) => one_of(ORDER_PARAMS, at::place::SELF_TRADE, mode, SelfTrade::from_name)?,
        },
        trigger,
        trigger_on: read_trigger_on(
            ORDER_PARAMS,
            at::place::TRIGGER_ON,
            params.get(at::place::TRIGGER_ON),
        )?,
        trigger_price: read_price(info, "trigger_price", trigger_price, &mut scratch)?,
        trail,
        display_qty: read_qty(
            info,
            "display_qty",
            params.get(at::place::DISPLAY_QTY),
            &mut scratch,
        )?,
        min_qty: read_qty(info, "min_qty", params.get(at::place::MIN_QTY), &mut scratch)?,
        peg: match peg.present() {
            None => Peg::None,
            Some(value) => one_of(ORDER_PARAMS, at::place::PEG, value, |name| {
                Peg::from_name(name).filter(|peg| *peg != Peg::None)
            })?,
        },
        peg_offset: read_price(info, "peg_offset", offset, &mut scratch)?.ticks(),
        reduce_only: params.get(at::place::REDUCE_ONLY).kind == Kind::True,
        expire_ns: read_time(expire_time, "expire_time")?,
        ..order.with_terms()
    })
}

fn read_trigger_on<'a>(
    params: &'static [spec::ParamSpec],
    index: usize,
    value: Raw<'a>,
) -> Read<'a, TriggerOn> {
    match value.present() {
        None => Ok(TriggerOn::Last),
        Some(value) => one_of(params, index, value, TriggerOn::from_name),
    }
}

/// How far a trailing stop stays behind: in ticks or in basis points, which its trigger says.
fn read_trail<'a>(
    params: &Params<'a>,
    info: &InstrumentInfo,
    trigger: Trigger,
) -> Read<'a, (Trigger, i64)> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let (ticks, bp) = (params.get(at::place::TRAIL), params.get(at::place::TRAIL_BP));
    let needless = |field, value, wanted| {
        Err(Fault::new(RejectCode::InvalidValue, field, value).with(Detail::Wanted(wanted)))
    };
    match (trigger, ticks.present(), bp.present()) {
        (Trigger::TrailTicks | Trigger::TrailBp, None, None) => {
            Err(missing_either("trail", "trail_bp"))
        }
        (Trigger::TrailTicks | Trigger::TrailBp, Some(_), Some(bp)) => {
            needless("trail_bp", bp, "absent beside trail")
        }
        (Trigger::TrailTicks | Trigger::TrailBp, Some(ticks), None) => {
            let trail = read_price(info, "trail", ticks, &mut scratch)?.ticks();
            Ok((Trigger::TrailTicks, trail))
        }
        (Trigger::TrailTicks | Trigger::TrailBp, None, Some(bp)) => {
            let trail = integer(bp, "trail_bp", INTEGER_MAX)?;
            Ok((Trigger::TrailBp, i64::try_from(trail).unwrap_or(i64::MAX)))
        }
        (_, Some(ticks), _) => needless("trail", ticks, "absent but for a trailing_stop"),
        (_, None, Some(bp)) => needless("trail_bp", bp, "absent but for a trailing_stop"),
        (Trigger::None | Trigger::Stop | Trigger::TakeProfit, None, None) => Ok((trigger, 0)),
    }
}

/// One leg of a list; the default is a leg that is not used.
#[derive(Clone, Copy)]
struct Leg {
    side: Side,
    order_type: OrderType,
    tif: TimeInForce,
    qty: Qty,
    price: Price,
    trigger: Trigger,
    trigger_on: TriggerOn,
    trigger_price: Price,
}

impl Leg {
    const UNUSED: Self = Self {
        side: Side::Buy,
        order_type: OrderType::Limit,
        tif: TimeInForce::Gtc,
        qty: Qty::ZERO,
        price: Price::from_ticks(0),
        trigger: Trigger::None,
        trigger_on: TriggerOn::Last,
        trigger_price: Price::from_ticks(0),
    };
}

pub(super) fn read_place_list<'a>(
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Body<'a>> {
    let kind = params.get(at::list::KIND);
    let kind = one_of(LIST_PARAMS, at::list::KIND, kind, ListKind::from_name)?;
    let info = find_symbol(params.get(at::list::SYMBOL), "symbol", symbols)?;
    let [leg_0, leg_1, leg_2] = read_legs(params.get(at::list::LEGS), kind, info)?;
    let list = OrderListPlace {
        kind,
        instrument: info.id,
        client_order_id: read_client_order_id(params.get(at::list::CLIENT_ORDER_ID))?,
        side_0: leg_0.side,
        order_type_0: leg_0.order_type,
        time_in_force_0: leg_0.tif,
        qty_0: leg_0.qty,
        price_0: leg_0.price,
        trigger_0: leg_0.trigger,
        trigger_on_0: leg_0.trigger_on,
        trigger_price_0: leg_0.trigger_price,
        side_1: leg_1.side,
        order_type_1: leg_1.order_type,
        time_in_force_1: leg_1.tif,
        qty_1: leg_1.qty,
        price_1: leg_1.price,
        trigger_1: leg_1.trigger,
        trigger_on_1: leg_1.trigger_on,
        trigger_price_1: leg_1.trigger_price,
        side_2: leg_2.side,
        order_type_2: leg_2.order_type,
        time_in_force_2: leg_2.tif,
        qty_2: leg_2.qty,
        price_2: leg_2.price,
        trigger_2: leg_2.trigger,
        trigger_on_2: leg_2.trigger_on,
        trigger_price_2: leg_2.trigger_price,
    };
    Ok(Body::Command { command: list.into(), instrument: info.id })
}

fn read_legs<'a>(
    list: Raw<'a>,
    kind: ListKind,
    info: &InstrumentInfo,
) -> Read<'a, [Leg; LEGS_MAX]> {
    let wanted = match kind {
        ListKind::Oco | ListKind::Oto => 2,
        ListKind::Otoco => 3,
    };
    let wrong_count = || {
        let fault = Fault::new(RejectCode::InvalidValue, "legs", list);
        Err(fault.with(Detail::Wanted("two objects, for otoco three")))
    };
    let mut legs = [Leg::UNUSED; LEGS_MAX];
    let mut slots = legs.iter_mut().take(wanted);
    let mut scanner = Scanner::new(list.bytes);
    scanner.take(b'[');
    if scanner.take(b']') {
        return wrong_count();
    }
    loop {
        let Some(slot) = slots.next() else { return wrong_count() };
        let mut params = Params::none();
        scanner = params.read_object(scanner, "legs", LEG_PARAMS)?;
        params.check_required(LEG_PARAMS)?;
        *slot = read_leg(&params, info)?;
        if !scanner.another(b']')? {
            break;
        }
    }
    if slots.next().is_some() { wrong_count() } else { Ok(legs) }
}

fn read_leg<'a>(params: &Params<'a>, info: &InstrumentInfo) -> Read<'a, Leg> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let side = one_of(LEG_PARAMS, at::leg::SIDE, params.get(at::leg::SIDE), Side::from_name)?;
    let (order_type, trigger) = match params.get(at::leg::TYPE).present() {
        None => (OrderType::Limit, Trigger::None),
        Some(value) => one_of(LEG_PARAMS, at::leg::TYPE, value, |name| {
            spec::type_of(name).filter(|(_, trigger)| *trigger != Trigger::TrailTicks)
        })?,
    };
    let tif = match (params.get(at::leg::TIF).present(), order_type) {
        (Some(tif), _) => one_of(LEG_PARAMS, at::leg::TIF, tif, |name| {
            TimeInForce::from_name(name).filter(|tif| *tif != TimeInForce::Gtd)
        })?,
        (None, OrderType::Limit) => TimeInForce::Gtc,
        (None, OrderType::Market) => TimeInForce::Ioc,
    };
    let price = params.get(at::leg::PRICE);
    if order_type == OrderType::Limit && !price.is_present() {
        return Err(missing("price"));
    }
    let trigger_price = params.get(at::leg::TRIGGER_PRICE);
    if trigger != Trigger::None && !trigger_price.is_present() {
        return Err(missing("trigger_price"));
    }
    let on = params.get(at::leg::TRIGGER_ON);
    Ok(Leg {
        side,
        order_type,
        tif,
        qty: read_qty(info, "qty", params.get(at::leg::QTY), &mut scratch)?,
        price: read_price(info, "price", price, &mut scratch)?,
        trigger,
        trigger_on: read_trigger_on(LEG_PARAMS, at::leg::TRIGGER_ON, on)?,
        trigger_price: read_price(info, "trigger_price", trigger_price, &mut scratch)?,
    })
}

/// The order that a cancel or an amend names; both ids are left to the core to refuse.
#[inline]
pub(super) fn read_order_ref<'a>(params: &Params<'a>) -> Read<'a, (OrderId, ClientOrderId)> {
    let ids = [params.get(at::order::ORDER_ID), params.get(at::order::CLIENT_ORDER_ID)];
    read_ref(["order_id", "client_order_id"], ids)
}

#[inline]
fn read_ref<'a>(
    fields: [&'static str; 2],
    [value, client_id]: [Raw<'a>; 2],
) -> Read<'a, (OrderId, ClientOrderId)> {
    let [field, client_field] = fields;
    let client_order_id = match client_id.present() {
        Some(value) => name(value, client_field)?,
        None => ClientOrderId::default(),
    };
    if !value.is_present() {
        if client_order_id.is_empty() {
            return Err(missing_either(field, client_field));
        }
        return Ok((OrderId(0), client_order_id));
    }
    Ok((read_order_id(field, value)?, client_order_id))
}

/// The id of an order, in text.
#[inline]
pub(super) fn read_order_id<'a>(field: &'static str, value: Raw<'a>) -> Read<'a, OrderId> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let digits = value.text(&mut scratch).unwrap_or_default();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || digits.starts_with(b"0") {
        let fault = Fault::new(RejectCode::InvalidValue, field, value);
        return Err(fault.with(Detail::Wanted("a whole number in a string, from 1")));
    }
    match whole_number(digits).filter(|number| *number <= INTEGER_MAX) {
        Some(number) => Ok(OrderId(number)),
        None => Err(Fault::new(RejectCode::NumberOutOfRange, field, value)),
    }
}
