//! The engine as the edge reads it.

use coulisse_engine::{Engine, OpenOrder as Live};
use coulisse_gateway::view::{CoreView, KeyView};
use coulisse_types::event::{OrderState, PositionChanged};
use coulisse_types::{
    AccountId, AccountName, ClientOrderId, Event, InstrumentId, OrderId, Price, Qty, Seq, Side,
};
use coulisse_wire::native::feed::{Balance, InstrumentStatus, OpenOrder};

/// The engine as the edge reads it.
pub(crate) struct EngineView<'e>(pub(crate) &'e Engine);

impl CoreView for EngineView<'_> {
    fn seq(&self) -> Seq {
        self.0.last_seq()
    }

    fn key(&self, key_id: &[u8]) -> Option<KeyView> {
        let key = self.0.key_by_id(key_id)?;
        Some(KeyView {
            key: key.index,
            account: key.account,
            public_key: key.public_key,
            permissions: key.permissions,
        })
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

    // What the engine does not keep: positions, what binds an account or an instrument, and auctions.

    fn positions(&self, _: AccountId, _: &mut Vec<PositionChanged>) {}

    fn risk(&self, _: AccountId, _: &mut Vec<Event>) {}

    fn status(&self, instrument: InstrumentId) -> InstrumentStatus {
        let listed = InstrumentStatus::listed(instrument);
        let trading = self.0.trading(instrument);
        InstrumentStatus {
            state: self.0.trading_state(instrument).unwrap_or(listed.state),
            mark: self.0.mark(instrument).unwrap_or(listed.mark),
            configured: trading.map_or(listed.configured, |trading| trading.configured(instrument)),
            ..listed
        }
    }
}
