//! Bounds of the wire, by name.

/// How deep JSON may nest; the deepest request of ours nests 3.
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
/// Most parameters of one operation.
pub const PARAMS_MAX: usize = 10;
/// How much of an offending name or value an error repeats, in bytes.
pub const EXCERPT_BYTES_MAX: usize = 64;
/// Levels of one side of a book that its checksum covers.
pub const CRC_LEVELS: usize = 10;
/// Most levels of one side that a subscription may ask for.
pub const BOOK_DEPTH_MAX: u32 = 1_000;
/// Levels of one side where a subscription does not say.
pub const BOOK_DEPTH_DEFAULT: u32 = 50;
/// Bytes of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;
