//! Parameters of a request: found in the operation's table, checked against it, read as values.

use alloc::vec::Vec;

use coulisse_types::{Amount, ClientOrderId, Price, Qty, RejectCode, Text};

use super::error::{Detail, RequestError};
use super::people::is_secret;
use super::spec::{self, ParamKind};
use crate::instruments::{InstrumentInfo, Symbols};
use crate::json::{Broken, Kind, Raw, Scanner};
use crate::limits::{INTEGER_MAX, MORE_PARAMS_MAX, PLAIN_PARAMS_MAX, TEXT_BYTES_MAX};

/// An error whose request id is not known yet.
pub(super) struct Fault<'a>(pub(super) RequestError<'a>);

impl<'a> Fault<'a> {
    #[cold]
    pub(super) fn new(code: RejectCode, field: &'static str, value: Raw<'a>) -> Self {
        let detail = Detail::None;
        let field = field.as_bytes();
        let value = if is_secret(field) { &[] } else { value.bytes };
        Self(RequestError { id_raw: &[], code, field, value, detail })
    }

    #[cold]
    pub(super) fn with(self, detail: Detail) -> Self {
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

pub(super) type Read<'a, T> = Result<T, Fault<'a>>;

/// The values of an operation's parameters, in the order of its table.
pub(super) struct Params<'a> {
    plain: [Raw<'a>; PLAIN_PARAMS_MAX],
    /// Those behind the plain ones; made when the first of them comes.
    more: Option<[Raw<'a>; MORE_PARAMS_MAX]>,
}

impl<'a> Params<'a> {
    #[inline]
    pub(super) const fn none() -> Self {
        Self { plain: [Raw::ABSENT; PLAIN_PARAMS_MAX], more: None }
    }

    #[inline]
    pub(super) fn get(&self, index: usize) -> Raw<'a> {
        let found = match index.checked_sub(PLAIN_PARAMS_MAX) {
            None => self.plain.get(index),
            Some(index) => self.more.as_ref().and_then(|more| more.get(index)),
        };
        found.copied().unwrap_or(Raw::ABSENT)
    }

    /// Whether a parameter came that plain orders do not have.
    #[inline]
    pub(super) const fn has_more(&self) -> bool {
        self.more.is_some()
    }

    #[inline]
    fn slot(&mut self, index: usize) -> Option<&mut Raw<'a>> {
        match index.checked_sub(PLAIN_PARAMS_MAX) {
            None => self.plain.get_mut(index),
            Some(index) => self.more_slot(index),
        }
    }

    #[cold]
    fn more_slot(&mut self, index: usize) -> Option<&mut Raw<'a>> {
        self.more.get_or_insert([Raw::ABSENT; MORE_PARAMS_MAX]).get_mut(index)
    }

    /// Reads the object of parameters, each known, each once, each of its JSON type; gives the
    /// position after it.
    pub(super) fn read(
        &mut self,
        scanner: Scanner<'a>,
        params: &'static [spec::ParamSpec],
    ) -> Read<'a, Scanner<'a>> {
        self.read_object(scanner, "params", params)
    }

    /// The same of an object that stands in `field`.
    #[inline]
    pub(super) fn read_object(
        &mut self,
        mut scanner: Scanner<'a>,
        field: &'static str,
        params: &'static [spec::ParamSpec],
    ) -> Read<'a, Scanner<'a>> {
        if !scanner.take(b'{') {
            let value = scanner.value(1)?;
            let fault = Fault::new(RejectCode::WrongType, field, value);
            return Err(fault.with(Detail::Wanted("object")));
        }
        if scanner.take(b'}') {
            return Ok(scanner);
        }
        let mut expected = 0;
        loop {
            let key = scanner.key()?;
            let Some(index) = find_param(params, expected, key) else {
                let value = scanner.value(2)?;
                // A misspelt password is one all the same.
                let has_secret = params.iter().any(|param| is_secret(param.name.as_bytes()));
                return Err(unknown_field(key, if has_secret { Raw::ABSENT } else { value }));
            };
            let value = scanner.value(2)?;
            if let (Some(slot), Some(param)) = (self.slot(index), params.get(index)) {
                if slot.is_present() {
                    return Err(duplicate_field(param.name));
                }
                if !fits(param.kind, value.kind) {
                    let fault = Fault::new(RejectCode::WrongType, param.name, value);
                    return Err(fault.with(match param.kind {
                        ParamKind::OneOf(texts) => Detail::OneOf(texts),
                        kind => Detail::Wanted(kind.name()),
                    }));
                }
                *slot = value;
            }
            expected = index.saturating_add(1);
            if !scanner.another(b'}')? {
                return Ok(scanner);
            }
        }
    }

    /// Puts one parameter in its place, unless it is there.
    pub(super) fn put(&mut self, index: usize, value: Raw<'a>, name: &'static str) -> Read<'a, ()> {
        match self.slot(index) {
            Some(slot) if slot.is_present() => Err(duplicate_field(name)),
            Some(slot) => {
                *slot = value;
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// Required parameters stand among the plain ones.
    pub(super) fn check_required(&self, params: &'static [spec::ParamSpec]) -> Read<'a, ()> {
        for (param, value) in params.iter().zip(&self.plain) {
            if param.required && !value.is_present() {
                return Err(missing(param.name));
            }
        }
        Ok(())
    }
}

/// Finds a key in the table, beginning where clients that keep its order will be.
#[inline]
pub(super) fn find_param(
    params: &[spec::ParamSpec],
    expected: usize,
    key: Raw<'_>,
) -> Option<usize> {
    let mut scratch = [0; 32];
    let name = key.text(&mut scratch)?;
    let is = |param: &spec::ParamSpec| param.name.as_bytes() == name;
    if params.get(expected).is_some_and(is) {
        return Some(expected);
    }
    params.iter().position(is)
}

pub(super) const fn fits(wanted: ParamKind, got: Kind) -> bool {
    match wanted {
        ParamKind::Text | ParamKind::OneOf(_) | ParamKind::Decimal => {
            matches!(got, Kind::Text | Kind::EscapedText)
        }
        ParamKind::Integer | ParamKind::UpTo(_) => matches!(got, Kind::Integer),
        ParamKind::Flag => matches!(got, Kind::True | Kind::False),
        ParamKind::TextList | ParamKind::ObjectList(_) => matches!(got, Kind::Array),
    }
}

#[cold]
pub(super) fn unknown_field<'a>(key: Raw<'a>, value: Raw<'a>) -> Fault<'a> {
    Fault(RequestError::new(&[], RejectCode::UnknownField).about(key.bytes, value.bytes))
}

#[cold]
pub(super) fn duplicate_field<'a>(name: &'static str) -> Fault<'a> {
    Fault::new(RejectCode::DuplicateField, name, Raw::ABSENT)
}

#[cold]
pub(super) fn missing<'a>(name: &'static str) -> Fault<'a> {
    Fault::new(RejectCode::MissingField, name, Raw::ABSENT)
}

/// One of two fields is required.
#[cold]
pub(super) fn missing_either<'a>(name: &'static str, other: &'static str) -> Fault<'a> {
    missing(name).with(Detail::Or(other))
}

/// An integer from 0 to `max`.
pub(super) fn integer<'a>(value: Raw<'a>, field: &'static str, max: u64) -> Read<'a, u64> {
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

pub(super) fn whole_number(digits: &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for digit in digits {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        value = value.checked_mul(10)?.checked_add(u64::from(digit))?;
    }
    Some(value)
}

/// A time in nanoseconds, from a number of `unit_ns` that was bounded so that it fits.
pub(super) fn nanoseconds(count: u64, unit_ns: i64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(unit_ns)
}

/// Microseconds, as nanoseconds; absent is 0.
pub(super) fn read_time<'a>(value: Raw<'a>, field: &'static str) -> Read<'a, i64> {
    if !value.is_present() {
        return Ok(0);
    }
    // 2^53 µs is the year 2255: in nanoseconds it fits an i64.
    integer(value, field, INTEGER_MAX).map(|us| nanoseconds(us, 1_000))
}

/// A small number: an id, a count, a step.
pub(super) fn read_u32<'a>(value: Raw<'a>, field: &'static str) -> Read<'a, u32> {
    let number = integer(value, field, u64::from(u32::MAX))?;
    Ok(u32::try_from(number).unwrap_or(u32::MAX))
}

/// A text that is one of those in the table, read by `find`.
pub(super) fn one_of<'a, T>(
    params: &'static [spec::ParamSpec],
    index: usize,
    value: Raw<'a>,
    find: impl Fn(&[u8]) -> Option<T>,
) -> Read<'a, T> {
    let mut scratch = [0; 32];
    value.text(&mut scratch).and_then(find).ok_or_else(|| {
        let param = params.get(index);
        let fault = Fault::new(RejectCode::InvalidValue, param.map_or("", |p| p.name), value);
        match param.map(|param| param.kind) {
            Some(ParamKind::OneOf(texts)) => fault.with(Detail::OneOf(texts)),
            _ => fault,
        }
    })
}

pub(super) fn find_symbol<'a, 's>(
    value: Raw<'a>,
    field: &'static str,
    symbols: &'s (impl Symbols + ?Sized),
) -> Read<'a, &'s InstrumentInfo> {
    let mut scratch = [0; 32];
    let found = value.text(&mut scratch).and_then(|symbol| symbols.find(symbol));
    found.ok_or_else(|| Fault::new(RejectCode::UnknownSymbol, field, value))
}

/// A number in text; absent is 0.
pub(super) fn read_price<'a>(
    info: &InstrumentInfo,
    field: &'static str,
    value: Raw<'a>,
    scratch: &mut [u8],
) -> Read<'a, Price> {
    if !value.is_present() {
        return Ok(Price::default());
    }
    let text = value.text(scratch).unwrap_or_default();
    info.read_price(text).map_err(|code| {
        let mut limit = Vec::new();
        info.write_price(&mut limit, Price::from_ticks(1));
        refused_number(code, field, value, RejectCode::OffTick, &limit)
    })
}

/// A number in text; absent is 0.
pub(super) fn read_qty<'a>(
    info: &InstrumentInfo,
    field: &'static str,
    value: Raw<'a>,
    scratch: &mut [u8],
) -> Read<'a, Qty> {
    if !value.is_present() {
        return Ok(Qty::ZERO);
    }
    let text = value.text(scratch).unwrap_or_default();
    info.read_qty(text).map_err(|code| {
        let mut limit = Vec::new();
        info.write_qty(&mut limit, Qty::from_lots(1));
        refused_number(code, field, value, RejectCode::OffLot, &limit)
    })
}

/// Says of a price that is 0 what the core would say: a 0 in a command means that none is given.
#[cold]
pub(super) fn no_price<'a>(info: &InstrumentInfo, value: Raw<'a>) -> Fault<'a> {
    let mut tick = Vec::new();
    info.write_price(&mut tick, Price::from_ticks(1));
    Fault(Fault::new(RejectCode::PriceOutOfRange, "price", value).0.with_limit(&tick))
}

/// The same of a notional that is 0.
#[cold]
pub(super) fn no_notional<'a>(info: &InstrumentInfo, value: Raw<'a>) -> Fault<'a> {
    let mut least = Vec::new();
    info.write_notional(&mut least, info.min_notional.max(Amount::from_minor(1)));
    Fault(Fault::new(RejectCode::NotionalBelowMin, "notional", value).0.with_limit(&least))
}

/// A number in text; absent is 0.
pub(super) fn read_notional<'a>(
    info: &InstrumentInfo,
    field: &'static str,
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
        refused_number(code, field, value, RejectCode::OffMinorUnit, &limit)
    })
}

/// Says what a number must be a multiple of, where that is what is wrong with it.
#[cold]
pub(super) fn refused_number<'a>(
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

pub(super) fn read_client_order_id(value: Raw<'_>) -> Read<'_, ClientOrderId> {
    if !value.is_present() {
        return Ok(ClientOrderId::default());
    }
    name(value, "client_order_id")
}

/// A short text of printable ASCII that is not empty.
pub(super) fn name<'a, const N: usize>(value: Raw<'a>, field: &'static str) -> Read<'a, Text<N>> {
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
