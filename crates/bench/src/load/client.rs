//! The client's side of a session: upgrade, hello, logon. Blocking: it is done before the clock runs.

use super::accounts::{Account, unhex};
use crate::{Failure, failure};
use coulisse_gateway::frame::{Flow, FrameHead, FrameReader, Message, Opcode, Role, write_frame};
use coulisse_gateway::upgrade::accept_text;
use coulisse_wire::native::reply::write_logon_text;
use ed25519_dalek::{Signer, SigningKey};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What a server may take to answer one step of the handshake.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest answer to an upgrade.
const HEAD_BYTES_MAX: usize = 4_096;
/// Any 16 bytes in base64: each connection may use the same.
const WEBSOCKET_KEY: &str = "Y291bGlzc2UtYmVuY2g9PQ==";

/// A session being opened.
struct Opening {
    stream: TcpStream,
    reader: FrameReader,
    texts: Vec<String>,
}

/// Connects, upgrades and logs on with the account's key.
///
/// # Errors
/// The server is not there, does not answer in time, or refuses.
pub fn open_session(host: &str, port: u16, account: &Account) -> Result<TcpStream, Failure> {
    let (mut opening, hello) = greet(host, port)?;
    let nonce = nonce_of(&hello).ok_or_else(|| Failure(format!("not a hello: {hello}")))?;
    opening.send(&logon(account, &format!("{host}:{port}"), &nonce))?;
    let answer = opening.next_text()?;
    if !answer.starts_with(r#"{"id":0,"ok":true"#) {
        return failure(format!("logon of {}: {answer}", account.key_id));
    }
    opening.stream.set_read_timeout(None)?;
    Ok(opening.stream)
}

/// Connects and upgrades; the session is nobody's.
///
/// # Errors
/// The server is not there, does not answer in time, or refuses.
pub fn open_socket(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let (opening, _) = greet(host, port)?;
    opening.stream.set_read_timeout(None)?;
    Ok(opening.stream)
}

/// Connects and upgrades at a server that does not greet.
///
/// # Errors
/// The server is not there, does not answer in time, or refuses.
pub fn open_bare(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let opening = upgrade(host, port)?;
    opening.stream.set_read_timeout(None)?;
    Ok(opening.stream)
}

/// Connects and upgrades; returns the greeting, behind which nothing comes unasked.
fn greet(host: &str, port: u16) -> Result<(Opening, String), Failure> {
    let mut opening = upgrade(host, port)?;
    let hello = opening.next_text()?;
    Ok((opening, hello))
}

fn upgrade(host: &str, port: u16) -> Result<Opening, Failure> {
    let authority = format!("{host}:{port}");
    let mut stream = TcpStream::connect((host, port))
        .map_err(|error| Failure(format!("{authority}: {error}")))?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_nodelay(true)?;
    write!(
        stream,
        "GET /v1/ws HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {WEBSOCKET_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )?;
    let mut rest = read_head(&mut stream)?;
    let mut opening = Opening { stream, reader: FrameReader::new(Role::Client), texts: Vec::new() };
    opening.feed(&mut rest)?;
    Ok(opening)
}

/// Reads the head of the answer and returns what came behind it.
fn read_head(stream: &mut TcpStream) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let mut buffer = [0; HEAD_BYTES_MAX];
    let head_bytes = loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 || bytes.len() > HEAD_BYTES_MAX {
            return failure("the server closed before it answered the upgrade");
        }
        bytes.extend_from_slice(&buffer[..count]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_bytes]);
    let accept = accept_text(WEBSOCKET_KEY);
    let accept = std::str::from_utf8(&accept).unwrap_or_default();
    if !head.starts_with("HTTP/1.1 101 ") || !head.contains(accept) {
        return failure(format!("upgrade refused: {}", head.lines().next().unwrap_or_default()));
    }
    Ok(bytes.split_off(head_bytes))
}

impl Opening {
    fn feed(&mut self, bytes: &mut [u8]) -> Result<(), Failure> {
        let texts = &mut self.texts;
        let fed = self.reader.feed(bytes, &mut |message| {
            if let Message::Text(text) = message {
                texts.push(text.to_owned());
            }
            Flow::Continue
        });
        fed.map(|_| ()).map_err(|fault| Failure(format!("bad frame: {fault}")))
    }

    fn next_text(&mut self) -> Result<String, Failure> {
        let mut buffer = [0; HEAD_BYTES_MAX];
        while self.texts.is_empty() {
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return failure("the server closed during logon");
            }
            self.feed(&mut buffer[..count])?;
        }
        Ok(self.texts.remove(0))
    }

    fn send(&mut self, text: &str) -> Result<(), Failure> {
        let mut frame = Vec::new();
        write_frame(&mut frame, FrameHead::masked(Opcode::Text, [1, 2, 3, 4]), text.as_bytes());
        Ok(self.stream.write_all(&frame)?)
    }
}

fn nonce_of(hello: &str) -> Option<[u8; 16]> {
    let (_, rest) = hello.split_once(r#""nonce":""#)?;
    let (digits, _) = rest.split_once('"')?;
    let mut nonce = [0; 16];
    unhex(digits.as_bytes(), &mut nonce).map(|()| nonce)
}

fn logon(account: &Account, host: &str, nonce: &[u8; 16]) -> String {
    let mut text = Vec::new();
    write_logon_text(&mut text, host.as_bytes(), account.key_id.as_bytes(), nonce);
    let signature = SigningKey::from_bytes(&account.private_key).sign(&text);
    let (key_id, signature) = (&account.key_id, format!("{signature:x}"));
    format!(
        r#"{{"id":0,"op":"session.logon","params":{{"key_id":"{key_id}","signature":"{signature}"}}}}"#
    )
}
