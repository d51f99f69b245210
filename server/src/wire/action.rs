//! What a client asks, as a command of the domain. Bad ids and words stop here, with the field by name; recipes are parsed here, so that the domain
//! only meets sound ones. Never here: who may (the domain decides).

use deadwax_domain::{
    Alternate, ApprovalId, Command, DeliveryId, Digest, GateRule, Need, NewFile, NoteId, PersonId,
    PreflightSetting, Reason, Recipe, Refusal, RenderId, RequestId, ReturnItem, RevisionKind, Role, Roles,
    Section, ShootoutId, SongId, SpacingItem, Span, VersionId, WebhookId,
};
use deadwax_dsp::{error::DspError, recipe};
use deadwax_proto::v1::{self, action::Action};

use super::{record, words};
use crate::name::composed;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionError {
    /// No such kind of action here: a client that is newer than this server, or none at all.
    #[error("The action is absent, or newer than this server.")]
    Unknown,
    #[error("`{field}` {what}.")]
    Malformed { field: String, what: &'static str },
    #[error(transparent)]
    Refused(#[from] Refusal),
}

pub(super) type Result<T> = std::result::Result<T, ActionError>;

/// An id on the wire. The ids of all zeros and all ones are nobody's: the latter stands for things that do not exist yet when rules are tried dry.
pub fn id(field: &str, text: &str) -> Result<u128> {
    match uuid::Uuid::try_parse(text) {
        Ok(id) if !id.is_nil() && !id.is_max() => Ok(id.as_u128()),
        Ok(_) | Err(_) => Err(malformed(field, "is not a UUID of anything")),
    }
}

pub(super) fn malformed(field: &str, what: &'static str) -> ActionError {
    ActionError::Malformed { field: field.to_owned(), what }
}

pub(super) fn optional_id(field: &str, text: &str) -> Result<Option<u128>> {
    if text.is_empty() { Ok(None) } else { id(field, text).map(Some) }
}

pub(super) fn digest(field: &str, text: &str) -> Result<Digest> {
    let mut bytes = [0; 32];
    let lower = !text.bytes().any(|byte| byte.is_ascii_uppercase());
    if lower && hex::decode_to_slice(text, &mut bytes).is_ok() {
        return Ok(Digest(bytes));
    }
    Err(malformed(field, "is not a SHA-256 in 64 lower-case hex digits"))
}

pub(super) fn role(field: &str, word: i32) -> Result<Role> {
    words::role_of(word).ok_or_else(|| malformed(field, "is absent, or a role newer than this server"))
}

fn roles(field: &str, given: &[i32]) -> Result<Roles> {
    given.iter().map(|word| role(field, *word)).collect()
}

fn alternate(field: &str, token: &str) -> Result<Alternate> {
    Alternate::parse(token).ok_or_else(|| malformed(field, "is not the token of an alternate"))
}

pub fn gate_rule(rule: Option<v1::GateRule>) -> Result<GateRule> {
    let rule = rule.ok_or_else(|| malformed("set_gate.rule", "is absent"))?;
    let need = |(at, need): (usize, &v1::Need)| {
        let any_of = roles(&format!("set_gate.rule.needs[{at}].any_of"), &need.any_of)?;
        Ok(Need { any_of, count: need.count })
    };
    let required =
        |(at, token): (usize, &String)| alternate(&format!("set_gate.rule.required_alternates[{at}]"), token);
    Ok(GateRule {
        stage: words::stage_of(rule.stage)
            .ok_or_else(|| malformed("set_gate.rule.stage", "is absent, or newer than this server"))?,
        needs: rule.needs.iter().enumerate().map(need).collect::<Result<_>>()?,
        required_alternates: rule
            .required_alternates
            .iter()
            .enumerate()
            .map(required)
            .collect::<Result<_>>()?,
        open_notes_allowed: rule.open_notes_allowed,
        self_approval: rule.self_approval,
        preflight_ignored: rule.preflight_ignored,
        heard_percent: rule.heard_percent,
        spacing_roles: roles("set_gate.rule.spacing_roles", &rule.spacing_roles)?,
        due: words::date_of(rule.due_ms),
        closes_when_due: rule.closes_when_due,
        carry: words::carry_of(rule.carry, rule.carry_residual_db)
            .ok_or_else(|| malformed("set_gate.rule.carry", "is newer than this server"))?,
        signed: rule.signed,
    })
}

/// Canonical text and its hash; the refusal names the line.
pub fn recipe(toml: &str) -> std::result::Result<Recipe, Refusal> {
    if toml.len() > deadwax_domain::limits::RECIPE_BYTES_MAX {
        return Err(recipe_invalid("The recipe is too long.".to_owned()));
    }
    match recipe::Recipe::parse(toml) {
        Ok(parsed) => Ok(Recipe { toml: toml.to_owned(), hash: Digest(parsed.hash()) }),
        Err(DspError::Recipe { line, what }) => {
            Err(recipe_invalid(format!("The recipe is wrong in line {line}: {what}.")))
        }
        Err(other) => Err(recipe_invalid(format!("The recipe cannot be used: {other}."))),
    }
}

fn recipe_invalid(text: String) -> Refusal {
    Refusal { reason: Reason::RecipeInvalid, text, hint: "Change the recipe and try again.".to_owned() }
}

fn add_version(it: v1::AddVersion) -> Result<Command> {
    let file = |(at, file): (usize, v1::NewFile)| {
        Ok(NewFile {
            alternate: alternate(&format!("add_version.files[{at}].alternate"), &file.alternate)?,
            digest: digest(&format!("add_version.files[{at}].sha256"), &file.sha256)?,
            name: composed(file.name),
        })
    };
    Ok(Command::AddVersion {
        version: id("add_version.version_id", &it.version_id).map(VersionId)?,
        song: id("add_version.song_id", &it.song_id).map(SongId)?,
        kind: words::kind_of(it.kind)
            .ok_or_else(|| malformed("add_version.kind", "is absent, or newer than this server"))?,
        title: composed(it.title),
        changelog: it.changelog,
        files: it.files.into_iter().enumerate().map(file).collect::<Result<_>>()?,
    })
}

fn add_note(it: v1::AddNote) -> Result<Command> {
    let span = match (it.start_ms, it.end_ms) {
        (None, None) => None,
        (Some(start_ms), end_ms) => Some(Span { start_ms, end_ms }),
        (None, Some(_)) => return Err(malformed("add_note.start_ms", "is absent although an end is given")),
    };
    let token = Some(it.alternate.as_str()).filter(|token| !token.is_empty());
    Ok(Command::AddNote {
        note: id("add_note.note_id", &it.note_id).map(NoteId)?,
        version: id("add_note.version_id", &it.version_id).map(VersionId)?,
        alternate: token.map(|token| alternate("add_note.alternate", token)).transpose()?,
        parent: optional_id("add_note.parent_note_id", &it.parent_note_id)?.map(NoteId),
        span,
        text: it.text,
        internal: it.internal,
        addressee: optional_id("add_note.addressee_id", &it.addressee_id)?.map(PersonId),
        checklist: it.checklist,
    })
}

fn request_revision(it: v1::RequestRevision) -> Result<Command> {
    let note =
        |(at, text): (usize, &String)| id(&format!("request_revision.note_ids[{at}]"), text).map(NoteId);
    Ok(Command::RequestRevision {
        request: id("request_revision.request_id", &it.request_id).map(RequestId)?,
        version: id("request_revision.version_id", &it.version_id).map(VersionId)?,
        role: role("request_revision.role", it.role)?,
        message: it.message,
        notes: it.note_ids.iter().enumerate().map(note).collect::<Result<_>>()?,
        kind: match v1::RevisionKind::try_from(it.kind) {
            Ok(v1::RevisionKind::Unspecified | v1::RevisionKind::Change) => RevisionKind::Change,
            Ok(v1::RevisionKind::Correction) => RevisionKind::Correction,
            Err(_) => return Err(malformed("request_revision.kind", "is newer than this server")),
        },
        beyond_terms: it.beyond_terms,
    })
}

fn start_render(it: v1::StartRender) -> Result<Command> {
    let given = Some(it.recipe_toml.as_str()).filter(|toml| !toml.is_empty());
    Ok(Command::StartRender {
        render: id("start_render.render_id", &it.render_id).map(RenderId)?,
        song: id("start_render.song_id", &it.song_id).map(SongId)?,
        recipe: given.map(recipe).transpose()?,
    })
}

/// One arm an action, in the order of `project.proto`. `MakeDelivery` comes without its manifest, which only the project knows.
pub fn command(action: Option<v1::Action>) -> Result<Command> {
    let action = action.and_then(|action| action.action).ok_or(ActionError::Unknown)?;
    Ok(match action {
        Action::CreateProject(it) => {
            Command::CreateProject { title: composed(it.title), artist: composed(it.artist) }
        }
        Action::ChangeTerms(it) => Command::ChangeTerms {
            rounds_included: it.rounds_included,
            self_approval: it.self_approval,
            corrections_free: it.corrections_free,
            cut_off: it.cut_off_ms.map(words::date_of),
        },
        Action::AddMember(it) => Command::AddMember {
            person: id("add_member.person_id", &it.person_id).map(PersonId)?,
            roles: roles("add_member.roles", &it.roles)?,
        },
        Action::ChangeRoles(it) => Command::ChangeRoles {
            person: id("change_roles.person_id", &it.person_id).map(PersonId)?,
            roles: roles("change_roles.roles", &it.roles)?,
        },
        Action::RemoveMember(it) => {
            Command::RemoveMember { person: id("remove_member.person_id", &it.person_id).map(PersonId)? }
        }
        Action::AddSong(it) => Command::AddSong {
            song: id("add_song.song_id", &it.song_id).map(SongId)?,
            title: composed(it.title),
            isrc: it.isrc,
        },
        Action::EditSong(it) => Command::EditSong {
            song: id("edit_song.song_id", &it.song_id).map(SongId)?,
            title: it.title.map(composed),
            isrc: it.isrc,
        },
        Action::SetGate(it) => Command::SetGate { rule: gate_rule(it.rule)? },
        Action::AddVersion(it) => add_version(it)?,
        Action::AddNote(it) => add_note(it)?,
        Action::AddressNote(it) => Command::AddressNote {
            note: id("address_note.note_id", &it.note_id).map(NoteId)?,
            version: id("address_note.version_id", &it.version_id).map(VersionId)?,
        },
        Action::AcceptNote(it) => {
            Command::AcceptNote { note: id("accept_note.note_id", &it.note_id).map(NoteId)? }
        }
        Action::ReopenNote(it) => Command::ReopenNote {
            note: id("reopen_note.note_id", &it.note_id).map(NoteId)?,
            reason: it.reason,
        },
        Action::DeclineNote(it) => Command::DeclineNote {
            note: id("decline_note.note_id", &it.note_id).map(NoteId)?,
            reason: it.reason,
        },
        Action::TickChecklist(it) => Command::TickChecklist {
            note: id("tick_checklist.note_id", &it.note_id).map(NoteId)?,
            item: it.item,
            done: it.done,
        },
        Action::RequestRevision(it) => request_revision(it)?,
        Action::Approve(it) => {
            let approve = Command::Approve {
                approval: id("approve.approval_id", &it.approval_id).map(ApprovalId)?,
                version: id("approve.version_id", &it.version_id).map(VersionId)?,
                role: role("approve.role", it.role)?,
                fingerprint: digest("approve.fingerprint", &it.fingerprint)?,
            };
            record::signed(approve, it.receipt)?
        }
        Action::WithdrawApproval(it) => Command::WithdrawApproval {
            approval: id("withdraw_approval.approval_id", &it.approval_id).map(ApprovalId)?,
        },
        Action::Hold(it) => Command::Hold {
            approval: id("hold.approval_id", &it.approval_id).map(ApprovalId)?,
            song: id("hold.song_id", &it.song_id).map(SongId)?,
            role: role("hold.role", it.role)?,
            reason: it.reason,
        },
        Action::LiftHold(it) => {
            Command::LiftHold { approval: id("lift_hold.approval_id", &it.approval_id).map(ApprovalId)? }
        }
        Action::AcceptHandoff(it) => {
            Command::AcceptHandoff { song: id("accept_handoff.song_id", &it.song_id).map(SongId)? }
        }
        Action::ReturnHandoff(it) => Command::ReturnHandoff {
            song: id("return_handoff.song_id", &it.song_id).map(SongId)?,
            reason: it.reason,
            items: it.items.into_iter().enumerate().map(return_item).collect::<Result<_>>()?,
        },
        Action::SetRecipe(it) => Command::SetRecipe {
            song: Some(it.song_id.as_str())
                .filter(|song| !song.is_empty())
                .map(|song| id("set_recipe.song_id", song).map(SongId))
                .transpose()?,
            recipe: Some(it.recipe_toml.as_str())
                .filter(|toml| !toml.trim().is_empty())
                .map(recipe)
                .transpose()?,
            why: it.why,
        },
        Action::StartRender(it) => start_render(it)?,
        Action::CancelRender(it) => {
            Command::CancelRender { render: id("cancel_render.render_id", &it.render_id).map(RenderId)? }
        }
        Action::MakeDelivery(it) => Command::MakeDelivery {
            delivery: id("make_delivery.delivery_id", &it.delivery_id).map(DeliveryId)?,
            song: id("make_delivery.song_id", &it.song_id).map(SongId)?,
            manifest_json: String::new(),
        },
        Action::MoveNote(it) => Command::MoveNote {
            note: id("move_note.note_id", &it.note_id).map(NoteId)?,
            version: id("move_note.version_id", &it.version_id).map(VersionId)?,
            span: Span { start_ms: it.start_ms, end_ms: it.end_ms },
        },
        Action::SwapMix(it) => {
            Command::SwapMix { song: id("swap_mix.song_id", &it.song_id).map(SongId)?, reason: it.reason }
        }
        Action::PutForward(it) => Command::PutForward {
            version: id("put_forward.version_id", &it.version_id).map(VersionId)?,
            reason: it.reason,
        },
        Action::OverrideGate(it) => Command::OverrideGate {
            song: id("override_gate.song_id", &it.song_id).map(SongId)?,
            version: optional_id("override_gate.version_id", &it.version_id)?.map(VersionId),
            reason: it.reason,
        },
        Action::OpenShootout(it) => Command::OpenShootout {
            shootout: id("open_shootout.shootout_id", &it.shootout_id).map(ShootoutId)?,
            song: id("open_shootout.song_id", &it.song_id).map(SongId)?,
            entrants: ids("open_shootout.entrant_ids", &it.entrant_ids, PersonId)?,
            blind: it.blind,
        },
        Action::CastVote(it) => Command::CastVote {
            song: id("cast_vote.song_id", &it.song_id).map(SongId)?,
            role: role("cast_vote.role", it.role)?,
            ranking: ids("cast_vote.ranking", &it.ranking, VersionId)?,
            blind: it.blind,
            matched_lufs: it.matched_lufs,
            reason: it.reason,
        },
        Action::PickMix(it) => Command::PickMix {
            song: id("pick_mix.song_id", &it.song_id).map(SongId)?,
            version: id("pick_mix.version_id", &it.version_id).map(VersionId)?,
            role: role("pick_mix.role", it.role)?,
            fingerprint: digest("pick_mix.fingerprint", &it.fingerprint)?,
            reason: it.reason,
        },
        Action::SetPreflight(it) => Command::SetPreflight {
            settings: it.settings.into_iter().enumerate().map(preflight_setting).collect::<Result<_>>()?,
        },
        Action::SetSpacing(it) => Command::SetSpacing {
            items: it.items.iter().enumerate().map(spacing_item).collect::<Result<_>>()?,
        },
        Action::ApproveSpacing(it) => {
            let approve = Command::ApproveSpacing {
                approval: id("approve_spacing.approval_id", &it.approval_id).map(ApprovalId)?,
                number: it.number,
                role: role("approve_spacing.role", it.role)?,
            };
            record::signed(approve, it.receipt)?
        }
        Action::Follow(it) => Command::Follow {
            song: optional_id("follow.song_id", &it.song_id)?.map(SongId),
            level: words::follow_level_of(it.level)
                .ok_or_else(|| malformed("follow.level", "is newer than this server"))?,
        },
        Action::SetWebhook(it) => Command::SetWebhook {
            webhook: id("set_webhook.webhook_id", &it.webhook_id).map(WebhookId)?,
            url: it.url,
            codes: it.codes,
        },
        Action::SetSections(it) => Command::SetSections {
            version: id("set_sections.version_id", &it.version_id).map(VersionId)?,
            sections: it
                .sections
                .into_iter()
                .map(|section| Section { start_ms: section.start_ms, name: composed(section.name) })
                .collect(),
        },
        Action::RemoveWebhook(it) => Command::RemoveWebhook {
            webhook: id("remove_webhook.webhook_id", &it.webhook_id).map(WebhookId)?,
        },
        Action::SetLabelCopy(_)
        | Action::SetSongCopy(_)
        | Action::RemoveCover(_)
        | Action::AddSpacingNote(_)
        | Action::CloseSpacingNote(_)
        | Action::StartRecord(_)
        | Action::CancelRecord(_)
        | Action::ApproveRecord(_)
        | Action::DeliverRecord(_)
        | Action::EnrolKey(_)
        | Action::RevokeKey(_) => record::command(action)?,
    })
}

fn ids<T>(field: &str, given: &[String], wrap: impl Fn(u128) -> T) -> Result<Vec<T>> {
    given.iter().enumerate().map(|(at, text)| id(&format!("{field}[{at}]"), text).map(&wrap)).collect()
}

fn return_item((at, item): (usize, v1::ReturnItem)) -> Result<ReturnItem> {
    let token = Some(item.alternate.as_str()).filter(|token| !token.is_empty());
    let field = format!("return_handoff.items[{at}].alternate");
    Ok(ReturnItem {
        alternate: token.map(|token| alternate(&field, token)).transpose()?,
        reason: item.reason,
    })
}

fn preflight_setting((at, setting): (usize, v1::PreflightSetting)) -> Result<PreflightSetting> {
    let field = |name: &str| format!("set_preflight.settings[{at}].{name}");
    Ok(PreflightSetting {
        code: setting.code,
        kind: words::kind_of(setting.kind)
            .ok_or_else(|| malformed(&field("kind"), "is absent, or newer than this server"))?,
        severity: match setting.severity {
            0 => None,
            word => Some(
                words::severity_of(word)
                    .ok_or_else(|| malformed(&field("severity"), "is newer than this server"))?,
            ),
        },
    })
}

fn spacing_item((at, item): (usize, &v1::SpacingItem)) -> Result<SpacingItem> {
    let song = id(&format!("set_spacing.items[{at}].song_id"), &item.song_id).map(SongId)?;
    Ok(SpacingItem {
        song,
        gap_ms: item.gap_ms,
        crossfade_ms: item.crossfade_ms,
        fade_in_ms: item.fade_in_ms,
        fade_out_ms: item.fade_out_ms,
        shape: words::fade_shape_of(item.shape).ok_or_else(|| {
            malformed(&format!("set_spacing.items[{at}].shape"), "is newer than this server")
        })?,
        gain_cb: item.gain_cb,
        trim_in_ms: item.trim_in_ms,
        trim_out_ms: item.trim_out_ms,
        hidden: item.hidden,
        begins_side: item.begins_side,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    fn asked(action: Action) -> Result<Command> {
        command(Some(v1::Action { action: Some(action) }))
    }

    fn field(answer: Result<Command>) -> String {
        match answer {
            Err(ActionError::Malformed { field, .. }) => field,
            other => panic!("expected a malformed field, got {other:?}"),
        }
    }

    #[test]
    fn an_action_that_is_not_known_is_told_as_such() {
        assert_eq!(command(None), Err(ActionError::Unknown));
        assert_eq!(command(Some(v1::Action { action: None })), Err(ActionError::Unknown));
    }

    #[test]
    fn a_bad_word_is_named_by_its_field() {
        let bad_id = Action::AcceptNote(v1::AcceptNote { note_id: "7".into() });
        assert_eq!(field(asked(bad_id)), "accept_note.note_id");
        for nobody in ["00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"] {
            let nobody = Action::AcceptNote(v1::AcceptNote { note_id: nobody.into() });
            assert_eq!(field(asked(nobody)), "accept_note.note_id");
        }
        let new_role = Action::AddMember(v1::AddMember { person_id: ID.into(), roles: vec![1, 99] });
        assert_eq!(field(asked(new_role)), "add_member.roles");
        let file = |alternate: &str, sha256: &str| v1::NewFile {
            alternate: alternate.into(),
            sha256: sha256.into(),
            name: "a.wav".into(),
        };
        let version = |files| {
            Action::AddVersion(v1::AddVersion {
                version_id: ID.into(),
                song_id: ID.into(),
                kind: 2,
                files,
                ..Default::default()
            })
        };
        let good = "ab".repeat(32);
        assert_eq!(
            field(asked(version(vec![file("main", &good), file("tv", "xyz")]))),
            "add_version.files[1].sha256"
        );
        assert_eq!(
            field(asked(version(vec![file("main", &good.to_uppercase())]))),
            "add_version.files[0].sha256"
        );
        assert_eq!(field(asked(version(vec![file("vocal up", &good)]))), "add_version.files[0].alternate");
        assert!(asked(version(vec![file("vocal-up+0.5", &good)])).is_ok());
    }

    #[test]
    fn a_name_has_one_form() {
        let add = v1::AddSong { song_id: ID.into(), title: "Zoe\u{308}".into(), isrc: String::new() };
        let Ok(Command::AddSong { title, .. }) = asked(Action::AddSong(add)) else { panic!("refused") };
        assert_eq!(title, "Zo\u{eb}");
        let copy = v1::LabelCopy { label: "A\u{30a}".into(), ..v1::LabelCopy::default() };
        let set = Action::SetLabelCopy(v1::SetLabelCopy { copy: Some(copy) });
        let Ok(Command::SetLabelCopy { copy }) = asked(set) else { panic!("refused") };
        assert_eq!(copy.label, "\u{c5}");
    }

    #[test]
    fn an_end_without_a_start_is_malformed() {
        let note =
            v1::AddNote { note_id: ID.into(), version_id: ID.into(), end_ms: Some(5), ..Default::default() };
        assert_eq!(field(asked(Action::AddNote(note))), "add_note.start_ms");
    }

    #[test]
    fn a_wrong_recipe_is_refused_with_its_line() {
        let set = v1::SetRecipe {
            song_id: ID.into(),
            recipe_toml: "name = \"x\"\nfrobnicate = 3\n".into(),
            why: "w".into(),
        };
        let Err(ActionError::Refused(no)) = asked(Action::SetRecipe(set)) else { panic!("it was taken") };
        assert_eq!(no.reason, Reason::RecipeInvalid);
        assert!(no.text.contains("line 2"), "{}", no.text);
    }

    #[test]
    fn every_shipped_recipe_is_taken() {
        for (name, toml) in recipe::shipped() {
            assert!(super::recipe(toml).is_ok(), "{name}");
        }
    }
}
