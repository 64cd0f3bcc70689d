//! Orders with terms, replacements, lists and switches become exactly what they say.

use coulisse_types::command::{CancelAfter, OrderListPlace, OrderPlaceTerms};
use coulisse_types::{
    Amount, ClientOrderId, Command, ListKind, OrderId, OrderType, Peg, Price, Qty, SelfTrade, Side,
    TimeInForce, Trigger, TriggerOn,
};
use coulisse_wire::native::{Body, parse_request};

use crate::market::{BTC_USD, table, text};

fn command(op: &str, params: &str) -> Command {
    let request = format!(r#"{{"op":"{op}","params":{{{params}}}}}"#);
    let table = table();
    match parse_request(request.as_bytes(), &table).map(|r| r.body) {
        Ok(Body::Command { command, instrument }) => {
            assert!(instrument == BTC_USD || matches!(command, Command::CancelAfter(_)));
            command
        }
        other => panic!("{request}: {other:?}"),
    }
}

/// A limit order to buy 0.01 at 60000.00, with all terms at their default.
fn order() -> OrderPlaceTerms {
    OrderPlaceTerms {
        instrument: BTC_USD,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        qty: Qty::from_lots(1_000),
        price: Price::from_ticks(6_000_000),
        notional: Amount::ZERO,
        client_order_id: ClientOrderId::default(),
        self_trade: SelfTrade::None,
        trigger: Trigger::None,
        trigger_on: TriggerOn::Last,
        trigger_price: Price::from_ticks(0),
        trail: 0,
        display_qty: Qty::ZERO,
        min_qty: Qty::ZERO,
        peg: Peg::None,
        peg_offset: 0,
        reduce_only: false,
        expire_ns: 0,
    }
}

fn market() -> OrderPlaceTerms {
    OrderPlaceTerms {
        order_type: OrderType::Market,
        time_in_force: TimeInForce::Ioc,
        price: Price::from_ticks(0),
        ..order()
    }
}

const LIMIT: &str = r#""symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.00""#;
const MARKET: &str = r#""symbol":"BTC-USD","side":"buy","qty":"0.01""#;

#[test]
fn each_type_becomes_an_order_type_and_a_trigger() {
    let (at, stop) = (Price::from_ticks(5_900_000), Trigger::Stop);
    let profit = Trigger::TakeProfit;
    for (params, expected) in [
        (
            format!(r#"{MARKET},"type":"stop","trigger_price":"59000""#),
            OrderPlaceTerms { trigger: stop, trigger_price: at, ..market() },
        ),
        (
            format!(r#"{LIMIT},"type":"stop_limit","trigger_price":"59000""#),
            OrderPlaceTerms { trigger: stop, trigger_price: at, ..order() },
        ),
        (
            format!(r#"{MARKET},"type":"take_profit","trigger_price":"59000","trigger_on":"mark""#),
            OrderPlaceTerms {
                trigger: profit,
                trigger_price: at,
                trigger_on: TriggerOn::Mark,
                ..market()
            },
        ),
        (
            format!(r#"{LIMIT},"type":"take_profit_limit","trigger_price":"59000""#),
            OrderPlaceTerms { trigger: profit, trigger_price: at, ..order() },
        ),
        (
            format!(r#"{MARKET},"type":"trailing_stop","trail":"5.00""#),
            OrderPlaceTerms { trigger: Trigger::TrailTicks, trail: 500, ..market() },
        ),
        (
            format!(r#"{MARKET},"type":"trailing_stop","trail_bp":50"#),
            OrderPlaceTerms { trigger: Trigger::TrailBp, trail: 50, ..market() },
        ),
    ] {
        assert_eq!(command("order.place", &params), expected.into(), "{params}");
    }
}

#[test]
fn each_term_becomes_its_field_and_times_become_nanoseconds() {
    for (term, expected) in [
        (
            r#""display_qty":"0.001""#,
            OrderPlaceTerms { display_qty: Qty::from_lots(100), ..order() },
        ),
        (r#""min_qty":"0.002""#, OrderPlaceTerms { min_qty: Qty::from_lots(200), ..order() }),
        (
            r#""peg":"mid","peg_offset":"-0.05""#,
            OrderPlaceTerms { peg: Peg::Mid, peg_offset: -5, ..order() },
        ),
        (r#""reduce_only":true"#, OrderPlaceTerms { reduce_only: true, ..order() }),
        (
            r#""self_trade":"expire_both""#,
            OrderPlaceTerms { self_trade: SelfTrade::ExpireBoth, ..order() },
        ),
        (
            r#""tif":"gtd","expire_time":1795392000000001"#,
            OrderPlaceTerms {
                time_in_force: TimeInForce::Gtd,
                expire_ns: 1_795_392_000_000_001_000,
                ..order()
            },
        ),
        // A term that says its default is still a term: the core answers both forms alike.
        (r#""reduce_only":false"#, order()),
        (r#""trigger_on":"last""#, order()),
    ] {
        assert_eq!(command("order.place", &format!("{LIMIT},{term}")), expected.into(), "{term}");
    }
}

#[test]
fn an_order_without_terms_stays_the_plain_command_whatever_its_time_in_force() {
    for params in [LIMIT.to_owned(), format!(r#"{LIMIT},"tif":"day""#)] {
        assert!(matches!(command("order.place", &params), Command::OrderPlace(_)), "{params}");
    }
}

#[test]
fn the_latest_time_that_can_be_written_still_fits() {
    let params = format!(r#"{LIMIT},"tif":"gtd","expire_time":9007199254740991"#);
    let Command::OrderPlaceTerms(order) = command("order.place", &params) else { panic!() };
    assert_eq!(order.expire_ns, 9_007_199_254_740_991_000);
}

#[test]
fn a_replacement_names_the_old_order_and_has_all_that_an_order_has() {
    let params = format!(
        r#"{LIMIT},"client_order_id":"a2","cancel_order_id":"77","allow_failure":true,"display_qty":"0.001""#
    );
    let Command::OrderReplace(replace) = command("order.replace", &params) else { panic!() };
    assert_eq!((replace.cancel_order_id, replace.allow_failure), (OrderId(77), true));
    assert_eq!(replace.cancel_client_order_id, ClientOrderId::default());
    assert_eq!((replace.client_order_id, replace.qty), (text("a2"), Qty::from_lots(1_000)));
    assert_eq!(replace.display_qty, Qty::from_lots(100));
    let params = format!(r#"{LIMIT},"cancel_client_order_id":"a1""#);
    let Command::OrderReplace(replace) = command("order.replace", &params) else { panic!() };
    assert_eq!((replace.cancel_order_id, replace.allow_failure), (OrderId(0), false));
    assert_eq!(replace.cancel_client_order_id, text("a1"));
}

#[test]
fn a_list_has_its_legs_in_their_order_and_the_unused_one_at_its_default() {
    let params = r#""kind":"oco","symbol":"BTC-USD","client_order_id":"l1","legs":[
        {"side":"sell","qty":"0.01","price":"66000.00"},
        {"side":"sell","type":"stop_limit","tif":"day","qty":"0.01","price":"56900.00","trigger_price":"57000.00","trigger_on":"mark"}]"#;
    let Command::OrderListPlace(list) = command("order.place_list", params) else { panic!() };
    let expected = OrderListPlace {
        kind: ListKind::Oco,
        instrument: BTC_USD,
        client_order_id: text("l1"),
        side_0: Side::Sell,
        order_type_0: OrderType::Limit,
        time_in_force_0: TimeInForce::Gtc,
        qty_0: Qty::from_lots(1_000),
        price_0: Price::from_ticks(6_600_000),
        trigger_0: Trigger::None,
        trigger_on_0: TriggerOn::Last,
        trigger_price_0: Price::default(),
        side_1: Side::Sell,
        order_type_1: OrderType::Limit,
        time_in_force_1: TimeInForce::Day,
        qty_1: Qty::from_lots(1_000),
        price_1: Price::from_ticks(5_690_000),
        trigger_1: Trigger::Stop,
        trigger_on_1: TriggerOn::Mark,
        trigger_price_1: Price::from_ticks(5_700_000),
        side_2: Side::Buy,
        order_type_2: OrderType::Limit,
        time_in_force_2: TimeInForce::Gtc,
        qty_2: Qty::ZERO,
        price_2: Price::default(),
        trigger_2: Trigger::None,
        trigger_on_2: TriggerOn::Last,
        trigger_price_2: Price::default(),
    };
    assert_eq!(list, expected);
}

#[test]
fn three_legs_make_an_otoco() {
    let leg = r#"{"side":"sell","qty":"0.01","price":"66000.00"}"#;
    let stop = r#"{"side":"sell","type":"stop","qty":"0.01","trigger_price":"57000.00"}"#;
    let params = format!(r#""kind":"otoco","symbol":"BTC-USD","legs":[{leg},{leg},{stop}]"#);
    let Command::OrderListPlace(list) = command("order.place_list", &params) else { panic!() };
    assert_eq!((list.order_type_2, list.time_in_force_2), (OrderType::Market, TimeInForce::Ioc));
    assert_eq!((list.trigger_2, list.qty_2), (Trigger::Stop, Qty::from_lots(1_000)));
}

#[test]
fn a_dead_mans_switch_is_set_in_milliseconds() {
    let set = |timeout: &str| command("order.cancel_after", &format!(r#""timeout":{timeout}"#));
    assert_eq!(set("1500"), CancelAfter { timeout_ns: 1_500_000_000 }.into());
    assert_eq!(set("0"), CancelAfter { timeout_ns: 0 }.into());
    assert_eq!(set("9223372036854"), CancelAfter { timeout_ns: 9_223_372_036_854_000_000 }.into());
}
