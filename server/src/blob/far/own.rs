//! The promises of a folder, held beside an object store: the same tests, with another `open`. Never here: a test.

use std::path::Path;

use super::{Far, shed};
use crate::blob::*;

fn far_of_tests(folder: &Path) -> Option<Arc<Far>> {
    Some(shed::far(&shed::of(folder), 1 << 30))
}

#[path = "../tests.rs"]
#[allow(clippy::duplicate_mod, reason = "the same promises, over another kind of blobs")]
mod tests;
