//! Subscriptions: who hears what, from where on, and that it ends.

use crate::world::{ALICE, BOB, a_balance_of, a_world, number, subscribe};
use coulisse_gateway::limits::SUBSCRIPTIONS_MAX;

#[test]
fn a_closed_connection_hears_nothing_more_and_neither_does_the_next_in_its_slot() {
    let mut world = a_world();
    let gone = world.hub.open_local(ALICE);
    for channel in ["book", "trades", "orders", "fills", "balances"] {
        world.ask(gone, &subscribe(channel));
    }
    world.all_durable();
    world.hub.close(gone);
    let next = world.hub.open_local(ALICE);
    assert_eq!(next.slot, gone.slot);
    world.wire.sent.clear();
    world.a_trade();
    world.a_bid_of(7);
    world.happens(&[a_balance_of(ALICE, 5)]);
    world.publish();
    assert!(world.wire.sent.is_empty(), "{:?}", world.wire.sent);
    assert_eq!(world.hub.open_count(), 1);
}

#[test]
fn a_private_channel_says_the_seq_it_was_at_before_whoever_listened_then() {
    let mut world = a_world();
    let first = world.happens(&[a_balance_of(ALICE, 1)]);
    world.happens(&[a_balance_of(BOB, 1)]);
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &subscribe("balances"));
    let second = world.happens(&[a_balance_of(ALICE, 2)]);
    world.happens(&[a_balance_of(BOB, 2)]);
    let third = world.happens(&[a_balance_of(ALICE, 3)]);
    world.all_durable();
    let got = world.wire.local(alice);
    assert_eq!(number(&got[1], "seq"), first, "the image stands at the channel's last seq");
    let chain: Vec<(u64, u64)> =
        got[2..].iter().map(|text| (number(text, "prev"), number(text, "seq"))).collect();
    assert_eq!(chain, [(first, second), (second, third)]);
}

#[test]
fn a_session_has_one_depth_of_each_book() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    for depth in [10, 50] {
        world.ask(
            alice,
            &format!(
                r#"{{"op":"subscribe","params":{{"channel":"book","symbols":["BTC-USD"],"depth":{depth}}}}}"#
            ),
        );
    }
    world.all_durable();
    world.wire.sent.clear();
    world.a_bid_of(7);
    world.publish();
    assert_eq!(world.wire.local(alice).len(), 1);
    world.ask(alice, &subscribe("book").replace("subscribe", "unsubscribe"));
    world.a_bid_of(8);
    world.publish();
    assert_eq!(world.wire.local(alice).len(), 2, "the reply, and no more deltas");
}

#[test]
fn trades_that_nobody_waited_for_leave_no_gap_for_the_next_listener() {
    let mut world = a_world();
    let gone = world.hub.open_local(ALICE);
    world.ask(gone, &subscribe("trades"));
    world.a_trade();
    world.hub.close(gone);
    let latest = world.a_trade();
    world.publish();
    let next = world.hub.open_local(BOB);
    world.ask(next, &subscribe("trades"));
    let traded = world.a_trade();
    world.publish();
    let got = world.wire.local(next);
    assert_eq!(number(&got[1], "seq"), latest, "the image: {}", got[1]);
    assert_eq!((number(&got[2], "prev"), number(&got[2], "seq")), (latest, traded));
}

#[test]
fn a_newcomer_costs_the_old_listeners_of_trades_no_message() {
    let mut world = a_world();
    let (old, new) = (world.hub.open_local(ALICE), world.hub.open_local(BOB));
    world.ask(old, &subscribe("trades"));
    let before = world.a_trade();
    world.ask(new, &subscribe("trades"));
    let after = world.a_trade();
    world.publish();
    let seqs = |conn| -> Vec<u64> {
        world.wire.local(conn)[1..].iter().map(|text| number(text, "seq")).collect()
    };
    assert_eq!(seqs(old), [0, before, after]);
    assert_eq!(seqs(new), [before, after]);
}

#[test]
fn newcomers_cost_the_old_listeners_of_a_book_no_message_and_begin_with_its_next_one() {
    let mut world = a_world();
    let old = world.hub.open_local(ALICE);
    world.ask(old, &subscribe("book"));
    let mut newcomers = Vec::new();
    for lots in 5..25 {
        world.a_bid_of(lots);
        let new = world.hub.open_local(BOB);
        world.ask(new, &subscribe("book"));
        newcomers.push(new);
    }
    let newest = world.a_bid_of(30);
    world.all_durable();
    assert_eq!(world.wire.local(old).len(), 2, "the reply and its image");
    assert_eq!(world.wire.local(newcomers[0]).len(), 1, "the reply");
    world.publish();
    let told = world.wire.local(old);
    assert_eq!((told.len(), number(&told[2], "seq")), (3, newest), "one delta for all of it");
    for new in newcomers {
        let got = world.wire.local(new);
        assert_eq!(got.len(), 2);
        assert!(got[1].contains("\"type\":\"image\"") && number(&got[1], "seq") == newest);
    }
    let next = world.a_bid_of(31);
    world.publish();
    let told = world.wire.local(old);
    assert_eq!((number(&told[3], "prev"), number(&told[3], "seq")), (newest, next));
}

#[test]
fn the_same_subscription_again_counts_once() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    for _ in 0..=SUBSCRIPTIONS_MAX {
        world.ask(alice, &subscribe("book"));
        world.ask(alice, &subscribe("balances"));
    }
    world.all_durable();
    assert!(world.wire.local(alice).iter().all(|text| !text.contains(r#""ok":false"#)));
}

#[test]
fn a_logoff_ends_what_is_private_and_keeps_what_is_public() {
    let mut world = a_world();
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &subscribe("balances"));
    world.ask(alice, &subscribe("trades"));
    world.ask(alice, r#"{"id":1,"op":"session.logoff"}"#);
    world.all_durable();
    world.wire.sent.clear();
    world.happens(&[a_balance_of(ALICE, 5)]);
    let traded = world.a_trade();
    world.publish();
    let got = world.wire.local(alice);
    assert_eq!(got.len(), 1, "{got:?}");
    assert_eq!(number(&got[0], "seq"), traded);
}

#[test]
fn a_session_has_as_many_subscriptions_as_the_limit_and_no_more() {
    let mut world = a_world();
    let symbols: Vec<String> =
        (0..SUBSCRIPTIONS_MAX).map(|number| world.an_instrument(number)).collect();
    let alice = world.hub.open_local(ALICE);
    let asked = |symbol: &str, channel: &str| {
        format!(r#"{{"op":"subscribe","params":{{"channel":"{channel}","symbols":["{symbol}"]}}}}"#)
    };
    for symbol in &symbols {
        world.ask(alice, &asked(symbol, "trades"));
    }
    world.all_durable();
    let answers = world.wire.local(alice);
    assert!(answers.iter().all(|text| !text.contains(r#""ok":false"#)), "{answers:?}");
    world.wire.sent.clear();
    world.ask(alice, &asked(&symbols[0], "book"));
    world.ask(alice, &asked(&symbols[0], "trades"));
    world.ask(alice, &asked(&symbols[0], "trades").replace("subscribe", "unsubscribe"));
    world.ask(alice, &asked(&symbols[0], "book"));
    world.all_durable();
    let answers = world.wire.local(alice);
    assert!(answers[0].contains("TOO_MANY_SUBSCRIPTIONS"), "{answers:?}");
    assert!(answers[1..].iter().all(|text| !text.contains(r#""ok":false"#)), "{answers:?}");
}
