//! Nobody sees what could vanish, and everyone sees what is theirs, once, in order.

use crate::world::{ALICE, BOB, NOW_US, a_balance_of, a_world, number, place, subscribe};
use coulisse_gateway::frame::Opcode;
use coulisse_gateway::hub::LogRoom;
use coulisse_gateway::limits::{BATCH_CANCELS_RESERVED, BATCH_COMMANDS_MAX};
use coulisse_types::event::Rejected;
use coulisse_types::{ClientOrderId, Event, Field, RejectCode, Unit};

fn refused() -> Vec<Event> {
    let rejected = Rejected {
        code: RejectCode::InsufficientBalance,
        field: Field::Available,
        unit: Unit::QuoteMinor,
        value: 2,
        limit: 1,
        client_order_id: ClientOrderId::default(),
    };
    vec![rejected.into()]
}

#[test]
fn a_reply_and_a_private_message_wait_for_the_seq_they_were_made_at() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &subscribe("balances"));
    world.all_durable();
    world.wire.sent.clear();
    world.ask(alice, &place(1));
    let seq = world.tick(|_| vec![a_balance_of(ALICE, 5)]);
    world.durable(seq - 1);
    assert!(world.wire.sent.is_empty());
    world.durable(seq);
    let got = world.wire.local(alice);
    assert_eq!(got.len(), 2, "{got:?}");
    assert_eq!(number(&got[0], "seq"), seq);
    assert!(got[1].starts_with(r#"{"id":1,"#), "{got:?}");
}

#[test]
fn a_read_waits_until_what_it_saw_is_durable() {
    let mut world = a_world();
    world.all_durable();
    let alice = world.hub.open_local(ALICE);
    let seen = world.happens(&[a_balance_of(ALICE, 5)]);
    world.ask(alice, r#"{"id":3,"op":"balances.get"}"#);
    world.durable(seen - 1);
    assert!(world.wire.sent.is_empty());
    world.durable(seen);
    assert_eq!(number(&world.wire.local(alice)[0], "seq"), seen);
}

#[test]
fn the_replies_of_each_session_come_in_the_order_of_its_commands() {
    let mut world = a_world();
    let (alice, bob) = (world.hub.open_local(ALICE), world.hub.open_local(BOB));
    for id in 0..100 {
        world.ask(if id % 3 == 0 { alice } else { bob }, &place(id));
    }
    let last = world.tick(|_| refused());
    for seq in last - 100..=last {
        world.durable(seq);
    }
    let ids = |conn| -> Vec<u64> {
        world.wire.local(conn).iter().map(|reply| number(reply, "id")).collect()
    };
    assert_eq!(ids(alice), (0..100).filter(|id| id % 3 == 0).collect::<Vec<_>>());
    assert_eq!(ids(bob), (0..100).filter(|id| id % 3 != 0).collect::<Vec<_>>());
}

#[test]
fn a_reply_never_reaches_the_next_connection_in_the_slot() {
    let mut world = a_world();
    let gone = world.hub.open_local(ALICE);
    world.ask(gone, &place(1));
    world.hub.close(gone);
    let next = world.hub.open_local(BOB);
    assert_eq!(next.slot, gone.slot, "the slot is used again");
    world.tick(|_| refused());
    world.all_durable();
    assert!(world.wire.sent.is_empty(), "{:?}", world.wire.sent);
}

#[test]
fn what_waited_for_a_connection_that_closed_never_reaches_the_next_in_its_slot() {
    let mut world = a_world();
    let gone = world.hub.open_local(ALICE);
    world.ask(gone, &place(1));
    let seq = world.tick(|_| refused());
    world.hub.close(gone);
    let next = world.hub.open_local(BOB);
    world.ask(next, r#"{"id":9,"op":"ping"}"#);
    world.durable(seq);
    let got = world.wire.local(next);
    assert_eq!(got.len(), 1);
    assert!(got[0].starts_with(r#"{"id":9,"ok":true,"result":{"seq":"#), "{}", got[0]);
    assert!(world.wire.local(gone).is_empty());
}

#[test]
fn the_departure_stamp_is_the_time_of_the_release() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, r#"{"id":4,"op":"order.cancel_all"}"#);
    world.tick(|_| {
        vec![
            coulisse_types::event::OrdersCancelled {
                account: ALICE,
                instrument: coulisse_types::InstrumentId(0),
                count: 0,
            }
            .into(),
        ]
    });
    world.all_durable();
    let reply = &world.wire.local(alice)[0];
    assert_eq!(number(reply, "t_out"), u64::try_from(NOW_US + 7).expect("after 1970"));
    assert!(reply.ends_with("}}"), "{reply}");
}

#[test]
fn a_full_batch_takes_no_order_but_still_takes_cancels_up_to_its_end() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    let orders = BATCH_COMMANDS_MAX - BATCH_CANCELS_RESERVED;
    for _ in 0..orders {
        world.ask(alice, &place(1));
    }
    world.ask(alice, &place(2));
    for _ in 0..=BATCH_CANCELS_RESERVED {
        world.ask(alice, r#"{"id":3,"op":"order.cancel_all"}"#);
    }
    assert_eq!(world.hub.batch().len(), BATCH_COMMANDS_MAX);
    world.all_durable();
    let refusals = world.wire.local(alice);
    assert_eq!(refusals.len(), 2, "{refusals:?}");
    assert!(refusals[0].starts_with(r#"{"id":2,"ok":false,"error":{"code":"OVERLOADED""#));
    assert!(refusals[1].starts_with(r#"{"id":3,"ok":false,"error":{"code":"OVERLOADED""#));
    assert_eq!(world.hub.counters().overloaded, 2);
}

#[test]
fn a_full_log_refuses_orders_and_takes_cancels() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    world.hub.set_log_room(LogRoom::WaysOut);
    world.ask(alice, &place(1));
    world.ask(alice, r#"{"id":2,"op":"order.cancel_all"}"#);
    world.all_durable();
    assert_eq!(world.hub.batch().len(), 1);
    let refusals = world.wire.local(alice);
    assert!(refusals[0].starts_with(r#"{"id":1,"ok":false,"error":{"code":"OVERLOADED""#));
}

#[test]
fn a_stopping_hub_takes_no_command_and_says_so_to_every_session() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    let socket = world.a_socket();
    world.hub.go_away(coulisse_types::Seq(world.table.seq), "the node is restarting");
    world.ask(alice, &place(1));
    world.all_durable();
    assert!(world.hub.batch().is_empty());
    let got = world.wire.local(alice);
    assert!(got[0].starts_with(r#"{"ch":"session","type":"going_away""#), "{got:?}");
    assert!(got[1].contains("SHUTTING_DOWN"), "{got:?}");
    let (texts, code) = world.wire.socket(socket);
    assert!(texts[1].starts_with(r#"{"ch":"session","type":"going_away""#), "{texts:?}");
    assert_eq!(code, None);
}

#[test]
fn a_session_inside_the_process_does_not_credit_itself() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    let asked =
        r#"{"id":1,"op":"account.deposit","params":{"asset":"USD","qty":"1","request_id":"1"}}"#;
    world.ask(alice, asked);
    world.all_durable();
    assert!(world.hub.batch().is_empty());
    assert!(world.wire.local(alice)[0].contains("NOT_PERMITTED"));
}

#[test]
fn nothing_behind_what_ended_a_session_is_taken() {
    let order = place(1);
    let binary = (Opcode::Binary, &b"x"[..]);
    let close = (Opcode::Close, &[0x03, 0xe8][..]);
    for (ending, code) in [(binary, 1003), (close, 1000)] {
        let mut world = a_world();
        let socket = world.a_socket();
        let ping = (Opcode::Text, &br#"{"id":8,"op":"ping"}"#[..]);
        world.frames(socket, &[ping, ending, ping, (Opcode::Text, order.as_bytes())]);
        world.all_durable();
        let (texts, closed) = world.wire.socket(socket);
        assert_eq!(texts.len(), 2, "hello and one answer: {texts:?}");
        assert_eq!(closed, Some(code));
        assert_eq!(world.wire.closed, [socket]);
        assert_eq!(world.hub.counters().requests, 1);
    }
}
