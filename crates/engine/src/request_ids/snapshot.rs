//! Request ids written down, oldest first.

use super::{Request, RequestIds};
use crate::snapshot::codec::{Decoder, Encoder};
use crate::snapshot::{SnapshotError, SnapshotFault};
use alloc::vec::Vec;
use coulisse_types::Command;

impl Request {
    fn encode_row(&self, out: &mut Encoder<'_>, body: &mut Vec<u8>) {
        let Self { account, id, first_seq, command } = self;
        out.put(account);
        out.put(id);
        out.put(first_seq);
        out.put(&command.kind().number());
        body.clear();
        command.encode_body(body);
        out.bytes(body);
    }

    fn decode_row(from: &mut Decoder<'_>) -> Result<Self, SnapshotError> {
        let (account, id, first_seq) = (from.get()?, from.get()?, from.get()?);
        let kind = from.get()?;
        match Command::decode_body(kind, from.bytes()?) {
            Some(command) => Ok(Self { account, id, first_seq, command }),
            None => Err(from.fault(SnapshotFault::Malformed)),
        }
    }
}

impl RequestIds {
    pub(crate) fn encode(&self, out: &mut Encoder<'_>) {
        // Where the oldest stands in the ring is told by the order.
        let Self { ring, oldest: _, index: _, max: _ } = self;
        out.put(&ring.len());
        let mut body = Vec::new();
        for request in self.iter() {
            request.encode_row(out, &mut body);
        }
    }

    /// Reads the requests into an empty table.
    pub(crate) fn decode(&mut self, from: &mut Decoder<'_>) -> Result<(), SnapshotError> {
        for _ in 0..from.count(self.max)? {
            let request = Request::decode_row(from)?;
            let is_new = self.find(request.account, request.id).is_none();
            from.agree(is_new, "a request id that is remembered twice")?;
            self.remember(request);
        }
        Ok(())
    }
}
