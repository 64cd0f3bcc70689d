//! History: what the store has and what the hub knows since is one list, or the store's alone.

use crate::lists_and_batches::accepted;
use crate::world::{ALICE, BOB, BTC_USD, World, a_world};
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::history::{FillAt, Found, Question, Told};
use coulisse_gateway::limits::{
    HISTORY_RECORDS_MAX, HISTORY_WAITING_MAX, MIN_SEQ_PUBLICATIONS_MAX,
};
use coulisse_types::event::{CloseReason, OrderClosed, OrderFilled, OrderState, Role};
use coulisse_types::{
    AccountId, Amount, ClientOrderId, InstrumentId, OrderId, Price, Qty, Side, TradeId,
};
use coulisse_wire::native::feed::FillRow;
use coulisse_wire::native::history::Place;
use serde_json::Value;

fn a_fill(account: AccountId, instrument: InstrumentId, trade: u64) -> OrderFilled {
    OrderFilled {
        order_id: OrderId(100 + trade),
        account,
        instrument,
        trade_id: TradeId(trade),
        side: Side::Buy,
        role: Role::Maker,
        price: Price::from_ticks(6_000_000),
        qty: Qty::from_lots(5),
        notional: Amount::from_minor(300_000_000),
        fee: Amount::from_minor(60_000),
        filled: Qty::from_lots(5),
        remaining: Qty::from_lots(0),
        client_order_id: ClientOrderId::default(),
    }
}

/// A fill as a store has it that got it as the only event of a record.
fn stored(seq: u64, trade: u64) -> FillAt {
    let row = FillRow { fill: a_fill(ALICE, BTC_USD, trade), seq, time_us: crate::world::NOW_US };
    FillAt { place: Place { seq, item: 0 }, row }
}

fn ask(world: &mut World, conn: ConnId, op: &str, params: &str) {
    world.ask(conn, &format!(r#"{{"id":1,"op":"{op}","params":{{{params}}}}}"#));
}

fn question(world: &mut World) -> Question {
    let mut all = world.hub.take_questions();
    let one = all.next().expect("a question");
    assert!(all.next().is_none(), "one question");
    one
}

fn fills_at(world: &mut World, seq: u64, rows: Vec<FillAt>) {
    let question = question(world);
    assert_eq!(question.account, ALICE);
    let told = Told { seq, rows, looked_to: None };
    world.hub.finish_history(question.number, Found::Fills(told), &world.table);
    world.all_durable();
}

fn last(world: &World, conn: ConnId) -> Value {
    let messages = world.wire.local(conn);
    serde_json::from_str(messages.last().expect("an answer")).expect("JSON")
}

fn trades(answer: &Value) -> Vec<u64> {
    let rows = answer["result"]["fills"].as_array().expect("a list").iter();
    rows.map(|row| row["trade_id"].as_str().and_then(|id| id.parse().ok()).expect("an id"))
        .collect()
}

/// A world with somebody who asks the store, and a session of Alice's.
fn a_world_with_a_store() -> (World, ConnId) {
    let mut world = a_world();
    world.hub.open_history();
    let alice = world.hub.open_local(ALICE);
    (world, alice)
}

#[test]
fn without_a_store_the_answer_says_so_at_once() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    ask(&mut world, alice, "fills.history", "");
    world.all_durable();
    let error = last(&world, alice)["error"].clone();
    assert_eq!(error["code"], "STORE_DOWN");
    assert_eq!((&error["field"], &error["value"]), (&"store".into(), &"off".into()));
    assert!(!world.hub.has_questions());
}

#[test]
fn what_the_store_lacks_is_told_in_front_of_what_it_has_and_others_are_not() {
    let (mut world, alice) = a_world_with_a_store();
    let first = world.happens(&[a_fill(ALICE, BTC_USD, 1).into()]);
    world.happens(&[a_fill(BOB, BTC_USD, 2).into()]);
    world.happens(&[a_fill(BOB, BTC_USD, 3).into(), a_fill(ALICE, BTC_USD, 4).into()]);
    ask(&mut world, alice, "fills.history", "");
    fills_at(&mut world, first, vec![stored(first, 1)]);
    let answer = last(&world, alice);
    assert_eq!(trades(&answer), [4, 1]);
    assert_eq!(answer["result"]["seq"], world.table.seq);
    assert_eq!(answer["result"]["store_seq"], first);
    // A store that is ahead of this node is told as far as the node is.
    ask(&mut world, alice, "fills.history", "");
    let ahead = world.table.seq + 5;
    fills_at(&mut world, ahead, vec![stored(ahead, 9), stored(first, 1)]);
    let answer = last(&world, alice);
    assert_eq!((trades(&answer), &answer["result"]["seq"]), (vec![1], &world.table.seq.into()));
}

#[test]
fn where_a_record_between_is_gone_the_list_is_the_stores_and_a_page_beyond_it_waits() {
    let (mut world, alice) = a_world_with_a_store();
    let first = world.happens(&[a_fill(ALICE, BTC_USD, 1).into()]);
    let second = world.happens(&[a_fill(ALICE, BTC_USD, 2).into()]);
    ask(&mut world, alice, "fills.history", r#""limit":1"#);
    fills_at(&mut world, first, vec![stored(first, 1)]);
    let answer = last(&world, alice);
    assert_eq!(trades(&answer), [2]);
    let cursor = answer["result"]["next_cursor"].as_str().expect("more").to_owned();
    // The ring is begun anew, as at a start.
    world.hub.keep_history(coulisse_gateway::limits::RING_BYTES);
    world.happens(&[a_fill(ALICE, BTC_USD, 3).into()]);
    ask(&mut world, alice, "fills.history", "");
    fills_at(&mut world, first, vec![stored(first, 1)]);
    let answer = last(&world, alice);
    assert_eq!((trades(&answer), &answer["result"]["seq"]), (vec![1], &first.into()));
    // It must be as new as that: it waits for the store, which comes to it.
    ask(&mut world, alice, "fills.history", &format!(r#""min_seq":{second}"#));
    let told = world.wire.local(alice).len();
    fills_at(&mut world, first, vec![stored(first, 1)]);
    assert_eq!(world.wire.local(alice).len(), told, "not yet");
    world.publish();
    fills_at(&mut world, second, vec![stored(second, 2), stored(first, 1)]);
    let answer = last(&world, alice);
    assert_eq!(trades(&answer), [3, 2, 1]);
    // A page that begins where the store is not: none of it is left out silently.
    ask(&mut world, alice, "fills.history", &format!(r#""cursor":"{cursor}""#));
    for _ in 0..=MIN_SEQ_PUBLICATIONS_MAX {
        fills_at(&mut world, first - 1, Vec::new());
        world.publish();
    }
    let error = last(&world, alice)["error"].clone();
    assert_eq!(error["code"], "SEQ_NOT_REACHED");
    assert_eq!(error["field"], "cursor");
    ask(&mut world, alice, "fills.history", &format!(r#""cursor":"{cursor}""#));
    fills_at(&mut world, second, vec![stored(first, 1)]);
    assert_eq!(trades(&last(&world, alice)), [1]);
}

#[test]
fn a_page_looks_at_so_many_records_and_says_where_it_goes_on() {
    let (mut world, alice) = a_world_with_a_store();
    let other = world.an_instrument(0);
    let first = world.happens(&[a_fill(ALICE, BTC_USD, 1).into()]);
    for trade in 0..HISTORY_RECORDS_MAX as u64 {
        world.happens(&[a_fill(ALICE, InstrumentId(2), 10 + trade).into()]);
    }
    ask(&mut world, alice, "fills.history", r#""symbol":"BTC-USD""#);
    fills_at(&mut world, first - 1, Vec::new());
    let answer = last(&world, alice);
    assert!(trades(&answer).is_empty(), "{other} has filled the page's time");
    let cursor = answer["result"]["next_cursor"].as_str().expect("more");
    let params = format!(r#""symbol":"BTC-USD","cursor":"{cursor}""#);
    ask(&mut world, alice, "fills.history", &params);
    fills_at(&mut world, first - 1, Vec::new());
    assert_eq!(trades(&last(&world, alice)), [1]);
}

#[test]
fn an_order_that_closed_since_is_told_as_it_was_accepted_wherever_that_stands() {
    let (mut world, alice) = a_world_with_a_store();
    let before = world.happens(&accepted(0));
    let order_id = OrderId(100);
    let closed = OrderClosed {
        order_id,
        account: ALICE,
        instrument: BTC_USD,
        state: OrderState::Cancelled,
        reason: CloseReason::CancelRequested,
        filled: Qty::from_lots(0),
        remaining: Qty::from_lots(1_000),
        client_order_id: ClientOrderId::default(),
    };
    world.happens(&[closed.into()]);
    ask(&mut world, alice, "orders.history", "");
    let number = question(&mut world).number;
    // The store has neither: the hub knows both.
    let told = Told { seq: before - 1, rows: Vec::new(), looked_to: None };
    world.hub.finish_history(number, Found::Orders(told.clone()), &world.table);
    world.all_durable();
    let whole = last(&world, alice)["result"]["orders"].clone();
    assert_eq!(
        (&whole[0]["qty"], &whole[0]["reason"]),
        (&"0.01000".into(), &"cancel_requested".into())
    );
    // It has the order, open: it is asked how that was accepted.
    ask(&mut world, alice, "orders.history", "");
    let number = question(&mut world).number;
    let told = Told { seq: before, ..told };
    world.hub.finish_history(number, Found::Orders(told.clone()), &world.table);
    let again = question(&mut world);
    assert_eq!((again.orders.as_slice(), again.account), (&[order_id][..], ALICE));
    // And a store that does not have it after all is asked again.
    world.hub.finish_history(again.number, Found::Orders(told), &world.table);
    world.publish();
    assert!(question(&mut world).orders.is_empty());
    assert_eq!(world.wire.local(alice).len(), 1, "it is still waiting");
}

#[test]
fn so_many_may_wait_and_those_whose_store_is_away_are_told() {
    let (mut world, alice) = a_world_with_a_store();
    for _ in 0..=HISTORY_WAITING_MAX {
        ask(&mut world, alice, "ledger.get", "");
    }
    world.all_durable();
    assert_eq!(world.wire.local(alice).len(), 1);
    assert_eq!(last(&world, alice)["error"]["code"], "OVERLOADED");
    let questions: Vec<Question> = world.hub.take_questions().collect();
    for question in questions {
        world.hub.finish_history(question.number, Found::Down, &world.table);
    }
    world.all_durable();
    assert_eq!(world.wire.local(alice).len(), 1 + HISTORY_WAITING_MAX);
    assert_eq!(last(&world, alice)["error"]["value"], "down");
    assert_eq!(world.hub.history_counters().0, 0);
}
