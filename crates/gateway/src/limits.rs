//! What a peer can make one connection cost, by name. Sizes in bytes unless the name says a count.

use coulisse_types::limits::RECORD_BYTES_MAX;

/// Longest HTTP request head, from the method to the empty line.
///
/// Large enough for browsers with big cookies, and one read of the transport.
pub const HEAD_BYTES_MAX: usize = 16 * 1_024;

/// Most header lines in one request head.
pub const HEADERS_COUNT_MAX: usize = 100;

/// Longest method name. The longest registered one (`UPDATEREDIRECTREF`) has 17 letters.
///
/// Bytes that hold no space within it are no HTTP (a TLS hello, say) and are refused at once
/// instead of being gathered up to [`HEAD_BYTES_MAX`].
pub const METHOD_BYTES_MAX: usize = 20;

/// Longest WebSocket message, whole or reassembled from fragments, in either direction of reading.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1_024;

/// Longest message of a socket that sends every message back, for conformance suites: they go up to
/// 16 MiB. There is no such socket unless the settings open one.
pub const ECHO_BYTES_MAX: usize = 16 * 1_024 * 1_024;

/// Longest payload of a control frame (RFC 6455 section 5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// Longest frame header: two bytes, eight of length, four of mask.
pub const FRAME_HEADER_BYTES_MAX: usize = 14;

/// Most bytes a paused reader keeps: the rest of a read that a callback stopped, behind a frame
/// that was already waiting for its end.
///
/// The transport reads [`READ_BYTES_MAX`] at a time and stops reading while the reader is paused, so
/// this is reached only by a caller that goes on reading.
pub const BACKLOG_BYTES_MAX: usize = 128 * 1_024;

/// Most bytes that a transport may read at a time.
pub const READ_BYTES_MAX: usize = 64 * 1_024;

/// Largest buffer that an emptied reader keeps; a larger one is given back to the allocator.
///
/// One order is 150 to 300 bytes, so the tail of a read fits without a new allocation each time,
/// and 20,000 idle connections keep at most 10 MB.
pub const CARRY_BYTES_KEPT_MAX: usize = 512;

/// Bytes at which the room begins that compressed messages are read into.
pub const INFLATE_STEP_BYTES: usize = 4 * 1_024;

/// Bytes of compressed messages, as they came and as they were, that one read works on before the rest waits
/// for the next turn: as much as a read brings of others. At worst 2 ms.
pub const INFLATE_BYTES_PER_READ: usize = READ_BYTES_MAX;

/// So many bytes of compressed messages, as they came, count as one more message of a turn, and so many as
/// they were: what they cost, in the worst case and in the plain one.
pub const INFLATE_PACKED_BYTES_PER_MESSAGE: u64 = 128;
/// See [`INFLATE_PACKED_BYTES_PER_MESSAGE`].
pub const INFLATE_BYTES_PER_MESSAGE: u64 = 1_024;

/// Longest message that is compressed: 2 ms. Longer ones, images of very deep books, go as they are.
pub const PACK_BYTES_MAX: usize = 256 * 1_024;

/// Shortest message of a public stream that is compressed: what a packet has room for anyway is not.
pub const PACK_STREAM_BYTES_MIN: usize = 256;

/// The same of what is written for one connection alone: replies to orders go as they are.
pub const PACK_REPLY_BYTES_MIN: usize = 1_024;

/// What compressing a stream may cost in one turn of the loop, in bytes: 1 ms.
pub const PACK_BYTES_PER_TURN: usize = 128 * 1_024;

const _: () = {
    assert!(MESSAGE_BYTES_MAX >= CONTROL_BYTES_MAX, "a control frame must fit");
    assert!(
        BACKLOG_BYTES_MAX >= MESSAGE_BYTES_MAX + FRAME_HEADER_BYTES_MAX + HEAD_BYTES_MAX,
        "the longest frame and one read behind it must fit"
    );
    assert!(HEAD_BYTES_MAX > METHOD_BYTES_MAX, "a head holds its method");
};

/// Most commands of one loop tick: with the longest records still one journal group.
pub const BATCH_COMMANDS_MAX: usize = 16_384;

/// How many of them only cancels may fill: whoever wants out gets in when orders no longer do.
pub const BATCH_CANCELS_RESERVED: usize = 1_024;

/// Commands of a batch that is not left to the end of its turn: far enough below
/// [`BATCH_COMMANDS_MAX`] that what comes before it is taken finds room.
pub const BATCH_FULL: usize = BATCH_COMMANDS_MAX / 2;

/// Most bytes that wait to leave on one connection; a session beyond it is closed.
pub const HELD_BYTES_MAX: usize = 1_024 * 1_024;

/// Bytes that wait to leave on one connection from which on it is not read, and those down to which it
/// is not: some 800 replies, and 200.
pub const HELD_STOP_BYTES: usize = 256 * 1_024;
/// See [`HELD_STOP_BYTES`].
pub const HELD_GO_BYTES: usize = 64 * 1_024;

/// Bytes behind a REST request that is not answered yet from which on its connection is not read.
pub const BEHIND_STOP_BYTES: usize = 32 * 1_024;

/// Publications of the feeds that a peer which is not read any more may take nothing of what waits for
/// it: 30 seconds, as long as another one may leave a ping unanswered.
pub const SLOW_PUBLICATIONS: u32 = PING_PUBLICATIONS + PONG_PUBLICATIONS;

/// Messages of all connections that one turn of the loop is to take: some 40 ms of orders.
pub const TURN_MESSAGES: u32 = 16_384;

/// Most messages that a turn takes of one connection: some 1 ms of orders.
pub const TURN_SHARE_MAX: u32 = 512;

/// As many it takes of each, however many there are.
pub const TURN_SHARE_MIN: u32 = 16;

/// So many full turns in a row, and orders beyond a connection's share are refused: some 150 ms.
pub const TURNS_FULL: u32 = 4;

/// Of so many messages that a full turn takes one more may be refused; the rest is not read. A refusal
/// costs a tenth of an order or less, so refusals cost less than a hundredth of what the node can do.
pub const TURN_REFUSALS_PART: u32 = 16;

const _: () = {
    assert!(HELD_GO_BYTES < HELD_STOP_BYTES && HELD_STOP_BYTES < HELD_BYTES_MAX, "in this order");
    assert!(BATCH_FULL < BATCH_COMMANDS_MAX - BATCH_CANCELS_RESERVED, "full comes before refused");
    assert!(TURN_SHARE_MIN > 0, "or nothing would ever be taken");
    assert!(
        BEHIND_STOP_BYTES + READ_BYTES_MAX <= BACKLOG_BYTES_MAX,
        "what is read before a connection waits is kept"
    );
};

/// Longest body of a private REST request: 50 orders with all their terms.
pub const CALL_BODY_BYTES_MAX: usize = 32 * 1_024;

/// How old a signed request may be where it does not say, in ms.
pub const CALL_WINDOW_DEFAULT_MS: u64 = 5_000;

/// How old a signed request may ask to be, in ms.
pub const CALL_WINDOW_MAX_MS: u64 = 60_000;

/// Trades of one instrument that are kept for those who ask later.
pub const TRADES_KEPT_MAX: usize = 1_000;

/// Candles of one interval of one instrument that are kept for those who ask later.
pub const CANDLES_KEPT_MAX: usize = 60;

/// Orders of a book that an image of `book_l3` may have; a subscription of more is refused.
pub const L3_ORDERS_MAX: usize = 50_000;

/// Most bytes of one public stream that may wait to be sent; past it, its listeners begin again with
/// an image.
pub const FAN_BYTES_MAX: usize = 256 * 1_024;

/// Listeners of public streams that are served in one turn of the loop: some 5 µs each, so that an
/// order never waits for more than 2 ms of them.
pub const SWEEP_SENDS_MAX: usize = 256;

/// As many are served in each turn, whatever else has come: the streams go on under any load of orders.
pub const SWEEP_SENDS_MIN: usize = 16;

/// After so many of them more it is looked whether something has come that goes before the rest: an
/// order waits for some 50 µs of them.
pub const SWEEP_SENDS_PER_LOOK: usize = 8;

/// A stream that is told of with each record and has more listeners than one turn serves rests this
/// long, in µs for each of them, between the beginnings of two sweeps: it takes half of the time.
pub const SWEEP_REST_US: i64 = 16;

/// Bytes of the ring from which clients are told what they missed: at 50,000 orders a second some two
/// seconds.
pub const RING_BYTES: usize = 32_000_000;

/// Messages of one stream that a client may have missed and still go on with it.
pub const RESUME_MESSAGES_MAX: usize = 20_000;

/// How many of them it is told in one turn of the loop.
pub const RESUME_SLICE: usize = 256;

/// Most bytes that wait on a connection while it is told more of what it missed.
pub const RESUME_HELD_BYTES_MAX: usize = 256 * 1_024;

/// Most subscriptions of one session.
pub const SUBSCRIPTIONS_MAX: usize = 256;

/// Publications of the feeds in a second: the driver is told this number and keeps it.
pub const PUBLICATIONS_PER_S: u32 = 10;

/// Publications of the feeds within which each connection is looked at once: 1 second.
pub const PATROL_PUBLICATIONS: usize = PUBLICATIONS_PER_S as usize;

/// Publications of the feeds that a socket may be silent before it is sent a ping: 20 seconds.
pub const PING_PUBLICATIONS: u32 = 20 * PUBLICATIONS_PER_S;

/// Publications of the feeds that the answer to a ping may take: 10 seconds.
pub const PONG_PUBLICATIONS: u32 = 10 * PUBLICATIONS_PER_S;

/// Addresses that have a bucket of their own; those beyond share one.
pub const ADDRESSES_MAX: usize = 65_536;

/// Logons a second that are checked; each takes some 0.1 ms of the loop.
pub const LOGONS_PER_S: u32 = 1_000;

/// Logons and commands of operators that wait for the process to write them down: as many as may come in the
/// time in which it looks for them.
pub const AUDIT_KEPT_MAX: usize = 8_192;

/// Logons that may come at once beyond that, as when a balancer moves.
pub const LOGONS_BURST: u32 = 4_000;

/// Places in which tries of passwords are counted, of names and of addresses.
pub const TRIES_PLACES: usize = 4_096;

/// Wrong passwords of one name at once, and after how many µs one more: 6 a minute.
pub const TRIES_OF_NAME_BURST: i64 = 10;
/// See [`TRIES_OF_NAME_BURST`].
pub const TRIES_OF_NAME_US: i64 = 10_000_000;

/// The same of one address, over all names: 30 a minute.
pub const TRIES_OF_ADDRESS_BURST: i64 = 30;
/// See [`TRIES_OF_ADDRESS_BURST`].
pub const TRIES_OF_ADDRESS_US: i64 = 2_000_000;

/// Ended sessions of one key that are kept apart; past it all that had begun are over.
pub const ENDED_SESSIONS_OF_KEY_MAX: usize = 64;

/// Fills that are kept for those who ask later, of all accounts together: 4 MB.
pub const FILLS_KEPT_MAX: usize = 16_384;

/// Fills of an account that are looked at for one page: less than 1 ms.
pub const FILLS_LOOKED_AT_MAX: usize = 4_096;

/// Questions of history that wait for the store or for a seq; more are answered `OVERLOADED`.
pub const HISTORY_WAITING_MAX: usize = 64;

/// Records of an account that are looked at for one page of history, because the store does not have them
/// yet: some 4 ms.
pub const HISTORY_RECORDS_MAX: usize = 4_096;

/// Reads that wait for a seq; more are answered `OVERLOADED`.
pub const READS_WAITING_MAX: usize = 1_024;

/// Publications of the feeds that a read waits for its seq: 2 seconds.
pub const MIN_SEQ_PUBLICATIONS_MAX: u32 = 2 * PUBLICATIONS_PER_S;

/// Orders that are tested in one turn of the loop, at its end: some 1 µs each.
pub const TRIALS_PER_TURN_MAX: usize = 1_024;

/// Longest body of an HTTP request.
pub const BODY_BYTES_MAX: u64 = 64 * 1_024;

/// Publications of the feeds within which a request head must be whole, counted from its first bytes:
/// 10 seconds.
pub const HEAD_PUBLICATIONS_MAX: u32 = 10 * PUBLICATIONS_PER_S;

/// Publications of the feeds that a connection may be open without asking for anything: 30 seconds.
pub const IDLE_PUBLICATIONS_MAX: u32 = 30 * PUBLICATIONS_PER_S;

/// Publications of the feeds that a closed connection may take to take the end of what it was sent, 5
/// seconds; then it is ended.
pub const LINGER_PUBLICATIONS_MAX: u32 = 5 * PUBLICATIONS_PER_S;

/// Commands of one worker that may wait for an answer: as many as one batch.
pub const LINK_COMMANDS_MAX: usize = BATCH_COMMANDS_MAX;

/// Bytes of a frame of commands at which it is closed.
pub const LINK_FRAME_BYTES: usize = 64 * 1_024;

/// Longest frame that a worker may send: one that was closed behind the longest record.
pub const LINK_UP_BYTES_MAX: usize = LINK_FRAME_BYTES + RECORD_BYTES_MAX;

/// Longest frame that the core may send: one group of the journal, and which records are whose.
pub const LINK_DOWN_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// Bytes that may wait for a worker to read them; past it the link ends. At 20,000 orders a second some
/// ten seconds.
pub const LINK_BYTES_MAX: usize = 32 * 1_024 * 1_024;

/// How many numbers for sessions a worker is given at a time.
pub const LINK_SESSIONS: u64 = 1 << 20;

/// Sessions of a node whose orders may go with them: more than may be connected. Past it the wish is
/// refused. 32 bytes each.
pub const SESSIONS_ARMED_MAX: usize = 1 << 18;
