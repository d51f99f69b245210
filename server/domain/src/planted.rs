//! Bugs that are built in on purpose, to see that the tests catch them (docs/PLANTED.md). Only with the feature `planted`, which nothing that is installed has:
//! without it `planted!` is `false` where it stands, and its name is in no program. This file alone looks at the world, for the one variable that chooses a bug.
//! Never here: a bug, or a test.

/// `planted!("name")`: whether the bug of that name was chosen. `planted!("name" => function, value)`: what the function makes of that and of the value.
#[cfg(feature = "planted")]
#[macro_export]
macro_rules! planted {
    ($name:literal) => {
        $crate::planted::is($name)
    };
    ($name:literal => $bad:path, $good:expr) => {
        $bad($crate::planted::is($name), $good)
    };
}

/// `false`, and the value as it is: nothing is planted in this build.
#[cfg(not(feature = "planted"))]
#[macro_export]
macro_rules! planted {
    ($name:literal) => {
        false
    };
    ($name:literal => $bad:path, $good:expr) => {
        $good
    };
}

/// Whether `DEADWAX_TEST_PLANT` says this name. It is read once.
#[cfg(feature = "planted")]
pub fn is(name: &str) -> bool {
    static CHOSEN: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("DEADWAX_TEST_PLANT").ok());
    CHOSEN.as_deref() == Some(name)
}
