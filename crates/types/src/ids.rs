//! Identifiers: small integers that the core assigns in order, so that tables are arrays.

use crate::codec::{Field, Reader, Writer};

macro_rules! id {
    ($(#[$meta:meta])* $name:ident, $inner:ty, $type_name:literal) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $inner);

        impl Field for $name {
            const TYPE: &'static str = $type_name;
            const BYTES_MAX: usize = <$inner as Field>::BYTES_MAX;
            #[inline]
            fn put(&self, out: &mut Writer<'_>) {
                self.0.put(out);
            }
            fn decode(reader: &mut Reader<'_>) -> Option<Self> {
                <$inner as Field>::decode(reader).map(Self)
            }
        }
    };
}

id!(
    /// Position in the log, from 1, no gaps; 0 is "before the first".
    Seq, u64, "seq"
);
id!(
    /// An account, from 1 in order of creation; 0 is "none".
    AccountId, u32, "account_id"
);
id!(
    /// A group of accounts, from 1 in order of creation; 0 is "none".
    GroupId, u32, "group_id"
);
id!(
    /// An asset, from 1 in order of creation; 0 is "none".
    AssetId, u32, "asset_id"
);
id!(
    /// An instrument, from 1 in order of creation; 0 is "none".
    InstrumentId, u32, "instrument_id"
);
id!(
    /// A key, from 1 in order of creation; 0 is the node itself.
    KeyIndex, u32, "key_index"
);
id!(
    /// An order: below 2^53, the shard in the bits from [`crate::limits::SHARD_SHIFT`] up; 0 is "none".
    OrderId, u64, "order_id"
);
id!(
    /// A trade, consecutive per instrument from 1.
    TradeId, u64, "trade_id"
);
id!(
    /// A client's idempotency id for what is not an order; 0 is "none".
    RequestId, u128, "request_id"
);
