//! The one table of the native protocol: operations with their parameters and results, channels
//! with their bodies. The decoder works by it and the documentation is printed from it.

pub(crate) mod at;
mod channels;
mod ops;
mod pages;
mod routes;

pub use channels::{CHANNEL_NAMES, Channel};
pub use ops::Op;
pub(crate) use ops::{LEG_PARAMS, ORDER_PARAMS, type_name, type_of};
pub use routes::{Found, ROUTES, RestRoute, find_route};

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
    /// The same, from 1 to this.
    UpTo(u32),
    /// `true` or `false`.
    Flag,
    /// An array of strings.
    TextList,
    /// An array of objects with these keys.
    ObjectList(&'static [ParamSpec]),
}

impl ParamKind {
    /// The name in the documentation.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::OneOf(_) => "string, one of",
            Self::Decimal => "decimal in a string",
            Self::Integer | Self::UpTo(_) => "integer",
            Self::Flag => "boolean",
            Self::TextList => "array of strings",
            Self::ObjectList(_) => "array of objects",
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

/// Who may ask for an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Open,
    /// Whoever is logged on; what more it needs, its parameters decide.
    LoggedOn,
    /// Whoever is logged on with a token, as people are.
    Person,
    /// Whoever is logged on with a key that may `read`.
    Read,
    /// The same with `trade`: the core says so, at the request's place in the log.
    Trade,
    /// The same with `withdraw`, as the core says.
    Withdraw,
    /// Whoever is logged on with a key that may `admin`.
    Admin,
}

impl Access {
    /// Its name: who may.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::LoggedOn => "logged_on",
            Self::Person => "person",
            Self::Read => "read",
            Self::Trade => "trade",
            Self::Withdraw => "withdraw",
            Self::Admin => "admin",
        }
    }
}

/// What a request takes of the quotas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// So much.
    pub units: u32,
    /// For each of what: the name of a parameter that is a list, or nothing for the request.
    pub each_of: Option<&'static str>,
}

impl Op {
    /// What it takes of the quotas: a list costs more than an order, an image more than a reply.
    pub const fn weight(self) -> Weight {
        let (units, each_of) = match self {
            Self::PlaceBatch => (1, Some("orders")),
            Self::OrdersOpen | Self::FillsGet => (10, None),
            Self::BalancesGet
            | Self::PositionsGet
            | Self::KeysGet
            | Self::WithdrawalsGet
            | Self::WithdrawalsPending
            | Self::WithdrawalCapsGet
            | Self::AccountsGet
            | Self::GroupsGet
            | Self::LimitsGet
            | Self::FeeTiersGet => (5, None),
            Self::Subscribe => (2, Some("symbols")),
            Self::Logon
            | Self::SessionOpen
            | Self::PasswordChange
            | Self::OrdersHistory
            | Self::FillsHistory
            | Self::LedgerGet => (20, None),
            _ => (1, None),
        };
        Weight { units, each_of }
    }
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
    /// Who may ask for it.
    pub access: Access,
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

/// The keys of a reply itself.
pub const REPLY: &[BodyField] = &[
    field("id", "integer, string or null", "As it came; `null` where it had none, and over REST."),
    field("ok", "boolean", "Whether it was taken."),
    field(
        "weight",
        "integer?",
        "With `ok`: what it took of the quotas; absent: 1. A refusal at the edge takes as much.",
    ),
    field("result", "object?", "With `ok`: what the operation says."),
    field("error", "object?", "Without: why, see [errors](errors.md)."),
];

/// The fields of `error`.
pub const ERROR: &[BodyField] = &[
    field("code", "string", "One of the [codes](errors.md)."),
    field("message", "string", "For people: the code, what was wrong, and the bound."),
    field("field", "string?", "Which field or limit."),
    field("value", "string?", "What stood there."),
    field("limit", "string?", "The bound it broke."),
    field(
        "retry_after_ms",
        "integer?",
        "With `RATE_LIMITED` and `RETRY_LOGON`, and with `OVERLOADED` of a question for history: when there is room again.",
    ),
    field(
        "state",
        "string",
        "`not_sent`: it never reached the log. `rejected`: it is in the log and changed nothing. `unknown`: the outcome is not known here; ask by `client_order_id`.",
    ),
    field(
        "t_in",
        "integer?",
        "When the request was read, in microseconds since the epoch; absent of an order of a batch, whose reply says it, and of what is refused before it is a request.",
    ),
    field("t_log", "integer?", "When the log took it; absent of what is not in the log."),
    field("t_out", "integer?", "When the reply left; where `t_in` is."),
];

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
