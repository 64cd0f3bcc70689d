//! What the channels of part 2 say, letter by letter.

use coulisse_types::event::{
    AccountConfigured, AuctionUncrossed, LimitUsed, MarkChanged, OrderAccepted, OrderDecremented,
    OrderRefreshed, OrderRepriced, OrderTermsSet, OrderTriggered, PositionChanged,
    RiskStateChanged,
};
use coulisse_types::{
    AccountId, Amount, ClientOrderId, Event, GroupId, LimitKind, OrderId, OrderType, Peg, Price,
    Qty, RiskState, Scope, SelfTrade, Side, TimeInForce, Trigger, TriggerOn,
};
use coulisse_wire::native::Channel;
use coulisse_wire::native::feed::{self, Audience, DeltaHead, InstrumentStatus};

use crate::market::{BTC_USD, ETH_USD, Random, table, text};

const ME: AccountId = AccountId(1);
const HEAD: DeltaHead<'static> = DeltaHead {
    account: ME,
    account_name: "alice",
    group: GroupId(1),
    prev: 3,
    seq: 9,
    time_us: 5,
};

/// The items of a delta.
fn items(channel: Channel, events: &[Event]) -> String {
    let mut out = Vec::new();
    feed::write_private_delta(&mut out, channel, &HEAD, events, &table());
    let out = String::from_utf8(out).expect("text");
    if out.is_empty() {
        return out;
    }
    serde_json::from_str::<serde_json::Value>(&out).unwrap_or_else(|e| panic!("{e}: {out}"));
    let (_, rest) = out.split_once(r#""items":["#).expect("items");
    rest.strip_suffix("]}").expect("the end").to_owned()
}

fn terms() -> OrderTermsSet {
    OrderTermsSet {
        order_id: OrderId(50),
        account: ME,
        instrument: BTC_USD,
        self_trade: SelfTrade::None,
        trigger: Trigger::None,
        trigger_on: TriggerOn::Last,
        trigger_price: Price::default(),
        trail: 0,
        display_qty: Qty::ZERO,
        min_qty: Qty::ZERO,
        peg: Peg::None,
        peg_offset: 0,
        reduce_only: false,
        expire_ns: 0,
    }
}

fn accepted(order_type: OrderType) -> Event {
    OrderAccepted {
        order_id: OrderId(50),
        account: ME,
        instrument: BTC_USD,
        side: Side::Sell,
        order_type,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        qty: Qty::from_lots(1_000),
        price: Price::from_ticks(6_000_000),
        notional: Amount::ZERO,
        client_order_id: ClientOrderId::default(),
    }
    .into()
}

#[test]
fn the_terms_of_an_order_are_told_with_its_acceptance() {
    let start = r#"{"event":"accepted","order_id":"50","symbol":"BTC-USD","side":"sell""#;
    let market = r#""tif":"gtc","post_only":false,"qty":"0.01000""#;
    let limit = r#""tif":"gtc","post_only":false,"qty":"0.01000","price":"60000.00""#;
    let at = Price::from_ticks(5_900_000);
    for (order_type, terms, expected) in [
        (
            OrderType::Market,
            OrderTermsSet { trigger: Trigger::Stop, trigger_price: at, ..terms() },
            format!(
                r#"{start},"type":"stop",{market},"trigger_price":"59000.00","trigger_on":"last"}}"#
            ),
        ),
        (
            OrderType::Limit,
            OrderTermsSet {
                trigger: Trigger::TakeProfit,
                trigger_price: at,
                trigger_on: TriggerOn::Mark,
                ..terms()
            },
            format!(
                r#"{start},"type":"take_profit_limit",{limit},"trigger_price":"59000.00","trigger_on":"mark"}}"#
            ),
        ),
        (
            OrderType::Market,
            OrderTermsSet { trigger: Trigger::TrailTicks, trail: 500, ..terms() },
            format!(
                r#"{start},"type":"trailing_stop",{market},"trigger_on":"last","trail":"5.00"}}"#
            ),
        ),
        (
            OrderType::Market,
            OrderTermsSet { trigger: Trigger::TrailBp, trail: 50, ..terms() },
            format!(
                r#"{start},"type":"trailing_stop",{market},"trigger_on":"last","trail_bp":50}}"#
            ),
        ),
        (
            OrderType::Limit,
            OrderTermsSet {
                display_qty: Qty::from_lots(100),
                reduce_only: true,
                self_trade: SelfTrade::Decrement,
                expire_ns: 7_000,
                ..terms()
            },
            format!(
                r#"{start},"type":"limit",{limit},"display_qty":"0.00100","reduce_only":true,"self_trade":"decrement","expire_time":7}}"#
            ),
        ),
        (
            OrderType::Limit,
            OrderTermsSet { peg: Peg::Bid, peg_offset: -5, ..terms() },
            format!(r#"{start},"type":"limit",{limit},"peg":"bid","peg_offset":"-0.05"}}"#),
        ),
    ] {
        assert_eq!(items(Channel::Orders, &[accepted(order_type), terms.into()]), expected);
    }
}

#[test]
fn what_orders_with_terms_do_is_told() {
    let (account, instrument) = (ME, BTC_USD);
    let (side, remaining) = (Side::Sell, Qty::from_lots(900));
    let ids = |id| (OrderId(id), ClientOrderId::default());
    let triggered = OrderTriggered {
        order_id: ids(1).0,
        account,
        instrument,
        trigger_on: TriggerOn::Last,
        trigger_price: Price::from_ticks(5_900_000),
        price: Price::from_ticks(5_800_000),
        client_order_id: text("s1"),
    };
    let refreshed = OrderRefreshed {
        order_id: ids(2).0,
        account,
        instrument,
        side,
        price: Price::from_ticks(6_000_000),
        displayed: Qty::from_lots(100),
        remaining,
    };
    let repriced = |id, ticks| OrderRepriced {
        order_id: OrderId(id),
        account,
        instrument,
        side,
        price: Price::from_ticks(ticks),
        remaining,
    };
    let decremented = OrderDecremented {
        order_id: ids(5).0,
        account,
        instrument,
        by: Qty::from_lots(100),
        qty: Qty::from_lots(1_000),
        remaining,
        client_order_id: ids(5).1,
    };
    let events = [
        triggered.into(),
        refreshed.into(),
        repriced(3, 6_000_001).into(),
        repriced(4, 0).into(),
        decremented.into(),
    ];
    assert_eq!(
        items(Channel::Orders, &events).replace("},{", "}\n{"),
        [
            r#"{"event":"triggered","order_id":"1","client_order_id":"s1","symbol":"BTC-USD","trigger_on":"last","trigger_price":"59000.00","price":"58000.00"}"#,
            r#"{"event":"refreshed","order_id":"2","symbol":"BTC-USD","side":"sell","price":"60000.00","display_qty":"0.00100","remaining":"0.00900"}"#,
            r#"{"event":"repriced","order_id":"3","symbol":"BTC-USD","side":"sell","price":"60000.01","remaining":"0.00900","state":"open"}"#,
            r#"{"event":"repriced","order_id":"4","symbol":"BTC-USD","side":"sell","remaining":"0.00900","state":"waiting"}"#,
            r#"{"event":"decremented","order_id":"5","symbol":"BTC-USD","by":"0.00100","qty":"0.01000","remaining":"0.00900"}"#,
        ]
        .join("\n")
    );
}

fn position(lots: i64, cost: i128) -> PositionChanged {
    PositionChanged {
        account: ME,
        instrument: BTC_USD,
        qty: Qty::from_lots(lots),
        cost: Amount::from_minor(cost),
        realised: Amount::from_minor(-5),
        fees: Amount::from_minor(7),
    }
}

#[test]
fn a_position_says_its_average_entry_rounded_down_to_the_decimals_of_a_price() {
    // 3 lots for 1.79999999 USD: 59999.99966… for one.
    let told = items(Channel::Positions, &[position(3, 179_999_999).into()]);
    assert_eq!(
        told,
        r#"{"symbol":"BTC-USD","qty":"0.00003","cost":"1.79999999","avg_entry":"59999.99","realised":"-0.00000005","fees":"0.00000007"}"#
    );
    let short = items(Channel::Positions, &[position(-3, -180_000_000).into()]);
    assert!(short.contains(r#""qty":"-0.00003","cost":"-1.80000000","avg_entry":"60000.00""#));
    let flat = items(Channel::Positions, &[position(0, 0).into()]);
    assert!(flat.contains(r#""cost":"0.00000000","realised""#), "{flat}");
}

#[test]
fn the_average_entry_is_exact_on_every_size() {
    let table = table();
    let mut random = Random(3);
    for info in [BTC_USD, ETH_USD].map(|id| table.instrument(id).expect("listed")) {
        for _ in 0..5_000 {
            let lots = 1 + (random.next() >> (random.next() % 64).max(1)).cast_signed();
            let cost = i128::from(random.next()) << (random.next() % 40);
            let mut out = Vec::new();
            info.write_average_entry(&mut out, Qty::from_lots(lots), Amount::from_minor(cost));
            let told = String::from_utf8(out).expect("text");
            // One unit is 10^8 / lot_minor lots; a price has two decimals here, the asset eight.
            let lots_per_unit = 100_000_000 / i128::from(info.lot_minor);
            let cents = (cost * lots_per_unit / i128::from(lots)) / 1_000_000;
            assert_eq!(told, format!("{}.{:02}", cents / 100, cents % 100), "{cost} / {lots}");
        }
    }
}

#[test]
fn risk_tells_an_account_what_binds_it_and_nothing_else() {
    let state = |scope, scope_id| -> Event {
        RiskStateChanged { scope, scope_id, state: RiskState::Halted }.into()
    };
    let used = LimitUsed {
        scope: Scope::Account,
        scope_id: 1,
        kind: LimitKind::DailyLoss,
        subject: 2,
        used: 900_000_000,
        limit: 1_000_000_000,
        level: 80,
    };
    let moved = AccountConfigured { account: ME, group: GroupId(1), trade_group: 7 };
    let events = [
        state(Scope::Firm, 0),
        state(Scope::Group, 1),
        state(Scope::Group, 2),
        state(Scope::Account, 1),
        state(Scope::Account, 2),
        state(Scope::Instrument, 1),
        used.into(),
        moved.into(),
    ];
    assert_eq!(
        items(Channel::Risk, &events).replace("},{", "}\n{"),
        [
            r#"{"event":"state_changed","scope":"firm","state":"halted"}"#,
            r#"{"event":"state_changed","scope":"group","scope_id":"desk","state":"halted"}"#,
            r#"{"event":"state_changed","scope":"account","scope_id":"alice","state":"halted"}"#,
            r#"{"event":"limit_used","scope":"account","scope_id":"alice","kind":"daily_loss","subject":"USD","used":"9.00000000","limit":"10.00000000","level":80}"#,
            r#"{"event":"configured","group":"desk","trade_group":7}"#,
        ]
        .join("\n")
    );
    let audience = |event| feed::private_channels(event).map(|(who, _)| who);
    assert_eq!(audience(&events[0]), Some(Audience::Everyone));
    assert_eq!(audience(&events[2]), Some(Audience::Group(GroupId(2))));
    assert_eq!(audience(&events[5]), None);
    assert_eq!(items(Channel::Orders, &events), "");
}

#[test]
fn an_image_of_risk_leaves_out_what_binds_others() {
    let state = |scope_id| -> Event {
        RiskStateChanged { scope: Scope::Group, scope_id, state: RiskState::Reducing }.into()
    };
    let mut out = Vec::new();
    feed::write_risk_image(&mut out, &HEAD, &[state(2), state(1)], &table());
    assert_eq!(
        String::from_utf8(out).expect("text"),
        r#"{"ch":"risk","account":"alice","type":"image","seq":9,"items":[{"event":"state_changed","scope":"group","scope_id":"desk","state":"reducing"}]}"#
    );
}

#[test]
fn the_status_of_an_instrument_is_an_image_then_what_changed() {
    let table = table();
    let info = table.instrument(BTC_USD).expect("listed");
    let mut image = Vec::new();
    feed::write_status_image(&mut image, info, 8, &InstrumentStatus::listed(BTC_USD));
    assert_eq!(
        String::from_utf8(image).expect("text"),
        r#"{"ch":"status","symbol":"BTC-USD","type":"image","seq":8,"items":[{"state":"open","risk_state":"active","version":0,"matching":"price_time","reference":"last","collar":"0.000000","slippage":"0.000000","band":"0.000000","auction_time":0,"auction_fee":"0.000000"}]}"#
    );
    let mark = MarkChanged { instrument: BTC_USD, price: Price::from_ticks(5) };
    let nothing = AuctionUncrossed { instrument: BTC_USD, price: Price::default(), qty: Qty::ZERO };
    let risk = RiskStateChanged {
        scope: Scope::Instrument,
        scope_id: BTC_USD.0,
        state: RiskState::Halted,
    };
    let events: [Event; 3] = [mark.into(), nothing.into(), risk.into()];
    assert!(events.iter().all(|event| feed::status_of(event) == Some(BTC_USD)));
    let mut delta = Vec::new();
    feed::write_status_delta(&mut delta, info, (8, 9), 5, events);
    assert_eq!(
        String::from_utf8(delta).expect("text"),
        r#"{"ch":"status","symbol":"BTC-USD","type":"delta","prev":8,"seq":9,"time":5,"items":[{"event":"mark_changed","mark":"0.05"},{"event":"auction_uncrossed","qty":"0.00000"},{"event":"risk_state_changed","risk_state":"halted"}]}"#
    );
}
