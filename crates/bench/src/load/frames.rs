//! The rows of a workload as masked frames, made before a shape starts.

use super::accounts::Account;
use crate::workload::{Kind, Row};
use coulisse_gateway::frame::{FrameHead, Opcode, write_frame};
use coulisse_types::decimal;
use std::io::Write;

/// Decimals of a price: a tick is 0.01.
const PRICE_DECIMALS: u8 = 2;
/// Decimals of a quantity: a lot is 0.00001.
const QTY_DECIMALS: u8 = 5;
/// What a frame is expected to take.
const FRAME_BYTES: usize = 200;

/// Frames in the order of their rows.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where each frame ends.
    ends: Vec<usize>,
    /// Which connection sends each.
    connections: Vec<u32>,
    /// Which of them cancel.
    cancels: Vec<bool>,
    first_id: usize,
}

impl Frames {
    /// Makes a frame of each row. The request's id is `first_id` plus the row's place.
    ///
    /// Account = id mod the accounts there are, connection = account mod `connections`; a request for
    /// another account than that of the connection's own key names it.
    pub fn prepare(
        rows: &[Row],
        first_id: usize,
        symbol: &str,
        accounts: &[Account],
        connections: usize,
    ) -> Self {
        let mut frames = Self {
            bytes: Vec::with_capacity(rows.len() * FRAME_BYTES),
            ends: Vec::with_capacity(rows.len()),
            connections: Vec::with_capacity(rows.len()),
            cancels: Vec::with_capacity(rows.len()),
            first_id,
        };
        let mut text = Vec::with_capacity(FRAME_BYTES);
        for (place, row) in rows.iter().enumerate() {
            let account = usize::try_from(row.id.0).unwrap_or_default() % accounts.len();
            let connection = account % connections;
            let named = (account != connection).then(|| accounts[account].name.as_str());
            text.clear();
            write_request(&mut text, row, first_id + place, symbol, named);
            // A mask that changes from frame to frame; its secrecy protects nothing here.
            let mask = u32::try_from(place & 0xFFFF_FFFF).unwrap_or_default();
            let mask = mask.wrapping_mul(0x9E37_79B1).to_be_bytes();
            write_frame(&mut frames.bytes, FrameHead::masked(Opcode::Text, mask), &text);
            frames.ends.push(frames.bytes.len());
            frames.cancels.push(row.kind == Kind::Cancel);
            frames.connections.push(u32::try_from(connection).unwrap_or_default());
        }
        frames
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The frame at a place.
    pub fn frame(&self, place: usize) -> &[u8] {
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        &self.bytes[start..self.ends[place]]
    }

    /// The connection that sends the frame at a place.
    pub fn connection(&self, place: usize) -> usize {
        // Made of a usize.
        self.connections[place] as usize
    }

    /// The places of all frames in the order in which they are sent where a connection sends `count` of
    /// its own at a time: each connection's stay in their order.
    pub fn in_writes_of(&self, count: usize) -> Vec<usize> {
        if count == 1 {
            return (0..self.len()).collect();
        }
        let connections = self.connections.iter().max().map_or(0, |last| *last as usize + 1);
        let mut waiting = vec![Vec::with_capacity(count); connections];
        let mut order = Vec::with_capacity(self.len());
        for place in 0..self.len() {
            let write = &mut waiting[self.connection(place)];
            write.push(place);
            if write.len() == count {
                order.append(write);
            }
        }
        order.extend(waiting.into_iter().flatten());
        order
    }

    /// Whether a frame cancels.
    pub fn is_cancel(&self, place: usize) -> bool {
        self.cancels[place]
    }

    /// The place of the frame with this request id.
    pub fn place_of(&self, request_id: usize) -> Option<usize> {
        request_id.checked_sub(self.first_id).filter(|place| *place < self.len())
    }
}

pub(super) fn write_request(
    out: &mut Vec<u8>,
    row: &Row,
    id: usize,
    symbol: &str,
    account: Option<&str>,
) {
    let op = if row.kind == Kind::Cancel { "order.cancel" } else { "order.place" };
    // Writing to a Vec cannot fail.
    let _ = write!(out, r#"{{"id":{id},"op":"{op}","#);
    if let Some(account) = account {
        let _ = write!(out, r#""account":"{account}","#);
    }
    let _ = write!(out, r#""params":"#);
    write_params(out, row, symbol);
    out.push(b'}');
}

/// Appends what a row asks for, as the parameters of its operation.
pub(crate) fn write_params(out: &mut Vec<u8>, row: &Row, symbol: &str) {
    out.push(b'{');
    if row.kind != Kind::Cancel {
        let side = row.side.name();
        let _ = write!(out, r#""symbol":"{symbol}","side":"{side}","type":"limit","tif":"gtc","#);
        out.extend_from_slice(br#""qty":""#);
        decimal::write(out, i128::from(row.qty.lots()), QTY_DECIMALS, QTY_DECIMALS);
        out.extend_from_slice(br#"","price":""#);
        decimal::write(out, i128::from(row.price.ticks()), PRICE_DECIMALS, PRICE_DECIMALS);
        out.extend_from_slice(br#"","#);
    }
    let client_order_id = row.client_order_id.as_str();
    let _ = write!(out, r#""client_order_id":"{client_order_id}"}}"#);
}

/// The texts of whole frames.
#[cfg(test)]
pub(super) fn texts_of(mut bytes: Vec<u8>) -> Vec<String> {
    use coulisse_gateway::frame::{Flow, FrameReader, Message, Role};

    let mut texts = Vec::new();
    let fed = FrameReader::new(Role::Server).feed(&mut bytes, &mut |message| {
        if let Message::Text(text) = message {
            texts.push(text.to_owned());
        }
        Flow::Continue
    });
    assert!(fed.is_ok());
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn rows_become_requests_of_their_accounts_on_their_connections() {
        let accounts = ["a", "b", "c"].map(|name| Account {
            name: name.to_owned(),
            key_id: name.to_owned(),
            private_key: [0; 32],
        });
        let rows = workload::parse("A,4,1,100003,5\nX,5,0,100005,70000\nC,4,0,0,0\n", 1);
        let frames = Frames::prepare(&rows.expect("rows"), 10, "BTC-USD", &accounts, 2);
        assert_eq!([0, 1, 2].map(|place| frames.connection(place)), [1, 0, 1]);
        assert_eq!(
            (frames.place_of(9), frames.place_of(12), frames.place_of(13)),
            (None, Some(2), None)
        );
        assert_eq!(frames.in_writes_of(1), [0, 1, 2]);
        assert_eq!(frames.in_writes_of(2), [0, 2, 1]);
        let each = |place: usize| texts_of(frames.frame(place).to_vec());
        let texts: Vec<String> = (0..frames.len()).flat_map(each).collect();
        assert_eq!(
            texts,
            [
                r#"{"id":10,"op":"order.place","params":{"symbol":"BTC-USD","side":"sell","type":"limit","tif":"gtc","qty":"0.00005","price":"1000.03","client_order_id":"4"}}"#,
                r#"{"id":11,"op":"order.place","account":"c","params":{"symbol":"BTC-USD","side":"buy","type":"limit","tif":"gtc","qty":"0.70000","price":"1000.05","client_order_id":"5"}}"#,
                r#"{"id":12,"op":"order.cancel","params":{"client_order_id":"4"}}"#,
            ]
        );
    }
}
