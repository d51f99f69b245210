//! Tools that need no server.
use super::{Context, VerbError};
use crate::cli::Master;
use std::path::PathBuf;
pub fn measure(_c: &Context, _files: &[PathBuf]) -> Result<(), VerbError> {
    Err(VerbError::Usage("later".into()))
}
pub fn check(_c: &Context, _files: &[PathBuf], _profile: &str) -> Result<(), VerbError> {
    Err(VerbError::Usage("later".into()))
}
pub fn master(_c: &Context, _m: &Master) -> Result<(), VerbError> {
    Err(VerbError::Usage("later".into()))
}
pub fn waveform(_c: &Context, _f: &std::path::Path, _w: Option<u16>) -> Result<(), VerbError> {
    Err(VerbError::Usage("later".into()))
}
