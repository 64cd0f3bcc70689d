//! What operators send becomes exactly what it says.

use coulisse_types::command::{
    AccountConfigure, AuctionSchedule, FeeTierSet, GroupCreate, InstrumentConfigure, KillReset,
    KillSwitch, LimitSet, MarkSet, RiskStateSet, TradingStateSet,
};
use coulisse_types::{
    AccountId, Amount, AssetId, Command, FeeRate, GroupId, LimitKind, MatchingMode, Price,
    ReferenceKind, RequestId, RiskState, Scope, TradingState,
};
use coulisse_wire::native::request::Admin;
use coulisse_wire::native::{Body, Op, parse_request, spec::Access};

use crate::market::{BTC_USD, ETH_USD, table, text};

fn admin(op: &str, params: &str) -> Admin {
    let request = format!(r#"{{"op":"{op}","params":{{{params}}}}}"#);
    let table = table();
    match parse_request(request.as_bytes(), &table) {
        Ok(request) => {
            assert_eq!(request.op.spec().access, Access::Admin);
            let Body::Admin(admin) = request.body else { panic!("{op}") };
            *admin
        }
        Err(error) => panic!("{request}: {error:?}"),
    }
}

fn command(op: &str, params: &str) -> Command {
    admin(op, params).command
}

#[test]
fn groups_and_accounts_are_set_up_by_name() {
    let create = GroupCreate { name: text("mm") };
    let asked = admin("group.create", r#""request_id":"7F","name":"mm""#);
    assert_eq!((asked.command, asked.request_id), (create.into(), RequestId(0x7f)));
    let both = AccountConfigure { group: GroupId(1), trade_group: 7 };
    assert_eq!(command("account.configure", r#""group":"desk","trade_group":7"#), both.into());
    let none = AccountConfigure { group: GroupId(0), trade_group: 0 };
    assert_eq!(command("account.configure", ""), none.into());
}

#[test]
fn rates_become_millionths_and_times_nanoseconds() {
    let params = r#""symbol":"ETH-USD","matching":"pro_rata","reference":"mid","collar":"0.05","slippage":"0.000001","band":"1","auction_time":300000000,"auction_fee":"0.0001""#;
    let configure = InstrumentConfigure {
        instrument: ETH_USD,
        matching: MatchingMode::ProRata,
        reference: ReferenceKind::Mid,
        collar_ppm: 50_000,
        slippage_ppm: 1,
        band_ppm: 1_000_000,
        auction_ns: 300_000_000_000,
        auction_fee: FeeRate::from_ppm(100),
    };
    assert_eq!(command("instrument.configure", params), configure.into());
    let plain = InstrumentConfigure {
        instrument: BTC_USD,
        matching: MatchingMode::PriceTime,
        reference: ReferenceKind::Last,
        collar_ppm: 0,
        slippage_ppm: 0,
        band_ppm: 0,
        auction_ns: 0,
        auction_fee: FeeRate::from_ppm(0),
    };
    assert_eq!(command("instrument.configure", r#""symbol":"BTC-USD""#), plain.into());
    let tier = FeeTierSet {
        asset: AssetId(2),
        tier: 2,
        threshold: Amount::from_minor(100_000_000_000_000),
        maker_fee: FeeRate::from_ppm(-50),
        taker_fee: FeeRate::from_ppm(300),
    };
    let params = r#""asset":"USD","tier":2,"threshold":"1000000","maker_fee":"-0.00005","taker_fee":"0.0003""#;
    assert_eq!(command("fees.set_tier", params), tier.into());
    let Command::FeeTierSet(gone) =
        command("fees.set_tier", r#""asset":"USD","tier":2,"threshold":"none""#)
    else {
        panic!()
    };
    assert_eq!(gone.threshold, Amount::from_minor(-1));
}

#[test]
fn instruments_are_halted_marked_and_auctioned() {
    let state = TradingStateSet { instrument: BTC_USD, state: TradingState::PostOnly };
    let asked = admin("instrument.state", r#""symbol":"BTC-USD","state":"post_only""#);
    assert_eq!((asked.command, asked.instrument), (state.into(), BTC_USD));
    let mark = MarkSet { instrument: BTC_USD, price: Price::from_ticks(6_000_001) };
    assert_eq!(command("mark.set", r#""symbol":"BTC-USD","price":"60000.01""#), mark.into());
    let when = AuctionSchedule { instrument: BTC_USD, start_ns: 5_000, end_ns: 6_000 };
    let params = r#""symbol":"BTC-USD","start_time":5,"end_time":6"#;
    assert_eq!(command("auction.schedule", params), when.into());
    let never = AuctionSchedule { instrument: BTC_USD, start_ns: 0, end_ns: 0 };
    assert_eq!(command("auction.schedule", r#""symbol":"BTC-USD""#), never.into());
}

#[test]
fn whom_something_binds_is_named_and_an_account_is_found_by_the_edge() {
    let firm = KillSwitch { scope: Scope::Firm, scope_id: 0 };
    assert_eq!(command("kill.switch", r#""scope":"firm""#), firm.into());
    let group = RiskStateSet { scope: Scope::Group, scope_id: 1, state: RiskState::Reducing };
    let params = r#""scope":"group","scope_id":"desk","state":"reducing""#;
    assert_eq!(command("risk.set_state", params), group.into());
    let listed = RiskStateSet { scope: Scope::Instrument, scope_id: 2, state: RiskState::Halted };
    let params = r#""scope":"instrument","scope_id":"ETH-USD","state":"halted""#;
    assert_eq!(command("risk.set_state", params), listed.into());
    let asked = admin("kill.reset", r#""scope":"account","scope_id":"alice","step":2"#);
    assert_eq!(asked.bound, Some(text("alice")));
    let reset = KillReset { scope: Scope::Account, scope_id: 9, step: 2 };
    assert_eq!(asked.resolve(AccountId(9)), reset.into());
}

#[test]
fn a_limit_is_read_in_the_unit_of_its_kind() {
    for (params, kind, subject, value, burst) in [
        (
            r#""kind":"position","subject":"BTC-USD","limit":"10""#,
            LimitKind::Position,
            1,
            1_000_000,
            0,
        ),
        (
            r#""kind":"gross_notional","subject":"USD","limit":"0.5""#,
            LimitKind::GrossNotional,
            2,
            50_000_000,
            0,
        ),
        (r#""kind":"open_orders","limit":"200""#, LimitKind::OpenOrders, 0, 200, 0),
        (r#""kind":"order_rate","limit":"50","burst":100"#, LimitKind::OrderRate, 0, 50, 100),
        (r#""kind":"duplicate_window","limit":"500""#, LimitKind::DuplicateWindow, 0, 500_000, 0),
        (r#""kind":"drawdown","subject":"USD","limit":"none""#, LimitKind::Drawdown, 2, -1, 0),
    ] {
        let set = LimitSet { scope: Scope::Firm, scope_id: 0, kind, subject, value, burst };
        let params = format!(r#""scope":"firm",{params}"#);
        assert_eq!(command("limit.set", &params), set.into(), "{params}");
    }
}

#[test]
fn all_that_binds_others_needs_an_admin_key() {
    let admins = Op::ALL.iter().filter(|op| op.spec().access == Access::Admin).count();
    assert_eq!(admins, 29);
    assert_eq!(Op::Place.spec().access, Access::Trade);
    assert_eq!(Op::BalancesGet.spec().access, Access::Read);
    assert_eq!(Op::Subscribe.spec().access, Access::Open);
}
