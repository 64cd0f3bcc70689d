//! A hub whose core is another process, and the frames that the two say to each other.

use crate::world::{ALICE, BOB, NOW_US, World, a_balance_of, a_world, number, place};
use coulisse_gateway::batch::{Batch, Request, Waiter};
use coulisse_gateway::hub::LogRoom;
use coulisse_gateway::limits::{LINK_BYTES_MAX, LINK_COMMANDS_MAX, LINK_SESSIONS};
use coulisse_gateway::link::{Answered, Asked, CoreEnd, Down, LinkFault, Told, Welcome, WorkerEnd};
use coulisse_types::command::Deposit;
use coulisse_types::record::NONCE_BIT;
use coulisse_types::{
    AccountId, Amount, AssetId, InstrumentId, KeyIndex, RecordHeader, RequestId, Seq,
};
use coulisse_wire::record::encode_record;
use serde_json::Value;

const WELCOME: Welcome =
    Welcome { node: 3, incarnation: 7, durable_seq: 41, first_session: 16 * LINK_SESSIONS };

fn a_deposit(minor: i128) -> Deposit {
    Deposit { asset: AssetId(2), amount: Amount::from_minor(minor) }
}

fn a_batch(count: i128) -> Batch {
    let mut batch = Batch::default();
    for minor in 1..=count {
        let request = Request {
            command: a_deposit(minor).into(),
            account: ALICE,
            instrument: InstrumentId(0),
            key: KeyIndex(5),
            request_id: RequestId(minor.unsigned_abs()),
            nonce: if minor % 2 == 0 { 9 } else { 0 },
            waiter: Waiter::Link { link: 1, session: 4 },
            received_us: NOW_US,
            id: b"1",
        };
        batch.push(&request).expect("it has room");
    }
    batch
}

fn place_before(id: u32, deadline_us: i64) -> String {
    place(id).replacen('{', &format!(r#"{{"deadline":{deadline_us},"#), 1)
}

fn all_asked(end: &mut CoreEnd) -> Vec<Asked> {
    std::iter::from_fn(|| end.next_command().expect("frames of our own")).collect()
}

/// Gives the bytes that wait at one end to the other, cut anywhere.
fn carry(pending: &[u8], mut push: impl FnMut(&[u8])) -> usize {
    let mut cut = 1;
    let mut rest = pending;
    while !rest.is_empty() {
        let (now, then) = rest.split_at(cut.min(rest.len()));
        push(now);
        (rest, cut) = (then, cut % 97 + 13);
    }
    pending.len()
}

fn linked() -> (CoreEnd, WorkerEnd) {
    let (mut core, mut worker) = (CoreEnd::new(&WELCOME), WorkerEnd::default());
    let carried = carry(core.out().pending(), |bytes| worker.push(bytes));
    core.out().wrote(carried);
    assert_eq!(worker.next_down(), Ok(Some(Down::Welcome(WELCOME))));
    assert_eq!(worker.next_down(), Ok(None));
    (core, worker)
}

#[test]
fn commands_arrive_whole_and_in_order_wherever_the_stream_is_cut() {
    let (mut core, mut worker) = linked();
    worker.send(&a_batch(1_500));
    assert_eq!(worker.unanswered(), 1_500);
    let mut asked = Vec::new();
    carry(worker.pending(), |bytes| {
        core.push(bytes);
        asked.extend(all_asked(&mut core));
    });
    assert_eq!(asked.len(), 1_500);
    for (one, minor) in asked.iter().zip(1..) {
        assert_eq!(one.command, a_deposit(minor).into());
        assert_eq!((one.account, one.key), (ALICE, KeyIndex(5)));
        assert_eq!(one.request_id, RequestId(minor.unsigned_abs()));
        assert_eq!(one.session, if minor % 2 == 0 { 9 | NONCE_BIT } else { 4 });
    }
}

#[test]
fn what_is_durable_comes_down_with_which_of_it_is_an_answer() {
    let (mut core, mut worker) = linked();
    let mut records = Vec::new();
    for _ in 0..5 {
        encode_record(&mut records, &RecordHeader::default(), &a_deposit(1).into());
    }
    for seq in [43, 45, 50] {
        core.own(seq);
    }
    let told = Told { first_seq: 42, last_seq: 46, hash: [8; 16], records: &records };
    core.tell(&told).expect("it reads");
    core.give_sessions(77);
    carry(core.out().pending(), |bytes| worker.push(bytes));
    let Ok(Some(Down::Records(down))) = worker.next_down() else { panic!("not records") };
    assert_eq!((down.last_seq, down.hash), (46, [8; 16]));
    assert_eq!(down.records, records);
    assert_eq!(down.answers().collect::<Vec<_>>(), [1, 3].map(Answered::Record));
    assert_eq!(worker.next_down(), Ok(Some(Down::Sessions(77))));
    assert_eq!(worker.next_down(), Ok(None));
}

/// The answers in the next frame.
fn answers(core: &mut CoreEnd, worker: &mut WorkerEnd, told: &Told<'_>) -> Vec<Answered> {
    core.tell(told).expect("it reads");
    let carried = carry(core.out().pending(), |bytes| worker.push(bytes));
    core.out().wrote(carried);
    let Ok(Some(Down::Records(down))) = worker.next_down() else { panic!("not records") };
    down.answers().collect()
}

#[test]
fn commands_that_were_void_are_answered_in_their_turn() {
    let (mut core, mut worker) = linked();
    // Sent: 43, void, void, 44, void (before 46), and void with nothing behind it.
    for seq in [43, 44] {
        core.own(seq);
    }
    for next_seq in [44, 44, 46, 47] {
        core.drop_void(next_seq);
    }
    let told = |first_seq, last_seq| Told { first_seq, last_seq, hash: [8; 16], records: &[] };
    assert!(!core.has_void(42), "what comes before it is not told");
    let first = answers(&mut core, &mut worker, &told(42, 44));
    let (record, void) = (Answered::Record, Answered::Void);
    assert_eq!(first, [record(1), void(2), void(2), record(2)]);
    assert!(!core.has_void(44) && core.has_void(45) && core.has_void(46));
    assert_eq!(answers(&mut core, &mut worker, &told(45, 45)), [void(1)]);
    // All is told already: what is left has a frame of its own.
    assert_eq!(answers(&mut core, &mut worker, &told(47, 46)), [void(0)]);
    assert!(!core.has_void(u64::MAX - 1));
}

#[test]
fn a_deadline_goes_up_with_its_command_and_no_other() {
    let (mut core, mut worker) = linked();
    let mut world = a_world();
    world.hub.work_for_another(LINK_SESSIONS);
    let alice = world.hub.open_local(ALICE);
    for id in 1..=3 {
        world.ask(alice, &if id == 2 { place_before(id, NOW_US + 7) } else { place(id) });
    }
    worker.send(world.hub.send_off().expect("three commands"));
    core.push(worker.pending());
    let deadlines = all_asked(&mut core).iter().map(|one| one.deadline_us).collect::<Vec<_>>();
    assert_eq!(deadlines, [None, Some(NOW_US + 7), None]);
}

#[test]
fn the_core_drops_what_a_worker_sent_too_late_and_says_where_it_stood() {
    let mut world = a_world();
    for (link, deadline_us) in [(1, None), (2, Some(4)), (1, Some(4)), (1, Some(5)), (2, Some(3))] {
        let request = Request {
            command: a_deposit(1).into(),
            account: ALICE,
            instrument: InstrumentId(0),
            key: KeyIndex(5),
            request_id: RequestId(0),
            nonce: 0,
            waiter: Waiter::Link { link, session: 4 },
            received_us: 0,
            id: b"",
        };
        world.hub.submit_before(&request, deadline_us).expect("there is room");
    }
    let mut batch = world.hub.take_batch(Batch::default());
    assert_eq!(world.hub.drop_late(&mut batch, 5_000, &world.table), [(2, 1), (1, 1), (2, 2)]);
    assert_eq!(batch.len(), 2);
}

#[test]
fn a_worker_is_told_of_the_logs_room_when_that_changes() {
    let (mut core, mut worker) = linked();
    core.tell_room(LogRoom::Free);
    assert!(core.out().is_empty(), "it takes that for granted");
    for room in [LogRoom::WaysOut, LogRoom::WaysOut, LogRoom::None, LogRoom::Free] {
        core.tell_room(room);
    }
    carry(core.out().pending(), |bytes| worker.push(bytes));
    for room in [LogRoom::WaysOut, LogRoom::None, LogRoom::Free] {
        assert_eq!(worker.next_down(), Ok(Some(Down::Room(room))));
    }
    assert_eq!(worker.next_down(), Ok(None));
    worker.push(&[1, 0, 0, 0, 4, 3]);
    assert!(worker.next_down().is_err(), "there is no such room");
}

#[test]
fn a_worker_that_does_not_read_or_asks_for_too_much_is_ended() {
    let (mut core, mut worker) = linked();
    let records = vec![0; LINK_BYTES_MAX / 4];
    let told = Told { first_seq: 42, last_seq: 42, hash: [0; 16], records: &records };
    for _ in 0..3 {
        core.tell(&told).expect("there is room");
    }
    assert_eq!(core.tell(&told), Err(LinkFault::Slow));

    let all = a_batch(1_000);
    while worker.has_room_for(&all) {
        worker.send(&all);
    }
    assert!(worker.unanswered() > LINK_COMMANDS_MAX - 1_000);
    worker.send(&all);
    core.push(worker.pending());
    let fault = std::iter::from_fn(|| match core.next_command() {
        Ok(asked) => asked.map(|_| None),
        Err(fault) => Some(Some(fault)),
    });
    assert!(matches!(fault.flatten().next(), Some(LinkFault::Frame(_))));
    assert!(worker.answered().is_ok());
    let mut idle = WorkerEnd::default();
    assert!(idle.answered().is_err(), "an answer that nobody asked for");
}

#[test]
fn bytes_that_are_no_frame_end_the_link() {
    for bytes in [&[1, 0, 0, 0, 9, 0][..], &[255; 5], &[3, 0, 0, 0, 1, 1, 2, 3]] {
        let mut core = CoreEnd::default();
        core.push(bytes);
        assert!(core.next_command().is_err(), "{bytes:?}");
        let mut worker = WorkerEnd::default();
        worker.push(bytes);
        assert!(worker.next_down().is_err(), "{bytes:?}");
    }
}

/// What was sent off becomes records, with records of others between; returns the waiters.
fn land_all(world: &mut World, count: usize) -> Vec<Option<Waiter>> {
    let mut waiters = Vec::new();
    for _ in 0..count {
        world.a_trade();
        world.table.seq += 1;
        let header = RecordHeader {
            seq: Seq(world.table.seq),
            time_ns: NOW_US * 1_000,
            ..RecordHeader::default()
        };
        let events = [a_balance_of(ALICE, 1)];
        world.hub.deliver(&header, &events, &world.table);
        waiters.push(world.hub.land(&header, &events, &world.table));
    }
    waiters
}

#[test]
fn the_answers_to_what_was_sent_off_find_their_sessions_in_order() {
    let mut world = a_world();
    world.hub.work_for_another(LINK_SESSIONS);
    let (alice, bob) = (world.hub.open_local(ALICE), world.hub.open_local(BOB));
    for id in 1..=5 {
        world.ask(if id % 2 == 0 { bob } else { alice }, &place(id));
        if id == 3 {
            assert_eq!(world.hub.send_off().map(Batch::len), Some(3));
        }
    }
    assert_eq!(world.hub.send_off().map(Batch::len), Some(2));
    assert!(world.hub.send_off().is_none(), "nothing is sent twice");
    let waiters = land_all(&mut world, 5);
    let wanted = [alice, bob, alice, bob, alice].map(|conn| Some(Waiter::Session(conn)));
    assert_eq!(waiters, wanted);
    assert_eq!(land_all(&mut world, 1), [None], "an answer that nobody waits for");
    world.all_durable();
    let ids = |conn| -> Vec<u64> {
        world.wire.local(conn).iter().map(|reply| number(reply, "id")).collect()
    };
    assert_eq!((ids(alice), ids(bob)), (vec![1, 3, 5], vec![2, 4]));
}

#[test]
fn what_the_core_found_void_is_refused_in_its_turn() {
    let mut world = a_world();
    world.hub.work_for_another(LINK_SESSIONS);
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &place(1));
    world.ask(alice, &place_before(2, NOW_US + 7));
    world.hub.send_off();
    world.ask(alice, &place(3));
    world.hub.send_off();
    assert_eq!(land_all(&mut world, 1), [Some(Waiter::Session(alice))]);
    assert_eq!(world.hub.land_late(&world.table), Some(()));
    assert_eq!(land_all(&mut world, 1), [Some(Waiter::Session(alice))]);
    assert_eq!(world.hub.land_late(&world.table), None, "nothing is under way");
    world.all_durable();
    let replies = world.wire.local(alice);
    assert_eq!(replies.iter().map(|reply| number(reply, "id")).collect::<Vec<_>>(), [1, 2, 3]);
    let refusal: Value = serde_json::from_str(&replies[1]).expect("JSON");
    let error = &refusal["error"];
    let wanted = (&"DEADLINE_PASSED".into(), &"deadline".into(), &"not_sent".into());
    assert_eq!((&error["code"], &error["field"], &error["state"]), wanted);
}

#[test]
fn what_has_no_deadline_cannot_be_void() {
    let mut world = a_world();
    world.hub.work_for_another(LINK_SESSIONS);
    let alice = world.hub.open_local(ALICE);
    world.ask(alice, &place(1));
    world.hub.send_off();
    assert_eq!(world.hub.land_late(&world.table), None);
}

#[test]
fn sessions_are_numbered_within_what_the_core_gave() {
    let mut world = a_world();
    world.hub.work_for_another(5 * LINK_SESSIONS);
    assert_eq!(world.hub.sessions_left(), LINK_SESSIONS - 1);
    let first = world.hub.open_local(AccountId(1));
    assert_eq!(first.session, 5 * LINK_SESSIONS + 1);
    world.hub.number_more_sessions(9 * LINK_SESSIONS);
    assert_eq!(world.hub.sessions_left(), 2 * (LINK_SESSIONS - 1) - 1);
    while world.hub.sessions_left() > 0 {
        let conn = world.hub.open_local(AccountId(1));
        world.hub.close(conn);
        let block = conn.session / LINK_SESSIONS;
        assert!(block == 5 || block == 9, "{}", conn.session);
    }
}
