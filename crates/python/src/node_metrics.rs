//! What a node's core counts, for whoever asks: at a scrape, not with an order. Nothing here changes anything.
//!
//! Names and meanings stand in `python/coulisse/telemetry/catalogue.py`, which has an entry for each. A name
//! that ends with `_us` is shown in seconds.

use crate::node_core::{BACKLOG_BYTES_MAX, NodeCore};
use crate::sync::SyncThread;
use coulisse_gateway::limits::{BATCH_COMMANDS_MAX, HELD_BYTES_MAX};
use coulisse_gateway::times::Times;
use coulisse_types::{AssetId, GroupId, InstrumentId, LimitKind, Scope, TradingState};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// Groups whose limits and kill switches are shown, and limits in all: a firm may have more than whoever
/// watches it can take.
pub(crate) const GROUPS_SHOWN_MAX: u32 = 32;
const LIMITS_SHOWN_MAX: usize = 256;
/// Assets whose fees are shown.
const ASSETS_SHOWN_MAX: usize = 64;
/// Stands between the labels of one row. No name has it.
const BETWEEN: &str = "|";

/// What is counted under one name.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// One number.
    Number(u64),
    /// A number for each row of labels.
    Rows(Vec<(String, i128)>),
    /// How long something took.
    Times(Box<Times>),
}

impl Value {
    /// A number, a dict by labels, or a list of counts with their sum behind them.
    fn show<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match self {
            Self::Number(number) => Ok(number.into_pyobject(py)?.into_any()),
            Self::Rows(rows) => {
                let dict = PyDict::new(py);
                rows.iter().try_for_each(|(labels, value)| dict.set_item(labels, value))?;
                Ok(dict.into_any())
            }
            Self::Times(times) => {
                let all = times.counts().into_iter().chain([times.sum_us()]);
                Ok(PyList::new(py, all.collect::<Vec<u64>>())?.into_any())
            }
        }
    }
}

/// Everything by name, as Python reads it.
pub(crate) fn shown<'py>(
    py: Python<'py>,
    values: &[(&'static str, Value)],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    values.iter().try_for_each(|(name, value)| dict.set_item(name, value.show(py)?))?;
    Ok(dict)
}

/// What is counted so far.
#[derive(Default)]
struct Counted(Vec<(&'static str, Value)>);

impl Counted {
    fn numbers<const N: usize>(&mut self, numbers: [(&'static str, u64); N]) {
        self.0.extend(numbers.map(|(name, number)| (name, Value::Number(number))));
    }

    fn rows<L: Into<String>>(
        &mut self,
        name: &'static str,
        rows: impl IntoIterator<Item = (L, i128)>,
    ) {
        let rows = rows.into_iter().map(|(labels, value)| (labels.into(), value));
        self.0.push((name, Value::Rows(rows.collect())));
    }

    fn times(&mut self, name: &'static str, times: &Times) {
        self.0.push((name, Value::Times(Box::new(times.clone()))));
    }
}

impl NodeCore {
    /// All that is counted, by name.
    pub(crate) fn metrics(&self) -> Vec<(&'static str, Value)> {
        let mut counted = Counted::default();
        self.count_gateway(&mut counted);
        self.count_people_and_packing(&mut counted);
        self.count_log(&mut counted);
        self.count_engine(&mut counted);
        self.count_risk(&mut counted);
        counted.0
    }

    /// What each worker counts for itself.
    fn count_gateway(&self, counted: &mut Counted) {
        let counters = self.hub.counters();
        let (streams, stream_bytes) = self.hub.streams_used();
        let (ring_records, ring_bytes) = self.hub.history_used();
        let seen = self.hub.seen();
        let (waiting, asked) = self.hub.history_counters();
        counted.numbers([
            ("gateway_requests_total", counters.requests),
            ("gateway_requests_refused_total", counters.refused),
            ("gateway_requests_overloaded_total", counters.overloaded),
            ("gateway_requests_limited_total", counters.limited),
            ("gateway_connections_opened_total", counters.opened),
            ("gateway_connections", self.hub.open_count() as u64),
            ("gateway_connections_paused", seen.paused),
            ("gateway_sessions", seen.sessions),
            ("gateway_held_bytes", seen.held_bytes),
            ("gateway_held_most_bytes", seen.held_most_bytes),
            ("gateway_held_most_bytes_max", HELD_BYTES_MAX as u64),
            ("gateway_batch_commands", self.hub.batch().len() as u64),
            ("gateway_batch_commands_max", BATCH_COMMANDS_MAX as u64),
            ("history_questions_total", asked),
            ("history_questions_waiting", waiting),
            ("feed_ring_records", ring_records as u64),
            ("feed_ring_bytes", ring_bytes as u64),
            ("feed_streams", streams as u64),
            ("feed_stream_bytes", stream_bytes as u64),
        ]);
        let closed = [
            ("slow", counters.slow_closed),
            ("silent", counters.silent_closed),
            ("stranger", counters.strangers_closed),
        ];
        counted.rows("gateway_sessions_closed_total", closed.map(|(why, of)| (why, of.into())));
        let rejects = self.hub.rejects().map(|(code, count)| (code.name(), count.into()));
        counted.rows("gateway_rejects_total", rejects);
        counted.times("gateway_queue_us", self.hub.queued());
        counted.times("gateway_reply_us", self.hub.replied());
    }

    fn count_people_and_packing(&self, counted: &mut Counted) {
        let people = self.hub.people_counters();
        let packing = self.hub.packing_counters();
        counted.numbers([
            ("people_sessions_opened_total", people.opened),
            ("people_logons_failed_total", people.failed),
            ("people_logons_retried_total", people.retried),
            ("people_passwords_waiting", people.waiting),
            ("people_passwords_waiting_max", people.waiting_max),
            ("deflate_connections_opened_total", packing.agreed),
            ("deflate_read_messages_total", packing.inflated),
            ("deflate_read_packed_bytes_total", packing.inflated_packed_bytes),
            ("deflate_read_bytes_total", packing.inflated_bytes),
            ("deflate_packed_messages_total", packing.packed),
            ("deflate_packed_from_bytes_total", packing.packed_from_bytes),
            ("deflate_packed_bytes_total", packing.packed_bytes),
        ]);
    }

    fn count_log(&self, counted: &mut Counted) {
        let (seq, durable_seq) = (self.engine.last_seq().0, self.durable_seq().0);
        counted.numbers([
            ("log_seq", seq),
            ("log_durable_seq", durable_seq),
            ("log_lag_records", seq.saturating_sub(durable_seq)),
        ]);
        if let Some(links) = &self.links {
            counted.numbers([("workers_linked", links.count() as u64)]);
        }
        let Some(journal) = self.source.journal() else { return };
        let (groups, bytes) = SyncThread::written(journal);
        counted.numbers([
            ("log_wait_us", journal.oldest_wait_us()),
            ("journal_groups_total", groups),
            ("journal_bytes_total", bytes),
            ("journal_backlog_bytes", journal.backlog_bytes() as u64),
            ("journal_backlog_bytes_max", BACKLOG_BYTES_MAX as u64),
        ]);
        let (durable, synced) = journal.times();
        counted.times("log_durable_us", &durable);
        counted.times("journal_sync_us", &synced);
        counted.times("engine_apply_us", &self.stages.applied);
        counted.times("gateway_release_us", &self.stages.released);
    }

    fn count_engine(&self, counted: &mut Counted) {
        counted.numbers([
            ("engine_orders_total", self.engine.order_count()),
            ("engine_orders_live", u64::from(self.engine.live_orders())),
            ("engine_trades_total", self.engine.trade_count()),
            ("engine_voided_records_total", self.voids.len() as u64),
        ]);
        let tables = self.engine.tables();
        counted.rows("engine_table_rows", tables.map(|table| (table.name, table.used.into())));
        counted.rows("engine_table_rows_max", tables.map(|table| (table.name, table.max.into())));
        let mut states: Vec<_> = TradingState::ALL.iter().map(|state| (*state, 0)).collect();
        for instrument in self.engine.instruments() {
            let now = self.engine.trading_state(instrument.id);
            states.iter_mut().filter(|(state, _)| Some(*state) == now).for_each(|(_, n)| *n += 1);
        }
        let states = states.into_iter().map(|(state, count)| (state.name(), count));
        counted.rows("engine_instruments", states);
        let assets = self.engine.assets().take(ASSETS_SHOWN_MAX);
        let fees = assets.map(|asset| (text(asset.name.as_bytes()), asset.fees.minor()));
        counted.rows("engine_fees_minor", fees);
    }

    /// Limits and kill switches of the firm and of its first groups.
    ///
    /// Cost: a step per limit, and one per instrument for those of notionals.
    fn count_risk(&self, counted: &mut Counted) {
        let groups = self.engine.groups().take(GROUPS_SHOWN_MAX as usize);
        let groups = groups.map(|group| (Scope::Group, group.id.0));
        let scopes: Vec<_> = [(Scope::Firm, 0)].into_iter().chain(groups).collect();
        let is_killed = |of: &(Scope, u32)| {
            self.engine.risk_control(of.0, of.1).is_some_and(|control| control.is_killed)
        };
        let killed = scopes.iter().map(|of| (self.scope_name(*of), is_killed(of).into()));
        counted.rows("risk_killed", killed);
        let limits = scopes.iter().flat_map(|of| self.engine.limits_of(of.0, of.1));
        let shown = limits.filter_map(|limit| {
            let scope = self.scope_name((limit.scope, limit.scope_id));
            let subject = self.subject_name(limit.kind, limit.subject);
            let kind = limit.kind.name();
            Some((format!("{scope}{BETWEEN}{kind}{BETWEEN}{subject}"), limit.used?, limit.value))
        });
        let shown: Vec<_> = shown.take(LIMITS_SHOWN_MAX).collect();
        let used = shown.iter().map(|(labels, used, _)| (labels.clone(), *used));
        counted.rows("risk_limit_used", used);
        counted.rows("risk_limit_max", shown.iter().map(|(labels, _, max)| (labels.clone(), *max)));
        let (profits, accounts) = self.profits.shown();
        let profits = profits.iter().map(|((group, asset), minor)| {
            let scope = if *group == 0 { Scope::Firm } else { Scope::Group };
            (
                format!(
                    "{}{BETWEEN}{}",
                    self.scope_name((scope, *group)),
                    self.asset_name(asset.0)
                ),
                *minor,
            )
        });
        counted.rows("risk_profit_minor", profits);
        counted.numbers([
            ("risk_profit_accounts", accounts.into()),
            ("risk_limits_shown_max", LIMITS_SHOWN_MAX as u64),
            ("risk_orders_dead", self.engine.dead_orders().into()),
        ]);
    }

    /// Whether it is the firm or a group, and which.
    fn scope_name(&self, (scope, id): (Scope, u32)) -> String {
        let group = (scope == Scope::Group).then(|| self.engine.group(GroupId(id))).flatten();
        let name = group.map(|group| text(group.name.as_bytes())).unwrap_or_default();
        format!("{}{BETWEEN}{name}", scope.name())
    }

    /// The name of what a limit is about; empty where it is about all.
    fn subject_name(&self, kind: LimitKind, subject: u32) -> String {
        let instrument = || self.engine.instrument(InstrumentId(subject));
        match kind {
            LimitKind::OrderQty | LimitKind::Position => {
                instrument().map(|one| text(one.symbol.as_bytes())).unwrap_or_default()
            }
            _ => self.asset_name(subject),
        }
    }

    fn asset_name(&self, id: u32) -> String {
        self.engine.asset(AssetId(id)).map(|asset| text(asset.name.as_bytes())).unwrap_or_default()
    }
}

fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}
