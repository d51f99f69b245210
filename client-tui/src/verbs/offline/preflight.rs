//! Alternates held against their main, by a profile's limits. Nothing is read or printed here; what one file alone tells is in `checks`.

use deadwax_dsp::report::FileReport;

use crate::{
    checks::{Alternates, Found},
    name::{self, Guess},
};

/// Alternates against their main, where names tell which is which and the song is the same. Answers findings by the index of the file.
pub fn siblings(rules: &Alternates, files: &[(FileReport, Guess)]) -> Vec<(usize, Found)> {
    let mut found = Vec::new();
    for (index, (report, guess)) in files.iter().enumerate() {
        if let Some(twin) = files[..index].iter().find(|(other, _)| other.sha256 == report.sha256) {
            let twin = twin.0.file.display();
            found.push((index, Found::block("SAME_BYTES", format!("It is {twin}, byte for byte."))));
            continue;
        }
        let main = files.iter().find(|(_, m)| m.alternate == "main" && same_song(m, guess));
        let Some((main, _)) = main.filter(|_| guess.alternate != "main") else { continue };
        for finding in against(rules, main, report, guess) {
            found.push((index, finding));
        }
    }
    found
}

/// Two names of one song's version.
pub fn same_song(a: &Guess, b: &Guess) -> bool {
    name::key(&a.title) == name::key(&b.title) && a.number == b.number
}

fn against(rules: &Alternates, main: &FileReport, report: &FileReport, guess: &Guess) -> Vec<Found> {
    let mut found = Vec::new();
    let (m, a) = (&main.spec, &report.spec);
    let format = |s: &deadwax_dsp::Spec| (s.sample_rate, s.bits, s.float, s.channels);
    if rules.same_format && format(m) != format(a) {
        let say = |s: &deadwax_dsp::Spec| {
            format!("{} Hz, {} bit, {} ch", s.sample_rate, s.bits.unwrap_or(0), s.channels)
        };
        found.push(Found::block("ALTERNATE_FORMAT", format!("It is {}, its main is {}.", say(a), say(m))));
    }
    // A cut, a sting or an edit is meant to be shorter.
    let same_length = !["cut-", "sting", "bumper", "radio-edit", "extended", "underscore"]
        .iter()
        .any(|t| guess.alternate.starts_with(t));
    let frames = (report.measurement.frames, main.measurement.frames);
    if same_length && m.sample_rate == a.sample_rate && frames.0.abs_diff(frames.1) > rules.same_length_frames
    {
        let by_s = (frames.0 as f64 - frames.1 as f64) / f64::from(a.sample_rate.max(1));
        found.push(Found::block(
            "ALTERNATE_LENGTH",
            format!("Its length differs from its main's by {by_s:+.3} s."),
        ));
    }
    let step =
        ["vocal-", "bgv-up", "bgv-down", "bass-", "solo-"].iter().any(|t| guess.alternate.starts_with(t));
    let apart_lu = report.measurement.integrated_lufs - main.measurement.integrated_lufs;
    if let Some(most) = rules.step_loudness_max_lu.filter(|most| step && apart_lu.abs() > *most) {
        found.push(Found::warn(
            "ALTERNATE_LEVEL",
            format!(
                "It is {apart_lu:+.1} LU from its main; more than {most:.0} LU is not one element moved."
            ),
        ));
    }
    found
}
