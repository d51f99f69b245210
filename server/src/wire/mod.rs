//! The only place where proto meets domain: stored facts, actions asked, rows shown. Never here: IO, a store, a clock, a rule.

pub mod about;
pub mod action;
pub mod desk;
pub mod history;
pub mod ledger;
pub mod manifest;
mod record;
pub mod record_manifest;
pub mod sheet;
pub mod text;
pub mod view;
pub mod words;

/// Ids on the wire are UUIDs in text.
pub fn id(id: u128) -> String {
    uuid::Uuid::from_u128(id).to_string()
}
