//! The project, its members, its songs.

use deadwax_domain::{
    Member, NoteState, PersonId, Role, Song, SongTurnaround, Stage, StageTime, VersionKind, audience, dry,
    gate,
};
use deadwax_proto::v1::{self, row::Row as Kind};

use super::{Viewer, record, review};
use crate::wire::{id, text::scrub, words};

pub fn rows(viewer: &Viewer<'_>, put: &mut dyn FnMut(String, Kind)) {
    put("project".to_owned(), Kind::Project(project(viewer)));
    for (person, it) in viewer.project.members.iter() {
        put(format!("member/{}", id(person.0)), Kind::Member(member(viewer, person, it)));
    }
    for (it, position) in viewer.project.songs_in_order().zip(1..) {
        put(format!("song/{}", id(it.id.0)), Kind::Song(song(viewer, it, position)));
    }
}

fn project(viewer: &Viewer<'_>) -> v1::ProjectRow {
    let it = viewer.project;
    let stages =
        [Stage::Recording, Stage::Mixing, Stage::Mastering].into_iter().filter(|_| viewer.sees_work());
    v1::ProjectRow {
        project_id: id(viewer.project_id.0),
        title: scrub(&it.title),
        artist: scrub(&it.artist),
        your_roles: words::roles(viewer.roles),
        rounds_included: it.terms.rounds_included,
        self_approval: it.terms.self_approval,
        allowed: viewer.allowed(dry::project_actions(it, &viewer.actor)),
        gates: stages.filter_map(|stage| it.gate(stage)).map(|rule| words::gate_rule(&rule)).collect(),
        corrections_free: it.terms.corrections_free,
        cut_off_ms: words::date(it.terms.cut_off),
        preflight: if viewer.sees_work() { review::preflight(it) } else { Vec::new() },
        spacing: it
            .spacings
            .last()
            .filter(|_| viewer.sees_work())
            .map(|newest| review::spacing(viewer, newest)),
        follow: words::follow_level(it.follow_level(viewer.person, None)).into(),
        webhooks: if viewer.roles.contains(&Role::Manager) { review::webhooks(viewer) } else { Vec::new() },
        label_copy: viewer.sees_work().then(|| record::label_copy(it)).flatten(),
        receipts: viewer.sees_work().then(|| record::head(it)),
    }
}

fn member(viewer: &Viewer<'_>, person: PersonId, member: &Member) -> v1::MemberRow {
    v1::MemberRow {
        person_id: id(person.0),
        name: viewer.name(person),
        roles: words::roles(&member.roles),
        allowed: viewer.allowed(dry::member_actions(viewer.project, &viewer.actor, person)),
        keys: record::keys(viewer, person),
    }
}

/// Whoever only listens sees what the song is and where it stands, and nothing of the work on it.
fn song(viewer: &Viewer<'_>, song: &Song, position: u32) -> v1::SongRow {
    let project = viewer.project;
    let candidate = project.candidate(song.id).map(|version| id(version.id.0));
    let heard = v1::SongRow {
        song_id: id(song.id.0),
        title: scrub(&song.title),
        isrc: scrub(&song.isrc),
        position,
        stage: words::stage(song.stage).into(),
        candidate_version_id: candidate.unwrap_or_default(),
        allowed: viewer.allowed(dry::song_actions(project, &viewer.actor, song.id)),
        ..v1::SongRow::default()
    };
    if !viewer.sees_work() {
        return heard;
    }
    let seen = project.open_notes(song.id).filter(|note| audience::reads_note(project, viewer.person, note));
    let recipe = project.recipe_of(song.id).map(|recipe| scrub(&recipe.toml));
    let due = project.gate(song.stage).and_then(|rule| rule.due);
    v1::SongRow {
        rounds_used: project.rounds_used(song.id),
        open_notes: u32::try_from(seen.filter(|note| note.state == NoteState::Open).count())
            .unwrap_or(u32::MAX),
        waits_for: scrub(&waits_for(viewer, song)),
        recipe_toml: recipe.unwrap_or_default(),
        handoff: song.handoff.as_ref().map(|handoff| v1::Handoff {
            version_id: id(handoff.version.0),
            made_ms: handoff.made_at.0,
            state: words::handoff_state(handoff.state).into(),
            reason: scrub(&handoff.reason),
            by: viewer.name_or(handoff.by, ""),
            items: handoff.items.iter().map(review::return_item).collect(),
            package: handoff.package.as_ref().map(review::package),
        }),
        shootout: project.shootout(song.id).map(|newest| review::shootout(viewer, newest)),
        due_ms: words::date(due),
        overdue: due.is_some_and(|due| project.deadlines_passed.contains(&(song.stage, due))),
        corrections_used: project.corrections_used(song.id),
        copy: record::song_copy(project, song.id),
        follow: project
            .follows
            .get(&(viewer.person, Some(song.id)))
            .map_or_else(i32::default, |level| words::follow_level(*level).into()),
        ..heard
    }
}

/// The first thing that the song waits for, as a sentence: whose turn it is comes before what is merely incomplete.
fn waits_for(viewer: &Viewer<'_>, song: &Song) -> String {
    let project = viewer.project;
    let Some(report) = gate::report(project, song.id) else { return waits_for_delivery(viewer, song) };
    let unmet = |code: &str| report.lines.iter().find(|line| !line.met && line.code == code);
    if project.open_shootout(song.id).is_some() {
        return "Mixes compete for the song: it waits for the pick.".to_owned();
    }
    let Some(candidate) = project.candidate(song.id) else {
        if song.stage == Stage::Mastering && project.renders_of(song.id).any(deadwax_domain::Render::is_alive)
        {
            return "The render of the first master is under way.".to_owned();
        }
        let kind = song.stage.kind().unwrap_or(VersionKind::Master);
        return format!("The song waits for its first {}.", kind.to_string().to_lowercase());
    };
    let name = candidate.name();
    if let Some(line) = unmet("ON_HOLD") {
        return format!("{name} waits: {}", lower_first(&line.text));
    }
    if unmet("REVISION_REQUESTED").is_some() {
        return format!("{name} waits for the revision that was requested.");
    }
    if let Some(line) = unmet("PREFLIGHT").or_else(|| unmet("ALTERNATES")) {
        return line.text.clone();
    }
    if let Some(line) = unmet("OPEN_NOTES") {
        return format!("{name} waits for its notes: {}", lower_first(&line.text));
    }
    let asked = report.lines.iter().filter(|line| !line.met && line.code == "APPROVALS");
    let who: Vec<String> = asked.map(|line| either(&line.missing_roles)).collect();
    if !who.is_empty() {
        return format!("{name} waits for the approval of the {}.", who.join(" and the "));
    }
    unmet("NOBODY_HOLDS_ROLE")
        .map(|line| format!("{name} waits: {}", lower_first(&line.text)))
        .unwrap_or_default()
}

fn waits_for_delivery(viewer: &Viewer<'_>, song: &Song) -> String {
    let Some(master) = viewer.project.candidate(song.id) else { return String::new() };
    let made = viewer.project.deliveries_of(song.id).any(|it| it.fingerprint == master.fingerprint);
    if made { String::new() } else { format!("{} waits for its delivery.", master.name()) }
}

fn either(roles: &deadwax_domain::Roles) -> String {
    roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or the ")
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

pub fn turnaround(song: &SongTurnaround) -> v1::SongTurnaround {
    let stage = |time: &StageTime| v1::StageTime {
        stage: words::stage(time.stage).into(),
        from_ms: time.from.0,
        until_ms: words::date(time.until),
    };
    v1::SongTurnaround {
        song_id: id(song.song.0),
        title: scrub(&song.title),
        stages: song.stages.iter().map(stage).collect(),
        rounds: song.rounds,
        rounds_beyond_terms: song.rounds_beyond_terms,
        versions: song.versions,
        returns: song.returns,
        waited_for_engineers_ms: song.waited_for_engineers_ms,
        waited_for_reviewers_ms: song.waited_for_reviewers_ms,
    }
}
