//! What each operation's parameters become.

use alloc::vec::Vec;

use coulisse_types::command::{Deposit, OrderCancel, OrderCancelAll, OrderPlace};
use coulisse_types::{
    Amount, ClientOrderId, InstrumentId, OrderId, OrderType, RejectCode, RequestId, Side,
    SideFilter, TimeInForce,
};

use super::error::Detail;
use super::params::{
    Fault, Params, Read, find_symbol, integer, missing, name, one_of, read_client_order_id,
    read_notional, read_price, read_qty, refused_number, whole_number,
};
use super::request::{Amend, Body, Subscription};
use super::spec::{self, Channel, Op, ParamKind, at};
use crate::instruments::Symbols;
use crate::json::{Kind, Raw, Scanner};
use crate::limits::{
    BOOK_DEPTH_DEFAULT, BOOK_DEPTH_MAX, INTEGER_MAX, SIGNATURE_BYTES, TEXT_BYTES_MAX,
};

pub(super) fn read_body<'a>(
    op: Op,
    params: &Params<'a>,
    id_raw: &'a [u8],
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Body<'a>> {
    Ok(match op {
        Op::Place => read_place(params, symbols)?,
        Op::Cancel => {
            let (order_id, client_order_id) = read_order_ref(params)?;
            Body::Command {
                command: OrderCancel { order_id, client_order_id }.into(),
                instrument: InstrumentId(0),
            }
        }
        Op::Amend => {
            let (order_id, client_order_id) = read_order_ref(params)?;
            let qty = params.get(at::order::QTY);
            let price = params.get(at::order::PRICE);
            if !qty.is_present() && !price.is_present() {
                return Err(missing("qty"));
            }
            Body::Amend(Amend { order_id, client_order_id, id_raw, qty, price })
        }
        Op::CancelAll => {
            let instrument = read_one_symbol(params, symbols)?.unwrap_or_default();
            Body::Command {
                command: OrderCancelAll { instrument, side: SideFilter::Both, session: 0 }.into(),
                instrument,
            }
        }
        Op::Deposit => read_deposit(params, symbols)?,
        Op::OrdersOpen => Body::OrdersOpen(read_one_symbol(params, symbols)?),
        Op::BalancesGet => Body::BalancesGet,
        Op::Subscribe => Body::Subscribe(read_subscription(params, symbols)?),
        Op::Unsubscribe => Body::Unsubscribe(read_subscription(params, symbols)?),
        Op::Logon => read_logon(params)?,
        Op::Logoff => Body::Logoff,
        Op::Ping => Body::Ping,
        Op::Time => Body::Time,
    })
}

fn read_logon<'a>(params: &Params<'a>) -> Read<'a, Body<'a>> {
    let key_id = name(params.get(at::logon::KEY_ID), "key_id")?;
    let value = params.get(at::logon::SIGNATURE);
    let mut scratch = [0; TEXT_BYTES_MAX];
    let signature = value.text(&mut scratch).and_then(unhex).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, "signature", value);
        fault.with(Detail::Wanted("128 hexadecimal digits"))
    })?;
    Ok(Body::Logon { key_id, signature })
}

fn unhex(digits: &[u8]) -> Option<[u8; SIGNATURE_BYTES]> {
    if digits.len() != SIGNATURE_BYTES.saturating_mul(2) {
        return None;
    }
    let mut bytes = [0; SIGNATURE_BYTES];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let digit = u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
            *byte = (*byte << 4) | digit;
        }
    }
    Some(bytes)
}

/// A time in force that needs no clock: the others are not on the wire yet.
fn plain_tif(name: &[u8]) -> Option<TimeInForce> {
    TimeInForce::from_name(name).filter(|tif| !tif.ends_by_clock())
}

fn read_place<'a>(params: &Params<'a>, symbols: &(impl Symbols + ?Sized)) -> Read<'a, Body<'a>> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let info = find_symbol(params.get(at::place::SYMBOL), "symbol", symbols)?;
    let side = params.get(at::place::SIDE);
    let side = one_of(at_op(Op::Place, at::place::SIDE), side, Side::from_name)?;
    let order_type = match params.get(at::place::TYPE).present() {
        Some(value) => one_of(at_op(Op::Place, at::place::TYPE), value, OrderType::from_name)?,
        None => OrderType::Limit,
    };
    let tif = params.get(at::place::TIF);
    let time_in_force = match (tif.is_present(), order_type) {
        (true, _) => one_of(at_op(Op::Place, at::place::TIF), tif, plain_tif)?,
        (false, OrderType::Limit) => TimeInForce::Gtc,
        (false, OrderType::Market) => TimeInForce::Ioc,
    };
    let (qty, price) = (params.get(at::place::QTY), params.get(at::place::PRICE));
    let notional = params.get(at::place::NOTIONAL);
    match order_type {
        OrderType::Limit if !price.is_present() => return Err(missing("price")),
        OrderType::Limit if !qty.is_present() => return Err(missing("qty")),
        OrderType::Market if !qty.is_present() && !notional.is_present() => {
            return Err(missing("qty"));
        }
        OrderType::Limit | OrderType::Market => {}
    }
    let order = OrderPlace {
        instrument: info.id,
        side,
        order_type,
        time_in_force,
        post_only: params.get(at::place::POST_ONLY).kind == Kind::True,
        qty: read_qty(info, qty, &mut scratch)?,
        price: read_price(info, price, &mut scratch)?,
        notional: read_notional(info, notional, &mut scratch)?,
        client_order_id: read_client_order_id(params.get(at::place::CLIENT_ORDER_ID))?,
    };
    Ok(Body::Command { command: order.into(), instrument: info.id })
}

fn read_deposit<'a>(params: &Params<'a>, symbols: &(impl Symbols + ?Sized)) -> Read<'a, Body<'a>> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    let value = params.get(at::deposit::ASSET);
    let found = value.text(&mut scratch).and_then(|name| symbols.find_asset(name));
    let asset = *found.ok_or_else(|| Fault::new(RejectCode::UnknownAsset, "asset", value))?;
    let qty = params.get(at::deposit::QTY);
    let text = qty.text(&mut scratch).unwrap_or_default();
    let minor = asset.read_amount(text).map_err(|code| {
        let mut limit = Vec::new();
        asset.write_amount(&mut limit, Amount::from_minor(1));
        refused_number(code, "qty", qty, RejectCode::OffMinorUnit, &limit)
    })?;
    let value = params.get(at::deposit::REQUEST_ID);
    let request_id = value.text(&mut scratch).and_then(read_request_id).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, "request_id", value);
        fault.with(Detail::Wanted("1 to 32 hexadecimal digits, not all 0"))
    })?;
    Ok(Body::Deposit { deposit: Deposit { asset: asset.id, amount: minor }, request_id })
}

fn read_request_id(digits: &[u8]) -> Option<RequestId> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    let mut value = 0_u128;
    for digit in digits {
        value = (value << 4) | u128::from(char::from(*digit).to_digit(16)?);
    }
    (value != 0).then_some(RequestId(value))
}

/// The parameter's entry in the table, for its name and what it may be.
const fn at_op(op: Op, index: usize) -> Option<&'static spec::ParamSpec> {
    let params = op.spec().params;
    match params.split_at_checked(index) {
        Some((_, [param, ..])) => Some(param),
        _ => None,
    }
}

fn read_one_symbol<'a>(
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Option<InstrumentId>> {
    let value = params.get(at::ONE_SYMBOL);
    if !value.is_present() {
        return Ok(None);
    }
    find_symbol(value, "symbol", symbols).map(|info| Some(info.id))
}

/// The order that a cancel or an amend names; both ids are left to the core to refuse.
fn read_order_ref<'a>(params: &Params<'a>) -> Read<'a, (OrderId, ClientOrderId)> {
    let value = params.get(at::order::ORDER_ID);
    let client_order_id = read_client_order_id(params.get(at::order::CLIENT_ORDER_ID))?;
    if !value.is_present() {
        if client_order_id.is_empty() {
            return Err(missing("order_id"));
        }
        return Ok((OrderId(0), client_order_id));
    }
    let mut scratch = [0; TEXT_BYTES_MAX];
    let digits = value.text(&mut scratch).unwrap_or_default();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) || digits.starts_with(b"0") {
        let fault = Fault::new(RejectCode::InvalidValue, "order_id", value);
        return Err(fault.with(Detail::Wanted("a whole number in a string, from 1")));
    }
    match whole_number(digits).filter(|number| *number <= INTEGER_MAX) {
        Some(number) => Ok((OrderId(number), client_order_id)),
        None => Err(Fault::new(RejectCode::NumberOutOfRange, "order_id", value)),
    }
}

fn read_subscription<'a>(
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Subscription> {
    let value = params.get(at::subscribe::CHANNEL);
    let mut scratch = [0; 16];
    let channel = value
        .text(&mut scratch)
        .and_then(Channel::from_name)
        .ok_or_else(|| Fault::new(RejectCode::UnknownChannel, "channel", value))?;
    let list = params.get(at::subscribe::SYMBOLS);
    let depth = params.get(at::subscribe::DEPTH);
    let from_seq = params.get(at::subscribe::FROM_SEQ).present();
    let from_seq = from_seq.map(|value| integer(value, "from_seq", INTEGER_MAX));
    if channel.is_private() && list.is_present() {
        let fault = Fault::new(RejectCode::InvalidValue, "symbols", list);
        return Err(fault.with(Detail::Wanted("absent on a private channel")));
    }
    if channel != Channel::Book && depth.is_present() {
        let fault = Fault::new(RejectCode::InvalidValue, "depth", depth);
        return Err(fault.with(Detail::Wanted("absent but for books")));
    }
    let instruments = match (channel.is_private(), list.is_present()) {
        (true, _) => Vec::new(),
        (false, true) => read_symbols(list, symbols)?,
        (false, false) => return Err(missing("symbols")),
    };
    Ok(Subscription {
        channel,
        instruments,
        depth: read_depth(depth)?,
        from_seq: from_seq.transpose()?,
    })
}

fn read_depth(value: Raw<'_>) -> Read<'_, u32> {
    if !value.is_present() {
        return Ok(BOOK_DEPTH_DEFAULT);
    }
    let depth = integer(value, "depth", u64::from(BOOK_DEPTH_MAX))?;
    match u32::try_from(depth) {
        Ok(depth) if depth > 0 => Ok(depth),
        _ => Err(Fault::new(RejectCode::NumberOutOfRange, "depth", value)),
    }
}

/// The instruments of a list that the scanner has checked to be JSON.
fn read_symbols<'a>(
    list: Raw<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Vec<InstrumentId>> {
    let mut scanner = Scanner::new(list.bytes);
    let mut instruments = Vec::new();
    scanner.take(b'[');
    if scanner.take(b']') {
        let fault = Fault::new(RejectCode::InvalidValue, "symbols", list);
        return Err(fault.with(Detail::Wanted("at least one symbol")));
    }
    loop {
        let value = scanner.value(3)?;
        if !value.is_text() {
            let fault = Fault::new(RejectCode::WrongType, "symbols", value);
            return Err(fault.with(Detail::Wanted(ParamKind::TextList.name())));
        }
        let id = find_symbol(value, "symbols", symbols)?.id;
        if instruments.contains(&id) {
            let fault = Fault::new(RejectCode::InvalidValue, "symbols", value);
            return Err(fault.with(Detail::Wanted("each symbol once")));
        }
        instruments.push(id);
        if !scanner.another(b']')? {
            return Ok(instruments);
        }
    }
}
