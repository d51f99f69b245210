//! Integrated loudness alone (ITU-R BS.1770-5 Annex 1), for the search of a level: of a stream, and from the energies of groups of frames. The
//! figures of a report come from the meter of `measure` and from a second one that shares no code with either.

use crate::{
    block::Block,
    lanes,
    measure::{WeightedEnergy, integrated_lufs},
    processors::group_frames,
};

