//! Examples for the pages, made by the real writers from one small market.

use alloc::vec;
use alloc::vec::Vec;

use coulisse_types::command::{CancelOnDisconnect, SessionEnd, permission};
use coulisse_types::event::{
    AssetCreated, FeeTierChanged, GroupCreated, InstrumentCreated, Rejected,
};
use coulisse_types::keys::NetworkList;
use coulisse_types::{
    AccountId, Amount, AssetId, ClientOrderId, Command, Event, FeeRate, Field, GroupId,
    InstrumentId, KeyScheme, KeyState, LimitKind, OrderId, OrderType, Price, Qty, RejectCode,
    RequestId, Scope, Seq, Side, Text, TimeInForce, Unit,
};

use crate::instruments::{InstrumentInfo, InstrumentTable};
use crate::native::answers::{self, Answer, LoggedOn, Page};
use crate::native::feed::{
    self, Balance, BookOrder, Candle, CandleInterval, DeltaHead, FillRow, InstrumentStatus, Level,
    OpenOrder, OrderChange, Ticker, TradeRow,
};
use crate::native::reply::{self, Stamps, Units};
use crate::native::request::Placement;
use crate::native::venue;
use crate::native::withdrawals::{self, CapRow, WithdrawalRow};
use crate::native::{Body, Channel, CommandOutcome, Op, parse_request, rest as rest_bodies};

mod events;
mod history;

const BTC_USD: InstrumentId = InstrumentId(1);
const ALICE: AccountId = AccountId(1);
const SEQ: u64 = 88_123;
const MARK: Price = Price::from_ticks(6_000_000);
const TIME_US: i64 = 1_795_392_000_000_000;
const NONCE: [u8; 16] = *b"\x5e\x1f\x0c\x8a\x77\x42\x4b\x19\xa0\xd3\x66\x2e\x91\x58\xf4\x03";

const SECRET: [u8; 32] = *b"\x9d\x01 no secret, an example only. \xc4";

const STAMPS: Stamps =
    Stamps { seq: SEQ, in_us: TIME_US, log_us: TIME_US + 12, out_us: TIME_US + 431 };

fn text<const N: usize>(text: &str) -> Text<N> {
    Text::new(text.as_bytes()).unwrap_or_default()
}

/// One instrument, BTC-USD: tick 0.01, lot 0.00001, both assets with 8 decimals.
pub(crate) fn table() -> InstrumentTable {
    let mut table = InstrumentTable::new();
    for (id, name) in [(1, "BTC"), (2, "USD")] {
        table.apply(&AssetCreated { asset: AssetId(id), name: text(name), scale: 8 }.into());
    }
    let listed = InstrumentCreated {
        instrument: BTC_USD,
        symbol: text("BTC-USD"),
        base: AssetId(1),
        quote: AssetId(2),
        tick_minor: 1_000_000,
        lot_minor: 1_000,
        min_qty: Qty::from_lots(1),
        max_qty: Qty::from_lots(100_000_000),
        min_notional: Amount::from_minor(100_000_000),
        maker_fee: FeeRate::from_ppm(200),
        taker_fee: FeeRate::from_ppm(500),
    };
    table.apply(&listed.into());
    table.apply(&GroupCreated { group: GroupId(1), name: text("desk") }.into());
    table
}

fn collect(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

pub(super) fn hello() -> Vec<u8> {
    collect(|out| reply::write_hello(out, &NONCE, "coulisse/0.1.0", "n1", TIME_US))
}

pub(super) fn notice() -> Vec<u8> {
    collect(|out| reply::write_going_away(out, "the node is restarting", SEQ))
}

pub(super) fn request(op: Op) -> Vec<u8> {
    let spec = op.spec();
    collect(|out| {
        out.extend_from_slice(b"{\"id\":7,\"op\":\"");
        out.extend_from_slice(spec.name.as_bytes());
        out.push(b'"');
        if !spec.params.is_empty() {
            out.extend_from_slice(b",\"params\":");
            out.extend_from_slice(spec.example.as_bytes());
        }
        out.push(b'}');
    })
}

pub(super) fn reply(op: Op) -> Vec<u8> {
    let table = table();
    let shown = (op == Op::KeyCreate).then_some(reply::Secret(&SECRET));
    let units = Units { secret: shown, ..Units::of(&table, BTC_USD) };
    let command = command(op, &table);
    let weight = op.weight();
    let units_taken = if op == Op::PlaceBatch { 2 } else { weight.units };
    let answer = Answer { id_raw: b"7", op, weight: units_taken, stamps: STAMPS };
    let outcome = |out: &mut Vec<u8>, events: &[Event]| {
        if let Some(command) = &command {
            let outcome = CommandOutcome::from_events(command, events);
            reply::write_outcome(out, b"7", &outcome, &STAMPS, &units);
        }
    };
    collect(|out| match op {
        Op::Logon => answers::write_logged_on(out, &answer, &alice("alice-1")),
        Op::SessionOpen | Op::SessionRefresh => write_issued(out, op, &answer),
        Op::Logoff => answers::write_done(out, &answer),
        Op::Ping => answers::write_pong(out, &answer, Some(1_994)),
        Op::OrdersOpen => {
            answers::write_open_orders(out, &answer, &page([open_order()], Some(SEQ)), &table);
        }
        Op::FillsGet => answers::write_fills(
            out,
            &answer,
            &Page { rows: fill_rows(), next: None, is_cut: true },
            &table,
        ),
        Op::OrdersHistory | Op::FillsHistory | Op::LedgerGet => {
            history::write(out, op, &answer, &table);
        }
        Op::BalancesGet => answers::write_balances(out, &answer, &page(balances(), None), &table),
        Op::PositionsGet => {
            answers::write_positions(out, &answer, &page([events::position()], None), &table);
        }
        Op::KeysGet => answers::write_keys(out, &answer, &page([key_row()], None), &table),
        Op::WithdrawalsGet | Op::WithdrawalsPending => {
            withdrawals::write_withdrawals(out, &answer, &page([withdrawal()], None), &table);
        }
        Op::AccountsGet
        | Op::GroupsGet
        | Op::LimitsGet
        | Op::FeeTiersGet
        | Op::WithdrawalCapsGet => write_venue(out, op, &answer, &table),
        Op::Subscribe | Op::Unsubscribe => {
            answers::write_subscribed(out, &answer, Channel::Book, &[BTC_USD], false, &table);
        }
        Op::Resume => {
            let channels = [(Channel::Orders, SEQ), (Channel::Fills, SEQ - 23)];
            answers::write_resumed(out, &answer, &channels);
        }
        Op::Time => answers::write_time(out, &answer),
        Op::Test => answers::write_tested(out, &answer, None, &units),
        Op::PlaceBatch => {
            let results = batch_results(&table);
            let results: Vec<&[u8]> = results.iter().map(Vec::as_slice).collect();
            answers::write_batch(out, &answer, &results);
        }
        _ => outcome(out, &events::of(op)),
    })
}

fn alice(key_id: &str) -> LoggedOn {
    let permissions = permission::READ | permission::TRADE;
    LoggedOn { account: text("alice"), key_id: text(key_id), permissions }
}

/// What an operator reads of the venue.
fn write_venue(out: &mut Vec<u8>, op: Op, answer: &Answer<'_>, table: &InstrumentTable) {
    match op {
        Op::AccountsGet => {
            venue::write_accounts(out, answer, &page([account_row()], Some(1)), table);
        }
        Op::GroupsGet => {
            let desk = (GroupId(1), text("desk"));
            venue::write_groups(out, answer, &page([desk], None));
        }
        Op::LimitsGet => {
            venue::write_limits(out, answer, (&page([limit_row()], None), 4), table);
        }
        Op::FeeTiersGet => {
            venue::write_fee_tiers(out, answer, &page([fee_tier()], None), table);
        }
        Op::WithdrawalCapsGet => {
            withdrawals::write_caps(out, answer, &page([cap()], None), table);
        }
        _ => {}
    }
}

fn write_issued(out: &mut Vec<u8>, op: Op, answer: &Answer<'_>) {
    let who = alice("alice");
    let issued = answers::Issued {
        token: b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJjb3VsaXNzZSJ9.AA",
        expire_us: TIME_US + 900_000_000,
        session_expire_us: TIME_US + 43_200_000_000,
        who: (op == Op::SessionOpen).then_some(who),
    };
    answers::write_issued(out, answer, &issued);
}

fn page<T, const N: usize>(rows: [T; N], next: Option<u64>) -> Page<T> {
    Page { rows: rows.into(), next, is_cut: false }
}

fn fill_rows() -> Vec<FillRow> {
    let row = |event: &Event| match event {
        Event::OrderFilled(fill) => Some(FillRow { fill: *fill, seq: SEQ, time_us: TIME_US + 12 }),
        _ => None,
    };
    events::placed().iter().filter_map(row).collect()
}

/// What became of the orders of the example: one was placed, one could not be read.
fn batch_results(table: &InstrumentTable) -> Vec<Vec<u8>> {
    let request = request(Op::PlaceBatch);
    let Ok(Body::Batch(orders)) = parse_request(&request, table).map(|request| request.body) else {
        return Vec::new();
    };
    let units = Units::of(table, BTC_USD);
    let of = |order: Placement<'_>| match order {
        Ok((command, _)) => collect(|out| {
            let outcome = CommandOutcome::from_events(&command, &events::of(Op::Place));
            answers::write_batch_result(out, &outcome, SEQ, &units);
        }),
        Err(error) => collect(|out| error.write_alone(out)),
    };
    orders.into_iter().map(of).collect()
}

/// What the example of an operation asks the log for.
fn command(op: Op, table: &InstrumentTable) -> Option<Command> {
    match parse_request(&request(op), table).ok()?.body {
        Body::Command { command, .. } => Some(command),
        Body::CancelAll { all, .. } => Some(all.into()),
        Body::Admin(admin) => Some(admin.resolve(ALICE)),
        Body::Deposit { deposit, .. } => Some(deposit.into()),
        Body::CancelOnDisconnect(enabled) => {
            Some(CancelOnDisconnect { session: 1, enabled }.into())
        }
        Body::People(_) => {
            Some(SessionEnd { session: 1, until_ns: TIME_US.saturating_mul(1_000) }.into())
        }
        Body::Amend(amend) => amend.resolve(table.instrument(BTC_USD)).ok(),
        _ => None,
    }
}

fn account_row() -> venue::AccountRow {
    venue::AccountRow { number: 1, name: text("alice"), group: GroupId(1), trade_group: 7 }
}

fn limit_row() -> venue::LimitRow {
    venue::LimitRow {
        scope: Scope::Account,
        scope_id: ALICE.0,
        account: text("alice"),
        kind: LimitKind::Position,
        subject: BTC_USD.0,
        value: 1_000_000,
        burst: 0,
    }
}

fn fee_tier() -> FeeTierChanged {
    FeeTierChanged {
        asset: AssetId(2),
        tier: 1,
        threshold: Amount::from_minor(100_000_000_000_000),
        maker_fee: FeeRate::from_ppm(-50),
        taker_fee: FeeRate::from_ppm(300),
    }
}

fn key_row() -> answers::KeyRow {
    let network = [&[0; 10][..], &[0xFF, 0xFF, 10, 0, 0, 0, 104]].concat();
    answers::KeyRow {
        key_id: text("alice-2"),
        scheme: KeyScheme::HmacSha256,
        permissions: permission::READ | permission::TRADE,
        state: KeyState::Active,
        label: text("desk-2"),
        expire_us: TIME_US + 86_400_000_000,
        accounts: vec![text("bob")],
        instruments: vec![BTC_USD],
        networks: NetworkList::new(&network).unwrap_or_default(),
        last_used_us: TIME_US,
    }
}

fn withdrawal() -> WithdrawalRow {
    WithdrawalRow {
        id: Seq(88_101),
        account: text("alice"),
        asset: AssetId(2),
        amount: Amount::from_minor(2_500_000_000_000),
        asked_by: text("alice-1"),
        request_id: RequestId(0x7f3b),
        expire_ns: (TIME_US + 259_200_000_000) * 1_000,
    }
}

fn cap() -> CapRow {
    CapRow {
        asset: AssetId(2),
        cap: Amount::from_minor(1_000_000_000_000),
        version: 2,
        proposed: Amount::from_minor(2_000_000_000_000),
        proposed_by: text("carol-1"),
    }
}

fn open_order() -> OpenOrder {
    OpenOrder {
        order_id: OrderId(SEQ),
        client_order_id: events::client_order_id(),
        instrument: BTC_USD,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        qty: Qty::from_lots(1_000),
        price: Price::from_ticks(6_000_000),
        filled: Qty::from_lots(400),
        waits: false,
        terms: None,
    }
}

fn balances() -> [Balance; 2] {
    [(1, 100_400_000, 0), (2, 939_982_000_000, 36_018_000_000)].map(|(asset, available, held)| {
        Balance {
            asset: AssetId(asset),
            available: Amount::from_minor(available),
            held: Amount::from_minor(held),
        }
    })
}

fn level(ticks: i64, lots: i64) -> Level {
    (Price::from_ticks(ticks), Qty::from_lots(lots))
}

fn trade() -> TradeRow {
    TradeRow {
        trade_id: 5_117,
        price: Price::from_ticks(6_000_000),
        qty: Qty::from_lots(400),
        taker_side: Side::Buy,
        seq: SEQ,
        time_us: TIME_US + 12,
    }
}

/// The image, where there is one, and a delta.
pub(crate) fn channel(channel: Channel) -> Vec<Vec<u8>> {
    let table = table();
    let Some(info) = table.instrument(BTC_USD) else { return Vec::new() };
    match channel {
        Channel::Book => {
            let bids = [level(6_000_000, 150_000), level(5_999_950, 20_000)];
            let asks = [level(6_000_050, 400)];
            let after = [level(6_000_000, 150_600), level(5_999_950, 20_000)];
            let crc = feed::book_crc(info, &after, &[]);
            vec![
                collect(|out| feed::write_book_image(out, info, 1, SEQ - 1, &bids, &asks)),
                collect(|out| {
                    let gone = [level(6_000_050, 0)];
                    feed::write_book_delta(out, info, (SEQ - 1, SEQ), &after[..1], &gone, crc);
                }),
            ]
        }
        Channel::BookL3 | Channel::Ticker | Channel::Candles | Channel::Instruments => {
            market(channel, info)
        }
        Channel::Trades => vec![
            collect(|out| feed::write_trades(out, info, None, SEQ - 1, [])),
            collect(|out| feed::write_trades(out, info, Some(SEQ - 1), SEQ, [trade()])),
        ],
        Channel::Status => {
            let status = InstrumentStatus { mark: MARK, ..InstrumentStatus::listed(BTC_USD) };
            let (at, time_us) = ((SEQ - 23, SEQ), TIME_US + 12);
            let changes = events::status();
            vec![
                collect(|out| feed::write_status_image(out, info, SEQ - 23, &status)),
                collect(|out| feed::write_status_delta(out, info, at, time_us, changes)),
            ]
        }
        Channel::Orders
        | Channel::Fills
        | Channel::Balances
        | Channel::Positions
        | Channel::Risk => private(channel, &table),
    }
}

fn market(channel: Channel, info: &InstrumentInfo) -> Vec<Vec<u8>> {
    let at = Price::from_ticks;
    let order = |order_id, ticks, lots| {
        let (side, price, qty) = (Side::Buy, at(ticks), Qty::from_lots(lots));
        BookOrder { order_id: OrderId(order_id), side, price, qty }
    };
    let mut candle = Candle::of(TIME_US, at(5_999_000), Qty::from_lots(150_000), SEQ - 40);
    candle.extend(&Candle::of(TIME_US, at(6_000_000), Qty::from_lots(400), SEQ));
    let mut ticker = Ticker { bid: Some(level(6_000_000, 150_600)), ..Ticker::default() };
    let mut messages = Vec::new();
    for prev in [None, Some(SEQ - 1)] {
        let changes = [
            OrderChange::Removed(OrderId(88_100)),
            OrderChange::Changed(OrderId(88_101), Qty::from_lots(150_000)),
            OrderChange::Added(order(88_123, 6_000_000, 600)),
        ];
        let image = [order(88_101, 6_000_000, 150_600), order(88_100, 5_999_950, 20_000)];
        let seq = prev.map_or(SEQ - 1, |_| SEQ);
        messages.push(collect(|out| match (channel, prev) {
            (Channel::BookL3, None) => feed::write_l3_image(out, info, 1, seq, image),
            (Channel::BookL3, Some(prev)) => feed::write_l3_delta(out, info, (prev, seq), changes),
            (Channel::Ticker, _) => feed::write_ticker(out, info, prev, seq, &ticker),
            (Channel::Candles, _) => {
                feed::write_candles(out, info, CandleInterval::OneMinute, prev, seq, [candle]);
            }
            _ => feed::write_instruments(out, prev, seq, [info]),
        }));
        (ticker.last, ticker.day) = (Some(trade()), Some(candle));
    }
    messages
}

fn private(channel: Channel, table: &InstrumentTable) -> Vec<Vec<u8>> {
    let head = DeltaHead {
        account: ALICE,
        account_name: "alice",
        group: GroupId(1),
        prev: SEQ - 23,
        seq: SEQ,
        time_us: TIME_US + 12,
    };
    let delta = |events: &[Event]| {
        collect(|out| {
            feed::write_private_delta(out, channel, &head, events, table);
        })
    };
    match channel {
        Channel::Orders => vec![
            collect(|out| {
                feed::write_orders_image(out, "alice", SEQ, [open_order()], table);
            }),
            delta(&events::placed()),
            delta(&events::with_terms()),
        ],
        Channel::Positions => vec![
            collect(|out| {
                feed::write_positions_image(out, "alice", SEQ, &[events::position()], table);
            }),
            delta(&[events::position().into()]),
        ],
        Channel::Risk => {
            let now = events::risk();
            vec![collect(|out| feed::write_risk_image(out, &head, &now[..1], table)), delta(&now)]
        }
        Channel::Balances => vec![
            collect(|out| feed::write_balances_image(out, "alice", SEQ, balances(), table)),
            delta(&events::placed()),
            delta(&events::held()),
        ],
        _ => vec![delta(&events::placed())],
    }
}

pub(super) fn rest() -> Vec<(&'static str, Vec<u8>)> {
    let table = table();
    let Some(info) = table.instrument(BTC_USD) else { return Vec::new() };
    let (bids, asks) = ([level(6_000_000, 150_600)], [level(6_000_050, 400)]);
    vec![
        ("/v1/instruments", collect(|out| rest_bodies::write_instruments(out, SEQ, &table))),
        (
            "/v1/book/BTC-USD?depth=1",
            collect(|out| rest_bodies::write_book(out, info, 1, SEQ, &bids, &asks)),
        ),
        ("/v1/trades/BTC-USD", collect(|out| rest_bodies::write_trades(out, info, SEQ, [trade()]))),
        (
            "/v1/candles/BTC-USD?interval=1m",
            collect(|out| {
                let candle = Candle::of(TIME_US, MARK, Qty::from_lots(400), SEQ);
                let interval = CandleInterval::OneMinute;
                rest_bodies::write_candles(out, info, interval, SEQ, [candle], Some(TIME_US));
            }),
        ),
    ]
}

/// Requests that are refused, with what is said: by the edge, and two by the core.
pub(super) fn refusals() -> Vec<(&'static [u8], Vec<u8>)> {
    const OFF_TICK: &[u8] = br#"{"id":8,"op":"order.place","params":{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.001"}}"#;
    const FIELD: &[u8] = br#"{"id":9,"op":"order.cancel","params":{"order":"88123"}}"#;
    const BROKEN: &[u8] = br#"{"id":10,"op":"ping",}"#;
    const POOR: &[u8] = br#"{"id":11,"op":"order.place","params":{"symbol":"BTC-USD","side":"buy","qty":"1","price":"60000.00"}}"#;
    const FAR: &[u8] = br#"{"id":12,"op":"order.place","params":{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"70000.00"}}"#;
    let table = table();
    let mut samples: Vec<(&[u8], Vec<u8>)> = Vec::new();
    for request in [OFF_TICK, FIELD, BROKEN] {
        if let Err(error) = parse_request(request, &table) {
            let refused = collect(|out| {
                error.write(out);
                reply::write_refusal_times(out, STAMPS.in_us, None, STAMPS.out_us);
            });
            samples.push((request, refused));
        }
    }
    let far = Rejected {
        code: RejectCode::RiskPriceCollar,
        field: Field::Price,
        unit: Unit::Ticks,
        value: 7_000_000,
        limit: 6_300_000,
        client_order_id: ClientOrderId::default(),
    };
    let poor = Rejected {
        code: RejectCode::InsufficientBalance,
        field: Field::Available,
        unit: Unit::QuoteMinor,
        value: 6_003_000_000_000,
        limit: 1_000_000_000,
        client_order_id: ClientOrderId::default(),
    };
    let units = Units::of(&table, BTC_USD);
    for (request, id_raw, rejected) in [(POOR, b"11", poor), (FAR, b"12", far)] {
        let refused = collect(|out| {
            reply::write_rejected(out, id_raw, &rejected, &units);
            let Stamps { in_us, log_us, out_us, .. } = STAMPS;
            reply::write_refusal_times(out, in_us, Some(log_us), out_us);
        });
        samples.push((request, refused));
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn object(json: &[u8]) -> serde_json::Map<String, Value> {
        match serde_json::from_slice(json) {
            Ok(Value::Object(map)) => map,
            other => panic!("{other:?}: {}", String::from_utf8_lossy(json)),
        }
    }

    use crate::native::spec::{BodyField, ERROR, HELLO, NOTICE};
    use std::string::String;

    /// Every key that is sent is in the table; every key that must be sent is sent.
    fn assert_table(name: &str, object: &serde_json::Map<String, Value>, table: &[BodyField]) {
        for key in object.keys() {
            assert!(table.iter().any(|f| f.name == key), "{name}: {key} is not in the table");
        }
        for field in table.iter().filter(|field| !field.type_name.ends_with('?')) {
            assert!(object.contains_key(field.name), "{name}: {} is not sent", field.name);
        }
    }

    #[test]
    fn every_operation_reads_its_example_and_its_result_has_the_fields_of_its_table() {
        let table = table();
        for op in Op::ALL {
            let request = request(*op);
            let parsed = parse_request(&request, &table);
            assert_eq!(parsed.map(|r| (r.op, r.id_raw.to_vec())), Ok((*op, b"7".to_vec())));
            let reply = object(&reply(*op));
            assert_eq!((&reply["id"], &reply["ok"]), (&Value::from(7), &Value::from(true)));
            let result = reply["result"].as_object().expect("result");
            assert_table(op.spec().name, result, op.spec().result);
        }
    }

    #[test]
    fn every_channel_message_has_the_fields_of_its_table() {
        for channel in Channel::ALL {
            let spec = channel.spec();
            for message in super::channel(*channel) {
                let message = object(&message);
                assert_eq!(message["ch"], spec.name);
                assert_table(spec.name, &message, spec.fields);
                assert_eq!(message["type"] == "delta", message.contains_key("prev"));
                for item in message.get("items").and_then(Value::as_array).into_iter().flatten() {
                    assert_table(spec.name, item.as_object().expect("item"), spec.item);
                }
            }
        }
    }

    #[test]
    fn session_messages_and_errors_have_the_fields_of_their_tables() {
        assert_table("hello", &object(&hello()), HELLO);
        assert_table("notice", &object(&notice()), NOTICE);
        assert_eq!(refusals().len(), 5);
        for (_, reply) in refusals() {
            let reply = object(&reply);
            assert_table("error", reply["error"].as_object().expect("error"), ERROR);
        }
    }
}
