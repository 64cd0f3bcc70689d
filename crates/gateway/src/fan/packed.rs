//! What a sweep sends, compressed once for all who take it so.
//!
//! It is made when the first of them has its turn, a bounded part in one turn of the loop, and dropped with
//! the sweep.

use super::Fan;
use crate::conn::first_payload;
use crate::deflate::{Deflater, Window};
use crate::frame::Opcode;
use crate::limits::{PACK_BYTES_PER_TURN, PACK_STREAM_BYTES_MIN};

/// The frames of a sweep for one window.
#[derive(Debug, Default)]
struct Pack {
    frames: Vec<u8>,
    /// Where the sweep's next message that is not here yet begins.
    done: usize,
    /// Where each message that is here ends, as it is and as it is here.
    ends: Vec<(usize, usize)>,
}

/// Those of both windows; most sweeps have none.
#[derive(Debug, Default)]
pub(super) struct Packs(Option<Box<[Pack; Window::ALL.len()]>>);

impl Packs {
    pub(super) fn clear(&mut self) {
        self.0 = None;
    }

    pub(super) fn allocated_bytes(&self) -> usize {
        let bytes =
            |pack: &Pack| pack.frames.capacity() + pack.ends.capacity() * size_of::<usize>() * 2;
        self.0.iter().flat_map(|packs| packs.iter()).map(bytes).sum()
    }
}

const fn place(window: Window) -> usize {
    match window {
        Window::Usual => 0,
        Window::Small => 1,
    }
}

impl Fan {
    /// Compresses more of what the sweep gives; gives `false` where that is not all yet.
    pub(crate) fn pack(&mut self, window: Window, deflater: &mut Deflater) -> bool {
        let pack = &mut self.packed.0.get_or_insert_default()[place(window)];
        let mut left = PACK_BYTES_PER_TURN;
        while pack.done < self.sending.len() {
            if left == 0 {
                return false;
            }
            let rest = &self.sending[pack.done..];
            // What cannot be taken apart is sent as it is; nothing of ours cannot.
            let (payload, tail) = first_payload(rest).unwrap_or((rest, &[]));
            let frame = &rest[..rest.len() - tail.len()];
            let is_packed = payload.len() >= PACK_STREAM_BYTES_MIN
                && deflater.pack(window, Opcode::Text, payload, 0, &mut pack.frames);
            if !is_packed {
                pack.frames.extend_from_slice(frame);
            }
            left = left.saturating_sub(Deflater::cost(payload.len()));
            pack.done += frame.len();
            pack.ends.push((pack.done, pack.frames.len()));
        }
        true
    }

    /// Whether all that the sweep gives is compressed.
    pub(crate) fn is_packed(&self, window: Window) -> bool {
        let packs = self.packed.0.as_ref();
        packs.is_some_and(|packs| packs[place(window)].done == self.sending.len())
    }

    /// What the sweep gives, compressed, from a byte on of what it is.
    pub(crate) fn packed_bytes(&self, window: Window, from: usize) -> &[u8] {
        let Some(packs) = &self.packed.0 else { return self.bytes(from) };
        let pack = &packs[place(window)];
        if from == 0 {
            return &pack.frames;
        }
        match pack.ends.binary_search_by_key(&from, |end| end.0) {
            Ok(at) => &pack.frames[pack.ends[at].1..],
            // Nobody came within a message.
            Err(_) => self.bytes(from),
        }
    }

    /// The listener whose turn it was has it again, with the next turn of the loop.
    pub(crate) fn wait_turn(&mut self) {
        self.next = self.next.saturating_sub(1);
    }
}
