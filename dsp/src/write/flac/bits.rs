//! Bits into bytes, the most significant first, and the two checksums of a FLAC frame (RFC 9639, 9.1.8 and 9.3). Never here: what the bits mean.

/// Bytes behind the written ones that a store of eight may touch.
const SLACK_BYTES: usize = 8;

/// A growing row of bits. `reserve` before writing; what is written beyond the reserve makes it grow, slowly.
#[derive(Default)]
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// Whole bytes written.
    at: usize,
    /// Bits not yet a whole byte, at the upper end.
    pending: u64,
    /// How many: 0 to 7 between calls.
    count: u32,
}

impl Bits {
    /// Empties the row and makes room.
    pub(super) fn start(&mut self, reserve_bytes: usize) {
        self.at = 0;
        self.pending = 0;
        self.count = 0;
        if self.bytes.len() < reserve_bytes + SLACK_BYTES {
            self.bytes.resize(reserve_bytes + SLACK_BYTES, 0);
        }
    }

    /// The lowest `bits` (1 to 56) of `value`, of which the others are zero.
    #[inline(always)]
    pub(super) fn put(&mut self, value: u64, bits: u32) {
        self.pending |= value << (64 - self.count - bits);
        let count = self.count + bits;
        if let Some(place) = self.bytes.get_mut(self.at..self.at + 8) {
            place.copy_from_slice(&self.pending.to_be_bytes());
        } else {
            self.bytes.resize(self.at * 2 + SLACK_BYTES, 0);
            self.bytes[self.at..self.at + 8].copy_from_slice(&self.pending.to_be_bytes());
        }
        self.at += (count >> 3) as usize;
        // Of the pending bits the whole bytes go; at 63 bits and fewer the shift is below 64.
        self.pending <<= count & !7;
        self.count = count & 7;
    }

    /// A signed number of `bits` (1 to 33).
    #[inline(always)]
    pub(super) fn put_signed(&mut self, value: i64, bits: u32) {
        self.put(value as u64 & ((1 << bits) - 1), bits);
    }

    /// `zeros` zeros and a one.
    pub(super) fn put_unary(&mut self, mut zeros: u32) {
        while zeros >= 32 {
            self.put(0, 32);
            zeros -= 32;
        }
        self.put(1, zeros + 1);
    }

    /// Fills the last byte with zeros.
    pub(super) fn align(&mut self) {
        if self.count > 0 {
            self.put(0, 8 - self.count);
        }
    }

    /// All whole bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.at]
    }
}

const fn crc8_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x80 != 0 { crc << 1 ^ 0x07 } else { crc << 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

/// Table `n` holds what a byte does to the sum when `n` further bytes follow it.
const fn crc16_tables() -> [[u16; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 64 {
            crc = if crc & 0x8000 != 0 { crc << 1 ^ 0x8005 } else { crc << 1 };
            bit += 1;
            if bit % 8 == 0 {
                tables[bit / 8 - 1][byte] = crc;
            }
        }
        byte += 1;
    }
    tables
}

static CRC8: [u8; 256] = crc8_table();
static CRC16: [[u16; 256]; 8] = crc16_tables();

/// Polynomial x^8 + x^2 + x + 1, of a frame's header.
pub(super) fn crc8(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |crc, byte| CRC8[usize::from(crc ^ byte)])
}

/// Polynomial x^16 + x^15 + x^2 + 1, of a whole frame; eight bytes at a step.
pub(super) fn crc16(bytes: &[u8]) -> u16 {
    let (eights, rest) = bytes.as_chunks::<8>();
    let mut crc = 0u16;
    for [a, b, tail @ ..] in eights {
        let [high, low] = crc.to_be_bytes();
        crc = CRC16[7][usize::from(a ^ high)] ^ CRC16[6][usize::from(b ^ low)];
        for (table, byte) in CRC16[..6].iter().rev().zip(tail) {
            crc ^= table[usize::from(*byte)];
        }
    }
    rest.iter().fold(crc, |crc, byte| crc << 8 ^ CRC16[0][usize::from((crc >> 8) as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_catalogue() {
        // CRC-8/SMBUS and CRC-16/UMTS of "123456789".
        assert_eq!(crc8(b"123456789"), 0xF4);
        assert_eq!(crc16(b"123456789"), 0xFEE8);
        assert_eq!(crc16(b""), 0);
    }

    #[test]
    fn bits_stand_in_the_order_they_were_put() {
        let mut bits = Bits::default();
        bits.start(0);
        bits.put(0b101, 3);
        bits.put_signed(-1, 6);
        bits.put_unary(70);
        bits.put(0x0000_FFEE_DDCC_BBAA, 56);
        bits.align();
        let text: String = bits.bytes().iter().map(|byte| format!("{byte:08b}")).collect();
        let expected = format!("101111111{}1{:056b}", "0".repeat(70), 0x0000_FFEE_DDCC_BBAA_u64);
        assert!(text.starts_with(&expected) && text.len() == expected.len().div_ceil(8) * 8);
    }
}
