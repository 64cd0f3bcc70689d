//! What Python reads of a node's core: JSON bodies and ids. Nothing here changes anything.

use crate::engine_view::EngineView;
use crate::node_core::NodeCore;
use crate::node_metrics::GROUPS_SHOWN_MAX;
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
        if self.source.journal().is_some() {
            self.profits.look(&self.engine, GROUPS_SHOWN_MAX);
        }
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
}
