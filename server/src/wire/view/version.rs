//! Versions with their files and what preflight found. Whoever only listens hears them and does not see the work on them.

use deadwax_domain::{Version, audience, dry, preflight};
use deadwax_proto::v1::{self, row::Row as Kind};

use super::{Viewer, review};
use crate::wire::{id, text::scrub, words};

pub fn rows(viewer: &Viewer<'_>, put: &mut dyn FnMut(String, Kind)) {
    let seen = |version: &&Version| audience::sees_version(viewer.project, viewer.person, version);
    for version in viewer.project.versions.values().filter(seen) {
        put(format!("version/{}", id(version.id.0)), Kind::Version(row(viewer, version)));
    }
}

pub(super) fn row(viewer: &Viewer<'_>, version: &Version) -> v1::VersionRow {
    let project = viewer.project;
    let may_fetch = audience::fetches(project, viewer.person);
    let work = viewer.sees_work();
    let maker = audience::knows_maker(project, viewer.person, version);
    let by = version.by.filter(|_| maker);
    let found = if work { preflight::findings(project, version) } else { Vec::new() };
    v1::VersionRow {
        version_id: id(version.id.0),
        song_id: id(version.song.0),
        kind: words::kind(version.kind).into(),
        number: version.number,
        title: if maker { scrub(&version.title) } else { String::new() },
        changelog: if work && maker { scrub(&version.changelog) } else { String::new() },
        uploaded_by: if maker { viewer.name_or(version.by, "the render") } else { String::new() },
        uploaded_by_id: by.map(|person| id(person.0)).unwrap_or_default(),
        at_ms: version.at.0,
        fingerprint: version.fingerprint.to_string(),
        superseded: project.is_superseded(version),
        files: version.files.iter().map(|file| file_row(file, may_fetch, maker)).collect(),
        preflight: found.iter().map(finding).collect(),
        render_id: version.render.filter(|_| work).map(|render| id(render.0)).unwrap_or_default(),
        allowed: viewer.allowed(dry::version_actions(project, &viewer.actor, version.id)),
        line: version.line.map(|line| line.letter()).unwrap_or_default(),
        name: version.name(),
        examination: if work { review::examination(viewer, version) } else { None },
        closed_with_thanks: project.is_closed_with_thanks(version),
        heard_percent: project.heard_percent(version.id, viewer.person),
        sections: project
            .sections_in(version, viewer.person)
            .into_iter()
            .map(|section| v1::Section { start_ms: section.start_ms, name: scrub(&section.name) })
            .collect(),
    }
}

/// A file name may say who mixed it.
fn file_row(file: &deadwax_domain::File, may_fetch: bool, maker: bool) -> v1::VersionFile {
    let row = words::version_file(file, may_fetch);
    if maker { row } else { v1::VersionFile { name: String::new(), ..row } }
}

fn finding(finding: &deadwax_domain::Finding) -> v1::Finding {
    v1::Finding {
        block: finding.block,
        code: finding.code.to_owned(),
        text: scrub(&finding.text),
        alternate: finding.alternate.to_string(),
        source: finding.source.to_owned(),
        mend: finding.mend.to_owned(),
    }
}
