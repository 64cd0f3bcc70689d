//! Risk feeds that bind many, statuses of instruments, sessions of mass cancels, operators' requests.

use crate::world::{ALICE, BOB, BTC_USD, a_world, number, subscribe};
use coulisse_types::event::{
    AccountConfigured, GroupCreated, MarkChanged, OrderAmended, RiskStateChanged,
};
use coulisse_types::{
    AccountId, AccountName, ClientOrderId, Command, Event, GroupId, OrderId, Price, Qty, RiskState,
    Scope,
};

fn state(scope: Scope, scope_id: u32) -> Event {
    RiskStateChanged { scope, scope_id, state: RiskState::Reducing }.into()
}

fn joins(account: AccountId, group: u32) -> Event {
    AccountConfigured { account, group: GroupId(group), trade_group: 0 }.into()
}

fn a_group(group: u32) -> Event {
    let name = AccountName::new(format!("g{group}").as_bytes()).expect("short");
    GroupCreated { group: GroupId(group), name }.into()
}

#[test]
fn risk_is_told_to_whom_it_binds_and_its_chain_has_no_gap() {
    let mut world = a_world();
    world.happens(&[a_group(1)]);
    world.happens(&[a_group(2)]);
    world.happens(&[joins(ALICE, 1)]);
    world.happens(&[state(Scope::Group, 2)]);
    let before = world.happens(&[state(Scope::Firm, 0)]);
    let [alice, bob] = [ALICE, BOB].map(|account| world.hub.open_local(account));
    world.ask(alice, &subscribe("risk"));
    world.ask(bob, &subscribe("risk"));
    let group = world.happens(&[state(Scope::Group, 1)]);
    world.happens(&[state(Scope::Group, 2)]);
    let own = world.happens(&[state(Scope::Account, ALICE.0), state(Scope::Firm, 0)]);
    let moved = world.happens(&[joins(ALICE, 2)]);
    world.happens(&[state(Scope::Group, 1)]);
    let other = world.happens(&[state(Scope::Group, 2)]);
    world.all_durable();
    let got = world.wire.local(alice);
    assert_eq!(number(&got[1], "seq"), before, "{got:?}");
    let chain: Vec<(u64, u64)> =
        got[2..].iter().map(|text| (number(text, "prev"), number(text, "seq"))).collect();
    assert_eq!(chain, [(before, group), (group, own), (own, moved), (moved, other)]);
    assert_eq!(got[3].matches("\"event\"").count(), 2, "{}", got[3]);
    let got = world.wire.local(bob);
    let chain: Vec<(u64, u64)> =
        got[2..].iter().map(|text| (number(text, "prev"), number(text, "seq"))).collect();
    assert_eq!(chain, [(before, own)], "{got:?}");
}

#[test]
fn the_image_of_risk_shows_what_the_core_says_now() {
    let mut world = a_world();
    world.table.risk = vec![state(Scope::Firm, 0), state(Scope::Account, BOB.0)];
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &subscribe("risk"));
    world.all_durable();
    let image = world.wire.local(alice).pop().expect("an image");
    assert!(image.contains(r#""items":[{"event":"state_changed","scope":"firm""#), "{image}");
    assert!(!image.contains("bob"), "{image}");
}

#[test]
fn who_left_hears_no_more_of_the_firm() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &subscribe("risk"));
    world.ask(alice, &subscribe("status"));
    world.hub.close(alice);
    let next = world.hub.open_local(BOB);
    world.ask(next, &subscribe("risk"));
    world.all_durable();
    world.wire.sent.clear();
    world.happens(&[state(Scope::Account, ALICE.0)]);
    world.happens(&[MarkChanged { instrument: BTC_USD, price: Price::from_ticks(5) }.into()]);
    world.publish();
    assert!(world.wire.sent.is_empty(), "{:?}", world.wire.sent);
}

#[test]
fn every_change_of_a_status_is_one_message_behind_the_image() {
    let mut world = a_world();
    let mark = |ticks| MarkChanged { instrument: BTC_USD, price: Price::from_ticks(ticks) }.into();
    let first = world.happens(&[mark(1)]);
    let session = world.hub.open_local(ALICE);
    world.ask(session, &subscribe("status"));
    let second = world.happens(&[mark(2), state(Scope::Instrument, BTC_USD.0)]);
    let third = world.happens(&[mark(3)]);
    let late = world.hub.open_local(BOB);
    world.ask(late, &subscribe("status"));
    world.publish();
    let got = world.wire.local(session);
    assert_eq!(number(&got[1], "seq"), first);
    let chain: Vec<(u64, u64)> =
        got[2..].iter().map(|text| (number(text, "prev"), number(text, "seq"))).collect();
    assert_eq!(chain, [(first, second), (second, third)]);
    assert!(got[2].contains(r#"{"event":"risk_state_changed","risk_state":"reducing"}"#));
    let got = world.wire.local(late);
    assert_eq!((got.len(), number(&got[1], "seq")), (2, third), "{got:?}");
}

#[test]
fn a_mass_cancel_of_this_session_carries_the_sessions_number() {
    let mut world = a_world();
    world.hub.open_local(ALICE);
    let session = world.hub.open_local(ALICE);
    for params in [r#"{"session":true}"#, r#"{"side":"buy"}"#] {
        world.ask(session, &format!(r#"{{"op":"order.cancel_all","params":{params}}}"#));
    }
    let asked: Vec<u64> = world
        .hub
        .batch()
        .entries()
        .iter()
        .map(|entry| match entry.command {
            Command::OrderCancelAll(all) => all.session,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(asked, [session.session, 0]);
    assert_eq!(session.session, 2);
}

#[test]
fn a_session_without_admin_is_refused_what_operators_ask_for() {
    let mut world = a_world();
    let session = world.hub.open_local(ALICE);
    for (op, params) in [
        ("kill.switch", r#"{"scope":"firm"}"#),
        ("limit.set", r#"{"scope":"firm","kind":"open_orders","limit":"1"}"#),
        ("instrument.state", r#"{"symbol":"BTC-USD","state":"halted"}"#),
    ] {
        world.ask(session, &format!(r#"{{"id":1,"op":"{op}","params":{params}}}"#));
    }
    world.all_durable();
    assert!(world.hub.batch().is_empty());
    let got = world.wire.local(session);
    assert_eq!(got.len(), 3);
    assert!(got.iter().all(|text| text.contains("NOT_PERMITTED")), "{got:?}");
}

#[test]
fn an_amended_order_that_waits_is_told_so() {
    let mut world = a_world();
    let session = world.hub.open_local(ALICE);
    let amend = r#"{"id":1,"op":"order.amend","params":{"order_id":"5","qty":"0.02"}}"#;
    let amended: Event = OrderAmended {
        order_id: OrderId(5),
        account: ALICE,
        instrument: BTC_USD,
        qty: Qty::from_lots(2_000),
        price: Price::from_ticks(6_000_000),
        remaining: Qty::from_lots(2_000),
        kept_priority: true,
        client_order_id: ClientOrderId::default(),
    }
    .into();
    for waiting in [None, Some(OrderId(5))] {
        world.table.waiting = waiting;
        world.ask(session, amend);
        world.tick(|_| vec![amended]);
    }
    world.all_durable();
    let got = world.wire.local(session);
    assert!(got[0].contains(r#""state":"open""#) && got[1].contains(r#""state":"waiting""#));
}
