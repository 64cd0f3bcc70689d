//! Every bound of the core, with its name and its reason. Asserted at start, shown as metrics.

/// Longest client order id, in bytes: what Binance and FIX gateways take.
pub const CLIENT_ORDER_ID_BYTES_MAX: usize = 36;
/// Shortest asset name.
pub const ASSET_NAME_BYTES_MIN: usize = 2;
/// Longest asset name.
pub const ASSET_NAME_BYTES_MAX: usize = 12;
/// Longest symbol: two asset names and the dash.
pub const SYMBOL_BYTES_MAX: usize = 25;
/// Longest account name.
pub const ACCOUNT_NAME_BYTES_MAX: usize = 32;
/// Longest key id, and longest label of a key.
pub const KEY_ID_BYTES_MAX: usize = 32;
/// Bytes of an Ed25519 public key.
pub const KEY_PUBLIC_BYTES: usize = 32;
/// Bytes of a sealed HMAC secret: nonce 12, ciphertext 32, tag 16.
pub const KEY_SEALED_BYTES: usize = 60;
/// Longest material of a key.
pub const KEY_MATERIAL_BYTES_MAX: usize = KEY_SEALED_BYTES;
/// Most accounts beside its own, and most instruments, that a key may be bound to.
pub const KEY_IDS_MAX: usize = 6;
/// Bytes of a list of them.
pub const KEY_ID_LIST_BYTES_MAX: usize = KEY_IDS_MAX * 4;
/// Most networks that a key may be bound to.
pub const KEY_NETWORKS_MAX: usize = 4;
/// Bytes of one of them: an IPv6 address and how many of its bits count.
pub const KEY_NETWORK_BYTES: usize = 17;
/// Bytes of a list of them.
pub const KEY_NETWORKS_BYTES_MAX: usize = KEY_NETWORKS_MAX * KEY_NETWORK_BYTES;
/// How far a nonce may be behind the highest that its key has used.
pub const NONCE_WINDOW: u64 = 1_024;

/// Most decimals an asset's minor unit may have (ether has 18).
pub const ASSET_SCALE_MAX: u8 = 18;
/// Largest price in ticks: leaves ticks × lots within 2^107, far inside an `i128`.
pub const PRICE_TICKS_MAX: i64 = 1 << 53;
/// Largest quantity in lots.
pub const QTY_LOTS_MAX: i64 = 1 << 53;
/// Largest notional of one order, in quote minor units: times a rate in ppm it stays below 2^127.
pub const NOTIONAL_MINOR_MAX: i128 = 1_000_000_000_000_000_000_000_000_000_000;
/// Largest sum of one asset in the whole system, in minor units; no balance can pass it.
pub const ASSET_TOTAL_MINOR_MAX: i128 = NOTIONAL_MINOR_MAX * 100;
/// Highest fee rate: 10 %.
pub const FEE_PPM_MAX: i32 = 100_000;

/// Where the shard prefix of an order id starts: 2^44 orders a shard, 512 shards below 2^53.
pub const SHARD_SHIFT: u32 = 44;
/// Most shards.
pub const SHARD_MAX: u16 = 511;

/// Most assets.
pub const ASSETS_MAX: u32 = 1_024;
/// Most instruments.
pub const INSTRUMENTS_MAX: u32 = 1_024;
/// Most accounts.
pub const ACCOUNTS_MAX: u32 = 1_000_000;
/// Most keys.
pub const KEYS_MAX: u32 = 1_000_000;
/// Most live orders in the engine.
pub const LIVE_ORDERS_MAX: u32 = 12_000_000;
/// Most live orders of one account: bounds what one cancel-all does.
pub const OPEN_ORDERS_PER_ACCOUNT_MAX: u32 = 10_000;
/// Most fills of one command; the rest of the order expires with a reason.
pub const FILLS_PER_COMMAND_MAX: u32 = 10_000;

/// Most conditional orders that one command may trigger; more due: a volatility auction.
pub const TRIGGERS_PER_COMMAND_MAX: u32 = 256;
/// Largest distance of a trailing stop in basis points: its trigger price stays above zero.
pub const TRAIL_BP_MAX: i64 = 9_999;
/// How far a conditional market order may go from its trigger price where its instrument bounds no
/// slippage, in millionths of it.
pub const COLLAR_PPM: u32 = 50_000;
/// Most pegged and trailing orders of one instrument: each may be looked at after each command.
pub const FOLLOWERS_PER_INSTRUMENT_MAX: u32 = 1_000;
/// Most orders that one tick expires, sweeps or cancels; more due: the next tick.
pub const TIMERS_PER_TICK_MAX: u32 = 256;
/// Most orders of a level among which one pass of pro-rata shares; the rest: a later pass.
pub const PRO_RATA_ORDERS_MAX: u32 = 1_000;
/// Most ticks that a node writes in one turn of its loop, or in front of one batch.
pub const TICKS_PER_TURN_MAX: usize = 16;
/// While auctions are called and their books change, a node ticks no more often than this to say
/// what they would do, in ns.
pub const INDICATION_INTERVAL_NS: i64 = 100_000_000;
/// Most groups of accounts.
pub const GROUPS_MAX: u32 = 65_536;
/// Most fee tiers of one asset.
pub const FEE_TIERS_MAX: u8 = 16;
/// Highest rebate: 10 %.
pub const REBATE_PPM_MAX: i32 = 100_000;
/// Most limits in force, over all scopes.
pub const RISK_LIMITS_MAX: u32 = 1_000_000;
/// Highest message or order rate, per second.
pub const RISK_RATE_MAX: i128 = 1_000_000_000;
/// Most net lots of one position, long or short: sums of two stay within an `i64`.
pub const POSITION_LOTS_MAX: i64 = 1 << 62;
/// Most that cost, realised profit and fees of one position come to over its life, in minor units.
pub const POSITION_MINOR_MAX: i128 = ASSET_TOTAL_MINOR_MAX * 100;
/// Most that lots count at a reference, in minor units: sums over all instruments fit an `i128`.
pub const MARKED_MINOR_MAX: i128 = ASSET_TOTAL_MINOR_MAX * 10;
/// A day, in nanoseconds.
pub const DAY_NS: i64 = 86_400_000_000_000;
/// Days whose traded notional decides the fee tier, today's included.
pub const FEE_DAYS: usize = 30;
/// Largest collar, band or slippage bound: 100 %.
pub const BOUND_PPM_MAX: u32 = 1_000_000;
/// Longest time that an order, a dead man's switch or an auction may be set ahead: ten years.
pub const AHEAD_NS_MAX: i64 = 315_360_000_000_000_000;

/// Most client order ids remembered: those of live orders and of the last closed ones.
pub const CLIENT_ORDER_IDS_MAX: u32 = 1_000_000;
/// Most client order ids of closed orders remembered for one account.
pub const CLOSED_IDS_PER_ACCOUNT_MAX: u32 = 4_096;
/// Most request ids remembered, oldest forgotten first.
pub const REQUEST_IDS_MAX: u32 = 65_536;

/// Most withdrawals that wait for a second person.
pub const WITHDRAWALS_WAITING_MAX: u32 = 4_096;
/// Most of them of one account, so that nobody's requests leave the others no room.
pub const WITHDRAWALS_WAITING_PER_ACCOUNT_MAX: u32 = 16;
/// How long one waits before it expires, in ns: three days, so that a weekend does not end it.
pub const WITHDRAWAL_WAIT_NS: i64 = 3 * DAY_NS;
/// Most accounts, of each asset, that may withdraw without a second person in one day.
pub const WITHDRAWN_ROWS_MAX: u32 = 65_536;

/// Most orders in one `place_batch`.
pub const PLACE_BATCH_MAX: usize = 50;
/// Longest record in the log, in bytes: the largest command with room to grow.
pub const RECORD_BYTES_MAX: usize = 4_096;
/// Most void records that a start finds by reading ahead.
pub const VOID_RECORDS_MAX: usize = 4_096;
/// Most records that one start makes void because they broke the core again.
pub const POISON_RECORDS_PER_START_MAX: usize = 16;
/// How far ahead of the monotonic clock the log may stamp before an operator must confirm.
pub const STAMP_JUMP_NS_MAX: i64 = 60_000_000_000;
