//! What the worlds of both profiles have in common: how much of what, at which fees, and who acts.

use coulisse_types::command::{Deposit, InstrumentCreate, KeyCreate, permission};
use coulisse_types::{AccountName, Amount, AssetId, FeeRate, KeyId, Qty, Symbol};

/// Seed of the hash of client order ids: any number.
pub const HASH_SEED: u64 = 0x00C0_0115_5EED;
/// Between two commands, in log time.
pub const STEP_NS: i64 = 1_000;
/// Events that one batch may write without the buffer growing.
pub const EVENTS_ROOM: usize = 16_384;
/// Decimals of every asset.
pub const SCALE: u8 = 8;
/// 0.01 of the quote asset.
const TICK_MINOR: i64 = 1_000_000;
/// 0.00001 of the base asset.
const LOT_MINOR: i64 = 1_000;
/// What each account starts with of each asset: no order fails for want of it.
const FUNDS_MINOR: i128 = 1_000_000_000_000_000_000;
const MAKER_FEE: FeeRate = FeeRate::from_ppm(200);
const TAKER_FEE: FeeRate = FeeRate::from_ppm(500);
const QTY_LOTS_MAX: i64 = 1_000_000_000;

/// An instrument of a name, `BASE-QUOTE`.
pub fn instrument(symbol: &str, base: AssetId, quote: AssetId) -> InstrumentCreate {
    InstrumentCreate {
        symbol: Symbol::new(symbol.as_bytes()).unwrap_or_default(),
        base,
        quote,
        tick_minor: TICK_MINOR,
        lot_minor: LOT_MINOR,
        min_qty: Qty::from_lots(1),
        max_qty: Qty::from_lots(QTY_LOTS_MAX),
        min_notional: Amount::ZERO,
        maker_fee: MAKER_FEE,
        taker_fee: TAKER_FEE,
    }
}

/// The name of an account or a group.
pub fn account_name(text: &str) -> AccountName {
    AccountName::new(text.as_bytes()).unwrap_or_default()
}

/// A key that may trade.
pub fn key(name: &str) -> KeyCreate {
    let key_id = KeyId::new(name.as_bytes()).unwrap_or_default();
    KeyCreate { key_id, public_key: [1; 32], permissions: permission::READ | permission::TRADE }
}

/// What an account starts with of an asset.
pub fn funds(asset: AssetId) -> Deposit {
    Deposit { asset, amount: Amount::from_minor(FUNDS_MINOR) }
}
