//! Private REST: one signed HTTP request is one request of the native protocol.
//!
//! The connection stays here: once it is answered, the next request on it may be anybody's.
//!
//! Invariants
//! - A call has exactly one response, and the next one on its connection is not looked at before.
//! - What changes something carries a nonce, which goes into the log with it.
//!
//! Source: the signed text is of our own; HMAC is RFC 2104, Ed25519 RFC 8032.

use crate::address::octets_of;
use crate::batch::ConnId;
use crate::conn::{Identity, Stage};
use crate::http::{Arrived, Body, Head, HeadReader, HeadStep, HttpFault, Method, parse_head};
use crate::hub::{Hub, Received};
use crate::limits::{
    BACKLOG_BYTES_MAX, CALL_BODY_BYTES_MAX, CALL_WINDOW_DEFAULT_MS, CALL_WINDOW_MAX_MS,
};
use crate::logon;
use crate::site;
use crate::view::CoreView;
use coulisse_types::RejectCode;
use coulisse_types::record::NONCE_BIT;
use coulisse_wire::limits::TOKEN_BYTES_MAX;
use coulisse_wire::native::keys::is_within;
use coulisse_wire::native::spec::{Access, Found, find_route};
use coulisse_wire::native::{Call, RequestError, parse_call};

/// How far a client's clock may be ahead, in µs.
const AHEAD_US: i64 = 1_000_000;
/// What stands before the weight in an answer that says one.
const WEIGHT_START: &[u8] = br#"{"id":null,"ok":true,"weight":"#;
/// What stands before the code in an error.
const ERROR_START: &[u8] = br#"{"id":null,"ok":false,"error":{"code":""#;

/// The headers of a signed request, as sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signed<'a> {
    /// `Coulisse-Key`
    pub key: Option<&'a str>,
    /// `Coulisse-Timestamp`
    pub timestamp: Option<&'a str>,
    /// `Coulisse-Nonce`
    pub nonce: Option<&'a str>,
    /// `Coulisse-Window`
    pub window: Option<&'a str>,
    /// `Coulisse-Signature`
    pub signature: Option<&'a str>,
}

/// The private route that a request asks for, if it is one.
pub(crate) fn route<'a>(head: &Head<'a>) -> Option<Found<'a>> {
    find_route(method_name(head.method), head.path)
}

const fn method_name(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Other => "",
    }
}

/// Bytes of the whole request; `None` where its body is chunked or too long.
pub(crate) fn whole_bytes(head: &Head<'_>) -> Option<usize> {
    match head.body {
        Body::None => Some(head.head_bytes),
        Body::Length(bytes) => {
            let bytes = usize::try_from(bytes).ok()?;
            (bytes <= CALL_BODY_BYTES_MAX).then_some(head.head_bytes + bytes)
        }
        Body::Chunked => None,
    }
}

impl Hub {
    /// Takes a call whose head is whole; its body may not be.
    pub(crate) fn begin_call(
        &mut self,
        id: ConnId,
        found: Found<'_>,
        arrived: &Arrived<'_>,
        now_us: i64,
        view: &impl CoreView,
        received: &mut Received,
    ) {
        let Some(whole) = whole_bytes(&arrived.head) else {
            self.answer_http(id, &HttpFault::BodyTooLarge.response());
            return;
        };
        let Some((all, behind)) = arrived.bytes.split_at_checked(whole) else {
            if let Some(conn) = self.conn(id) {
                conn.stage = Stage::Body { bytes: arrived.bytes.to_vec(), whole };
            }
            return;
        };
        let body = all.get(arrived.head.head_bytes..).unwrap_or_default();
        self.call(id, found, &arrived.head, body, now_us, view);
        self.go_on(id, behind.to_vec(), now_us, view, received);
    }

    /// Takes more of a body.
    pub(crate) fn receive_body(
        &mut self,
        id: ConnId,
        read: &[u8],
        now_us: i64,
        view: &impl CoreView,
        received: &mut Received,
    ) {
        let Some(conn) = self.conn(id) else { return };
        let Stage::Body { bytes, whole } = &mut conn.stage else { return };
        bytes.extend_from_slice(read);
        if bytes.len() < *whole {
            return;
        }
        let (mut bytes, whole) = (std::mem::take(bytes), *whole);
        let behind = bytes.split_off(whole);
        // It was judged before; that it is the same now costs a microsecond.
        let HeadStep::Head(head) = parse_head(&bytes) else { return };
        let Some(found) = route(&head) else { return };
        let body = bytes.get(head.head_bytes..).unwrap_or_default();
        self.call(id, found, &head, body, now_us, view);
        self.go_on(id, behind, now_us, view, received);
    }

    /// Takes what came behind a call: at once where that is answered, else when it is.
    fn go_on(
        &mut self,
        id: ConnId,
        mut behind: Vec<u8>,
        now_us: i64,
        view: &impl CoreView,
        received: &mut Received,
    ) {
        if behind.is_empty() {
            return;
        }
        match self.conn(id).map(|conn| &conn.stage) {
            Some(Stage::Call { .. }) => self.keep_behind(id, &behind, view),
            Some(Stage::Head(_)) => {
                // Bounded by one read: each turn takes a whole request off it.
                let more = self.receive(id, &mut behind, now_us, view);
                received.hand_over = received.hand_over.take().or(more.hand_over);
                received.plain_opened |= more.plain_opened;
                received.plain_texts.extend(more.plain_texts);
            }
            _ => {}
        }
    }

    /// Keeps what came before the call in front of it was answered.
    pub(crate) fn keep_behind(&mut self, id: ConnId, read: &[u8], view: &impl CoreView) {
        let Some(conn) = self.conn(id) else { return };
        conn.behind.extend_from_slice(read);
        if conn.behind.len() > BACKLOG_BYTES_MAX {
            self.misplaced(id, view);
        }
    }

    /// Takes a call whose bytes are all there.
    fn call(
        &mut self,
        id: ConnId,
        found: Found<'_>,
        head: &Head<'_>,
        body: &[u8],
        now_us: i64,
        view: &impl CoreView,
    ) {
        self.counters.requests += 1;
        self.asked_us = now_us;
        if let Some(conn) = self.conn(id) {
            conn.stage = Stage::Call { close: head.connection_close };
        }
        let seq = view.seq();
        let proved = match head.authorization.and_then(bearer) {
            _ if found.op.spec().access == Access::Open => Ok((None, 0)),
            Some(token) => {
                let verified = self.verify_token(id, head, token, now_us, view);
                verified.map(|who| (Some(who), 0))
            }
            None => {
                let verified = self.verify(id, found, head, body, now_us, view);
                verified.map(|(who, nonce)| (Some(who), nonce))
            }
        };
        match proved {
            Err(error) => self.refuse(id, seq, &error),
            Ok((identity, nonce)) => {
                if let Some(conn) = self.conn(id) {
                    (conn.identity, conn.nonce_used) = (identity, nonce);
                }
                let call = Call { op: found.op, named: found.named, query: head.query, body };
                match parse_call(&call, &self.instruments) {
                    Err(error) => self.refuse(id, seq, &error),
                    Ok(request) => self.serve(id, &request, now_us, view),
                }
            }
        }
        if let Some(conn) = self.conn(id) {
            (conn.identity, conn.nonce_used) = (None, 0);
        }
    }

    /// Whether the request is signed by a key that works, now and from where it came.
    fn verify<'a>(
        &mut self,
        id: ConnId,
        found: Found<'_>,
        head: &Head<'a>,
        body: &[u8],
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<(Identity, u64), RequestError<'a>> {
        let refused = |code| RequestError::new(&[], code);
        let signed = &head.signed;
        let (Some(key_id), Some(timestamp), Some(signature)) =
            (signed.key, signed.timestamp, signed.signature)
        else {
            return Err(refused(RejectCode::NotLoggedOn).about(b"Coulisse-Signature", b""));
        };
        let nonce_text = signed.nonce.unwrap_or_default();
        let changes = found.op.spec().access != Access::Read && head.method != Method::Get;
        let nonce = match number(nonce_text) {
            Some(nonce) if (1..NONCE_BIT).contains(&nonce) => nonce,
            None if nonce_text.is_empty() && !changes => 0,
            _ => return Err(invalid(b"Coulisse-Nonce", nonce_text)),
        };
        let window_text = signed.window.unwrap_or_default();
        let window_ms = match (signed.window, number(window_text)) {
            (None, _) => CALL_WINDOW_DEFAULT_MS,
            (_, Some(window_ms)) if window_ms <= CALL_WINDOW_MAX_MS => window_ms,
            _ => return Err(invalid(b"Coulisse-Window", window_text)),
        };
        let sent_us = number(timestamp).and_then(|us| i64::try_from(us).ok());
        let sent_us = sent_us.ok_or_else(|| invalid(b"Coulisse-Timestamp", timestamp))?;
        let oldest_us = i64::try_from(window_ms * 1_000).unwrap_or(0);
        let age_us = now_us.saturating_sub(sent_us);
        if age_us > oldest_us || age_us < -AHEAD_US {
            let error = refused(RejectCode::RequestExpired);
            return Err(error.about(b"Coulisse-Timestamp", timestamp.as_bytes()));
        }
        let host = head.host.unwrap_or_default();
        let target = if head.query.is_empty() {
            head.path.to_owned()
        } else {
            format!("{}?{}", head.path, head.query)
        };
        let parts = [key_id, timestamp, nonce_text, window_text, method_name(head.method), &target];
        let mut text = Vec::with_capacity(256 + body.len());
        let parts = parts.map(str::as_bytes);
        coulisse_wire::native::reply::write_rest_text(&mut text, host.as_bytes(), parts);
        text.extend_from_slice(body);
        let signature = coulisse_wire::native::read_signature(signature.as_bytes());
        let key = view.key(key_id.as_bytes());
        let (Some(key), Some(signature)) = (key, signature) else {
            return Err(refused(RejectCode::LogonFailed));
        };
        if !site::is_host(&self.hosts, host) || !self.is_proved(&key, &text, signature.as_slice()) {
            return Err(refused(RejectCode::LogonFailed));
        }
        logon::check_works(&key, now_us).map_err(refused)?;
        let peer = octets_of(self.conn(id).and_then(|conn| conn.address));
        if !is_within(&key.networks, &peer) {
            return Err(refused(RejectCode::NotPermitted).about(b"networks", b""));
        }
        self.key_use.note(key.key, now_us);
        Ok((Identity::of(&key), nonce))
    }

    /// Whether the request has a token of somebody who may ask, now and from where it came.
    fn verify_token<'a>(
        &mut self,
        id: ConnId,
        head: &Head<'a>,
        token: &str,
        now_us: i64,
        view: &impl CoreView,
    ) -> Result<Identity, RequestError<'a>> {
        let refused = |code| RequestError::new(&[], code);
        // What is wrong with it is not repeated: it may be a password.
        if head.signed != Signed::default() || token.len() > TOKEN_BYTES_MAX {
            return Err(refused(RejectCode::InvalidValue).about(b"Authorization", b""));
        }
        if !site::is_host(&self.hosts, head.host.unwrap_or_default()) {
            return Err(refused(RejectCode::LogonFailed));
        }
        let address = self.conn(id).and_then(|conn| conn.address);
        self.proved_by_token(token.as_bytes(), address, now_us, view).map_err(|code| {
            let error = refused(code);
            let is_network = code == RejectCode::NotPermitted;
            if is_network { error.about(b"networks", b"") } else { error }
        })
    }

    /// Goes on with what came behind calls that are answered now. What is nobody's here ends its
    /// connection: it was sent before its turn.
    pub fn receive_behind(&mut self, now_us: i64, view: &impl CoreView) {
        for id in std::mem::take(&mut self.resumable) {
            let Some(conn) = self.conn(id) else { continue };
            let mut behind = std::mem::take(&mut conn.behind);
            if behind.is_empty() {
                continue;
            }
            let received: Received = self.receive(id, &mut behind, now_us, view);
            if received.hand_over.is_some() {
                self.misplaced(id, view);
            }
        }
    }

    /// Ends a connection whose next request is another server's while an answer of ours is on its way.
    pub(crate) fn misplaced(&mut self, id: ConnId, view: &impl CoreView) {
        if let Some(conn) = self.conn(id) {
            conn.stage = Stage::Call { close: true };
        }
        self.refuse(id, view.seq(), &RequestError::new(&[], RejectCode::BadFrame));
    }
}

fn invalid<'a>(header: &'static [u8], value: &'a str) -> RequestError<'a> {
    RequestError::new(&[], RejectCode::InvalidValue).about(header, value.as_bytes())
}

/// The token of an `Authorization` that has one (RFC 6750, section 2.1).
fn bearer(authorization: &str) -> Option<&str> {
    let (scheme, token) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// Digits and nothing else.
fn number(text: &str) -> Option<u64> {
    let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

/// Appends the response around a reply's JSON.
pub(crate) fn write_response(
    out: &mut Vec<u8>,
    (close, left): (bool, Option<u32>),
    body: impl FnOnce(&mut Vec<u8>),
) {
    let mut json = Vec::with_capacity(320);
    body(&mut json);
    let status = status_of(&json);
    let reason = crate::http::reason_phrase(status);
    let more = if close { "Connection: close\r\n" } else { "" };
    let retry = if status == 429 || status == 503 { "Retry-After: 1\r\n" } else { "" };
    let length = json.len();
    let weight = weight_in(&json);
    let left = left.map(|left| format!("X-RateLimit-Remaining: {left}\r\n")).unwrap_or_default();
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\nCache-Control: no-store\r\n\
         X-RateLimit-Weight: {weight}\r\n{left}{more}{retry}Content-Length: {length}\r\n\r\n"
    );
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(&json);
}

/// What a reply says that its request took of the quotas: 1 where it says nothing.
fn weight_in(json: &[u8]) -> u32 {
    let Some(rest) = json.strip_prefix(WEIGHT_START) else { return 1 };
    let digits = rest.split(|byte| !byte.is_ascii_digit()).next().unwrap_or_default();
    std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(1)
}

/// The status of a reply, by its code.
fn status_of(json: &[u8]) -> u16 {
    let Some(rest) = json.strip_prefix(ERROR_START) else { return 200 };
    let name = rest.split(|byte| *byte == b'"').next().unwrap_or_default();
    let code = RejectCode::ALL.iter().find(|code| code.name().as_bytes() == name);
    code.map_or(500, |code| status_of_code(*code))
}

/// The HTTP status that says the same as a code.
pub(crate) fn status_of_code(code: RejectCode) -> u16 {
    use RejectCode as C;
    match code {
        C::NotLoggedOn
        | C::LogonFailed
        | C::RequestExpired
        | C::TokenExpired
        | C::SessionOver
        | C::KeyRevoked
        | C::KeyExpired
        | C::KeyNotBound => 401,
        C::NotPermitted | C::SecondPersonNeeded => 403,
        C::UnknownAccount
        | C::UnknownAsset
        | C::UnknownGroup
        | C::UnknownInstrument
        | C::UnknownKey
        | C::UnknownSymbol
        | C::OrderNotFound
        | C::UnknownWithdrawal
        | C::NotFound => 404,
        C::MethodNotAllowed => 405,
        C::AlreadyExists | C::ClientOrderIdConflict | C::NonceUsed | C::RequestIdConflict => 409,
        C::RateLimited | C::RiskMessageRate | C::RiskOrderRate => 429,
        C::Overloaded | C::RetryLogon | C::ShuttingDown | C::SeqNotReached | C::StoreDown => 503,
        code if code.origin() == coulisse_types::reject::Origin::Gateway => 400,
        _ => 422,
    }
}

/// A connection that waits for its next request.
pub(crate) fn next_request() -> Stage {
    Stage::Head(HeadReader::new())
}
