//! What is typed for DDP-compatible folders. Nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::WavArg;

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
    /// Listen to it, to its pauses too, or write what would be heard into a file
    Play(DdpPlay),
}

#[derive(Debug, Args)]
pub struct DdpPlay {
    /// With DDPID and DDPMS in it
    pub folder: PathBuf,
    /// This track only, with the pause behind it
    #[arg(long, value_name = "N")]
    pub track: Option<u8>,
    /// Write what would be heard into this WAV file instead
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
    /// How --to writes
    #[arg(long, value_enum, default_value_t = WavArg::Wav32f, requires = "to")]
    pub format: WavArg,
    /// Begin here, in the track or in the image: 1:23.4, or 83.4 in seconds
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// End here
    #[arg(long, value_name = "TIME")]
    pub to_time: Option<String>,
}
