//! A project by what stands where in it: ids as distances from a base, and the bytes of its files. Three of them: one's own, somebody else's, one that is not there. Never here: how they come
//! about (`world`).

use crate::{
    common::id_text,
    media_kit::{sha256, tone},
};

/// What stands in both projects, as a distance from the project's base.
pub mod at {
    pub const RECORDING: u128 = 1;
    pub const MIXING: u128 = 2;
    pub const WAITING: u128 = 3;
    pub const COMPETING: u128 = 4;
    pub const MASTERING: u128 = 5;
    pub const RENDERING: u128 = 6;
    pub const DELIVERED: u128 = 7;
    pub const TAKE: u128 = 20;
    pub const MIX_1: u128 = 21;
    pub const MIX_2: u128 = 22;
    pub const MIX_WAITING: u128 = 23;
    pub const MIX_A: u128 = 24;
    pub const MIX_B: u128 = 25;
    pub const MIX_MASTERING: u128 = 26;
    pub const MIX_RENDERING: u128 = 27;
    pub const MIX_DELIVERED: u128 = 28;
    pub const MASTER: u128 = 29;
    pub const NOTE: u128 = 40;
    pub const INTERNAL: u128 = 41;
    pub const DONE: u128 = 42;
    pub const SPACING_NOTE: u128 = 43;
    pub const APPROVAL: u128 = 50;
    pub const HOLD: u128 = 51;
    pub const RENDER: u128 = 60;
    pub const SHEET: u128 = 61;
    pub const WEBHOOK: u128 = 70;
    pub const SHOOTOUT: u128 = 75;
    pub const RECORD: u128 = 80;
    /// Nothing stands there; ids of what is new are counted from it.
    pub const FRESH: u128 = 1000;
}

/// A project by what it was made from.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub project: u128,
    pub base: u128,
}

impl Place {
    pub fn id(&self, distance: u128) -> String {
        id_text(self.base + distance)
    }

    pub fn master(&self) -> Vec<u8> {
        tone(4000 + (self.base >> 64) as usize % 1000)
    }

    /// Received, and in no version yet.
    pub fn spare(&self) -> Vec<u8> {
        tone(6000 + (self.base >> 64) as usize % 1000)
    }

    pub fn cover(&self) -> Vec<u8> {
        let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x01\0\0\0\x01\x08\x02\0\0\0".to_vec();
        png.extend(self.base.to_be_bytes());
        png
    }

    pub fn package(&self) -> Vec<u8> {
        [b"PK package ".as_slice(), &self.base.to_be_bytes()].concat()
    }

    pub fn track(&self) -> Vec<u8> {
        [b"track ".as_slice(), &self.base.to_be_bytes()].concat()
    }

    pub fn sheet(&self) -> Vec<u8> {
        format!("{{\"sheet\":\"{}\"}}", self.base).into_bytes()
    }

    pub fn digest(&self) -> String {
        sha256(&self.master()).to_string()
    }
}

pub const OWN: u128 = 0xA << 124 | 0x11 << 64;
pub const FOREIGN: u128 = 0xB << 124 | 0x22 << 64;
pub const ABSENT: u128 = 0xC << 124 | 0x33 << 64;
