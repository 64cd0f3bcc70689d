//! A core that is a table, a wire that keeps what was written, and the peers' side of both.

use coulisse_gateway::batch::{Batch, ConnId};
use coulisse_gateway::conn::LOCAL_PREFIX_BYTES;
use coulisse_gateway::frame::{
    Flow, FrameHead, FrameReader, Message, Opcode, Role as Side_, write_frame,
};
use coulisse_gateway::hub::{Hub, Received, Sink};
use coulisse_gateway::limits::{HELD_BYTES_MAX, READ_BYTES_MAX, RING_BYTES};
use coulisse_gateway::view::{CoreView, KeyView};
use coulisse_types::command::permission;
use coulisse_types::event::{
    AssetCreated, BalanceChanged, FeeTierChanged, InstrumentCreated, LevelChanged, OrdersCancelled,
    PositionChanged, Traded,
};
use coulisse_types::keys::{IdList, KeyLabel, KeyMaterial, NetworkList};
use coulisse_types::{
    AccountId, AccountName, Amount, AssetId, AssetName, ClientOrderId, Event, FeeRate, GroupId,
    InstrumentId, KeyId, KeyIndex, KeyScheme, KeyState, OrderId, Price, Qty, RecordHeader, Seq,
    Side, Symbol, TradeId,
};
use coulisse_wire::native::feed::{Balance, BookOrder, InstrumentStatus, OpenOrder};
use coulisse_wire::native::reply::write_logon_text;
use coulisse_wire::native::venue::{AccountRow, LimitRow};
use coulisse_wire::native::withdrawals::{CapRow, WithdrawalRow};
use ed25519_dalek::{Signer, SigningKey};

pub(crate) const NOW_US: i64 = 1_795_392_000_000_000;
pub(crate) const ALICE: AccountId = AccountId(1);
pub(crate) const BOB: AccountId = AccountId(2);
pub(crate) const BTC_USD: InstrumentId = InstrumentId(1);

/// What an answer says that agrees to compressed messages.
pub(crate) const PACKED: &str = "Sec-WebSocket-Extensions: permessage-deflate";

/// Alice's key, and what a logon with it signs.
const KEY_ID: &[u8] = b"alice";
const PRIVATE_KEY: [u8; 32] = [9; 32];
const NONCE: [u8; 16] = [7; 16];

/// What the hub asks of a core.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) seq: u64,
    pub(crate) bids: Vec<(Price, Qty)>,
    pub(crate) waiting: Option<OrderId>,
    pub(crate) risk: Vec<Event>,
    /// The orders on the book, in the order in which an image lists them.
    pub(crate) orders: Vec<BookOrder>,
}

impl CoreView for Table {
    fn seq(&self) -> Seq {
        Seq(self.seq)
    }
    fn key(&self, key_id: &[u8]) -> Option<KeyView> {
        let public_key = SigningKey::from_bytes(&PRIVATE_KEY).verifying_key();
        (key_id == KEY_ID).then(|| KeyView {
            key: KeyIndex(1),
            key_id: KeyId::new(KEY_ID).expect("short"),
            account: ALICE,
            scheme: KeyScheme::Ed25519,
            material: KeyMaterial::new(public_key.as_bytes()).expect("32 bytes"),
            permissions: permission::READ | permission::TRADE,
            state: KeyState::Active,
            label: KeyLabel::default(),
            expire_ns: 0,
            accounts: IdList::default(),
            instruments: IdList::default(),
            networks: NetworkList::default(),
        })
    }
    fn key_id(&self, key: KeyIndex) -> Option<KeyId> {
        (key == KeyIndex(1)).then(|| KeyId::new(KEY_ID).expect("short"))
    }
    fn keys(&self, _: AccountId, _: &mut Vec<KeyView>) {}
    fn withdrawals(&self, _: Option<AccountId>, _: &mut Vec<WithdrawalRow>) {}
    fn withdrawal_caps(&self, _: &mut Vec<CapRow>) {}
    fn accounts(&self, _: u64, _: usize, _: &mut Vec<AccountRow>) {}
    fn groups(&self, _: &mut Vec<(GroupId, AccountName)>) {}
    fn limits(&self, _: Option<u64>, _: usize, _: &mut Vec<LimitRow>) -> u32 {
        0
    }
    fn fee_tiers(&self, _: &mut Vec<FeeTierChanged>) {}
    fn account_id(&self, name: &[u8]) -> Option<AccountId> {
        [(&b"alice"[..], ALICE), (b"bob", BOB)].iter().find(|one| one.0 == name).map(|one| one.1)
    }
    fn account_name(&self, account: AccountId) -> Option<AccountName> {
        AccountName::new(if account == ALICE { b"alice" } else { b"bob" })
    }
    fn levels(&self, _: InstrumentId, side: Side, depth: usize, out: &mut Vec<(Price, Qty)>) {
        if side == Side::Buy {
            out.extend(self.bids.iter().take(depth));
        }
    }
    fn book_orders(&self, _: InstrumentId, out: &mut Vec<BookOrder>) {
        out.extend_from_slice(&self.orders);
    }
    fn book_order(&self, order_id: OrderId) -> Option<BookOrder> {
        self.orders.iter().find(|order| order.order_id == order_id).copied()
    }
    fn book_order_count(&self, _: InstrumentId) -> usize {
        self.orders.len()
    }
    fn open_orders(&self, _: AccountId, _: Option<InstrumentId>, _: &mut Vec<OpenOrder>) {}
    fn balances(&self, _: AccountId, _: &mut Vec<Balance>) {}
    fn order_instrument(
        &self,
        _: AccountId,
        _: OrderId,
        _: &ClientOrderId,
    ) -> Option<InstrumentId> {
        Some(BTC_USD)
    }
    fn is_waiting(&self, order_id: OrderId) -> bool {
        self.waiting == Some(order_id)
    }
    fn positions(&self, _: AccountId, _: &mut Vec<PositionChanged>) {}
    fn risk(&self, _: AccountId, out: &mut Vec<Event>) {
        out.extend_from_slice(&self.risk);
    }
    fn status(&self, instrument: InstrumentId) -> InstrumentStatus {
        InstrumentStatus::listed(instrument)
    }
}

/// What was let out.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) sent: Vec<(ConnId, Vec<u8>)>,
    pub(crate) closed: Vec<ConnId>,
    pub(crate) aborted: Vec<ConnId>,
    /// Those that are to be read again, in order.
    pub(crate) read: Vec<ConnId>,
    /// Something waits that goes before the public streams.
    pub(crate) urged: bool,
}

impl Sink for Wire {
    fn send(&mut self, conn: ConnId, bytes: &[u8]) {
        self.sent.push((conn, bytes.to_vec()));
    }
    fn close(&mut self, conn: ConnId) {
        self.closed.push(conn);
    }
    fn abort(&mut self, conn: ConnId) {
        self.aborted.push(conn);
    }
    fn read(&mut self, conn: ConnId) {
        self.read.push(conn);
    }
    fn is_urged(&mut self) -> bool {
        self.urged
    }
}

impl Wire {
    /// The messages that a session inside the process got, in order.
    pub(crate) fn local(&self, conn: ConnId) -> Vec<String> {
        let mut messages = Vec::new();
        for (_, bytes) in self.sent.iter().filter(|(to, _)| *to == conn) {
            let mut rest = bytes.as_slice();
            while let Some((prefix, tail)) = rest.split_first_chunk::<LOCAL_PREFIX_BYTES>() {
                let (message, tail) = tail.split_at(u32::from_le_bytes(*prefix) as usize);
                messages.push(String::from_utf8(message.to_vec()).expect("messages are text"));
                rest = tail;
            }
        }
        messages
    }

    /// The texts that a WebSocket got behind its handshake, and the code of a close frame.
    pub(crate) fn socket(&self, conn: ConnId) -> (Vec<String>, Option<u16>) {
        let mut stream: Vec<u8> = Vec::new();
        for (_, bytes) in self.sent.iter().filter(|(to, _)| *to == conn) {
            stream.extend_from_slice(bytes);
        }
        let mut head =
            stream.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4);
        if !stream.starts_with(b"HTTP/1.1 101") {
            head = 0;
        }
        let (mut texts, mut code) = (Vec::new(), None);
        let mut reader = FrameReader::new(Side_::Client);
        if stream[..head].windows(PACKED.len()).any(|some| some == PACKED.as_bytes()) {
            reader.inflate();
        }
        let _ = reader
            .feed(&mut stream[head..], &mut |message| {
                match message {
                    Message::Text(text) => texts.push(text.to_owned()),
                    Message::Close(close) => code = close.code(),
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
                }
                Flow::Continue
            })
            .expect("a server's frames are well-formed");
        (texts, code)
    }
}

/// A hub, its core and its wire.
pub(crate) struct World {
    pub(crate) hub: Hub,
    pub(crate) table: Table,
    pub(crate) wire: Wire,
    /// What the clock says.
    pub(crate) now_us: i64,
    trade_id: u64,
}

/// A world with the instrument BTC-USD (tick 0.01, lot 0.00001).
pub(crate) fn a_world() -> World {
    let mut hub =
        Hub::new(vec!["localhost".to_owned()], "coulisse/test".to_owned(), "n1".to_owned(), 1);
    hub.keep_history(RING_BYTES);
    let mut world =
        World { hub, table: Table::default(), wire: Wire::default(), now_us: NOW_US, trade_id: 0 };
    let asset = |id, name: &[u8]| AssetCreated {
        asset: AssetId(id),
        name: AssetName::new(name).expect("short"),
        scale: 8,
    };
    world.happens(&[asset(1, b"BTC").into(), asset(2, b"USD").into()]);
    world.happens(&[an_instrument(BTC_USD, b"BTC-USD").into()]);
    world
}

fn an_instrument(instrument: InstrumentId, symbol: &[u8]) -> InstrumentCreated {
    InstrumentCreated {
        instrument,
        symbol: Symbol::new(symbol).expect("short"),
        base: AssetId(1),
        quote: AssetId(2),
        tick_minor: 1_000_000,
        lot_minor: 1_000,
        min_qty: Qty::from_lots(1),
        max_qty: Qty::from_lots(1_000_000_000),
        min_notional: Amount::from_minor(0),
        maker_fee: FeeRate::from_ppm(200),
        taker_fee: FeeRate::from_ppm(500),
    }
}

impl World {
    /// One more instrument; returns its symbol.
    pub(crate) fn an_instrument(&mut self, number: usize) -> String {
        let symbol = format!("X{number}-USD");
        let id = InstrumentId(u32::try_from(number).expect("few") + 2);
        self.happens(&[an_instrument(id, symbol.as_bytes()).into()]);
        symbol
    }

    pub(crate) fn header(&mut self) -> RecordHeader {
        self.table.seq += 1;
        RecordHeader {
            seq: Seq(self.table.seq),
            time_ns: NOW_US * 1_000,
            ..RecordHeader::default()
        }
    }

    /// The log delivers a record that nobody here asked for; returns its seq.
    pub(crate) fn happens(&mut self, events: &[Event]) -> u64 {
        let header = self.header();
        self.hub.deliver(&header, events, &self.table);
        self.table.seq
    }

    /// Ends the tick: each command of the batch causes what `events` says; returns the last seq.
    pub(crate) fn tick(&mut self, events: impl Fn(usize) -> Vec<Event>) -> u64 {
        let batch = self.hub.take_batch(Batch::default());
        self.apply(&batch, events);
        self.table.seq
    }

    /// The log delivers what is in a batch, with what each command causes.
    pub(crate) fn apply(&mut self, batch: &Batch, events: impl Fn(usize) -> Vec<Event>) {
        for (index, entry) in batch.entries().iter().enumerate() {
            let mut header = self.header();
            header.origin.index = u16::try_from(index).expect("a batch is bounded");
            let caused = events(index);
            self.hub.deliver(&header, &caused, &self.table);
            self.hub.reply(batch, entry, &header, &caused, &self.table);
        }
    }

    /// Ends the loop's turn as a node does: takes what has come, and lets those go on that waited for
    /// the next turn. Each command causes nothing; returns the last seq.
    pub(crate) fn turn(&mut self) -> u64 {
        self.tick(|_| vec![nothing()]);
        self.hub.end_turn();
        while self.hub.let_go_on(self.now_us, &self.table) {
            self.tick(|_| vec![nothing()]);
        }
        self.table.seq
    }

    /// One read brings as much of `bytes` as a transport reads at a time, unless the connection waits;
    /// what is left stays in the kernel. A batch that is full is taken at once, as a node does.
    pub(crate) fn reads(&mut self, conn: ConnId, bytes: &mut Vec<u8>) -> usize {
        if self.hub.waits(conn) {
            return 0;
        }
        let count = bytes.len().min(READ_BYTES_MAX);
        let mut read: Vec<u8> = bytes.drain(..count).collect();
        self.hub.receive(conn, &mut read, self.now_us, &self.table);
        if self.hub.batch().is_full() {
            self.tick(|_| vec![nothing()]);
        }
        count
    }

    /// A WebSocket of Alice's: a session inside the process never waits.
    pub(crate) fn a_session(&mut self) -> ConnId {
        self.a_session_at("")
    }

    /// The same with more headers.
    pub(crate) fn a_session_at(&mut self, headers: &str) -> ConnId {
        let id = self.a_socket_at("/v1/ws", headers);
        let mut signed = Vec::new();
        write_logon_text(&mut signed, b"localhost", KEY_ID, &NONCE);
        let signature = SigningKey::from_bytes(&PRIVATE_KEY).sign(&signed);
        let logon = format!(
            r#"{{"op":"session.logon","params":{{"key_id":"alice","signature":"{signature:x}"}}}}"#
        );
        self.text(id, &logon);
        id
    }

    /// The log is durable up to `seq`.
    pub(crate) fn durable(&mut self, seq: u64) {
        self.hub.release(Seq(seq), self.now_us + 7, &self.table, &mut self.wire);
    }

    /// All that was applied is durable.
    pub(crate) fn all_durable(&mut self) {
        self.durable(self.table.seq);
    }

    /// A session inside the process asks.
    pub(crate) fn ask(&mut self, conn: ConnId, text: &str) {
        let mut bytes = text.as_bytes().to_vec();
        self.hub.receive(conn, &mut bytes, NOW_US, &self.table);
    }

    /// A WebSocket after its handshake.
    pub(crate) fn a_socket(&mut self) -> ConnId {
        self.a_socket_at("/v1/ws", "")
    }

    /// The same at a path, with more headers, each with its end of line.
    pub(crate) fn a_socket_at(&mut self, path: &str, headers: &str) -> ConnId {
        let id = self.hub.open(NONCE);
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
            Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
            Sec-WebSocket-Version: 13\r\n{headers}\r\n"
        );
        self.hub.receive(id, &mut head.into_bytes(), NOW_US, &self.table);
        id
    }

    /// One read brings these frames.
    pub(crate) fn frames(&mut self, conn: ConnId, frames: &[(Opcode, &[u8])]) -> Received {
        let mut bytes = Vec::new();
        for (opcode, payload) in frames {
            write_frame(&mut bytes, FrameHead::masked(*opcode, [1, 2, 3, 4]), payload);
        }
        self.hub.receive(conn, &mut bytes, NOW_US, &self.table)
    }

    /// A WebSocket sends one text.
    pub(crate) fn text(&mut self, conn: ConnId, text: &str) {
        self.frames(conn, &[(Opcode::Text, text.as_bytes())]);
    }

    /// A trade happens; returns its seq.
    pub(crate) fn a_trade(&mut self) -> u64 {
        self.trade_id += 1;
        let traded = Traded {
            instrument: BTC_USD,
            trade_id: TradeId(self.trade_id),
            price: Price::from_ticks(6_000_000),
            qty: Qty::from_lots(5),
            taker_side: Side::Buy,
            maker_order_id: OrderId(1),
            taker_order_id: OrderId(2),
        };
        self.happens(&[traded.into()])
    }

    /// The best bid's quantity changes; returns the seq.
    pub(crate) fn a_bid_of(&mut self, lots: i64) -> u64 {
        let (price, qty) = (Price::from_ticks(6_000_000), Qty::from_lots(lots));
        self.table.bids = vec![(price, qty)];
        let level =
            LevelChanged { instrument: BTC_USD, side: Side::Buy, price, qty, order_count: 1 };
        self.happens(&[level.into()])
    }

    /// The feeds are published, and all is durable.
    pub(crate) fn publish(&mut self) {
        self.hub.publish(&self.table);
        self.all_durable();
    }

    /// Trades and publishes until a connection is closed, soon past the limit; how many trades.
    pub(crate) fn trade_until_one_is_closed(&mut self) -> usize {
        let mut trades = 0;
        while self.wire.closed.is_empty() {
            for _ in 0..100 {
                self.a_trade();
            }
            trades += 100;
            self.publish();
            assert!(trades * 100 < 2 * HELD_BYTES_MAX, "it was not closed");
        }
        trades
    }
}

/// What a command causes that finds nothing to do.
fn nothing() -> Event {
    OrdersCancelled { account: ALICE, instrument: InstrumentId(0), count: 0 }.into()
}

/// What a deposit says to the balances of an account.
pub(crate) fn a_balance_of(account: AccountId, minor: i128) -> Event {
    let available = Amount::from_minor(minor);
    BalanceChanged { account, asset: AssetId(2), available, held: Amount::from_minor(0) }.into()
}

pub(crate) fn place(id: u32) -> String {
    format!(
        r#"{{"id":{id},"op":"order.place","params":{{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.00"}}}}"#
    )
}

pub(crate) fn subscribe(channel: &str) -> String {
    let symbols = match channel {
        "book" | "book_l3" | "ticker" | "trades" | "status" => r#","symbols":["BTC-USD"]"#,
        _ => "",
    };
    format!(r#"{{"op":"subscribe","params":{{"channel":"{channel}"{symbols}}}}}"#)
}

/// The whole number behind the first `"key":`.
pub(crate) fn number(message: &str, key: &str) -> u64 {
    let (_, tail) = message.split_once(&format!("\"{key}\":")).expect("the key is there");
    let end = tail.find(|digit: char| !digit.is_ascii_digit()).expect("something follows");
    tail[..end].parse().expect("a whole number")
}
