//! The words of events for where things stand, and how they end.

use crate::money::byte_enum;

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
        /// Not on the book: it waits for its trigger, its peg's reference or its list.
        Waiting = 4 => "waiting",
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
        /// It met an order of the same account or trade group.
        SelfTrade = 10 => "self_trade",
        /// Its time has passed.
        Expiry = 11 => "expiry",
        /// Less than its smallest quantity could be filled at once.
        MinQty = 12 => "min_qty",
        /// It would no longer have made the position smaller.
        ReduceOnly = 13 => "reduce_only",
        /// The next price is beyond the slippage bound.
        Slippage = 14 => "slippage",
        /// A kill switch.
        KillSwitch = 15 => "kill_switch",
        /// The account's dead man's switch.
        DeadMan = 16 => "dead_man",
        /// Another order took its place.
        Replaced = 17 => "replaced",
        /// Another order of its list acted, or ended.
        List = 18 => "list",
        /// The auction for which it was placed is over.
        AuctionEnd = 19 => "auction_end",
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

byte_enum! {
    /// How a withdrawal that waited for a second person ended.
    WithdrawalEnd, "withdrawal_end" {
        /// A second person let it go out.
        Approved = 0 => "approved",
        /// An operator refused it.
        Rejected = 1 => "rejected",
        /// The account took it back.
        Cancelled = 2 => "cancelled",
        /// Nobody approved it in time.
        Expired = 3 => "expired",
    }
}
