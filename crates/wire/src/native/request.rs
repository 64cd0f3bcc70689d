//! Requests: one strict JSON object in, one typed request out.
//!
//! Invariants
//! - What is accepted was read completely, each key once, each key known.
//! - What breaks the syntax is said before what breaks a rule, wherever either stands.
//! - Text that is a number becomes ticks, lots or minor units exactly, or the request is refused.
//!
//! Cost: one pass, no allocation, but for the list of instruments of a subscription; a refused
//! request is read a second time to find its id and the first fault of its syntax.

use alloc::vec::Vec;

use coulisse_types::command::{Deposit, OrderAmend, OrderCancel, OrderCancelAll, OrderPlace};
use coulisse_types::{
    AccountName, Amount, ClientOrderId, Command, InstrumentId, KeyId, OrderId, OrderType, Price,
    Qty, RejectCode, RequestId, Side, Text, TimeInForce,
};

use super::error::{Detail, RequestError};
use super::spec::{self, Channel, Op, ParamKind, at};
use crate::instruments::{InstrumentInfo, Symbols};
use crate::json::{Broken, Kind, Raw, Scanner, validate};
use crate::limits::{
    BOOK_DEPTH_DEFAULT, BOOK_DEPTH_MAX, INTEGER_MAX, PARAMS_MAX, REQUEST_ID_BYTES_MAX,
    SIGNATURE_BYTES, TEXT_BYTES_MAX,
};

/// One request of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Its id as it came, to be echoed; empty for none.
    pub id_raw: &'a [u8],
    /// What is asked for.
    pub op: Op,
    /// For which account, if it says.
    pub account: Option<AccountName>,
    /// Microseconds since the epoch after which it is void, if it says.
    pub deadline_us: Option<i64>,
    /// The rest.
    pub body: Body<'a>,
}

/// What a request asks for, with its parameters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// `session.logon`.
    Logon {
        /// The key.
        key_id: KeyId,
        /// The signature.
        signature: [u8; SIGNATURE_BYTES],
    },
    /// `session.logoff`.
    Logoff,
    /// `order.place`, `order.cancel` and `order.cancel_all`: ready for the log.
    Command {
        /// The command.
        command: Command,
        /// The instrument that it names; 0 for none. The reply's numbers are written by it.
        instrument: InstrumentId,
    },
    /// `order.amend`: its numbers wait for the order's instrument.
    Amend(Amend<'a>),
    /// `account.deposit`.
    Deposit {
        /// What is credited.
        deposit: Deposit,
        /// The client's idempotency id.
        request_id: RequestId,
    },
    /// `orders.open`, in one instrument or in all.
    OrdersOpen(Option<InstrumentId>),
    /// `balances.get`.
    BalancesGet,
    /// `subscribe`.
    Subscribe(Subscription),
    /// `unsubscribe`.
    Unsubscribe(Subscription),
    /// `ping`.
    Ping,
    /// `time`.
    Time,
}

/// What a session subscribes to or no longer wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The channel.
    pub channel: Channel,
    /// Instruments of a public channel, each once; empty for a private one.
    pub instruments: Vec<InstrumentId>,
    /// Levels of each side, for books.
    pub depth: u32,
    /// The seq after which to resume.
    pub from_seq: Option<u64>,
}

/// An amendment whose numbers are still text: what they mean depends on the order's instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amend<'a> {
    /// The engine's id; 0 for none.
    pub order_id: OrderId,
    /// The client's id; empty for none.
    pub client_order_id: ClientOrderId,
    id_raw: &'a [u8],
    qty: Raw<'a>,
    price: Raw<'a>,
}

impl<'a> Amend<'a> {
    /// The command, given the instrument of the order.
    ///
    /// Without an instrument there is no such order: each number then stands as 1, so that the core
    /// is asked in the usual way and says `ORDER_NOT_FOUND`.
    ///
    /// # Errors
    /// [`RequestError`] if a number is none of the instrument's, or is zero.
    pub fn resolve(&self, info: Option<&InstrumentInfo>) -> Result<Command, RequestError<'a>> {
        let mut scratch = [0; TEXT_BYTES_MAX];
        let one = (Price::from_ticks(1), Qty::from_lots(1));
        let (mut price, mut qty) = (Price::default(), Qty::default());
        let result = (|| {
            if self.qty.is_present() {
                qty = match info {
                    Some(info) => read_qty(info, self.qty, &mut scratch)?,
                    None => one.1,
                };
                if qty.is_zero() {
                    return Err(Fault::new(RejectCode::InvalidValue, "qty", self.qty));
                }
            }
            if self.price.is_present() {
                price = match info {
                    Some(info) => read_price(info, self.price, &mut scratch)?,
                    None => one.0,
                };
                if price.ticks() == 0 {
                    return Err(Fault::new(RejectCode::InvalidValue, "price", self.price));
                }
            }
            Ok(())
        })();
        match result {
            Ok(()) => {
                let (order_id, client_order_id) = (self.order_id, self.client_order_id);
                Ok(OrderAmend { order_id, client_order_id, qty, price }.into())
            }
            Err(Fault(error)) => Err(RequestError { id_raw: self.id_raw, ..error }),
        }
    }
}

/// An error whose request id is not known yet.
struct Fault<'a>(RequestError<'a>);

impl<'a> Fault<'a> {
    #[cold]
    fn new(code: RejectCode, field: &'static str, value: Raw<'a>) -> Self {
        let detail = Detail::None;
        let field = field.as_bytes();
        Self(RequestError { id_raw: &[], code, field, value: value.bytes, detail })
    }

    #[cold]
    fn with(self, detail: Detail) -> Self {
        Self(RequestError { detail, ..self.0 })
    }
}

impl From<Broken<'_>> for Fault<'_> {
    /// What broke is found when the whole message is validated, which comes first in any case.
    #[cold]
    fn from(_: Broken<'_>) -> Self {
        Self(RequestError::new(&[], RejectCode::BadJson))
    }
}

type Read<'a, T> = Result<T, Fault<'a>>;

/// Reads one request.
///
/// # Errors
/// [`RequestError`] with the code, the field and the value that was refused.
pub fn parse_request<'a>(
    bytes: &'a [u8],
    symbols: &(impl Symbols + ?Sized),
) -> Result<Request<'a>, RequestError<'a>> {
    read_request(bytes, symbols).map_err(|fault| explain(bytes, &fault))
}

/// Finds what to say: the first fault of the syntax if there is one, and the id.
#[cold]
fn explain<'a>(bytes: &'a [u8], fault: &Fault<'a>) -> RequestError<'a> {
    let ((id, id_bytes), syntax) = validate(bytes);
    let id_raw = match check_id(id) {
        Ok(()) => id_bytes,
        Err(_) => &[],
    };
    match syntax {
        Some(error) => RequestError { id_raw, ..RequestError::of_syntax(bytes, &error) },
        None => RequestError { id_raw, ..fault.0 },
    }
}

/// The values of an operation's parameters, in the order of its table.
struct Params<'a> {
    values: [Raw<'a>; PARAMS_MAX],
}

impl<'a> Params<'a> {
    const NONE: Self = Self { values: [Raw::ABSENT; PARAMS_MAX] };

    #[inline]
    fn get(&self, index: usize) -> Raw<'a> {
        self.values.get(index).copied().unwrap_or(Raw::ABSENT)
    }

    /// Reads the object of parameters, each known, each once, each of its JSON type; gives the
    /// position after it.
    fn read(&mut self, mut scanner: Scanner<'a>, op: Op) -> Read<'a, Scanner<'a>> {
        if !scanner.take(b'{') {
            let value = scanner.value(1)?;
            let fault = Fault::new(RejectCode::WrongType, "params", value);
            return Err(fault.with(Detail::Wanted("object")));
        }
        if scanner.take(b'}') {
            return Ok(scanner);
        }
        let params = op.spec().params;
        let mut expected = 0;
        loop {
            let key = scanner.key()?;
            let Some(index) = find_param(params, expected, key) else {
                return Err(unknown_field(key, scanner.value(2)?));
            };
            let value = scanner.value(2)?;
            if let (Some(slot), Some(param)) = (self.values.get_mut(index), params.get(index)) {
                if slot.is_present() {
                    return Err(duplicate_field(param.name));
                }
                if !fits(param.kind, value.kind) {
                    let fault = Fault::new(RejectCode::WrongType, param.name, value);
                    return Err(fault.with(Detail::Wanted(param.kind.name())));
                }
                *slot = value;
            }
            expected = index.saturating_add(1);
            if !scanner.another(b'}')? {
                return Ok(scanner);
            }
        }
    }

    fn check_required(&self, op: Op) -> Read<'a, ()> {
        for (param, value) in op.spec().params.iter().zip(&self.values) {
            if param.required && !value.is_present() {
                return Err(missing(param.name));
            }
        }
        Ok(())
    }
}

/// Finds a key in the table, beginning where clients that keep its order will be.
#[inline]
fn find_param(params: &[spec::ParamSpec], expected: usize, key: Raw<'_>) -> Option<usize> {
    let mut scratch = [0; 32];
    let name = key.text(&mut scratch)?;
    let is = |param: &spec::ParamSpec| param.name.as_bytes() == name;
    if params.get(expected).is_some_and(is) {
        return Some(expected);
    }
    params.iter().position(is)
}

const fn fits(wanted: ParamKind, got: Kind) -> bool {
    match wanted {
        ParamKind::Text | ParamKind::OneOf(_) | ParamKind::Decimal => {
            matches!(got, Kind::Text | Kind::EscapedText)
        }
        ParamKind::Integer => matches!(got, Kind::Integer),
        ParamKind::Flag => matches!(got, Kind::True | Kind::False),
        ParamKind::TextList => matches!(got, Kind::Array),
    }
}

#[cold]
fn unknown_field<'a>(key: Raw<'a>, value: Raw<'a>) -> Fault<'a> {
    Fault(RequestError::new(&[], RejectCode::UnknownField).about(key.bytes, value.bytes))
}

#[cold]
fn duplicate_field<'a>(name: &'static str) -> Fault<'a> {
    Fault::new(RejectCode::DuplicateField, name, Raw::ABSENT)
}

#[cold]
fn missing<'a>(name: &'static str) -> Fault<'a> {
    Fault::new(RejectCode::MissingField, name, Raw::ABSENT)
}

/// The request without its parameters.
struct Envelope<'a> {
    id: Raw<'a>,
    id_raw: &'a [u8],
    op: Option<Op>,
    account: Raw<'a>,
    deadline: Raw<'a>,
    /// Where the parameters are if they came before the operation.
    early_params: Option<Scanner<'a>>,
    has_params: bool,
}

fn read_request<'a>(bytes: &'a [u8], symbols: &(impl Symbols + ?Sized)) -> Read<'a, Request<'a>> {
    let mut params = Params::NONE;
    let mut envelope = Envelope {
        id: Raw::ABSENT,
        id_raw: &[],
        op: None,
        account: Raw::ABSENT,
        deadline: Raw::ABSENT,
        early_params: None,
        has_params: false,
    };
    read_envelope(bytes, &mut envelope, &mut params)?;
    check_id(envelope.id)?;
    let op = envelope.op.ok_or_else(|| missing("op"))?;
    if let Some(scanner) = envelope.early_params {
        params.read(scanner, op)?;
    }
    params.check_required(op)?;
    let account = envelope.account.present().map(|value| name(value, "account")).transpose()?;
    let deadline = envelope.deadline.present().map(|value| integer(value, "deadline", INTEGER_MAX));
    let deadline_us = deadline.transpose()?.and_then(|us| i64::try_from(us).ok());
    let id_raw = envelope.id_raw;
    let body = read_body(op, &params, id_raw, symbols)?;
    Ok(Request { id_raw, op, account, deadline_us, body })
}

fn read_envelope<'a>(
    bytes: &'a [u8],
    envelope: &mut Envelope<'a>,
    params: &mut Params<'a>,
) -> Read<'a, ()> {
    let mut scanner = Scanner::new(bytes);
    if !scanner.take(b'{') {
        return Err(Fault(RequestError::new(&[], RejectCode::BadJson)));
    }
    if !scanner.take(b'}') {
        loop {
            let key = scanner.key()?;
            read_entry(&mut scanner, key, envelope, params)?;
            if !scanner.another(b'}')? {
                break;
            }
        }
    }
    scanner.end()?;
    Ok(())
}

fn read_entry<'a>(
    scanner: &mut Scanner<'a>,
    key: Raw<'a>,
    envelope: &mut Envelope<'a>,
    params: &mut Params<'a>,
) -> Read<'a, ()> {
    let mut scratch = [0; 16];
    match key.text(&mut scratch) {
        Some(b"id") => {
            once(envelope.id, "id")?;
            (envelope.id, envelope.id_raw) = scanner.whole_value(1)?;
        }
        Some(b"op") => {
            if envelope.op.is_some() {
                return Err(duplicate_field("op"));
            }
            envelope.op = Some(read_op(scanner.value(1)?)?);
        }
        Some(b"params") => {
            if envelope.has_params {
                return Err(duplicate_field("params"));
            }
            envelope.has_params = true;
            if let Some(op) = envelope.op {
                *scanner = params.read(*scanner, op)?;
            } else {
                envelope.early_params = Some(*scanner);
                scanner.value(1)?;
            }
        }
        Some(b"account") => {
            once(envelope.account, "account")?;
            envelope.account = scanner.value(1)?;
        }
        Some(b"deadline") => {
            once(envelope.deadline, "deadline")?;
            envelope.deadline = scanner.value(1)?;
        }
        _ => return Err(unknown_field(key, scanner.value(1)?)),
    }
    Ok(())
}

fn once<'a>(value: Raw<'a>, name: &'static str) -> Read<'a, ()> {
    if value.is_present() { Err(duplicate_field(name)) } else { Ok(()) }
}

fn read_op(value: Raw<'_>) -> Read<'_, Op> {
    if !value.is_text() {
        let fault = Fault::new(RejectCode::WrongType, "op", value);
        return Err(fault.with(Detail::Wanted(ParamKind::Text.name())));
    }
    let mut scratch = [0; 32];
    let op = value.text(&mut scratch).and_then(Op::from_name);
    op.ok_or_else(|| Fault::new(RejectCode::UnknownOp, "op", value))
}

fn check_id(id: Raw<'_>) -> Read<'_, ()> {
    match id.kind {
        Kind::Absent | Kind::Null => Ok(()),
        Kind::Integer => integer(id, "id", INTEGER_MAX).map(|_| ()),
        Kind::Text | Kind::EscapedText if id.bytes.len() <= REQUEST_ID_BYTES_MAX => Ok(()),
        Kind::Text | Kind::EscapedText => {
            Err(Fault::new(RejectCode::InvalidValue, "id", id)
                .with(Detail::Wanted("at most 64 bytes")))
        }
        _ => Err(Fault::new(RejectCode::WrongType, "id", id)
            .with(Detail::Wanted("integer, string or null"))),
    }
}

/// An integer from 0 to `max`.
fn integer<'a>(value: Raw<'a>, field: &'static str, max: u64) -> Read<'a, u64> {
    if value.kind != Kind::Integer {
        let fault = Fault::new(RejectCode::WrongType, field, value);
        return Err(fault.with(Detail::Wanted(ParamKind::Integer.name())));
    }
    whole_number(value.bytes).filter(|number| *number <= max).ok_or_else(|| {
        let mut limit = Vec::new();
        crate::digits::unsigned(&mut limit, max);
        let fault = Fault::new(RejectCode::NumberOutOfRange, field, value);
        Fault(fault.0.with_limit(&limit))
    })
}

fn whole_number(digits: &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

fn read_body<'a>(
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
            Body::Command { command: OrderCancelAll { instrument }.into(), instrument }
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
        (true, _) => one_of(at_op(Op::Place, at::place::TIF), tif, TimeInForce::from_name)?,
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

fn one_of<'a, T>(
    param: Option<&'static spec::ParamSpec>,
    value: Raw<'a>,
    find: impl Fn(&[u8]) -> Option<T>,
) -> Read<'a, T> {
    let mut scratch = [0; 16];
    value.text(&mut scratch).and_then(find).ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, param.map_or("", |p| p.name), value);
        match param.map(|param| param.kind) {
            Some(ParamKind::OneOf(texts)) => fault.with(Detail::OneOf(texts)),
            _ => fault,
        }
    })
}

fn find_symbol<'a, 's>(
    value: Raw<'a>,
    field: &'static str,
    symbols: &'s (impl Symbols + ?Sized),
) -> Read<'a, &'s InstrumentInfo> {
    let mut scratch = [0; 32];
    let found = value.text(&mut scratch).and_then(|symbol| symbols.find(symbol));
    found.ok_or_else(|| Fault::new(RejectCode::UnknownSymbol, field, value))
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

/// A number in text; absent is 0.
fn read_price<'a>(info: &InstrumentInfo, value: Raw<'a>, scratch: &mut [u8]) -> Read<'a, Price> {
    if !value.is_present() {
        return Ok(Price::default());
    }
    let text = value.text(scratch).unwrap_or_default();
    info.read_price(text).map_err(|code| {
        let mut limit = Vec::new();
        info.write_price(&mut limit, Price::from_ticks(1));
        refused_number(code, "price", value, RejectCode::OffTick, &limit)
    })
}

/// A number in text; absent is 0.
fn read_qty<'a>(info: &InstrumentInfo, value: Raw<'a>, scratch: &mut [u8]) -> Read<'a, Qty> {
    if !value.is_present() {
        return Ok(Qty::ZERO);
    }
    let text = value.text(scratch).unwrap_or_default();
    info.read_qty(text).map_err(|code| {
        let mut limit = Vec::new();
        info.write_qty(&mut limit, Qty::from_lots(1));
        refused_number(code, "qty", value, RejectCode::OffLot, &limit)
    })
}

/// A number in text; absent is 0.
fn read_notional<'a>(
    info: &InstrumentInfo,
    value: Raw<'a>,
    scratch: &mut [u8],
) -> Read<'a, Amount> {
    if !value.is_present() {
        return Ok(Amount::ZERO);
    }
    let text = value.text(scratch).unwrap_or_default();
    info.read_notional(text).map_err(|code| {
        let mut limit = Vec::new();
        info.write_notional(&mut limit, Amount::from_minor(1));
        refused_number(code, "notional", value, RejectCode::OffMinorUnit, &limit)
    })
}

/// Says what a number must be a multiple of, where that is what is wrong with it.
#[cold]
fn refused_number<'a>(
    code: RejectCode,
    field: &'static str,
    value: Raw<'a>,
    off_grid: RejectCode,
    step: &[u8],
) -> Fault<'a> {
    let fault = Fault::new(code, field, value);
    if code == off_grid {
        return Fault(fault.0.with_limit(step));
    }
    if code == RejectCode::InvalidValue {
        return fault.with(Detail::Wanted("a decimal number as 60000.00"));
    }
    fault
}

fn read_client_order_id(value: Raw<'_>) -> Read<'_, ClientOrderId> {
    if !value.is_present() {
        return Ok(ClientOrderId::default());
    }
    name(value, "client_order_id")
}

/// A short text of printable ASCII that is not empty.
fn name<'a, const N: usize>(value: Raw<'a>, field: &'static str) -> Read<'a, Text<N>> {
    if !value.is_text() {
        let fault = Fault::new(RejectCode::WrongType, field, value);
        return Err(fault.with(Detail::Wanted(ParamKind::Text.name())));
    }
    let mut scratch = [0; TEXT_BYTES_MAX];
    let text = value.text(&mut scratch).and_then(Text::new).filter(|text| !text.is_empty());
    text.ok_or_else(|| {
        let fault = Fault::new(RejectCode::InvalidValue, field, value);
        let wanted = if N == coulisse_types::limits::CLIENT_ORDER_ID_BYTES_MAX {
            "1 to 36 printable characters without space, quote and backslash"
        } else {
            "1 to 32 printable characters without space, quote and backslash"
        };
        fault.with(Detail::Wanted(wanted))
    })
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
