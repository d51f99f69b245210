//! Who may do what, and who received what. Never here: the parts that fail.

use super::gate::Gate;

pub const GATES: &[Gate] = &[];
