//! Events: facts that followed from a command. Past tense; never rejected.
//!
//! An event carries all that a row about it needs; its seq and time are its record's.

pub use crate::ends::{CloseReason, OrderState, Role, WithdrawalEnd};
use crate::ids::{
    AccountId, AssetId, GroupId, InstrumentId, KeyIndex, OrderId, RequestId, Seq, TradeId,
};
use crate::keys::{IdList, KeyLabel, KeyScheme, NetworkList};
use crate::message::messages;
use crate::money::{Amount, FeeRate, OrderType, Price, Qty, Side, TimeInForce};
use crate::reject::{Field, RejectCode, Unit};
use crate::terms::{
    LimitKind, ListKind, MatchingMode, Peg, ReferenceKind, RiskState, Scope, SelfTrade,
    StateReason, TradingState, Trigger, TriggerOn,
};
use crate::text::{AccountName, AssetName, ClientOrderId, KeyId, Symbol};

messages! {
    /// A fact that followed from a command.
    Event, EventKind;

    /// The command was refused and changed nothing.
    1 Rejected {
        /// Why.
        code: RejectCode,
        /// Which field or limit.
        field: Field,
        /// The unit of `value` and `limit`.
        unit: Unit,
        /// The offending value.
        value: i128,
        /// The bound it broke; 0 where there is none.
        limit: i128,
        /// The client's id of the order; empty for none.
        client_order_id: ClientOrderId,
    }

    /// An order with this client id and body stands in the log already; nothing changed.
    2 OrderDuplicate {
        /// The order.
        order_id: OrderId,
        /// The seq at which it was accepted.
        first_seq: Seq,
        /// Where it stands now.
        state: OrderState,
        /// What is filled of it.
        filled: Qty,
        /// The client's id.
        client_order_id: ClientOrderId,
    }

    /// A request with this id and body stands in the log already; nothing changed.
    3 RequestDuplicate {
        /// The request's id.
        request_id: RequestId,
        /// The seq at which it was accepted.
        first_seq: Seq,
    }

    /// The log began.
    4 GenesisSet {
        /// Shard prefix of order ids.
        shard: u16,
    }

    /// A node began to write.
    5 NodeJoined {
        /// The node.
        node: u16,
        /// Which start of it.
        incarnation: u32,
    }

    /// An asset exists.
    6 AssetCreated {
        /// Its id.
        asset: AssetId,
        /// Its name.
        name: AssetName,
        /// Decimals of the minor unit.
        scale: u8,
    }

    /// An instrument is listed.
    7 InstrumentCreated {
        /// Its id.
        instrument: InstrumentId,
        /// Its name.
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
        /// Smallest notional, in quote minor units.
        min_notional: Amount,
        /// Fee of the resting side.
        maker_fee: FeeRate,
        /// Fee of the arriving side.
        taker_fee: FeeRate,
    }

    /// An account is open.
    8 AccountCreated {
        /// Its id.
        account: AccountId,
        /// Its name.
        name: AccountName,
    }

    /// A key may act for an account.
    9 KeyCreated {
        /// Its index.
        key: KeyIndex,
        /// Its public name.
        key_id: KeyId,
        /// The account.
        account: AccountId,
        /// The Ed25519 public key.
        public_key: [u8; 32],
        /// Permission bits.
        permissions: u8,
    }

    /// Money came in from outside.
    10 Deposited {
        /// Whose.
        account: AccountId,
        /// Which asset.
        asset: AssetId,
        /// How much, in minor units.
        amount: Amount,
        /// The request's id; 0 for none.
        request_id: RequestId,
    }

    /// Money went outside.
    11 Withdrawn {
        /// Whose.
        account: AccountId,
        /// Which asset.
        asset: AssetId,
        /// How much, in minor units.
        amount: Amount,
        /// The request's id; 0 for none.
        request_id: RequestId,
    }

    /// An account's balance of one asset is now this: once per command and balance, at its end.
    12 BalanceChanged {
        /// Whose.
        account: AccountId,
        /// Which asset.
        asset: AssetId,
        /// What may be spent, in minor units.
        available: Amount,
        /// What open orders and withdrawals that wait hold, in minor units.
        held: Amount,
    }

    /// A group of accounts exists.
    13 GroupCreated {
        /// Its id.
        group: GroupId,
        /// Its name.
        name: AccountName,
    }

    /// An account is in these groups.
    14 AccountConfigured {
        /// The account.
        account: AccountId,
        /// The group whose limits bind it; 0 for none.
        group: GroupId,
        /// Its trade group; 0 for none.
        trade_group: u32,
    }

    /// An instrument is traded like this.
    15 InstrumentConfigured {
        /// The instrument.
        instrument: InstrumentId,
        /// How often it was configured.
        version: u32,
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

    /// An order passed every check; what it did follows.
    16 OrderAccepted {
        /// Its id.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// Limit or market.
        order_type: OrderType,
        /// How long it stands.
        time_in_force: TimeInForce,
        /// Whether it may only make.
        post_only: bool,
        /// Its total in lots; 0 for a market order by notional.
        qty: Qty,
        /// Its limit in ticks; 0 for a market order.
        price: Price,
        /// What it may trade for, in quote minor units; 0 but for a market order by notional.
        notional: Amount,
        /// The client's id; empty for none.
        client_order_id: ClientOrderId,
    }

    /// A trade, as the market sees it.
    17 Traded {
        /// In which instrument.
        instrument: InstrumentId,
        /// Its id.
        trade_id: TradeId,
        /// The maker's price, in ticks.
        price: Price,
        /// How much, in lots.
        qty: Qty,
        /// The side that arrived.
        taker_side: Side,
        /// The order that rested.
        maker_order_id: OrderId,
        /// The order that arrived.
        taker_order_id: OrderId,
    }

    /// A trade, as one of its two orders sees it; the maker's comes first.
    18 OrderFilled {
        /// The order.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// The trade.
        trade_id: TradeId,
        /// The order's side.
        side: Side,
        /// Whether it rested or arrived.
        role: Role,
        /// The price, in ticks.
        price: Price,
        /// How much of it, in lots.
        qty: Qty,
        /// price × qty, in quote minor units.
        notional: Amount,
        /// What this fill paid, in quote minor units.
        fee: Amount,
        /// What is filled of the order in all, in lots.
        filled: Qty,
        /// What is left of it, in lots; 0 for a market order by notional.
        remaining: Qty,
        /// The client's id; empty for none.
        client_order_id: ClientOrderId,
    }

    /// An order rests on the book with what is left of it.
    19 OrderRested {
        /// The order.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// Its side.
        side: Side,
        /// Its price, in ticks.
        price: Price,
        /// What is left, in lots.
        remaining: Qty,
    }

    /// An order was changed.
    20 OrderAmended {
        /// The order.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// Its total now, in lots.
        qty: Qty,
        /// Its price now, in ticks.
        price: Price,
        /// What is left of it, in lots, before any trade that follows.
        remaining: Qty,
        /// Whether it kept its place in the queue.
        kept_priority: bool,
        /// The client's id; empty for none.
        client_order_id: ClientOrderId,
    }

    /// An order ended.
    21 OrderClosed {
        /// The order.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// How it ended.
        state: OrderState,
        /// Why.
        reason: CloseReason,
        /// What was filled of it in all, in lots.
        filled: Qty,
        /// What was left of it, in lots; 0 for a market order by notional.
        remaining: Qty,
        /// The client's id; empty for none.
        client_order_id: ClientOrderId,
    }

    /// All of an account's orders that were asked for are cancelled.
    22 OrdersCancelled {
        /// Whose.
        account: AccountId,
        /// In this instrument; 0 for all.
        instrument: InstrumentId,
        /// How many.
        count: u32,
    }

    /// The terms of an order that was just accepted.
    23 OrderTermsSet {
        /// The order.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
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
        /// What its price follows; the price is then the limit.
        peg: Peg,
        /// How far above what it follows, in ticks; negative for below.
        peg_offset: i64,
        /// Whether it may only make the account's position smaller.
        reduce_only: bool,
        /// When it expires, in ns since the epoch; 0 but for `gtd`.
        expire_ns: i64,
    }

    /// A conditional order acts; what it did follows.
    24 OrderTriggered {
        /// The order.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// Which price it looked at.
        trigger_on: TriggerOn,
        /// Where it acted, in ticks.
        trigger_price: Price,
        /// Its limit from now on, in ticks.
        price: Price,
        /// The client's id; empty for none.
        client_order_id: ClientOrderId,
    }

    /// An iceberg shows its next part, behind all orders of its level.
    25 OrderRefreshed {
        /// The order.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// Its side.
        side: Side,
        /// Its level, in ticks.
        price: Price,
        /// What the book shows of it, in lots.
        displayed: Qty,
        /// What is left of it in all, in lots.
        remaining: Qty,
    }

    /// A pegged order follows.
    26 OrderRepriced {
        /// The order.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// Its side.
        side: Side,
        /// Its price on the book now, in ticks; 0 where it has nothing to follow.
        price: Price,
        /// What is left of it, in lots.
        remaining: Qty,
    }

    /// An order lost quantity without a trade, to prevent a self-trade.
    27 OrderDecremented {
        /// The order.
        order_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// How much, in lots.
        by: Qty,
        /// Its total now, in lots.
        qty: Qty,
        /// What is left of it, in lots.
        remaining: Qty,
        /// The client's id; empty for none.
        client_order_id: ClientOrderId,
    }

    /// Orders that were just accepted belong together.
    28 OrderListPlaced {
        /// The order id of leg 0.
        list_id: OrderId,
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// How they belong together.
        kind: ListKind,
        /// The order id of leg 1.
        leg_1: OrderId,
        /// The order id of leg 2; 0 for none.
        leg_2: OrderId,
    }

    /// An account's orders are cancelled then, unless this comes again.
    29 CancelAfterSet {
        /// The account.
        account: AccountId,
        /// When, in ns since the epoch; 0 for never.
        deadline_ns: i64,
    }

    /// The total on one level of a book is now this.
    32 LevelChanged {
        /// In which instrument.
        instrument: InstrumentId,
        /// Bids or asks.
        side: Side,
        /// The level, in ticks.
        price: Price,
        /// All that rests there, in lots; 0 when the level is gone.
        qty: Qty,
        /// How many orders.
        order_count: u32,
    }

    /// An instrument has a mark price.
    33 MarkChanged {
        /// The instrument.
        instrument: InstrumentId,
        /// The price, in ticks.
        price: Price,
    }

    /// What an instrument takes has changed.
    34 TradingStateChanged {
        /// The instrument.
        instrument: InstrumentId,
        /// What it takes now.
        state: TradingState,
        /// Why.
        reason: StateReason,
        /// When it ends by itself, in ns since the epoch; 0 for never.
        until_ns: i64,
    }

    /// What an auction would do if it ended now.
    35 AuctionIndicated {
        /// The instrument.
        instrument: InstrumentId,
        /// At which price, in ticks; 0 where nothing would trade.
        price: Price,
        /// How much, in lots.
        qty: Qty,
        /// Bids less asks that would stay at that price, in lots.
        surplus: Qty,
    }

    /// An auction ended; its trades follow.
    36 AuctionUncrossed {
        /// The instrument.
        instrument: InstrumentId,
        /// The price of all its trades, in ticks; 0 where nothing trades.
        price: Price,
        /// How much trades in all, in lots.
        qty: Qty,
    }

    /// When the next auction is.
    37 AuctionScheduled {
        /// The instrument.
        instrument: InstrumentId,
        /// When the call begins, in ns since the epoch; 0 for no auction.
        start_ns: i64,
        /// When the book is uncrossed, in ns since the epoch; 0 for no auction.
        end_ns: i64,
    }

    /// An account's position is now this: once per command and position, before the balances.
    38 PositionChanged {
        /// Whose.
        account: AccountId,
        /// In which instrument.
        instrument: InstrumentId,
        /// Net lots; negative for short.
        qty: Qty,
        /// What it was entered for, in quote minor units; of the sign of `qty`.
        cost: Amount,
        /// Profit realised so far, before fees, in quote minor units.
        realised: Amount,
        /// Fees paid so far, less rebates, in quote minor units.
        fees: Amount,
    }

    /// A limit of the risk gate is set.
    39 LimitChanged {
        /// Whom it binds.
        scope: Scope,
        /// The id of that group or account; 0 for the firm.
        scope_id: u32,
        /// What it bounds.
        kind: LimitKind,
        /// The instrument or the asset that it is about; 0 where the kind has none.
        subject: u32,
        /// The bound, in the kind's unit; negative for none.
        value: i128,
        /// For rates: how many at once.
        burst: u32,
        /// How often limits were set.
        version: u32,
    }

    /// The use of a limit passed 80 % or 100 % of it, or came back.
    40 LimitUsed {
        /// Whom it binds.
        scope: Scope,
        /// The id of that group or account; 0 for the firm.
        scope_id: u32,
        /// What it bounds.
        kind: LimitKind,
        /// The instrument or the asset that it is about; 0 where the kind has none.
        subject: u32,
        /// How much is used, in the kind's unit.
        used: i128,
        /// The bound.
        limit: i128,
        /// The highest mark that was reached: 0, 80 or 100 per cent.
        level: u8,
    }

    /// What the firm, a group, an account or an instrument may still do has changed.
    41 RiskStateChanged {
        /// Whom it binds.
        scope: Scope,
        /// The id of that group, account or instrument; 0 for the firm.
        scope_id: u32,
        /// What is left to them.
        state: RiskState,
    }

    /// A kill switch is on: every order so far is dead.
    42 KillSwitchSet {
        /// Whom it binds.
        scope: Scope,
        /// The id of that group or account; 0 for the firm.
        scope_id: u32,
        /// Orders up to this id are dead.
        last_order_id: OrderId,
    }

    /// Somebody asked to reset a kill switch; a second step by another key does it.
    43 KillResetAsked {
        /// Whom it binds.
        scope: Scope,
        /// The id of that group or account; 0 for the firm.
        scope_id: u32,
    }

    /// A kill switch is off.
    44 KillSwitchReset {
        /// Whom it binds.
        scope: Scope,
        /// The id of that group or account; 0 for the firm.
        scope_id: u32,
    }

    /// A fee tier is set.
    45 FeeTierChanged {
        /// The quote asset.
        asset: AssetId,
        /// Which tier.
        tier: u8,
        /// From how much notional traded in 30 days it holds; negative where it was taken away.
        threshold: Amount,
        /// Fee of the resting side; negative for a rebate.
        maker_fee: FeeRate,
        /// Fee of the arriving side.
        taker_fee: FeeRate,
    }

    /// What was due is done, or the first part of it.
    46 Ticked {
        /// Orders that were closed.
        closed: u32,
        /// Whether more is due now.
        more: bool,
    }

    /// A record broke the core: it is void, on every replica. An alarm.
    47 RecordVoided {
        /// The record.
        voided_seq: Seq,
        /// Its instrument, which is halted; 0 for none.
        instrument: InstrumentId,
    }

    /// A key may act for an account.
    48 KeyIssued {
        /// Its index.
        key: KeyIndex,
        /// Its public name.
        key_id: KeyId,
        /// The account.
        account: AccountId,
        /// How it is proved.
        scheme: KeyScheme,
        /// Permission bits.
        permissions: u8,
        /// What it is for; empty for nothing in particular.
        label: KeyLabel,
        /// From when on it is refused, in ns since the epoch; 0 for never.
        expire_ns: i64,
        /// Whether it is refused until it is bound.
        waits: bool,
    }

    /// A key is bound to these, and to nothing where a list is empty.
    49 KeyBound {
        /// Which key.
        key: KeyIndex,
        /// The accounts that it may act for beside its own.
        accounts: IdList,
        /// The only instruments that it may trade.
        instruments: IdList,
        /// The only networks that it may come from.
        networks: NetworkList,
    }

    /// A key is refused for ever.
    50 KeyRevoked {
        /// Which key.
        key: KeyIndex,
        /// Its public name.
        key_id: KeyId,
    }

    /// A person's key has another password.
    54 PasswordChanged {
        /// Which key.
        key: KeyIndex,
        /// Its public name.
        key_id: KeyId,
    }

    /// The tokens of a session are refused.
    55 SessionEnded {
        /// Whose they were.
        key: KeyIndex,
        /// The number of the session.
        session: u64,
        /// From when on they are refused in any case, in ns since the epoch.
        until_ns: i64,
    }

    /// A withdrawal waits for a second person; what it asks for is held.
    56 WithdrawalHeld {
        /// The seq of the request.
        withdrawal_id: Seq,
        /// Whose.
        account: AccountId,
        /// Which asset.
        asset: AssetId,
        /// How much, in minor units.
        amount: Amount,
        /// The request's id; 0 for none.
        request_id: RequestId,
        /// The key that asked; 0 for the node itself.
        asked_by: KeyIndex,
        /// When it expires, in ns since the epoch.
        expire_ns: i64,
    }

    /// A withdrawal waits no more; an approved one has its `Withdrawn` behind this.
    57 WithdrawalEnded {
        /// The seq of the request.
        withdrawal_id: Seq,
        /// Whose.
        account: AccountId,
        /// Which asset.
        asset: AssetId,
        /// How much, in minor units.
        amount: Amount,
        /// How.
        end: WithdrawalEnd,
        /// The key that ended it; 0 for the node itself.
        ended_by: KeyIndex,
    }

    /// A withdrawal cap is to be raised; it is, once a second person asks for the same.
    58 WithdrawalCapProposed {
        /// The asset.
        asset: AssetId,
        /// The cap that is proposed, in minor units.
        cap: Amount,
        /// The key that proposed it.
        asked_by: KeyIndex,
    }

    /// A withdrawal cap is set.
    59 WithdrawalCapChanged {
        /// The asset.
        asset: AssetId,
        /// What an account may withdraw in a day without a second person, in minor units.
        cap: Amount,
        /// How often the asset's cap was set.
        version: u32,
    }

    /// The orders of a session are to be cancelled when it ends, or no longer.
    60 CancelOnDisconnectSet {
        /// Whose orders.
        account: AccountId,
        /// The gateway's number of the session.
        session: u64,
        /// Whether they are.
        enabled: bool,
    }
}
