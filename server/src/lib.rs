//! The studio server of Deadwax, as a library: the binary and the test harness both start it from here. See ARCHITECTURE.md.

pub mod admin;
pub mod auth;
pub mod blob;
mod cli;
pub mod config;
pub mod dates;
pub mod desk;
pub mod disk;
pub mod door;
pub mod egress;
pub mod evidence;
pub mod handoff;
pub mod keep;
pub mod ledger;
pub mod listen;
pub mod listening;
pub mod metrics;
pub mod name;
pub mod notify;
pub mod presence;
mod received;
pub mod reload;
pub mod render;
pub mod rpc;
pub mod serve;
pub mod service;
pub mod signature;
pub mod status;
pub mod store;
pub mod studio;
pub mod telemetry;
pub mod tls;
pub mod traces;
pub mod watch;
pub mod wire;

pub use cli::main_with;
