//! Rows as JSON objects for `--json`: keys are the names of the contract's fields, enums are words, levels of silence are null.

use deadwax_proto::v1::{self, row::Row};
use serde_json::{Value, json};

use super::{record::told, words};

fn level(value: f64) -> Value {
    if value.is_finite() { json!(value) } else { Value::Null }
}

fn list<T>(items: &[T], one: impl Fn(&T) -> Value) -> Value {
    Value::Array(items.iter().map(one).collect())
}

pub fn facts(f: &v1::AudioFacts) -> Value {
    json!({
        "container": f.container, "codec": f.codec, "sample_rate": f.sample_rate, "channels": f.channels, "bits": f.bits,
        "float": f.float, "frames": f.frames, "bytes": f.bytes, "integrated_lufs": level(f.integrated_lufs),
        "loudness_range_lu": level(f.loudness_range_lu), "max_momentary_lufs": level(f.max_momentary_lufs),
        "max_short_term_lufs": level(f.max_short_term_lufs), "true_peak_dbtp": level(f.true_peak_dbtp),
        "sample_peak_dbfs": level(f.sample_peak_dbfs), "dc_offset": level(f.dc_offset), "correlation": level(f.correlation),
        "head_silence_s": level(f.head_silence_s), "tail_silence_s": level(f.tail_silence_s), "clipped_samples": f.clipped_samples,
        "remarks": list(&f.remarks, |r| json!({ "code": r.code, "text": r.text, "at_ms": r.at_ms })),
    })
}

pub fn file(f: &v1::VersionFile) -> Value {
    json!({
        "alternate": f.alternate, "sha256": f.sha256, "name": f.name, "may_fetch": f.may_fetch,
        "facts": f.facts.as_ref().map(facts),
    })
}

fn allowed(a: &v1::Allowed) -> Value {
    json!({ "action": a.action, "yes": a.yes, "reason": a.reason, "text": a.text, "hint": a.hint })
}

pub fn approval(a: &v1::ApprovalView) -> Value {
    json!({
        "approval_id": a.approval_id, "person_id": a.person_id, "name": a.name, "role": words::role(a.role), "version_id": a.version_id,
        "fingerprint": a.fingerprint, "at_ms": a.at_ms, "state": words::approval_state(a.state), "reason": a.reason,
        "carried_to_version_id": a.carried_to_version_id, "carried_why": a.carried_why, "heard_percent": a.heard_percent,
        "receipt_sequence": a.receipt_sequence, "key_fingerprint": a.key_fingerprint,
    })
}

pub fn finding(f: &v1::Finding) -> Value {
    json!({ "block": f.block, "code": f.code, "text": f.text, "alternate": f.alternate, "source": f.source, "mend": f.mend })
}

/// A rule of a gate. A rule that nobody set is shown like one: these are its keys.
pub fn rule(g: &v1::GateRule) -> Value {
    json!({
        "stage": words::stage(g.stage), "required_alternates": g.required_alternates, "open_notes_allowed": g.open_notes_allowed,
        "needs": list(&g.needs, |n| json!({ "any_of": words::roles(&n.any_of), "count": n.count })),
        "self_approval": g.self_approval, "preflight_ignored": g.preflight_ignored, "heard_percent": g.heard_percent,
        "spacing_roles": words::roles(&g.spacing_roles), "due_ms": g.due_ms, "closes_when_due": g.closes_when_due,
        "signed": g.signed,
        "carry": super::gate_rule::carry(g),
    })
}

pub fn preflight_rule(p: &v1::PreflightRule) -> Value {
    json!({
        "row": "preflight_rule", "code": p.code, "kind": words::kind(p.kind), "severity": words::severity(p.severity),
        "of_the_house": p.of_the_house, "source": p.source, "mend": p.mend,
    })
}

pub fn spacing(s: &v1::Spacing) -> Value {
    json!({
        "row": "spacing", "number": s.number, "by": s.by, "at_ms": s.at_ms, "approvals": list(&s.approvals, approval),
        "items": list(&s.items, |i| json!({
            "song_id": i.song_id, "gap_ms": i.gap_ms, "crossfade_ms": i.crossfade_ms, "fade_in_ms": i.fade_in_ms,
            "fade_out_ms": i.fade_out_ms, "shape": words::fade_shape(i.shape), "gain_db": f64::from(i.gain_cb) / 100.0,
            "trim_in_ms": i.trim_in_ms, "trim_out_ms": i.trim_out_ms, "hidden": i.hidden, "begins_side": i.begins_side,
        })),
        "notes": list(&s.notes, |n| json!({
            "note_id": n.note_id, "number": n.number, "song_id": n.song_id, "by": n.by, "at_ms": n.at_ms, "text": n.text,
            "closed": n.closed, "closed_by": n.closed_by, "answer": n.answer,
        })),
    })
}

pub fn webhook(w: &v1::Webhook) -> Value {
    json!({ "row": "webhook", "webhook_id": w.webhook_id, "url": w.url, "codes": w.codes, "by": w.by })
}

pub fn shootout(s: &v1::Shootout) -> Value {
    json!({
        "row": "shootout", "shootout_id": s.shootout_id, "opened_ms": s.opened_ms, "opened_by": s.opened_by, "blind": s.blind,
        "lines": list(&s.lines, |l| json!({
            "letter": l.letter, "engineer": l.engineer, "engineer_id": l.engineer_id, "newest_version_id": l.newest_version_id,
            "closed_with_thanks": l.closed_with_thanks,
        })),
        "votes": list(&s.votes, |v| json!({
            "by": v.by, "role": words::role(v.role), "ranking": v.ranking, "blind": v.blind, "matched_lufs": level(v.matched_lufs),
            "reason": v.reason, "at_ms": v.at_ms,
        })),
        "votes_cast": s.votes_cast, "picked_version_id": s.picked_version_id, "picked_by": s.picked_by, "picked_ms": s.picked_ms,
        "reason": s.reason,
    })
}

fn examination(e: &v1::ExaminationView) -> Value {
    json!({
        "state": words::examination_state(e.state), "reason": e.reason, "against_version_id": e.against_version_id,
        "changes": e.changes, "same_pcm": e.same_pcm, "residual_db": e.residual_db, "notes_changed": e.notes_changed,
        "notes_untouched": e.notes_untouched,
    })
}

pub fn project(p: &v1::ProjectRow) -> Value {
    json!({
        "row": "project", "project_id": p.project_id, "title": p.title, "artist": p.artist, "your_roles": words::roles(&p.your_roles),
        "rounds_included": p.rounds_included, "self_approval": p.self_approval, "allowed": list(&p.allowed, allowed),
        "gates": list(&p.gates, rule), "corrections_free": p.corrections_free, "cut_off_ms": p.cut_off_ms,
        "preflight": list(&p.preflight, preflight_rule), "spacing": p.spacing.as_ref().map(spacing), "follow": words::follow(p.follow),
        "webhooks": list(&p.webhooks, webhook), "label_copy": p.label_copy.as_ref().map(label_copy),
        "receipts": p.receipts.as_ref().map(|r| json!({ "sequence": r.sequence, "statement_sha256": r.statement_sha256 })),
    })
}

pub fn summary(p: &v1::ProjectSummary) -> Value {
    json!({
        "row": "project_summary", "project_id": p.project_id, "title": p.title, "artist": p.artist, "seq": p.seq, "songs": p.songs,
        "songs_delivered": p.songs_delivered, "your_roles": words::roles(&p.your_roles),
    })
}

pub fn member(m: &v1::MemberRow) -> Value {
    json!({
        "row": "member", "person_id": m.person_id, "name": m.name, "roles": words::roles(&m.roles), "allowed": list(&m.allowed, allowed),
        "keys": list(&m.keys, key),
    })
}

pub fn song(s: &v1::SongRow) -> Value {
    json!({
        "row": "song", "copy": s.copy.as_ref().map(song_copy), "song_id": s.song_id, "title": s.title, "isrc": s.isrc, "position": s.position, "stage": words::stage(s.stage),
        "candidate_version_id": s.candidate_version_id, "rounds_used": s.rounds_used, "open_notes": s.open_notes,
        "waits_for": s.waits_for, "recipe_toml": s.recipe_toml, "allowed": list(&s.allowed, allowed),
        "handoff": s.handoff.as_ref().map(|h| json!({
            "version_id": h.version_id, "made_ms": h.made_ms, "state": words::handoff_state(h.state), "reason": h.reason, "by": h.by,
            "items": list(&h.items, |i| json!({ "alternate": i.alternate, "reason": i.reason })),
            "package": h.package.as_ref().map(|p| json!({ "name": p.name, "sha256": p.sha256, "bytes": p.bytes, "made_ms": p.made_ms })),
        })),
        "shootout": s.shootout.as_ref().map(shootout), "due_ms": s.due_ms, "overdue": s.overdue, "corrections_used": s.corrections_used,
        "follow": words::follow(s.follow),
    })
}

pub fn gate(g: &v1::GateRow) -> Value {
    json!({
        "row": "gate", "song_id": g.song_id, "stage": words::stage(g.stage), "met": g.met,
        "lines": list(&g.lines, |l| json!({ "met": l.met, "code": l.code, "text": l.text })), "approvals": list(&g.approvals, approval),
    })
}

pub fn version(v: &v1::VersionRow) -> Value {
    json!({
        "row": "version", "version_id": v.version_id, "song_id": v.song_id, "kind": words::kind(v.kind), "number": v.number,
        "title": v.title, "changelog": v.changelog, "uploaded_by": v.uploaded_by, "uploaded_by_id": v.uploaded_by_id, "at_ms": v.at_ms,
        "fingerprint": v.fingerprint, "superseded": v.superseded, "files": list(&v.files, file), "preflight": list(&v.preflight, finding),
        "render_id": v.render_id, "allowed": list(&v.allowed, allowed), "line": v.line, "name": v.name,
        "examination": v.examination.as_ref().map(examination), "closed_with_thanks": v.closed_with_thanks,
        "heard_percent": v.heard_percent, "sections": list(&v.sections, section),
    })
}

pub fn section(s: &v1::Section) -> Value {
    json!({ "start_ms": s.start_ms, "name": s.name })
}

pub fn note(n: &v1::NoteRow) -> Value {
    json!({
        "row": "note", "note_id": n.note_id, "song_id": n.song_id, "version_id": n.version_id, "alternate": n.alternate,
        "parent_note_id": n.parent_note_id, "author": n.author, "author_id": n.author_id, "author_role": words::role(n.author_role),
        "at_ms": n.at_ms, "start_ms": n.start_ms, "end_ms": n.end_ms, "text": n.text, "internal": n.internal,
        "addressee_id": n.addressee_id, "addressee": n.addressee, "state": words::note_state(n.state),
        "addressed_in_version_id": n.addressed_in_version_id, "reason": n.reason,
        "checklist": list(&n.checklist, |c| json!({ "text": c.text, "done": c.done })), "allowed": list(&n.allowed, allowed),
        "places": list(&n.places, |p| json!({
            "version_id": p.version_id, "kind": words::place_kind(p.kind), "start_ms": p.start_ms, "end_ms": p.end_ms,
        })),
        "verdicts": list(&n.verdicts, |v| json!({ "version_id": v.version_id, "verdict": words::verdict(v.verdict), "text": v.text })),
    })
}

pub fn request(r: &v1::RequestRow) -> Value {
    json!({
        "row": "request", "request_id": r.request_id, "song_id": r.song_id, "version_id": r.version_id, "by": r.by,
        "role": words::role(r.role), "at_ms": r.at_ms, "message": r.message, "note_ids": r.note_ids, "round": r.round,
        "answered_by_version_id": r.answered_by_version_id, "kind": words::revision_kind(r.kind), "counts": r.counts,
        "beyond_terms": r.beyond_terms,
    })
}

pub fn render(r: &v1::RenderRow) -> Value {
    json!({
        "row": "render", "render_id": r.render_id, "song_id": r.song_id, "source_version_id": r.source_version_id,
        "recipe_toml": r.recipe_toml, "recipe_hash": r.recipe_hash, "engine": r.engine, "state": words::render_state(r.state),
        "attempt": r.attempt, "reason": r.reason, "master_version_id": r.master_version_id, "at_ms": r.at_ms,
        "report": serde_json::from_str::<Value>(&r.report_json).unwrap_or(Value::Null), "requested_by": r.requested_by,
        "allowed": list(&r.allowed, allowed),
    })
}

pub fn recipe(r: &v1::RecipeRow) -> Value {
    json!({
        "row": "recipe", "song_id": r.song_id, "number": r.number, "recipe_toml": r.toml, "recipe_hash": r.hash, "by": r.by,
        "at_ms": r.at_ms, "why": r.why,
    })
}

pub fn delivery(d: &v1::DeliveryRow) -> Value {
    json!({
        "row": "delivery", "delivery_id": d.delivery_id, "song_id": d.song_id, "version_id": d.version_id, "by": d.by, "at_ms": d.at_ms,
        "fingerprint": d.fingerprint, "files": list(&d.files, file), "signed_by": list(&d.signed_by, approval),
        "manifest": serde_json::from_str::<Value>(&d.manifest_json).unwrap_or(Value::Null),
    })
}

pub fn record(r: &v1::RecordRow) -> Value {
    json!({
        "row": "record", "record_id": r.record_id, "number": r.number, "state": words::record_state(r.state), "spacing": r.spacing,
        "sources": list(&r.sources, |s| json!({ "song_id": s.song_id, "version_id": s.version_id, "fingerprint": s.fingerprint })),
        "profiles": r.profiles, "by": r.by, "at_ms": r.at_ms, "files": list(&r.files, record_file), "fingerprint": r.fingerprint,
        "approvals": list(&r.approvals, approval), "reason": r.reason, "differs": r.differs, "outdated": r.outdated,
        "allowed": list(&r.allowed, allowed), "delivered_ms": r.delivered_ms, "delivered_by": r.delivered_by, "attempt": r.attempt,
        "manifest": serde_json::from_str::<Value>(&r.manifest_json).unwrap_or(Value::Null), "waits_for": r.waits_for,
        "loudest_track_lufs": r.loudest_track_lufs, "medium": r.medium, "outdated_by": r.outdated_by, "cautions": r.cautions,
        "file_count": told::files(r), "bytes": told::bytes(r),
        "same_as": (r.same_as > 0).then_some(r.same_as), "asked_roles": list(&r.asked_roles, |it| json!(words::role(*it))),
    })
}

fn record_file(f: &v1::RecordFile) -> Value {
    json!({
        "profile": f.profile, "folder": f.folder, "name": f.name, "sha256": f.sha256, "bytes": f.bytes, "kind": f.kind,
        "sample_rate": f.sample_rate, "bits": f.bits, "frames": f.frames, "exact": f.exact,
        "integrated_lufs": f.integrated_lufs.map(level), "true_peak_dbtp": f.true_peak_dbtp.map(level),
        "over_full_scale": f.over_full_scale,
    })
}

fn label_copy(c: &v1::LabelCopy) -> Value {
    json!({
        "upc": c.upc, "catalogue": c.catalogue, "label": c.label, "p_line": c.p_line, "c_line": c.c_line,
        "release_date": c.release_date, "genre": c.genre, "language": c.language, "cover": c.cover.as_ref().map(cover),
    })
}

pub fn cover(c: &v1::Cover) -> Value {
    json!({ "sha256": c.sha256, "bytes": c.bytes, "mime": c.mime, "width": c.width, "height": c.height })
}

fn song_copy(c: &v1::SongCopy) -> Value {
    json!({
        "version_title": c.version_title, "explicit": words::explicit(c.explicit),
        "credits": list(&c.credits, |c| json!({ "role": c.role, "name": c.name })),
        "splits": list(&c.splits, |s| json!({
            "name": s.name, "of": words::split_of(s.of), "share_percent": f64::from(s.share) / 100.0,
        })),
    })
}

fn key(k: &v1::KeyView) -> Value {
    json!({
        "fingerprint": k.fingerprint, "public_key": k.public_key, "enrolled_ms": k.enrolled_ms, "revoked_ms": k.revoked_ms,
        "revoked_by": k.revoked_by, "reason": k.reason, "vouched_by": k.vouched_by,
    })
}

pub fn desk(d: &v1::DeskRow) -> Value {
    json!({
        "row": "desk", "key": d.key, "project_id": d.project_id, "project_title": d.project_title, "song_id": d.song_id,
        "song_title": d.song_title, "kind": words::desk_kind(d.kind), "text": d.text, "since_ms": d.since_ms, "target_key": d.target_key,
        "due_ms": d.due_ms, "blocks": d.blocks,
    })
}

pub fn entry(e: &v1::HistoryEntry) -> Value {
    json!({ "row": "history", "seq": e.seq, "at_ms": e.at_ms, "who": e.who, "code": e.code, "text": e.text, "song_id": e.song_id })
}

pub fn row(row: &v1::Row) -> Value {
    let mut value = match &row.row {
        Some(Row::Project(r)) => project(r),
        Some(Row::Member(r)) => member(r),
        Some(Row::Song(r)) => song(r),
        Some(Row::Gate(r)) => gate(r),
        Some(Row::Version(r)) => version(r),
        Some(Row::Note(r)) => note(r),
        Some(Row::Request(r)) => request(r),
        Some(Row::Render(r)) => render(r),
        Some(Row::Delivery(r)) => delivery(r),
        Some(Row::Recipe(r)) => recipe(r),
        Some(Row::Record(r)) => record(r),
        // A row of a newer server.
        None => json!({ "row": "unknown" }),
    };
    if let Some(object) = value.as_object_mut() {
        object.insert("key".into(), json!(row.key));
    }
    value
}
