//! Creating things, and money from outside: section 2 of the rules.

use crate::engine::Engine;
use crate::instruments::{Instrument, display_decimals};
use crate::key_admin::{cancel_on_disconnect, end_session};
use crate::ledger::{Asset, Pocket};
use crate::reject::{Reject, ensure};
use alloc::vec::Vec;
use coulisse_types::command::{
    AccountCreate, AssetCreate, Deposit, Genesis, InstrumentCreate, NodeStarted,
};
use coulisse_types::event::{AccountCreated, AssetCreated, Deposited, GenesisSet, NodeJoined};
use coulisse_types::limits::{
    ASSET_SCALE_MAX, ASSET_TOTAL_MINOR_MAX, FEE_PPM_MAX, NOTIONAL_MINOR_MAX, QTY_LOTS_MAX,
};
use coulisse_types::text::{is_asset_name, is_plain_name};
use coulisse_types::{
    Amount, AssetId, Command, Event, Field, InstrumentId, RecordHeader, RejectCode, TickLotValue,
    Unit,
};

impl Engine {
    /// Runs what is about no order, and rare.
    #[inline(never)]
    pub(crate) fn administer(
        &mut self,
        header: &RecordHeader,
        command: &Command,
        events: &mut Vec<Event>,
    ) -> Result<(), Reject> {
        events.push(match command {
            Command::AssetCreate(body) => self.create_asset(body)?,
            Command::InstrumentCreate(body) => self.create_instrument(body)?,
            Command::AccountCreate(body) => self.create_account(body)?,
            Command::KeyCreate(body) => self.create_key(header, body)?,
            Command::KeyIssue(body) => self.issue_key(header, body)?,
            Command::KeyBind(body) => self.bind_key(body)?,
            Command::KeyRevoke(body) => self.revoke_key(body)?,
            Command::PasswordSet(body) => self.set_password(header, body)?,
            Command::SessionEnd(body) => end_session(header, *body)?,
            Command::CancelOnDisconnect(body) => cancel_on_disconnect(header, *body),
            Command::Deposit(body) => self.deposit(header, body)?,
            Command::WithdrawalCapSet(body) => self.set_withdrawal_cap(header, *body)?,
            Command::GroupCreate(body) => self.create_group(body)?,
            Command::AccountConfigure(body) => self.configure_account(header, *body)?,
            Command::InstrumentConfigure(body) => self.configure_instrument(body)?,
            Command::MarkSet(body) => self.set_mark(*body)?,
            Command::FeeTierSet(body) => self.set_fee_tier(body)?,
            Command::LimitSet(body) => self.set_limit(header, body)?,
            Command::RiskStateSet(body) => self.set_risk_state(header, *body)?,
            Command::KillSwitch(body) => self.set_kill_switch(*body)?,
            Command::KillReset(body) => self.reset_kill_switch(header, *body)?,
            Command::Genesis(_)
            | Command::NodeStarted(_)
            | Command::OrderPlace(_)
            | Command::OrderCancel(_)
            | Command::OrderAmend(_)
            | Command::OrderCancelAll(_)
            | Command::OrderPlaceTerms(_)
            | Command::OrderReplace(_)
            | Command::OrderListPlace(_)
            | Command::CancelAfter(_)
            | Command::Tick(_)
            | Command::TradingStateSet(_)
            | Command::AuctionSchedule(_)
            | Command::Void(_)
            | Command::Withdraw(_)
            | Command::WithdrawalApprove(_)
            | Command::WithdrawalReject(_)
            | Command::WithdrawalCancel(_) => return Ok(()),
        });
        Ok(())
    }

    pub(crate) fn set_genesis(&mut self, body: &Genesis, events: &mut Vec<Event>) {
        self.begin(body);
        events.push(Event::GenesisSet(GenesisSet { shard: body.shard }));
    }

    pub(crate) fn node_started(
        &mut self,
        header: &RecordHeader,
        body: NodeStarted,
        events: &mut Vec<Event>,
    ) {
        let (node, incarnation) = (header.origin.node, body.incarnation);
        set_incarnation(&mut self.incarnations, node, incarnation);
        events.push(Event::NodeJoined(NodeJoined { node, incarnation }));
    }

    fn create_asset(&mut self, body: &AssetCreate) -> Result<Event, Reject> {
        let AssetCreate { name, scale } = *body;
        ensure(is_asset_name(name.as_bytes()), || {
            Reject::new(RejectCode::InvalidName, Field::Name)
        })?;
        ensure(scale <= ASSET_SCALE_MAX, || {
            Reject::new(RejectCode::AmountOutOfRange, Field::Scale)
                .number(scale)
                .limit(ASSET_SCALE_MAX)
        })?;
        if let Some(other) = self.ledger.assets().find(|asset| asset.name == name) {
            return Err(Reject::new(RejectCode::AlreadyExists, Field::Name).number(other.id.0));
        }
        ensure(self.ledger.asset_count() < self.limits.assets_max, || {
            Reject::table_full(Field::Count, self.limits.assets_max)
        })?;
        let asset = self.ledger.add_asset(name, scale);
        self.risk.add_asset(scale);
        Ok(Event::AssetCreated(AssetCreated { asset, name, scale }))
    }

    fn create_instrument(&mut self, body: &InstrumentCreate) -> Result<Event, Reject> {
        let base = self.known_asset(body.base, Field::Base)?;
        let quote = self.known_asset(body.quote, Field::Quote)?;
        ensure(body.base != body.quote, || {
            Reject::new(RejectCode::InvalidInstrument, Field::Quote).number(body.quote.0)
        })?;
        let name = [base.name.as_bytes(), b"-", quote.name.as_bytes()].concat();
        ensure(body.symbol.as_bytes() == name, || {
            Reject::new(RejectCode::InvalidName, Field::Symbol)
        })?;
        // Two symbols that differ may still run into each other without their dashes.
        let letters = || name.iter().filter(|byte| **byte != b'-');
        let same = |symbol: &[u8]| symbol.iter().filter(|byte| **byte != b'-').eq(letters());
        let other = self.instruments.iter().find(|other| same(other.rules.symbol.as_bytes()));
        if let Some(other) = other {
            let reject = Reject::new(RejectCode::AlreadyExists, Field::Symbol);
            return Err(reject.number(other.rules.id.0));
        }
        let unit = check_rules(body, base.scale)?;
        ensure(self.instruments.count() < self.instruments.max(), || {
            Reject::table_full(Field::Count, self.instruments.max())
        })?;
        let rules = self.instruments.add(Instrument {
            id: InstrumentId(0),
            symbol: body.symbol,
            base: body.base,
            quote: body.quote,
            tick_minor: body.tick_minor,
            lot_minor: body.lot_minor,
            unit,
            min_qty: body.min_qty,
            max_qty: body.max_qty,
            min_notional: body.min_notional,
            maker_fee: body.maker_fee,
            taker_fee: body.taker_fee,
            base_scale: base.scale,
            quote_scale: quote.scale,
            price_decimals: display_decimals(body.tick_minor, quote.scale),
            qty_decimals: display_decimals(body.lot_minor, base.scale),
        });
        self.risk.add_instrument(rules.id, rules.quote.0);
        Ok(Event::InstrumentCreated(rules.created()))
    }

    pub(crate) fn known_asset(&self, id: AssetId, field: Field) -> Result<Asset, Reject> {
        let unknown = || Reject::new(RejectCode::UnknownAsset, field).number(id.0);
        self.ledger.asset(id).copied().ok_or_else(unknown)
    }

    fn create_account(&mut self, body: &AccountCreate) -> Result<Event, Reject> {
        let AccountCreate { name } = *body;
        ensure(is_plain_name(name.as_bytes()), || {
            Reject::new(RejectCode::InvalidName, Field::Name)
        })?;
        if let Some(other) = self.accounts.by_name(name.as_bytes()) {
            return Err(Reject::new(RejectCode::AlreadyExists, Field::Name).number(other.0));
        }
        ensure(!self.accounts.is_full(), || Reject::table_full(Field::Count, self.accounts.max()))?;
        self.ledger.add_account();
        self.orders.add_account();
        self.timers.add_account();
        self.risk.add_account();
        self.client_ids.add_account();
        let account = self.accounts.add(name);
        Ok(Event::AccountCreated(AccountCreated { account, name }))
    }

    fn deposit(&mut self, header: &RecordHeader, body: &Deposit) -> Result<Event, Reject> {
        let Deposit { asset, amount } = *body;
        let RecordHeader { account, request_id, .. } = *header;
        let known = self.known_asset(asset, Field::Asset)?;
        let total = known.net_deposits.checked_add(amount).map(Amount::minor);
        let fits = total.is_some_and(|total| total <= ASSET_TOTAL_MINOR_MAX);
        ensure(amount.minor() >= 1 && fits, || amount_out_of_range(amount))?;
        self.ledger.post(Pocket::External, Pocket::Available(account.0), asset.0, amount.minor());
        Ok(Event::Deposited(Deposited { account, asset, amount, request_id }))
    }
}

/// Notes the newest start of a node.
pub(crate) fn set_incarnation(incarnations: &mut Vec<u32>, node: u16, newest: u32) {
    let place = usize::from(node);
    if place >= incarnations.len() {
        incarnations.resize(place.saturating_add(1), 0);
    }
    if let Some(slot) = incarnations.get_mut(place) {
        *slot = newest;
    }
}

fn amount_out_of_range(amount: Amount) -> Reject {
    Reject::new(RejectCode::AmountOutOfRange, Field::Amount)
        .value(Unit::AssetMinor, amount.minor())
        .limit(ASSET_TOTAL_MINOR_MAX)
}

/// Whether an instrument's numbers fit each other; the value of one tick on one lot.
fn check_rules(body: &InstrumentCreate, base_scale: u8) -> Result<TickLotValue, Reject> {
    let check = |holds: bool, field: Field, value: i128, limit: i128| {
        ensure(holds, || {
            Reject::new(RejectCode::InvalidInstrument, field).number(value).limit(limit)
        })
    };
    let (tick, lot) = (body.tick_minor, body.lot_minor);
    check(tick >= 1, Field::TickSize, tick.into(), 1)?;
    check(lot >= 1, Field::LotSize, lot.into(), 1)?;
    let Some(unit) = TickLotValue::new(tick, lot, base_scale) else {
        let reject = Reject::new(RejectCode::InvalidInstrument, Field::TickSize);
        return Err(reject.number(tick).limit(lot));
    };
    let (min_qty, max_qty) = (body.min_qty.lots(), body.max_qty.lots());
    let qty_max = i128::from(QTY_LOTS_MAX);
    let fits = (1..=QTY_LOTS_MAX).contains(&min_qty);
    check(fits, Field::MinQty, min_qty.into(), qty_max)?;
    let fits = (min_qty..=QTY_LOTS_MAX).contains(&max_qty);
    check(fits, Field::MaxQty, max_qty.into(), qty_max)?;
    let min_notional = body.min_notional.minor();
    let fits = (0..=NOTIONAL_MINOR_MAX).contains(&min_notional);
    check(fits, Field::MinNotional, min_notional, NOTIONAL_MINOR_MAX)?;
    let (maker, taker) = (body.maker_fee.ppm(), body.taker_fee.ppm());
    let fits = (0..=FEE_PPM_MAX).contains(&maker);
    check(fits, Field::MakerFee, maker.into(), FEE_PPM_MAX.into())?;
    let fits = (maker..=FEE_PPM_MAX).contains(&taker);
    check(fits, Field::TakerFee, taker.into(), FEE_PPM_MAX.into())?;
    Ok(unit)
}
