//! The engine as a whole: one record in, its events out.

use crate::accounts::Accounts;
use crate::admit::is_remembered;
use crate::client_ids::ClientIds;
use crate::follow_up::Attention;
use crate::forest::Forest;
use crate::groups::Groups;
use crate::hash::EventHash;
use crate::instruments::Instruments;
use crate::keys::Keys;
use crate::ledger::Ledger;
use crate::limits::{NOTHING, bounded};
use crate::lists::Lists;
use crate::orders::Orders;
use crate::paged::index;
use crate::planted::Planted;
use crate::pro_rata::Share;
use crate::reject::Reject;
use crate::request_ids::{Request, RequestIds};
use crate::risk::Risk;
use crate::timers::Timers;
use crate::withdrawals::Withdrawals;
use alloc::vec::Vec;
use coulisse_types::command::Genesis;
use coulisse_types::event::RequestDuplicate;
use coulisse_types::limits::GROUPS_MAX;
use coulisse_types::{ClientOrderId, Command, Event, InstrumentId, RecordHeader, RequestId, Seq};

/// Nodes that a record's origin can name.
pub(crate) const NODES: usize = 1 << 16;
/// Balances that one fill may touch.
const TOUCHES_PER_FILL: usize = 2;

/// The core's whole state.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(crate) last_seq: Seq,
    pub(crate) time_ns: i64,
    pub(crate) event_hash: EventHash,
    pub(crate) genesis: Option<Genesis>,
    /// The limits in force.
    pub(crate) limits: Genesis,
    /// The newest start of each node, up to the highest one that ever started; 0 for one that never
    /// did.
    pub(crate) incarnations: Vec<u32>,
    pub(crate) accounts: Accounts,
    pub(crate) groups: Groups,
    pub(crate) keys: Keys,
    pub(crate) instruments: Instruments,
    pub(crate) ledger: Ledger,
    pub(crate) orders: Orders,
    /// The nodes of all trees: timers, stops, lists.
    pub(crate) forest: Forest,
    pub(crate) timers: Timers,
    pub(crate) lists: Lists,
    pub(crate) attention: Attention,
    /// The instruments that a command touched, while it is followed up.
    pub(crate) touched: Vec<InstrumentId>,
    pub(crate) risk: Risk,
    pub(crate) client_ids: ClientIds,
    pub(crate) request_ids: RequestIds,
    pub(crate) withdrawals: Withdrawals,
    /// Orders accepted so far.
    pub(crate) order_counter: u64,
    /// Trades so far.
    pub(crate) trade_count: u64,
    /// When a tick is due for an auction, in ns since the epoch; `i64::MAX` for never.
    pub(crate) next_auction_ns: i64,
    /// What a pass over a level allocates, while it is made.
    pub(crate) shares: Vec<Share>,
    pub(crate) planted: Planted,
    /// An order is being tried: checked, and not placed.
    pub(crate) is_trial: bool,
}

impl Default for Engine {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine {
    /// The engine before the first record: every table is empty and has no room.
    pub fn new() -> Self {
        Self::with_tables(None, NOTHING)
    }

    pub(crate) fn with_tables(genesis: Option<Genesis>, limits: Genesis) -> Self {
        let Genesis { hash_seed: seed, accounts_max, .. } = limits;
        let groups_max = genesis.map_or(0, |_| GROUPS_MAX);
        let fills_max = index(limits.fills_per_command_max);
        Self {
            last_seq: Seq(0),
            time_ns: 0,
            event_hash: EventHash::new(),
            genesis,
            limits,
            incarnations: Vec::with_capacity(NODES),
            accounts: Accounts::new(accounts_max, seed),
            groups: Groups::new(groups_max, seed),
            keys: Keys::new(limits.keys_max, seed),
            instruments: Instruments::new(limits.instruments_max, limits.live_orders_max),
            ledger: Ledger::new(
                limits.assets_max,
                accounts_max,
                fills_max.saturating_add(1).saturating_mul(TOUCHES_PER_FILL),
            ),
            orders: Orders::new(limits.live_orders_max, accounts_max, seed),
            forest: Forest::new(limits.live_orders_max),
            timers: Timers::new(accounts_max),
            lists: Lists::new(limits.live_orders_max),
            attention: Attention::default(),
            touched: Vec::new(),
            risk: Risk::new(accounts_max, limits.instruments_max, fills_max),
            client_ids: ClientIds::new(
                limits.client_order_ids_max,
                limits.closed_ids_per_account_max,
                accounts_max,
                seed,
            ),
            request_ids: RequestIds::new(limits.request_ids_max, seed),
            withdrawals: Withdrawals::default(),
            order_counter: 0,
            trade_count: 0,
            next_auction_ns: i64::MAX,
            shares: Vec::new(),
            planted: Planted::default(),
            is_trial: false,
        }
    }

    /// Makes the tables that the genesis asks for. What is known by then, a seq and a hash, stays.
    pub(crate) fn begin(&mut self, genesis: &Genesis) {
        let Self { last_seq, time_ns, planted, .. } = *self;
        let event_hash = self.event_hash.clone();
        let tables = Self::with_tables(Some(*genesis), bounded(genesis));
        *self = Self { last_seq, time_ns, event_hash, planted, ..tables };
    }

    /// Applies one record and appends its events, at least one.
    ///
    /// # Panics
    /// If the record is not the next one, or an invariant is broken. The caller ends the process:
    /// the state may be half changed.
    pub fn apply(&mut self, header: &RecordHeader, command: &Command, events: &mut Vec<Event>) {
        self.turn_to(header);
        let first = events.len();
        match self.run(header, command, events) {
            Ok(()) => {
                self.planted.break_on(command);
                self.follow_up(first, events);
                self.settle_risk(events);
                self.ledger.settle(events);
            }
            Err(reject) => {
                let untouched =
                    events.len() == first && self.ledger.is_settled() && self.is_risk_settled();
                assert!(untouched, "a command was refused after it changed something");
                events.push(Event::Rejected(reject.event(client_order_id(command))));
            }
        }
        let said = events.get(first..).unwrap_or_default();
        assert!(!said.is_empty(), "a record without an event");
        self.event_hash.advance(header.seq, said);
    }

    /// Goes to the next record's place in the log.
    #[inline]
    pub(crate) fn turn_to(&mut self, header: &RecordHeader) {
        assert!(self.last_seq.0.checked_add(1) == Some(header.seq.0), "a record out of turn");
        self.last_seq = header.seq;
        self.time_ns = header.time_ns;
    }

    #[inline]
    pub(crate) fn run(
        &mut self,
        header: &RecordHeader,
        command: &Command,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        self.admit(header, command)?;
        if header.request_id != RequestId(0) && is_remembered(command.kind()) {
            return self.run_once(header, command, events);
        }
        self.dispatch(header, command, events)
    }

    #[inline]
    fn dispatch(
        &mut self,
        header: &RecordHeader,
        command: &Command,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        match command {
            Command::OrderPlace(body) => self.place(header, body, events),
            Command::OrderCancel(body) => self.cancel(header, body, events),
            Command::OrderAmend(body) => self.amend(header, body, events),
            Command::OrderCancelAll(body) => self.cancel_all(header, *body, events),
            Command::OrderPlaceTerms(body) => self.place_terms(header, body, events),
            Command::OrderReplace(body) => self.replace(header, body, events),
            Command::OrderListPlace(body) => self.place_list(header, body, events),
            Command::CancelAfter(body) => self.cancel_after(header, *body, events),
            Command::TradingStateSet(body) => self.set_trading_state(*body, events),
            Command::AuctionSchedule(body) => self.schedule_auction(*body, events),
            Command::Tick(_) => {
                self.tick(events);
                Ok(())
            }
            Command::Genesis(body) => {
                self.set_genesis(body, events);
                Ok(())
            }
            Command::NodeStarted(body) => {
                self.node_started(header, *body, events);
                Ok(())
            }
            Command::Void(body) => self.void(header, *body, events),
            Command::Withdraw(body) => self.withdraw(header, body, events),
            Command::WithdrawalApprove(body) => self.approve_withdrawal(header, *body, events),
            Command::WithdrawalReject(body) => self.reject_withdrawal(header, *body, events),
            Command::WithdrawalCancel(body) => self.cancel_withdrawal(header, *body, events),
            _ => self.administer(header, command, events),
        }
    }

    /// Runs a command that a request id names, unless it stands in the log already.
    #[inline(never)]
    fn run_once(
        &mut self,
        header: &RecordHeader,
        command: &Command,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        let RecordHeader { account, request_id, .. } = *header;
        if let Some(first_seq) = self.is_repeat(header, command)? {
            events.push(Event::RequestDuplicate(RequestDuplicate { request_id, first_seq }));
            return Ok(());
        }
        self.dispatch(header, command, events)?;
        let first_seq = header.seq;
        let request = Request { account, id: request_id, first_seq, command: *command };
        self.request_ids.remember(request);
        Ok(())
    }
}

/// The client's id in a command that has one.
pub(crate) fn client_order_id(command: &Command) -> ClientOrderId {
    match command {
        Command::OrderPlace(body) => body.client_order_id,
        Command::OrderCancel(body) => body.client_order_id,
        Command::OrderAmend(body) => body.client_order_id,
        Command::OrderPlaceTerms(body) => body.client_order_id,
        Command::OrderReplace(body) => body.client_order_id,
        Command::OrderListPlace(body) => body.client_order_id,
        _ => ClientOrderId::default(),
    }
}
