//! The events behind the examples.

use alloc::vec;
use alloc::vec::Vec;

use coulisse_types::event::{
    AuctionIndicated, BalanceChanged, CancelAfterSet, CloseReason, InstrumentConfigured,
    KillSwitchSet, LimitChanged, LimitUsed, OrderAccepted, OrderAmended, OrderClosed, OrderFilled,
    OrderListPlaced, OrderRested, OrderState, OrderTermsSet, OrdersCancelled, PositionChanged,
    RiskStateChanged, Role, TradingStateChanged, WithdrawalCapChanged, WithdrawalEnd,
    WithdrawalEnded, WithdrawalHeld,
};
use coulisse_types::{
    Amount, AssetId, ClientOrderId, Event, FeeRate, KeyIndex, LimitKind, ListKind, MatchingMode,
    OrderId, OrderType, Peg, Price, Qty, ReferenceKind, RequestId, RiskState, Scope, SelfTrade,
    Seq, Side, StateReason, TimeInForce, TradeId, TradingState, Trigger, TriggerOn,
};

use super::{ALICE, BTC_USD, SEQ, TIME_US, text};
use crate::native::Op;

/// What the example of an operation causes.
pub(super) fn of(op: Op) -> Vec<Event> {
    match op {
        Op::Place => placed().to_vec(),
        Op::Cancel => vec![closed(CloseReason::CancelRequested).into()],
        Op::Amend => vec![amended()],
        Op::Replace => {
            let mut events = vec![closed(CloseReason::Replaced).into()];
            events.extend(accepted(SEQ + 1, "a2", Trigger::None));
            events
        }
        Op::PlaceList => listed(),
        Op::CancelAll => {
            vec![OrdersCancelled { account: ALICE, instrument: BTC_USD, count: 3 }.into()]
        }
        Op::CancelAfter => {
            let deadline_ns = (TIME_US + 12 + 60_000_000) * 1_000;
            vec![CancelAfterSet { account: ALICE, deadline_ns }.into()]
        }
        Op::InstrumentConfigure => vec![configured(3).into()],
        Op::LimitSet => vec![limit_changed()],
        Op::KillSwitch => {
            let last_order_id = OrderId(SEQ);
            vec![KillSwitchSet { scope: Scope::Account, scope_id: ALICE.0, last_order_id }.into()]
        }
        Op::Withdraw => held(),
        Op::WithdrawalApprove => vec![ended(WithdrawalEnd::Approved)],
        Op::WithdrawalReject => vec![ended(WithdrawalEnd::Rejected)],
        Op::WithdrawalCancel => vec![ended(WithdrawalEnd::Cancelled)],
        Op::WithdrawalCapSet => {
            let (asset, cap) = (AssetId(2), Amount::from_minor(1_000_000_000_000));
            vec![WithdrawalCapChanged { asset, cap, version: 2 }.into()]
        }
        _ => Vec::new(),
    }
}

/// A withdrawal waits for a second person.
pub(super) fn held() -> Vec<Event> {
    let (account, asset) = (ALICE, AssetId(2));
    let amount = Amount::from_minor(25_000_000_000);
    let held = WithdrawalHeld {
        withdrawal_id: Seq(SEQ),
        account,
        asset,
        amount,
        request_id: RequestId(0x7f3b),
        asked_by: KeyIndex(1),
        expire_ns: (TIME_US + 12 + 259_200_000_000) * 1_000,
    };
    let (available, held_now) =
        (Amount::from_minor(914_982_000_000), Amount::from_minor(61_018_000_000));
    vec![held.into(), BalanceChanged { account, asset, available, held: held_now }.into()]
}

fn ended(end: WithdrawalEnd) -> Event {
    WithdrawalEnded {
        withdrawal_id: Seq(88_101),
        account: ALICE,
        asset: AssetId(2),
        amount: Amount::from_minor(25_000_000_000),
        end,
        ended_by: KeyIndex(3),
    }
    .into()
}

pub(super) fn client_order_id() -> ClientOrderId {
    text("a1")
}

/// The events of the example of `order.place`: part of it trades, the rest stays on the book.
pub(super) fn placed() -> [Event; 4] {
    let (price, qty) = (Price::from_ticks(6_000_000), Qty::from_lots(1_000));
    let (filled, remaining) = (Qty::from_lots(400), Qty::from_lots(600));
    [
        OrderAccepted {
            order_id: OrderId(SEQ),
            account: ALICE,
            instrument: BTC_USD,
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtc,
            post_only: false,
            qty,
            price,
            notional: Amount::ZERO,
            client_order_id: client_order_id(),
        }
        .into(),
        OrderFilled {
            order_id: OrderId(SEQ),
            account: ALICE,
            instrument: BTC_USD,
            trade_id: TradeId(5_117),
            side: Side::Buy,
            role: Role::Taker,
            price,
            qty: filled,
            notional: Amount::from_minor(24_000_000_000),
            fee: Amount::from_minor(12_000_000),
            filled,
            remaining,
            client_order_id: client_order_id(),
        }
        .into(),
        OrderRested {
            order_id: OrderId(SEQ),
            account: ALICE,
            instrument: BTC_USD,
            side: Side::Buy,
            price,
            remaining,
        }
        .into(),
        BalanceChanged {
            account: ALICE,
            asset: AssetId(2),
            available: Amount::from_minor(939_982_000_000),
            held: Amount::from_minor(36_018_000_000),
        }
        .into(),
    ]
}

fn closed(reason: CloseReason) -> OrderClosed {
    OrderClosed {
        order_id: OrderId(SEQ),
        account: ALICE,
        instrument: BTC_USD,
        state: OrderState::Cancelled,
        reason,
        filled: Qty::from_lots(400),
        remaining: Qty::from_lots(600),
        client_order_id: client_order_id(),
    }
}

fn amended() -> Event {
    OrderAmended {
        order_id: OrderId(SEQ),
        account: ALICE,
        instrument: BTC_USD,
        qty: Qty::from_lots(2_000),
        price: Price::from_ticks(6_000_000),
        remaining: Qty::from_lots(1_600),
        kept_priority: false,
        client_order_id: client_order_id(),
    }
    .into()
}

/// An order that does not trade.
fn accepted(order_id: u64, client_order_id: &str, trigger: Trigger) -> Vec<Event> {
    let market = trigger != Trigger::None;
    let accepted = OrderAccepted {
        order_id: OrderId(order_id),
        account: ALICE,
        instrument: BTC_USD,
        side: Side::Sell,
        order_type: if market { OrderType::Market } else { OrderType::Limit },
        time_in_force: if market { TimeInForce::Ioc } else { TimeInForce::Gtc },
        post_only: false,
        qty: Qty::from_lots(1_000),
        price: if market { Price::default() } else { Price::from_ticks(6_600_000) },
        notional: Amount::ZERO,
        client_order_id: text(client_order_id),
    };
    let mut events = vec![accepted.into()];
    if market {
        events.push(terms(order_id, trigger).into());
    }
    events
}

fn terms(order_id: u64, trigger: Trigger) -> OrderTermsSet {
    OrderTermsSet {
        order_id: OrderId(order_id),
        account: ALICE,
        instrument: BTC_USD,
        self_trade: SelfTrade::None,
        trigger,
        trigger_on: TriggerOn::Last,
        trigger_price: Price::from_ticks(5_700_000),
        trail: 0,
        display_qty: Qty::ZERO,
        min_qty: Qty::ZERO,
        peg: Peg::None,
        peg_offset: 0,
        reduce_only: false,
        expire_ns: 0,
    }
}

fn listed() -> Vec<Event> {
    let mut events = accepted(SEQ, "a3", Trigger::None);
    events.extend(accepted(SEQ + 1, "", Trigger::Stop));
    events.push(list_placed());
    events.push(
        OrderRested {
            order_id: OrderId(SEQ),
            account: ALICE,
            instrument: BTC_USD,
            side: Side::Sell,
            price: Price::from_ticks(6_600_000),
            remaining: Qty::from_lots(1_000),
        }
        .into(),
    );
    events
}

fn list_placed() -> Event {
    OrderListPlaced {
        list_id: OrderId(SEQ),
        account: ALICE,
        instrument: BTC_USD,
        kind: ListKind::Oco,
        leg_1: OrderId(SEQ + 1),
        leg_2: OrderId(0),
    }
    .into()
}

/// What the `orders` channel says of a list with a stop.
pub(super) fn with_terms() -> Vec<Event> {
    listed()
}

fn configured(version: u32) -> InstrumentConfigured {
    InstrumentConfigured {
        instrument: BTC_USD,
        version,
        matching: MatchingMode::PriceTime,
        reference: ReferenceKind::Last,
        collar_ppm: 50_000,
        slippage_ppm: 20_000,
        band_ppm: 100_000,
        auction_ns: 300_000_000_000,
        auction_fee: FeeRate::from_ppm(100),
    }
}

fn limit_changed() -> Event {
    LimitChanged {
        scope: Scope::Account,
        scope_id: ALICE.0,
        kind: LimitKind::Position,
        subject: BTC_USD.0,
        value: 1_000_000,
        burst: 0,
        version: 12,
    }
    .into()
}

/// What a volatility interruption says.
pub(super) fn status() -> Vec<Event> {
    let changed = TradingStateChanged {
        instrument: BTC_USD,
        state: TradingState::Auction,
        reason: StateReason::Band,
        until_ns: (TIME_US + 300_000_012) * 1_000,
    };
    let indicated = AuctionIndicated {
        instrument: BTC_USD,
        price: Price::from_ticks(5_390_000),
        qty: Qty::from_lots(125_000),
        surplus: Qty::from_lots(-3_000),
    };
    vec![changed.into(), indicated.into(), configured(3).into()]
}

pub(super) fn position() -> PositionChanged {
    PositionChanged {
        account: ALICE,
        instrument: BTC_USD,
        qty: Qty::from_lots(-700),
        cost: Amount::from_minor(-41_993_000_000),
        realised: Amount::from_minor(1_250_000_000),
        fees: Amount::from_minor(21_000_000),
    }
}

/// What binds alice: her own limit, her group's state, the firm's kill switch.
pub(super) fn risk() -> [Event; 3] {
    [
        LimitUsed {
            scope: Scope::Account,
            scope_id: ALICE.0,
            kind: LimitKind::Position,
            subject: BTC_USD.0,
            used: 810_000,
            limit: 1_000_000,
            level: 80,
        }
        .into(),
        RiskStateChanged { scope: Scope::Group, scope_id: 1, state: RiskState::Reducing }.into(),
        KillSwitchSet { scope: Scope::Firm, scope_id: 0, last_order_id: OrderId(SEQ) }.into(),
    ]
}
