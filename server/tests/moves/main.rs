//! A studio that moves while people work in it: from its folder to a database and an object store, and back (`journey`); what is refused, and what a kill of the mover
//! leaves (`stops`); ends that are away, full, newer or taken by another mover (`ends`); news that are told once (`told`); how long it takes (`figures`). The very
//! program that is installed, as processes. Without a Postgres or an S3 server on the machine the tests say `not-run`. Never here: a look into a server's memory.
#![cfg(all(target_os = "linux", feature = "postgres", feature = "s3"))]
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

#[path = "../../src/store/postgres/tests/cluster.rs"]
#[allow(dead_code, reason = "its other half is wanted by the store's own tests")]
mod cluster;
#[path = "../common/dice.rs"]
mod dice;
mod ends;
mod figures;
mod journey;
#[path = "../../src/blob/far/s3/tests/moto.rs"]
#[allow(dead_code, reason = "the tests of the store itself use more of it")]
mod moto;
#[path = "../notify_kit/mod.rs"]
mod news_kit;
mod people;
#[path = "../whole/pieces.rs"]
#[allow(dead_code, reason = "what is cut and gone on with is told there")]
mod pieces;
#[path = "../common/process.rs"]
mod process;
#[path = "../attacks/house.rs"]
#[allow(dead_code, reason = "the people of that file are wanted here, its server is not")]
mod seats;
mod stops;
mod studio;
mod told;

// What `cluster` asks of the crate that it stands in.
use deadwax_server::store;
use dice::Dice;
