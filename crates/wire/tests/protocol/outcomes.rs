//! Each command is answered with what became of its own order, whatever else its record did.

use coulisse_types::command::{CancelAfter, KillSwitch, OrderAmend, OrderCancel};
use coulisse_types::event::{
    CancelAfterSet, CloseReason, KillSwitchSet, OrderAccepted, OrderAmended, OrderClosed,
    OrderDuplicate, OrderListPlaced, OrderRepriced, OrderRested, OrderState, OrderTermsSet,
    OrderTriggered, Rejected,
};
use coulisse_types::{
    AccountId, Amount, ClientOrderId, Command, Event, Field, ListKind, OrderId, OrderType, Peg,
    Price, Qty, RejectCode, Scope, SelfTrade, Seq, Side, TimeInForce, Trigger, TriggerOn, Unit,
};
use coulisse_wire::native::reply::{self, Stamps, Units};
use coulisse_wire::native::{Body, CommandOutcome, parse_request};

use crate::market::{BTC_USD, table, text};

const ME: AccountId = AccountId(1);
const STAMPS: Stamps = Stamps { seq: 9, in_us: 1, log_us: 2, out_us: 3 };

fn asked(op: &str, params: &str) -> Command {
    let request = format!(r#"{{"op":"{op}","params":{{{params}}}}}"#);
    let table = table();
    match parse_request(request.as_bytes(), &table).map(|r| r.body) {
        Ok(Body::Command { command, .. }) => command,
        Ok(Body::Admin(admin)) => admin.resolve(ME),
        other => panic!("{request}: {other:?}"),
    }
}

fn a_place() -> Command {
    asked("order.place", r#""symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.00""#)
}

fn a_stop() -> Command {
    asked(
        "order.place",
        r#""symbol":"BTC-USD","side":"sell","type":"stop","qty":"0.01","trigger_price":"59000""#,
    )
}

fn a_replace() -> Command {
    asked(
        "order.replace",
        r#""symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.00","client_order_id":"new","cancel_client_order_id":"old""#,
    )
}

fn a_list(kind: &str) -> Command {
    let leg = r#"{"side":"sell","qty":"0.01","price":"66000"}"#;
    let stop = r#"{"side":"sell","type":"stop","qty":"0.01","trigger_price":"57000"}"#;
    let legs =
        if kind == "otoco" { format!("{leg},{leg},{stop}") } else { format!("{leg},{stop}") };
    asked("order.place_list", &format!(r#""kind":"{kind}","symbol":"BTC-USD","legs":[{legs}]"#))
}

/// The result or the error that a client reads, without the stamps.
fn told(command: &Command, events: &[Event]) -> String {
    let table = table();
    let mut out = Vec::new();
    let units = Units { command: Some(command), ..Units::of(&table, BTC_USD) };
    let outcome = CommandOutcome::from_events(command, events);
    reply::write_outcome(&mut out, b"7", &outcome, &STAMPS, &units);
    let out = String::from_utf8(out).expect("text");
    serde_json::from_str::<serde_json::Value>(&out).unwrap_or_else(|e| panic!("{e}: {out}"));
    let stamps = r#""seq":9,"t_in":1,"t_log":2,"t_out":3}}"#;
    match out.strip_prefix(r#"{"id":7,"ok":true,"result":{"#) {
        Some(rest) => {
            let rest = rest.strip_suffix(stamps).unwrap_or_else(|| panic!("{out}"));
            rest.trim_end_matches(',').to_owned()
        }
        None => out,
    }
}

fn accepted(order_id: u64, client_order_id: &str) -> Event {
    OrderAccepted {
        order_id: OrderId(order_id),
        account: ME,
        instrument: BTC_USD,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        qty: Qty::from_lots(1_000),
        price: Price::from_ticks(6_000_000),
        notional: Amount::ZERO,
        client_order_id: text(client_order_id),
    }
    .into()
}

fn terms(order_id: u64, trigger: Trigger, peg: Peg) -> Event {
    OrderTermsSet {
        order_id: OrderId(order_id),
        account: ME,
        instrument: BTC_USD,
        self_trade: SelfTrade::None,
        trigger,
        trigger_on: TriggerOn::Last,
        trigger_price: Price::from_ticks(5_900_000),
        trail: 0,
        display_qty: Qty::ZERO,
        min_qty: Qty::ZERO,
        peg,
        peg_offset: 0,
        reduce_only: false,
        expire_ns: 0,
    }
    .into()
}

fn closed(order_id: u64, client_order_id: &str, reason: CloseReason) -> Event {
    OrderClosed {
        order_id: OrderId(order_id),
        account: ME,
        instrument: BTC_USD,
        state: OrderState::Cancelled,
        reason,
        filled: Qty::from_lots(3),
        remaining: Qty::from_lots(7),
        client_order_id: text(client_order_id),
    }
    .into()
}

fn rested(order_id: u64) -> Event {
    OrderRested {
        order_id: OrderId(order_id),
        account: ME,
        instrument: BTC_USD,
        side: Side::Buy,
        price: Price::from_ticks(6_000_000),
        remaining: Qty::from_lots(1_000),
    }
    .into()
}

fn triggered(order_id: u64) -> Event {
    OrderTriggered {
        order_id: OrderId(order_id),
        account: ME,
        instrument: BTC_USD,
        trigger_on: TriggerOn::Last,
        trigger_price: Price::from_ticks(5_900_000),
        price: Price::from_ticks(5_800_000),
        client_order_id: ClientOrderId::default(),
    }
    .into()
}

fn repriced(order_id: u64, ticks: i64) -> Event {
    OrderRepriced {
        order_id: OrderId(order_id),
        account: ME,
        instrument: BTC_USD,
        side: Side::Buy,
        price: Price::from_ticks(ticks),
        remaining: Qty::from_lots(1_000),
    }
    .into()
}

fn not_found(client_order_id: &str) -> Event {
    Rejected {
        code: RejectCode::OrderNotFound,
        field: Field::ClientOrderId,
        unit: Unit::None,
        value: 0,
        limit: 0,
        client_order_id: text(client_order_id),
    }
    .into()
}

fn too_poor() -> Event {
    Rejected {
        code: RejectCode::InsufficientBalance,
        field: Field::Available,
        unit: Unit::QuoteMinor,
        value: 200_000_000,
        limit: 100_000_000,
        client_order_id: text("new"),
    }
    .into()
}

const POOR: &str = r#"{"code":"INSUFFICIENT_BALANCE","message":"INSUFFICIENT_BALANCE: available 1.00 USD is less than 2.00 USD needed","field":"available","value":"2.00000000","limit":"1.00000000","state":"rejected"}"#;
const LOST: &str = r#"{"code":"ORDER_NOT_FOUND","message":"ORDER_NOT_FOUND: cancel_client_order_id old: the account has no such open order","field":"cancel_client_order_id","value":"old","state":"rejected"}"#;

#[test]
fn a_stop_waits_until_it_is_triggered() {
    let waits = [accepted(50, ""), terms(50, Trigger::Stop, Peg::None)];
    assert_eq!(told(&a_stop(), &waits), r#""order_id":"50","state":"waiting","filled":"0.00000""#);
    let acts = [accepted(50, ""), terms(50, Trigger::Stop, Peg::None), triggered(50), rested(50)];
    assert_eq!(told(&a_stop(), &acts), r#""order_id":"50","state":"open","filled":"0.00000""#);
}

#[test]
fn a_pegged_order_waits_while_it_has_nothing_to_follow() {
    let start = [accepted(50, ""), terms(50, Trigger::None, Peg::Mid)];
    let with = |event: Event| [start[0], start[1], event];
    let waiting = r#""order_id":"50","state":"waiting","filled":"0.00000""#;
    let open = r#""order_id":"50","state":"open","filled":"0.00000""#;
    assert_eq!(told(&a_place(), &with(repriced(50, 0))), waiting);
    assert_eq!(told(&a_place(), &with(rested(50))), open);
    assert_eq!(told(&a_place(), &[start[0], start[1], repriced(50, 0), repriced(50, 5)]), open);
}

#[test]
fn what_happens_to_other_orders_in_the_same_record_changes_nothing() {
    let events = [
        accepted(50, "mine"),
        closed(7, "other", CloseReason::SelfTrade),
        triggered(8),
        closed(8, "", CloseReason::ImmediateOrCancel),
        rested(50),
        repriced(9, 0),
        closed(10, "", CloseReason::KillSwitch),
    ];
    let expected = r#""order_id":"50","client_order_id":"mine","state":"open","filled":"0.00000""#;
    assert_eq!(told(&a_place(), &events), expected);
}

#[test]
fn a_cancel_finds_the_order_it_names_among_the_legs_that_close_with_it() {
    let events =
        [closed(41, "", CloseReason::List), closed(42, "mine", CloseReason::CancelRequested)];
    let by_id = OrderCancel { order_id: OrderId(42), client_order_id: ClientOrderId::default() };
    let by_client = OrderCancel { order_id: OrderId(0), client_order_id: text("mine") };
    for command in [by_id, by_client] {
        assert_eq!(
            told(&command.into(), &events),
            r#""order_id":"42","client_order_id":"mine","state":"cancelled","reason":"cancel_requested","filled":"0.00003""#
        );
    }
}

#[test]
fn an_amend_is_about_its_order_also_where_it_triggers_others() {
    let amend = OrderAmend {
        order_id: OrderId(50),
        client_order_id: ClientOrderId::default(),
        qty: Qty::from_lots(2_000),
        price: Price::default(),
    };
    let amended = OrderAmended {
        order_id: OrderId(50),
        account: ME,
        instrument: BTC_USD,
        qty: Qty::from_lots(2_000),
        price: Price::from_ticks(6_000_000),
        remaining: Qty::from_lots(1_500),
        kept_priority: false,
        client_order_id: ClientOrderId::default(),
    };
    let events = [amended.into(), triggered(8), closed(8, "", CloseReason::Slippage)];
    let open = r#""order_id":"50","state":"open","filled":"0.00500""#;
    assert_eq!(told(&amend.into(), &events), open);
}

#[test]
fn a_replacement_has_two_results() {
    let cancelled = r#"{"order_id":"40","client_order_id":"old","state":"cancelled","reason":"replaced","filled":"0.00003"}"#;
    let placed = r#"{"order_id":"50","client_order_id":"new","state":"open","filled":"0.00000"}"#;
    let old = closed(40, "old", CloseReason::Replaced);
    let new = [accepted(50, "new"), rested(50)];
    let leg = closed(41, "", CloseReason::List);
    for (events, expected) in [
        (vec![old, leg, new[0], new[1]], format!(r#""cancel":{cancelled},"place":{placed}"#)),
        (vec![old, too_poor()], format!(r#""cancel":{cancelled},"place":{{"error":{POOR}}}"#)),
        (
            vec![not_found("new"), new[0], new[1]],
            format!(r#""cancel":{{"error":{LOST}}},"place":{placed}"#),
        ),
        (
            vec![not_found("new"), too_poor()],
            format!(r#""cancel":{{"error":{LOST}}},"place":{{"error":{POOR}}}"#),
        ),
    ] {
        assert_eq!(told(&a_replace(), &events), expected);
    }
}

#[test]
fn a_replacement_that_is_refused_as_a_whole_is_an_error_and_a_repeated_one_cancels_nothing() {
    let refused = told(&a_replace(), &[not_found("new")]);
    let lost = LOST.trim_end_matches('}');
    let times = refused.strip_prefix(&format!(r#"{{"id":7,"ok":false,"error":{lost},"#));
    assert!(times.is_some_and(|times| times.starts_with(r#""t_in":"#)), "{refused}");
    let duplicate = OrderDuplicate {
        order_id: OrderId(50),
        first_seq: Seq(5),
        state: OrderState::Waiting,
        filled: Qty::ZERO,
        client_order_id: text("new"),
    };
    assert_eq!(
        told(&a_replace(), &[duplicate.into()]),
        r#""place":{"order_id":"50","client_order_id":"new","state":"waiting","filled":"0.00000","duplicate":true,"first_seq":5}"#
    );
}

#[test]
fn a_repeated_list_is_told_of_by_its_first_leg() {
    let duplicate = OrderDuplicate {
        order_id: OrderId(50),
        first_seq: Seq(5),
        state: OrderState::Open,
        filled: Qty::ZERO,
        client_order_id: text("new"),
    };
    let leg = r#"{"order_id":"50","client_order_id":"new","state":"open","filled":"0.00000","duplicate":true,"first_seq":5}"#;
    assert_eq!(
        told(&a_list("oco"), &[duplicate.into()]),
        format!(r#""list_id":"50","orders":[{leg}],"duplicate":true,"first_seq":5"#)
    );
}

fn list_placed(kind: ListKind, leg_2: u64) -> Event {
    OrderListPlaced {
        list_id: OrderId(50),
        account: ME,
        instrument: BTC_USD,
        kind,
        leg_1: OrderId(51),
        leg_2: OrderId(leg_2),
    }
    .into()
}

#[test]
fn a_list_is_answered_leg_by_leg() {
    let stop = terms(51, Trigger::Stop, Peg::None);
    let open = r#"{"order_id":"50","state":"open","filled":"0.00000"}"#;
    let oco = [accepted(50, ""), accepted(51, ""), stop, list_placed(ListKind::Oco, 0), rested(50)];
    assert_eq!(
        told(&a_list("oco"), &oco),
        format!(
            r#""list_id":"50","orders":[{open},{{"order_id":"51","state":"waiting","filled":"0.00000"}}]"#
        )
    );
    let otoco = [
        accepted(50, ""),
        accepted(51, ""),
        accepted(52, ""),
        terms(52, Trigger::Stop, Peg::None),
        list_placed(ListKind::Otoco, 52),
        rested(50),
    ];
    let waiting = |id| format!(r#"{{"order_id":"{id}","state":"waiting","filled":"0.00000"}}"#);
    assert_eq!(
        told(&a_list("otoco"), &otoco),
        format!(r#""list_id":"50","orders":[{open},{},{}]"#, waiting(51), waiting(52))
    );
}

#[test]
fn legs_that_close_in_their_own_placement_are_told_so() {
    let events = [
        accepted(50, ""),
        accepted(51, ""),
        terms(51, Trigger::Stop, Peg::None),
        list_placed(ListKind::Oco, 0),
        closed(51, "", CloseReason::List),
        closed(50, "", CloseReason::Filled),
    ];
    let told = told(&a_list("oco"), &events);
    assert!(told.contains(r#""order_id":"51","state":"cancelled","reason":"list""#), "{told}");
    assert!(told.contains(r#""order_id":"50","state":"cancelled","reason":"filled""#), "{told}");
}

#[test]
fn switches_and_limits_say_what_they_set() {
    let set = CancelAfterSet { account: ME, deadline_ns: 5_000 };
    let command = CancelAfter { timeout_ns: 1 }.into();
    assert_eq!(told(&command, &[set.into()]), r#""deadline":5"#);
    let cleared = CancelAfterSet { account: ME, deadline_ns: 0 };
    assert_eq!(told(&command, &[cleared.into()]), "");
    let kill = KillSwitch { scope: Scope::Firm, scope_id: 0 };
    let on = KillSwitchSet { scope: Scope::Firm, scope_id: 0, last_order_id: OrderId(50) };
    assert_eq!(told(&kill.into(), &[on.into()]), r#""last_order_id":"50""#);
}

fn refusal(
    command: &Command,
    (code, field, unit): (RejectCode, Field, Unit),
    value: i128,
    limit: i128,
) -> String {
    let client_order_id = ClientOrderId::default();
    let out =
        told(command, &[Rejected { code, field, unit, value, limit, client_order_id }.into()]);
    let error = out.strip_prefix(r#"{"id":7,"ok":false,"error":{"#);
    let error = error.unwrap_or_else(|| panic!("{out}"));
    let (error, times) = error.split_once(r#","state":"rejected","#).expect("refused by the core");
    assert!(times.starts_with(r#""t_in":"#) && times.contains(r#","t_log":"#), "{times}");
    error.to_owned()
}

#[test]
fn risk_refusals_say_value_and_limit_in_the_clients_units() {
    use Field as F;
    use RejectCode as C;
    use Unit as U;
    let place = a_place();
    for (what, value, limit, expected) in [
        (
            (C::RiskPriceCollar, F::Price, U::Ticks),
            7_000_000,
            6_300_000,
            r#""code":"RISK_PRICE_COLLAR","message":"RISK_PRICE_COLLAR: price 70000.00: the price is further from the reference than the collar; limit 63000.00","field":"price","value":"70000.00","limit":"63000.00""#,
        ),
        (
            (C::RiskDailyLoss, F::Limit, U::QuoteMinor),
            1_200_000_000,
            1_000_000_000,
            r#""code":"RISK_DAILY_LOSS","message":"RISK_DAILY_LOSS: loss 12.00 USD: the day's loss has reached its limit: only reducing orders; limit 10.00 USD","field":"limit","value":"12.00000000","limit":"10.00000000""#,
        ),
        (
            (C::RiskOrderRate, F::Limit, U::Number),
            50,
            100,
            r#""code":"RISK_ORDER_RATE","message":"RISK_ORDER_RATE: orders come faster than 50 a second, 100 at once","field":"limit","value":"50","limit":"100""#,
        ),
        (
            (C::RiskDuplicateOrder, F::Qty, U::Ns),
            1_500_999,
            5_000_000,
            r#""code":"RISK_DUPLICATE_ORDER","message":"RISK_DUPLICATE_ORDER: the same order came 0.001500999 s ago; limit 0.005000000 s","field":"qty","value":"1500","limit":"5000""#,
        ),
        (
            (C::TradingStateForbids, F::State, U::Number),
            3,
            0,
            r#""code":"TRADING_STATE","message":"TRADING_STATE: state halted: the instrument's trading state does not take this","field":"state","value":"halted""#,
        ),
        (
            (C::KillSwitchOn, F::Scope, U::Number),
            1,
            0,
            r#""code":"KILL_SWITCH_ON","message":"KILL_SWITCH_ON: scope group: the kill switch is on","field":"scope","value":"group""#,
        ),
        (
            (C::ReduceOnlyWouldIncrease, F::Qty, U::Lots),
            1_000,
            0,
            r#""code":"REDUCE_ONLY","message":"REDUCE_ONLY: qty 0.01000: the order would not only reduce the position; limit 0.00000","field":"qty","value":"0.01000","limit":"0.00000""#,
        ),
        (
            (C::InvalidCombination, F::Trigger, U::Number),
            1,
            0,
            r#""code":"INVALID_COMBINATION","message":"INVALID_COMBINATION: trigger_on mark: fields that exclude each other are both set","field":"trigger_on","value":"mark""#,
        ),
    ] {
        assert_eq!(refusal(&place, what, value, limit), expected);
    }
}

#[test]
fn times_and_trails_are_refused_in_the_unit_they_were_sent_in() {
    let gtd = (RejectCode::TimeOutOfRange, Field::ExpireTime, Unit::Ns);
    let told = refusal(&a_place(), gtd, 1_795_392_000_000_000_000, 1_795_392_000_000_012_000);
    assert!(told.contains(r#""value":"1795392000000000","limit":"1795392000000012""#), "{told}");
    let after = CancelAfter { timeout_ns: 1 }.into();
    let timeout = (RejectCode::TimeOutOfRange, Field::Timeout, Unit::Ns);
    let told = refusal(&after, timeout, 400_000_000_000_000_000, 315_360_000_000_000_000);
    assert!(told.contains(r#""value":"400000000000","limit":"315360000000""#), "{told}");
    let trail = |params: &str| {
        let start = r#""symbol":"BTC-USD","side":"sell","type":"trailing_stop","qty":"1""#;
        let command = asked("order.place", &format!("{start},{params}"));
        let what = (RejectCode::AmountOutOfRange, Field::Trail, Unit::Number);
        refusal(&command, what, 0, 9_999)
    };
    let told = trail(r#""trail":"0""#);
    assert!(told.contains(r#""field":"trail","value":"0.00","limit":"99.99""#), "{told}");
    let told = trail(r#""trail_bp":0"#);
    assert!(told.contains(r#""field":"trail_bp","value":"0","limit":"9999""#), "{told}");
}

#[test]
fn a_limit_that_binds_the_asker_is_said_in_the_limits_own_unit() {
    let set = asked(
        "limit.set",
        r#""scope":"account","scope_id":"alice","kind":"position","subject":"BTC-USD","limit":"10""#,
    );
    let binds = (RejectCode::LimitBindsAsker, Field::Limit, Unit::Number);
    let told = refusal(&set, binds, 1_000_000, 500_000);
    assert!(told.contains(r#""field":"limit","value":"10.00000","limit":"5.00000""#), "{told}");
    let told = refusal(&set, binds, -1, 500_000);
    assert!(told.contains(r#""field":"limit","value":"none","limit":"5.00000""#), "{told}");
    let state = asked("risk.set_state", r#""scope":"firm","state":"active""#);
    let lifts = (RejectCode::LimitBindsAsker, Field::State, Unit::Number);
    let told = refusal(&state, lifts, 0, 2);
    assert!(told.contains(r#""field":"state","value":"active","limit":"halted""#), "{told}");
    let configure = asked("instrument.configure", r#""symbol":"BTC-USD","collar":"2""#);
    let far = (RejectCode::InvalidInstrument, Field::Collar, Unit::Number);
    let told = refusal(&configure, far, 2_000_000, 1_000_000);
    assert!(told.contains(r#""field":"collar","value":"2.000000","limit":"1.000000""#), "{told}");
}

#[test]
fn a_name_that_is_refused_is_said_and_what_it_may_be() {
    let create = asked("account.create", r#""name":"Alice""#);
    let told = refusal(&create, (RejectCode::InvalidName, Field::Name, Unit::None), 0, 0);
    let says =
        "name Alice: the name is not of the form this kind of thing has: 1 to 32 of a-z 0-9 _ -";
    assert!(told.contains(says) && told.ends_with(r#""field":"name","value":"Alice""#), "{told}");
    // The reject's number is the id of who has it.
    let told = refusal(&create, (RejectCode::AlreadyExists, Field::Name, Unit::Number), 2, 0);
    assert!(told.contains("name Alice: the name is taken\""), "{told}");
    assert!(told.ends_with(r#""field":"name","value":"Alice""#), "{told}");
    let asset = asked("asset.create", r#""name":"gem","scale":4"#);
    let told = refusal(&asset, (RejectCode::InvalidName, Field::Name, Unit::None), 0, 0);
    assert!(told.contains("name gem: ") && told.contains(": 2 to 12 of A-Z 0-9\""), "{told}");
}
