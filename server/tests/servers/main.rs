//! Several servers, the very program that is installed, over one database: what is asked at one of them counts at the others (`together`; share links: `links`), they live through what
//! happens to servers and databases (`faults`) and to the lines between (`parted`), and tell the news once (`news`). Audio lies in a folder that they share, or in an
//! object store. `house` starts and ends them. Without a Postgres, or an S3 server, on the machine the tests say `not-run`. Never here: a look into a server's
//! memory.
#![cfg(all(target_os = "linux", feature = "postgres", feature = "s3"))]
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

#[path = "../../src/store/postgres/tests/cluster.rs"]
#[allow(dead_code, reason = "its other half is wanted by the store's own tests")]
mod cluster;
#[path = "../common/dice.rs"]
mod dice;
mod faults;
mod house;
mod line;
mod links;
#[path = "../common/machine.rs"]
mod machine;
#[path = "../../src/blob/far/s3/tests/moto.rs"]
#[allow(dead_code, reason = "the tests of the object store use more of it")]
mod moto;
mod news;
#[path = "../notify_kit/mod.rs"]
mod news_kit;
mod parted;
#[path = "../whole/pieces.rs"]
#[allow(dead_code, reason = "what is cut and gone on with is told there")]
mod pieces;
#[path = "../common/process.rs"]
mod process;
#[path = "../attacks/house.rs"]
#[allow(dead_code, reason = "the people of that file are wanted here, its server is not")]
mod seats;
mod together;

// What `cluster` asks of the crate that it stands in.
use deadwax_server::store;
use dice::Dice;
