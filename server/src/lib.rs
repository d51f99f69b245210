//! The studio server of Deadwax, as a library: the binary and the test harness both start it from here. See ARCHITECTURE.md.

pub mod auth;
pub mod blob;
pub mod ledger;
pub mod render;
pub mod store;
