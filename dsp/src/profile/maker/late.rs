//! What can be found wrong only when every file is planned: what lies in the folder of a set, rates, files that nobody can take. Never here: files.

use super::Maker;
use crate::{
    disc,
    profile::{Finding, Kind, PlannedFile},
};

impl Maker<'_> {
    /// A plant takes every file in the folder of a set for a part of it.
    pub(super) fn set_alone(&mut self) {
        let files = &self.plan.files;
        let sets: Vec<&PlannedFile> = files.iter().filter(|it| it.kind == Kind::DdpImage).collect();
        let other = |set: &PlannedFile, it: &PlannedFile| match it.kind {
            Kind::DdpFile => false,
            // A second image, which had to be named otherwise.
            Kind::DdpImage => it.name != disc::IMAGE_NAME,
            _ => it.folder.eq_ignore_ascii_case(&set.folder),
        };
        let beside = sets.iter().find_map(|set| files.iter().find(|it| other(set, it)));
        if let Some(it) = beside {
            let text = format!("{} would lie in the folder of the DDP-compatible set.", it.name);
            let mend = "Give the set a folder of its own in the profile, and every other file another.";
            self.plan.findings.push(Finding::block("DDP_FOLDER", text, self.profile.source("")).mend(mend));
        }
    }

    pub(super) fn rate_findings(&mut self) {
        let (sheet, profile) = (self.sheet, self.profile);
        let khz = |hz: u32| format!("{} kHz", f64::from(hz) / 1000.0);
        for ((asked, own), songs) in &self.kept {
            let who = sheet.all_called(songs);
            let text = format!("{} is asked; {who} has {} and stays there.", khz(*asked), khz(*own));
            let mend = "Nothing is up-sampled. Render from a mix with the higher rate, where there is one.";
            let source = profile.source("sample_rate_hz");
            let it = Finding::warn("RATE_KEPT", text, source).mend(mend).songs(songs.iter().copied());
            self.plan.findings.push(it);
        }
        for (rate, songs) in &self.refused {
            let who = sheet.all_called(songs);
            let text = format!("{who} would be delivered at {}, which is not taken.", khz(*rate));
            let mend = "Master at a rate that is taken, or deliver by another profile.";
            let source = profile.source("sample_rates_hz");
            let it = Finding::block("SAMPLE_RATE", text, source).mend(mend).songs(songs.iter().copied());
            self.plan.findings.push(it);
        }
        if self.mixed {
            let rate = self.joint_rate(None);
            let lower: Vec<usize> =
                (0..sheet.songs.len()).filter(|at| sheet.songs[*at].source.sample_rate < rate).collect();
            let text = format!(
                "The songs have several rates: as one sound {} must be converted up to the others.",
                sheet.all_called(&lower)
            );
            let mend =
                "Master all songs of the record at one rate, or leave it: single files keep their own.";
            let it = Finding::warn("RATES_DIFFER", text, profile.source("")).mend(mend).songs(lower);
            self.plan.findings.push(it);
        }
    }

    /// What was signed in the very form and is not taken: people would think that it is.
    pub(super) fn form_findings(&mut self) {
        for ((rate, bits), songs) in &self.unlike {
            let who = self.sheet.all_called(songs);
            let form = format!("{} kHz and {bits} bits", f64::from(*rate) / 1000.0);
            let text = format!(
                "{who} has a signed file of {form} that is not as long or not as loud as the best one: it is not used."
            );
            let mend = "Render all formats of the master together at one level, or upload that file with the frames and the level of the others, and let it be signed.";
            let it = Finding::warn("FORMAT_DIFFERS", text, self.profile.source("")).mend(mend);
            self.plan.findings.push(it.songs(songs.iter().copied()));
        }
    }
}
