//! Many listeners: what was told is written once and sent in slices, and an order waits for one slice.

use crate::world::{ALICE, World, a_balance_of, a_world, number, place, subscribe};
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::limits::{FAN_BYTES_MAX, SWEEP_SENDS_MAX, SWEEP_SENDS_MIN};

fn many(world: &mut World, channel: &str, count: usize) -> Vec<ConnId> {
    let listeners: Vec<ConnId> = (0..count).map(|_| world.a_socket()).collect();
    for listener in &listeners {
        world.text(*listener, &subscribe(channel));
        world.all_durable();
    }
    world.wire.sent.clear();
    listeners
}

/// How many writes each turn of the loop makes until none is left.
fn turns(world: &mut World) -> Vec<usize> {
    let mut writes = Vec::new();
    loop {
        let before = world.wire.sent.len();
        world.all_durable();
        writes.push(world.wire.sent.len() - before);
        if !world.hub.sweeps_on() {
            return writes;
        }
    }
}

#[test]
fn ten_thousand_listeners_are_served_in_slices_and_an_order_waits_for_one() {
    let mut world = a_world();
    let listeners = many(&mut world, "book", 10_000);
    let trader = world.hub.open_local(ALICE);
    world.a_bid_of(7);
    world.hub.publish(&world.table);
    let mut replies = 0;
    let mut slices = 0;
    while replies < 20 || world.hub.sweeps_on() {
        world.ask(trader, &place(replies));
        world.tick(|_| vec![a_balance_of(ALICE, 1)]);
        let before = world.wire.sent.len();
        world.all_durable();
        let sent = &world.wire.sent[before..];
        assert!(sent.len() <= SWEEP_SENDS_MAX + 1, "{} writes in one turn", sent.len());
        assert_eq!(sent[0].0, trader, "the reply leaves first, in the turn of its order");
        replies += 1;
        slices += usize::from(sent.len() > 1);
    }
    assert_eq!(slices, 10_000_usize.div_ceil(SWEEP_SENDS_MAX));
    let first = world.wire.sent.iter().find(|(to, _)| *to == listeners[0]).expect("a delta");
    let served = world.wire.sent.iter().filter(|(to, bytes)| *to != trader && *bytes == first.1);
    assert_eq!(served.count(), 10_000, "all get the same bytes, once");
}

#[test]
fn listeners_give_way_to_what_has_come_and_are_served_some_all_the_same() {
    let mut world = a_world();
    let listeners = many(&mut world, "trades", 10 * SWEEP_SENDS_MIN);
    world.a_trade();
    world.wire.urged = true;
    let writes = turns(&mut world);
    assert_eq!(writes[..10], [SWEEP_SENDS_MIN; 10]);
    world.a_trade();
    world.now_us += 1_000_000;
    world.all_durable();
    assert!(world.hub.sweeps_on(), "it is not forgotten");
    world.wire.urged = false;
    world.all_durable();
    for listener in listeners {
        assert_eq!(world.wire.socket(listener).0.len(), 2);
    }
}

#[test]
fn streams_share_the_slices_and_none_is_forgotten() {
    let mut world = a_world();
    let channels = ["book", "trades", "ticker", "book"];
    let listeners: Vec<Vec<ConnId>> =
        channels.iter().map(|channel| many(&mut world, channel, SWEEP_SENDS_MAX + 7)).collect();
    world.a_trade();
    world.a_bid_of(7);
    world.hub.publish(&world.table);
    let writes = turns(&mut world);
    assert!(writes.iter().all(|count| *count <= SWEEP_SENDS_MAX), "{writes:?}");
    for listener in listeners.iter().flatten() {
        assert_eq!(world.wire.socket(*listener).0.len(), 1);
    }
}

#[test]
fn what_happens_during_a_sweep_is_joined_into_the_next_one() {
    let mut world = a_world();
    let listeners = many(&mut world, "trades", 3 * SWEEP_SENDS_MAX);
    let first = world.a_trade();
    world.all_durable();
    assert!(world.hub.sweeps_on());
    let later: Vec<u64> = (0..50).map(|_| world.a_trade()).collect();
    let writes = turns(&mut world);
    assert!(writes.iter().all(|count| *count <= SWEEP_SENDS_MAX), "{writes:?}");
    world.now_us += 1_000_000;
    turns(&mut world);
    let all: Vec<u64> = [vec![first], later].concat();
    for listener in [listeners[0], listeners[2 * SWEEP_SENDS_MAX], *listeners.last().expect("many")]
    {
        let writes = world.wire.sent.iter().filter(|(to, _)| *to == listener).count();
        assert!(writes <= 2, "{writes} writes for 51 messages");
        let texts = world.wire.socket(listener).0;
        let seqs: Vec<u64> = texts.iter().map(|text| number(text, "seq")).collect();
        assert_eq!(seqs, all);
    }
}

#[test]
fn whoever_comes_or_goes_during_a_sweep_gets_each_message_once_and_no_one_is_skipped() {
    let mut world = a_world();
    let listeners = many(&mut world, "trades", 3 * SWEEP_SENDS_MAX);
    let traded = world.a_trade();
    world.all_durable();
    // Some that were served leave, and some that were not.
    for gone in listeners.iter().step_by(5) {
        world.hub.close(*gone);
    }
    let newcomer = world.a_socket();
    world.text(newcomer, &subscribe("trades"));
    let later = world.a_trade();
    turns(&mut world);
    world.now_us += 1_000_000;
    turns(&mut world);
    for (at, listener) in listeners.iter().enumerate() {
        let texts = world.wire.socket(*listener).0;
        let seqs: Vec<u64> = texts.iter().map(|text| number(text, "seq")).collect();
        if at % 5 != 0 {
            assert_eq!(seqs, [traded, later], "listener {at}");
        }
    }
    let texts = world.wire.socket(newcomer).0;
    let seqs: Vec<u64> = texts[2..].iter().map(|text| number(text, "seq")).collect();
    assert_eq!(seqs, [traded, later], "its image, and what came after: {texts:?}");
}

#[test]
fn a_stream_that_cannot_be_sent_fast_enough_is_bounded_and_begins_again_with_an_image() {
    let mut world = a_world();
    let listeners = many(&mut world, "trades", 2);
    let stuck = world.table.seq;
    // The log stands still, so nothing may leave.
    for _ in 0..FAN_BYTES_MAX / 50 {
        world.a_trade();
        world.durable(stuck);
        assert!(world.hub.streams_used().1 <= 4 * FAN_BYTES_MAX);
    }
    world.publish();
    world.all_durable();
    for listener in listeners {
        let texts = world.wire.socket(listener).0;
        assert!(texts[0].contains(r#""type":"image""#), "{}", texts[0]);
        let chain: Vec<u64> = texts.iter().map(|text| number(text, "seq")).collect();
        assert_eq!(chain.last(), Some(&world.table.seq));
        for text in &texts[1..] {
            assert!(chain.contains(&number(text, "prev")));
        }
    }
}
