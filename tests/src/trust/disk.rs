//! The disk that fails: cuts at every call, errors at every site, the disk that is full. Never here: the parts that fail.

use super::gate::Gate;

pub const GATES: &[Gate] = &[];
