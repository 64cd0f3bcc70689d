//! Commands: requests to change state, as they stand in the log. Imperative; may be rejected.
//!
//! Who asks, and for which account, stands in the record's header, not here.

use crate::ids::{AssetId, InstrumentId, OrderId};
use crate::message::messages;
use crate::money::{Amount, FeeRate, OrderType, Price, Qty, Side, TimeInForce};
use crate::text::{AccountName, AssetName, ClientOrderId, KeyId, Symbol};

messages! {
    /// A request to change state.
    Command, CommandKind;

    /// The first record of a log: what every replica must agree on before anything else.
    1 Genesis {
        /// Seed of the keyed hash of client order ids, drawn once.
        hash_seed: u64,
        /// Shard prefix of order ids.
        shard: u16,
        /// Most assets.
        assets_max: u32,
        /// Most instruments.
        instruments_max: u32,
        /// Most accounts.
        accounts_max: u32,
        /// Most keys.
        keys_max: u32,
        /// Most live orders.
        live_orders_max: u32,
        /// Most live orders of one account.
        open_orders_per_account_max: u32,
        /// Most fills of one command.
        fills_per_command_max: u32,
        /// Most client order ids remembered.
        client_order_ids_max: u32,
        /// Most client order ids of closed orders remembered for one account.
        closed_ids_per_account_max: u32,
        /// Most request ids remembered.
        request_ids_max: u32,
    }

    /// A node began to write; batches of its earlier incarnations are void from here.
    2 NodeStarted {
        /// Which start of that node this is.
        incarnation: u32,
    }

    /// Name an asset and the size of its minor unit.
    3 AssetCreate {
        /// Its name.
        name: AssetName,
        /// Decimals of the minor unit.
        scale: u8,
    }

    /// List an instrument with its rules.
    4 InstrumentCreate {
        /// Its name, `BASE-QUOTE`.
        symbol: Symbol,
        /// What is bought and sold.
        base: AssetId,
        /// What it is priced in.
        quote: AssetId,
        /// Quote minor units of one tick on one whole base unit.
        tick_minor: i64,
        /// Base minor units of one lot.
        lot_minor: i64,
        /// Smallest order, in lots.
        min_qty: Qty,
        /// Largest order, in lots.
        max_qty: Qty,
        /// Smallest notional of an order, in quote minor units.
        min_notional: Amount,
        /// Fee of the resting side.
        maker_fee: FeeRate,
        /// Fee of the arriving side.
        taker_fee: FeeRate,
    }

    /// Open an account.
    5 AccountCreate {
        /// Its name.
        name: AccountName,
    }

    /// Let the holder of an Ed25519 private key act for the account in the header.
    6 KeyCreate {
        /// Its public name.
        key_id: KeyId,
        /// The Ed25519 public key.
        public_key: [u8; 32],
        /// Bits: 1 read, 2 trade, 4 withdraw, 8 admin.
        permissions: u8,
    }

    /// Credit the account in the header from outside.
    7 Deposit {
        /// Which asset.
        asset: AssetId,
        /// How much, in minor units.
        amount: Amount,
    }

    /// Debit the account in the header to outside.
    8 Withdraw {
        /// Which asset.
        asset: AssetId,
        /// How much, in minor units.
        amount: Amount,
    }

    /// Place an order for the account in the header.
    16 OrderPlace {
        /// Which instrument.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// Limit or market.
        order_type: OrderType,
        /// How long it stands.
        time_in_force: TimeInForce,
        /// Refuse it if it would trade at once.
        post_only: bool,
        /// How much, in lots; 0 for a market order by notional.
        qty: Qty,
        /// The limit, in ticks; 0 for a market order.
        price: Price,
        /// What a market order may trade for, in quote minor units; 0 otherwise.
        notional: Amount,
        /// The client's idempotency key; empty for none.
        client_order_id: ClientOrderId,
    }

    /// Cancel one order, named by its id or, where that is 0, by the client's id.
    17 OrderCancel {
        /// The engine's id; 0 for none.
        order_id: OrderId,
        /// The client's id.
        client_order_id: ClientOrderId,
    }

    /// Change an order's total qty, its price, or both.
    18 OrderAmend {
        /// The engine's id; 0 for none.
        order_id: OrderId,
        /// The client's id.
        client_order_id: ClientOrderId,
        /// The new total in lots, fills included; 0 leaves it.
        qty: Qty,
        /// The new price in ticks; 0 leaves it.
        price: Price,
    }

    /// Cancel all orders of the account in the header.
    19 OrderCancelAll {
        /// Only in this instrument; 0 for all.
        instrument: InstrumentId,
    }
}

/// Permission bits of a key.
pub mod permission {
    /// See the account.
    pub const READ: u8 = 1;
    /// Place, amend and cancel.
    pub const TRADE: u8 = 2;
    /// Withdraw.
    pub const WITHDRAW: u8 = 4;
    /// Create things and move money for every account.
    pub const ADMIN: u8 = 8;
    /// All of them.
    pub const ALL: u8 = READ | TRADE | WITHDRAW | ADMIN;
}
