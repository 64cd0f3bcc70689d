//! Two checksums: CRC-32C (Castagnoli) of records, CRC-32 (IEEE 802.3) of books on the wire.
//!
//! Cost: sixteen bytes a step from sixteen tables made by the compiler (Kounavis and Berry,
//! *A Systematic Approach to Building High Performance Software-based CRC Generators*, 2005).
//! Processor instructions would be faster, but need `unsafe` or `std`, and a record is 150 bytes.

const SLICES: usize = 16;

type Tables = [[u32; 256]; SLICES];

#[expect(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    reason = "constant bounds, evaluated by the compiler; `as` is the only cast a const fn has"
)]
const fn tables(reflected_polynomial: u32) -> Tables {
    let mut tables = [[0_u32; 256]; SLICES];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ reflected_polynomial } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut slice = 1;
    while slice < SLICES {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[slice - 1][byte];
            tables[slice][byte] = (before >> 8) ^ tables[0][(before & 0xff) as usize];
            byte += 1;
        }
        slice += 1;
    }
    tables
}

static CASTAGNOLI: Tables = tables(0x82f6_3b78);
static IEEE: Tables = tables(0xedb8_8320);

#[expect(clippy::indexing_slicing, reason = "a byte is always inside a table of 256")]
fn update(tables: &Tables, mut crc: u32, bytes: &[u8]) -> u32 {
    let at = |slice: &[u32; 256], byte: u8| slice[usize::from(byte)];
    let mut rest = bytes;
    while let Some((block, after)) = rest.split_first_chunk::<SLICES>() {
        let [a, b, c, d] = crc.to_le_bytes();
        let [t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, t12, t13, t14, t15] = tables;
        crc = at(t15, block[0] ^ a)
            ^ at(t14, block[1] ^ b)
            ^ at(t13, block[2] ^ c)
            ^ at(t12, block[3] ^ d)
            ^ at(t11, block[4])
            ^ at(t10, block[5])
            ^ at(t9, block[6])
            ^ at(t8, block[7])
            ^ at(t7, block[8])
            ^ at(t6, block[9])
            ^ at(t5, block[10])
            ^ at(t4, block[11])
            ^ at(t3, block[12])
            ^ at(t2, block[13])
            ^ at(t1, block[14])
            ^ at(t0, block[15]);
        rest = after;
    }
    let [first, ..] = tables;
    for byte in rest {
        let [low, ..] = crc.to_le_bytes();
        crc = (crc >> 8) ^ at(first, low ^ byte);
    }
    crc
}

/// CRC-32C of `bytes`, as stands in records.
pub fn crc32c(bytes: &[u8]) -> u32 {
    !update(&CASTAGNOLI, !0, bytes)
}

/// CRC-32 (IEEE) of `bytes`, as stands in book messages.
pub fn crc32(bytes: &[u8]) -> u32 {
    !update(&IEEE, !0, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_give_their_published_check_values() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32(b""), 0);
    }
}
