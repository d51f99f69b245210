//! What is drawn by lot: the same seed draws the same. And bytes that were changed by lot. Never here: what they are bytes of.

/// splitmix64.
#[derive(Clone)]
pub struct Lot(u64);

impl Lot {
    pub fn new(seed: u64, of: &str, index: u64) -> Lot {
        let mixed = of.bytes().fold(seed, |all, byte| Lot(all ^ u64::from(byte)).next());
        Lot(Lot(mixed ^ index).next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut it = self.0;
        it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        it ^ (it >> 31)
    }

    /// Under `end`; 0 where there is nothing to choose from.
    pub fn under(&mut self, end: usize) -> usize {
        if end == 0 { 0 } else { (self.next() % end as u64) as usize }
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.under(n) == 0
    }

    pub fn of<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.under(from.len())]
    }

    /// A number as headers and counters hold them when they lie.
    pub fn number(&mut self, length: usize) -> u64 {
        let length = length as u64;
        let edges = [
            0,
            1,
            2,
            0x7f,
            0x80,
            0xff,
            0x7fff,
            0x8000,
            0xffff,
            0x7fff_ffff,
            0x8000_0000,
            0xffff_ffff,
            1 << 52,
            u64::MAX >> 1,
            u64::MAX,
            length,
            length.wrapping_mul(2),
            length.wrapping_sub(1),
        ];
        if self.one_in(4) { self.next() } else { *self.of(&edges) }
    }
}

/// Changes `bytes` in one to eight places; `other` is something of the same kind to take pieces from. Heads are hit more often than sound.
pub fn mutated(bytes: &[u8], other: &[u8], lot: &mut Lot) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=lot.under(8) {
        if bytes.is_empty() {
            bytes.push(0);
        }
        let length = bytes.len();
        let at = if lot.one_in(2) { lot.under(length.min(256)) } else { lot.under(length) };
        let some = 1 + lot.under(64).min(length - at - 1);
        match lot.under(9) {
            0 => bytes[at] ^= 1 << lot.under(8),
            1 => bytes[at] = lot.number(length) as u8,
            2 => write(&mut bytes, at, &(lot.number(length) as u16).to_le_bytes()),
            3 => {
                let number = lot.number(length) as u32;
                let number = if lot.one_in(2) { number.to_le_bytes() } else { number.to_be_bytes() };
                write(&mut bytes, at, &number);
            }
            4 => {
                let number = lot.number(length);
                write(
                    &mut bytes,
                    at,
                    &if lot.one_in(2) { number.to_le_bytes() } else { number.to_be_bytes() },
                );
            }
            5 => bytes.truncate(at.max(1)),
            6 => drop(bytes.drain(at..at + some.min(length - at))),
            7 => {
                let piece = bytes[at..at + some.min(length - at)].to_vec();
                let to = lot.under(length);
                bytes.splice(to..to, piece);
            }
            _ if !other.is_empty() => {
                let from = lot.under(other.len());
                let piece = &other[from..other.len().min(from + some)];
                write(&mut bytes, at, piece);
            }
            _ => bytes.swap(0, at),
        }
    }
    bytes
}

fn write(into: &mut [u8], at: usize, what: &[u8]) {
    let fits = what.len().min(into.len() - at);
    into[at..at + fits].copy_from_slice(&what[..fits]);
}

#[test]
fn the_same_lot_draws_the_same_and_another_another() {
    let drawn = |seed, index| mutated(&[7; 300], &[1, 2, 3], &mut Lot::new(seed, "wav", index));
    assert_eq!(drawn(1, 5), drawn(1, 5));
    let all: std::collections::HashSet<_> = (0..50).map(|index| drawn(1, index)).collect();
    assert!(all.len() > 45, "{}", all.len());
    assert_ne!(drawn(1, 5), drawn(2, 5));
}
