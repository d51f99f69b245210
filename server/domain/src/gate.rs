//! Gates: what leaving a stage needs, as data (P-3).

use crate::{Alternate, Role, Roles, Stage};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateRule {
    pub stage: Stage,
    pub needs: Vec<Need>,
    pub required_alternates: Vec<Alternate>,
    pub open_notes_allowed: bool,
}

/// `count` approvals, each in one of these roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub any_of: Roles,
    pub count: u32,
}

/// Recording: one of artist, producer, mix engineer or label says that there is enough to mix. Mixing and mastering: the artist and the
/// label, and every note answered.
pub fn default_rule(stage: Stage) -> Option<GateRule> {
    let need = |roles: &[Role]| Need { any_of: roles.iter().copied().collect(), count: 1 };
    let (needs, open_notes_allowed) = match stage {
        Stage::Recording => {
            (vec![need(&[Role::Artist, Role::Producer, Role::MixEngineer, Role::Label])], true)
        }
        Stage::Mixing | Stage::Mastering => (vec![need(&[Role::Artist]), need(&[Role::Label])], false),
        Stage::Delivered => return None,
    };
    Some(GateRule { stage, needs, required_alternates: Vec::new(), open_notes_allowed })
}
