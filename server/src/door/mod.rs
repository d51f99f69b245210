//! Who may come in, how often, and for how long: connections of an address and of a person, calls a second, changes at once, frames that carry nothing, age. Everything here
//! is known before a service sees the call. Never here: what a call does, and who somebody is (`auth`).

pub mod crowd;
pub mod layer;
pub mod line;
pub mod meter;
pub mod rates;
pub mod settings;
pub mod told;
