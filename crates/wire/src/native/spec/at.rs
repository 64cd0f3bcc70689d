//! Where each parameter of an operation stands in its table, for the decoder.

/// `session.logon`.
pub(crate) mod logon {
    pub(crate) const KEY_ID: usize = 0;
    pub(crate) const SIGNATURE: usize = 1;
    pub(crate) const TOKEN: usize = 2;
}

/// `session.open`, `password.set` and `password.change`.
pub(crate) mod people {
    pub(crate) const NAME: usize = 0;
    pub(crate) const PASSWORD: usize = 1;
    pub(crate) const OLD: usize = 0;
    pub(crate) const NEW: usize = 1;
}

/// `ping`.
pub(crate) const QUOTA: usize = 0;

/// `session.cancel_on_disconnect`.
pub(crate) const ENABLED: usize = 0;

/// `order.place`, and first in `order.replace`. What plain orders use comes before
/// [`crate::limits::PLAIN_PARAMS_MAX`].
pub(crate) mod place {
    pub(crate) const SYMBOL: usize = 0;
    pub(crate) const SIDE: usize = 1;
    pub(crate) const TYPE: usize = 2;
    pub(crate) const TIF: usize = 3;
    pub(crate) const QTY: usize = 4;
    pub(crate) const PRICE: usize = 5;
    pub(crate) const NOTIONAL: usize = 6;
    pub(crate) const POST_ONLY: usize = 7;
    pub(crate) const CLIENT_ORDER_ID: usize = 8;
    pub(crate) const TRIGGER_PRICE: usize = 9;
    pub(crate) const TRIGGER_ON: usize = 10;
    pub(crate) const TRAIL: usize = 11;
    pub(crate) const TRAIL_BP: usize = 12;
    pub(crate) const DISPLAY_QTY: usize = 13;
    pub(crate) const MIN_QTY: usize = 14;
    pub(crate) const PEG: usize = 15;
    pub(crate) const PEG_OFFSET: usize = 16;
    pub(crate) const REDUCE_ONLY: usize = 17;
    pub(crate) const SELF_TRADE: usize = 18;
    pub(crate) const EXPIRE_TIME: usize = 19;
}

/// The end of `order.replace`.
pub(crate) mod replace {
    pub(crate) const CANCEL_ORDER_ID: usize = 20;
    pub(crate) const CANCEL_CLIENT_ORDER_ID: usize = 21;
    pub(crate) const ALLOW_FAILURE: usize = 22;
}

/// `order.place_list`.
pub(crate) mod list {
    pub(crate) const KIND: usize = 0;
    pub(crate) const SYMBOL: usize = 1;
    pub(crate) const LEGS: usize = 2;
    pub(crate) const CLIENT_ORDER_ID: usize = 3;
}

/// One of the legs of `order.place_list`.
pub(crate) mod leg {
    pub(crate) const SIDE: usize = 0;
    pub(crate) const TYPE: usize = 1;
    pub(crate) const TIF: usize = 2;
    pub(crate) const QTY: usize = 3;
    pub(crate) const PRICE: usize = 4;
    pub(crate) const TRIGGER_PRICE: usize = 5;
    pub(crate) const TRIGGER_ON: usize = 6;
}

/// `order.cancel` and `order.amend`.
pub(crate) mod order {
    pub(crate) const ORDER_ID: usize = 0;
    pub(crate) const CLIENT_ORDER_ID: usize = 1;
    pub(crate) const QTY: usize = 2;
    pub(crate) const PRICE: usize = 3;
}

/// `order.cancel_all`, `orders.open` and `fills.get`.
pub(crate) const ONE_SYMBOL: usize = 0;

/// `order.cancel_all`.
pub(crate) mod cancel_all {
    pub(crate) const SIDE: usize = 1;
    pub(crate) const SESSION: usize = 2;
}

/// `order.place_batch`.
pub(crate) const ORDERS: usize = 0;

/// Where the paging of a list begins in its table: `limit`, `cursor`, `min_seq`.
pub(crate) mod page {
    pub(crate) const LIMIT: usize = 0;
    pub(crate) const CURSOR: usize = 1;
    pub(crate) const MIN_SEQ: usize = 2;
}

/// What `orders.history`, `fills.history` and `ledger.get` begin with; then comes [`span`].
pub(crate) mod history {
    /// The symbol, or of `ledger.get` the asset.
    pub(crate) const OF: usize = 0;
    pub(crate) const ORDER_ID: usize = 1;
    pub(crate) const CLIENT_ORDER_ID: usize = 2;
}

/// Which part of history; then comes [`page`].
pub(crate) mod span {
    pub(crate) const FROM_TIME: usize = 0;
    pub(crate) const TO_TIME: usize = 1;
    pub(crate) const FROM_SEQ: usize = 2;
    pub(crate) const COUNT: usize = 3;
}

/// `order.cancel_after`.
pub(crate) const TIMEOUT: usize = 0;

/// `account.deposit`.
pub(crate) mod deposit {
    pub(crate) const ASSET: usize = 0;
    pub(crate) const QTY: usize = 1;
    pub(crate) const REQUEST_ID: usize = 2;
}

/// `account.withdraw`; the request id is the first.
pub(crate) mod withdraw {
    pub(crate) const ASSET: usize = 1;
    pub(crate) const QTY: usize = 2;
}

/// `withdrawal_cap.set`; the request id is the first, the asset as in `account.withdraw`.
pub(crate) const CAP: usize = 2;

/// `withdrawal.cancel`, `withdrawal.approve` and `withdrawal.reject`; the request id is the first.
pub(crate) const WITHDRAWAL_ID: usize = 1;

/// `asset.create`; request id and name are the first.
pub(crate) mod asset {
    pub(crate) const SCALE: usize = 2;
}

/// `instrument.create`; the request id is the first.
pub(crate) mod listing {
    pub(crate) const SYMBOL: usize = 1;
    pub(crate) const TICK_SIZE: usize = 2;
    pub(crate) const LOT_SIZE: usize = 3;
    pub(crate) const MIN_QTY: usize = 4;
    pub(crate) const MAX_QTY: usize = 5;
    pub(crate) const MIN_NOTIONAL: usize = 6;
    pub(crate) const MAKER_FEE: usize = 7;
    pub(crate) const TAKER_FEE: usize = 8;
}

/// `key.create`, `key.bind` and `key.revoke`; the request id is the first.
pub(crate) mod key {
    pub(crate) const KEY_ID: usize = 1;
    pub(crate) const PERMISSIONS: usize = 2;
    pub(crate) const SCHEME: usize = 3;
    pub(crate) const PUBLIC_KEY: usize = 4;
    pub(crate) const LABEL: usize = 5;
    pub(crate) const EXPIRE_TIME: usize = 6;
    pub(crate) const WAITS: usize = 7;
    pub(crate) const PASSWORD: usize = 8;
    pub(crate) const ACCOUNTS: usize = 2;
    pub(crate) const SYMBOLS: usize = 3;
    pub(crate) const NETWORKS: usize = 4;
}

/// `subscribe` and `unsubscribe`.
pub(crate) mod subscribe {
    pub(crate) const CHANNEL: usize = 0;
    pub(crate) const SYMBOLS: usize = 1;
    pub(crate) const INTERVAL: usize = 2;
    pub(crate) const DEPTH: usize = 3;
    pub(crate) const FROM_SEQ: usize = 4;
}

/// What operators send: the request id is always the first.
pub(crate) mod admin {
    pub(crate) const REQUEST_ID: usize = 0;
    /// `group.create`.
    pub(crate) const NAME: usize = 1;
    /// `instrument.configure`, `instrument.state`, `mark.set`, `auction.schedule`.
    pub(crate) const SYMBOL: usize = 1;
    /// `instrument.state`.
    pub(crate) const STATE: usize = 2;
    /// `mark.set`.
    pub(crate) const PRICE: usize = 2;
    /// `limit.set`, `risk.set_state`, `kill.switch`, `kill.reset`.
    pub(crate) const SCOPE: usize = 1;
    /// The same.
    pub(crate) const SCOPE_ID: usize = 2;
    /// `risk.set_state`.
    pub(crate) const RISK_STATE: usize = 3;
    /// `kill.reset`.
    pub(crate) const STEP: usize = 3;

    /// `account.configure`.
    pub(crate) mod account {
        pub(crate) const GROUP: usize = 1;
        pub(crate) const TRADE_GROUP: usize = 2;
    }

    /// `instrument.configure`.
    pub(crate) mod instrument {
        pub(crate) const MATCHING: usize = 2;
        pub(crate) const REFERENCE: usize = 3;
        pub(crate) const COLLAR: usize = 4;
        pub(crate) const SLIPPAGE: usize = 5;
        pub(crate) const BAND: usize = 6;
        pub(crate) const AUCTION_TIME: usize = 7;
        pub(crate) const AUCTION_FEE: usize = 8;
    }

    /// `fees.set_tier`.
    pub(crate) mod tier {
        pub(crate) const ASSET: usize = 1;
        pub(crate) const TIER: usize = 2;
        pub(crate) const THRESHOLD: usize = 3;
        pub(crate) const MAKER_FEE: usize = 4;
        pub(crate) const TAKER_FEE: usize = 5;
    }

    /// `limit.set`.
    pub(crate) mod limit {
        pub(crate) const KIND: usize = 3;
        pub(crate) const SUBJECT: usize = 4;
        pub(crate) const LIMIT: usize = 5;
        pub(crate) const BURST: usize = 6;
    }

    /// `auction.schedule`.
    pub(crate) mod auction {
        pub(crate) const START_TIME: usize = 2;
        pub(crate) const END_TIME: usize = 3;
    }
}
