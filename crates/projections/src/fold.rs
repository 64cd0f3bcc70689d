//! The fold itself: which event makes which rows.

use crate::audit;
use crate::changes::{Changes, Fixed, Latest, Value};
use crate::ledger::{Ledger, trade};
use crate::orders::{Orders, id};
use crate::rows::{Cell, Rows};
use crate::tables::TableId;
use coulisse_types::event::{
    AccountCreated, BalanceChanged, InstrumentConfigured, InstrumentCreated, OrderFilled,
    PositionChanged, Rejected, Traded, WithdrawalEnded, WithdrawalHeld,
};
use coulisse_types::keys::IdList;
use coulisse_types::{
    AccountId, AssetId, Event, InstrumentId, KeyId, KeyIndex, KeyScheme, KeyState, MatchingMode,
    RecordHeader, ReferenceKind, Seq, StateReason, TradingState,
};

/// What the ledger has to know of an instrument: it never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// What is bought and sold.
    pub base: AssetId,
    /// What it is priced in.
    pub quote: AssetId,
    /// Base minor units of one lot.
    pub lot_minor: i64,
}

/// Which event of which record, and when.
#[derive(Clone, Copy, Debug)]
pub(crate) struct At {
    pub(crate) seq: i64,
    pub(crate) item: i64,
    pub(crate) time_ns: i64,
}

/// A listed instrument, and where.
#[derive(Clone, Copy, Debug)]
struct Listed(InstrumentCreated, i64);

impl Fixed for Listed {
    fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        let Self(event, seq) = self;
        out.extend([
            Cell::Int(event.instrument.0.into()),
            Cell::Text(event.symbol.as_str()),
            Cell::Int(event.base.0.into()),
            Cell::Int(event.quote.0.into()),
            Cell::Int(event.tick_minor),
            Cell::Int(event.lot_minor),
            Cell::Int(event.min_qty.lots()),
            Cell::Int(event.max_qty.lots()),
            Cell::Minor(event.min_notional.minor()),
            Cell::Int(event.maker_fee.ppm().into()),
            Cell::Int(event.taker_fee.ppm().into()),
            Cell::Int(*seq),
        ]);
    }
}

/// An opened account: where and when.
#[derive(Clone, Copy, Debug)]
struct Opened(AccountCreated, i64, i64);

impl Fixed for Opened {
    fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        let Self(event, seq, time_ns) = self;
        out.extend([
            Cell::Int(event.account.0.into()),
            Cell::Text(event.name.as_str()),
            Cell::Int(*seq),
            Cell::Int(*time_ns),
        ]);
    }
}

/// A key as it was made.
#[derive(Clone, Debug)]
struct Made {
    key: KeyIndex,
    key_id: KeyId,
    account: AccountId,
    scheme: KeyScheme,
    permissions: u8,
    label: String,
    expire_ns: i64,
    seq: i64,
}

impl Fixed for Made {
    fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        out.extend([
            Cell::Int(self.key.0.into()),
            Cell::Text(self.key_id.as_str()),
            Cell::Int(self.account.0.into()),
            Cell::Text(self.scheme.name()),
            Cell::Int(self.permissions.into()),
            Cell::Text(&self.label),
            Cell::Int(self.expire_ns),
            Cell::Int(self.seq),
        ]);
    }
}

/// A withdrawal that waits, since when, and the id of its request.
#[derive(Clone, Debug)]
struct Asked(WithdrawalHeld, i64, String);

impl Fixed for Asked {
    fn cells<'a>(&'a self, out: &mut Vec<Cell<'a>>) {
        let Self(event, time_ns, request_id) = self;
        out.extend([
            Cell::Int(withdrawal(event.withdrawal_id)),
            Cell::Int(event.account.0.into()),
            Cell::Int(event.asset.0.into()),
            Cell::Minor(event.amount.minor()),
            Cell::Text(request_id),
            Cell::Int(event.asked_by.0.into()),
            Cell::Int(*time_ns),
            Cell::Int(event.expire_ns),
        ]);
    }
}

/// A withdrawal's id as a column has it: it is a seq.
fn withdrawal(id: Seq) -> i64 {
    i64::try_from(id.0).expect("a seq counts records")
}

/// The columns of an instrument that change, as they are when it is listed.
fn as_listed(seq: i64) -> [Value; 14] {
    let mut values: [Value; 14] = std::array::from_fn(|_| Value::Int(0));
    values[1] = Value::Name(MatchingMode::PriceTime.name());
    values[2] = Value::Name(ReferenceKind::Last.name());
    values[8] = Value::Name(TradingState::Open.name());
    values[9] = Value::Name(StateReason::Command.name());
    values[13] = Value::Int(seq);
    values
}

/// The fold over the events of the log.
#[derive(Clone, Debug)]
pub struct Fold {
    instruments: Vec<Option<Instrument>>,
    orders: Orders,
    listed: Changes<Listed, 14>,
    accounts: Changes<Opened, 3>,
    keys: Changes<Made, 5>,
    withdrawals: Changes<Asked, 4>,
    balances: Latest<(BalanceChanged, At)>,
    positions: Latest<(PositionChanged, At)>,
    rows: Rows,
}

impl Default for Fold {
    fn default() -> Self {
        Self {
            instruments: Vec::new(),
            orders: Orders::default(),
            listed: Changes::new(TableId::Instruments),
            accounts: Changes::new(TableId::Accounts),
            keys: Changes::new(TableId::Keys),
            withdrawals: Changes::new(TableId::Withdrawals),
            balances: Latest::default(),
            positions: Latest::default(),
            rows: Rows::default(),
        }
    }
}

impl Fold {
    /// Makes an instrument known that was listed before the fold began.
    pub fn learn(&mut self, id: InstrumentId, instrument: Instrument) {
        let index = id.0 as usize;
        if self.instruments.len() <= index {
            self.instruments.resize(index + 1, None);
        }
        self.instruments[index] = Some(instrument);
    }

    /// How many events were taken since rows were last taken.
    pub fn events(&self) -> u64 {
        self.rows.events
    }

    /// The rows of all that was taken since the last time.
    pub fn take_rows(&mut self) -> Rows {
        self.orders.write(&mut self.rows);
        self.listed.write(&mut self.rows);
        self.accounts.write(&mut self.rows);
        self.keys.write(&mut self.rows);
        self.withdrawals.write(&mut self.rows);
        for (event, at) in self.balances.take() {
            balance(&event, at, &mut self.rows);
        }
        for (event, at) in self.positions.take() {
            position(&event, at, &mut self.rows);
        }
        std::mem::take(&mut self.rows)
    }

    /// Takes a record and what followed from it.
    ///
    /// # Panics
    /// If it is not what a core says of a log: a broken invariant.
    pub fn take(&mut self, header: &RecordHeader, events: &[Event]) {
        let seq = i64::try_from(header.seq.0).expect("a seq counts records");
        let mut ledger = Ledger::default();
        for (item, event) in (0..).zip(events) {
            let at = At { seq, item, time_ns: header.time_ns };
            self.one(header, at, event, &mut ledger);
        }
        self.rows.records += 1;
        self.rows.events += events.len() as u64;
    }

    fn one(&mut self, header: &RecordHeader, at: At, event: &Event, ledger: &mut Ledger) {
        let rows = &mut self.rows;
        match event {
            Event::OrderAccepted(event) => self.orders.accepted(at, event, rows),
            Event::OrderTermsSet(event) => self.orders.terms_set(at, event, rows),
            Event::OrderListPlaced(event) => self.orders.list_placed(at, event, rows),
            Event::OrderRested(event) => self.orders.rested(at, event, rows),
            Event::OrderAmended(event) => self.orders.amended(at, event, rows),
            Event::OrderTriggered(event) => self.orders.triggered(at, event, rows),
            Event::OrderRefreshed(event) => self.orders.refreshed(at, event, rows),
            Event::OrderRepriced(event) => self.orders.repriced(at, event, rows),
            Event::OrderDecremented(event) => self.orders.decremented(at, event, rows),
            Event::OrderClosed(event) => self.orders.closed(at, event, rows),
            Event::OrderFilled(event) => {
                self.orders.filled(at, event);
                fill(event, at, rows);
                let known = self.instruments.get(event.instrument.0 as usize).copied().flatten();
                let instrument = known.expect("what trades was listed");
                ledger.filled(at, event, &instrument, rows);
            }
            Event::Traded(event) => traded(event, at, rows),
            Event::BalanceChanged(event) => {
                self.balances.set((event.account.0, event.asset.0), (*event, at));
            }
            Event::PositionChanged(event) => {
                self.positions.set((event.account.0, event.instrument.0), (*event, at));
            }
            Event::Rejected(event) => rejected(event, header, at, rows),
            Event::OrderDuplicate(_)
            | Event::RequestDuplicate(_)
            | Event::OrdersCancelled(_)
            | Event::CancelAfterSet(_)
            | Event::CancelOnDisconnectSet(_)
            | Event::LevelChanged(_)
            | Event::MarkChanged(_)
            | Event::AuctionIndicated(_)
            | Event::Ticked(_) => {}
            event => {
                self.reference(at, event, ledger);
                audit(event, header, at, &mut self.rows);
            }
        }
    }

    /// What is done to the venue itself, its accounts, keys and money: all of it is audited.
    fn reference(&mut self, at: At, event: &Event, ledger: &mut Ledger) {
        match event {
            Event::AssetCreated(event) => self.rows.add(
                TableId::Assets,
                &[
                    Cell::Int(event.asset.0.into()),
                    Cell::Text(event.name.as_str()),
                    Cell::Int(event.scale.into()),
                    Cell::Int(at.seq),
                ],
            ),
            Event::InstrumentCreated(event) => {
                let InstrumentCreated { base, quote, lot_minor, .. } = *event;
                self.learn(event.instrument, Instrument { base, quote, lot_minor });
                let key = event.instrument.0.into();
                self.listed.born(key, Listed(*event, at.seq), as_listed(at.seq));
            }
            Event::InstrumentConfigured(event) => self.configured(at, event),
            Event::TradingStateChanged(event) => {
                let values = self.listed.of(event.instrument.0.into());
                values[8] = Value::Name(event.state.name());
                values[9] = Value::Name(event.reason.name());
                values[10] = Value::Int(event.until_ns);
                values[13] = Value::Int(at.seq);
            }
            Event::AuctionScheduled(event) => {
                let values = self.listed.of(event.instrument.0.into());
                values[11] = Value::Int(event.start_ns);
                values[12] = Value::Int(event.end_ns);
                values[13] = Value::Int(at.seq);
            }
            Event::GroupCreated(event) => self.rows.add(
                TableId::Groups,
                &[
                    Cell::Int(event.group.0.into()),
                    Cell::Text(event.name.as_str()),
                    Cell::Int(at.seq),
                ],
            ),
            Event::AccountCreated(event) => {
                let values = [Value::Int(0), Value::Int(0), Value::Int(at.seq)];
                let opened = Opened(*event, at.seq, at.time_ns);
                self.accounts.born(event.account.0.into(), opened, values);
            }
            Event::AccountConfigured(event) => {
                let values = self.accounts.of(event.account.0.into());
                values[0] = Value::Int(event.group.0.into());
                values[1] = Value::Int(event.trade_group.into());
                values[2] = Value::Int(at.seq);
            }
            Event::Deposited(event) => ledger.deposited(at, event, &mut self.rows),
            Event::Withdrawn(event) => ledger.withdrawn(at, event, &mut self.rows),
            Event::WithdrawalHeld(event) => self.withdrawal_held(at, event),
            Event::WithdrawalEnded(event) => self.withdrawal_ended(at, event),
            event => self.key(at, event),
        }
    }

    fn configured(&mut self, at: At, event: &InstrumentConfigured) {
        let values = self.listed.of(event.instrument.0.into());
        values[0] = Value::Int(event.version.into());
        values[1] = Value::Name(event.matching.name());
        values[2] = Value::Name(event.reference.name());
        values[3] = Value::Int(event.collar_ppm.into());
        values[4] = Value::Int(event.slippage_ppm.into());
        values[5] = Value::Int(event.band_ppm.into());
        values[6] = Value::Int(event.auction_ns);
        values[7] = Value::Int(event.auction_fee.ppm().into());
        values[13] = Value::Int(at.seq);
    }

    fn withdrawal_held(&mut self, at: At, event: &WithdrawalHeld) {
        let asked = Asked(*event, at.time_ns, event.request_id.0.to_string());
        let (seq, time_ns) = (Value::Int(at.seq), Value::Int(at.time_ns));
        let values = [Value::Name("waits"), Value::Int(0), seq, time_ns];
        self.withdrawals.born(withdrawal(event.withdrawal_id), asked, values);
    }

    fn withdrawal_ended(&mut self, at: At, event: &WithdrawalEnded) {
        let values = self.withdrawals.of(withdrawal(event.withdrawal_id));
        values[0] = Value::Name(event.end.name());
        values[1] = Value::Int(event.ended_by.0.into());
        values[2] = Value::Int(at.seq);
        values[3] = Value::Int(at.time_ns);
    }

    fn key(&mut self, at: At, event: &Event) {
        match event {
            Event::KeyCreated(event) => self.made(
                Made {
                    key: event.key,
                    key_id: event.key_id,
                    account: event.account,
                    scheme: KeyScheme::Ed25519,
                    permissions: event.permissions,
                    label: String::new(),
                    expire_ns: 0,
                    seq: at.seq,
                },
                KeyState::Active,
            ),
            Event::KeyIssued(event) => self.made(
                Made {
                    key: event.key,
                    key_id: event.key_id,
                    account: event.account,
                    scheme: event.scheme,
                    permissions: event.permissions,
                    label: event.label.as_str().to_string(),
                    expire_ns: event.expire_ns,
                    seq: at.seq,
                },
                if event.waits { KeyState::Waits } else { KeyState::Active },
            ),
            Event::KeyBound(event) => {
                let values = self.keys.of(event.key.0.into());
                values[0] = Value::Name(KeyState::Active.name());
                values[1] = Value::Text(ids(&event.accounts));
                values[2] = Value::Text(ids(&event.instruments));
                values[3] = Value::Text(audit::hex(event.networks.as_slice()));
                values[4] = Value::Int(at.seq);
            }
            Event::KeyRevoked(event) => {
                let values = self.keys.of(event.key.0.into());
                values[0] = Value::Name(KeyState::Revoked.name());
                values[4] = Value::Int(at.seq);
            }
            event => only_audited(event),
        }
    }

    fn made(&mut self, made: Made, state: KeyState) {
        let none = || Value::Name("");
        let values = [Value::Name(state.name()), none(), none(), none(), Value::Int(made.seq)];
        self.keys.born(made.key.0.into(), made, values);
    }
}

/// The kinds of which the audit trail says all there is to say.
fn only_audited(event: &Event) {
    match event {
        Event::GenesisSet(_)
        | Event::NodeJoined(_)
        | Event::AuctionUncrossed(_)
        | Event::LimitChanged(_)
        | Event::LimitUsed(_)
        | Event::RiskStateChanged(_)
        | Event::KillSwitchSet(_)
        | Event::KillResetAsked(_)
        | Event::KillSwitchReset(_)
        | Event::FeeTierChanged(_)
        | Event::RecordVoided(_)
        | Event::WithdrawalCapProposed(_)
        | Event::WithdrawalCapChanged(_)
        | Event::PasswordChanged(_)
        | Event::SessionEnded(_) => {}
        // Those above this function have had theirs.
        Event::Rejected(_)
        | Event::OrderDuplicate(_)
        | Event::RequestDuplicate(_)
        | Event::AssetCreated(_)
        | Event::InstrumentCreated(_)
        | Event::AccountCreated(_)
        | Event::KeyCreated(_)
        | Event::Deposited(_)
        | Event::Withdrawn(_)
        | Event::BalanceChanged(_)
        | Event::GroupCreated(_)
        | Event::AccountConfigured(_)
        | Event::InstrumentConfigured(_)
        | Event::OrderAccepted(_)
        | Event::Traded(_)
        | Event::OrderFilled(_)
        | Event::OrderRested(_)
        | Event::OrderAmended(_)
        | Event::OrderClosed(_)
        | Event::OrdersCancelled(_)
        | Event::OrderTermsSet(_)
        | Event::OrderTriggered(_)
        | Event::OrderRefreshed(_)
        | Event::OrderRepriced(_)
        | Event::OrderDecremented(_)
        | Event::OrderListPlaced(_)
        | Event::CancelAfterSet(_)
        | Event::CancelOnDisconnectSet(_)
        | Event::LevelChanged(_)
        | Event::MarkChanged(_)
        | Event::TradingStateChanged(_)
        | Event::AuctionIndicated(_)
        | Event::AuctionScheduled(_)
        | Event::PositionChanged(_)
        | Event::Ticked(_)
        | Event::KeyIssued(_)
        | Event::KeyBound(_)
        | Event::KeyRevoked(_)
        | Event::WithdrawalHeld(_)
        | Event::WithdrawalEnded(_) => unreachable!("{:?} makes rows of its own", event.kind()),
    }
}

fn ids(list: &IdList) -> String {
    let ids: Vec<String> = list.ids().map(|id| id.to_string()).collect();
    ids.join(",")
}

fn fill(event: &OrderFilled, at: At, out: &mut Rows) {
    out.add(
        TableId::Fills,
        &[
            Cell::Int(at.seq),
            Cell::Int(at.item),
            Cell::Int(at.time_ns),
            Cell::Int(id(event.order_id)),
            Cell::Int(event.account.0.into()),
            Cell::Int(event.instrument.0.into()),
            Cell::Int(trade(event)),
            Cell::Text(event.side.name()),
            Cell::Text(event.role.name()),
            Cell::Int(event.price.ticks()),
            Cell::Int(event.qty.lots()),
            Cell::Minor(event.notional.minor()),
            Cell::Minor(event.fee.minor()),
            Cell::Int(event.filled.lots()),
            Cell::Int(event.remaining.lots()),
            Cell::Text(event.client_order_id.as_str()),
        ],
    );
}

fn traded(event: &Traded, at: At, out: &mut Rows) {
    out.add(
        TableId::Trades,
        &[
            Cell::Int(event.instrument.0.into()),
            Cell::Int(i64::try_from(event.trade_id.0).expect("a trade id counts trades")),
            Cell::Int(at.seq),
            Cell::Int(at.time_ns),
            Cell::Int(event.price.ticks()),
            Cell::Int(event.qty.lots()),
            Cell::Text(event.taker_side.name()),
            Cell::Int(id(event.maker_order_id)),
            Cell::Int(id(event.taker_order_id)),
        ],
    );
}

fn balance(event: &BalanceChanged, at: At, out: &mut Rows) {
    out.add(
        TableId::Balances,
        &[
            Cell::Int(event.account.0.into()),
            Cell::Int(event.asset.0.into()),
            Cell::Minor(event.available.minor()),
            Cell::Minor(event.held.minor()),
            Cell::Int(at.seq),
            Cell::Int(at.time_ns),
        ],
    );
}

fn position(event: &PositionChanged, at: At, out: &mut Rows) {
    out.add(
        TableId::Positions,
        &[
            Cell::Int(event.account.0.into()),
            Cell::Int(event.instrument.0.into()),
            Cell::Int(event.qty.lots()),
            Cell::Minor(event.cost.minor()),
            Cell::Minor(event.realised.minor()),
            Cell::Minor(event.fees.minor()),
            Cell::Int(at.seq),
            Cell::Int(at.time_ns),
        ],
    );
}

fn rejected(event: &Rejected, header: &RecordHeader, at: At, out: &mut Rows) {
    out.add(
        TableId::Rejects,
        &[
            Cell::Int(at.seq),
            Cell::Int(at.item),
            Cell::Int(at.time_ns),
            Cell::Int(header.account.0.into()),
            Cell::Int(header.key.0.into()),
            Cell::Text(event.code.name()),
            Cell::Text(event.field.name()),
            Cell::Text(event.unit.name()),
            Cell::Minor(event.value),
            Cell::Minor(event.limit),
            Cell::Text(event.client_order_id.as_str()),
        ],
    );
}

fn audit(event: &Event, header: &RecordHeader, at: At, out: &mut Rows) {
    out.add(
        TableId::Audit,
        &[
            Cell::Int(at.seq),
            Cell::Int(at.item),
            Cell::Int(at.time_ns),
            Cell::Text(event.kind().name()),
            Cell::Int(header.account.0.into()),
            Cell::Int(header.key.0.into()),
            Cell::Int(header.origin.node.into()),
            Cell::Text(&audit::json(event)),
        ],
    );
}
