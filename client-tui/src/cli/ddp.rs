//! What is typed for DDP-compatible folders. Nothing is done here.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum DdpVerb {
    /// Hold it against every rule of the format and of the disc, every file against its checksum; exit 1 on a block
    #[command(
        long_about = "Hold a DDP-compatible folder against every rule of the format and of the disc, and every file against its checksum.\n\nThe reader was \
made from public descriptions, apart from what writes our own sets. Exit code 1 on a block, 3 where the folder cannot be read."
    )]
    Check {
        /// With DDPID and DDPMS in it
        folder: PathBuf,
    },
    /// What a plant reads out of it: tracks with their indexes, lengths, codes and titles
    Show {
        /// With DDPID and DDPMS in it
        folder: PathBuf,
    },
}
