//! One request head, judged and taken apart.

use super::fault::HttpFault;
use crate::call::Signed;
use crate::deflate::Offer;
use crate::limits::{HEAD_BYTES_MAX, HEADERS_COUNT_MAX, METHOD_BYTES_MAX};

/// The methods that some route of this crate asks about; the rest is somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "their names on the wire")]
pub enum Method {
    Get,
    Post,
    Patch,
    Delete,
    Other,
}

/// The versions that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0: no Host needed, no upgrade possible.
    Http10,
    /// HTTP/1.1.
    Http11,
}

/// How the length of the request's body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// Content-Length, in bytes; may be 0.
    Length(u64),
    /// Transfer-Encoding: chunked.
    Chunked,
}

/// What a head said that this gateway asks about. Text is as sent, without outer spaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The method.
    pub method: Method,
    /// The target before `?`, not decoded. Starts with `/`, or is of another form (`*`, a URL).
    pub path: &'a str,
    /// The target behind `?`, not decoded; empty where there is none.
    pub query: &'a str,
    /// The version.
    pub version: Version,
    /// Host; `None` only under HTTP/1.0.
    pub host: Option<&'a str>,
    /// Origin, as a browser sends it. `Some("")` where it is not text.
    pub origin: Option<&'a str>,
    /// The last X-Forwarded-For. Anybody may write anything there.
    pub forwarded_for: Option<&'a str>,
    /// The body.
    pub body: Body,
    /// Whether Upgrade names `websocket`.
    pub upgrade_websocket: bool,
    /// Whether Connection names `upgrade`.
    pub connection_upgrade: bool,
    /// Whether Connection names `close`, or HTTP/1.0 does not name `keep-alive`.
    pub connection_close: bool,
    /// Sec-WebSocket-Key.
    pub websocket_key: Option<&'a str>,
    /// Sec-WebSocket-Version.
    pub websocket_version: Option<&'a str>,
    /// Sec-WebSocket-Protocol: names with commas between.
    pub websocket_protocol: Option<&'a str>,
    /// What Sec-WebSocket-Extensions, however often it stands, offers of permessage-deflate.
    pub deflate: Offer,
    /// The headers of a signed request.
    pub signed: Signed<'a>,
    /// Authorization. `Some("")` where it is not text, or stands twice.
    pub authorization: Option<&'a str>,
    /// Bytes of the head, the empty line included: where the body or the first frame begins.
    pub head_bytes: usize,
}

/// What is known of a request head so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "a head is borrowed text, made once a request")]
pub enum HeadStep<'a> {
    /// It has not ended yet.
    NeedMore,
    /// It is whole and sound.
    Head(Head<'a>),
    /// It is refused.
    Fault(HttpFault),
}

/// Judges the request head at the front of `bytes`.
///
/// Stateless: a caller that gets a head in many small pieces uses [`super::HeadReader`].
pub fn parse_head(bytes: &[u8]) -> HeadStep<'_> {
    match judge(bytes, &mut 0) {
        Ok(Some(head)) => HeadStep::Head(head),
        Ok(None) => HeadStep::NeedMore,
        Err(fault) => HeadStep::Fault(fault),
    }
}

/// Judges the head at the front of `bytes`, whose lines were searched up to the one that begins
/// at `line_start`; moves `line_start` on while the head has not ended.
pub(super) fn judge<'a>(
    bytes: &'a [u8],
    line_start: &mut usize,
) -> Result<Option<Head<'a>>, HttpFault> {
    method_rule(bytes)?;
    match scan_lines(bytes, *line_start)? {
        Scan::Unfinished { line_start: reached } => {
            *line_start = reached;
            Ok(None)
        }
        Scan::Ends { head_bytes } => parse_whole(bytes, head_bytes).map(Some),
    }
}

/// How far the search for the end of a head came.
enum Scan {
    /// Not found. `line_start` is where the last, unfinished line begins: the search can go on
    /// there.
    Unfinished { line_start: usize },
    /// The empty line ends at `head_bytes`.
    Ends { head_bytes: usize },
}

/// Looks for the empty line, from a line that begins at `line_start` on.
///
/// Every line must end in CR LF: a lone LF, which some servers take for a line's end and others
/// do not, is how requests are smuggled.
fn scan_lines(bytes: &[u8], line_start: usize) -> Result<Scan, HttpFault> {
    let mut start = line_start;
    let window = bytes.get(..HEAD_BYTES_MAX).unwrap_or(bytes);
    while let Some(rest) = window.get(start..) {
        let Some(line_bytes) = rest.iter().position(|&byte| byte == b'\n') else { break };
        let line = rest.get(..line_bytes).unwrap_or_default();
        let Some(line) = line.strip_suffix(b"\r") else { return Err(HttpFault::LineEnding) };
        if line.iter().any(|&byte| byte == b'\r' || byte == 0) {
            return Err(HttpFault::LineEnding);
        }
        start = start.saturating_add(line_bytes).saturating_add(1);
        if line.is_empty() {
            return Ok(Scan::Ends { head_bytes: start });
        }
    }
    if bytes.len() >= HEAD_BYTES_MAX {
        return Err(HttpFault::HeadTooLarge);
    }
    Ok(Scan::Unfinished { line_start: start })
}

/// Refuses bytes that do not begin with a method, before the head has ended.
fn method_rule(bytes: &[u8]) -> Result<(), HttpFault> {
    let window = bytes.get(..=METHOD_BYTES_MAX).unwrap_or(bytes);
    for &byte in window {
        match byte {
            b' ' => return Ok(()),
            b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' => {}
            _ => return Err(HttpFault::NotHttp),
        }
    }
    if bytes.len() > METHOD_BYTES_MAX { Err(HttpFault::NotHttp) } else { Ok(()) }
}

/// Takes a head apart whose lines were scanned: it ends at `head_bytes`.
fn parse_whole(bytes: &[u8], head_bytes: usize) -> Result<Head<'_>, HttpFault> {
    let bytes = bytes.get(..head_bytes).unwrap_or(bytes);
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_COUNT_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(parsed_bytes)) if parsed_bytes == head_bytes => {}
        Ok(_) => return Err(HttpFault::RequestLine),
        Err(error) => return Err(fault_of(error)),
    }
    let version = match request.version {
        Some(0) => Version::Http10,
        Some(1) => Version::Http11,
        _ => return Err(HttpFault::VersionUnsupported),
    };
    let target = request.path.unwrap_or_default();
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(HttpFault::RequestLine);
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut fields = Fields::default();
    for header in request.headers.iter() {
        fields.take(header.name, header.value)?;
    }
    fields.into_head(HeadLine {
        method: method(request.method.unwrap_or_default()),
        path,
        query,
        version,
        head_bytes,
    })
}

fn fault_of(error: httparse::Error) -> HttpFault {
    match error {
        httparse::Error::TooManyHeaders => HttpFault::TooManyHeaders,
        httparse::Error::Version => HttpFault::VersionUnsupported,
        httparse::Error::HeaderName | httparse::Error::HeaderValue => HttpFault::HeaderLine,
        httparse::Error::NewLine => HttpFault::LineEnding,
        httparse::Error::Token | httparse::Error::Status => HttpFault::RequestLine,
    }
}

fn method(name: &str) -> Method {
    match name {
        "GET" => Method::Get,
        "POST" => Method::Post,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => Method::Other,
    }
}

/// What the headers of a signed request begin with.
const SIGNED_PREFIX: &str = "coulisse-";

fn is_of_signed(name: &str) -> bool {
    let start = name.get(..SIGNED_PREFIX.len());
    start.is_some_and(|start| start.eq_ignore_ascii_case(SIGNED_PREFIX))
}

/// What the request line said.
#[derive(Clone, Copy)]
struct HeadLine<'a> {
    method: Method,
    path: &'a str,
    query: &'a str,
    version: Version,
    head_bytes: usize,
}

/// The headers of interest, as they are met.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "tokens of lists, each met or not")]
struct Fields<'a> {
    host: Option<&'a [u8]>,
    origin: Option<&'a [u8]>,
    forwarded_for: Option<&'a [u8]>,
    content_length: Option<u64>,
    chunked: bool,
    upgrade_websocket: bool,
    connection_upgrade: bool,
    connection_close: bool,
    connection_keep_alive: bool,
    websocket_key: Option<&'a [u8]>,
    websocket_version: Option<&'a [u8]>,
    websocket_protocol: Option<&'a [u8]>,
    deflate: Offer,
    signed: Signed<'a>,
    authorization: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    fn take(&mut self, name: &str, value: &'a [u8]) -> Result<(), HttpFault> {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        if is("host") {
            once(&mut self.host, value, HttpFault::HostRepeated)
        } else if is("origin") {
            // Two origins are none that an allow-list could hold.
            let value = if self.origin.is_some() { b"" } else { value };
            self.origin = Some(value);
            Ok(())
        } else if is("authorization") {
            let value = if self.authorization.is_some() { b"" } else { value };
            self.authorization = Some(value);
            Ok(())
        } else if is("x-forwarded-for") {
            self.forwarded_for = Some(value);
            Ok(())
        } else if is("content-length") {
            let length = decimal(value).ok_or(HttpFault::ContentLengthInvalid)?;
            once(&mut self.content_length, length, HttpFault::ContentLengthRepeated)
        } else if is("transfer-encoding") {
            let fault = HttpFault::TransferEncodingUnsupported;
            if self.chunked || !value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return Err(fault);
            }
            self.chunked = true;
            Ok(())
        } else if is("upgrade") {
            self.upgrade_websocket |= names(value, b"websocket");
            Ok(())
        } else if is("connection") {
            self.connection_upgrade |= names(value, b"upgrade");
            self.connection_close |= names(value, b"close");
            self.connection_keep_alive |= names(value, b"keep-alive");
            Ok(())
        } else if is("sec-websocket-key") {
            once(&mut self.websocket_key, value, HttpFault::HandshakeHeaderRepeated)
        } else if is("sec-websocket-version") {
            once(&mut self.websocket_version, value, HttpFault::HandshakeHeaderRepeated)
        } else if is("sec-websocket-protocol") {
            once(&mut self.websocket_protocol, value, HttpFault::HandshakeHeaderRepeated)
        } else if is("sec-websocket-extensions") {
            self.deflate = self.deflate.and(value);
            Ok(())
        } else {
            if let Some(name) = name.get(SIGNED_PREFIX.len()..).filter(|_| is_of_signed(name)) {
                self.take_signed(name, value);
            }
            Ok(())
        }
    }

    /// A header that stands twice is none that was signed.
    fn take_signed(&mut self, name: &str, value: &'a [u8]) {
        let is = |known: &str| name.eq_ignore_ascii_case(known);
        let place = if is("key") {
            &mut self.signed.key
        } else if is("timestamp") {
            &mut self.signed.timestamp
        } else if is("nonce") {
            &mut self.signed.nonce
        } else if is("window") {
            &mut self.signed.window
        } else if is("signature") {
            &mut self.signed.signature
        } else {
            return;
        };
        *place = Some(if place.is_some() { "" } else { text(value) });
    }

    fn into_head(self, line: HeadLine<'a>) -> Result<Head<'a>, HttpFault> {
        if self.host.is_none() && line.version == Version::Http11 {
            return Err(HttpFault::HostMissing);
        }
        let host = self.host.map(host_text).transpose()?;
        let body = match (self.chunked, self.content_length) {
            (true, Some(_)) => return Err(HttpFault::LengthAmbiguous),
            (true, None) if line.version == Version::Http10 => {
                return Err(HttpFault::TransferEncodingUnsupported);
            }
            (true, None) => Body::Chunked,
            (false, Some(bytes)) => Body::Length(bytes),
            (false, None) => Body::None,
        };
        let old = line.version == Version::Http10;
        Ok(Head {
            method: line.method,
            path: line.path,
            query: line.query,
            version: line.version,
            host,
            origin: self.origin.map(text),
            forwarded_for: self.forwarded_for.map(text),
            body,
            upgrade_websocket: self.upgrade_websocket,
            connection_upgrade: self.connection_upgrade,
            connection_close: self.connection_close || (old && !self.connection_keep_alive),
            websocket_key: self.websocket_key.map(text),
            websocket_version: self.websocket_version.map(text),
            websocket_protocol: self.websocket_protocol.map(text),
            deflate: self.deflate,
            signed: self.signed,
            authorization: self.authorization.map(text),
            head_bytes: line.head_bytes,
        })
    }
}

/// Keeps a header's value, unless it was met before.
fn once<T>(place: &mut Option<T>, value: T, fault: HttpFault) -> Result<(), HttpFault> {
    if place.replace(value).is_some() { Err(fault) } else { Ok(()) }
}

/// A value as text, without outer spaces; empty where it is not text.
fn text(value: &[u8]) -> &str {
    core::str::from_utf8(value.trim_ascii()).unwrap_or_default()
}

/// Whether a list with commas names `token`, whatever its case.
fn names(value: &[u8], token: &[u8]) -> bool {
    value.split(|&byte| byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(token))
}

/// Reads digits and nothing else: no sign, no list, no overflow.
fn decimal(value: &[u8]) -> Option<u64> {
    let digits = text(value);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// A host and perhaps a port, by its alphabet (RFC 3986 section 3.2.2).
fn host_text(value: &[u8]) -> Result<&str, HttpFault> {
    let host = text(value);
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(&byte);
    if host.is_empty() || !host.bytes().all(known) {
        return Err(HttpFault::HostInvalid);
    }
    Ok(host)
}
