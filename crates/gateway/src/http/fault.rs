//! What is refused before any route is looked at, and the bytes that say so.

use crate::limits::{BODY_BYTES_MAX, HEAD_BYTES_MAX, HEADERS_COUNT_MAX};
use core::fmt;

/// Why a request head was refused. The connection is closed after the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpFault {
    /// The first bytes are no HTTP method: a TLS hello, another protocol, an empty line.
    NotHttp,
    /// A line does not end in CR LF, or holds NUL or a bare CR.
    LineEnding,
    /// The request line is malformed.
    RequestLine,
    /// A header line is malformed, folded or holds control bytes.
    HeaderLine,
    /// The head is longer than [`HEAD_BYTES_MAX`].
    HeadTooLarge,
    /// There are more than [`HEADERS_COUNT_MAX`] header lines.
    TooManyHeaders,
    /// Not HTTP/1.0 or HTTP/1.1.
    VersionUnsupported,
    /// HTTP/1.1 without a Host.
    HostMissing,
    /// More than one Host.
    HostRepeated,
    /// A Host that is empty or holds bytes that no host has.
    HostInvalid,
    /// More than one Content-Length, even if equal.
    ContentLengthRepeated,
    /// A Content-Length that is not a plain decimal number.
    ContentLengthInvalid,
    /// Both Transfer-Encoding and Content-Length.
    LengthAmbiguous,
    /// A Transfer-Encoding other than one `chunked`, or any under HTTP/1.0.
    TransferEncodingUnsupported,
    /// A header of the WebSocket handshake stands twice.
    HandshakeHeaderRepeated,
    /// The head was not whole after [`crate::limits::HEAD_PUBLICATIONS_MAX`].
    HeadTooSlow,
    /// A Content-Length past [`BODY_BYTES_MAX`].
    BodyTooLarge,
    /// The address asks for more than it may.
    RateLimited,
}

impl HttpFault {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::NotHttp,
        Self::LineEnding,
        Self::RequestLine,
        Self::HeaderLine,
        Self::HeadTooLarge,
        Self::TooManyHeaders,
        Self::VersionUnsupported,
        Self::HostMissing,
        Self::HostRepeated,
        Self::HostInvalid,
        Self::ContentLengthRepeated,
        Self::ContentLengthInvalid,
        Self::LengthAmbiguous,
        Self::TransferEncodingUnsupported,
        Self::HandshakeHeaderRepeated,
        Self::HeadTooSlow,
        Self::BodyTooLarge,
        Self::RateLimited,
    ];

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::HeadTooLarge | Self::TooManyHeaders => 431,
            Self::VersionUnsupported => 505,
            Self::TransferEncodingUnsupported => 501,
            Self::HeadTooSlow => 408,
            Self::BodyTooLarge => 413,
            Self::RateLimited => 429,
            Self::NotHttp
            | Self::LineEnding
            | Self::RequestLine
            | Self::HeaderLine
            | Self::HostMissing
            | Self::HostRepeated
            | Self::HostInvalid
            | Self::ContentLengthRepeated
            | Self::ContentLengthInvalid
            | Self::LengthAmbiguous
            | Self::HandshakeHeaderRepeated => 400,
        }
    }

    /// The code in the body of the response.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotHttp => "HTTP_NOT_HTTP",
            Self::LineEnding => "HTTP_LINE_ENDING",
            Self::RequestLine => "HTTP_REQUEST_LINE",
            Self::HeaderLine => "HTTP_HEADER_LINE",
            Self::HeadTooLarge => "HTTP_HEAD_TOO_LARGE",
            Self::TooManyHeaders => "HTTP_TOO_MANY_HEADERS",
            Self::VersionUnsupported => "HTTP_VERSION_UNSUPPORTED",
            Self::HostMissing => "HTTP_HOST_MISSING",
            Self::HostRepeated => "HTTP_HOST_REPEATED",
            Self::HostInvalid => "HTTP_HOST_INVALID",
            Self::ContentLengthRepeated => "HTTP_CONTENT_LENGTH_REPEATED",
            Self::ContentLengthInvalid => "HTTP_CONTENT_LENGTH_INVALID",
            Self::LengthAmbiguous => "HTTP_LENGTH_AMBIGUOUS",
            Self::TransferEncodingUnsupported => "HTTP_TRANSFER_ENCODING_UNSUPPORTED",
            Self::HandshakeHeaderRepeated => "HTTP_HANDSHAKE_HEADER_REPEATED",
            Self::HeadTooSlow => "HTTP_HEAD_TOO_SLOW",
            Self::BodyTooLarge => "HTTP_BODY_TOO_LARGE",
            Self::RateLimited => "RATE_LIMITED",
        }
    }

    /// The whole response: status line, headers, JSON body; it announces the close.
    pub fn response(self) -> Vec<u8> {
        error_response(self.status(), self.code(), &self.to_string(), "")
    }
}

impl fmt::Display for HttpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("this is not an HTTP/1.1 request"),
            Self::LineEnding => f.write_str("lines must end in CR LF and hold no NUL"),
            Self::RequestLine => f.write_str("malformed request line"),
            Self::HeaderLine => f.write_str("malformed header line"),
            Self::HeadTooLarge => write!(f, "the head is longer than {HEAD_BYTES_MAX} bytes"),
            Self::TooManyHeaders => write!(f, "more than {HEADERS_COUNT_MAX} headers"),
            Self::VersionUnsupported => f.write_str("only HTTP/1.1 and HTTP/1.0 are spoken here"),
            Self::HostMissing => f.write_str("the Host header is missing"),
            Self::HostRepeated => f.write_str("the Host header stands more than once"),
            Self::HostInvalid => f.write_str("the Host header is not a host"),
            Self::ContentLengthRepeated => f.write_str("Content-Length stands more than once"),
            Self::ContentLengthInvalid => f.write_str("Content-Length is not a decimal number"),
            Self::LengthAmbiguous => f.write_str("both Transfer-Encoding and Content-Length"),
            Self::TransferEncodingUnsupported => {
                f.write_str("the only transfer coding spoken here is chunked, once, in HTTP/1.1")
            }
            Self::HandshakeHeaderRepeated => {
                f.write_str("a Sec-WebSocket header stands more than once")
            }
            Self::HeadTooSlow => f.write_str("the head of the request did not come in time"),
            Self::BodyTooLarge => write!(
                f,
                "the body is longer than {BODY_BYTES_MAX} bytes, or a private request's is chunked"
            ),
            Self::RateLimited => f.write_str("this address asks for more than it may"),
        }
    }
}

impl core::error::Error for HttpFault {}

/// A whole error response, with `{"ok":false,"error":{"code":…,"message":…,"state":"not_sent"}}` and
/// `Connection: close`.
///
/// `more_headers` is empty or whole header lines, each ended by CR LF; it is not escaped, so it
/// must hold nothing that a peer chose. `code` and `message` may hold anything.
pub fn error_response(status: u16, code: &str, message: &str, more_headers: &str) -> Vec<u8> {
    let body = format!(
        "{{\"ok\":false,\"error\":{{\"code\":{},\"message\":{},\"state\":\"not_sent\"}}}}",
        JsonText(code),
        JsonText(message)
    );
    format!(
        "HTTP/1.1 {status} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
         {more_headers}Connection: close\r\n\r\n{body}",
        reason_phrase(status),
        body.len()
    )
    .into_bytes()
}

/// A string as a JSON literal.
struct JsonText<'a>(&'a str);

impl fmt::Display for JsonText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        f.write_char('"')?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => {
                    f.write_char('\\')?;
                    f.write_char(character)?;
                }
                control if control < ' ' => write!(f, "\\u{:04x}", u32::from(control))?,
                plain => f.write_char(plain)?,
            }
        }
        f.write_char('"')
    }
}

/// The words beside a status; clients ignore them.
pub(crate) const fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        422 => "Unprocessable Content",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "Error",
    }
}
