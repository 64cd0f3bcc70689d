//! Bounds of the wire, by name.

/// How deep JSON may nest; the deepest request of ours nests 4.
pub const DEPTH_MAX: usize = 8;
/// Keys of one object among which duplicates are looked for. More than any object of ours has, so
/// that an object beyond it is refused for an unknown field in any case.
pub const KEYS_MAX: usize = 32;
/// Longest `id` of a request when it is a string, in bytes between the quotes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;
/// Largest integer that every JSON reader keeps exactly.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;
/// Longest text of a parameter after its escapes are decoded: a signature has 128 digits.
pub const TEXT_BYTES_MAX: usize = 136;
/// Longest password, in bytes of UTF-8 after its escapes are decoded.
pub const PASSWORD_BYTES_MAX: usize = 128;
/// Longest token that is looked at; ours have some 500 bytes.
pub const TOKEN_BYTES_MAX: usize = 1_024;
/// Parameters that plain orders use stand before this place of their table, and so do all that
/// other operations on the hot path have: only what comes after it costs more.
pub const PLAIN_PARAMS_MAX: usize = 9;
/// Most parameters of one operation beyond those.
pub const MORE_PARAMS_MAX: usize = 14;
/// Legs of a list of orders.
pub const LEGS_MAX: usize = 3;
/// Longest time in a request that is given in milliseconds: in nanoseconds it fits.
pub const TIMEOUT_MS_MAX: u64 = 9_223_372_036_854;
/// How much of an offending name or value an error repeats, in bytes.
pub const EXCERPT_BYTES_MAX: usize = 64;
/// Levels of one side of a book that its checksum covers.
pub const CRC_LEVELS: usize = 10;
/// Levels of each side that a subscription of a book may ask for; 0 is all. Each depth is one feed,
/// made once for all who listen to it.
pub const BOOK_DEPTHS: [u32; 4] = [1, 10, 50, 0];
/// Levels of one side where a subscription does not say.
pub const BOOK_DEPTH_DEFAULT: u32 = 50;
/// Levels of each side that all levels are at most.
pub const BOOK_LEVELS_MAX: usize = 10_000;
/// Bytes of an HMAC-SHA256.
pub const HMAC_BYTES: usize = 32;
/// Bytes of an Ed25519 signature, the longest.
pub const SIGNATURE_BYTES: usize = 64;
/// Orders of one `order.place_batch`.
pub const BATCH_ORDERS_MAX: usize = 50;
/// Rows of one page of a list, and how many there are where a request does not say.
pub const PAGE_ROWS_MAX: u32 = 500;
