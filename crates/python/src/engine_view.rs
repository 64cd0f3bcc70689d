//! The engine as the edge reads it.

use coulisse_engine::{Engine, Key, OpenOrder as Live, OrderView, Position, Withdrawal};
use coulisse_gateway::view::{CoreView, KeyView};
use coulisse_types::event::{
    AuctionScheduled, FeeTierChanged, KillSwitchSet, LimitUsed, OrderState, PositionChanged,
    RiskStateChanged,
};
use coulisse_types::{
    AccountId, AccountName, Amount, ClientOrderId, Event, FeeRate, GroupId, InstrumentId, KeyId,
    KeyIndex, OrderId, Price, Qty, RiskState, Scope, Seq, Side,
};
use coulisse_wire::native::feed::{Balance, BookOrder, InstrumentStatus, OpenOrder};
use coulisse_wire::native::venue::{AccountRow, LimitRow};
use coulisse_wire::native::withdrawals::{CapRow, WithdrawalRow};

/// Whether an account ever had a fill there.
fn has_traded(position: &Position) -> bool {
    let Position { qty, realised, fees, cost, .. } = *position;
    qty.lots() != 0 || [realised, fees, cost].iter().any(|amount| amount.minor() != 0)
}

fn shown(order: OrderView) -> BookOrder {
    BookOrder { order_id: order.order_id, side: order.side, price: order.price, qty: order.qty }
}

fn key_view(key: &Key) -> KeyView {
    KeyView {
        key: key.index,
        key_id: key.key_id,
        account: key.account,
        scheme: key.scheme,
        material: key.material,
        permissions: key.permissions,
        state: key.state,
        label: key.label,
        expire_ns: key.expire_ns,
        accounts: key.accounts,
        instruments: key.instruments,
        networks: key.networks,
    }
}

/// The engine as the edge reads it.
pub(crate) struct EngineView<'e>(pub(crate) &'e Engine);

impl EngineView<'_> {
    /// The public name of a key; empty for the node itself.
    fn key_name(&self, key: KeyIndex) -> KeyId {
        self.0.key(key).map(|key| key.key_id).unwrap_or_default()
    }
}

impl CoreView for EngineView<'_> {
    fn seq(&self) -> Seq {
        self.0.last_seq()
    }

    fn key(&self, key_id: &[u8]) -> Option<KeyView> {
        self.0.key_by_id(key_id).map(key_view)
    }

    fn key_id(&self, key: KeyIndex) -> Option<KeyId> {
        self.0.key(key).map(|key| key.key_id)
    }

    fn keys(&self, account: AccountId, out: &mut Vec<KeyView>) {
        out.extend(self.0.keys().filter(|key| key.account == account).map(key_view));
    }

    fn withdrawals(&self, account: Option<AccountId>, out: &mut Vec<WithdrawalRow>) {
        let of = |one: &&Withdrawal| account.is_none_or(|account| one.account == account);
        out.extend(self.0.waiting_withdrawals().filter(of).filter_map(|one| {
            Some(WithdrawalRow {
                id: one.id,
                account: self.account_name(one.account)?,
                asset: one.asset,
                amount: one.amount,
                asked_by: self.key_name(one.asked_by),
                request_id: one.request_id,
                expire_ns: one.expire_ns,
            })
        }));
    }

    fn withdrawal_caps(&self, out: &mut Vec<CapRow>) {
        let caps = self.0.assets().filter_map(|asset| self.0.withdrawal_cap(asset.id));
        out.extend(caps.map(|cap| CapRow {
            asset: cap.asset,
            cap: cap.cap,
            version: cap.version,
            proposed: cap.proposed,
            proposed_by: self.key_name(cap.proposed_by),
        }));
    }

    fn accounts(&self, after: u64, count: usize, out: &mut Vec<AccountRow>) {
        let first = u32::try_from(after).unwrap_or(u32::MAX).saturating_add(1);
        let found =
            (first..).map(AccountId).map_while(|id| self.0.account(id).zip(self.0.membership(id)));
        out.extend(found.take(count).map(|(account, member)| AccountRow {
            number: account.id.0,
            name: account.name,
            group: member.group,
            trade_group: member.trade_group,
        }));
    }

    fn groups(&self, out: &mut Vec<(GroupId, AccountName)>) {
        out.extend(self.0.groups().map(|group| (group.id, group.name)));
    }

    fn limits(&self, after: Option<u64>, count: usize, out: &mut Vec<LimitRow>) -> u32 {
        let rows =
            self.0.limits_set(LimitRow::scope_at(after.unwrap_or(0))).map(|limit| LimitRow {
                scope: limit.scope,
                scope_id: limit.scope_id,
                account: match limit.scope {
                    Scope::Account => {
                        self.account_name(AccountId(limit.scope_id)).unwrap_or_default()
                    }
                    _ => AccountName::default(),
                },
                kind: limit.kind,
                subject: limit.subject,
                value: limit.value,
                burst: limit.burst,
            });
        out.extend(rows.filter(|row| after.is_none_or(|after| row.place() > after)).take(count));
        self.0.limit_version()
    }

    fn fee_tiers(&self, out: &mut Vec<FeeTierChanged>) {
        for asset in self.0.assets() {
            out.extend(self.0.fee_tiers(asset.id).iter().map(|tier| FeeTierChanged {
                asset: asset.id,
                tier: tier.tier,
                threshold: Amount::from_minor(tier.threshold_minor),
                maker_fee: FeeRate::from_ppm(tier.maker_ppm),
                taker_fee: FeeRate::from_ppm(tier.taker_ppm),
            }));
        }
    }

    fn account_id(&self, name: &[u8]) -> Option<AccountId> {
        self.0.account_by_name(name).map(|account| account.id)
    }

    fn account_name(&self, account: AccountId) -> Option<AccountName> {
        self.0.account(account).map(|account| account.name)
    }

    fn levels(
        &self,
        instrument: InstrumentId,
        side: Side,
        depth: usize,
        out: &mut Vec<(Price, Qty)>,
    ) {
        let depth = if depth == 0 { usize::MAX } else { depth };
        let levels = self.0.levels(instrument, side).take(depth);
        out.extend(levels.map(|level| (level.price, level.qty)));
    }

    fn book_orders(&self, instrument: InstrumentId, out: &mut Vec<BookOrder>) {
        for side in [Side::Buy, Side::Sell] {
            out.extend(self.0.resting(instrument, side).map(shown));
        }
    }

    fn book_order(&self, order_id: OrderId) -> Option<BookOrder> {
        self.0.resting_order(order_id).map(shown)
    }

    fn book_order_count(&self, instrument: InstrumentId) -> usize {
        self.0.resting_count(instrument) as usize
    }

    fn open_orders(
        &self,
        account: AccountId,
        instrument: Option<InstrumentId>,
        out: &mut Vec<OpenOrder>,
    ) {
        let wanted = |order: &Live| instrument.is_none_or(|wanted| order.instrument == wanted);
        out.extend(self.0.open_orders(account).filter(wanted).map(|order| OpenOrder {
            order_id: order.order_id,
            client_order_id: order.client_order_id,
            instrument: order.instrument,
            side: order.side,
            order_type: order.order_type,
            time_in_force: order.time_in_force,
            post_only: order.post_only,
            qty: order.qty,
            price: order.price,
            filled: order.filled,
            waits: order.state == OrderState::Waiting,
            terms: order.terms_set(),
        }));
    }

    fn balances(&self, account: AccountId, out: &mut Vec<Balance>) {
        out.extend(self.0.balances(account).map(|(asset, balance)| Balance {
            asset: asset.id,
            available: balance.available,
            held: balance.held,
        }));
    }

    fn order_instrument(
        &self,
        account: AccountId,
        order_id: OrderId,
        client_order_id: &ClientOrderId,
    ) -> Option<InstrumentId> {
        let order = if order_id.0 == 0 {
            self.0.order_by_client_id(account, client_order_id)
        } else {
            self.0.order(order_id).filter(|order| order.account == account)
        };
        order.map(|order| order.instrument)
    }

    fn is_waiting(&self, order_id: OrderId) -> bool {
        self.0.order(order_id).is_some_and(|order| order.state == OrderState::Waiting)
    }

    fn positions(&self, account: AccountId, out: &mut Vec<PositionChanged>) {
        out.extend(self.0.positions(account).filter(has_traded).map(|position| PositionChanged {
            account: position.account,
            instrument: position.instrument,
            qty: position.qty,
            cost: position.cost,
            realised: position.realised,
            fees: position.fees,
        }));
    }

    fn risk(&self, account: AccountId, out: &mut Vec<Event>) {
        let group = self.0.membership(account).map_or(0, |membership| membership.group.0);
        let scopes = [(Scope::Firm, 0), (Scope::Group, group), (Scope::Account, account.0)];
        for (scope, scope_id) in scopes {
            let Some(control) = self.0.risk_control(scope, scope_id) else { continue };
            if control.state != RiskState::Active {
                let state = control.state;
                out.push(RiskStateChanged { scope, scope_id, state }.into());
            }
            if control.is_killed {
                let last_order_id = control.dead_to;
                out.push(KillSwitchSet { scope, scope_id, last_order_id }.into());
            }
            let limits = self.0.limits_of(scope, scope_id).filter(|limit| limit.level > 0);
            out.extend(limits.map(|limit| {
                Event::from(LimitUsed {
                    scope,
                    scope_id,
                    kind: limit.kind,
                    subject: limit.subject,
                    used: limit.used.unwrap_or(0),
                    limit: limit.value,
                    level: limit.level,
                })
            }));
        }
    }

    fn status(&self, instrument: InstrumentId) -> InstrumentStatus {
        let listed = InstrumentStatus::listed(instrument);
        let trading = self.0.trading(instrument);
        let (until_ns, start_ns, end_ns) = self.0.auction_times(instrument).unwrap_or((0, 0, 0));
        let control = self.0.risk_control(Scope::Instrument, instrument.0);
        InstrumentStatus {
            until_ns,
            scheduled: AuctionScheduled { instrument, start_ns, end_ns },
            risk_state: control.map_or(listed.risk_state, |control| control.state),
            state: self.0.trading_state(instrument).unwrap_or(listed.state),
            indicated: self.0.indication(instrument),
            mark: self.0.mark(instrument).unwrap_or(listed.mark),
            configured: trading.map_or(listed.configured, |trading| trading.configured(instrument)),
        }
    }
}
