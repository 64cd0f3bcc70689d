//! What each operation's parameters become.

use alloc::boxed::Box;
use alloc::vec::Vec;

use coulisse_types::command::{CancelAfter, Deposit, OrderCancel, OrderCancelAll};
use coulisse_types::{Amount, InstrumentId, RejectCode, RequestId, SideFilter};

use super::admin::read_admin;
use super::batches::read_batch;
use super::error::Detail;
use super::feed::CandleInterval;
use super::history::read_history;
use super::orders::{read_order_ref, read_place, read_place_list, read_replace};
use super::params::{
    Fault, Params, Read, find_symbol, integer, missing, missing_either, name, nanoseconds, one_of,
    refused_number,
};
use super::people::{read_people, read_token};
use super::reads::read_list;
use super::request::{Amend, Body, Signature, Subscription};
use super::spec::{Channel, Op, ParamKind, at};
use crate::instruments::Symbols;
use crate::json::{Kind, Raw, Scanner};
use crate::limits::{
    BOOK_DEPTH_DEFAULT, BOOK_DEPTHS, HMAC_BYTES, INTEGER_MAX, SIGNATURE_BYTES, TEXT_BYTES_MAX,
    TIMEOUT_MS_MAX,
};

const NO_INSTRUMENT: InstrumentId = InstrumentId(0);

/// The operations of the hot path; all others are read out of line.
#[inline]
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
                instrument: NO_INSTRUMENT,
            }
        }
        Op::Amend => {
            let (order_id, client_order_id) = read_order_ref(params)?;
            let qty = params.get(at::order::QTY);
            let price = params.get(at::order::PRICE);
            if !qty.is_present() && !price.is_present() {
                return Err(missing_either("qty", "price"));
            }
            Body::Amend(Amend { order_id, client_order_id, id_raw, qty, price })
        }
        _ => read_rarer_body(op, params, symbols)?,
    })
}

#[inline(never)]
fn read_rarer_body<'a>(
    op: Op,
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Body<'a>> {
    Ok(match op {
        Op::Replace => read_replace(params, symbols)?,
        Op::PlaceList => read_place_list(params, symbols)?,
        Op::PlaceBatch => Body::Batch(read_batch(params.get(at::ORDERS), symbols)?),
        Op::Test => match read_place(params, symbols)? {
            Body::Command { command, instrument } => Body::Test(command, instrument),
            other => other,
        },
        Op::CancelAll => read_cancel_all(params, symbols)?,
        Op::CancelAfter => {
            let millis = integer(params.get(at::TIMEOUT), "timeout", TIMEOUT_MS_MAX)?;
            let timeout_ns = nanoseconds(millis, 1_000_000);
            Body::Command { command: CancelAfter { timeout_ns }.into(), instrument: NO_INSTRUMENT }
        }
        Op::Deposit => read_deposit(params, symbols)?,
        Op::OrdersOpen
        | Op::FillsGet
        | Op::BalancesGet
        | Op::PositionsGet
        | Op::KeysGet
        | Op::WithdrawalsGet
        | Op::WithdrawalsPending
        | Op::WithdrawalCapsGet
        | Op::AccountsGet
        | Op::GroupsGet
        | Op::LimitsGet
        | Op::FeeTiersGet => Body::Read(read_list(op, params, symbols)?),
        Op::OrdersHistory | Op::FillsHistory | Op::LedgerGet => {
            Body::History(Box::new(read_history(op, params, symbols)?))
        }
        Op::Subscribe => Body::Subscribe(read_subscription(params, symbols)?),
        Op::Unsubscribe => Body::Unsubscribe(read_subscription(params, symbols)?),
        Op::Logon => read_logon(params)?,
        Op::SessionOpen
        | Op::SessionRefresh
        | Op::SessionEnd
        | Op::PasswordChange
        | Op::PasswordSet => read_people(op, params)?,
        Op::Logoff => Body::Logoff,
        Op::Resume => Body::Resume(read_resume(params)?),
        Op::CancelOnDisconnect => {
            Body::CancelOnDisconnect(params.get(at::ENABLED).kind == Kind::True)
        }
        Op::Ping => Body::Ping { quota: params.get(at::QUOTA).kind == Kind::True },
        Op::Time => Body::Time,
        _ => Body::Admin(Box::new(read_admin(op, params, symbols)?)),
    })
}

fn read_logon<'a>(params: &Params<'a>) -> Read<'a, Body<'a>> {
    let [key_id, value] = [at::logon::KEY_ID, at::logon::SIGNATURE].map(|index| params.get(index));
    if let Some(token) = params.get(at::logon::TOKEN).present() {
        return read_token(token, [key_id, value]);
    }
    match (key_id.is_present(), value.is_present()) {
        (false, _) => return Err(missing_either("key_id", "token")),
        (true, false) => return Err(missing("signature")),
        (true, true) => {}
    }
    let key_id = name(key_id, "key_id")?;
    let mut scratch = [0; TEXT_BYTES_MAX];
    let signature = value.text(&mut scratch).and_then(signature).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, "signature", value);
        fault.with(Detail::Wanted("128 hexadecimal digits, of an HMAC key 64"))
    })?;
    Ok(Body::Logon { key_id, signature })
}

/// Each parameter has the name of a channel.
fn read_resume<'a>(params: &Params<'a>) -> Read<'a, Vec<(Channel, u64)>> {
    let mut channels = Vec::new();
    for (index, param) in Op::Resume.spec().params.iter().enumerate() {
        let value = params.get(index);
        if let (true, Some(channel)) =
            (value.is_present(), Channel::from_name(param.name.as_bytes()))
        {
            channels.push((channel, integer(value, param.name, INTEGER_MAX)?));
        }
    }
    if channels.is_empty() {
        return Err(missing_either("orders", "another channel"));
    }
    Ok(channels)
}

/// A signature in hexadecimal digits.
pub fn signature(digits: &[u8]) -> Option<Signature> {
    let mut bytes = [0; SIGNATURE_BYTES];
    let count = digits.len().checked_div(2)?;
    if count != SIGNATURE_BYTES && count != HMAC_BYTES {
        return None;
    }
    let bytes = bytes.get_mut(..count)?;
    unhex(digits, bytes)?;
    Signature::new(bytes)
}

/// Reads exactly as many bytes as there is room for.
pub(super) fn unhex(digits: &[u8], bytes: &mut [u8]) -> Option<()> {
    if digits.len() != bytes.len().checked_mul(2)? {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let digit = u8::try_from(char::from(*digit).to_digit(16)?).ok()?;
            *byte = (*byte << 4) | digit;
        }
    }
    Some(())
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
    let request_id = read_request_id(params.get(at::deposit::REQUEST_ID))?;
    Ok(Body::Deposit { deposit: Deposit { asset: asset.id, amount: minor }, request_id })
}

pub(super) fn read_request_id(value: Raw<'_>) -> Read<'_, RequestId> {
    let mut scratch = [0; TEXT_BYTES_MAX];
    value.text(&mut scratch).and_then(request_id).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, "request_id", value);
        fault.with(Detail::Wanted("1 to 32 hexadecimal digits, not all 0"))
    })
}

fn request_id(digits: &[u8]) -> Option<RequestId> {
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    let mut value = 0_u128;
    for digit in digits {
        value = (value << 4) | u128::from(char::from(*digit).to_digit(16)?);
    }
    (value != 0).then_some(RequestId(value))
}

fn read_cancel_all<'a>(
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Body<'a>> {
    let side = match params.get(at::cancel_all::SIDE).present() {
        None => SideFilter::Both,
        Some(value) => one_of(Op::CancelAll.spec().params, at::cancel_all::SIDE, value, |name| {
            SideFilter::from_name(name).filter(|side| *side != SideFilter::Both)
        })?,
    };
    let instrument = read_one_symbol(params, symbols)?.unwrap_or_default();
    let this_session = params.get(at::cancel_all::SESSION).kind == Kind::True;
    Ok(Body::CancelAll { all: OrderCancelAll { instrument, side, session: 0 }, this_session })
}

pub(super) fn read_one_symbol<'a>(
    params: &Params<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Read<'a, Option<InstrumentId>> {
    let value = params.get(at::ONE_SYMBOL);
    if !value.is_present() {
        return Ok(None);
    }
    find_symbol(value, "symbol", symbols).map(|info| Some(info.id))
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
    if channel == Channel::Instruments && list.is_present() {
        let fault = Fault::new(RejectCode::InvalidValue, "symbols", list);
        return Err(fault.with(Detail::Wanted("absent: all instruments are told")));
    }
    let instruments = match (channel.is_private(), list.is_present()) {
        (true, _) => Vec::new(),
        (false, true) => read_symbols(list, symbols)?,
        (false, false) if channel == Channel::Instruments => Vec::new(),
        (false, false) => return Err(missing("symbols")),
    };
    let (is_raw, interval) = read_interval(channel, params.get(at::subscribe::INTERVAL))?;
    Ok(Subscription {
        channel,
        instruments,
        depth: read_depth(depth)?,
        is_raw,
        interval,
        from_seq: from_seq.transpose()?,
    })
}

/// Whether a book is wanted raw, and how long candles are.
fn read_interval(channel: Channel, value: Raw<'_>) -> Read<'_, (bool, CandleInterval)> {
    let mut scratch = [0; 16];
    let name = value.text(&mut scratch).unwrap_or_default();
    let wanted = match (channel, value.is_present()) {
        (Channel::Candles, false) => return Err(missing("interval")),
        (_, false) => return Ok((false, CandleInterval::OneSecond)),
        (Channel::Book, true) => match name {
            b"raw" | b"100ms" => return Ok((name == b"raw", CandleInterval::OneSecond)),
            _ => "raw or 100ms for a book",
        },
        (Channel::Candles, true) => match CandleInterval::from_name(name) {
            Some(interval) => return Ok((false, interval)),
            None => "1s, 1m, 5m, 15m, 1h, 4h or 1d for candles",
        },
        (_, true) => "absent but for books and candles",
    };
    Err(Fault::new(RejectCode::InvalidValue, "interval", value).with(Detail::Wanted(wanted)))
}

fn read_depth(value: Raw<'_>) -> Read<'_, u32> {
    if !value.is_present() {
        return Ok(BOOK_DEPTH_DEFAULT);
    }
    let depth = integer(value, "depth", INTEGER_MAX)?;
    let known = BOOK_DEPTHS.into_iter().find(|known| u64::from(*known) == depth);
    known.ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, "depth", value);
        fault.with(Detail::Wanted("1, 10, 50, or 0 for all levels"))
    })
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
