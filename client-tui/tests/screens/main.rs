//! Keys in, screen out. Every screen at 80x24 and 120x40 in each of its moods as a snapshot, and the flows where a wrong key would cost
//! something. No network and no terminal: messages go into `update`, `draw` writes on a test backend.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod album;
mod album_whole;
mod chaos;
mod comparing;
#[path = "../text/contract.rs"]
mod contract;
mod delivery;
mod flows;
mod footer;
mod given_back;
mod hands;
#[path = "../../../tests/src/harm.rs"]
mod harm;
mod hostile;
mod hostile_rows;
mod label_copy;
mod listening;
mod listening_shots;
mod mastering;
mod offline;
mod people_keys;
mod presence;
mod record;
mod record_flows;
mod record_kept;
mod review;
mod review_flows;
mod review_shots;
mod rooms;
mod rooms_history;
mod sample;
mod seat;
mod share;
mod shots;
mod signing;
#[path = "../../../tests/src/sink.rs"]
mod sink;
