//! A hub that starts from what another wrote down: no client can tell it from one that replayed.

use crate::world::{ALICE, BOB, BTC_USD, World, a_balance_of, a_world, number, subscribe};
use coulisse_gateway::hub::Hub;
use coulisse_gateway::limits::TRADES_KEPT_MAX;
use coulisse_types::event::{AccountConfigured, GroupCreated, MarkChanged, RiskStateChanged};
use coulisse_types::{AccountName, Event, GroupId, Price, RiskState, Scope};
use coulisse_wire::instruments::Symbols;

fn a_hub() -> Hub {
    Hub::new(vec!["localhost".to_owned()], "coulisse/test".to_owned(), "n1".to_owned(), 1)
}

fn written(hub: &Hub) -> Vec<u8> {
    let mut bytes = Vec::new();
    hub.write_feeds(&mut bytes);
    bytes
}

/// The same world behind a hub that read what this one's wrote.
fn restarted(world: &mut World) {
    let bytes = written(&world.hub);
    world.hub = a_hub();
    world.hub.read_feeds(&bytes).expect("just written");
    world.wire = crate::world::Wire::default();
    assert_eq!(written(&world.hub), bytes);
}

/// What a newcomer hears of every channel, with a delta of each.
fn heard(world: &mut World) -> Vec<String> {
    let alice = world.hub.open_local(ALICE);
    for channel in [
        "book",
        "book_l3",
        "ticker",
        "trades",
        "status",
        "orders",
        "fills",
        "balances",
        "positions",
        "risk",
    ] {
        world.ask(alice, &subscribe(channel));
    }
    for interval in ["1s", "1m", "5m", "15m", "1h", "4h", "1d"] {
        let params =
            format!(r#""channel":"candles","symbols":["BTC-USD"],"interval":"{interval}""#);
        world.ask(alice, &format!(r#"{{"op":"subscribe","params":{{{params}}}}}"#));
    }
    world.ask(alice, r#"{"op":"subscribe","params":{"channel":"instruments"}}"#);
    world.a_trade();
    world.a_bid_of(9);
    world.happens(&[a_mark(5)]);
    world.happens(&[a_state(Scope::Group, 2)]);
    world.happens(&[a_state(Scope::Firm, 0)]);
    world.happens(&[a_balance_of(ALICE, 3)]);
    world.publish();
    world.wire.local(alice)
}

fn a_lived_in_world() -> World {
    let mut world = a_world();
    world.an_instrument(0);
    for minor in 1..4 {
        world.happens(&[a_balance_of(ALICE, minor)]);
        world.a_trade();
        world.happens(&[a_balance_of(BOB, minor)]);
    }
    world.a_bid_of(7);
    for group in 1..3 {
        let name = AccountName::new(format!("g{group}").as_bytes()).expect("short");
        world.happens(&[GroupCreated { group: GroupId(group), name }.into()]);
    }
    let joined = AccountConfigured { account: ALICE, group: GroupId(2), trade_group: 0 };
    world.happens(&[joined.into()]);
    world.happens(&[a_mark(4)]);
    for scope in [Scope::Account, Scope::Group, Scope::Firm] {
        world.happens(&[a_state(scope, 2)]);
    }
    world
}

fn a_mark(ticks: i64) -> Event {
    MarkChanged { instrument: BTC_USD, price: Price::from_ticks(ticks) }.into()
}

fn a_state(scope: Scope, scope_id: u32) -> Event {
    RiskStateChanged { scope, scope_id, state: RiskState::Reducing }.into()
}

#[test]
fn a_newcomer_hears_the_same_of_a_hub_that_started_from_a_snapshot() {
    let mut replayed = a_lived_in_world();
    let mut started = a_lived_in_world();
    restarted(&mut started);
    let heard_before = heard(&mut replayed);
    assert_eq!(heard(&mut started), heard_before);
    let chained = heard_before.iter().filter(|text| text.contains("\"prev\"")).count();
    assert!(chained >= 6, "{heard_before:?}");
    assert_eq!(written(&started.hub), written(&replayed.hub));
}

#[test]
fn whoever_listened_does_not_change_what_is_written_down() {
    let mut listened = a_world();
    let alice = listened.hub.open_local(ALICE);
    for channel in ["trades", "balances"] {
        listened.ask(alice, &subscribe(channel));
    }
    let mut unheard = a_world();
    for world in [&mut listened, &mut unheard] {
        world.a_trade();
        world.happens(&[a_balance_of(ALICE, 1)]);
    }
    assert_eq!(written(&listened.hub), written(&unheard.hub));
}

#[test]
fn the_trades_that_are_kept_are_kept_over_a_start_and_no_more() {
    let mut world = a_world();
    let kept = u64::try_from(TRADES_KEPT_MAX).expect("few");
    for _ in 0..kept + 5 {
        world.a_trade();
    }
    restarted(&mut world);
    world.a_trade();
    let trades = world.hub.latest_trades(crate::world::BTC_USD, TRADES_KEPT_MAX + 10);
    assert_eq!(trades.len(), TRADES_KEPT_MAX);
    assert_eq!((trades[0].trade_id, trades[TRADES_KEPT_MAX - 1].trade_id), (kept + 6, 7));
}

#[test]
fn prev_leads_over_the_start_from_the_last_message_before_it() {
    let mut world = a_world();
    let before = world.happens(&[a_balance_of(ALICE, 1)]);
    world.happens(&[a_balance_of(BOB, 1)]);
    restarted(&mut world);
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &subscribe("balances"));
    let after = world.happens(&[a_balance_of(ALICE, 2)]);
    world.all_durable();
    let got = world.wire.local(alice);
    let last = got.last().expect("a delta");
    assert_eq!((number(last, "prev"), number(last, "seq")), (before, after));
}

#[test]
fn a_group_is_known_by_its_name_over_a_start() {
    let mut world = a_lived_in_world();
    restarted(&mut world);
    let table = world.hub.instruments();
    let found = [b"g1", b"g2", b"g3"].map(|name| table.find_group(name));
    assert_eq!(found, [Some(GroupId(1)), Some(GroupId(2)), None]);
}

#[test]
fn no_session_has_the_number_of_one_before_the_start() {
    let mut given = Vec::new();
    for incarnation in 1..4 {
        let mut world = a_world();
        world.hub.number_sessions(incarnation);
        for _ in 0..3 {
            let session = world.hub.open_local(ALICE);
            given.push(session.session);
            world.hub.close(session);
        }
    }
    assert!(given.is_sorted_by(|one, next| one < next) && given[0] > 0, "{given:?}");
}

#[test]
fn bytes_that_are_no_feeds_are_refused_and_none_makes_the_hub_panic() {
    let bytes = written(&a_lived_in_world().hub);
    for length in 0..bytes.len() {
        assert!(a_hub().read_feeds(&bytes[..length]).is_err(), "{length} bytes");
    }
    assert!(a_hub().read_feeds(&[&bytes[..], &[0]].concat()).is_err());
    let mut refused = 0;
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut hub = a_hub();
        match hub.read_feeds(&flipped) {
            Ok(()) => drop(written(&hub)),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 500, "{refused}");
}
