//! The limits of the keys that a recipe has had from the start: readers that refuse what is outside. Settings of steps use [`amounts!`](crate::amounts)
//! instead, where the limits are in the type. Never here: the structs.

use serde::{Deserialize, Deserializer};

macro_rules! limits {
    ($($name:ident, $default:ident = $value:expr, $low:expr, $high:expr, $unit:expr;)*) => {$(
        pub fn $default() -> f64 {
            $value
        }
        limits!($name, $low, $high, $unit;);
    )*};
    ($($name:ident, $low:expr, $high:expr, $unit:expr;)*) => {$(
        pub fn $name<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
            within(f64::deserialize(d)?, $low, $high, $unit)
        }
    )*};
}

macro_rules! optional_limits {
    ($($name:ident, $low:expr, $high:expr, $unit:expr;)*) => {$(
        pub fn $name<'de, D: Deserializer<'de>>(d: D) -> Result<Option<f64>, D::Error> {
            within(f64::deserialize(d)?, $low, $high, $unit).map(Some)
        }
    )*};
}

limits! {
    ceiling, ceiling_default = -1.0, -20.0, 0.0, "dBTP";
    quality, butterworth = std::f64::consts::FRAC_1_SQRT_2, 0.1, 30.0, "";
    knee, knee_default = 6.0, 0.0, 24.0, "dB";
    attack, attack_default = 20.0, 0.1, 500.0, "ms";
    release, release_default = 200.0, 5.0, 5000.0, "ms";
    width, width_default = 1.0, 0.0, 2.0, "";
    lookahead, lookahead_default = 2.5, 0.5, 10.0, "ms";
    hold, hold_default = 10.0, 1.0, 50.0, "ms";
    fast_release, fast_default = 30.0, 1.0, 1000.0, "ms";
    slow_release, slow_default = 250.0, 5.0, 5000.0, "ms";
    max_reduction, max_reduction_default = 30.0, 0.5, 40.0, "dB";
    link, link_default = 1.0, 0.0, 1.0, "";
    cost, cost_default = 0.5, 0.0, 100.0, "a dB";
    clean, clean_default = 6.0, 0.0, 24.0, "dB";
    share_max, share_max_default = 3.0, 0.0, 12.0, "dB";
}

limits! {
    corner, 5.0, 40_000.0, "Hz";
    band_gain, -24.0, 24.0, "dB";
    threshold, -60.0, 0.0, "dB";
    ratio, 1.0, 20.0, "to 1";
    makeup, -24.0, 24.0, "dB";
}

optional_limits! {
    target, -40.0, -4.0, "LUFS";
    own_ceiling, -20.0, 0.0, "dBTP";
    input_gain, -40.0, 40.0, "dB";
    dc_corner, 0.5, 20.0, "Hz";
    key_corner, 20.0, 500.0, "Hz";
    mono_corner, 20.0, 500.0, "Hz";
}

fn within<E: serde::de::Error>(value: f64, low: f64, high: f64, unit: &str) -> Result<f64, E> {
    if (low..=high).contains(&value) {
        Ok(value)
    } else {
        Err(E::custom(format!("{value} is outside {low} to {high} {unit}").trim_end()))
    }
}

/// A key that came later is left out of the canonical text where it changes nothing, so that older recipes keep their hash.
pub fn is_one(value: &f64) -> bool {
    *value == 1.0
}

pub fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

const NAME_MAX_CHARS: usize = 80;

pub fn name<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    let name = String::deserialize(d)?;
    if name.is_empty() || name.chars().count() > NAME_MAX_CHARS || name.chars().any(char::is_control) {
        return Err(serde::de::Error::custom(
            "a name has 1 to 80 characters, none of them a control character",
        ));
    }
    Ok(name)
}
