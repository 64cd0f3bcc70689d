//! Every channel: the fields of its messages and of their items.

use super::ops::{ORDER_CLIENT_ID, ORDER_ID};
use super::{BodyField, ChannelSpec, field};

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

/// Those of `balances`: withdrawals stand beside the balances that they change.
const BALANCES_FIELDS: &[BodyField] = &[
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
    field(
        "withdrawals",
        "array?",
        "Deltas only: what became of withdrawals, per withdrawal `asset`, `qty`, `state` (`settled`: it went out at once; `pending`; then `approved`, which went out, `rejected`, `cancelled` or `expired`), and where there are such `withdrawal_id`, `request_id` and `expire_time`.",
    ),
];

channels! {
    /// The levels of an instrument's book. A delta gives the new total of each changed level; `"0"`
    /// removes it. With `interval` `raw` each seq that changes what is shown has a delta; else there are
    /// ten a second at most. A slow reader gets an image instead of what it has missed. A session has one
    /// subscription of each book: another takes its place.
    Book "book" false &[
        CH, SYMBOL, MESSAGE_TYPE,
        field("epoch", "integer?", "Images only: changes when history was lost; what was known before is void."),
        PREV, AT_SEQ,
        field("bids", "array", "`[price, qty]`, best first."),
        field("asks", "array", "`[price, qty]`, best first."),
        field("crc", "integer", "CRC-32 (IEEE) over the ASCII of the top ten bids, then the top ten asks, after this message: `price:qty` as on the wire, joined by `,`; with a smaller `depth`, that many."),
    ], [];

    /// Each order of an instrument's book, without its owner. An image lists them by price, best first,
    /// and at one price in the order in which they are filled. `added` comes behind all that stand at its
    /// price; `changed` keeps its place; an iceberg shows what the book shows of it.
    BookL3 "book_l3" false &[
        CH, SYMBOL, MESSAGE_TYPE,
        field("epoch", "integer?", "Images only: changes when history was lost; what was known before is void."),
        PREV, AT_SEQ, ITEMS,
    ], [
        field("event", "string?", "Deltas only: `added`, `changed` or `removed`."),
        ORDER_ID,
        field("side", "string?", "With `added` and in images."),
        field("price", "decimal?", "With `added` and in images."),
        field("qty", "decimal?", "What the book shows of it now; absent with `removed`."),
    ];

    /// The market of an instrument in short: its best prices and what it traded in the last 24 hours: the
    /// hour under way and the 23 before it. Each message has the whole state; a slow reader gets fewer.
    Ticker "ticker" false &[
        CH, SYMBOL, MESSAGE_TYPE, PREV, AT_SEQ,
        field("bid", "decimal?", "The best bid; absent: there is none."),
        field("bid_qty", "decimal?", "All that rests there."),
        field("ask", "decimal?", "The best ask; absent: there is none."),
        field("ask_qty", "decimal?", "All that rests there."),
        field("last", "decimal?", "The price of the last trade; absent, as all that follows: there was none."),
        field("last_qty", "decimal?", "How much it traded."),
        field("time", "integer?", "When the log took it, in microseconds since the epoch."),
        field("open", "decimal?", "The first price of the 24 hours; absent, as all that follows: nothing traded in them."),
        field("high", "decimal?", "The highest price of the 24 hours."),
        field("low", "decimal?", "The lowest price of the 24 hours."),
        field("volume", "decimal?", "What was traded in them, in the base asset."),
        field("notional", "decimal?", "The same in the quote asset."),
        field("trades", "integer?", "How many trades that were."),
    ], [];

    /// The trades of an instrument by intervals of time, in UTC. The image has the latest candles, oldest
    /// first, the one under way included; a delta has those that are new or have changed. Where nothing
    /// traded there is no candle. A slow reader gets fewer messages, with the newest state.
    Candles "candles" false &[
        CH, SYMBOL, MESSAGE_TYPE, PREV,
        field("interval", "string", "How long a candle is: `1s`, `1m`, `5m`, `15m`, `1h`, `4h` or `1d`."),
        AT_SEQ, ITEMS,
    ], [
        field("start", "integer", "When it begins, in microseconds since the epoch."),
        field("open", "decimal", "The first price."),
        field("high", "decimal", "The highest."),
        field("low", "decimal", "The lowest."),
        field("close", "decimal", "The last."),
        field("volume", "decimal", "What was traded, in the base asset."),
        field("notional", "decimal", "The same in the quote asset."),
        field("trades", "integer", "How many trades."),
        field("seq", "integer", "The seq of the last of them."),
    ];

    /// The instruments with their rules. The image has all of them, a delta those that are newly listed.
    /// Without `symbols`.
    Instruments "instruments" false &[
        CH, MESSAGE_TYPE, PREV, AT_SEQ, ITEMS,
    ], [
        SYMBOL,
        field("base", "string", "The asset that is bought and sold."),
        field("quote", "string", "The asset that it is priced in."),
        field("tick_size", "decimal", "The smallest step of a price."),
        field("lot_size", "decimal", "The smallest step of a quantity."),
        field("min_qty", "decimal", "The smallest order."),
        field("max_qty", "decimal", "The largest order."),
        field("min_notional", "decimal", "The smallest notional of an order."),
        field("maker_fee", "decimal", "Fee of the resting side, a fraction, before tiers."),
        field("taker_fee", "decimal", "Fee of the arriving side."),
        field("price_decimals", "integer", "Decimals of a price in text."),
        field("qty_decimals", "integer", "Decimals of a quantity in text."),
    ];

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

    /// The state of an instrument. The image holds one item with all that holds now; the items of a
    /// delta have the fields that changed.
    Status "status" false &[
        CH, SYMBOL, MESSAGE_TYPE, PREV, AT_SEQ,
        field("time", "integer?", "Deltas only: when the log took it, in microseconds since the epoch."),
        ITEMS,
    ], [
        field("event", "string?", "Deltas only: `state_changed`, `auction_indicated`, `auction_uncrossed`, `auction_scheduled`, `mark_changed`, `risk_state_changed` or `configured`."),
        field("state", "string?", "What it takes: `open`, `cancel_only`, `post_only`, `halted` or `auction`."),
        field("reason", "string?", "With `state_changed`: why."),
        field("until", "integer?", "When the state ends by itself, in microseconds since the epoch; absent: never."),
        field("mark", "decimal?", "The mark price; absent in an image: there is none."),
        field("risk_state", "string?", "`active`, `reducing` or `halted`."),
        field("price", "decimal?", "Of an auction: of all its trades, or what it would be now; absent where nothing trades."),
        field("qty", "decimal?", "Of an auction: how much trades at that price."),
        field("surplus", "decimal?", "With `auction_indicated`, and in images during an auction: bids less asks that would stay at that price."),
        field("start_time", "integer?", "When the next call auction begins, in microseconds since the epoch; absent: there is none."),
        field("end_time", "integer?", "When it ends."),
        field("version", "integer?", "How often it was configured; 0 never."),
        field("matching", "string?", "With `configured` and in images, as all that follow: see `instrument.configure`."),
        field("reference", "string?", "What prices are measured against."),
        field("collar", "decimal?", "How far a limit may be from the reference, a fraction; 0 for any."),
        field("slippage", "decimal?", "How far a market order may go from it; 0 for any."),
        field("band", "decimal?", "How far a trade may be from it before an auction is called; 0 for any."),
        field("auction_time", "integer?", "How long such an auction lasts, in microseconds."),
        field("auction_fee", "decimal?", "What both sides pay for a trade in an auction, a fraction."),
    ];

    /// What happens to the account's orders. The image holds the open ones, those that wait included.
    Orders "orders" true PRIVATE_FIELDS, [
        field("event", "string?", "Deltas only: `accepted`, `filled`, `rested`, `amended`, `triggered`, `refreshed` (an iceberg shows its next part), `repriced` (a pegged order follows), `decremented` (less to do, to prevent a self-trade), `closed` or `list_placed`."),
        ORDER_ID,
        ORDER_CLIENT_ID,
        SYMBOL,
        field("side", "string?", "With `accepted`, `filled`, `rested`, `refreshed`, `repriced` and in images."),
        field("type", "string?", "With `accepted` and in images."),
        field("tif", "string?", "With `accepted` and in images."),
        field("post_only", "boolean?", "With `accepted` and in images."),
        field("qty", "decimal?", "The total, with `accepted`, `amended`, `decremented` and in images; absent for a market order by notional."),
        field("price", "decimal?", "The limit, with `accepted`, `amended`, `triggered` and in images, absent for a market order; the price on the book, with `rested`, `refreshed` and `repriced`, absent where a pegged order has nothing to follow."),
        field("notional", "decimal?", "With `accepted` of a market order by notional."),
        field("trigger_price", "decimal?", "Terms of the order, where it has them, with `accepted`; with `triggered` where it acted."),
        field("trigger_on", "string?", "With `accepted` of an order with a trigger, and `triggered`."),
        field("trail", "decimal?", "A term."),
        field("trail_bp", "integer?", "A term."),
        field("display_qty", "decimal?", "A term; with `refreshed` what the book shows now."),
        field("min_qty", "decimal?", "A term."),
        field("peg", "string?", "A term."),
        field("peg_offset", "decimal?", "A term."),
        field("reduce_only", "boolean?", "A term."),
        field("self_trade", "string?", "A term."),
        field("expire_time", "integer?", "A term, in microseconds since the epoch."),
        field("by", "decimal?", "With `decremented`: how much it lost."),
        field("kept_priority", "boolean?", "With `amended`: whether it kept its place in the queue."),
        field("filled", "decimal?", "What is filled in all, with `filled`, `closed` and in images."),
        field("remaining", "decimal?", "What is left, with all but `accepted`, `triggered` and `list_placed`."),
        field("state", "string?", "With `closed`, with `repriced` (`open` or `waiting`), and `open` or `waiting` in images."),
        field("reason", "string?", "With `closed`: why; one of the [close reasons](events.md)."),
        field("kind", "string?", "With `list_placed`: `oco`, `oto` or `otoco`."),
        field("legs", "array?", "With `list_placed`: the order ids of the legs; `order_id` is the first."),
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
    Balances "balances" true BALANCES_FIELDS, [
        field("asset", "string", "The asset."),
        field("available", "decimal", "What may be spent."),
        field("held", "decimal", "What open orders and pending withdrawals hold."),
    ];

    /// The account's positions. The image holds all of them, a delta the changed ones.
    Positions "positions" true PRIVATE_FIELDS, [
        SYMBOL,
        field("qty", "decimal", "Net quantity; negative for short."),
        field("cost", "decimal", "What it was entered for, in the quote asset; of the sign of `qty`."),
        field("avg_entry", "decimal?", "`cost` for one unit, to the decimals of a price, rounded down; absent without a position."),
        field("realised", "decimal", "Profit realised so far, before fees, in the quote asset."),
        field("fees", "decimal", "Fees paid so far, less rebates, in the quote asset."),
    ];

    /// The limits, states and kill switches that bind the account: its own, its group's, the firm's.
    /// The image holds the limits of which 80 % or more is used, states that are not `active`, and
    /// kill switches that are on.
    Risk "risk" true PRIVATE_FIELDS, [
        field("event", "string", "`limit_used` (80 or 100 % was reached, or left again), `limit_changed`, `state_changed`, `kill_switch_on`, `kill_reset_asked`, `kill_switch_off`, `configured` (the account's groups) or `cancel_after_set`. In images what holds now, in the same form."),
        field("scope", "string?", "`firm`, `group` or `account`."),
        field("scope_id", "string?", "The group's or the account's name; absent for the firm."),
        field("kind", "string?", "Of a limit: what it bounds."),
        field("subject", "string?", "Of a limit: the symbol or the asset that it is about."),
        field("used", "decimal?", "With `limit_used`: how much is used, in the unit of `limit.set`."),
        field("limit", "decimal?", "The bound; absent with `limit_changed`: there is none now."),
        field("level", "integer?", "With `limit_used`: the highest mark that was reached: 0, 80 or 100."),
        field("burst", "integer?", "With `limit_changed` of a rate."),
        field("version", "integer?", "With `limit_changed`: how often limits were set."),
        field("state", "string?", "With `state_changed`: `active`, `reducing` or `halted`."),
        field("last_order_id", "string?", "With `kill_switch_on`: orders up to this id are dead."),
        field("group", "string?", "With `configured`: the account's group; absent for none."),
        field("trade_group", "integer?", "With `configured`: the account's trade group; absent for none."),
        field("deadline", "integer?", "With `cancel_after_set`: when, in microseconds since the epoch; absent for never."),
    ];
}
