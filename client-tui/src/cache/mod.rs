//! What is kept on a person's own machine: for their eyes only, and never more than they could see. Never here: tokens, screens, rules.

pub mod queue;
pub mod rows;
