//! Who stands at the door: limits of connections, streams, headers, calls; attacks on the raw line. Never here: the limits themselves.

use super::gate::Gate;

pub const GATES: &[Gate] = &[];
