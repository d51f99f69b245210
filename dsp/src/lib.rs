//! Sound: decode, measure, process, write. Planar blocks of f64, streamed; no song is ever held in memory. Never here: async, the network, the studio.

#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod album;
pub mod amount;
pub mod block;
pub mod codes;
pub mod compare;
pub mod decode;
pub mod digest;
pub mod disc;
pub mod dither;
pub mod error;
pub mod fft;
pub mod forensics;
pub mod inspect;
pub mod lanes;
pub mod listening;
pub mod math;
pub mod measure;
pub mod processors;
pub mod profile;
pub mod recipe;
pub mod record;
pub mod render;
pub mod report;
pub mod resample;
pub mod sheet;
pub mod true_peak;
pub mod waveform;
pub mod write;

pub use block::{Block, Spec};
pub use decode::Source;
pub use error::{DspError, Flow};
