//! Given a project, what each person is offered.

use super::*;
use crate::testing::{add_note, add_version, *};

fn yes(answers: &[Answer]) -> Vec<&'static str> {
    answers.iter().filter(|(_, answer)| answer.is_ok()).map(|(action, _)| *action).collect()
}

#[test]
fn each_person_may_do_what_their_role_does() {
    let project = Given::mixed().project;
    let on_song = |who| yes(&song_actions(&project, &person(who), SONG));
    assert_eq!(on_song(ARTIST), ["edit_song", "hold", "follow"]);
    assert_eq!(on_song(MIXER), ["add_version", "follow"]);
    assert_eq!(on_song(LISTENER), ["follow"]);
    let on_mix = |who| yes(&version_actions(&project, &person(who), VersionId(10)));
    assert_eq!(on_mix(LABEL), ["add_note", "approve", "set_sections"]);
    assert_eq!(on_mix(MIXER), ["add_note", "set_sections"]);
    assert_eq!(on_mix(LISTENER), [""; 0]);
}

#[test]
fn of_several_roles_the_best_answer_is_told() {
    let roles = Roles::from([Role::MixEngineer, Role::Label]);
    let given = Given::mixed().and(person(OWNER), Command::ChangeRoles { person: MIXER, roles });
    let answers = version_actions(&given.project, &person(MIXER), VersionId(10));
    let approve = answers.iter().find(|(action, _)| *action == "approve").unwrap();
    assert_eq!(approve.1.as_ref().unwrap_err().reason, Reason::SelfApproval);
}

#[test]
fn a_manager_may_change_whatever_a_member_holds_now() {
    for held in [&[Role::Artist][..], &[Role::Producer], &[Role::Artist, Role::Producer], Role::ALL] {
        let roles: Roles = held.iter().copied().collect();
        let add = Command::AddMember { person: STRANGER, roles };
        let given = Given::studio().and(person(OWNER), add);
        let answers = member_actions(&given.project, &person(OWNER), STRANGER);
        assert_eq!(yes(&answers), ["change_roles", "remove_member"], "{held:?}");
    }
}

fn text(answers: &[Answer], action: &str) -> Result<String, Reason> {
    let answer = answers.iter().find(|(named, _)| *named == action).expect("it is answered");
    answer.1.clone().map_err(|refusal| refusal.reason)
}

#[test]
fn what_follows_is_told_before_it_is_done() {
    let of_mix = |given: &Given, who, action| {
        text(&version_actions(&given.project, &person(who), VersionId(10)), action)
    };
    let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
    let told = "This is round 1 of 2 included. A correction is free.";
    assert_eq!(of_mix(&given, ARTIST, "request_revision"), Ok(told.to_owned()));
    let none = Command::ChangeTerms {
        rounds_included: Some(0),
        self_approval: None,
        corrections_free: Some(0),
        cut_off: None,
    };
    let given = given.and(person(OWNER), none);
    let told = "This is round 1 of 0 included: it is billed.";
    assert_eq!(of_mix(&given, ARTIST, "request_revision"), Ok(told.to_owned()));
    assert_eq!(of_mix(&given, ARTIST, "approve"), Ok(String::new()));
    let given = Given::mixed().approved(ARTIST, 10, Role::Artist);
    let told = "This meets the gate of mixing: the mix is handed over and its render is queued.";
    assert_eq!(of_mix(&given, LABEL, "approve"), Ok(told.to_owned()));
    let mastering = Given::mastering().project;
    let swap = |who| text(&song_actions(&mastering, &person(who), SONG), "swap_mix");
    assert!(swap(LABEL).is_ok_and(|told| told.starts_with("Swapping the mix ends 1 render")));
    assert_eq!(swap(ARTIST), Err(Reason::NotYourRole));
    let back = text(&song_actions(&mastering, &person(MASTERER), SONG), "return_handoff");
    assert!(back.is_ok_and(|told| told.starts_with("Returning the handoff ends 1 render")));
}

#[test]
fn in_a_shootout_everyone_is_offered_their_part() {
    let second = PersonId(8);
    let add = Command::AddMember { person: second, roles: Roles::from([Role::MixEngineer]) };
    let one = Given::mixed();
    let on_song =
        |given: &Given, who, action| text(&song_actions(&given.project, &person(who), SONG), action);
    assert_eq!(on_song(&one, OWNER, "open_shootout"), Err(Reason::RuleInvalid));
    let two = one.and(person(OWNER), add);
    assert!(on_song(&two, OWNER, "open_shootout").is_ok());
    assert_eq!(on_song(&two, LABEL, "cast_vote"), Err(Reason::NoShootout));
    let entrants = vec![MIXER, second];
    let open = Command::OpenShootout { shootout: ShootoutId(1), song: SONG, entrants, blind: true };
    let mix = |id, file| add_version(id, VersionKind::Mix, &[(crate::Alternate::Main, file)]);
    let open = two.and(person(OWNER), open).and(person(MIXER), mix(11, 3)).and(person(second), mix(12, 4));
    assert!(on_song(&open, ARTIST, "cast_vote").is_ok());
    assert_eq!(on_song(&open, MIXER, "cast_vote"), Err(Reason::NotYourRole));
    assert!(on_song(&open, second, "add_version").is_ok());
    let pick = |who| text(&version_actions(&open.project, &person(who), VersionId(11)), "pick_mix");
    assert!(pick(LABEL).is_ok());
    assert_eq!(pick(ARTIST), Err(Reason::NotYourRole));
}

#[test]
fn what_belongs_to_the_record_is_offered_to_its_roles() {
    let told = |given: &Given, who| {
        yes(&project_actions(&given.project, &person(who)))
            .into_iter()
            .filter(|action| !matches!(*action, "follow" | "enrol_key"))
            .collect::<Vec<_>>()
    };
    let given = Given::mixed();
    assert_eq!(told(&given, MASTERER), ["set_preflight", "set_spacing"]);
    assert_eq!(told(&given, LABEL), ["set_label_copy", "set_cover"]);
    let items = vec![crate::SpacingItem::after(SONG, 0)];
    let set = given.and(person(MASTERER), Command::SetSpacing { items });
    assert_eq!(told(&set, LABEL), ["approve_spacing", "add_spacing_note", "set_label_copy", "set_cover"]);
    let setting = crate::PreflightSetting {
        code: "UNCHANGED".to_owned(),
        kind: VersionKind::Mix,
        severity: Some(crate::Severity::Off),
    };
    let off = set.and(person(MASTERER), Command::SetPreflight { settings: vec![setting] });
    assert_eq!(told(&off, MASTERER), ["set_preflight", "set_spacing", "add_spacing_note"]);
    let on_song = |who| yes(&song_actions(&off.project, &person(who), SONG));
    assert!(on_song(OWNER).contains(&"override_gate") && !on_song(LABEL).contains(&"override_gate"));
    assert!(on_song(LABEL).contains(&"set_song_copy") && !on_song(ARTIST).contains(&"set_song_copy"));
    let spacing = Command::SetSpacing { items: vec![crate::SpacingItem::after(SONG, 0)] };
    let signed = Given::delivered().and(person(ARTIST), spacing);
    assert!(
        told(&signed, LABEL).contains(&"start_record") && !told(&signed, ARTIST).contains(&"start_record")
    );
    let enrol = |given: &Given, who| text(&project_actions(&given.project, &person(who)), "enrol_key");
    assert!(enrol(&signed, LISTENER).is_ok());
    let key = Command::EnrolKey {
        key: digest(0x21),
        public_key: "ssh-ed25519 AAAA".to_owned(),
        proof: String::new(),
        vouched_by: None,
        vouch: String::new(),
    };
    let keyed = signed.and(person(ARTIST), key);
    assert!(enrol(&keyed, ARTIST).is_ok(), "a further one, vouched for");
    let revoke = |who| text(&member_actions(&keyed.project, &person(who), ARTIST), "revoke_key");
    assert!(revoke(ARTIST).is_ok() && revoke(OWNER).is_ok());
    assert_eq!(revoke(LABEL), Err(Reason::NotYourRole));
}
