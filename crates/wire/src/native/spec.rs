//! The one table of the native protocol: operations with their parameters and results, channels
//! with their bodies. The decoder works by it and the documentation is printed from it.

use coulisse_types::{OrderType, Side, TimeInForce};

/// What a parameter must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// A string.
    Text,
    /// A string that is one of these.
    OneOf(&'static [&'static str]),
    /// A string that holds a decimal number.
    Decimal,
    /// An integer without quotes.
    Integer,
    /// `true` or `false`.
    Flag,
    /// An array of strings.
    TextList,
}

impl ParamKind {
    /// The name in the documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::OneOf(_) => "string, one of",
            Self::Decimal => "decimal in a string",
            Self::Integer => "integer",
            Self::Flag => "boolean",
            Self::TextList => "array of strings",
        }
    }
}

/// One parameter of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParamSpec {
    /// Its key.
    pub name: &'static str,
    /// What it must be.
    pub kind: ParamKind,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub doc: &'static str,
}

/// One field of something that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyField {
    /// Its key.
    pub name: &'static str,
    /// Its JSON type; `?` at its end: it may be absent.
    pub type_name: &'static str,
    /// What it means.
    pub doc: &'static str,
}

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpSpec {
    /// Which.
    pub op: Op,
    /// Its name on the wire.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// Whether it needs a logon first.
    pub needs_logon: bool,
    /// Its parameters, in the order in which clients best send them.
    pub params: &'static [ParamSpec],
    /// The fields of `result`.
    pub result: &'static [BodyField],
    /// The `params` of the example.
    pub example: &'static str,
}

/// One channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Which.
    pub channel: Channel,
    /// Its name on the wire.
    pub name: &'static str,
    /// What it carries.
    pub doc: &'static str,
    /// Whether it is of the logged-on account.
    pub private: bool,
    /// The fields of its messages.
    pub fields: &'static [BodyField],
    /// The fields of one of its `items`; empty if it has none.
    pub item: &'static [BodyField],
}

const fn required(name: &'static str, kind: ParamKind, doc: &'static str) -> ParamSpec {
    ParamSpec { name, kind, required: true, doc }
}

const fn optional(name: &'static str, kind: ParamKind, doc: &'static str) -> ParamSpec {
    ParamSpec { name, kind, required: false, doc }
}

const fn field(name: &'static str, type_name: &'static str, doc: &'static str) -> BodyField {
    BodyField { name, type_name, doc }
}

macro_rules! ops {
    ($( $(#[doc = $doc:literal])+ $variant:ident $name:literal $logon:literal
        [$($param:expr),* $(,)?] -> [$($result:expr),* $(,)?] $example:literal; )+) => {
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
                        needs_logon: $logon,
                        params: &[$($param),*],
                        result: &[$($result),*],
                        example: $example,
                    } }, )+
                }
            }
        }
    };
}

const ORDER_ID: BodyField = field("order_id", "string", "The order.");
const ORDER_CLIENT_ID: BodyField =
    field("client_order_id", "string?", "The client's id, if it has one.");
const STATE: BodyField =
    field("state", "string", "`open`, `filled`, `cancelled` or `expired`, after this command.");
const REASON: BodyField = field("reason", "string?", "Why it closed, if it is not open.");
const FILLED: BodyField = field("filled", "decimal", "What is filled of it in all.");
const DUPLICATE: BodyField = field(
    "duplicate",
    "boolean?",
    "`true`: an order with this client id and this body stands already; nothing was done.",
);
const FIRST_SEQ: BodyField =
    field("first_seq", "integer?", "With `duplicate`: the seq at which it was accepted.");
const SEQ: BodyField =
    field("seq", "integer", "The seq of the command, or the seq it was read at.");
const T_IN: BodyField =
    field("t_in", "integer", "When the request was read, in microseconds since the epoch.");
const T_LOG: BodyField = field("t_log", "integer", "When the log stamped it.");
const T_OUT: BodyField = field("t_out", "integer", "When the reply was made.");

const BY_ORDER_ID: ParamSpec = optional(
    "order_id",
    ParamKind::Text,
    "The order, by the engine's id. This or `client_order_id`.",
);
const BY_CLIENT_ID: ParamSpec =
    optional("client_order_id", ParamKind::Text, "The order, by the client's id.");
const CHANNEL: ParamSpec = required("channel", ParamKind::OneOf(CHANNEL_NAMES), "Which channel.");
const SYMBOLS: ParamSpec = optional(
    "symbols",
    ParamKind::TextList,
    "Which instruments; needed by public channels, refused by private ones.",
);

/// Index of each parameter of an operation, for the decoder.
pub(crate) mod at {
    /// `session.logon`.
    pub(crate) mod logon {
        pub(crate) const KEY_ID: usize = 0;
        pub(crate) const SIGNATURE: usize = 1;
    }
    /// `order.place`.
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
    }
    /// `order.cancel` and `order.amend`.
    pub(crate) mod order {
        pub(crate) const ORDER_ID: usize = 0;
        pub(crate) const CLIENT_ORDER_ID: usize = 1;
        pub(crate) const QTY: usize = 2;
        pub(crate) const PRICE: usize = 3;
    }
    /// `order.cancel_all` and `orders.open`.
    pub(crate) const ONE_SYMBOL: usize = 0;
    /// `account.deposit`.
    pub(crate) mod deposit {
        pub(crate) const ASSET: usize = 0;
        pub(crate) const QTY: usize = 1;
        pub(crate) const REQUEST_ID: usize = 2;
    }
    /// `subscribe` and `unsubscribe`.
    pub(crate) mod subscribe {
        pub(crate) const CHANNEL: usize = 0;
        pub(crate) const SYMBOLS: usize = 1;
        pub(crate) const DEPTH: usize = 2;
        pub(crate) const FROM_SEQ: usize = 3;
    }
}

ops! {
    /// Prove possession of a key. The signature is Ed25519 over the ASCII text
    /// `coulisse-logon-v1|host|key_id|nonce`: `host` as in the request's Host header, `nonce` from
    /// the hello message.
    Logon "session.logon" false [
        required("key_id", ParamKind::Text, "The key's public name."),
        required("signature", ParamKind::Text, "128 hexadecimal digits."),
    ] -> [
        field("account", "string", "The account that the key belongs to."),
        field("key_id", "string", "The key."),
        field("permissions", "array of strings", "`read`, `trade`, `withdraw`, `admin`."),
        SEQ,
        field("time", "integer", "The node's time in microseconds since the epoch."),
    ] r#"{"key_id":"alice-1","signature":"e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"}"#;

    /// End the session's logon. Its private subscriptions end too; its orders stay.
    Logoff "session.logoff" true [] -> [] r"{}";

    /// Place an order.
    Place "order.place" true [
        required("symbol", ParamKind::Text, "The instrument, as `BTC-USD`."),
        required("side", ParamKind::OneOf(SIDE_NAMES), "Buy or sell."),
        optional("type", ParamKind::OneOf(TYPE_NAMES), "`limit` if absent."),
        optional("tif", ParamKind::OneOf(TIF_NAMES), "Time in force: `gtc` if absent, for a market order `ioc`."),
        optional("qty", ParamKind::Decimal, "How much, a multiple of the lot size. Needed but for a market order by `notional`."),
        optional("price", ParamKind::Decimal, "The limit, a multiple of the tick size. Needed for a limit order."),
        optional("notional", ParamKind::Decimal, "Market orders only, instead of `qty`: what it may trade for, in the quote asset."),
        optional("post_only", ParamKind::Flag, "Refuse it if it would trade at once."),
        optional("client_order_id", ParamKind::Text, "1 to 36 printable characters, no space, quote or backslash. The same id and body again is answered with `duplicate`, and nothing is done."),
    ] -> [
        ORDER_ID, ORDER_CLIENT_ID, STATE, REASON, FILLED, DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"symbol":"BTC-USD","side":"buy","type":"limit","tif":"gtc","qty":"0.01","price":"60000.00","client_order_id":"a1"}"#;

    /// Cancel one order.
    Cancel "order.cancel" true [BY_ORDER_ID, BY_CLIENT_ID] -> [
        ORDER_ID, ORDER_CLIENT_ID, STATE, REASON, FILLED, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"order_id":"88123"}"#;

    /// Change an order's total quantity, its price, or both. Less quantity alone keeps its place in
    /// the queue.
    Amend "order.amend" true [
        BY_ORDER_ID, BY_CLIENT_ID,
        optional("qty", ParamKind::Decimal, "The new total, fills included. At or below what is filled, the order is cancelled."),
        optional("price", ParamKind::Decimal, "The new limit."),
    ] -> [
        ORDER_ID, ORDER_CLIENT_ID, STATE, REASON, FILLED, SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"client_order_id":"a1","qty":"0.02"}"#;

    /// Cancel all of the account's orders.
    CancelAll "order.cancel_all" true [
        optional("symbol", ParamKind::Text, "Only in this instrument."),
    ] -> [
        field("count", "integer", "How many were cancelled."), SEQ, T_IN, T_LOG, T_OUT,
    ] r#"{"symbol":"BTC-USD"}"#;

    /// The account's open orders.
    OrdersOpen "orders.open" true [
        optional("symbol", ParamKind::Text, "Only in this instrument."),
    ] -> [
        SEQ, field("orders", "array", "The orders, by order id; fields as in the items of the `orders` image."),
    ] r"{}";

    /// The account's balances.
    BalancesGet "balances.get" true [] -> [
        SEQ, field("balances", "array", "Per asset `asset`, `available`, `held`."),
    ] r"{}";

    /// Credit an account from outside. Needs a key with `admin`; `account` says whose. The same
    /// `request_id` and body again is answered with `duplicate`, and nothing is done.
    Deposit "account.deposit" true [
        required("asset", ParamKind::Text, "Which asset, as `USD`."),
        required("qty", ParamKind::Decimal, "How much."),
        required("request_id", ParamKind::Text, "1 to 32 hexadecimal digits of the client's choice, one for each deposit."),
    ] -> [DUPLICATE, FIRST_SEQ, SEQ, T_IN, T_LOG, T_OUT]
    r#"{"asset":"USD","qty":"1000.00","request_id":"7f3a"}"#;

    /// Subscribe to a channel. The reply comes first, then an image or what `from_seq` asks for, then deltas.
    Subscribe "subscribe" false [
        CHANNEL, SYMBOLS,
        optional("depth", ParamKind::Integer, "`book` only: levels of each side, 1 to 1000; 50 if absent."),
        optional("from_seq", ParamKind::Integer, "Go on after this seq: refused with `RESUME_TOO_OLD` where something between would be missing, and with `NUMBER_OUT_OF_RANGE` where the log is not that far."),
    ] -> [
        field("channel", "string", "The channel."),
        field("symbols", "array of strings?", "The instruments, for public channels."),
        SEQ,
    ] r#"{"channel":"book","symbols":["BTC-USD"],"depth":50}"#;

    /// End a subscription.
    Unsubscribe "unsubscribe" false [CHANNEL, SYMBOLS] -> [
        field("channel", "string", "The channel."),
        field("symbols", "array of strings?", "The instruments, for public channels."),
        SEQ,
    ] r#"{"channel":"book","symbols":["BTC-USD"]}"#;

    /// Nothing: shows that both ends live.
    Ping "ping" false [] -> [] r"{}";

    /// The node's time.
    Time "time" false [] -> [
        field("time", "integer", "Microseconds since the epoch."), SEQ,
    ] r"{}";
}

const SIDE_NAMES: &[&str] = &[Side::Buy.name(), Side::Sell.name()];
const TYPE_NAMES: &[&str] = &[OrderType::Limit.name(), OrderType::Market.name()];
const TIF_NAMES: &[&str] =
    &[TimeInForce::Gtc.name(), TimeInForce::Ioc.name(), TimeInForce::Fok.name()];

/// The keys of a request itself.
pub const ENVELOPE: &[BodyField] = &[
    field(
        "id",
        "integer, string or null?",
        "Echoed as it came: 0 to 2^53 - 1, or at most 64 bytes of text.",
    ),
    field("op", "string", "The operation."),
    field("params", "object?", "Its parameters; may be absent where none is required."),
    field("account", "string?", "For which account, where the key may act for several."),
    field(
        "deadline",
        "integer?",
        "Microseconds since the epoch: after it the request is refused with `DEADLINE_PASSED`.",
    ),
];

/// The fields of `error`.
pub const ERROR: &[BodyField] = &[
    field("code", "string", "One of the [codes](errors.md)."),
    field("message", "string", "For people: the code, what was wrong, and the bound."),
    field("field", "string?", "Which field or limit."),
    field("value", "string?", "What stood there."),
    field("limit", "string?", "The bound it broke."),
    field(
        "state",
        "string",
        "`not_sent`: it never reached the log. `rejected`: it is in the log and changed nothing. `unknown`: the outcome is not known here; ask by `client_order_id`.",
    ),
];

macro_rules! channels {
    ($( $(#[doc = $doc:literal])+ $variant:ident $name:literal $private:literal
        $fields:expr, [$($item:expr),* $(,)?]; )+) => {
        /// A stream of messages that a session may subscribe to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Channel {
            $( $(#[doc = $doc])+ $variant, )+
        }

        /// The names of all channels.
        pub const CHANNEL_NAMES: &[&str] = &[$($name),+];

        impl Channel {
            /// Every channel.
            pub const ALL: &'static [Self] = &[$( Self::$variant, )+];

            /// The channel with this name.
            pub fn from_name(name: &[u8]) -> Option<Self> {
                $( if name == $name.as_bytes() { return Some(Self::$variant); } )+
                None
            }

            /// The name on the wire.
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => $name, )+ }
            }

            /// Whether it is of the logged-on account.
            pub const fn is_private(self) -> bool {
                match self { $( Self::$variant => $private, )+ }
            }

            /// Its entry in the table.
            pub const fn spec(self) -> &'static ChannelSpec {
                match self {
                    $( Self::$variant => &const { ChannelSpec {
                        channel: Self::$variant,
                        name: $name,
                        doc: concat!($($doc),+),
                        private: $private,
                        fields: $fields,
                        item: &[$($item),*],
                    } }, )+
                }
            }
        }
    };
}

const CH: BodyField = field("ch", "string", "The channel.");
const SYMBOL: BodyField = field("symbol", "string", "The instrument.");
const MESSAGE_TYPE: BodyField = field(
    "type",
    "string",
    "`image`: the whole state at `seq`. `delta`: what changed from `prev` to `seq`.",
);
const PREV: BodyField = field(
    "prev",
    "integer?",
    "Deltas only: the `seq` of the message before. If it is not the last that was received, something is missing.",
);
const AT_SEQ: BodyField = field("seq", "integer", "The seq up to which it is true.");
const ITEMS: BodyField = field("items", "array", "All that happened on this channel at this seq.");
const TIME: BodyField =
    field("time", "integer", "When the log took it, in microseconds since the epoch.");

const PRIVATE_FIELDS: &[BodyField] = &[
    CH,
    field("account", "string", "The account."),
    MESSAGE_TYPE,
    PREV,
    AT_SEQ,
    field(
        "time",
        "integer?",
        "Deltas only: when the log took it, in microseconds since the epoch.",
    ),
    ITEMS,
];

channels! {
    /// The levels of an instrument's book. A delta gives the new total of each changed level; `"0"`
    /// removes it. Messages are conflated: a slow reader gets fewer, never wrong ones.
    Book "book" false &[
        CH, SYMBOL, MESSAGE_TYPE,
        field("epoch", "integer?", "Images only: changes when history was lost; what was known before is void."),
        PREV, AT_SEQ,
        field("bids", "array", "`[price, qty]`, best first."),
        field("asks", "array", "`[price, qty]`, best first."),
        field("crc", "integer", "CRC-32 (IEEE) over the ASCII of the top ten bids, then the top ten asks, after this message: `price:qty` as on the wire, joined by `,`; with a smaller `depth`, that many."),
    ], [];

    /// The trades of an instrument. The image holds the latest ones, oldest first.
    Trades "trades" false &[
        CH, SYMBOL, MESSAGE_TYPE, PREV, AT_SEQ, ITEMS,
    ], [
        field("trade_id", "string", "Consecutive per instrument."),
        field("price", "decimal", "The maker's price."),
        field("qty", "decimal", "How much."),
        field("taker_side", "string", "The side that arrived."),
        field("seq", "integer", "The seq of the command that traded."),
        TIME,
    ];

    /// What happens to the account's orders. The image holds the open ones.
    Orders "orders" true PRIVATE_FIELDS, [
        field("event", "string?", "Deltas only: `accepted`, `filled`, `rested`, `amended` or `closed`."),
        ORDER_ID,
        ORDER_CLIENT_ID,
        SYMBOL,
        field("side", "string?", "With `accepted`, `filled`, `rested` and in images."),
        field("type", "string?", "With `accepted` and in images."),
        field("tif", "string?", "With `accepted` and in images."),
        field("post_only", "boolean?", "With `accepted` and in images."),
        field("qty", "decimal?", "The total, with `accepted`, `amended` and in images; absent for a market order by notional."),
        field("price", "decimal?", "The limit, with `accepted`, `amended`, `rested` and in images; absent for a market order."),
        field("notional", "decimal?", "With `accepted` of a market order by notional."),
        field("kept_priority", "boolean?", "With `amended`: whether it kept its place in the queue."),
        field("filled", "decimal?", "What is filled in all, with `filled`, `closed` and in images."),
        field("remaining", "decimal?", "What is left, with all but `accepted`."),
        field("state", "string?", "With `closed`, and `open` in images."),
        field("reason", "string?", "With `closed`: why."),
    ];

    /// The account's fills, one for each trade of each of its orders. The image says where the channel
    /// is and shows no fills: the history answers what `from_seq` cannot.
    Fills "fills" true PRIVATE_FIELDS, [
        ORDER_ID,
        ORDER_CLIENT_ID,
        SYMBOL,
        field("trade_id", "string", "The trade."),
        field("side", "string", "The order's side."),
        field("role", "string", "`maker`: it rested. `taker`: it arrived."),
        field("price", "decimal", "The price."),
        field("qty", "decimal", "How much of it."),
        field("notional", "decimal", "price × qty, in the quote asset."),
        field("fee", "decimal", "What this fill paid."),
        field("fee_asset", "string", "In this asset."),
        field("filled", "decimal", "What is filled of the order in all."),
        field("remaining", "decimal", "What is left of it."),
    ];

    /// The account's balances. The image holds all of them, a delta the changed ones.
    Balances "balances" true PRIVATE_FIELDS, [
        field("asset", "string", "The asset."),
        field("available", "decimal", "What may be spent."),
        field("held", "decimal", "What open orders hold."),
    ];
}

/// The fields of the first message on a connection.
pub const HELLO: &[BodyField] = &[
    field("ch", "string", "`session`."),
    field("type", "string", "`hello`."),
    field(
        "nonce",
        "string",
        "32 hexadecimal digits, for the logon signature; different on every connection.",
    ),
    field("server", "string", "Name and version."),
    field("node", "string", "The node."),
    field("time", "integer", "Microseconds since the epoch."),
];

/// The fields of the notice that the node is about to stop.
pub const NOTICE: &[BodyField] = &[
    field("ch", "string", "`session`."),
    field("type", "string", "`going_away`."),
    field("reason", "string", "Why, for people."),
    field("seq", "integer", "The last seq it was sent up to: `from_seq` resumes here."),
];
