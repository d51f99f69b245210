//! Bugs that are built in on purpose, to see that the tests catch them (docs/PLANTED.md). Only with the feature `planted`, which nothing that is installed has:
//! without it `planted!` is `false` where it stands, and its name is in no program. Never here: a bug, or a test.

/// Whether the bug of that name was chosen.
#[cfg(feature = "planted")]
macro_rules! planted {
    ($name:literal) => {
        $crate::planted::is($name)
    };
}

/// `false`: nothing is planted in this build.
#[cfg(not(feature = "planted"))]
macro_rules! planted {
    ($name:literal) => {
        false
    };
}

pub(crate) use planted;

/// Whether `DEADWAX_TEST_PLANT` says this name. It is read once.
#[cfg(feature = "planted")]
pub(crate) fn is(name: &str) -> bool {
    static CHOSEN: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("DEADWAX_TEST_PLANT").ok());
    CHOSEN.as_deref() == Some(name)
}
