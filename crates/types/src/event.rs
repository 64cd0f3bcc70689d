//! Events: facts that followed from a command. Past tense; never rejected.
//!
//! An event carries all that a row about it needs; its seq and time are its record's.

use crate::ids::{AccountId, AssetId, InstrumentId, KeyIndex, OrderId, RequestId, Seq, TradeId};
use crate::message::messages;
use crate::money::{Amount, FeeRate, OrderType, Price, Qty, Side, TimeInForce, byte_enum};
use crate::reject::{Field, RejectCode, Unit};
use crate::text::{AccountName, AssetName, ClientOrderId, KeyId, Symbol};

byte_enum! {
    /// Where an order stands.
    OrderState, "order_state" {
        /// On the book.
        Open = 0 => "open",
        /// Filled completely.
        Filled = 1 => "filled",
        /// Cancelled by its owner.
        Cancelled = 2 => "cancelled",
        /// Ended by the core: what could not be done at once.
        Expired = 3 => "expired",
    }
}

byte_enum! {
    /// Why an order closed.
    CloseReason, "close_reason" {
        /// Nothing is left of it.
        Filled = 0 => "filled",
        /// Its owner cancelled it.
        CancelRequested = 1 => "cancel_requested",
        /// Its owner cancelled everything.
        CancelAll = 2 => "cancel_all",
        /// Its owner amended it to what was filled already, or less.
        AmendedToFilled = 3 => "amended_to_filled",
        /// Immediate-or-cancel: the rest could not be filled at its price.
        ImmediateOrCancel = 4 => "immediate_or_cancel",
        /// Fill-or-kill: not all of it could be filled.
        FillOrKill = 5 => "fill_or_kill",
        /// A market order met an empty book.
        NoLiquidity = 6 => "no_liquidity",
        /// A market order could not pay for the next lot.
        InsufficientBalance = 7 => "insufficient_balance",
        /// One command may make only so many fills.
        FillLimit = 8 => "fill_limit",
        /// A market order by notional has no whole lot left to spend.
        NotionalSpent = 9 => "notional_spent",
    }
}

byte_enum! {
    /// Which part an order had in a trade.
    Role, "role" {
        /// It rested.
        Maker = 0 => "maker",
        /// It arrived.
        Taker = 1 => "taker",
    }
}

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
        /// What open orders hold, in minor units.
        held: Amount,
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
}
