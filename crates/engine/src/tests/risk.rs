//! Positions, reduce-only, tiers, limits, the gate, states and kill switches: sections 20 to 24.

use super::*;
use coulisse_types::command::{
    AccountConfigure, FeeTierSet, GroupCreate, InstrumentConfigure, KeyCreate, KillReset,
    KillSwitch, LimitSet, MarkSet, OrderCancelAll, RiskStateSet, Tick,
};
use coulisse_types::event::{
    CloseReason, KillSwitchSet, LimitUsed, OrderDuplicate, OrderState, PositionChanged, Ticked,
};
use coulisse_types::limits::{ASSET_TOTAL_MINOR_MAX, DAY_NS, FEE_TIERS_MAX, RISK_RATE_MAX};
use coulisse_types::{
    Field, GroupId, LimitKind, MatchingMode, ReferenceKind, RiskState, Scope, SideFilter, Unit,
};

/// Code, field, unit, value and limit of the one refusal.
fn detail(events: &[Event]) -> (RejectCode, Field, Unit, i128, i128) {
    let Rejected { code, field, unit, value, limit, .. } = refusal(events);
    (code, field, unit, value, limit)
}

/// Account, net lots, cost and profit of each position that was told.
fn positions(events: &[Event]) -> Vec<(u32, i64, i128, i128)> {
    let told = |event: &Event| match event {
        Event::PositionChanged(PositionChanged { account, qty, cost, realised, .. }) => {
            Some((account.0, qty.lots(), cost.minor(), realised.minor()))
        }
        _ => None,
    };
    events.iter().filter_map(told).collect()
}

/// Scope, kind, what is used and the level of each limit that was told.
fn used(events: &[Event]) -> Vec<(Scope, LimitKind, i128, u8)> {
    let told = |event: &Event| match event {
        Event::LimitUsed(LimitUsed { scope, kind, used, level, .. }) => {
            Some((*scope, *kind, *used, *level))
        }
        _ => None,
    };
    events.iter().filter_map(told).collect()
}

fn of_ann(kind: LimitKind, subject: u32, value: i128) -> LimitSet {
    LimitSet { scope: Scope::Account, scope_id: ANN, kind, subject, value, burst: 0 }
}

fn of_firm(kind: LimitKind, subject: u32, value: i128) -> LimitSet {
    LimitSet { scope: Scope::Firm, scope_id: 0, ..of_ann(kind, subject, value) }
}

fn of_group(kind: LimitKind, subject: u32, value: i128) -> LimitSet {
    LimitSet { scope: Scope::Group, scope_id: 1, ..of_ann(kind, subject, value) }
}

fn rate(limit: LimitSet, burst: u32) -> LimitSet {
    LimitSet { burst, ..limit }
}

/// The usual world with Ann and Bob in group 1.
fn grouped() -> World {
    let mut world = World::usual();
    world.run(0, GroupCreate { name: text("desk") });
    for account in [ANN, BOB] {
        world.run(account, AccountConfigure { group: GroupId(1), trade_group: 0 });
    }
    world
}

/// Runs at a time, in ns.
fn at(world: &mut World, time_ns: i64, account: u32, command: impl Into<Command>) -> Vec<Event> {
    world.header.time_ns = time_ns;
    world.run(account, command)
}

fn a_mark(ticks: i64) -> MarkSet {
    MarkSet { instrument: BTC_USD, price: Price::from_ticks(ticks) }
}

fn configured(collar_ppm: u32, slippage_ppm: u32) -> InstrumentConfigure {
    InstrumentConfigure {
        instrument: BTC_USD,
        matching: MatchingMode::PriceTime,
        reference: ReferenceKind::Mark,
        collar_ppm,
        slippage_ppm,
        band_ppm: 0,
        auction_ns: 0,
        auction_fee: FeeRate::from_ppm(0),
    }
}

mod fees;
mod gate;
mod kill;
mod positions;
mod setting;
mod using;
