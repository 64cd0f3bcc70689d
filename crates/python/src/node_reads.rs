//! What Python reads of a node's core: JSON bodies, ids, counters. Nothing here changes anything.

use crate::engine_view::EngineView;
use crate::node_core::NodeCore;
use crate::sync::SyncThread;
use coulisse_gateway::batch::ConnId;
use coulisse_gateway::book_feed::Levels;
use coulisse_gateway::history::Found;
use coulisse_gateway::market::read_levels;
use coulisse_gateway::view::CoreView as _;
use coulisse_types::{AccountId, LimitKind, Scope};
use coulisse_wire::native::rest;
use coulisse_wire::{InstrumentInfo, Symbols as _};

impl NodeCore {
    /// Whether the tick's end has something to do.
    pub(crate) fn has_work(&self) -> bool {
        !self.hub.batch().is_empty() || self.hub.has_held()
    }

    /// Sends the public feeds what has changed.
    pub(crate) fn publish(&mut self) {
        self.hub.publish(&EngineView(&self.engine));
        self.hub.end_expired(crate::clock::wall_us(), self.engine.last_seq());
        self.call_reader();
    }

    /// Goes on with what waited for the store.
    pub(crate) fn finish_history(&mut self, number: u64, found: Found) {
        self.hub.finish_history(number, found, &EngineView(&self.engine));
        self.call_reader();
    }

    /// Tells every session that the node stops; if it does so now, it takes no more commands.
    pub(crate) fn go_away(&mut self, reason: &str, is_now: bool) {
        let seq = self.engine.last_seq();
        if is_now {
            self.hub.go_away(seq, reason);
        } else {
            self.hub.announce_end(seq, reason);
        }
    }

    /// A session inside the process, or `None` where there is no such account.
    pub(crate) fn open_local(&mut self, account: &str) -> Option<ConnId> {
        let account = self.account_id(account)?;
        Some(self.hub.open_local(account))
    }

    /// The account with this name.
    pub(crate) fn account_id(&self, name: &str) -> Option<AccountId> {
        self.engine.account_by_name(name.as_bytes()).map(|account| account.id)
    }

    /// Account and public key of the key with this id.
    pub(crate) fn key(&self, key_id: &str) -> Option<(AccountId, [u8; 32])> {
        self.engine.key_by_id(key_id.as_bytes()).map(|key| (key.account, key.public_key()))
    }

    /// Id and scale of the asset with this name.
    pub(crate) fn asset(&self, name: &str) -> Option<(u32, u8)> {
        self.engine.asset_by_name(name.as_bytes()).map(|asset| (asset.id.0, asset.scale))
    }

    /// Whether a limit of this kind is in force; not for a scope or a kind that does not exist.
    pub(crate) fn has_limit(&self, scope: &str, scope_id: u32, kind: &str, subject: u32) -> bool {
        let Some(scope) = Scope::from_name(scope.as_bytes()) else { return false };
        let kind = LimitKind::from_name(kind.as_bytes());
        let mut limits = self.engine.limits_of(scope, scope_id);
        limits.any(|limit| Some(limit.kind) == kind && limit.subject == subject)
    }

    /// The id of the instrument with this symbol.
    pub(crate) fn instrument_id(&self, symbol: &str) -> Option<u32> {
        self.instrument(symbol).map(|info| info.id.0)
    }

    fn instrument(&self, symbol: &str) -> Option<&InstrumentInfo> {
        self.hub.instruments().find(symbol.as_bytes())
    }

    pub(crate) fn instrument_json(&self, symbol: &str, out: &mut Vec<u8>) -> Option<()> {
        rest::write_instrument(out, self.instrument(symbol)?);
        Some(())
    }

    pub(crate) fn instruments_json(&self, out: &mut Vec<u8>) {
        rest::write_instruments(out, self.engine.last_seq().0, self.hub.instruments());
    }

    pub(crate) fn book_json(&self, symbol: &str, depth: usize, out: &mut Vec<u8>) -> Option<()> {
        let info = self.instrument(symbol)?;
        let mut levels = Levels::default();
        let depth = if depth == 0 { usize::MAX } else { depth };
        read_levels(&EngineView(&self.engine), info.id, depth, &mut levels);
        let epoch = u64::from(self.recovery.epoch);
        rest::write_book(out, info, epoch, self.engine.last_seq().0, &levels.bids, &levels.asks);
        Some(())
    }

    pub(crate) fn trades_json(&self, symbol: &str, limit: usize, out: &mut Vec<u8>) -> Option<()> {
        let info = self.instrument(symbol)?;
        let trades = self.hub.latest_trades(info.id, limit);
        rest::write_trades(out, info, self.engine.last_seq().0, trades);
        Some(())
    }

    pub(crate) fn balances_json(&self, account: &str, out: &mut Vec<u8>) -> Option<()> {
        let id = self.account_id(account)?;
        let mut balances = Vec::new();
        EngineView(&self.engine).balances(id, &mut balances);
        let table = self.hub.instruments();
        rest::write_balances(out, account, self.engine.last_seq().0, balances, table);
        Some(())
    }

    /// Counters and gauges by name.
    pub(crate) fn metrics(&self) -> Vec<(String, u64)> {
        let counters = self.hub.counters();
        let journal = self.source.journal();
        let (groups, bytes) = journal.map_or((0, 0), SyncThread::written);
        let sync_us = |percent| journal.map_or(0, |sync| sync.sync_us(percent));
        let (streams, stream_bytes) = self.hub.streams_used();
        let (ring_records, ring_bytes) = self.hub.history_used();
        let people = self.hub.people_counters();
        let packing = self.hub.packing_counters();
        let plain: [(&str, u64); 39] = [
            ("seq", self.engine.last_seq().0),
            ("durable_seq", self.durable_seq().0),
            ("orders_accepted", self.engine.order_count()),
            ("orders_live", u64::from(self.engine.live_orders())),
            ("trades", self.engine.trade_count()),
            ("core_voided_records_total", self.voids.len() as u64),
            ("requests", counters.requests),
            ("requests_refused", counters.refused),
            ("requests_overloaded", counters.overloaded),
            ("requests_limited", counters.limited),
            ("sessions_silent_closed", counters.silent_closed),
            ("sessions_strangers_closed", counters.strangers_closed),
            ("sessions_slow_closed", counters.slow_closed),
            ("connections_opened", counters.opened),
            ("deflate_connections_opened", packing.agreed),
            ("deflate_read_messages", packing.inflated),
            ("deflate_read_packed_bytes", packing.inflated_packed_bytes),
            ("deflate_read_bytes", packing.inflated_bytes),
            ("deflate_packed_messages", packing.packed),
            ("deflate_packed_from_bytes", packing.packed_from_bytes),
            ("deflate_packed_bytes", packing.packed_bytes),
            ("people_sessions_opened", people.opened),
            ("people_logons_failed", people.failed),
            ("people_logons_retried", people.retried),
            ("people_passwords_waiting", people.waiting),
            ("feed_ring_records", ring_records as u64),
            ("feed_ring_bytes", ring_bytes as u64),
            ("feed_streams", streams as u64),
            ("feed_stream_bytes", stream_bytes as u64),
            ("workers", self.links.as_ref().map_or(0, |links| links.count() as u64)),
            ("connections", self.hub.open_count() as u64),
            ("batch_commands", self.hub.batch().len() as u64),
            ("batch_commands_max", coulisse_gateway::limits::BATCH_COMMANDS_MAX as u64),
            ("journal_groups", groups),
            ("journal_bytes", bytes),
            ("journal_backlog_bytes", self.source.backlog_bytes() as u64),
            ("journal_backlog_bytes_max", crate::node_core::BACKLOG_BYTES_MAX as u64),
            ("journal_sync_p50_us", sync_us(50)),
            ("journal_sync_p99_us", sync_us(99)),
        ];
        let mut all: Vec<(String, u64)> =
            plain.iter().map(|(name, value)| ((*name).to_string(), *value)).collect();
        let (waiting, asked) = self.hub.history_counters();
        all.push(("history_questions_waiting".to_string(), waiting));
        all.push(("history_questions".to_string(), asked));
        for table in self.engine.tables() {
            all.push((format!("{}_used", table.name), u64::from(table.used)));
            all.push((format!("{}_max", table.name), u64::from(table.max)));
        }
        all
    }
}
