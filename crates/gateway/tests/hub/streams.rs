//! The public streams: what each tells, and when.

use crate::world::{ALICE, BTC_USD, World, a_world, number};
use coulisse_gateway::batch::ConnId;
use coulisse_types::event::{LevelChanged, OrderClosed, OrderRested, OrderState};
use coulisse_types::{AccountId, ClientOrderId, Event, InstrumentId, OrderId, Price, Qty, Side};
use coulisse_wire::native::feed::BookOrder;

fn listening(world: &mut World, params: &str) -> ConnId {
    let conn = world.hub.open_local(ALICE);
    world.ask(conn, &format!(r#"{{"id":1,"op":"subscribe","params":{{{params}}}}}"#));
    world.all_durable();
    conn
}

fn of_btc(channel: &str, more: &str) -> String {
    format!(r#""channel":"{channel}","symbols":["BTC-USD"]{more}"#)
}

fn level(lots: i64, ticks: i64) -> Event {
    let (price, qty) = (Price::from_ticks(ticks), Qty::from_lots(lots));
    LevelChanged { instrument: BTC_USD, side: Side::Buy, price, qty, order_count: 1 }.into()
}

/// The world's bids are these, and the log says what changed.
fn bids(world: &mut World, levels: &[(i64, i64)], changed: &[(i64, i64)]) -> u64 {
    world.table.bids =
        levels.iter().map(|(p, q)| (Price::from_ticks(*p), Qty::from_lots(*q))).collect();
    let events: Vec<Event> = changed.iter().map(|(p, q)| level(*q, *p)).collect();
    world.happens(&events)
}

#[test]
fn a_raw_book_tells_each_seq_that_changes_what_it_shows_and_a_conflated_one_the_newest() {
    let mut world = a_world();
    let raw = listening(&mut world, &of_btc("book", r#","depth":1,"interval":"raw""#));
    let all = listening(&mut world, &of_btc("book", r#","depth":0,"interval":"raw""#));
    let slow = listening(&mut world, &of_btc("book", r#","depth":1,"interval":"100ms""#));
    let first = bids(&mut world, &[(10, 1)], &[(10, 1)]);
    let deep = bids(&mut world, &[(10, 1), (9, 1)], &[(9, 1)]);
    let last = bids(&mut world, &[(10, 2), (9, 1)], &[(10, 2)]);
    world.all_durable();
    let seqs = |world: &World, conn| -> Vec<u64> {
        world.wire.local(conn)[2..].iter().map(|text| number(text, "seq")).collect()
    };
    assert_eq!(seqs(&world, raw), [first, last], "depth 1 does not see the second level");
    assert_eq!(seqs(&world, all), [first, deep, last]);
    assert!(seqs(&world, slow).is_empty(), "it waits for the publication");
    world.publish();
    assert_eq!(seqs(&world, slow), [last]);
    let (one, two) = (world.wire.local(raw), world.wire.local(slow));
    assert_eq!(number(&one[3], "crc"), number(&two[2], "crc"));
}

#[test]
fn a_raw_message_does_not_leave_before_it_is_durable() {
    let mut world = a_world();
    let raw = listening(&mut world, &of_btc("book", r#","interval":"raw""#));
    let before = world.table.seq;
    bids(&mut world, &[(10, 1)], &[(10, 1)]);
    world.durable(before);
    assert_eq!(world.wire.local(raw).len(), 2);
    world.all_durable();
    assert_eq!(world.wire.local(raw).len(), 3);
}

#[test]
fn candles_begin_with_an_image_and_a_delta_has_what_changed_since() {
    let mut world = a_world();
    let first = world.a_trade();
    let minutes = listening(&mut world, &of_btc("candles", r#","interval":"1m""#));
    let seconds = listening(&mut world, &of_btc("candles", r#","interval":"1s""#));
    world.a_trade();
    let last = world.a_trade();
    world.publish();
    for conn in [minutes, seconds] {
        let got = world.wire.local(conn);
        assert_eq!(number(&got[1], "seq"), first, "{}", got[1]);
        assert!(got[1].contains(r#""trades":1"#), "{}", got[1]);
        assert_eq!((number(&got[2], "prev"), number(&got[2], "seq")), (first, last));
        assert!(got[2].contains(r#""volume":"0.00015""#), "{}", got[2]);
        assert!(got[2].contains(r#""trades":3"#), "{}", got[2]);
    }
    world.publish();
    assert_eq!(world.wire.local(minutes).len(), 3, "nothing traded: nothing is said");
    world.ask(minutes, r#"{"op":"unsubscribe","params":{"channel":"candles","symbols":["BTC-USD"],"interval":"1h"}}"#);
    world.all_durable();
    assert!(world.wire.local(minutes)[3].contains("NOT_SUBSCRIBED"), "another interval is another");
}

#[test]
fn a_ticker_says_best_prices_and_what_was_traded_and_only_when_one_of_them_changed() {
    let mut world = a_world();
    let conn = listening(&mut world, &of_btc("ticker", ""));
    let image = world.wire.local(conn)[1].clone();
    assert!(image.contains(r#""type":"image""#) && !image.contains("bid"), "{image}");
    world.a_bid_of(7);
    world.a_trade();
    world.publish();
    let got = world.wire.local(conn);
    for part in
        [r#""bid":"60000.00""#, r#""bid_qty":"0.00007""#, r#""last":"60000.00""#, r#""trades":1"#]
    {
        assert!(got[2].contains(part), "{part}: {}", got[2]);
    }
    world.happens(&[]);
    world.publish();
    assert_eq!(world.wire.local(conn).len(), 3);
}

#[test]
fn instruments_are_told_as_they_are_listed() {
    let mut world = a_world();
    let conn = listening(&mut world, r#""channel":"instruments""#);
    world.an_instrument(0);
    world.all_durable();
    let got = world.wire.local(conn);
    assert!(got[1].contains(r#""symbol":"BTC-USD""#) && got[1].contains(r#""tick_size":"0.01""#));
    assert_eq!(number(&got[2], "prev"), number(&got[1], "seq"));
    assert!(got[2].contains("X0-USD") && !got[2].contains("BTC-USD"), "{}", got[2]);
}

fn order(id: u64, ticks: i64, lots: i64) -> BookOrder {
    let (price, qty) = (Price::from_ticks(ticks), Qty::from_lots(lots));
    BookOrder { order_id: OrderId(id), side: Side::Buy, price, qty }
}

fn rested(id: u64) -> Event {
    OrderRested {
        order_id: OrderId(id),
        account: AccountId(1),
        instrument: BTC_USD,
        side: Side::Buy,
        price: Price::from_ticks(10),
        remaining: Qty::from_lots(1),
    }
    .into()
}

fn closed(id: u64, instrument: InstrumentId) -> Event {
    OrderClosed {
        order_id: OrderId(id),
        account: AccountId(1),
        instrument,
        state: OrderState::Cancelled,
        reason: coulisse_types::event::CloseReason::CancelRequested,
        filled: Qty::ZERO,
        remaining: Qty::from_lots(1),
        client_order_id: ClientOrderId::default(),
    }
    .into()
}

#[test]
fn each_order_of_a_book_is_told_with_its_place_and_never_whose_it_is() {
    let mut world = a_world();
    world.table.orders = vec![order(1, 10, 5), order(2, 10, 5)];
    let conn = listening(&mut world, &of_btc("book_l3", ""));
    // 1 goes behind a new one, 2 is filled in part, 3 never rests.
    world.table.orders = vec![order(2, 10, 3), order(4, 10, 1), order(1, 10, 5)];
    let changed = closed(2, BTC_USD);
    let elsewhere = closed(1, InstrumentId(9));
    let events =
        [level(9, 10), rested(1), changed, rested(4), rested(1), closed(3, BTC_USD), elsewhere];
    world.happens(&events);
    world.all_durable();
    let got = world.wire.local(conn);
    assert!(got[1].contains(r#"{"order_id":"1","side":"buy","price":"0.10","qty":"0.00005"}"#));
    let items = got[2].split_once(r#""items":"#).expect("items").1;
    assert_eq!(
        items,
        concat!(
            r#"[{"event":"changed","order_id":"2","qty":"0.00003"},"#,
            r#"{"event":"added","order_id":"4","side":"buy","price":"0.10","qty":"0.00001"},"#,
            r#"{"event":"removed","order_id":"1"},"#,
            r#"{"event":"added","order_id":"1","side":"buy","price":"0.10","qty":"0.00005"}]}"#,
        )
    );
    assert!(!got.iter().any(|text| text.contains("account") || text.contains("alice")));
}

#[test]
fn a_stream_that_nobody_listens_to_any_more_is_gone() {
    let mut world = a_world();
    let mut conns = Vec::new();
    for params in [
        of_btc("book", r#","depth":0,"interval":"raw""#),
        of_btc("book", ""),
        of_btc("book_l3", ""),
        of_btc("ticker", ""),
        of_btc("candles", r#","interval":"1d""#),
        of_btc("trades", ""),
        of_btc("status", ""),
        r#""channel":"instruments""#.to_owned(),
    ] {
        conns.push(listening(&mut world, &params));
    }
    assert_eq!(world.hub.streams_used().0, conns.len());
    for conn in conns {
        world.hub.close(conn);
    }
    assert_eq!(world.hub.streams_used(), (0, 0));
    world.wire.sent.clear();
    world.a_trade();
    world.a_bid_of(3);
    world.an_instrument(5);
    world.publish();
    assert!(world.wire.sent.is_empty());
}
