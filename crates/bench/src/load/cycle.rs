//! The rows of a workload as frames that are sent round after round, each time with ids of their own.
//!
//! Ids have so many digits that they keep their place in the frame, so sending one again is a copy and
//! two numbers. At the end of a round each account cancels all that it has left: a round leaves nothing,
//! and the next one builds the book again.

use super::accounts::Account;
use super::frames::write_request;
use crate::workload::{Kind, Row};
use coulisse_gateway::frame::{FrameHead, Opcode, write_frame};
use coulisse_types::ClientOrderId;
use std::io::Write;

/// The id of the first request: as many digits as the last one may have.
const FIRST_ID: u64 = 1_000_000_000;
const ID_DIGITS: usize = 10;
/// Digits of a client order id.
const ORDER_DIGITS: usize = 12;
/// No mask: the digits can be replaced where they stand. To the server it is a mask like any other.
const MASK: [u8; 4] = [0; 4];
/// Behind the client order id stand its quotation mark and two braces.
const TAIL_BYTES: usize = 3;
/// Behind the head of a frame stands `{"id":`.
const ID_AT: usize = 6;
/// What ends a round of an account.
const CANCEL_ALL: &[u8] = br#""op":"order.cancel_all","params":{}}"#;

/// Frames, and which connection sends which.
#[derive(Debug)]
pub struct Cycle {
    bytes: Vec<u8>,
    frames: Vec<Frame>,
    /// The places of the frames of each connection, in order.
    by_connection: Vec<Vec<u32>>,
    /// What a client order id grows by from round to round.
    stride: u64,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    start: usize,
    end: usize,
    head_bytes: usize,
    /// Its client order id in the first round, if it is about one order.
    order: Option<u64>,
    is_cancel: bool,
    connection: u32,
}

impl Cycle {
    /// Makes a frame of each row, and one for each account behind them; accounts and connections as in
    /// `frames`.
    pub fn prepare(rows: &[Row], symbol: &str, accounts: &[Account], connections: usize) -> Self {
        let mut cycle = Self {
            bytes: Vec::new(),
            frames: Vec::with_capacity(rows.len()),
            by_connection: vec![Vec::new(); connections],
            stride: rows.iter().map(|row| row.id.0).max().unwrap_or(0) + 1,
        };
        let mut text = Vec::new();
        for row in rows {
            let account = usize::try_from(row.id.0).unwrap_or_default() % accounts.len();
            let connection = account % connections;
            let named = (account != connection).then(|| accounts[account].name.as_str());
            let digits = format!("{:0width$}", row.id.0, width = ORDER_DIGITS);
            let client_order_id = ClientOrderId::new(digits.as_bytes()).unwrap_or_default();
            text.clear();
            let id = usize::try_from(FIRST_ID).unwrap_or_default();
            write_request(&mut text, &Row { client_order_id, ..*row }, id, symbol, named);
            cycle.push(connection, &text, Some(row.id.0), row.kind == Kind::Cancel);
        }
        for (account, of) in accounts.iter().enumerate() {
            let connection = account % connections;
            text.clear();
            // Writing to a Vec cannot fail.
            let _ = write!(text, r#"{{"id":{FIRST_ID},"#);
            if account != connection {
                let _ = write!(text, r#""account":"{}","#, of.name);
            }
            text.extend_from_slice(CANCEL_ALL);
            cycle.push(connection, &text, None, true);
        }
        cycle
    }

    fn push(&mut self, connection: usize, text: &[u8], order: Option<u64>, is_cancel: bool) {
        let start = self.bytes.len();
        write_frame(&mut self.bytes, FrameHead::masked(Opcode::Text, MASK), text);
        let end = self.bytes.len();
        let head_bytes = end - start - text.len();
        self.by_connection[connection].push(u32::try_from(self.frames.len()).unwrap_or_default());
        let connection = u32::try_from(connection).unwrap_or_default();
        self.frames.push(Frame { start, end, head_bytes, order, is_cancel, connection });
    }

    /// How many frames a round has.
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The place and the round of the frame that a connection sends after `sent` others, if it has any.
    pub fn place(&self, connection: usize, sent: u64) -> Option<(usize, u64)> {
        let places = &self.by_connection[connection];
        let count = u64::try_from(places.len()).ok().filter(|count| *count > 0)?;
        let place = places[usize::try_from(sent % count).unwrap_or_default()];
        Some((place as usize, sent / count))
    }

    /// Appends the frame of a place with the ids of a round.
    pub fn append(&self, place: usize, round: u64, out: &mut Vec<u8>) {
        let frame = self.frames[place];
        let start = out.len();
        out.extend_from_slice(&self.bytes[frame.start..frame.end]);
        let id = FIRST_ID + round * self.frames.len() as u64 + place as u64;
        let id_at = start + frame.head_bytes + ID_AT;
        write_digits(&mut out[id_at..id_at + ID_DIGITS], id);
        if let Some(order) = frame.order {
            let order_end = out.len() - TAIL_BYTES;
            let order = order + round * self.stride;
            write_digits(&mut out[order_end - ORDER_DIGITS..order_end], order);
        }
    }

    /// The place of the frame that had this request id, in whichever round.
    pub fn place_of(&self, request_id: usize) -> Option<usize> {
        let id = u64::try_from(request_id).ok()?.checked_sub(FIRST_ID)?;
        usize::try_from(id.checked_rem(self.frames.len() as u64)?).ok()
    }

    /// Whether a frame cancels.
    pub fn is_cancel(&self, place: usize) -> bool {
        self.frames[place].is_cancel
    }

    /// The connection that sends the frame of a place.
    pub fn connection(&self, place: usize) -> usize {
        // Made of a usize.
        self.frames[place].connection as usize
    }

    /// The order that the frame of a place would make, as it is called in the first round; none where it
    /// cancels.
    pub fn new_order(&self, place: usize) -> Option<u64> {
        let frame = self.frames[place];
        frame.order.filter(|_| !frame.is_cancel)
    }

    /// What an order's number grows by from round to round: one more than the highest of a round.
    pub const fn stride(&self) -> u64 {
        self.stride
    }

    /// The place and the round of the frame that had this request id.
    pub fn sent_as(&self, request_id: usize) -> Option<(usize, u64)> {
        let id = u64::try_from(request_id).ok()?.checked_sub(FIRST_ID)?;
        let round = id.checked_div(self.frames.len() as u64)?;
        Some((self.place_of(request_id)?, round))
    }
}

fn write_digits(out: &mut [u8], mut value: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::frames::texts_of;
    use crate::workload;

    #[test]
    fn each_round_sends_the_same_requests_with_other_ids() {
        let accounts = ["a", "b"].map(|name| Account {
            name: name.to_owned(),
            key_id: name.to_owned(),
            private_key: [0; 32],
        });
        let rows = workload::parse("A,4,1,100003,5\nA,5,0,100001,7\nC,4,0,0,0\n", 1);
        let cycle = Cycle::prepare(&rows.expect("rows"), "BTC-USD", &accounts, 2);
        assert_eq!(cycle.place(0, 0), Some((0, 0)));
        assert_eq!([1, 2, 4].map(|sent| cycle.place(0, sent)), [(2, 0), (3, 0), (2, 1)].map(Some));
        assert_eq!(cycle.place(1, 5), Some((4, 2)));
        let mut bytes = Vec::new();
        cycle.append(0, 0, &mut bytes);
        cycle.append(2, 1, &mut bytes);
        cycle.append(3, 1, &mut bytes);
        assert_eq!(
            texts_of(bytes),
            [
                r#"{"id":1000000000,"op":"order.place","params":{"symbol":"BTC-USD","side":"sell","type":"limit","tif":"gtc","qty":"0.00005","price":"1000.03","client_order_id":"000000000004"}}"#,
                r#"{"id":1000000007,"op":"order.cancel","params":{"client_order_id":"000000000010"}}"#,
                r#"{"id":1000000008,"op":"order.cancel_all","params":{}}"#,
            ]
        );
        assert_eq!((cycle.place_of(1_000_000_007), cycle.place_of(999)), (Some(2), None));
        assert!(cycle.is_cancel(2) && cycle.is_cancel(3) && !cycle.is_cancel(1));
    }
}
