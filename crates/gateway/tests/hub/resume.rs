//! Going on from a seq: what was missed is told again, once, without an image, or it is refused.

use crate::world::{ALICE, BOB, World, a_balance_of, a_world, number, subscribe};
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::limits::{HELD_BYTES_MAX, RESUME_MESSAGES_MAX, RESUME_SLICE};
use coulisse_types::event::{AccountConfigured, RiskStateChanged};
use coulisse_types::{Event, GroupId, RiskState, Scope};

fn from(channel: &str, seq: u64) -> String {
    subscribe(channel).replace("}}", &format!(r#","from_seq":{seq}}}}}"#))
}

/// A session that goes on with a channel after a seq.
fn resumed(world: &mut World, channel: &str, seq: u64) -> ConnId {
    let conn = world.hub.open_local(ALICE);
    world.ask(conn, &from(channel, seq));
    world.all_durable();
    conn
}

/// `(prev, seq)` of each delta.
fn chain(texts: &[String]) -> Vec<(u64, u64)> {
    texts.iter().map(|text| (number(text, "prev"), number(text, "seq"))).collect()
}

#[test]
fn what_was_missed_is_told_again_as_it_was_told_and_no_image_comes() {
    for channel in ["balances", "trades"] {
        let mut world = a_world();
        let steady = world.hub.open_local(ALICE);
        world.ask(steady, &subscribe(channel));
        let mut seqs = Vec::new();
        for minor in 1..40 {
            let balance = world.happens(&[a_balance_of(ALICE, minor)]);
            world.happens(&[a_balance_of(BOB, minor)]);
            let trade = world.a_trade();
            seqs.push(if channel == "trades" { trade } else { balance });
        }
        world.all_durable();
        let told = world.wire.local(steady);
        for missed in [0, 1, 7, seqs.len()] {
            let at = seqs.len() - missed;
            let last = at.checked_sub(1).map_or(0, |at| seqs[at]);
            let back = resumed(&mut world, channel, last);
            let texts = world.wire.local(back);
            assert!(texts[0].contains(r#""resumed":true"#), "{}", texts[0]);
            assert_eq!(texts[1..], told[2 + at..], "{channel}, {missed} missed");
        }
    }
}

#[test]
fn whoever_went_on_hears_what_happens_after_that_once() {
    let mut world = a_world();
    let first = world.happens(&[a_balance_of(ALICE, 1)]);
    let second = world.happens(&[a_balance_of(ALICE, 2)]);
    let back = resumed(&mut world, "balances", first);
    // Again on the same session: it takes the place of the first.
    world.ask(back, &from("balances", second));
    let third = world.happens(&[a_balance_of(ALICE, 3)]);
    world.all_durable();
    let texts = world.wire.local(back);
    assert_eq!(chain(&[texts[1].clone()]), [(first, second)]);
    assert_eq!(chain(&texts[3..]), [(second, third)], "{texts:?}");
}

#[test]
fn what_is_no_longer_kept_begins_with_an_image_and_fills_are_refused() {
    let mut world = a_world();
    world.hub.keep_history(4_096);
    let first = world.happens(&[a_balance_of(ALICE, 1)]);
    for minor in 2..100 {
        world.happens(&[a_balance_of(ALICE, minor)]);
    }
    let back = resumed(&mut world, "balances", first);
    let texts = world.wire.local(back);
    assert!(!texts[0].contains("resumed") && texts[1].contains(r#""type":"image""#), "{texts:?}");
    world
        .ask(back, &format!(r#"{{"id":9,"op":"session.resume","params":{{"balances":{first}}}}}"#));
    world.all_durable();
    let refused = world.wire.local(back)[2].clone();
    assert!(refused.contains("RESUME_TOO_OLD") && refused.contains(r#""field":"balances""#));
}

#[test]
fn too_many_missed_messages_are_refused_before_they_are_told() {
    let mut world = a_world();
    let first = world.happens(&[a_balance_of(ALICE, 1)]);
    for minor in 0..RESUME_MESSAGES_MAX {
        world.happens(&[a_balance_of(ALICE, i128::try_from(minor).expect("small"))]);
    }
    let back = resumed(&mut world, "balances", first);
    assert!(world.wire.local(back)[0].contains("resumed"));
    world.happens(&[a_balance_of(ALICE, 5)]);
    let late = resumed(&mut world, "balances", first);
    assert!(world.wire.local(late)[1].contains(r#""type":"image""#));
}

#[test]
fn a_long_absence_is_told_in_slices_and_what_happens_meanwhile_comes_behind_it() {
    let mut world = a_world();
    let first = world.happens(&[a_balance_of(ALICE, 0)]);
    let mut expected = Vec::new();
    let mut prev = first;
    let count = 5 * RESUME_SLICE;
    for minor in 0..count {
        let seq = world.happens(&[a_balance_of(ALICE, i128::try_from(minor).expect("small"))]);
        expected.push((prev, seq));
        prev = seq;
    }
    let back = world.hub.open_local(ALICE);
    world.ask(back, &from("balances", first));
    world.all_durable();
    assert_eq!(world.wire.local(back).len(), 1 + RESUME_SLICE, "one slice in one turn");
    let mut turns = 0;
    while world.hub.sweeps_on() {
        let seq = world.happens(&[a_balance_of(ALICE, 1)]);
        expected.push((prev, seq));
        prev = seq;
        world.all_durable();
        turns += 1;
        assert!(turns < 50);
    }
    assert!(turns >= 4);
    assert_eq!(chain(&world.wire.local(back)[1..]), expected);
}

#[test]
fn a_session_that_does_not_read_what_it_missed_is_told_no_more_of_it_until_it_does() {
    let mut world = a_world();
    for minor in 0..20 * RESUME_SLICE {
        world.happens(&[a_balance_of(ALICE, i128::try_from(minor).expect("small"))]);
    }
    let back = world.hub.open_local(ALICE);
    world.hub.set_paused(back, true);
    world.ask(back, &from("balances", 0));
    for _ in 0..100 {
        world.all_durable();
    }
    assert!(!world.hub.sweeps_on(), "the loop does not turn for it");
    world.hub.set_paused(back, false);
    let mut turns = 0;
    while world.wire.local(back).len() < 1 + 20 * RESUME_SLICE {
        world.all_durable();
        turns += 1;
        assert!(turns < 100);
    }
    // That much would not have been held.
    const { assert!(20 * RESUME_SLICE * 100 > HELD_BYTES_MAX / 8) }
}

fn reducing(scope: Scope, scope_id: u32, state: RiskState) -> Event {
    RiskStateChanged { scope, scope_id, state }.into()
}

#[test]
fn risk_goes_on_with_what_bound_the_account_its_group_and_everyone() {
    let mut world = a_world();
    let joined = AccountConfigured { account: ALICE, group: GroupId(2), trade_group: 0 };
    let start = world.happens(&[joined.into()]);
    let steady = world.hub.open_local(ALICE);
    world.ask(steady, &subscribe("risk"));
    let scopes = [(Scope::Group, 2), (Scope::Account, 1), (Scope::Group, 1), (Scope::Firm, 0)];
    for (scope, id) in scopes.into_iter().cycle().take(12) {
        world.happens(&[reducing(scope, id, RiskState::Reducing)]);
    }
    world.all_durable();
    let told = world.wire.local(steady);
    let back = resumed(&mut world, "risk", start);
    assert_eq!(world.wire.local(back)[1..], told[2..]);
    assert_eq!(told.len(), 2 + 9);
    // Which group bound it before it changed is not known: an image.
    let moved = world.happens(&[AccountConfigured { group: GroupId(1), ..joined }.into()]);
    let back = resumed(&mut world, "risk", moved - 1);
    assert!(world.wire.local(back)[1].contains(r#""type":"image""#));
}

#[test]
fn private_channels_go_on_together_or_not_at_all() {
    let mut world = a_world();
    let first = world.happens(&[a_balance_of(ALICE, 1)]);
    let second = world.happens(&[a_balance_of(ALICE, 2)]);
    let back = world.hub.open_local(ALICE);
    world.ask(
        back,
        &format!(r#"{{"id":1,"op":"session.resume","params":{{"orders":0,"balances":{first}}}}}"#),
    );
    world.ask(back, r#"{"id":2,"op":"session.resume","params":{"orders":0,"fills":99}}"#);
    world.ask(back, r#"{"id":3,"op":"session.resume"}"#);
    world.ask(back, r#"{"id":4,"op":"unsubscribe","params":{"channel":"fills"}}"#);
    world.all_durable();
    let texts = world.wire.local(back);
    assert!(texts[0].contains(r#""channels":["orders","balances"]"#), "{}", texts[0]);
    assert_eq!(chain(&texts[1..2]), [(first, second)]);
    assert!(texts[2].contains("NUMBER_OUT_OF_RANGE"), "{}", texts[2]);
    assert!(texts[3].contains("MISSING_FIELD"), "{}", texts[3]);
    assert!(texts[4].contains("NOT_SUBSCRIBED"), "{}", texts[4]);
}
