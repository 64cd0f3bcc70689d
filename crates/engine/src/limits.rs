//! The limits of one log: what its genesis says.

use coulisse_types::command::Genesis;
use coulisse_types::limits as most;

/// The genesis of a log with every table at its usual size.
pub const fn default_genesis(hash_seed: u64, shard: u16) -> Genesis {
    Genesis {
        hash_seed,
        shard,
        assets_max: most::ASSETS_MAX,
        instruments_max: most::INSTRUMENTS_MAX,
        accounts_max: most::ACCOUNTS_MAX,
        keys_max: most::KEYS_MAX,
        live_orders_max: 1_000_000,
        open_orders_per_account_max: most::OPEN_ORDERS_PER_ACCOUNT_MAX,
        fills_per_command_max: most::FILLS_PER_COMMAND_MAX,
        client_order_ids_max: most::CLIENT_ORDER_IDS_MAX,
        closed_ids_per_account_max: most::CLOSED_IDS_PER_ACCOUNT_MAX,
        request_ids_max: most::REQUEST_IDS_MAX,
    }
}

/// What is in force before there is a genesis: no room for anything.
pub(crate) const NOTHING: Genesis = Genesis {
    hash_seed: 0,
    shard: 0,
    assets_max: 0,
    instruments_max: 0,
    accounts_max: 0,
    keys_max: 0,
    live_orders_max: 0,
    open_orders_per_account_max: 0,
    fills_per_command_max: 0,
    client_order_ids_max: 0,
    closed_ids_per_account_max: 0,
    request_ids_max: 0,
};

/// A genesis with no limit beyond what this build can hold: the sizes of tables.
pub(crate) fn bounded(genesis: &Genesis) -> Genesis {
    Genesis {
        assets_max: genesis.assets_max.min(most::ASSETS_MAX),
        instruments_max: genesis.instruments_max.min(most::INSTRUMENTS_MAX),
        accounts_max: genesis.accounts_max.min(most::ACCOUNTS_MAX),
        keys_max: genesis.keys_max.min(most::KEYS_MAX),
        live_orders_max: genesis.live_orders_max.min(most::LIVE_ORDERS_MAX),
        open_orders_per_account_max: genesis
            .open_orders_per_account_max
            .min(most::OPEN_ORDERS_PER_ACCOUNT_MAX),
        fills_per_command_max: genesis.fills_per_command_max.min(most::FILLS_PER_COMMAND_MAX),
        client_order_ids_max: genesis.client_order_ids_max.min(most::CLIENT_ORDER_IDS_MAX),
        closed_ids_per_account_max: genesis
            .closed_ids_per_account_max
            .min(most::CLOSED_IDS_PER_ACCOUNT_MAX),
        request_ids_max: genesis.request_ids_max.min(most::REQUEST_IDS_MAX),
        ..*genesis
    }
}
