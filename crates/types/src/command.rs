//! Commands: requests to change state, as they stand in the log. Imperative; may be rejected.
//!
//! Who asks, and for which account, stands in the record's header, not here.

use crate::ids::{AssetId, GroupId, InstrumentId, OrderId, Seq};
use crate::keys::{IdList, KeyLabel, KeyMaterial, KeyScheme, NetworkList};
use crate::message::messages;
use crate::money::{Amount, FeeRate, OrderType, Price, Qty, Side, TimeInForce};
use crate::terms::{
    LimitKind, ListKind, MatchingMode, Peg, ReferenceKind, RiskState, Scope, SelfTrade, SideFilter,
    TradingState, Trigger, TriggerOn,
};
use crate::text::{AccountName, AssetName, ClientOrderId, KeyId, Symbol};

messages! {
    /// A request to change state.
    Command, CommandKind;

    /// The first record of a log: what every replica must agree on before anything else.
    1 Genesis {
        /// Seed of the keyed hash of client order ids, drawn once.
        hash_seed: u64,
        /// Shard prefix of order ids.
        shard: u16,
        /// Most assets.
        assets_max: u32,
        /// Most instruments.
        instruments_max: u32,
        /// Most accounts.
        accounts_max: u32,
        /// Most keys.
        keys_max: u32,
        /// Most live orders.
        live_orders_max: u32,
        /// Most live orders of one account.
        open_orders_per_account_max: u32,
        /// Most fills of one command.
        fills_per_command_max: u32,
        /// Most client order ids remembered.
        client_order_ids_max: u32,
        /// Most client order ids of closed orders remembered for one account.
        closed_ids_per_account_max: u32,
        /// Most request ids remembered.
        request_ids_max: u32,
    }

    /// A node began to write; batches of its earlier incarnations are void from here.
    2 NodeStarted {
        /// Which start of that node this is.
        incarnation: u32,
    }

    /// Name an asset and the size of its minor unit.
    3 AssetCreate {
        /// Its name.
        name: AssetName,
        /// Decimals of the minor unit.
        scale: u8,
    }

    /// List an instrument with its rules.
    4 InstrumentCreate {
        /// Its name, `BASE-QUOTE`.
        symbol: Symbol,
        /// What is bought and sold.
        base: AssetId,
        /// What it is priced in.
        quote: AssetId,
        /// Quote minor units of one tick on one whole base unit.
        tick_minor: i64,
        /// Base minor units of one lot.
        lot_minor: i64,
        /// Smallest order, in lots.
        min_qty: Qty,
        /// Largest order, in lots.
        max_qty: Qty,
        /// Smallest notional of an order, in quote minor units.
        min_notional: Amount,
        /// Fee of the resting side.
        maker_fee: FeeRate,
        /// Fee of the arriving side.
        taker_fee: FeeRate,
    }

    /// Open an account.
    5 AccountCreate {
        /// Its name.
        name: AccountName,
    }

    /// Let the holder of an Ed25519 private key act for the account in the header.
    6 KeyCreate {
        /// Its public name.
        key_id: KeyId,
        /// The Ed25519 public key.
        public_key: [u8; 32],
        /// Bits: 1 read, 2 trade, 4 withdraw, 8 admin.
        permissions: u8,
    }

    /// Credit the account in the header from outside.
    7 Deposit {
        /// Which asset.
        asset: AssetId,
        /// How much, in minor units.
        amount: Amount,
    }

    /// Debit the account in the header to outside, or hold that until a second person approves.
    8 Withdraw {
        /// Which asset.
        asset: AssetId,
        /// How much, in minor units.
        amount: Amount,
    }

    /// Make a group of accounts, which limits, risk states and kill switches can bind together.
    9 GroupCreate {
        /// Its name.
        name: AccountName,
    }

    /// Put the account in the header into groups.
    10 AccountConfigure {
        /// The group whose limits bind it; 0 for none.
        group: GroupId,
        /// Accounts with the same number, not 0, are one for self-trade prevention.
        trade_group: u32,
    }

    /// Set how an instrument is traded.
    11 InstrumentConfigure {
        /// Which instrument.
        instrument: InstrumentId,
        /// How a level is shared.
        matching: MatchingMode,
        /// What prices are measured against.
        reference: ReferenceKind,
        /// How far a limit may be from the reference, in millionths of it; 0 for any.
        collar_ppm: u32,
        /// How far a market order may go from the reference, in millionths of it; 0 for any.
        slippage_ppm: u32,
        /// How far a trade may be from the reference before an auction is called; 0 for any.
        band_ppm: u32,
        /// How long such an auction lasts, in ns.
        auction_ns: i64,
        /// What both sides pay for a trade in an auction.
        auction_fee: FeeRate,
    }

    /// Set what an instrument takes.
    12 TradingStateSet {
        /// Which instrument.
        instrument: InstrumentId,
        /// What it takes from now on.
        state: TradingState,
    }

    /// Give an instrument its mark price.
    13 MarkSet {
        /// Which instrument.
        instrument: InstrumentId,
        /// The price, in ticks.
        price: Price,
    }

    /// Set a tier of the fee schedule of a quote asset.
    14 FeeTierSet {
        /// Which asset.
        asset: AssetId,
        /// Which tier, from 1.
        tier: u8,
        /// From how much traded in 30 days it holds, in minor units; negative to take it away.
        threshold: Amount,
        /// Fee of the resting side; negative for a rebate.
        maker_fee: FeeRate,
        /// Fee of the arriving side.
        taker_fee: FeeRate,
    }

    /// Set a limit of the risk gate.
    15 LimitSet {
        /// Whom it binds.
        scope: Scope,
        /// The group's or the account's id; 0 for the firm.
        scope_id: u32,
        /// What it bounds.
        kind: LimitKind,
        /// The instrument or the asset that it is about; 0 where the kind has none.
        subject: u32,
        /// The bound, in the kind's unit; negative for none.
        value: i128,
        /// For rates: how many at once.
        burst: u32,
    }

    /// Place an order for the account in the header.
    16 OrderPlace {
        /// Which instrument.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// Limit or market.
        order_type: OrderType,
        /// How long it stands.
        time_in_force: TimeInForce,
        /// Refuse it if it would trade at once.
        post_only: bool,
        /// How much, in lots; 0 for a market order by notional.
        qty: Qty,
        /// The limit, in ticks; 0 for a market order.
        price: Price,
        /// What a market order may trade for, in quote minor units; 0 otherwise.
        notional: Amount,
        /// The client's idempotency key; empty for none.
        client_order_id: ClientOrderId,
    }

    /// Cancel one order, named by its id or, where that is 0, by the client's id.
    17 OrderCancel {
        /// The engine's id; 0 for none.
        order_id: OrderId,
        /// The client's id.
        client_order_id: ClientOrderId,
    }

    /// Change an order's total qty, its price, or both.
    18 OrderAmend {
        /// The engine's id; 0 for none.
        order_id: OrderId,
        /// The client's id.
        client_order_id: ClientOrderId,
        /// The new total in lots, fills included; 0 leaves it.
        qty: Qty,
        /// The new price in ticks; 0 leaves it.
        price: Price,
    }

    /// Cancel all orders of the account in the header.
    19 OrderCancelAll {
        /// Only in this instrument; 0 for all.
        instrument: InstrumentId,
        /// Only of this side.
        side: SideFilter,
        /// Only those that this session placed through this node; 0 for all.
        session: u64,
    }

    /// Place an order with terms for the account in the header.
    20 OrderPlaceTerms {
        /// Which instrument.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// Limit or market.
        order_type: OrderType,
        /// How long it stands.
        time_in_force: TimeInForce,
        /// Refuse it if it would trade at once.
        post_only: bool,
        /// How much, in lots; 0 for a market order by notional.
        qty: Qty,
        /// The limit, in ticks; 0 for a market order.
        price: Price,
        /// What a market order may trade for, in quote minor units; 0 otherwise.
        notional: Amount,
        /// The client's idempotency key; empty for none.
        client_order_id: ClientOrderId,
        /// What happens where it would trade with one of the same account or trade group.
        self_trade: SelfTrade,
        /// What makes it act; `none` for at once.
        trigger: Trigger,
        /// Which price the trigger looks at.
        trigger_on: TriggerOn,
        /// Where the trigger acts, in ticks; 0 for a trailing stop, which makes its own.
        trigger_price: Price,
        /// How far a trailing stop stays behind, in ticks or basis points; 0 otherwise.
        trail: i64,
        /// How much of it the book shows at a time, in lots; 0 for all.
        display_qty: Qty,
        /// The least that must be filled at once, in lots; 0 for none.
        min_qty: Qty,
        /// What its price follows; its own price is then the limit.
        peg: Peg,
        /// How far above what it follows, in ticks; negative for below.
        peg_offset: i64,
        /// Whether it may only make the account's position smaller.
        reduce_only: bool,
        /// When it expires, in ns since the epoch; 0 but for `gtd`.
        expire_ns: i64,
    }

    /// Cancel an order and place another: one command, two results.
    21 OrderReplace {
        /// The order to cancel, by the engine's id; 0 for none.
        cancel_order_id: OrderId,
        /// The order to cancel, by the client's id.
        cancel_client_order_id: ClientOrderId,
        /// Whether to place the new one although the old one could not be cancelled.
        allow_failure: bool,
        /// Which instrument.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// Limit or market.
        order_type: OrderType,
        /// How long it stands.
        time_in_force: TimeInForce,
        /// Refuse it if it would trade at once.
        post_only: bool,
        /// How much, in lots; 0 for a market order by notional.
        qty: Qty,
        /// The limit, in ticks; 0 for a market order.
        price: Price,
        /// What a market order may trade for, in quote minor units; 0 otherwise.
        notional: Amount,
        /// The client's idempotency key; empty for none.
        client_order_id: ClientOrderId,
        /// What happens where it would trade with one of the same account or trade group.
        self_trade: SelfTrade,
        /// What makes it act; `none` for at once.
        trigger: Trigger,
        /// Which price the trigger looks at.
        trigger_on: TriggerOn,
        /// Where the trigger acts, in ticks; 0 for a trailing stop, which makes its own.
        trigger_price: Price,
        /// How far a trailing stop stays behind, in ticks or basis points; 0 otherwise.
        trail: i64,
        /// How much of it the book shows at a time, in lots; 0 for all.
        display_qty: Qty,
        /// The least that must be filled at once, in lots; 0 for none.
        min_qty: Qty,
        /// What its price follows; its own price is then the limit.
        peg: Peg,
        /// How far above what it follows, in ticks; negative for below.
        peg_offset: i64,
        /// Whether it may only make the account's position smaller.
        reduce_only: bool,
        /// When it expires, in ns since the epoch; 0 but for `gtd`.
        expire_ns: i64,
    }

    /// Place orders that belong together. Leg 0 is the one on the book, or the working one.
    22 OrderListPlace {
        /// How they belong together.
        kind: ListKind,
        /// In which instrument.
        instrument: InstrumentId,
        /// The client's idempotency key of leg 0; empty for none.
        client_order_id: ClientOrderId,
        /// Leg 0: buy or sell.
        side_0: Side,
        /// Leg 0: limit or market.
        order_type_0: OrderType,
        /// Leg 0: how long it stands.
        time_in_force_0: TimeInForce,
        /// Leg 0: how much, in lots.
        qty_0: Qty,
        /// Leg 0: the limit, in ticks; 0 for a market order.
        price_0: Price,
        /// Leg 0: what makes it act.
        trigger_0: Trigger,
        /// Leg 0: which price the trigger looks at.
        trigger_on_0: TriggerOn,
        /// Leg 0: where the trigger acts, in ticks; 0 for none.
        trigger_price_0: Price,
        /// Leg 1: buy or sell.
        side_1: Side,
        /// Leg 1: limit or market.
        order_type_1: OrderType,
        /// Leg 1: how long it stands.
        time_in_force_1: TimeInForce,
        /// Leg 1: how much, in lots.
        qty_1: Qty,
        /// Leg 1: the limit, in ticks; 0 for a market order.
        price_1: Price,
        /// Leg 1: what makes it act.
        trigger_1: Trigger,
        /// Leg 1: which price the trigger looks at.
        trigger_on_1: TriggerOn,
        /// Leg 1: where the trigger acts, in ticks; 0 for none.
        trigger_price_1: Price,
        /// Leg 2, of `otoco` only: buy or sell.
        side_2: Side,
        /// Leg 2, of `otoco` only: limit or market.
        order_type_2: OrderType,
        /// Leg 2, of `otoco` only: how long it stands.
        time_in_force_2: TimeInForce,
        /// Leg 2, of `otoco` only: how much, in lots.
        qty_2: Qty,
        /// Leg 2, of `otoco` only: the limit, in ticks; 0 for a market order.
        price_2: Price,
        /// Leg 2, of `otoco` only: what makes it act.
        trigger_2: Trigger,
        /// Leg 2, of `otoco` only: which price the trigger looks at.
        trigger_on_2: TriggerOn,
        /// Leg 2, of `otoco` only: where the trigger acts, in ticks; 0 for none.
        trigger_price_2: Price,
    }

    /// Cancel everything of the account in the header unless this comes again in time.
    23 CancelAfter {
        /// In how many ns; 0 never.
        timeout_ns: i64,
    }

    /// Do what is due by the record's time: expiries, sweeps, dead men's switches, auctions.
    32 Tick {
    }

    /// Set what the firm, a group, an account or an instrument may still do.
    33 RiskStateSet {
        /// Whom it binds.
        scope: Scope,
        /// The id of that group, account or instrument; 0 for the firm.
        scope_id: u32,
        /// What is left to them.
        state: RiskState,
    }

    /// Cancel all orders of the firm, a group or an account, and take no more until it is reset.
    34 KillSwitch {
        /// Whom it binds.
        scope: Scope,
        /// The id of that group or account; 0 for the firm.
        scope_id: u32,
    }

    /// Reset a kill switch, in two steps by two keys.
    35 KillReset {
        /// Whom it binds.
        scope: Scope,
        /// The id of that group or account; 0 for the firm.
        scope_id: u32,
        /// 1 asks for it, 2 does it.
        step: u8,
    }

    /// Set when an instrument's next call auction begins and ends.
    36 AuctionSchedule {
        /// Which instrument.
        instrument: InstrumentId,
        /// When the call begins, in ns since the epoch; 0 for no auction.
        start_ns: i64,
        /// When the book is uncrossed, in ns since the epoch; 0 for no auction.
        end_ns: i64,
    }

    /// A record that broke the core is a reject on every replica, and its instrument is halted.
    37 Void {
        /// The record.
        seq: Seq,
        /// Its instrument; 0 for none.
        instrument: InstrumentId,
    }

    /// Let the holder of a key act for the account in the header.
    38 KeyIssue {
        /// Its public name.
        key_id: KeyId,
        /// How it is proved.
        scheme: KeyScheme,
        /// The Ed25519 public key, or the sealed HMAC secret or hash of a password.
        material: KeyMaterial,
        /// Bits: 1 read, 2 trade, 4 withdraw, 8 admin.
        permissions: u8,
        /// What it is for; empty for nothing in particular.
        label: KeyLabel,
        /// From when on it is refused, in ns since the epoch; 0 for never.
        expire_ns: i64,
        /// Whether it is refused until it is bound.
        waits: bool,
    }

    /// Set what a key is bound to, empty lists to nothing. A key that waits for this works from now on.
    39 KeyBind {
        /// Its public name.
        key_id: KeyId,
        /// The accounts that it may act for beside its own.
        accounts: IdList,
        /// The only instruments that it may trade.
        instruments: IdList,
        /// The only networks that it may come from, which the edge looks at.
        networks: NetworkList,
    }

    /// Refuse a key for ever.
    40 KeyRevoke {
        /// Its public name.
        key_id: KeyId,
    }

    /// Give a person's key another password. Its sessions end.
    44 PasswordSet {
        /// The key's public name.
        key_id: KeyId,
        /// The sealed hash of the password.
        material: KeyMaterial,
    }

    /// End a session that the asking key's token stands for, wherever it is used.
    45 SessionEnd {
        /// The number of the token's session, drawn when it began.
        session: u64,
        /// From when on its tokens are refused in any case, in ns since the epoch.
        until_ns: i64,
    }

    /// Have the orders that a session places cancelled when it ends, however it does, or no longer.
    46 CancelOnDisconnect {
        /// The gateway's number of the session, as in the headers of its records.
        session: u64,
        /// Whether to.
        enabled: bool,
    }

    /// Set how much of an asset an account may withdraw in a day without a second person; to raise it takes two.
    48 WithdrawalCapSet {
        /// Which asset.
        asset: AssetId,
        /// How much, in minor units.
        cap: Amount,
    }

    /// Let a withdrawal that waits go out.
    49 WithdrawalApprove {
        /// The seq of the request.
        withdrawal_id: Seq,
    }

    /// Give back what a withdrawal that waits holds.
    50 WithdrawalReject {
        /// The seq of the request.
        withdrawal_id: Seq,
    }

    /// Take back a withdrawal of the account in the header that waits.
    51 WithdrawalCancel {
        /// The seq of the request.
        withdrawal_id: Seq,
    }
}

impl OrderPlace {
    /// The same order as one with terms, all at their defaults.
    #[inline]
    pub const fn with_terms(&self) -> OrderPlaceTerms {
        OrderPlaceTerms {
            instrument: self.instrument,
            side: self.side,
            order_type: self.order_type,
            time_in_force: self.time_in_force,
            post_only: self.post_only,
            qty: self.qty,
            price: self.price,
            notional: self.notional,
            client_order_id: self.client_order_id,
            self_trade: SelfTrade::None,
            trigger: Trigger::None,
            trigger_on: TriggerOn::Last,
            trigger_price: Price::from_ticks(0),
            trail: 0,
            display_qty: Qty::ZERO,
            min_qty: Qty::ZERO,
            peg: Peg::None,
            peg_offset: 0,
            reduce_only: false,
            expire_ns: 0,
        }
    }
}

impl OrderPlaceTerms {
    /// The command that cancels another order and places this one; `allow_failure` as in
    /// [`OrderReplace`].
    pub const fn replacing(
        &self,
        cancel_order_id: OrderId,
        cancel_client_order_id: ClientOrderId,
        allow_failure: bool,
    ) -> OrderReplace {
        OrderReplace {
            cancel_order_id,
            cancel_client_order_id,
            allow_failure,
            instrument: self.instrument,
            side: self.side,
            order_type: self.order_type,
            time_in_force: self.time_in_force,
            post_only: self.post_only,
            qty: self.qty,
            price: self.price,
            notional: self.notional,
            client_order_id: self.client_order_id,
            self_trade: self.self_trade,
            trigger: self.trigger,
            trigger_on: self.trigger_on,
            trigger_price: self.trigger_price,
            trail: self.trail,
            display_qty: self.display_qty,
            min_qty: self.min_qty,
            peg: self.peg,
            peg_offset: self.peg_offset,
            reduce_only: self.reduce_only,
            expire_ns: self.expire_ns,
        }
    }
}

/// Permission bits of a key.
pub mod permission {
    /// See the account.
    pub const READ: u8 = 1;
    /// Place, amend and cancel.
    pub const TRADE: u8 = 2;
    /// Withdraw.
    pub const WITHDRAW: u8 = 4;
    /// Create things and move money for every account.
    pub const ADMIN: u8 = 8;
    /// All of them.
    pub const ALL: u8 = READ | TRADE | WITHDRAW | ADMIN;
}
