//! The items of the private channels `balances`, `positions` and `risk`.

use alloc::vec::Vec;

use coulisse_types::event::PositionChanged;
use coulisse_types::{AccountId, Amount, AssetId, Event, GroupId, LimitKind, Scope};

use super::super::bounds::Subject;
use super::super::reply::separate;
use super::item::Item;
use crate::instruments::InstrumentTable;

/// One balance of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// The asset.
    pub asset: AssetId,
    /// What may be spent.
    pub available: Amount,
    /// What open orders hold.
    pub held: Amount,
}

pub(super) fn write_balance(out: &mut Vec<u8>, balance: &Balance, table: &InstrumentTable) {
    let Some(asset) = table.asset(balance.asset) else {
        out.extend_from_slice(b"{}");
        return;
    };
    out.extend_from_slice(b"{\"asset\":\"");
    out.extend_from_slice(asset.name.as_bytes());
    out.extend_from_slice(b"\",\"available\":\"");
    asset.write_amount(out, balance.available);
    out.extend_from_slice(b"\",\"held\":\"");
    asset.write_amount(out, balance.held);
    out.extend_from_slice(b"\"}");
}

pub(in crate::native) fn write_balance_items(
    out: &mut Vec<u8>,
    balances: impl IntoIterator<Item = Balance>,
    table: &InstrumentTable,
) {
    let mut first = true;
    for balance in balances {
        separate(out, &mut first);
        write_balance(out, &balance, table);
    }
}

pub(super) fn write_position(
    out: &mut Vec<u8>,
    position: &PositionChanged,
    table: &InstrumentTable,
) {
    let mut item = Item::of(out, None, table.instrument(position.instrument));
    item.symbol();
    item.qty("qty", position.qty);
    item.notional("cost", position.cost);
    if !position.qty.is_zero() {
        item.quoted("avg_entry", |out, info| {
            info.write_average_entry(out, position.qty, position.cost);
        });
    }
    item.notional("realised", position.realised);
    item.notional("fees", position.fees);
    item.close();
}

pub(in crate::native) fn write_position_items(
    out: &mut Vec<u8>,
    positions: &[PositionChanged],
    table: &InstrumentTable,
) {
    let mut first = true;
    for position in positions {
        separate(out, &mut first);
        write_position(out, position, table);
    }
}

/// Whom an event of the risk gate binds; `None` for other events and for instruments.
pub(super) const fn bound_by(event: &Event) -> Option<(Scope, u32)> {
    match event {
        Event::LimitChanged(e) => Some((e.scope, e.scope_id)),
        Event::LimitUsed(e) => Some((e.scope, e.scope_id)),
        Event::RiskStateChanged(e) => Some((e.scope, e.scope_id)),
        Event::KillSwitchSet(e) => Some((e.scope, e.scope_id)),
        Event::KillResetAsked(e) => Some((e.scope, e.scope_id)),
        Event::KillSwitchReset(e) => Some((e.scope, e.scope_id)),
        Event::AccountConfigured(e) => Some((Scope::Account, e.account.0)),
        Event::CancelAfterSet(e) => Some((Scope::Account, e.account.0)),
        _ => None,
    }
}

/// Whose eyes a risk item is for.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) account: AccountId,
    pub(super) name: &'a str,
    pub(super) group: GroupId,
}

impl Bound<'_> {
    /// Whether what binds `scope` binds this account.
    pub(super) const fn is_in(&self, scope: Scope, scope_id: u32) -> bool {
        match scope {
            Scope::Firm => true,
            Scope::Group => scope_id != 0 && self.group.0 == scope_id,
            Scope::Account => self.account.0 == scope_id,
            Scope::Instrument => false,
        }
    }
}

fn open_risk<'o>(
    out: &'o mut Vec<u8>,
    event: &str,
    (scope, scope_id): (Scope, u32),
    bound: &Bound<'_>,
    table: &InstrumentTable,
) -> Item<'o, 'static> {
    let mut item = Item::of(out, Some(event), None);
    item.text("scope", scope.name().as_bytes());
    match scope {
        Scope::Account => item.text("scope_id", bound.name.as_bytes()),
        Scope::Group => {
            if let Some(name) = table.group(GroupId(scope_id)) {
                item.text("scope_id", name.as_bytes());
            }
        }
        Scope::Firm | Scope::Instrument => {}
    }
    item
}

pub(in crate::native) fn write_limit(
    item: &mut Item<'_, '_>,
    (kind, subject): (LimitKind, u32),
    values: &[(&str, i128)],
    table: &InstrumentTable,
) {
    item.text("kind", kind.name().as_bytes());
    let Some(subject) = Subject::of(kind, subject, table) else { return };
    if !subject.name().is_empty() {
        item.text("subject", subject.name());
    }
    for (key, value) in values.iter().filter(|(_, value)| *value >= 0) {
        item.key(key);
        item.out.push(b'"');
        subject.write(item.out, kind, *value);
        item.out.push(b'"');
    }
}

pub(super) fn write_risk(
    out: &mut Vec<u8>,
    event: &Event,
    bound: &Bound<'_>,
    table: &InstrumentTable,
) {
    let Some(whom) = bound_by(event) else { return };
    match event {
        Event::LimitUsed(used) => {
            let mut item = open_risk(out, "limit_used", whom, bound, table);
            // What is used may be negative: a profit is no loss.
            let values = [("used", used.used.max(0)), ("limit", used.limit)];
            write_limit(&mut item, (used.kind, used.subject), &values, table);
            item.number("level", i64::from(used.level));
            item.close();
        }
        Event::LimitChanged(set) => {
            let mut item = open_risk(out, "limit_changed", whom, bound, table);
            write_limit(&mut item, (set.kind, set.subject), &[("limit", set.value)], table);
            if set.burst != 0 {
                item.number("burst", i64::from(set.burst));
            }
            item.number("version", i64::from(set.version));
            item.close();
        }
        Event::RiskStateChanged(changed) => {
            let mut item = open_risk(out, "state_changed", whom, bound, table);
            item.text("state", changed.state.name().as_bytes());
            item.close();
        }
        Event::KillSwitchSet(set) => {
            let mut item = open_risk(out, "kill_switch_on", whom, bound, table);
            item.id("last_order_id", set.last_order_id.0);
            item.close();
        }
        Event::KillResetAsked(_) => {
            open_risk(out, "kill_reset_asked", whom, bound, table).close();
        }
        Event::KillSwitchReset(_) => open_risk(out, "kill_switch_off", whom, bound, table).close(),
        Event::AccountConfigured(configured) => {
            let mut item = Item::of(out, Some("configured"), None);
            if let Some(group) = table.group(configured.group) {
                item.text("group", group.as_bytes());
            }
            if configured.trade_group != 0 {
                item.number("trade_group", i64::from(configured.trade_group));
            }
            item.close();
        }
        Event::CancelAfterSet(set) => {
            let mut item = Item::of(out, Some("cancel_after_set"), None);
            item.time("deadline", set.deadline_ns);
            item.close();
        }
        _ => {}
    }
}
