//! Lists in pages, reads that wait for a seq, orders that are placed together, deadlines, tests of orders.

use crate::world::{ALICE, BOB, BTC_USD, NOW_US, World, a_world, place};
use coulisse_gateway::batch::{Batch, ConnId};
use coulisse_gateway::hub::Hub;
use coulisse_gateway::limits::{
    BATCH_CANCELS_RESERVED, BATCH_COMMANDS_MAX, FILLS_KEPT_MAX, FILLS_LOOKED_AT_MAX,
    MIN_SEQ_PUBLICATIONS_MAX, READS_WAITING_MAX, TRIALS_PER_TURN_MAX,
};
use coulisse_types::event::{OrderAccepted, OrderFilled, Rejected, Role};
use coulisse_types::reject::{Field, Unit};
use coulisse_types::{
    AccountId, Amount, ClientOrderId, Event, InstrumentId, OrderId, OrderType, Price, Qty,
    RejectCode, Side, TimeInForce, TradeId,
};
use serde_json::Value;

fn a_fill(account: AccountId, instrument: InstrumentId, trade: u64) -> Event {
    OrderFilled {
        account,
        order_id: OrderId(7),
        client_order_id: ClientOrderId::default(),
        instrument,
        trade_id: TradeId(trade),
        side: Side::Buy,
        role: Role::Maker,
        price: Price::from_ticks(6_000_000),
        qty: Qty::from_lots(1),
        notional: Amount::from_minor(6),
        fee: Amount::from_minor(0),
        filled: Qty::from_lots(1),
        remaining: Qty::from_lots(1),
    }
    .into()
}

/// The last message that a session got.
fn last(world: &mut World, conn: ConnId) -> Value {
    world.all_durable();
    let messages = world.wire.local(conn);
    serde_json::from_str(messages.last().expect("an answer")).expect("JSON")
}

fn fills(world: &mut World, conn: ConnId, params: &str) -> (Vec<u64>, Value) {
    world.ask(conn, &format!(r#"{{"id":1,"op":"fills.get","params":{{{params}}}}}"#));
    let answer = last(world, conn);
    let rows = answer["result"]["fills"].as_array().expect("a list").iter();
    let trade = |row: &Value| row["trade_id"].as_str().and_then(|id| id.parse().ok());
    let trades = rows.map(|row| trade(row).expect("a number")).collect();
    (trades, answer["result"].clone())
}

#[test]
fn fills_are_paged_newest_first_and_each_is_told_once_while_new_ones_come() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    for trade in 1..=10 {
        // Two of one record, and another's between.
        let of = |account| a_fill(account, BTC_USD, trade);
        world.happens(&[of(ALICE), of(BOB), a_fill(ALICE, BTC_USD, 100 + trade)]);
    }
    let (mut told, mut cursor) = (Vec::new(), String::new());
    loop {
        let (trades, result) = fills(&mut world, alice, &format!(r#""limit":3{cursor}"#));
        told.extend(trades);
        world.happens(&[a_fill(ALICE, BTC_USD, 999)]);
        let Some(next) = result["next_cursor"].as_str() else {
            assert!(result.get("cut").is_none(), "there was none before the first");
            break;
        };
        cursor = format!(r#","cursor":"{next}""#);
    }
    let expected: Vec<u64> = (1..=10).rev().flat_map(|trade| [100 + trade, trade]).collect();
    assert_eq!(told, expected);
}

#[test]
fn fills_are_bounded_and_it_is_said_that_older_ones_are_gone_whatever_a_node_started_from() {
    let mut world = a_world();
    world.happens(&[a_fill(BOB, BTC_USD, 1)]);
    for trade in 2..=FILLS_KEPT_MAX as u64 {
        world.happens(&[a_fill(ALICE, BTC_USD, trade)]);
    }
    let (alice, bob) = (world.hub.open_local(ALICE), world.hub.open_local(BOB));
    assert_eq!(fills(&mut world, bob, "").0, [1], "at the limit all are there");
    world.happens(&[a_fill(ALICE, BTC_USD, 70_000)]);
    let (none, result) = fills(&mut world, bob, "");
    assert_eq!((none.as_slice(), &result["cut"]), (&[][..], &Value::from(true)), "one past it");
    let (newest, result) = fills(&mut world, alice, r#""limit":1"#);
    assert_eq!(newest, [70_000]);
    let cursor = result["next_cursor"].as_str().expect("more").to_owned();

    let mut bytes = Vec::new();
    world.hub.write_feeds(&mut bytes);
    world.hub = Hub::new(vec![], "coulisse/test".to_owned(), "n1".to_owned(), 1);
    world.hub.read_feeds(&bytes).expect("just written");
    world.wire = crate::world::Wire::default();
    let (alice, bob) = (world.hub.open_local(ALICE), world.hub.open_local(BOB));
    assert_eq!(fills(&mut world, bob, "").1["cut"], true);
    let params = format!(r#""limit":2,"cursor":"{cursor}""#);
    let kept = FILLS_KEPT_MAX as u64;
    assert_eq!(fills(&mut world, alice, &params).0, [kept, kept - 1]);
    // Another's cursor tells nothing of either.
    assert!(fills(&mut world, bob, &params).0.is_empty());
}

#[test]
fn a_page_looks_at_so_many_fills_and_says_where_to_go_on() {
    let mut world = a_world();
    let other = world.an_instrument(0);
    world.happens(&[a_fill(ALICE, BTC_USD, 1)]);
    for trade in 0..FILLS_LOOKED_AT_MAX as u64 {
        world.happens(&[a_fill(ALICE, InstrumentId(2), trade)]);
    }
    let alice = world.hub.open_local(ALICE);
    let (none, result) = fills(&mut world, alice, r#""symbol":"BTC-USD""#);
    assert!(none.is_empty(), "{other} has filled the page's time");
    let cursor = result["next_cursor"].as_str().expect("more");
    let params = format!(r#""symbol":"BTC-USD","cursor":"{cursor}""#);
    assert_eq!(fills(&mut world, alice, &params).0, [1]);
}

#[test]
fn a_read_waits_for_its_seq_and_no_longer_than_the_limit() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    let ask = |seq: u64| format!(r#"{{"id":5,"op":"balances.get","params":{{"min_seq":{seq}}}}}"#);
    let seq = world.table.seq;
    world.ask(alice, &ask(seq));
    assert_eq!(last(&mut world, alice)["result"]["seq"], seq);
    world.ask(alice, &ask(seq + 2));
    world.happens(&[a_fill(ALICE, BTC_USD, 1)]);
    world.all_durable();
    assert_eq!(world.wire.local(alice).len(), 1, "not yet");
    world.happens(&[a_fill(ALICE, BTC_USD, 1)]);
    let answer = last(&mut world, alice);
    assert_eq!((&answer["id"], &answer["result"]["seq"]), (&5.into(), &(seq + 2).into()));
    world.ask(alice, &ask(seq + 9));
    for _ in 1..MIN_SEQ_PUBLICATIONS_MAX {
        world.publish();
    }
    assert_eq!(world.wire.local(alice).len(), 2, "at the limit it still waits");
    world.publish();
    let error = last(&mut world, alice)["error"].clone();
    assert_eq!(error["code"], "SEQ_NOT_REACHED");
    assert_eq!(error["value"], (seq + 9).to_string());
    assert_eq!(error["limit"], (seq + 2).to_string());
    for _ in 0..READS_WAITING_MAX {
        world.ask(alice, &ask(seq + 9));
    }
    world.ask(alice, &ask(seq + 9));
    assert_eq!(last(&mut world, alice)["error"]["code"], "OVERLOADED");
}

pub(crate) fn together(count: usize) -> String {
    let order = r#"{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.00"}"#;
    let orders = vec![order; count].join(",");
    format!(r#"{{"id":8,"op":"order.place_batch","params":{{"orders":[{orders}]}}}}"#)
}

pub(crate) fn accepted(index: usize) -> Vec<Event> {
    let accepted = OrderAccepted {
        order_id: OrderId(100 + index as u64),
        account: ALICE,
        instrument: BTC_USD,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        qty: Qty::from_lots(1_000),
        price: Price::from_ticks(6_000_000),
        notional: Amount::ZERO,
        client_order_id: ClientOrderId::default(),
    };
    vec![accepted.into()]
}

fn refused() -> Vec<Event> {
    let rejected = Rejected {
        code: RejectCode::InsufficientBalance,
        field: Field::Available,
        unit: Unit::QuoteMinor,
        value: 5,
        limit: 4,
        client_order_id: ClientOrderId::default(),
    };
    vec![rejected.into()]
}

/// What became of each: an order id or a code.
fn results(answer: &Value) -> Vec<String> {
    let of = |row: &Value| {
        let code = row["error"]["code"].as_str();
        code.or(row["order_id"].as_str()).expect("one of both").to_owned()
    };
    answer["result"]["orders"].as_array().expect("a list").iter().map(of).collect()
}

#[test]
fn fifty_orders_are_one_reply_and_one_more_is_refused_before_any_is_placed() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &together(50));
    assert_eq!(world.hub.batch().len(), 50);
    let seq = world.tick(|index| if index == 3 { refused() } else { accepted(index) });
    let answer = last(&mut world, alice);
    assert_eq!((&answer["ok"], &answer["weight"]), (&true.into(), &50.into()));
    assert_eq!(answer["result"]["seq"], seq);
    let got = results(&answer);
    assert_eq!((got.len(), got[0].as_str(), got[3].as_str()), (50, "100", "INSUFFICIENT_BALANCE"));
    assert_eq!(world.wire.local(alice).len(), 1, "one reply");
    world.ask(alice, &together(51));
    assert!(world.hub.batch().is_empty());
    let error = last(&mut world, alice)["error"].clone();
    let said = [&error["code"], &error["field"], &error["limit"], &error["state"]];
    assert_eq!(said, ["TOO_LARGE", "orders", "50", "not_sent"]);
}

#[test]
fn a_batch_that_fills_the_queue_is_refused_order_by_order() {
    let mut world = a_world();
    let (alice, bob) = (world.hub.open_local(ALICE), world.hub.open_local(BOB));
    for id in 0..BATCH_COMMANDS_MAX - BATCH_CANCELS_RESERVED - 2 {
        world.ask(bob, &place(u32::try_from(id).expect("few")));
    }
    world.ask(alice, &together(4));
    assert_eq!(world.hub.counters().overloaded, 2);
    world.tick(|index| accepted(index % 7));
    let got = results(&last(&mut world, alice));
    assert_eq!(&got[2..], ["OVERLOADED", "OVERLOADED"]);
    assert!(got[..2].iter().all(|id| id.starts_with("10")), "{got:?}");
}

#[test]
fn a_session_that_is_gone_leaves_nothing_of_its_batch_behind() {
    let mut world = a_world();
    let (alice, bob) = (world.hub.open_local(ALICE), world.hub.open_local(BOB));
    world.ask(alice, &together(3));
    world.ask(bob, &together(2));
    world.hub.close(alice);
    world.tick(accepted);
    assert_eq!(results(&last(&mut world, bob)), ["103", "104"]);
    assert!(world.wire.local(alice).is_empty());
}

#[test]
fn what_would_be_stamped_past_its_deadline_is_refused_and_the_others_keep_their_replies() {
    let mut world = a_world();
    let (alice, bob) = (world.hub.open_local(ALICE), world.hub.open_local(BOB));
    let until = |text: &str, after_us: i64| {
        let deadline = NOW_US + after_us;
        text.replacen('{', &format!(r#"{{"deadline":{deadline},"#), 1)
    };
    world.ask(bob, &until(&place(1), 10));
    world.ask(alice, &until(&together(2), 10));
    world.ask(bob, &place(2));
    world.ask(bob, &until(&place(3), 11));
    world.ask(alice, &together(1));
    let mut batch = world.hub.take_batch(Batch::default());
    // At the limit all are in time; one microsecond past it three are not.
    world.hub.drop_late(&mut batch, (NOW_US + 10) * 1_000 + 999, &world.table);
    assert_eq!(batch.len(), 6);
    world.hub.drop_late(&mut batch, (NOW_US + 11) * 1_000, &world.table);
    assert_eq!(batch.len(), 3);
    world.apply(&batch, accepted);
    world.all_durable();
    let read = |text: &String| serde_json::from_str::<Value>(text).expect("JSON");
    let (to_alice, to_bob) = (world.wire.local(alice), world.wire.local(bob));
    let (to_alice, to_bob): (Vec<_>, Vec<_>) =
        (to_alice.iter().map(read).collect(), to_bob.iter().map(read).collect());
    assert_eq!(results(&to_alice[0]), ["DEADLINE_PASSED", "DEADLINE_PASSED"]);
    assert_eq!(results(&to_alice[1]), ["102"], "the last of the three");
    let error = &to_bob[0]["error"];
    assert_eq!((&to_bob[0]["id"], &error["code"]), (&1.into(), &"DEADLINE_PASSED".into()));
    assert_eq!((&error["field"], &error["state"]), (&"deadline".into(), &"not_sent".into()));
    assert_eq!((&to_bob[1]["id"], &to_bob[1]["result"]["order_id"]), (&2.into(), &"100".into()));
    assert_eq!((&to_bob[2]["id"], &to_bob[2]["result"]["order_id"]), (&3.into(), &"101".into()));
}

#[test]
fn tests_of_orders_are_answered_from_what_the_core_says_and_bounded_by_the_turn() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    let ask = place(4).replace("order.place", "order.test");
    for _ in 0..TRIALS_PER_TURN_MAX {
        world.ask(alice, &ask);
    }
    world.ask(alice, &ask);
    assert_eq!(last(&mut world, alice)["error"]["code"], "OVERLOADED");
    assert!(world.hub.batch().is_empty() && world.hub.has_trials());
    let trials = world.hub.take_trials();
    assert_eq!(trials.len(), TRIALS_PER_TURN_MAX);
    world.hub.answer_trial(&trials[0], &refused(), &world.table);
    let error = last(&mut world, alice)["error"].clone();
    assert_eq!(
        (&error["code"], &error["state"]),
        (&"INSUFFICIENT_BALANCE".into(), &"not_sent".into())
    );
    world.hub.answer_trial(&trials[1], &[], &world.table);
    let answer = last(&mut world, alice);
    assert_eq!((&answer["id"], &answer["ok"]), (&4.into(), &true.into()));
    assert!(!world.hub.has_trials());
}
