//! Every bound of the journal, by name.

/// The unit of a torn write, in bytes: a disk writes a sector wholly or not at all. Every header fits
/// in one and every group starts on one, so a torn group never damages its neighbour.
pub const SECTOR_BYTES: u64 = 512;

/// Size of a segment file in bytes, unless configured otherwise (64 MiB).
pub const SEGMENT_BYTES_DEFAULT: u64 = 64 << 20;

/// Size of the first segment of a new journal in bytes (8 MiB), so that a new journal opens in some
/// ten milliseconds; the following segments grow by [`SEGMENT_GROWTH`] up to the configured size.
pub const FIRST_SEGMENT_BYTES_DEFAULT: u64 = 8 << 20;

/// How many times larger the next segment is than the one before, until the configured size is reached:
/// what is left of one segment is then time enough to prepare the next.
pub const SEGMENT_GROWTH: u64 = 2;

/// The smallest segment that is accepted, in bytes: header, one small group, one seal.
pub const SEGMENT_BYTES_MIN: u64 = 4 * SECTOR_BYTES;

/// The largest segment that is accepted, in bytes (4 GiB): recovery reads the last one whole.
pub const SEGMENT_BYTES_MAX: u64 = 4 << 30;

/// A new segment is prepared once this share (one in so many) of the current one is used.
pub const PREPARE_AT_SHARE: u64 = 4;

/// Largest record in bytes, its header included.
pub const RECORD_BYTES_MAX: usize = 64 << 10;

/// Smallest record in bytes: length, checksum, eight bytes of the writer's own, seq.
pub const RECORD_BYTES_MIN: usize = 24;

/// Offset of the record's length (u32, little endian, the whole record) in the record.
pub const RECORD_LENGTH_AT: usize = 0;

/// Offset of the record's CRC-32C (u32, little endian) in the record.
pub const RECORD_CRC_AT: usize = 4;

/// The record's CRC-32C covers the bytes from here to its end.
pub const RECORD_CRC_FROM: usize = 8;

/// Offset of the record's seq (u64, little endian) in the record.
pub const RECORD_SEQ_AT: usize = 16;

/// Most bytes of records in one group (4 MiB): some 20,000 records, 30 ms of a slow disk. Who has
/// gathered more commits it as several groups.
pub const GROUP_BYTES_MAX: usize = 4 << 20;

/// Most batches in one group: their table then takes at most 64 KiB.
pub const GROUP_BATCHES_MAX: usize = 16 << 10;

/// Zeros are written in pieces of this many bytes (256 KiB), between which a stop request is seen: past
/// the kernel's cache, where the file system can, so that nothing gathers that a group's own sync has to
/// wait for; else each piece is synced. With groups of 64 KiB back to back the slowest sync in a hundred
/// took 1.3 ms then, against 8 ms when zeros were synced per 4 MiB.
pub const ZERO_CHUNK_BYTES: usize = 256 << 10;

/// What the kernel's cache holds at a time, in bytes: a write that ends within a page makes it read the
/// rest of that page from the disk, so groups are written with zeros to the end of their last one.
pub const PAGE_BYTES: usize = 4_096;

/// Readers and recovery read ahead this many bytes (256 KiB).
pub const READ_AHEAD_BYTES: usize = 256 << 10;

/// How often a reader reads `durable.seq` again when it met it half written.
pub const WATERMARK_READS_MAX: u32 = 64;

/// Most segment files of one journal in one directory.
pub const SEGMENTS_MAX: usize = 1 << 20;

/// Most snapshots that are kept.
pub const SNAPSHOTS_KEPT_MAX: usize = 64;

/// Longest payload of a snapshot, in bytes (16 GiB): some 100,000,000 orders.
pub const SNAPSHOT_BYTES_MAX: u64 = 16 << 30;

/// A snapshot is hashed and written in pieces of this many bytes (256 KiB).
pub const SNAPSHOT_CHUNK_BYTES: usize = 256 << 10;
