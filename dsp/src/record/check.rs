//! What is made held against what was planned, and errors that say what to do next. Never here: work.

use std::{
    fs,
    io::{self, Read as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::MadeFile;
use crate::{
    DspError, Source, album,
    profile::{AudioFile, PlannedFile},
};

/// Of what is planned and what is made, one is wrong, and that is ours.
pub(super) fn fault(path: &str, what: &str) -> DspError {
    DspError::Invalid(format!(
        "{path}: {what}. This is a fault of Deadwax: nothing of it was delivered; report it"
    ))
}

pub(super) fn as_planned(path: &str, planned: &PlannedFile, made: &album::Made) -> Result<(), DspError> {
    let differ = |what: &str, planned: String, made: String| {
        Err(fault(path, &format!("{what}: {planned} was planned, and {made} was made")))
    };
    if planned.frames != made.frames {
        return differ("frames", planned.frames.to_string(), made.frames.to_string());
    }
    if planned.sample_rate != made.sample_rate {
        return differ("sample rate", planned.sample_rate.to_string(), made.sample_rate.to_string());
    }
    if planned.exact != made.exact {
        return differ(
            "the samples of the master, bit for bit",
            planned.exact.to_string(),
            made.exact.to_string(),
        );
    }
    match planned.encoding.filter(|it| *it != made.encoding) {
        Some(encoding) => differ("encoding", encoding.to_string(), made.encoding.to_string()),
        None => Ok(()),
    }
}

/// Behind its tags it is the same sound still.
pub(super) fn still_sound(bench: &Path, path: &str, planned: &PlannedFile) -> Result<(), DspError> {
    let source = Source::open(bench)?;
    let spec = source.spec();
    let lossy = planned.encoding.is_some_and(|it| it.lossy());
    let frames = spec.frames.filter(|_| !lossy).unwrap_or(planned.frames);
    let is = (spec.sample_rate, spec.channels, frames);
    if is != (planned.sample_rate, planned.channels, planned.frames) {
        return Err(fault(path, &format!("with its tags it is read as {is:?}")));
    }
    Ok(())
}

pub(super) fn shape(it: &AudioFile) -> String {
    let bits =
        it.bits.map_or(String::new(), |bits| format!(", {bits} bit{}", if it.float { " float" } else { "" }));
    format!("{} frames at {} Hz, {} channels{bits}", it.frames, it.sample_rate, it.channels)
}

pub(super) fn md5_of(
    path: &Path,
    known: &MadeFile,
    still: &mut dyn FnMut(f64) -> Result<(), DspError>,
) -> Result<String, DspError> {
    let open = |e| DspError::open(path, e);
    let mut file = fs::File::open(path).map_err(open)?;
    let (mut md5, mut sha256) = (md5::Context::new(), Sha256::new());
    let (mut piece, mut at) = (vec![0; 1 << 18], 0u64);
    loop {
        let count = file.read(&mut piece).map_err(open)?;
        if count == 0 {
            break;
        }
        md5.consume(&piece[..count]);
        sha256.update(&piece[..count]);
        at += count as u64;
        still(at as f64 / known.bytes.max(1) as f64)?;
    }
    // The other list says so too, or neither is written.
    if hex::encode(sha256.finalize()) != known.sha256 {
        return Err(DspError::Invalid(format!(
            "{} was changed while the record was made: start again, it is made anew",
            path.display()
        )));
    }
    Ok(format!("{:x}", md5.finalize()))
}

/// What people can do about it.
pub(super) fn with_next_step(error: DspError) -> DspError {
    let DspError::Write { path, source } = error else { return error };
    let next = match source.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "the disk is full. Make room and start again: what is finished is kept"
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            "it may not be written there. Give the folder to whoever makes records, then start again"
        }
        _ => return DspError::Write { path, source },
    };
    let source = io::Error::new(source.kind(), format!("{source}: {next}"));
    DspError::Write { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        album::Made,
        measure::Meter,
        profile::{Kind, PlannedFile},
        write::Encoding,
    };

    fn planned() -> PlannedFile {
        PlannedFile {
            folder: String::new(),
            name: "a.wav".into(),
            kind: Kind::Track,
            alternate: "main".into(),
            encoding: Some(Encoding::Wav24),
            sample_rate: 48_000,
            channels: 2,
            frames: 100,
            bytes: 0,
            bytes_exact: false,
            songs: vec![0],
            side: None,
            exact: true,
            tags: None,
            cover: false,
            bext: None,
        }
    }

    fn made() -> Made {
        let spec = crate::Spec {
            sample_rate: 48_000,
            channels: 2,
            bits: Some(24),
            float: false,
            frames: None,
            container: "wav",
            codec: "pcm",
        };
        Made {
            name: "0000.wav".into(),
            encoding: Encoding::Wav24,
            sample_rate: 48_000,
            frames: 100,
            bytes: 700,
            sha256: String::new(),
            exact: true,
            over_full_scale: 0,
            overs: Vec::new(),
            measurement: Meter::new(&spec).finish(),
            tracks: Vec::new(),
            resumed: false,
        }
    }

    #[test]
    fn a_plan_that_lies_is_told_with_both_figures() {
        assert!(as_planned("cd/a.wav", &planned(), &made()).is_ok());
        for (made, said) in [
            (Made { frames: 101, ..made() }, "frames: 100 was planned, and 101 was made"),
            (Made { sample_rate: 44_100, ..made() }, "sample rate: 48000 was planned, and 44100 was made"),
            (Made { exact: false, ..made() }, "bit for bit: true was planned, and false was made"),
            (Made { encoding: Encoding::Wav16, ..made() }, "encoding: wav24 was planned, and wav16 was made"),
        ] {
            let error = as_planned("cd/a.wav", &planned(), &made).unwrap_err().to_string();
            assert!(error.starts_with("cd/a.wav: ") && error.contains(said), "{error}");
            assert!(error.contains("fault of Deadwax"), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_written_says_what_to_do() {
        let told = |kind: io::ErrorKind| {
            with_next_step(DspError::write(Path::new("x.wav"), io::Error::from(kind))).to_string()
        };
        assert!(told(io::ErrorKind::StorageFull).contains("Make room and start again"));
        assert!(told(io::ErrorKind::PermissionDenied).contains("Give the folder"));
        assert!(told(io::ErrorKind::StorageFull).starts_with("x.wav could not be written"));
        let other = with_next_step(DspError::Stopped);
        assert!(matches!(other, DspError::Stopped));
    }
}
