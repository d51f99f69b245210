//! Versions with their files and what preflight found. Whoever only listens hears them and does not see the work on them.

use deadwax_domain::{Version, audience, dry, preflight};
use deadwax_proto::v1::{self, row::Row as Kind};

use super::Viewer;
use crate::wire::{id, text::scrub, words};

pub fn rows(viewer: &Viewer<'_>, put: &mut dyn FnMut(String, Kind)) {
    for version in viewer.project.versions.values() {
        put(format!("version/{}", id(version.id.0)), Kind::Version(row(viewer, version)));
    }
}

fn row(viewer: &Viewer<'_>, version: &Version) -> v1::VersionRow {
    let project = viewer.project;
    let may_fetch = audience::may_fetch(viewer.roles);
    let work = viewer.sees_work();
    let found = if work { preflight::findings(project, version) } else { Vec::new() };
    v1::VersionRow {
        version_id: id(version.id.0),
        song_id: id(version.song.0),
        kind: words::kind(version.kind).into(),
        number: version.number,
        title: scrub(&version.title),
        changelog: if work { scrub(&version.changelog) } else { String::new() },
        uploaded_by: viewer.name_or(version.by, "the render"),
        uploaded_by_id: version.by.map(|person| id(person.0)).unwrap_or_default(),
        at_ms: version.at.0,
        fingerprint: version.fingerprint.to_string(),
        superseded: project.is_superseded(version),
        files: version.files.iter().map(|file| words::version_file(file, may_fetch)).collect(),
        preflight: found.iter().map(finding).collect(),
        render_id: version.render.filter(|_| work).map(|render| id(render.0)).unwrap_or_default(),
        allowed: viewer.allowed(dry::version_actions(project, &viewer.actor, version.id)),
    }
}

fn finding(finding: &deadwax_domain::Finding) -> v1::Finding {
    v1::Finding {
        block: finding.block,
        code: finding.code.to_owned(),
        text: scrub(&finding.text),
        alternate: finding.alternate.to_string(),
    }
}
