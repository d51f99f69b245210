//! Revision requests, renders and deliveries.

use deadwax_domain::{Delivery, RecipeVersion, Render, RenderState, RevisionRequest, Says, audience, dry};
use deadwax_proto::v1::{self, row::Row as Kind};

use super::{Viewer, gate, note};
use crate::wire::{id, text::scrub, words};

pub fn rows(viewer: &Viewer<'_>, put: &mut dyn FnMut(String, Kind)) {
    for it in viewer.project.requests.values() {
        put(format!("request/{}", id(it.id.0)), Kind::Request(request(viewer, it)));
    }
    for it in viewer.project.renders.values() {
        put(format!("render/{}", id(it.id.0)), Kind::Render(render(viewer, it)));
    }
    let songs = viewer.project.songs_in_order().map(|song| Some(song.id));
    for song in std::iter::once(None).chain(songs) {
        let of = song.map(|song| id(song.0)).unwrap_or_default();
        for it in viewer.project.recipes_of(song) {
            put(format!("recipe/{of}/{}", it.number), Kind::Recipe(recipe(viewer, &of, it)));
        }
    }
    for it in viewer.project.deliveries.values() {
        put(format!("delivery/{}", id(it.id.0)), Kind::Delivery(delivery(viewer, it)));
    }
}

fn request(viewer: &Viewer<'_>, request: &RevisionRequest) -> v1::RequestRow {
    let seen = request.notes.iter().filter(|one| note::sees_id(viewer, **one));
    v1::RequestRow {
        request_id: id(request.id.0),
        song_id: id(request.song.0),
        version_id: id(request.version.0),
        by: viewer.name(request.by),
        role: words::role(request.role).into(),
        at_ms: request.at.0,
        message: scrub(&request.message),
        note_ids: seen.map(|one| id(one.0)).collect(),
        round: request.round,
        answered_by_version_id: request.answered_by.map(|version| id(version.0)).unwrap_or_default(),
        kind: words::revision_kind(request.kind).into(),
        counts: !request.free,
        beyond_terms: request.beyond_terms,
    }
}

fn render(viewer: &Viewer<'_>, render: &Render) -> v1::RenderRow {
    let recipe = render.recipe.as_ref();
    v1::RenderRow {
        render_id: id(render.id.0),
        song_id: id(render.song.0),
        source_version_id: id(render.version.0),
        recipe_toml: recipe.map(|recipe| scrub(&recipe.toml)).unwrap_or_default(),
        recipe_hash: recipe.map(|recipe| recipe.hash.to_string()).unwrap_or_default(),
        engine: scrub(&render.engine),
        state: words::render_state(render.state).into(),
        attempt: render.attempt,
        // Of an attempt that failed before the one that did it, nobody needs to hear any more.
        reason: if render.state == RenderState::Done { String::new() } else { scrub(&render.reason) },
        master_version_id: render.made.map(|version| id(version.0)).unwrap_or_default(),
        report_json: scrub(&render.report_json),
        has_sheet: render.sheet.is_some(),
        at_ms: render.queued_at.0,
        requested_by: viewer.name_or(render.by, "the mix gate"),
        allowed: viewer.allowed(dry::render_actions(viewer.project, &viewer.actor, render.id)),
    }
}

fn recipe(viewer: &Viewer<'_>, song_id: &str, version: &RecipeVersion) -> v1::RecipeRow {
    let recipe = version.recipe.as_ref();
    v1::RecipeRow {
        song_id: song_id.to_owned(),
        number: version.number,
        toml: recipe.map(|recipe| scrub(&recipe.toml)).unwrap_or_default(),
        hash: recipe.map(|recipe| recipe.hash.to_string()).unwrap_or_default(),
        by: viewer.name_or(version.by, ""),
        at_ms: version.at.0,
        why: scrub(&version.why),
    }
}

/// The manifest goes out byte for byte: it is frozen, and JSON escapes control characters by itself.
fn delivery(viewer: &Viewer<'_>, delivery: &Delivery) -> v1::DeliveryRow {
    let may_fetch = audience::may_fetch(viewer.roles);
    let signed = viewer.project.approvals_of(delivery.song).filter(|(approval, _)| {
        matches!(&approval.says, Says::Yes { fingerprint, .. } if *fingerprint == delivery.fingerprint)
            && approval.ended.is_none()
    });
    v1::DeliveryRow {
        delivery_id: id(delivery.id.0),
        song_id: id(delivery.song.0),
        version_id: id(delivery.version.0),
        by: viewer.name_or(delivery.by, ""),
        at_ms: delivery.at.0,
        fingerprint: delivery.fingerprint.to_string(),
        files: delivery.files.iter().map(|file| words::version_file(file, may_fetch)).collect(),
        signed_by: signed.map(|(one, state)| gate::approval(viewer, one, state)).collect(),
        manifest_json: delivery.manifest_json.clone(),
    }
}
