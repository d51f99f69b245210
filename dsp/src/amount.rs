//! Numbers of the desk that keep their limits: each is a type of its own, in the unit an engineer thinks in, and a value outside it cannot be made.
//! Never here: what a number is used for.

use std::fmt;

/// A value outside its limits, said so that the limits are known afterwards.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub struct OutOfLimits {
    pub value: f64,
    pub low: f64,
    pub high: f64,
    pub unit: &'static str,
}

impl fmt::Display for OutOfLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OutOfLimits { value, low, high, unit } = self;
        let gap = if unit.is_empty() { "" } else { " " };
        write!(f, "{value} is outside {low} to {high}{gap}{unit}")
    }
}

/// Makes number types: `amounts! { /// What it is. Name: low..=high, "unit"; }`. The unit may be empty.
///
/// `Name::new(v)` refuses what is outside, `Name::at(v)` sets it to the nearest limit (for constants), `get()` gives the number. Reading one from a
/// recipe refuses what is outside too.
#[macro_export]
macro_rules! amounts {
    ($($(#[$doc:meta])* $name:ident: $low:literal ..= $high:literal, $unit:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            pub const LOW: f64 = $low;
            pub const HIGH: f64 = $high;
            pub const UNIT: &'static str = $unit;

            pub fn new(value: f64) -> Result<Self, $crate::amount::OutOfLimits> {
                if (Self::LOW..=Self::HIGH).contains(&value) {
                    Ok(Self(value))
                } else {
                    let (low, high, unit) = (Self::LOW, Self::HIGH, Self::UNIT);
                    Err($crate::amount::OutOfLimits { value, low, high, unit })
                }
            }

            /// The nearest value within the limits; what is no number becomes the lowest.
            pub const fn at(value: f64) -> Self {
                if value > Self::HIGH {
                    Self(Self::HIGH)
                } else if value >= Self::LOW {
                    Self(value)
                } else {
                    Self(Self::LOW)
                }
            }

            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_f64(self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(f64::deserialize(d)?).map_err(serde::de::Error::custom)
            }
        }
    )*};
}

#[cfg(test)]
mod tests {
    amounts! {
        /// For this test.
        Warmth: -3.0..=3.0, "dB";
    }

    #[test]
    fn what_is_outside_cannot_be_made_and_the_limits_are_told() {
        assert_eq!(Warmth::new(2.5).unwrap().get(), 2.5);
        assert_eq!(Warmth::new(4.0).unwrap_err().to_string(), "4 is outside -3 to 3 dB");
        assert!(Warmth::new(f64::NAN).is_err());
        assert_eq!((Warmth::at(9.0).get(), Warmth::at(f64::NAN).get()), (3.0, -3.0));
        let read: Result<Warmth, _> = serde_json::from_str("-3.5");
        assert!(read.unwrap_err().to_string().contains("-3.5 is outside -3 to 3 dB"));
    }
}
