//! Every action as it is asked in the matrix: sound in itself, so that nothing but who asks and of what decides. Never here: what the answer should be.

use deadwax_domain::{fingerprint, record::record_fingerprint};
use deadwax_proto::v1::{self, action::Action};
use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};

use crate::{
    common::id_text,
    media_kit::sha256,
    rows::{Asking, Hidden},
    world::{Asker, at, main_file, record_files},
};

impl Asking<'_> {
    fn new_id(&self) -> String {
        id_text(self.own.base + at::FRESH + self.fresh)
    }

    fn of(&self, what: u128) -> String {
        self.it.id(what)
    }

    /// A note that is what this one is, or is hidden.
    fn note(&self, note: u128) -> String {
        self.it.id(if self.hidden == Hidden::Note { at::INTERNAL } else { note })
    }

    pub fn version(&self, version: u128) -> String {
        self.it.id(if self.hidden == Hidden::Version { at::MIX_B } else { version })
    }

    fn fingerprint(&self) -> String {
        fingerprint(&main_file(self.it)).to_string()
    }

    fn person(&self, asker: Asker) -> String {
        id_text(self.cast.id(asker).0)
    }

    /// A member; in the other project its manager, and nobody at all.
    fn member(&self) -> String {
        match self.it.base {
            crate::world::OWN => self.person(Asker::Listener),
            crate::world::FOREIGN => self.person(Asker::Other),
            absent => id_text(absent),
        }
    }
}

pub fn none(_: &Asking<'_>) -> Action {
    Action::RemoveCover(v1::RemoveCover {})
}

pub fn create_project(_: &Asking<'_>) -> Action {
    Action::CreateProject(v1::CreateProject { title: "New".into(), artist: "Ana".into() })
}

pub fn change_terms(_: &Asking<'_>) -> Action {
    Action::ChangeTerms(v1::ChangeTerms { rounds_included: Some(7), ..v1::ChangeTerms::default() })
}

pub fn add_member(asked: &Asking<'_>) -> Action {
    let (person_id, roles) = (asked.person(Asker::Owner), vec![v1::Role::Artist.into()]);
    Action::AddMember(v1::AddMember { person_id, roles })
}

pub fn change_roles(asked: &Asking<'_>) -> Action {
    Action::ChangeRoles(v1::ChangeRoles { person_id: asked.member(), roles: vec![v1::Role::Artist.into()] })
}

pub fn remove_member(asked: &Asking<'_>) -> Action {
    Action::RemoveMember(v1::RemoveMember { person_id: asked.member() })
}

pub fn add_song(asked: &Asking<'_>) -> Action {
    Action::AddSong(v1::AddSong { song_id: asked.new_id(), title: "New".into(), isrc: String::new() })
}

pub fn edit_song(asked: &Asking<'_>) -> Action {
    let title = Some("Other".to_owned());
    Action::EditSong(v1::EditSong { song_id: asked.of(at::MIXING), title, isrc: None })
}

pub fn set_gate(_: &Asking<'_>) -> Action {
    let need = v1::Need { any_of: vec![v1::Role::Label.into()], count: 1 };
    let rule =
        v1::GateRule { stage: v1::Stage::Mastering.into(), needs: vec![need], ..v1::GateRule::default() };
    Action::SetGate(v1::SetGate { rule: Some(rule) })
}

pub fn add_version(asked: &Asking<'_>) -> Action {
    let sha256 = sha256(&asked.own.spare()).to_string();
    Action::AddVersion(v1::AddVersion {
        version_id: asked.new_id(),
        song_id: asked.of(at::RECORDING),
        kind: v1::VersionKind::Take.into(),
        files: vec![v1::NewFile { alternate: "main".into(), sha256, name: "b.wav".into() }],
        ..v1::AddVersion::default()
    })
}

pub fn add_note(asked: &Asking<'_>) -> Action {
    Action::AddNote(v1::AddNote {
        note_id: asked.new_id(),
        version_id: asked.version(at::MIX_2),
        text: "Louder.".into(),
        ..v1::AddNote::default()
    })
}

pub fn address_note(asked: &Asking<'_>) -> Action {
    let (note_id, version_id) = (asked.note(at::NOTE), asked.own.id(at::MIX_2));
    Action::AddressNote(v1::AddressNote { note_id, version_id })
}

pub fn accept_note(asked: &Asking<'_>) -> Action {
    Action::AcceptNote(v1::AcceptNote { note_id: asked.note(at::NOTE) })
}

pub fn reopen_note(asked: &Asking<'_>) -> Action {
    Action::ReopenNote(v1::ReopenNote { note_id: asked.note(at::DONE), reason: "No.".into() })
}

pub fn decline_note(asked: &Asking<'_>) -> Action {
    Action::DeclineNote(v1::DeclineNote { note_id: asked.note(at::NOTE), reason: "No.".into() })
}

pub fn tick_checklist(asked: &Asking<'_>) -> Action {
    Action::TickChecklist(v1::TickChecklist { note_id: asked.note(at::NOTE), item: 0, done: true })
}

pub fn request_revision(asked: &Asking<'_>) -> Action {
    Action::RequestRevision(v1::RequestRevision {
        request_id: asked.new_id(),
        version_id: asked.of(at::MIX_2),
        role: asked.asker.word(),
        note_ids: vec![asked.own.id(at::NOTE)],
        beyond_terms: true,
        ..v1::RequestRevision::default()
    })
}

pub fn approve(asked: &Asking<'_>) -> Action {
    Action::Approve(v1::Approve {
        approval_id: asked.new_id(),
        version_id: asked.version(at::MIX_2),
        role: asked.asker.word(),
        fingerprint: asked.fingerprint(),
        receipt: None,
    })
}

pub fn withdraw_approval(asked: &Asking<'_>) -> Action {
    Action::WithdrawApproval(v1::WithdrawApproval { approval_id: asked.of(at::APPROVAL) })
}

pub fn hold(asked: &Asking<'_>) -> Action {
    Action::Hold(v1::Hold {
        approval_id: asked.new_id(),
        song_id: asked.of(at::MIXING),
        role: asked.asker.word(),
        reason: "Wait.".into(),
    })
}

pub fn lift_hold(asked: &Asking<'_>) -> Action {
    Action::LiftHold(v1::LiftHold { approval_id: asked.of(at::HOLD) })
}

pub fn accept_handoff(asked: &Asking<'_>) -> Action {
    Action::AcceptHandoff(v1::AcceptHandoff { song_id: asked.of(at::MASTERING) })
}

pub fn return_handoff(asked: &Asking<'_>) -> Action {
    let (song_id, reason) = (asked.of(at::MASTERING), "Clicks.".to_owned());
    Action::ReturnHandoff(v1::ReturnHandoff { song_id, reason, items: Vec::new() })
}

pub fn set_recipe(asked: &Asking<'_>) -> Action {
    let recipe_toml = "name = \"mine\"\n".to_owned();
    Action::SetRecipe(v1::SetRecipe { song_id: asked.of(at::MASTERING), recipe_toml, why: "Louder.".into() })
}

pub fn start_render(asked: &Asking<'_>) -> Action {
    let (render_id, song_id) = (asked.new_id(), asked.of(at::MASTERING));
    Action::StartRender(v1::StartRender { render_id, song_id, recipe_toml: String::new() })
}

pub fn cancel_render(asked: &Asking<'_>) -> Action {
    Action::CancelRender(v1::CancelRender { render_id: asked.of(at::RENDER) })
}

pub fn make_delivery(asked: &Asking<'_>) -> Action {
    Action::MakeDelivery(v1::MakeDelivery { delivery_id: asked.new_id(), song_id: asked.of(at::DELIVERED) })
}

pub fn move_note(asked: &Asking<'_>) -> Action {
    let (note_id, version_id) = (asked.note(at::NOTE), asked.own.id(at::MIX_2));
    Action::MoveNote(v1::MoveNote { note_id, version_id, start_ms: 5, end_ms: None })
}

pub fn swap_mix(asked: &Asking<'_>) -> Action {
    Action::SwapMix(v1::SwapMix { song_id: asked.of(at::MASTERING), reason: "Another.".into() })
}

pub fn put_forward(asked: &Asking<'_>) -> Action {
    Action::PutForward(v1::PutForward { version_id: asked.version(at::MIX_1), reason: "Better.".into() })
}

pub fn override_gate(asked: &Asking<'_>) -> Action {
    let (song_id, reason) = (asked.of(at::MIXING), "The date.".to_owned());
    Action::OverrideGate(v1::OverrideGate { song_id, reason, version_id: String::new() })
}

pub fn open_shootout(asked: &Asking<'_>) -> Action {
    let entrant_ids = vec![asked.person(Asker::Mixer), id_text(asked.cast.second.0)];
    let (shootout_id, song_id) = (asked.new_id(), asked.of(at::MIXING));
    Action::OpenShootout(v1::OpenShootout { shootout_id, song_id, entrant_ids, blind: true })
}

pub fn cast_vote(asked: &Asking<'_>) -> Action {
    Action::CastVote(v1::CastVote {
        song_id: asked.of(at::COMPETING),
        role: asked.asker.word(),
        ranking: vec![asked.of(at::MIX_A)],
        blind: true,
        ..v1::CastVote::default()
    })
}

pub fn pick_mix(asked: &Asking<'_>) -> Action {
    Action::PickMix(v1::PickMix {
        song_id: asked.of(at::COMPETING),
        version_id: asked.of(at::MIX_A),
        role: asked.asker.word(),
        fingerprint: asked.fingerprint(),
        reason: String::new(),
    })
}

pub fn set_preflight(_: &Asking<'_>) -> Action {
    let setting = v1::PreflightSetting {
        code: "HEAD_CUT".into(),
        kind: v1::VersionKind::Mix.into(),
        severity: v1::Severity::Off.into(),
    };
    Action::SetPreflight(v1::SetPreflight { settings: vec![setting] })
}

pub fn set_spacing(asked: &Asking<'_>) -> Action {
    let item = |(nth, song): (u32, u128)| v1::SpacingItem {
        song_id: asked.own.id(song),
        gap_ms: if nth == 0 { 0 } else { 700 },
        ..v1::SpacingItem::default()
    };
    Action::SetSpacing(v1::SetSpacing { items: (0..).zip(1..=7).map(item).collect() })
}

pub fn approve_spacing(asked: &Asking<'_>) -> Action {
    let (approval_id, role) = (asked.new_id(), asked.asker.word());
    Action::ApproveSpacing(v1::ApproveSpacing { approval_id, number: 1, role, receipt: None })
}

pub fn follow(asked: &Asking<'_>) -> Action {
    Action::Follow(v1::Follow { song_id: asked.of(at::MIXING), level: v1::FollowLevel::All.into() })
}

pub fn set_webhook(asked: &Asking<'_>) -> Action {
    let (webhook_id, url) = (asked.new_id(), "https://hooks.example.org/y".to_owned());
    Action::SetWebhook(v1::SetWebhook { webhook_id, url, codes: Vec::new() })
}

pub fn remove_webhook(asked: &Asking<'_>) -> Action {
    Action::RemoveWebhook(v1::RemoveWebhook { webhook_id: asked.of(at::WEBHOOK) })
}

pub fn set_sections(asked: &Asking<'_>) -> Action {
    let sections = vec![v1::Section { start_ms: 5, name: "Verse".into() }];
    Action::SetSections(v1::SetSections { version_id: asked.version(at::MIX_2), sections })
}

pub fn set_label_copy(_: &Asking<'_>) -> Action {
    let copy = v1::LabelCopy { label: "Moth".into(), ..v1::LabelCopy::default() };
    Action::SetLabelCopy(v1::SetLabelCopy { copy: Some(copy) })
}

pub fn set_song_copy(asked: &Asking<'_>) -> Action {
    let copy = v1::SongCopy { version_title: "Edit".into(), ..v1::SongCopy::default() };
    Action::SetSongCopy(v1::SetSongCopy { song_id: asked.of(at::MIXING), copy: Some(copy) })
}

pub fn add_spacing_note(asked: &Asking<'_>) -> Action {
    Action::AddSpacingNote(v1::AddSpacingNote {
        note_id: asked.new_id(),
        number: 1,
        song_id: asked.of(at::MIXING),
        text: "Longer.".into(),
    })
}

pub fn close_spacing_note(asked: &Asking<'_>) -> Action {
    let (note_id, answer) = (asked.of(at::SPACING_NOTE), "Done.".to_owned());
    Action::CloseSpacingNote(v1::CloseSpacingNote { note_id, answer })
}

pub fn start_record(asked: &Asking<'_>) -> Action {
    let profile = v1::RecordProfile { name: "house".into(), toml: crate::HOUSE.into() };
    Action::StartRecord(v1::StartRecord {
        record_id: asked.new_id(),
        spacing: 1,
        profiles: vec![profile],
        ..v1::StartRecord::default()
    })
}

pub fn cancel_record(asked: &Asking<'_>) -> Action {
    Action::CancelRecord(v1::CancelRecord { record_id: asked.of(at::RECORD) })
}

pub fn approve_record(asked: &Asking<'_>) -> Action {
    Action::ApproveRecord(v1::ApproveRecord {
        approval_id: asked.new_id(),
        record_id: asked.of(at::RECORD),
        role: asked.asker.word(),
        fingerprint: record_fingerprint(&record_files(asked.it)).to_string(),
        receipt: None,
    })
}

pub fn deliver_record(asked: &Asking<'_>) -> Action {
    Action::DeliverRecord(v1::DeliverRecord { record_id: asked.of(at::RECORD) })
}

/// A new key, which shows itself. Only the artist has one, whose further keys it would have to sign for.
pub fn enrol_key(asked: &Asking<'_>) -> Action {
    let mut seed = [7; 32];
    seed[..16].copy_from_slice(&asked.fresh.to_be_bytes());
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&seed));
    let public_key = key.public_key().to_openssh().expect("a line").trim().to_owned();
    let signed = key.sign("key@deadwax", HashAlg::Sha512, public_key.as_bytes()).expect("a signature");
    let proof = signed.to_pem(LineEnding::LF).expect("armor");
    Action::EnrolKey(v1::EnrolKey { public_key, proof, vouch: String::new() })
}

pub fn revoke_key(asked: &Asking<'_>) -> Action {
    let fingerprint = sha256(&asked.it.base.to_be_bytes()).to_string();
    Action::RevokeKey(v1::RevokeKey { fingerprint, reason: "Stolen.".into() })
}

pub fn remove_cover(_: &Asking<'_>) -> Action {
    Action::RemoveCover(v1::RemoveCover {})
}
