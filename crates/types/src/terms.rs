//! What orders, instruments and limits can be beyond the plain: the small enums of part 2's rules.

use crate::money::{Side, byte_enum};

byte_enum! {
    /// What happens where an order would trade with one of the same account or trade group. The
    /// arriving order's mode rules.
    SelfTrade, "self_trade" {
        /// They trade.
        None = 0 => "none",
        /// The arriving order ends.
        ExpireTaker = 1 => "expire_taker",
        /// The resting order ends.
        ExpireMaker = 2 => "expire_maker",
        /// Both end.
        ExpireBoth = 3 => "expire_both",
        /// Both lose the smaller of the two quantities, without a trade.
        Decrement = 4 => "decrement",
    }
}

byte_enum! {
    /// What makes a conditional order act.
    Trigger, "trigger" {
        /// Nothing: it acts at once.
        None = 0 => "none",
        /// The reference rises to a buy's trigger price, falls to a sell's.
        Stop = 1 => "stop",
        /// The reference falls to a buy's trigger price, rises to a sell's.
        TakeProfit = 2 => "take_profit",
        /// A stop that follows the reference at a distance in ticks.
        TrailTicks = 3 => "trail_ticks",
        /// A stop that follows the reference at a distance in basis points of it.
        TrailBp = 4 => "trail_bp",
    }
}

byte_enum! {
    /// Which price triggers look at.
    TriggerOn, "trigger_on" {
        /// The last trade's.
        Last = 0 => "last",
        /// The mark.
        Mark = 1 => "mark",
    }
}

byte_enum! {
    /// What a pegged order's price follows.
    Peg, "peg" {
        /// Nothing.
        None = 0 => "none",
        /// The best bid that is not pegged.
        Bid = 1 => "bid",
        /// The best ask that is not pegged.
        Ask = 2 => "ask",
        /// Half way between them.
        Mid = 3 => "mid",
    }
}

byte_enum! {
    /// How a list of orders belongs together.
    ListKind, "list_kind" {
        /// One cancels the other.
        Oco = 0 => "oco",
        /// One triggers the other.
        Oto = 1 => "oto",
        /// One triggers a pair of which one cancels the other.
        Otoco = 2 => "otoco",
    }
}

byte_enum! {
    /// Which side's orders a mass cancel takes.
    SideFilter, "side_filter" {
        /// Both.
        Both = 0 => "both",
        /// Bids.
        Buy = 1 => "buy",
        /// Asks.
        Sell = 2 => "sell",
    }
}

impl SideFilter {
    /// Whether orders of this side are meant.
    pub const fn takes(self, side: Side) -> bool {
        match self {
            Self::Both => true,
            Self::Buy => matches!(side, Side::Buy),
            Self::Sell => matches!(side, Side::Sell),
        }
    }
}

byte_enum! {
    /// How an arriving order is shared among the orders of a level.
    MatchingMode, "matching_mode" {
        /// The oldest first.
        PriceTime = 0 => "price_time",
        /// By size; what rounding leaves goes to the oldest.
        ProRata = 1 => "pro_rata",
    }
}

byte_enum! {
    /// What an instrument's prices are measured against.
    ReferenceKind, "reference_kind" {
        /// The last trade.
        Last = 0 => "last",
        /// Half way between best bid and best ask.
        Mid = 1 => "mid",
        /// The mark.
        Mark = 2 => "mark",
    }
}

byte_enum! {
    /// What an instrument takes now.
    TradingState, "trading_state" {
        /// Everything.
        Open = 0 => "open",
        /// Cancels only.
        CancelOnly = 1 => "cancel_only",
        /// Cancels, and orders that rest without trading.
        PostOnly = 2 => "post_only",
        /// Nothing.
        Halted = 3 => "halted",
        /// Orders are collected, to trade all at one price when the auction ends.
        Auction = 4 => "auction",
    }
}

byte_enum! {
    /// Why a trading state changed.
    StateReason, "state_reason" {
        /// An operator's command.
        Command = 0 => "command",
        /// The price moved beyond the band.
        Band = 1 => "band",
        /// More stops were due than one command may trigger.
        Stops = 2 => "stops",
        /// The schedule.
        Schedule = 3 => "schedule",
        /// The call is over and the book is uncrossed.
        Uncrossed = 4 => "uncrossed",
        /// A record of this instrument broke the core.
        Void = 5 => "void",
    }
}

byte_enum! {
    /// Whom a limit, a risk state or a kill switch binds.
    Scope, "scope" {
        /// Everyone.
        Firm = 0 => "firm",
        /// The accounts of a group.
        Group = 1 => "group",
        /// One account.
        Account = 2 => "account",
        /// All orders in one instrument.
        Instrument = 3 => "instrument",
    }
}

byte_enum! {
    /// What somebody may still do.
    RiskState, "risk_state" {
        /// Everything within the limits.
        Active = 0 => "active",
        /// Only what makes positions smaller.
        Reducing = 1 => "reducing",
        /// Nothing but cancel.
        Halted = 2 => "halted",
    }
}

byte_enum! {
    /// What a limit bounds.
    LimitKind, "limit_kind" {
        /// Lots of one order; by instrument.
        OrderQty = 0 => "order_qty",
        /// Notional of one order, in quote minor units; by quote asset.
        OrderNotional = 1 => "order_notional",
        /// Open orders, conditional ones apart.
        OpenOrders = 2 => "open_orders",
        /// Conditional orders that wait.
        ConditionalOrders = 3 => "conditional_orders",
        /// Net lots long or short, open orders of the worse side included; by instrument.
        Position = 4 => "position",
        /// Sum of all positions and open orders at the reference, in quote minor units; by quote
        /// asset.
        GrossNotional = 5 => "gross_notional",
        /// Net of all positions with the open orders of the worse side, in quote minor units; by
        /// quote asset.
        NetNotional = 6 => "net_notional",
        /// Orders per second, with a burst.
        OrderRate = 7 => "order_rate",
        /// Placements, amendments and replacements per second, refused ones included, with a burst.
        MessageRate = 8 => "message_rate",
        /// How long the same order may not come again, in nanoseconds.
        DuplicateWindow = 9 => "duplicate_window",
        /// Loss since the day began, in quote minor units; by quote asset.
        DailyLoss = 10 => "daily_loss",
        /// Loss since the best there was, in quote minor units; by quote asset.
        Drawdown = 11 => "drawdown",
    }
}
