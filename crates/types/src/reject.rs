//! The one numbered table of rejects. Documentation, stub and client constants come from it.
//!
//! Invariant: a number is never used again for something else.

use crate::codec::{Field as Encoded, Reader, Writer};
use crate::money::byte_enum;

/// Who refuses: the edge before the log, or the core after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The gateway: the request never reached the log (`not_sent`).
    Gateway,
    /// The core: the request is in the log and changed nothing (`rejected`).
    Core,
}

macro_rules! rejects {
    ($( $number:literal $variant:ident $origin:ident $text:literal $doc:literal; )+) => {
        /// Why a request was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        #[repr(u16)]
        pub enum RejectCode {
            $( #[doc = $doc] $variant = $number, )+
        }

        impl RejectCode {
            /// The whole table, by number.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The number in records.
            pub const fn number(self) -> u16 {
                match self { $( Self::$variant => $number, )+ }
            }

            /// The code with this number.
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $( $number => Some(Self::$variant), )+ _ => None }
            }

            /// The code clients see.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $text, )+ }
            }

            /// What it means.
            pub const fn doc(self) -> &'static str {
                match self { $( Self::$variant => $doc, )+ }
            }

            /// Who refuses with it.
            pub const fn origin(self) -> Origin {
                match self { $( Self::$variant => Origin::$origin, )+ }
            }
        }
    };
}

rejects! {
    1 BadFrame Gateway "BAD_FRAME" "The frame or the HTTP request breaks the protocol.";
    2 BadJson Gateway "BAD_JSON" "The text is not one strict JSON object.";
    3 TooLarge Gateway "TOO_LARGE" "The message is larger than the limit.";
    4 TooDeep Gateway "TOO_DEEP" "The JSON nests deeper than the limit.";
    5 UnknownOp Gateway "UNKNOWN_OP" "There is no such operation.";
    6 UnknownField Gateway "UNKNOWN_FIELD" "The request has a field that the operation does not know.";
    7 DuplicateField Gateway "DUPLICATE_FIELD" "A key stands twice in one object.";
    8 MissingField Gateway "MISSING_FIELD" "A required field is absent.";
    9 WrongType Gateway "WRONG_TYPE" "The field's JSON type is not the one the operation takes.";
    10 InvalidValue Gateway "INVALID_VALUE" "The field's text means nothing here.";
    11 NumberOutOfRange Gateway "NUMBER_OUT_OF_RANGE" "The number does not fit.";
    12 OffTick Gateway "OFF_TICK" "The price is not a whole number of ticks.";
    13 OffLot Gateway "OFF_LOT" "The quantity is not a whole number of lots.";
    14 OffMinorUnit Gateway "OFF_MINOR_UNIT" "The amount is finer than the asset's minor unit.";
    15 UnknownSymbol Gateway "UNKNOWN_SYMBOL" "No instrument has this symbol.";
    16 NotLoggedOn Gateway "NOT_LOGGED_ON" "The operation needs a logon first.";
    17 LogonFailed Gateway "LOGON_FAILED" "The key is unknown, or the signature, the password or the token is wrong.";
    18 AlreadyLoggedOn Gateway "ALREADY_LOGGED_ON" "The session is logged on.";
    19 UnknownChannel Gateway "UNKNOWN_CHANNEL" "There is no such channel.";
    20 NotSubscribed Gateway "NOT_SUBSCRIBED" "The session has no such subscription.";
    21 TooManySubscriptions Gateway "TOO_MANY_SUBSCRIPTIONS" "The session has as many subscriptions as the limit.";
    22 Overloaded Gateway "OVERLOADED" "A queue is full; nothing was done; try again.";
    23 DeadlinePassed Gateway "DEADLINE_PASSED" "The request's deadline was over before it reached the log.";
    24 ResumeTooOld Gateway "RESUME_TOO_OLD" "What was asked for is no longer kept here.";
    25 ShuttingDown Gateway "SHUTTING_DOWN" "The node is stopping and takes no new commands.";
    26 NotFound Gateway "NOT_FOUND" "There is no such route.";
    27 RateLimited Gateway "RATE_LIMITED" "The key, the account or the address asks for more than it may; try again later.";
    28 RequestExpired Gateway "REQUEST_EXPIRED" "The request's time is not within its window of now.";
    29 NoSecrets Gateway "NO_SECRETS" "This node has no master key, or cannot write data keys.";
    30 SeqNotReached Gateway "SEQ_NOT_REACHED" "This node has not applied that seq in time.";
    31 RetryLogon Gateway "RETRY_LOGON" "As many passwords wait to be checked as may; try again later.";
    32 TokenExpired Gateway "TOKEN_EXPIRED" "The time of the token or of its session is over: log on again.";
    33 SessionOver Gateway "SESSION_OVER" "The session of the token was ended: log on again.";
    34 PasswordTooShort Gateway "PASSWORD_TOO_SHORT" "The password has fewer characters than the node asks for.";
    35 MethodNotAllowed Gateway "METHOD_NOT_ALLOWED" "The route is not asked with this method.";
    36 StoreDown Gateway "STORE_DOWN" "The node has no store of history, or it cannot be read now; trading goes on.";

    100 UnknownKey Core "UNKNOWN_KEY" "The key does not exist.";
    101 NotPermitted Core "NOT_PERMITTED" "The key may not do this, or not for this account.";
    102 UnknownAccount Core "UNKNOWN_ACCOUNT" "The account does not exist.";
    103 UnknownAsset Core "UNKNOWN_ASSET" "The asset does not exist.";
    104 UnknownInstrument Core "UNKNOWN_INSTRUMENT" "The instrument does not exist.";
    105 AlreadyExists Core "ALREADY_EXISTS" "The name is taken.";
    106 InvalidName Core "INVALID_NAME" "The name is not of the form this kind of thing has.";
    107 InvalidInstrument Core "INVALID_INSTRUMENT" "The instrument's rules contradict each other or the limits.";
    108 TableFull Core "TABLE_FULL" "There are as many of these as the limit.";
    109 InvalidCombination Core "INVALID_COMBINATION" "Fields that exclude each other are both set.";
    110 PriceOutOfRange Core "PRICE_OUT_OF_RANGE" "The price is not between one tick and the limit.";
    111 QtyBelowMin Core "QTY_BELOW_MIN" "The quantity is below the instrument's smallest.";
    112 QtyAboveMax Core "QTY_ABOVE_MAX" "The quantity is above the instrument's largest.";
    113 NotionalBelowMin Core "NOTIONAL_BELOW_MIN" "The notional is below the instrument's smallest.";
    114 NotionalAboveMax Core "NOTIONAL_ABOVE_MAX" "The notional is larger than the system takes.";
    115 AmountOutOfRange Core "AMOUNT_OUT_OF_RANGE" "The amount is not between one minor unit and the limit.";
    116 InsufficientBalance Core "INSUFFICIENT_BALANCE" "The account has not enough available.";
    117 PostOnlyWouldTrade Core "POST_ONLY_WOULD_TRADE" "A post-only order would have traded at once.";
    118 TooManyOpenOrders Core "TOO_MANY_OPEN_ORDERS" "The account has as many open orders as the limit.";
    119 OrderNotFound Core "ORDER_NOT_FOUND" "The account has no such open order.";
    120 ClientOrderIdConflict Core "CLIENT_ORDER_ID_CONFLICT" "The client order id was used for another order.";
    121 RequestIdConflict Core "REQUEST_ID_CONFLICT" "The request id was used for another request.";
    122 GenesisExists Core "GENESIS_EXISTS" "The log has begun already.";
    123 GenesisMissing Core "GENESIS_MISSING" "The log has not begun.";
    124 StaleIncarnation Core "STALE_INCARNATION" "The record is of an earlier start of its node.";
    125 TriggerWouldFire Core "TRIGGER_WOULD_FIRE" "The reference is at or past the trigger price already.";
    126 TimeOutOfRange Core "TIME_OUT_OF_RANGE" "The time is past, or further ahead than the limit.";
    127 TooManyConditionalOrders Core "TOO_MANY_CONDITIONAL_ORDERS" "As many conditional orders wait as the limit.";
    128 TooManyFollowers Core "TOO_MANY_FOLLOWERS" "The instrument has as many pegged and trailing orders as the limit.";
    129 TradingStateForbids Core "TRADING_STATE" "The instrument's trading state does not take this.";
    130 NoReference Core "NO_REFERENCE" "There is no price yet to measure this against.";
    131 ReduceOnlyWouldIncrease Core "REDUCE_ONLY" "The order would not only reduce the position.";
    132 RiskPriceCollar Core "RISK_PRICE_COLLAR" "The price is further from the reference than the collar.";
    133 RiskOrderQty Core "RISK_ORDER_QTY" "The quantity is above the limit for one order.";
    134 RiskOrderNotional Core "RISK_ORDER_NOTIONAL" "The notional is above the limit for one order.";
    135 RiskPosition Core "RISK_POSITION" "The position could pass its limit.";
    136 RiskGrossNotional Core "RISK_GROSS_NOTIONAL" "The gross notional could pass its limit.";
    137 RiskNetNotional Core "RISK_NET_NOTIONAL" "The net notional could pass its limit.";
    138 RiskOrderRate Core "RISK_ORDER_RATE" "Orders come faster than the limit.";
    139 RiskMessageRate Core "RISK_MESSAGE_RATE" "Messages come faster than the limit.";
    140 RiskDuplicateOrder Core "RISK_DUPLICATE_ORDER" "The same order came a moment ago.";
    141 RiskDailyLoss Core "RISK_DAILY_LOSS" "The day's loss has reached its limit: only reducing orders.";
    142 RiskDrawdown Core "RISK_DRAWDOWN" "The drawdown has reached its limit: only reducing orders.";
    143 RiskReducing Core "RISK_REDUCING" "Only what reduces a position is taken.";
    144 RiskHalted Core "RISK_HALTED" "Nothing but cancels is taken.";
    145 KillSwitchOn Core "KILL_SWITCH_ON" "The kill switch is on.";
    146 KillSwitchState Core "KILL_SWITCH_STATE" "The kill switch is not in the state that this step needs.";
    147 UnknownGroup Core "UNKNOWN_GROUP" "The group does not exist.";
    148 LimitBindsAsker Core "LIMIT_BINDS_ASKER" "Nobody raises a limit, or lifts a block, that binds the own account.";
    149 Voided Core "VOIDED" "The record broke the core and is void.";
    150 KeyRevoked Core "KEY_REVOKED" "The key was revoked.";
    151 KeyExpired Core "KEY_EXPIRED" "The key's time is over.";
    152 KeyNotBound Core "KEY_NOT_BOUND" "The key works only once it is bound to something.";
    153 NonceUsed Core "NONCE_USED" "The nonce was used, or is too far behind the key's highest.";

    160 UnknownWithdrawal Core "UNKNOWN_WITHDRAWAL" "No such withdrawal waits.";
    161 SecondPersonNeeded Core "SECOND_PERSON_NEEDED" "Another person must do this: neither who asked nor who gains.";
}

impl Encoded for RejectCode {
    const TYPE: &'static str = "reject_code";
    const BYTES_MAX: usize = <u16 as Encoded>::BYTES_MAX;
    #[inline]
    fn put(&self, out: &mut Writer<'_>) {
        self.number().put(out);
    }
    fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        <u16 as Encoded>::decode(reader).and_then(Self::from_number)
    }
}

byte_enum! {
    /// Which field or limit a reject names.
    Field, "field" {
        /// None in particular.
        None = 0 => "",
        /// The account.
        Account = 1 => "account",
        /// The key.
        Key = 2 => "key_id",
        /// The symbol.
        Symbol = 3 => "symbol",
        /// The side.
        Side = 4 => "side",
        /// The order type.
        OrderType = 5 => "type",
        /// The time in force.
        TimeInForce = 6 => "tif",
        /// Post only.
        PostOnly = 7 => "post_only",
        /// The quantity.
        Qty = 8 => "qty",
        /// The price.
        Price = 9 => "price",
        /// The notional.
        Notional = 10 => "notional",
        /// The client order id.
        ClientOrderId = 11 => "client_order_id",
        /// The order id.
        OrderId = 12 => "order_id",
        /// The request id.
        RequestId = 13 => "request_id",
        /// The asset.
        Asset = 14 => "asset",
        /// An amount of money.
        Amount = 15 => "amount",
        /// A name.
        Name = 16 => "name",
        /// The base asset.
        Base = 17 => "base",
        /// The quote asset.
        Quote = 18 => "quote",
        /// The tick size.
        TickSize = 19 => "tick_size",
        /// The lot size.
        LotSize = 20 => "lot_size",
        /// The smallest quantity.
        MinQty = 21 => "min_qty",
        /// The largest quantity.
        MaxQty = 22 => "max_qty",
        /// The smallest notional.
        MinNotional = 23 => "min_notional",
        /// The maker fee.
        MakerFee = 24 => "maker_fee",
        /// The taker fee.
        TakerFee = 25 => "taker_fee",
        /// The decimals of an asset.
        Scale = 26 => "scale",
        /// What must be available.
        Available = 27 => "available",
        /// Permissions.
        Permissions = 28 => "permissions",
        /// The incarnation.
        Incarnation = 29 => "incarnation",
        /// How many there may be.
        Count = 30 => "count",
        /// The self-trade prevention.
        SelfTrade = 31 => "self_trade",
        /// The trigger.
        Trigger = 32 => "trigger",
        /// The trigger price.
        TriggerPrice = 33 => "trigger_price",
        /// The distance of a trailing stop.
        Trail = 34 => "trail",
        /// The quantity shown.
        DisplayQty = 35 => "display_qty",
        /// What the price follows.
        Peg = 36 => "peg",
        /// The distance to what the price follows.
        PegOffset = 37 => "peg_offset",
        /// Reduce only.
        ReduceOnly = 38 => "reduce_only",
        /// When it expires.
        ExpireTime = 39 => "expire_time",
        /// The trading state, or a risk state.
        State = 40 => "state",
        /// Firm, group, account or instrument.
        Scope = 41 => "scope",
        /// Which of the scope's kind.
        ScopeId = 42 => "scope_id",
        /// What a limit is about: an instrument or an asset.
        Subject = 43 => "subject",
        /// The value of a limit.
        Limit = 44 => "limit",
        /// How many at once.
        Burst = 45 => "burst",
        /// A length of time.
        Timeout = 46 => "timeout",
        /// The collar.
        Collar = 47 => "collar",
        /// The slippage bound.
        Slippage = 48 => "slippage",
        /// The volatility band.
        Band = 49 => "band",
        /// The auction's length.
        AuctionTime = 50 => "auction_time",
        /// The auction fee.
        AuctionFee = 51 => "auction_fee",
        /// The fee tier.
        Tier = 52 => "tier",
        /// A threshold.
        Threshold = 53 => "threshold",
        /// The group.
        Group = 54 => "group",
        /// The trade group.
        TradeGroup = 55 => "trade_group",
        /// The seq of a record.
        Seq = 56 => "seq",
        /// The step of a reset.
        Step = 57 => "step",
        /// The legs of a list.
        Legs = 58 => "legs",
        /// The kind of a limit.
        LimitKind = 59 => "kind",
        /// The start of an auction.
        StartTime = 60 => "start_time",
        /// The end of an auction.
        EndTime = 61 => "end_time",
        /// What proves a key.
        Material = 62 => "material",
        /// Accounts that a key is bound to.
        Accounts = 63 => "accounts",
        /// Instruments that a key is bound to.
        Symbols = 64 => "symbols",
        /// Networks that a key is bound to.
        Networks = 65 => "networks",
        /// A nonce.
        Nonce = 66 => "nonce",
        /// A withdrawal that waits.
        WithdrawalId = 70 => "withdrawal_id",
        /// A withdrawal cap.
        Cap = 71 => "cap",
    }
}

byte_enum! {
    /// The unit of a reject's value and limit.
    Unit, "unit" {
        /// No value.
        None = 0 => "",
        /// Ticks of the command's instrument.
        Ticks = 1 => "ticks",
        /// Lots of the command's instrument.
        Lots = 2 => "lots",
        /// Minor units of the base asset of the command's instrument.
        BaseMinor = 3 => "base_minor",
        /// Minor units of the quote asset of the command's instrument.
        QuoteMinor = 4 => "quote_minor",
        /// Minor units of the asset that the command names.
        AssetMinor = 5 => "asset_minor",
        /// A plain number: an id, a count, a bit mask.
        Number = 6 => "number",
        /// Parts per million.
        Ppm = 7 => "ppm",
        /// Nanoseconds: a time since the epoch, or a length of time.
        Ns = 8 => "ns",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_reads_back_as_its_code_and_names_are_unique() {
        for (i, code) in RejectCode::ALL.iter().enumerate() {
            assert_eq!(RejectCode::from_number(code.number()), Some(*code));
            assert!(RejectCode::ALL.iter().skip(i + 1).all(|c| c.name() != code.name()));
        }
    }
}
