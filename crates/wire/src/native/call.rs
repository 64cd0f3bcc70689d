//! Operations asked for by HTTP: parameters in the path, the query and a JSON object, read by the same
//! table as those of the socket.
//!
//! Invariant: what is accepted was read completely; a parameter comes from one place.

use coulisse_types::RejectCode;

use super::bodies::read_body;
use super::error::{Detail, RequestError};
use super::params::{
    Fault, Params, Read, duplicate_field, find_param, fits, integer, name, unknown_field,
};
use super::people::is_secret;
use super::request::{Request, explain};
use super::spec::{Op, ParamKind};
use crate::instruments::Symbols;
use crate::json::{Kind, Raw, Scanner};
use crate::limits::INTEGER_MAX;

/// What one HTTP request asks for.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The operation.
    pub op: Op,
    /// The part of the path that is a parameter, with its name.
    pub named: Option<(&'static str, &'a str)>,
    /// The target behind `?`: `name=value`, joined by `&`, none of it encoded. `account` and `deadline`
    /// are the request's own.
    pub query: &'a str,
    /// A JSON object of parameters; empty for none.
    pub body: &'a [u8],
}

/// Reads one call.
///
/// # Errors
/// [`RequestError`] with the code, the field and the value that was refused.
pub fn parse_call<'a>(
    call: &Call<'a>,
    symbols: &(impl Symbols + ?Sized),
) -> Result<Request<'a>, RequestError<'a>> {
    read_call(call, symbols).map_err(|fault| {
        let error = if call.body.is_empty() { fault.0 } else { explain(call.body, &fault) };
        RequestError { id_raw: &[], ..error }
    })
}

fn read_call<'a>(call: &Call<'a>, symbols: &(impl Symbols + ?Sized)) -> Read<'a, Request<'a>> {
    let listed = call.op.spec().params;
    let mut params = Params::none();
    if !call.body.is_empty() {
        let mut scanner = params.read_object(Scanner::new(call.body), "body", listed)?;
        scanner.end()?;
    }
    let (mut account, mut deadline) = (Raw::ABSENT, Raw::ABSENT);
    let mut give = |name: &'a str, value: &'a str| {
        let text = Raw { kind: Kind::Text, bytes: value.as_bytes() };
        let key = Raw { kind: Kind::Text, bytes: name.as_bytes() };
        // Everything that names something here is plain: what would need an encoding is nothing.
        if !value.bytes().all(|byte| byte.is_ascii_graphic() && !b"%\"\\+".contains(&byte)) {
            let fault = Fault(RequestError::new(&[], RejectCode::InvalidValue));
            let error = fault.0.about(name.as_bytes(), value.as_bytes());
            return Err(Fault(error).with(Detail::Wanted("plain characters, not encoded")));
        }
        let given = match name {
            "account" => &mut account,
            "deadline" => &mut deadline,
            _ => {
                let found = find_param(listed, 0, key).filter(|_| !is_secret(name.as_bytes()));
                // What is in a target is kept by whoever passes it on: nothing secret is read there.
                let shown = if is_secret(name.as_bytes()) { Raw::ABSENT } else { text };
                let index = found.ok_or_else(|| unknown_field(key, shown))?;
                let kind = listed.get(index).map_or(ParamKind::Text, |param| param.kind);
                return params.give(index, as_param(kind, text), listed);
            }
        };
        if given.is_present() {
            let name = if name == "account" { "account" } else { "deadline" };
            return Err(duplicate_field(name));
        }
        *given = if name == "account" { text } else { as_param(ParamKind::Integer, text) };
        Ok(())
    };
    if let Some((name, value)) = call.named {
        give(name, value)?;
    }
    for pair in call.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        give(name, value)?;
    }
    params.check_required(listed)?;
    let account = account.present().map(|value| name(value, "account")).transpose()?;
    let deadline = deadline.present().map(|value| integer(value, "deadline", INTEGER_MAX));
    let deadline_us = deadline.transpose()?.and_then(|us| i64::try_from(us).ok());
    let body = read_body(call.op, &params, &[], symbols)?;
    Ok(Request { id_raw: &[], op: call.op, account, deadline_us, body })
}

/// Text as the JSON value that a parameter of this kind is.
fn as_param(kind: ParamKind, text: Raw<'_>) -> Raw<'_> {
    let is_whole = !text.bytes.is_empty() && text.bytes.iter().all(u8::is_ascii_digit);
    let is_plain = is_whole && (text.bytes.len() == 1 || text.bytes.first() != Some(&b'0'));
    let kind = match (kind, text.bytes) {
        (ParamKind::Integer | ParamKind::UpTo(_), _) if is_plain => Kind::Integer,
        (ParamKind::Flag, b"true") => Kind::True,
        (ParamKind::Flag, b"false") => Kind::False,
        _ => Kind::Text,
    };
    Raw { kind, ..text }
}

impl<'a> Params<'a> {
    /// Takes one parameter that did not stand in the object.
    fn give(
        &mut self,
        index: usize,
        value: Raw<'a>,
        listed: &'static [super::spec::ParamSpec],
    ) -> Read<'a, ()> {
        let Some(param) = listed.get(index) else { return Ok(()) };
        if !fits(param.kind, value.kind) {
            let fault = Fault::new(RejectCode::WrongType, param.name, value);
            return Err(fault.with(Detail::Wanted(param.kind.name())));
        }
        self.put(index, value, param.name)
    }
}
