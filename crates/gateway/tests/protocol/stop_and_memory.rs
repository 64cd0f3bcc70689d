//! The frame cap (stop and resume), and what a connection keeps.

use crate::seeded::Seeded;
use crate::seen::{Seen, read_at_once};
use coulisse_gateway::frame::{
    Fed, Flow, FrameFault, FrameHead, FrameReader, Message, Opcode, Role, write_frame,
};
use coulisse_gateway::limits::{BACKLOG_BYTES_MAX, CARRY_BYTES_KEPT_MAX};

fn texts(count: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    for index in 0..count {
        let payload = format!("message {index}");
        let head = FrameHead::masked(Opcode::Text, [1, 2, 3, 4]);
        write_frame(&mut stream, head, payload.as_bytes());
    }
    stream
}

/// Reads `reads`, at most `cap` messages a call, resuming after each read until all came.
fn read_capped(reads: &[&[u8]], cap: usize) -> Vec<Seen> {
    let mut reader = FrameReader::new(Role::Server);
    let mut seen = Vec::new();
    for read in reads {
        let mut left = cap;
        let mut sink = |message: Message<'_>| {
            seen.push(message.into());
            left -= 1;
            if left == 0 {
                left = cap;
                Flow::Stop
            } else {
                Flow::Continue
            }
        };
        let mut fed = reader.feed(&mut read.to_vec(), &mut sink);
        while fed == Ok(Fed::Stopped) {
            fed = reader.resume(&mut sink);
        }
        if let Err(fault) = fed {
            seen.push(Seen::Fault(fault));
        }
    }
    seen
}

#[test]
fn any_cap_and_any_split_give_the_same_messages() {
    let stream = [texts(12).as_slice(), &[0x88, 0x80, 0, 0, 0, 0, 0x81]].concat();
    let expected = read_at_once(Role::Server, &stream);
    assert_eq!(expected.len(), 13);
    for cap in 1..=14 {
        for at in 0..=stream.len() {
            let (left, right) = stream.split_at(at);
            assert_eq!(read_capped(&[left, right], cap), expected, "cap {cap}, split at {at}");
        }
    }
}

#[test]
fn reads_during_a_stop_queue_behind_it_in_order() {
    let stream = texts(20);
    let mut reader = FrameReader::new(Role::Server);
    let mut seen: Vec<Seen> = Vec::new();
    for piece in stream.chunks(17) {
        let _ = reader
            .feed(&mut piece.to_vec(), &mut |message| {
                seen.push(message.into());
                Flow::Stop
            })
            .expect("sound frames");
    }
    while reader.is_stopped() {
        let _ = reader
            .resume(&mut |message| {
                seen.push(message.into());
                Flow::Stop
            })
            .expect("sound frames");
    }
    assert_eq!(seen, read_at_once(Role::Server, &stream));
    assert_eq!(reader.kept_bytes(), 0);
}

#[test]
fn a_stop_behind_the_last_message_leaves_nothing_to_resume() {
    let mut reader = FrameReader::new(Role::Server);
    let fed = reader.feed(&mut texts(1), &mut |_| Flow::Stop);
    assert_eq!(fed, Ok(Fed::Drained));
    assert!(!reader.is_stopped());
    assert_eq!(reader.resume(&mut |_| Flow::Continue), Ok(Fed::Drained));
}

#[test]
fn a_caller_that_reads_on_during_a_stop_meets_the_backlog_limit() {
    let mut reader = FrameReader::new(Role::Server);
    let mut fed = reader.feed(&mut texts(1_000), &mut |_| Flow::Stop);
    let mut read_bytes = texts(1_000).len();
    while fed.is_ok() {
        assert!(reader.kept_bytes() <= BACKLOG_BYTES_MAX);
        fed = reader.feed(&mut texts(1_000), &mut |_| Flow::Stop);
        read_bytes += texts(1_000).len();
    }
    assert!(matches!(fed, Err(FrameFault::BacklogFull { bytes }) if bytes > BACKLOG_BYTES_MAX));
    assert!(read_bytes < BACKLOG_BYTES_MAX + 2 * texts(1_000).len());
    assert_eq!(reader.allocated_bytes(), 0, "a closed reader keeps nothing");
}

#[test]
fn whole_frames_allocate_nothing() {
    let mut reader = FrameReader::new(Role::Server);
    let mut count = 0;
    let fed = reader.feed(&mut texts(100), &mut |_| {
        count += 1;
        Flow::Continue
    });
    assert_eq!((fed, count, reader.allocated_bytes()), (Ok(Fed::Drained), 100, 0));
}

#[test]
fn a_whole_text_is_a_slice_of_the_read() {
    let mut read = texts(1);
    let range = read.as_ptr_range();
    let mut reader = FrameReader::new(Role::Server);
    let mut inside = false;
    let fed = reader.feed(&mut read, &mut |message| {
        if let Message::Text(text) = message {
            inside = range.contains(&text.as_ptr());
        }
        Flow::Continue
    });
    assert_eq!((fed, inside), (Ok(Fed::Drained), true));
}

#[test]
fn an_idle_connection_keeps_a_small_buffer_at_most() {
    let mut seeded = Seeded::new(3);
    let mut reader = FrameReader::new(Role::Server);
    for size in [10, 200, 5_000, 65_536, 300] {
        let payload = seeded.bytes(size);
        let mut stream = Vec::new();
        let key = Some([1, 2, 3, 4]);
        for (fin, opcode) in [(false, Opcode::Binary), (true, Opcode::Continuation)] {
            let half = if fin { &payload[size / 2..] } else { &payload[..size / 2] };
            write_frame(&mut stream, FrameHead { fin, opcode, mask: key }, half);
        }
        let mut count = 0;
        for piece in stream.chunks(1_000) {
            let fed = reader.feed(&mut piece.to_vec(), &mut |_| {
                count += 1;
                Flow::Continue
            });
            assert_eq!(fed, Ok(Fed::Drained));
        }
        assert_eq!((count, reader.kept_bytes()), (1, 0));
        let kept = reader.allocated_bytes();
        assert!(kept <= 2 * CARRY_BYTES_KEPT_MAX, "{kept} bytes kept after {size}");
    }
}

#[test]
fn a_declared_length_alone_allocates_almost_nothing() {
    let mut reader = FrameReader::new(Role::Server);
    let mut header = vec![0x82, 0xFF, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4];
    assert_eq!(reader.feed(&mut header, &mut |_| Flow::Continue), Ok(Fed::Drained));
    assert_eq!(reader.kept_bytes(), 14);
    assert!(reader.allocated_bytes() <= 64);
}

#[test]
fn a_close_gives_all_memory_back() {
    let mut reader = FrameReader::new(Role::Server);
    let mut stream = [0x01, 0x81, 0, 0, 0, 0, b'a', 0x88, 0x80, 0, 0, 0, 0, 0x81];
    assert_eq!(reader.feed(&mut stream, &mut |_| Flow::Continue), Ok(Fed::Closed));
    assert_eq!((reader.kept_bytes(), reader.allocated_bytes()), (0, 0));
    assert_eq!(reader.feed(&mut texts(1), &mut |_| Flow::Continue), Ok(Fed::Closed));
    assert_eq!(reader.resume(&mut |_| Flow::Continue), Ok(Fed::Closed));
}

#[test]
fn a_callback_that_stops_at_a_close_is_closed_and_not_stopped() {
    let mut reader = FrameReader::new(Role::Server);
    let mut stream = [&[0x88, 0x80, 0, 0, 0, 0], texts(1).as_slice()].concat();
    assert_eq!(reader.feed(&mut stream, &mut |_| Flow::Stop), Ok(Fed::Closed));
    assert_eq!((reader.is_stopped(), reader.kept_bytes()), (false, 0));
}
