//! Compiles the contract with protox (a protobuf compiler in Rust), so that no protoc is needed on the machine.
//! Writes the descriptor set beside the generated code: the server's reflection service answers from it.

use std::{env, fs, path::PathBuf};

use prost::Message as _;

const FILES: &[&str] = &[
    "deadwax/v1/audit.proto",
    "deadwax/v1/session.proto",
    "deadwax/v1/view.proto",
    "deadwax/v1/project.proto",
    "deadwax/v1/media.proto",
    "deadwax/v1/mastering.proto",
    "deadwax/v1/presence.proto",
    "deadwax/v1/record.proto",
    "deadwax/v1/link.proto",
    "deadwax/ledger/v1/facts.proto",
    "deadwax/ledger/v1/studio.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=deadwax");
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR for build scripts")?);
    fs::write(out.join("deadwax.bin"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .bytes(".deadwax.v1.UploadChunk.data")
        .bytes(".deadwax.v1.DownloadChunk.data")
        .bytes(".deadwax.v1.HandoffChunk.data")
        .bytes(".deadwax.v1.EvidenceChunk.data")
        .bytes(".deadwax.v1.PutCoverRequest.data")
        .bytes(".deadwax.v1.CoverChunk.data")
        .compile_fds(descriptors)?;
    Ok(())
}
