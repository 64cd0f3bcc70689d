//! Every operation: its parameters, its result, an example.

use coulisse_types::{
    KeyScheme, LimitKind, ListKind, MatchingMode, OrderType, Peg, ReferenceKind, RiskState, Scope,
    SelfTrade, Side, TimeInForce, TradingState, Trigger, TriggerOn,
};

use super::channels::CHANNEL_NAMES;
use super::pages::{
    CURSOR, FROM_SEQ, FROM_TIME, HISTORY_CURSOR, HISTORY_MIN_SEQ, HISTORY_NEXT, HISTORY_SEQ, LIMIT,
    MIN_SEQ, NEXT_CURSOR, STORE_SEQ, TO_TIME,
};
use super::{Access, BodyField, OpSpec, ParamKind, ParamSpec, field, optional, required};

macro_rules! ops {
    ($( $(#[doc = $doc:literal])+ $variant:ident $name:literal $access:ident
        $params:expr => [$($result:expr),* $(,)?] $example:literal; )+) => {
        /// An operation that a client may ask for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Op {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl Op {
            /// Every operation.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The operation with this name.
            pub fn from_name(name: &[u8]) -> Option<Self> {
                $( if name == $name.as_bytes() { return Some(Self::$variant); } )+
                None
            }

            /// Its entry in the table.
            pub const fn spec(self) -> &'static OpSpec {
                match self {
                    $( Self::$variant => &const { OpSpec {
                        op: Self::$variant,
                        name: $name,
                        doc: concat!($($doc),+),
                        access: Access::$access,
                        params: &$params,
                        result: &[$($result),*],
                        example: $example,
                    } }, )+
                }
            }
        }
    };
}

pub(super) const ORDER_ID: BodyField = field("order_id", "string", "The order.");
pub(super) const ORDER_CLIENT_ID: BodyField =
    field("client_order_id", "string?", "The client's id, if it has one.");
const STATE: BodyField = field(
    "state",
    "string",
    "After this command: `open`, `waiting` (for its trigger, its peg's reference or its list), `filled`, `cancelled` or `expired`.",
);
const REASON: BodyField = field(
    "reason",
    "string?",
    "Why it closed, if this command closed it; one of the [close reasons](events.md).",
);
const FILLED: BodyField = field("filled", "decimal", "What is filled of it in all.");
const DUPLICATE: BodyField = field(
    "duplicate",
    "boolean?",
    "`true`: an order with this client id and this body stands already; nothing was done.",
);
const FIRST_SEQ: BodyField =
    field("first_seq", "integer?", "With `duplicate`: the seq at which it was accepted.");
const VERSION: BodyField =
    field("version", "integer?", "How often it was set so far; absent of a duplicate.");
const WITHDRAWALS: BodyField = field(
    "withdrawals",
    "array",
    "Per withdrawal `withdrawal_id`, `account`, `asset`, `qty`, `state` (`pending`), `asked_by` (the key that asked; absent: the node itself), `request_id` and `expire_time`.",
);
const WITHDRAWAL_ID: ParamSpec =
    required("withdrawal_id", ParamKind::Text, "The pending withdrawal.");
const ENDED_ID: BodyField =
    field("withdrawal_id", "string?", "Which it was; absent of a duplicate.");
const END_STATE: BodyField =
    field("state", "string?", "`approved`, `rejected` or `cancelled`; absent of a duplicate.");
const SEQ: BodyField =
    field("seq", "integer", "The seq of the command, or the seq it was read at.");
const T_IN: BodyField =
    field("t_in", "integer", "When the request was read, in microseconds since the epoch.");
const TOKEN: BodyField = field("token", "string", "Stands for the person. Keep it as a password.");
const TOKEN_EXPIRES: BodyField =
    field("expire_time", "integer", "When the token is over, in microseconds since the epoch.");
const SESSION_EXPIRES: BodyField = field(
    "session_expire_time",
    "integer",
    "Until when `session.refresh` can give it more time; then the password is asked for again.",
);
const T_LOG: BodyField = field("t_log", "integer", "When the log stamped it.");
const T_OUT: BodyField = field("t_out", "integer", "When the reply left.");
const READ_LOG: BodyField =
    field("t_log", "integer", "When the log stamped the record at `seq`: so new is what is told.");

const BY_ORDER_ID: ParamSpec = optional(
    "order_id",
    ParamKind::Text,
    "The order, by the engine's id. This or `client_order_id`.",
);
const BY_CLIENT_ID: ParamSpec =
    optional("client_order_id", ParamKind::Text, "The order, by the client's id.");
/// The parameters of `order.place`, and whatever follows them.
macro_rules! order_params {
    ($($more:expr),* $(,)?) => {
        [
            required("symbol", ParamKind::Text, "The instrument, as `BTC-USD`."),
            required("side", ParamKind::OneOf(SIDE_NAMES), "Buy or sell."),
            optional("type", ParamKind::OneOf(TYPE_NAMES), "`limit` if absent. The stops and take-profits wait for their trigger, and then act as a limit order (`…_limit`) or at the market."),
            optional("tif", ParamKind::OneOf(TIF_NAMES), "Time in force: `gtc` if absent, for what acts at the market `ioc`. `gtd` needs `expire_time`; `day` ends with the day in UTC."),
            optional("qty", ParamKind::Decimal, "How much, a multiple of the lot size. Needed but for a market order by `notional`."),
            optional("price", ParamKind::Decimal, "The limit, a multiple of the tick size. Needed for `limit` and `…_limit`."),
            optional("notional", ParamKind::Decimal, "Market orders only, instead of `qty`: what it may trade for, in the quote asset."),
            optional("post_only", ParamKind::Flag, "Refuse it if it would trade at once."),
            optional("client_order_id", ParamKind::Text, "1 to 36 printable characters, no space, quote or backslash. The same id and body again is answered with `duplicate`, and nothing is done."),
            optional("trigger_price", ParamKind::Decimal, "Where a stop or a take-profit acts. Needed for them; a trailing stop makes its own."),
            optional("trigger_on", ParamKind::OneOf(TRIGGER_ON_NAMES), "Which price the trigger looks at: `last` if absent."),
            optional("trail", ParamKind::Decimal, "`trailing_stop` only: how far it stays behind, as a difference of prices. This or `trail_bp`."),
            optional("trail_bp", ParamKind::Integer, "`trailing_stop` only: the same in basis points of the price that it follows."),
            optional("display_qty", ParamKind::Decimal, "An iceberg: how much of it the book shows at a time."),
            optional("min_qty", ParamKind::Decimal, "With `ioc`: the least that must be filled at once."),
            optional("peg", ParamKind::OneOf(PEG_NAMES), "Its price follows the best bid, the best ask or the middle; `price` is then its limit."),
            optional("peg_offset", ParamKind::Decimal, "With `peg`: how far above what it follows; negative for below."),
            optional("reduce_only", ParamKind::Flag, "It may only make the account's position smaller."),
            optional("self_trade", ParamKind::OneOf(SELF_TRADE_NAMES), "What happens where it would trade with an order of the same account or trade group: `none` (they trade) if absent."),
            optional("expire_time", ParamKind::Integer, "With `gtd`: when it expires, in microseconds since the epoch."),
            $($more,)*
        ]
    };
}

/// The parameters of one order of `order.place_batch`.
pub(crate) const ORDER_PARAMS: &[ParamSpec] = &order_params![];

/// The parameters of one leg of `order.place_list`.
pub(crate) const LEG_PARAMS: &[ParamSpec] = &[
    required("side", ParamKind::OneOf(SIDE_NAMES), "Buy or sell."),
    optional("type", ParamKind::OneOf(LEG_TYPE_NAMES), "`limit` if absent."),
    optional("tif", ParamKind::OneOf(LEG_TIF_NAMES), "As in `order.place`."),
    required("qty", ParamKind::Decimal, "How much."),
    optional("price", ParamKind::Decimal, "The limit. Needed for `limit` and `…_limit`."),
    optional("trigger_price", ParamKind::Decimal, "Where a stop or a take-profit acts."),
    optional("trigger_on", ParamKind::OneOf(TRIGGER_ON_NAMES), "`last` if absent."),
];

const REQUEST_ID: ParamSpec = optional(
    "request_id",
    ParamKind::Text,
    "1 to 32 hexadecimal digits of the client's choice, one for each request: the same id and body again is answered with `duplicate`, and nothing is done.",
);
const ADMIN_SYMBOL: ParamSpec = required("symbol", ParamKind::Text, "The instrument.");
const SCOPE: ParamSpec = required("scope", ParamKind::OneOf(SCOPE_NAMES), "Whom it binds.");
const SCOPE_ID: ParamSpec = optional(
    "scope_id",
    ParamKind::Text,
    "The group's or the account's name, or the symbol; absent for the firm.",
);

const RESUME_DOC: &str = "The last seq that was received on this channel.";
const CHANNEL: ParamSpec = required("channel", ParamKind::OneOf(CHANNEL_NAMES), "Which channel.");
const SYMBOLS: ParamSpec = optional(
    "symbols",
    ParamKind::TextList,
    "Which instruments; needed by public channels but `instruments`, refused by private ones.",
);

ops! {
    /// Prove possession of a key. The signature is Ed25519, or HMAC-SHA256 with the secret of an HMAC
    /// key, over the ASCII text `coulisse-logon-v1|host|key_id|nonce`: `host` as in the request's Host
    /// header, `nonce` from the hello message. A person gives a token instead; the session then ends when the
    /// token's time is over, unless `session.refresh` gives it more.
    Logon "session.logon" Open [
        optional("key_id", ParamKind::Text, "The key's public name."),
        optional("signature", ParamKind::Text, "128 hexadecimal digits; of an HMAC key 64."),
        optional("token", ParamKind::Text, "Instead of the two: a token of `session.open`."),
    ] => [
        field("account", "string", "The account that the key belongs to."),
        field("key_id", "string", "The key."),
        field("permissions", "array of strings", "`read`, `trade`, `withdraw`, `admin`."),
        field("time", "integer", "The node's time in microseconds since the epoch."),
        SEQ, T_IN, READ_LOG, T_OUT,
    ] r#"{"key_id":"alice-1","signature":"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"}"#;

    /// Prove a password; what comes back is a token (a JWT, RFC 7519) that stands for the person for some
    /// minutes: as `Authorization: Bearer` of private REST, and in `session.logon`. An unknown name and a wrong
    /// password are answered alike. Passwords are checked in a small pool: where too many wait,
    /// `RETRY_LOGON` says when to come again; who has failed too often waits longer (`RATE_LIMITED`).
    SessionOpen "session.open" Open [
        required("name", ParamKind::Text, "The person's name: the `key_id` of a key of the scheme `password`."),
        required("password", ParamKind::Text, "The password; at most 128 bytes of UTF-8. Never in a query."),
    ] => [
        TOKEN, TOKEN_EXPIRES, SESSION_EXPIRES,
        field("account", "string", "The account that the key belongs to."),
        field("key_id", "string", "The key: the person's name."),
        field("permissions", "array of strings", "`read`, `trade`, `withdraw`, `admin`."),
        SEQ, T_IN, READ_LOG, T_OUT,
    ] r#"{"name":"alice","password":"an example, nobody's"}"#;

    /// Get another token for the same session, before the one that asks is over. On a
    /// WebSocket the session lives on as long as the new token.
    SessionRefresh "session.refresh" Person [] => [
        TOKEN, TOKEN_EXPIRES, SESSION_EXPIRES, SEQ, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// Log out: all tokens of the session are refused from here on, at every worker, and its connections are
    /// closed, this one behind the reply.
    SessionEnd "session.end" Person [] => [SEQ, T_IN, T_LOG, T_OUT] r"{}";

    /// Set another password of one's own; the old one is asked for once more. All sessions of
    /// the person end, this one too.
    PasswordChange "password.change" Person [
        required("password", ParamKind::Text, "The password that holds now."),
        required("new_password", ParamKind::Text, "The one that is to hold: 12 characters or what the node asks for, at most 128 bytes."),
    ] => [SEQ, T_IN, T_LOG, T_OUT]
    r#"{"password":"an example, nobody's","new_password":"another that is nobody's"}"#;

    /// End the session's logon. Its private subscriptions end too; its orders stay.
    Logoff "session.logoff" LoggedOn [] => [SEQ, T_IN, READ_LOG, T_OUT] r"{}";

    /// Go on with private channels where an earlier session has stopped, without a gap: each parameter is
    /// a channel, its value the last `seq` that was received on it. The reply comes first, then what was
    /// missed, then what happens. If one of them is refused, none is gone on with: subscribe to what has
    /// an image.
    Resume "session.resume" Read [
        optional("orders", ParamKind::Integer, RESUME_DOC),
        optional("fills", ParamKind::Integer, RESUME_DOC),
        optional("balances", ParamKind::Integer, RESUME_DOC),
        optional("positions", ParamKind::Integer, RESUME_DOC),
        optional("risk", ParamKind::Integer, RESUME_DOC),
    ] => [
        field("channels", "array of strings", "The channels."),
        SEQ, T_IN, READ_LOG, T_OUT,
    ] r#"{"orders":88123,"fills":88100}"#;

    /// Cancel the orders that this session has placed for its key's own account when its connection ends,
    /// however it does; also when the node stops, or is killed and starts again. `enabled` false takes it
    /// back.
    CancelOnDisconnect "session.cancel_on_disconnect" LoggedOn [
        required("enabled", ParamKind::Flag, "Whether to."),
    ] => [SEQ, T_IN, T_LOG, T_OUT] r#"{"enabled":true}"#;

    /// Place an order.
    Place "order.place" Trade order_params![] => [
        ORDER_ID, ORDER_CLIENT_ID, STATE, REASON, FILLED, DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"symbol":"BTC-USD","side":"buy","type":"limit","tif":"gtc","qty":"0.01","price":"60000.00","client_order_id":"a1"}"#;

    /// Place up to 50 orders with one request. Each is a command of its own, in this order and with nothing
    /// between, and has a result of its own: what is refused costs the others nothing. `ok` says that the
    /// request was taken: look at each. Over REST that is 200, also where every order was refused: each has
    /// its own code. One order more than 50, and none is looked at. Each counts
    /// against the quotas as if it were sent alone.
    PlaceBatch "order.place_batch" Trade [
        required("orders", ParamKind::ObjectList(ORDER_PARAMS), "1 to 50 orders, each as in `order.place`."),
    ] => [
        field("orders", "array", "What became of each, in their order: fields as in `order.place`, with its `seq`; or `error`."),
        field("seq", "integer", "The seq of the last that is in the log."),
        T_IN, T_LOG, T_OUT,
    ] r#"{"orders":[{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.00"},{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.001"}]}"#;

    /// Ask what `order.place` would answer, and place nothing: the order goes through every check there
    /// is, of form, instrument, limits, risk and money, in the same code. It is never in the log, and takes no token
    /// of a rate. A refusal says `not_sent`.
    Test "order.test" Trade order_params![] => [
        field("order_id", "string?", "With `duplicate`, as all up to `first_seq`: the order that stands already."),
        ORDER_CLIENT_ID,
        field("state", "string?", "Where that order stands."),
        field("filled", "decimal?", "What is filled of it in all."),
        DUPLICATE, FIRST_SEQ, SEQ, T_IN, READ_LOG, T_OUT,
    ] r#"{"symbol":"BTC-USD","side":"buy","qty":"0.01","price":"60000.00"}"#;

    /// Cancel one order.
    Cancel "order.cancel" Trade [BY_ORDER_ID, BY_CLIENT_ID] => [
        ORDER_ID, ORDER_CLIENT_ID, STATE, REASON, FILLED, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"order_id":"88123"}"#;

    /// Change an order's total quantity, its price, or both. Less quantity alone keeps its place in
    /// the queue.
    Amend "order.amend" Trade [
        BY_ORDER_ID, BY_CLIENT_ID,
        optional("qty", ParamKind::Decimal, "The new total, fills included. At or below what is filled, the order is cancelled."),
        optional("price", ParamKind::Decimal, "The new limit."),
    ] => [
        ORDER_ID, ORDER_CLIENT_ID, STATE, REASON, FILLED, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"client_order_id":"a1","qty":"0.02"}"#;

    /// Cancel an order and place another, in one step of the log: nothing comes between. There are
    /// two results, `cancel` and `place`, each the order's fields or `{"error":{…}}`. Where the old
    /// order cannot be cancelled, the whole request is refused (`ok` is false) and nothing is placed,
    /// unless `allow_failure` is set: then the refusal is `cancel`'s result and the new order is
    /// placed all the same. A new order that is refused is `place`'s result; what was cancelled stays
    /// cancelled. So `ok` says that the request was taken: look at both. If the new order is a
    /// duplicate, nothing is cancelled and `cancel` is absent.
    Replace "order.replace" Trade order_params![
        optional("cancel_order_id", ParamKind::Text, "The order to cancel, by the engine's id. This or `cancel_client_order_id`."),
        optional("cancel_client_order_id", ParamKind::Text, "The order to cancel, by the client's id."),
        optional("allow_failure", ParamKind::Flag, "Place the new order although the old one could not be cancelled."),
    ] => [
        field("cancel", "object?", "What became of the old order: `order_id`, `client_order_id`, `state`, `reason`, `filled`; or `error`. Absent if `place` is a duplicate."),
        field("place", "object", "What became of the new one, as in `order.place`; or `error`."),
        SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"symbol":"BTC-USD","side":"buy","type":"limit","tif":"gtc","qty":"0.02","price":"60010.00","client_order_id":"a2","cancel_client_order_id":"a1"}"#;

    /// Place orders that belong together. `oco`: two legs of one side and quantity, a limit order and
    /// a stop or take-profit; once one acts, is filled in part or ends, the other is cancelled. `oto`:
    /// once leg 0 is filled, leg 1 goes to work. `otoco`: once leg 0 is filled, legs 1 and 2 go to work
    /// as an `oco`.
    PlaceList "order.place_list" Trade [
        required("kind", ParamKind::OneOf(LIST_NAMES), "How they belong together."),
        required("symbol", ParamKind::Text, "The instrument of all legs."),
        required("legs", ParamKind::ObjectList(LEG_PARAMS), "Two orders, for `otoco` three; the limit order on the book, or the one that works first, is the first."),
        optional("client_order_id", ParamKind::Text, "Of leg 0, as in `order.place`."),
    ] => [
        field("list_id", "string", "The order id of leg 0."),
        field("orders", "array", "What became of each leg, in their order, fields as in `order.place`; of a duplicate only leg 0."),
        DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"kind":"oco","symbol":"BTC-USD","legs":[{"side":"sell","qty":"0.01","price":"66000.00"},{"side":"sell","type":"stop","qty":"0.01","trigger_price":"57000.00"}],"client_order_id":"a3"}"#;

    /// Cancel all of the account's orders.
    CancelAll "order.cancel_all" Trade [
        optional("symbol", ParamKind::Text, "Only in this instrument."),
        optional("side", ParamKind::OneOf(SIDE_NAMES), "Only of this side."),
        optional("session", ParamKind::Flag, "`true`: only those that this session placed."),
    ] => [
        field("count", "integer", "How many were cancelled."), SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"symbol":"BTC-USD","side":"buy","session":true}"#;

    /// Cancel all of the account's orders after a time, unless this comes again before: a dead man's
    /// switch. 0 takes it away.
    CancelAfter "order.cancel_after" Trade [
        required("timeout", ParamKind::Integer, "In how many milliseconds; 0 never."),
    ] => [
        field("deadline", "integer?", "When, in microseconds since the epoch; absent: never."),
        SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"timeout":60000}"#;

    /// The account's open orders, those that wait included, by order id.
    OrdersOpen "orders.open" Read [
        optional("symbol", ParamKind::Text, "Only in this instrument."),
        LIMIT, CURSOR, MIN_SEQ,
    ] => [
        SEQ, field("orders", "array of items of `orders`", "The orders; fields as in the items of the `orders` image."),
        NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r#"{"limit":100,"min_seq":88123}"#;

    /// The account's fills, the newest first, as far back as this node keeps them: the latest 16,384 of
    /// all accounts together, also over a restart. What is older, `fills.history` has.
    FillsGet "fills.get" Read [
        optional("symbol", ParamKind::Text, "Only in this instrument."),
        LIMIT, CURSOR, MIN_SEQ,
    ] => [
        SEQ, field("fills", "array", "The fills; fields as in the items of the `fills` channel, and of each its `seq` and `time`. A page may have fewer than `limit` and still a `next_cursor`."),
        NEXT_CURSOR,
        field("cut", "boolean?", "`true`: there were fills before the last of these that are no longer kept here."),
        T_IN, READ_LOG, T_OUT,
    ] r#"{"symbol":"BTC-USD","limit":100}"#;

    /// The account's closed orders, the one that closed last first, as far back as the store goes. What
    /// closed a moment ago is among them, though the store may not have it yet.
    OrdersHistory "orders.history" Read [
        optional("symbol", ParamKind::Text, "Only in this instrument."),
        optional("order_id", ParamKind::Text, "Only this order."),
        optional("client_order_id", ParamKind::Text, "Only orders with this id of the client's."),
        FROM_TIME, TO_TIME, FROM_SEQ,
        LIMIT, HISTORY_CURSOR, HISTORY_MIN_SEQ,
    ] => [
        HISTORY_SEQ, STORE_SEQ, field("orders", "array", "The orders; fields as in the items of the `orders` image, the last `state` and the `reason` for it, `accepted_seq` and `accepted_time`, and of the end its `seq` and `time`."),
        HISTORY_NEXT, T_IN, T_OUT,
    ] r#"{"symbol":"BTC-USD","limit":100,"min_seq":88123}"#;

    /// The account's fills, the newest first, as far back as the store goes. The newest are among them,
    /// though the store may not have them yet.
    FillsHistory "fills.history" Read [
        optional("symbol", ParamKind::Text, "Only in this instrument."),
        optional("order_id", ParamKind::Text, "Only of this order."),
        FROM_TIME, TO_TIME, FROM_SEQ,
        LIMIT, HISTORY_CURSOR, HISTORY_MIN_SEQ,
    ] => [
        HISTORY_SEQ, STORE_SEQ, field("fills", "array", "The fills; fields as in `fills.get`."),
        HISTORY_NEXT, T_IN, T_OUT,
    ] r#"{"symbol":"BTC-USD","from_seq":88000}"#;

    /// What the account's balances are the sum of, the newest entry first, as far as the store has come:
    /// deposits, withdrawals, both sides of trades, fees and rebates.
    LedgerGet "ledger.get" Read [
        optional("asset", ParamKind::Text, "Only of this asset."),
        FROM_TIME, TO_TIME, FROM_SEQ,
        LIMIT, HISTORY_CURSOR, HISTORY_MIN_SEQ,
    ] => [
        HISTORY_SEQ, STORE_SEQ, field("entries", "array", "Per entry `seq`, `time`, `asset`, `change` (negative for what went), `kind` (`deposit`, `withdrawal`, `trade`, `fee` or `rebate`), of a trade its `symbol` and `trade_id`, and `order_id` where it was paid for an order of the account."),
        HISTORY_NEXT, T_IN, T_OUT,
    ] r#"{"asset":"USD","limit":100}"#;

    /// The account's balances, by asset.
    BalancesGet "balances.get" Read [LIMIT, CURSOR, MIN_SEQ] => [
        SEQ, field("balances", "array of items of `balances`", "Per asset `asset`, `available`, `held`."),
        NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// The account's positions, by instrument.
    PositionsGet "positions.get" Read [LIMIT, CURSOR, MIN_SEQ] => [
        SEQ, field("positions", "array of items of `positions`", "The positions; fields as in the items of the `positions` channel."),
        NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// Credit an account from outside. Needs a key with `admin`; `account` says whose. The same
    /// `request_id` and body again is answered with `duplicate`, and nothing is done.
    Deposit "account.deposit" Admin [
        required("asset", ParamKind::Text, "Which asset, as `USD`."),
        required("qty", ParamKind::Decimal, "How much."),
        required("request_id", ParamKind::Text, "1 to 32 hexadecimal digits of the client's choice, one for each deposit."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"asset":"USD","qty":"1000.00","request_id":"7f3a"}"#;

    /// Debit an account to outside. Needs a key that may `withdraw`. What goes beyond the asset's cap for
    /// a day is held, and `pending` until another person approves it. The same `request_id` and body
    /// again is answered with `duplicate`, and nothing is done.
    Withdraw "account.withdraw" Withdraw [
        required("request_id", ParamKind::Text, "1 to 32 hexadecimal digits of the client's choice, one for each withdrawal."),
        required("asset", ParamKind::Text, "Which asset, as `USD`."),
        required("qty", ParamKind::Decimal, "How much."),
    ] => [
        field("state", "string?", "`settled`: it went out. `pending`: it is held, and waits for a second person. Absent of a duplicate."),
        field("withdrawal_id", "string?", "Of a pending one: what it is called by, the seq of the request."),
        field("expire_time", "integer?", "Of a pending one: when it ends by itself, in microseconds since the epoch."),
        DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"request_id":"7f3b","asset":"USD","qty":"250.00"}"#;

    /// The account's withdrawals that are pending, by id. One that is no longer here has ended; how, the
    /// channel `balances` said.
    WithdrawalsGet "withdrawals.get" Read [LIMIT, CURSOR, MIN_SEQ] => [
        SEQ, WITHDRAWALS, NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// Take back a withdrawal of the account that is pending. What it held may be spent again.
    WithdrawalCancel "withdrawal.cancel" Withdraw [REQUEST_ID, WITHDRAWAL_ID] => [
        ENDED_ID, END_STATE, DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"request_id":"7f3c","withdrawal_id":"88101"}"#;

    /// The withdrawals of all accounts that are pending, by id.
    WithdrawalsPending "withdrawals.pending" Admin [LIMIT, CURSOR, MIN_SEQ] => [
        SEQ, WITHDRAWALS, NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// Let a pending withdrawal go out. It takes another person than the one who asked, and one whose key
    /// is not of the account: keys of one account, or of one label, are one person.
    WithdrawalApprove "withdrawal.approve" Admin [REQUEST_ID, WITHDRAWAL_ID] => [
        ENDED_ID, END_STATE, DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"request_id":"7f3d","withdrawal_id":"88101"}"#;

    /// Refuse a pending withdrawal. What it held may be spent again.
    WithdrawalReject "withdrawal.reject" Admin [REQUEST_ID, WITHDRAWAL_ID] => [
        ENDED_ID, END_STATE, DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"request_id":"7f3e","withdrawal_id":"88101"}"#;

    /// The withdrawal caps of all assets.
    WithdrawalCapsGet "withdrawal_caps.get" Admin [LIMIT, CURSOR, MIN_SEQ] => [
        SEQ, field("caps", "array", "Per asset `asset`, `cap`, `version` (how often it was set; 0: never, and the cap is 0) and, where somebody asked for more, `proposed` and `proposed_by` (the key)."),
        NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// Set how much of an asset an account may withdraw in a day (UTC) without a second person; 0 until it
    /// is set. To raise it takes two persons: the first proposes, the second asks for the same.
    WithdrawalCapSet "withdrawal_cap.set" Admin [
        REQUEST_ID,
        required("asset", ParamKind::Text, "Which asset, as `USD`."),
        required("cap", ParamKind::Decimal, "How much; `0`: all needs a second person."),
    ] => [
        field("state", "string?", "`set`, or `proposed`: another person must ask for the same. Absent of a duplicate."),
        VERSION, DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"request_id":"7f3f","asset":"USD","cap":"10000.00"}"#;

    /// Open an account.
    AccountCreate "account.create" Admin [
        REQUEST_ID,
        required("name", ParamKind::Text, "1 to 32 of `a-z 0-9 _ -`."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"b1","name":"carol"}"#;

    /// Name an asset.
    AssetCreate "asset.create" Admin [
        REQUEST_ID,
        required("name", ParamKind::Text, "2 to 12 of `A-Z 0-9`."),
        required("scale", ParamKind::Integer, "Decimals of its smallest unit."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"b2","name":"ETH","scale":8}"#;

    /// List an instrument of two assets that exist. It is open at once.
    InstrumentCreate "instrument.create" Admin [
        REQUEST_ID,
        required("symbol", ParamKind::Text, "`BASE-QUOTE`."),
        required("tick_size", ParamKind::Decimal, "The smallest price step."),
        required("lot_size", ParamKind::Decimal, "The smallest quantity step."),
        optional("min_qty", ParamKind::Decimal, "Smallest order; one lot if absent."),
        optional("max_qty", ParamKind::Decimal, "Largest order; as large as the system takes if absent."),
        optional("min_notional", ParamKind::Decimal, "Smallest notional of an order; none if absent."),
        optional("maker_fee", ParamKind::Decimal, "Fee of the resting side, a fraction; `0` if absent."),
        optional("taker_fee", ParamKind::Decimal, "Fee of the arriving side, a fraction; `0` if absent."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"b3","symbol":"BTC-USD","tick_size":"0.01","lot_size":"0.00001","max_qty":"1000","min_notional":"1","maker_fee":"0.0002","taker_fee":"0.0005"}"#;

    /// Let the holder of a key act for an account (`account` says which; the own one if absent). Of
    /// an Ed25519 key the node keeps only the public half. The secret of an HMAC key is drawn by the
    /// node and shown here, once: a lost reply means another key.
    KeyCreate "key.create" Admin [
        REQUEST_ID,
        required("key_id", ParamKind::Text, "Its public name: 1 to 32 of `a-z 0-9 _ -`, never used before."),
        required("permissions", ParamKind::TextList, "Of `read`, `trade`, `withdraw`, `admin`."),
        optional("scheme", ParamKind::OneOf(KEY_SCHEME_NAMES), "`ed25519` if absent."),
        optional("public_key", ParamKind::Text, "Of `ed25519`: 64 hexadecimal digits."),
        optional("label", ParamKind::Text, "What it is for: 1 to 32 printable characters."),
        optional("expire_time", ParamKind::Integer, "From when on it is refused, in microseconds since the epoch; never if absent."),
        optional("waits", ParamKind::Flag, "`true`: it is refused until `key.bind` has bound it."),
        optional("password", ParamKind::Text, "Of `password`: 12 characters or what the node asks for, at most 128 bytes."),
    ] => [
        field("secret", "string?", "Of `hmac_sha256`: 64 hexadecimal digits, the 32 bytes to sign with. Never shown again."),
        DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"request_id":"b4","key_id":"alice-2","permissions":["read","trade"],"scheme":"hmac_sha256","label":"desk-2","waits":true}"#;

    /// Set what a key is bound to; what is absent binds to nothing. Sessions of the key are closed:
    /// they log on again under the new rules.
    KeyBind "key.bind" Admin [
        REQUEST_ID,
        required("key_id", ParamKind::Text, "The key."),
        optional("accounts", ParamKind::TextList, "Accounts that it may act for beside its own; at most 6."),
        optional("symbols", ParamKind::TextList, "The only instruments that it may trade; at most 6."),
        optional("networks", ParamKind::TextList, "The only networks that it may come from, as `10.0.0.0/8`; at most 4."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"b5","key_id":"alice-2","symbols":["BTC-USD"],"networks":["10.0.0.0/8","2001:db8::/32"]}"#;

    /// Refuse a key for ever. Orders that come after this in the log are refused, wherever they were
    /// taken; its sessions are closed; a secret is destroyed.
    KeyRevoke "key.revoke" Admin [
        REQUEST_ID,
        required("key_id", ParamKind::Text, "The key."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"b6","key_id":"alice-2"}"#;

    /// Set the password of a key of the scheme `password`. All sessions of the person end.
    PasswordSet "password.set" Admin [
        required("key_id", ParamKind::Text, "The key: the person's name."),
        required("password", ParamKind::Text, "The one that is to hold: 12 characters or what the node asks for, at most 128 bytes."),
    ] => [SEQ, T_IN, T_LOG, T_OUT]
    r#"{"key_id":"alice","password":"another that is nobody's"}"#;

    /// The keys of an account (`account` says whose; the own one if absent).
    KeysGet "keys.get" Admin [LIMIT, CURSOR, MIN_SEQ] => [
        SEQ, field("keys", "array", "Per key `key_id`, `scheme`, `permissions`, `state` (`active`, `waits`, `revoked`), `label`, `expire_time`, `accounts`, `symbols`, `networks` and `last_used` (in microseconds since the epoch: the time of its last record in the log, or of a later logon or signed request at the process that answers. What only reads is not in the log: a restart forgets it, and no other worker knows it. Absent: none of these)."),
        NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// All accounts.
    AccountsGet "accounts.get" Admin [LIMIT, CURSOR, MIN_SEQ] => [
        SEQ, field("accounts", "array", "Per account, in the order in which they were opened, `account`, `group` (absent: none) and `trade_group` (absent: none)."),
        NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// All groups of accounts.
    GroupsGet "groups.get" Admin [LIMIT, CURSOR, MIN_SEQ] => [
        SEQ, field("groups", "array", "Per group `group`, its name."), NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// The limits of the risk gate that are in force.
    LimitsGet "limits.get" Admin [LIMIT, CURSOR, MIN_SEQ] => [
        field("version", "integer", "How often any limit was set: the `version` of the latest `limit.set`."),
        SEQ, field("limits", "array", "Per limit `scope`, `scope_id` (absent: the firm), `kind`, `subject`, `limit` and `burst`, as in `limit.set`; the firm's first, then those of groups, then of accounts."),
        NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// The tiers of all fee schedules.
    FeeTiersGet "fee_tiers.get" Admin [LIMIT, CURSOR, MIN_SEQ] => [
        SEQ, field("fee_tiers", "array", "Per tier `asset`, `tier`, `threshold`, `maker_fee` and `taker_fee`, as in `fees.set_tier`."),
        NEXT_CURSOR, T_IN, READ_LOG, T_OUT,
    ] r"{}";

    /// Make a group of accounts, which limits, risk states and kill switches can bind together.
    GroupCreate "group.create" Admin [
        REQUEST_ID,
        required("name", ParamKind::Text, "1 to 32 of `a-z 0-9 _ -`."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"a1","name":"desk"}"#;

    /// Put an account (`account` says which) into groups. What is absent is set to none.
    AccountConfigure "account.configure" Admin [
        REQUEST_ID,
        optional("group", ParamKind::Text, "The group whose limits bind it, by its name; none if absent."),
        optional("trade_group", ParamKind::Integer, "Accounts with the same number, not 0, are one for self-trade prevention; 0 if absent."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"a2","group":"desk","trade_group":7}"#;

    /// Set how an instrument is traded. What is absent is set to its default. Rates are fractions:
    /// `0.05` is 5 %.
    InstrumentConfigure "instrument.configure" Admin [
        REQUEST_ID, ADMIN_SYMBOL,
        optional("matching", ParamKind::OneOf(MATCHING_NAMES), "How a level is shared: `price_time` if absent."),
        optional("reference", ParamKind::OneOf(REFERENCE_NAMES), "What prices are measured against: `last` if absent."),
        optional("collar", ParamKind::Decimal, "How far a limit may be from the reference; `0`, any, if absent."),
        optional("slippage", ParamKind::Decimal, "How far a market order may go from the reference; `0`, any, if absent."),
        optional("band", ParamKind::Decimal, "How far a trade may be from the reference before an auction is called; `0`, any, if absent."),
        optional("auction_time", ParamKind::Integer, "How long such an auction lasts, in microseconds; 0 if absent."),
        optional("auction_fee", ParamKind::Decimal, "What both sides pay for a trade in an auction; `0` if absent."),
    ] => [VERSION, DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"a3","symbol":"BTC-USD","matching":"price_time","reference":"last","collar":"0.05","slippage":"0.02","band":"0.1","auction_time":300000000,"auction_fee":"0.0001"}"#;

    /// Set what an instrument takes.
    InstrumentState "instrument.state" Admin [
        REQUEST_ID, ADMIN_SYMBOL,
        required("state", ParamKind::OneOf(TRADING_STATE_NAMES), "What it takes from now on."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"a4","symbol":"BTC-USD","state":"halted"}"#;

    /// Give an instrument its mark price.
    MarkSet "mark.set" Admin [
        REQUEST_ID, ADMIN_SYMBOL,
        required("price", ParamKind::Decimal, "The price."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"a5","symbol":"BTC-USD","price":"60000.00"}"#;

    /// Set a tier of the fee schedule of a quote asset. Fees are fractions; a negative maker fee is a
    /// rebate.
    FeesSetTier "fees.set_tier" Admin [
        REQUEST_ID,
        required("asset", ParamKind::Text, "The quote asset."),
        required("tier", ParamKind::Integer, "Which tier, from 1."),
        required("threshold", ParamKind::Text, "From how much traded in 30 days it holds, a decimal; `none` takes the tier away."),
        optional("maker_fee", ParamKind::Decimal, "Fee of the resting side; `0` if absent."),
        optional("taker_fee", ParamKind::Decimal, "Fee of the arriving side; `0` if absent."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"a6","asset":"USD","tier":1,"threshold":"1000000","maker_fee":"-0.00005","taker_fee":"0.0003"}"#;

    /// Set a limit of the risk gate. Nobody raises a limit that binds the own account.
    LimitSet "limit.set" Admin [
        REQUEST_ID, SCOPE, SCOPE_ID,
        required("kind", ParamKind::OneOf(LIMIT_NAMES), "What it bounds."),
        optional("subject", ParamKind::Text, "The symbol, for `order_qty` and `position`; the quote asset, for notionals and losses; absent for the others."),
        required("limit", ParamKind::Text, "The bound, or `none`: a quantity, an amount of the asset, a count, a number per second, or for `duplicate_window` microseconds; in a string."),
        optional("burst", ParamKind::Integer, "Rates only: how many at once."),
    ] => [VERSION, DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"a7","scope":"account","scope_id":"alice","kind":"position","subject":"BTC-USD","limit":"10"}"#;

    /// Set what the firm, a group, an account or an instrument may still do.
    RiskSetState "risk.set_state" Admin [
        REQUEST_ID, SCOPE, SCOPE_ID,
        required("state", ParamKind::OneOf(RISK_STATE_NAMES), "What is left to them."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"a8","scope":"group","scope_id":"desk","state":"reducing"}"#;

    /// Cancel all orders of the firm, a group or an account, and take no more until it is reset.
    KillSwitch "kill.switch" Admin [REQUEST_ID, SCOPE, SCOPE_ID] => [
        field("last_order_id", "string?", "Orders up to this id are dead; `0` if there was none yet. Absent of a duplicate."),
        DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"request_id":"a9","scope":"account","scope_id":"alice"}"#;

    /// Reset a kill switch, in two steps by two keys.
    KillReset "kill.reset" Admin [
        REQUEST_ID, SCOPE, SCOPE_ID,
        required("step", ParamKind::Integer, "1 asks for it, 2 does it."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"aa","scope":"account","scope_id":"alice","step":1}"#;

    /// Set when an instrument's next call auction begins and ends; without times there is none.
    AuctionSchedule "auction.schedule" Admin [
        REQUEST_ID, ADMIN_SYMBOL,
        optional("start_time", ParamKind::Integer, "When the call begins, in microseconds since the epoch."),
        optional("end_time", ParamKind::Integer, "When the book is uncrossed, in microseconds since the epoch."),
    ] => [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"request_id":"ab","symbol":"BTC-USD","start_time":1795392600000000,"end_time":1795392900000000}"#;

    /// Subscribe to a channel. The reply comes first, then an image or what `from_seq` asks for, then deltas.
    /// The image of a channel that tells ten times a second may come with its next message, a tenth of a
    /// second later.
    Subscribe "subscribe" Open [
        CHANNEL, SYMBOLS,
        optional("interval", ParamKind::OneOf(FEED_INTERVAL_NAMES), "`book`: `raw`, each change, or `100ms`, the newest state ten times a second, which it is if absent. `candles`: how long a candle is; needed. Absent on the others."),
        optional("depth", ParamKind::Integer, "`book` only: levels of each side, 1, 10 or 50, or 0 for all (at most 10,000); 50 if absent."),
        optional("from_seq", ParamKind::Integer, "Go on after this seq, the last that was received: what came after it is told again where it is still kept (private channels, `trades`, `status`). Else an image follows; `fills`, which has none, is refused with `RESUME_TOO_OLD`, and a seq that the log has not reached with `NUMBER_OUT_OF_RANGE`."),
    ] => [
        field("channel", "string", "The channel."),
        field("symbols", "array of strings?", "The instruments, for public channels."),
        field("resumed", "boolean?", "With `from_seq`, `true`: what came after it follows, and no image; absent: an image follows."),
        SEQ, T_IN, READ_LOG, T_OUT,
    ] r#"{"channel":"book","symbols":["BTC-USD"],"depth":50}"#;

    /// End a subscription.
    Unsubscribe "unsubscribe" Open [
        CHANNEL, SYMBOLS,
        optional("interval", ParamKind::OneOf(FEED_INTERVAL_NAMES), "`candles`: which; needed. Not looked at on `book`, of which there is one. Absent on the others."),
    ] => [
        field("channel", "string", "The channel."),
        field("symbols", "array of strings?", "The instruments, for public channels."),
        SEQ, T_IN, READ_LOG, T_OUT,
    ] r#"{"channel":"book","symbols":["BTC-USD"]}"#;

    /// Nothing: shows that both ends live. With `quota` it also says what is left of the quotas.
    Ping "ping" Open [
        optional("quota", ParamKind::Flag, "`true`: say what is left of the quotas."),
    ] => [
        field("quota_left", "integer?", "Units that are left in the emptiest bucket of the key, the account and the address; absent where nothing is limited."),
        SEQ, T_IN, READ_LOG, T_OUT,
    ] r#"{"quota":true}"#;

    /// The node's time.
    Time "time" Open [] => [
        field("time", "integer", "Microseconds since the epoch."), SEQ, T_IN, READ_LOG, T_OUT,
    ] r"{}";
}

const KEY_SCHEME_NAMES: &[&str] =
    &[KeyScheme::Ed25519.name(), KeyScheme::HmacSha256.name(), KeyScheme::Password.name()];
const SIDE_NAMES: &[&str] = &[Side::Buy.name(), Side::Sell.name()];
const TYPE_NAMES: &[&str] =
    &["limit", "market", "stop", "stop_limit", "take_profit", "take_profit_limit", "trailing_stop"];
const LEG_TYPE_NAMES: &[&str] =
    &["limit", "market", "stop", "stop_limit", "take_profit", "take_profit_limit"];
const LEG_TIF_NAMES: &[&str] = &[
    TimeInForce::Gtc.name(),
    TimeInForce::Ioc.name(),
    TimeInForce::Fok.name(),
    TimeInForce::Day.name(),
];
/// What `interval` may be: of books, then of candles.
pub(crate) const FEED_INTERVAL_NAMES: &[&str] =
    &["raw", "100ms", "1s", "1m", "5m", "15m", "1h", "4h", "1d"];
const PEG_NAMES: &[&str] = &[Peg::Bid.name(), Peg::Ask.name(), Peg::Mid.name()];

/// The names of all values of an enum, by number.
macro_rules! all_names {
    ($($name:ident = $count:literal of $values:ty;)+) => {
        $(#[expect(
            clippy::indexing_slicing,
            clippy::arithmetic_side_effects,
            reason = "computed when it is compiled, where a fault is an error"
        )]
        const $name: &[&str] = &{
            let mut names = [""; $count];
            let (mut rest, mut at) = (<$values>::ALL, 0);
            while let [first, tail @ ..] = rest {
                names[at] = first.name();
                at += 1;
                rest = tail;
            }
            assert!(at == $count, "a name for each");
            names
        };)+
    };
}

all_names! {
    TIF_NAMES = 5 of TimeInForce;
    TRIGGER_ON_NAMES = 2 of TriggerOn;
    SELF_TRADE_NAMES = 5 of SelfTrade;
    LIST_NAMES = 3 of ListKind;
    SCOPE_NAMES = 4 of Scope;
    LIMIT_NAMES = 12 of LimitKind;
    RISK_STATE_NAMES = 3 of RiskState;
    TRADING_STATE_NAMES = 5 of TradingState;
    MATCHING_NAMES = 2 of MatchingMode;
    REFERENCE_NAMES = 3 of ReferenceKind;
}

/// The word on the wire for an order type with its trigger.
pub(crate) const fn type_name(order_type: OrderType, trigger: Trigger) -> &'static str {
    match (trigger, order_type) {
        (Trigger::None, _) => order_type.name(),
        (Trigger::Stop, OrderType::Market) => "stop",
        (Trigger::Stop, OrderType::Limit) => "stop_limit",
        (Trigger::TakeProfit, OrderType::Market) => "take_profit",
        (Trigger::TakeProfit, OrderType::Limit) => "take_profit_limit",
        (Trigger::TrailTicks | Trigger::TrailBp, _) => "trailing_stop",
    }
}

/// What a word for an order type means; the trigger of a trailing stop is in ticks here.
pub(crate) fn type_of(name: &[u8]) -> Option<(OrderType, Trigger)> {
    Some(match name {
        b"limit" => (OrderType::Limit, Trigger::None),
        b"market" => (OrderType::Market, Trigger::None),
        b"stop" => (OrderType::Market, Trigger::Stop),
        b"stop_limit" => (OrderType::Limit, Trigger::Stop),
        b"take_profit" => (OrderType::Market, Trigger::TakeProfit),
        b"take_profit_limit" => (OrderType::Limit, Trigger::TakeProfit),
        b"trailing_stop" => (OrderType::Market, Trigger::TrailTicks),
        _ => return None,
    })
}
