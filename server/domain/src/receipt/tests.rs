//! Given keys and a chain, when somebody enrols, revokes or signs. Statements are written here by hand, letter by letter: what they must say is not asked of
//! the code that reads them.

use super::*;
use crate::{Alternate, File, GateRule, Roles, SpacingItem, Stage, VersionId, dry, gate, testing::*};

const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

fn enrol_command(key: u8, vouched_by: Option<u8>) -> Command {
    Command::EnrolKey {
        key: digest(key),
        public_key: format!("ssh-ed25519 AAAA{key}"),
        proof: "proof".to_owned(),
        vouched_by: vouched_by.map(digest),
        vouch: if vouched_by.is_some() { "vouch".to_owned() } else { String::new() },
    }
}

fn revoke_command(key: u8) -> Command {
    Command::RevokeKey { key: digest(key), reason: "The laptop was stolen.".to_owned() }
}

fn hex(byte: u8) -> String {
    format!("{byte:02x}").repeat(32)
}

/// Mix 1 as the label of `Given::mixed` sees it.
fn mix_statement(key: u8, approval: &str, previous: &str, sequence: u32) -> String {
    let fingerprint = crate::fingerprint(&[file(Alternate::Main, 1), file(Alternate::Instrumental, 2)]);
    [
        "deadwax-statement/1",
        "project: 00000000-0000-0000-0000-000000000077",
        "project-title: Dust",
        "decision: approve",
        "object: version",
        "object-id: 00000000-0000-0000-0000-00000000000a",
        "name: Mix 1",
        "song: 00000000-0000-0000-0000-000000000064",
        "song-title: Ember",
        "stage: mixing",
        "role: label",
        "signer: 00000000-0000-0000-0000-000000000005",
        &format!("key: {}", hex(key)),
        &format!("approval: 00000000-0000-0000-0000-0000000000{approval}"),
        &format!("fingerprint: {fingerprint}"),
        &format!("file: {} 28800044 instrumental", hex(2)),
        &format!("file: {} 28800044 main", hex(1)),
        &format!("previous: {previous}"),
        &format!("sequence: {sequence}"),
        "time: 1970-01-01T00:00:02Z",
        "",
    ]
    .join("\n")
}

fn signed_command(approve: Command, statement: &str, key: u8) -> Command {
    let receipt =
        Receipt { statement: statement.to_owned(), signature: "signature".to_owned(), key: digest(key) };
    Command::Signed { approve: Box::new(approve), receipt }
}

fn approve_mix(given: &Given, approval: u128) -> Command {
    let Command::Approve { version, role, fingerprint, .. } = given.approve(10, Role::Label) else {
        unreachable!("it makes approvals");
    };
    Command::Approve { approval: ApprovalId(approval), version, role, fingerprint }
}

/// The label has a key, 0x21.
fn keyed() -> Given {
    Given::mixed().and(person(LABEL), enrol_command(0x21, None))
}

fn signed_rule() -> Command {
    let rule = gate::default_rule(Stage::Mixing).expect("mixing has a gate");
    Command::SetGate { rule: GateRule { signed: true, ..rule } }
}

#[test]
fn a_first_key_stands_by_itself_and_a_further_one_by_an_older() {
    let given = keyed();
    given.when(person(LABEL), enrol_command(0x21, None)).refused(Reason::KeyKnown);
    given.when(person(ARTIST), enrol_command(0x21, None)).refused(Reason::KeyKnown);
    given.when(person(LABEL), enrol_command(0x22, None)).refused(Reason::KeyNotVouched);
    given.when(person(LABEL), enrol_command(0x22, Some(0x23))).refused(Reason::KeyNotVouched);
    given.when(person(ARTIST), enrol_command(0x22, Some(0x21))).refused(Reason::KeyNotVouched);
    given.when(person(STRANGER), enrol_command(0x22, None)).refused(Reason::NotAMember);
    given.when(Actor::Worker, enrol_command(0x22, None)).refused(Reason::NotYourRole);
    let two = given.and(person(LABEL), enrol_command(0x22, Some(0x21)));
    two.when(person(ARTIST), enrol_command(0x23, None)).facts(&["KEY_ENROLLED"]);
    for public_key in ["", "a\nb", &"a".repeat(limits::KEY_TEXT_BYTES_MAX + 1)] {
        let mut bad = enrol_command(0x24, None);
        if let Command::EnrolKey { public_key: it, .. } = &mut bad {
            public_key.clone_into(it);
        }
        two.when(person(ARTIST), bad).refused(Reason::KeyInvalid);
    }
    let of: Vec<Digest> = two.project.keys_of(LABEL).iter().map(|key| key.id).collect();
    assert_eq!(of, [digest(0x21), digest(0x22)]);
    // The older one gone, the newer vouches; both gone, the next is a first one again.
    let one = two.and(person(LABEL), revoke_command(0x21));
    one.when(person(LABEL), enrol_command(0x23, Some(0x21))).refused(Reason::KeyNotVouched);
    one.when(person(LABEL), enrol_command(0x23, Some(0x22))).facts(&["KEY_ENROLLED"]);
    let none = one.and(person(OWNER), revoke_command(0x22));
    none.when(person(LABEL), enrol_command(0x21, None)).refused(Reason::KeyKnown);
    none.when(person(LABEL), enrol_command(0x23, Some(0x22))).refused(Reason::KeyNotVouched);
    none.when(person(LABEL), enrol_command(0x23, None)).facts(&["KEY_ENROLLED"]);
}

#[test]
fn a_key_is_revoked_by_its_owner_or_a_manager_with_a_reason() {
    let given = keyed();
    given.when(person(ARTIST), revoke_command(0x21)).refused(Reason::NotYourRole);
    given.when(person(LABEL), revoke_command(0x22)).refused(Reason::NoSuchKey);
    let silent = Command::RevokeKey { key: digest(0x21), reason: "  ".to_owned() };
    given.when(person(LABEL), silent).refused(Reason::TextEmpty);
    given.when(person(OWNER), revoke_command(0x21)).facts(&["KEY_REVOKED"]);
    let gone = given.and(person(LABEL), revoke_command(0x21));
    gone.when(person(OWNER), revoke_command(0x21)).refused(Reason::KeyRevoked);
}

#[test]
fn a_gate_that_asks_for_keys_says_so_and_who_is_without_one() {
    let told = |given: &Given| {
        let report = gate::report(&given.project, SONG).expect("the song is in mixing");
        report.lines.into_iter().find(|line| line.code == "SIGNED").map(|line| (line.met, line.text))
    };
    assert_eq!(told(&Given::mixed()), None);
    let nobody = Given::mixed().and(person(OWNER), signed_rule());
    let without = "Every approval is signed with a key, and nobody who is asked has one yet: `deadwax key new` makes it.";
    assert_eq!(told(&nobody), Some((true, without.to_owned())));
    let some = nobody.and(person(LABEL), enrol_command(0x21, None));
    assert!(told(&some).expect("it is asked still").1.contains("not everybody who is asked has one yet"));
    let all = some.and(person(ARTIST), enrol_command(0x31, None));
    assert_eq!(told(&all), Some((true, "Every approval is signed with a key.".to_owned())));
    // A key that was taken back is none.
    let gone = all.and(person(LABEL), revoke_command(0x21));
    assert!(told(&gone).expect("it is asked still").1.contains("not everybody"));
}

#[test]
fn a_receipt_stands_right_behind_its_approval_and_before_what_follows() {
    let given = keyed().approved(ARTIST, 10, Role::Artist);
    let statement = mix_statement(0x21, "2a", ZEROS, 1);
    let signed = signed_command(approve_mix(&given, 0x2a), &statement, 0x21);
    let events = given.when(person(LABEL), signed.clone()).facts(&[
        "APPROVED",
        "RECEIPT_KEPT",
        "STAGE_LEFT",
        "HANDOFF_MADE",
        "RENDER_QUEUED",
    ]);
    assert!(events[1].by == Some(LABEL) && events[2].by.is_none());
    let mut after = given.project.clone();
    after.apply_all(&events);
    let kept = after.receipt_of(ApprovalId(0x2a)).unwrap();
    assert_eq!((kept.sequence, kept.person, kept.approval), (1, LABEL, ApprovalId(0x2a)));
    // printf '%s' "$STATEMENT" | sha256sum
    assert_eq!(kept.digest.0, <[u8; 32]>::from(Sha256::digest(statement.as_bytes())));
    assert_eq!(head(&after), (1, kept.digest));
    assert_eq!(head(&given.project).1.to_string(), ZEROS);
}

#[test]
fn every_line_of_a_statement_is_held_against_what_is() {
    let given = keyed();
    let statement = mix_statement(0x21, "2a", ZEROS, 1);
    let send = |text: &str| given.when(person(LABEL), signed_command(approve_mix(&given, 0x2a), text, 0x21));
    send(&statement).facts(&["APPROVED", "RECEIPT_KEPT"]);
    let lines: Vec<&str> = statement.lines().collect();
    assert_eq!(lines.len(), 20);
    for (at, line) in lines.iter().enumerate() {
        // Changed by one letter, left out, twice, with a space, with a carriage return, in capitals.
        let mut other = (*line).to_owned();
        let last = other.pop().unwrap();
        other.push(if last == '1' { '2' } else { '1' });
        let with = |new: &[&str]| -> String {
            let all = lines[..at].iter().chain(new).chain(&lines[at + 1..]);
            all.map(|line| format!("{line}\n")).collect()
        };
        for new in [
            vec![other.as_str()],
            vec![],
            vec![line, line],
            vec![&format!("{line} ")],
            vec![&format!("{line}\r")],
            vec![&line.to_uppercase()],
            vec![line.split(':').next().unwrap(), ""],
            vec!["\u{1b}[2J\u{202e}"],
        ] {
            let text = with(&new);
            let refusal = send(&text).0.expect_err(&text);
            let reasons = [Reason::StatementInvalid, Reason::StatementStale];
            assert!(reasons.contains(&refusal.reason), "{refusal}: {text}");
            assert!(refusal.text.ends_with('.') && !refusal.text.contains('\u{1b}'), "{refusal}");
        }
        let named = send(&with(&["nonsense"])).0.unwrap_err();
        assert_eq!(named.reason, Reason::StatementInvalid);
        assert!(named.text.starts_with(&format!("Line {} of the statement has to say ", at + 1)), "{named}");
        let short: String = lines[..at].iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(send(&short).0.unwrap_err().reason, Reason::StatementInvalid);
    }
    let role = statement.replace("role: label", "role: artist");
    let told = send(&role).0.unwrap_err().text;
    assert_eq!(told, "Line 11 of the statement has to say \"role: label\", and it does not.");
    send(statement.trim_end()).refused(Reason::StatementInvalid);
    send(&format!("{statement}\n")).refused(Reason::StatementInvalid);
    send(&format!("{statement}more: 1\n")).refused(Reason::StatementInvalid);
    send("").refused(Reason::StatementInvalid);
    send("\n").refused(Reason::StatementInvalid);
    send(&"x".repeat(limits::STATEMENT_BYTES_MAX + 1)).refused(Reason::StatementInvalid);
    let mut long = signed_command(approve_mix(&given, 0x2a), &statement, 0x21);
    if let Command::Signed { receipt, .. } = &mut long {
        receipt.signature = "x".repeat(limits::KEY_TEXT_BYTES_MAX + 1);
    }
    given.when(person(LABEL), long).refused(Reason::SignatureInvalid);
}

#[test]
fn a_statement_follows_the_newest_and_is_of_now() {
    let given = keyed();
    let at = |time: &str| mix_statement(0x21, "2a", ZEROS, 1).replace("1970-01-01T00:00:02Z", time);
    let send = |text: &str| given.when(person(LABEL), signed_command(approve_mix(&given, 0x2a), text, 0x21));
    send(&at("1970-01-01T00:15:02Z")).facts(&["APPROVED", "RECEIPT_KEPT"]);
    send(&at("1969-12-31T23:45:02Z")).facts(&["APPROVED", "RECEIPT_KEPT"]);
    let late = send(&at("1970-01-01T00:15:03Z")).0.unwrap_err();
    assert_eq!(late.reason, Reason::StatementInvalid);
    assert!(late.text.contains("here it is 1970-01-01 00:00 UTC"), "{late}");
    send(&at("1969-12-31T23:45:01Z")).refused(Reason::StatementInvalid);
    send(&at("9999-12-31T23:59:59Z")).refused(Reason::StatementInvalid);
    send(&mix_statement(0x21, "2a", ZEROS, 2)).refused(Reason::StatementStale);
    send(&mix_statement(0x21, "2a", &hex(7), 1)).refused(Reason::StatementStale);
    // Somebody else was first: the same statement does not follow any more.
    let other = given.clone().and(person(ARTIST), enrol_command(0x31, None));
    let text = mix_statement(0x31, "2b", ZEROS, 1).replace("role: label", "role: artist").replace(
        "signer: 00000000-0000-0000-0000-000000000005",
        "signer: 00000000-0000-0000-0000-000000000002",
    );
    let Command::Approve { version, fingerprint, .. } = approve_mix(&given, 0) else { unreachable!() };
    let approve = Command::Approve { approval: ApprovalId(0x2b), version, role: Role::Artist, fingerprint };
    let other = other.and(person(ARTIST), signed_command(approve, &text, 0x31));
    let stale = signed_command(approve_mix(&given, 0x2a), &mix_statement(0x21, "2a", ZEROS, 1), 0x21);
    let refusal = other.when(person(LABEL), stale).0.unwrap_err();
    assert_eq!(refusal.reason, Reason::StatementStale);
    assert!(refusal.text.starts_with("Statement 1 ("), "{refusal}");
    let next = mix_statement(0x21, "2a", &digest_of(&text).to_string(), 2);
    other.when(person(LABEL), signed_command(approve_mix(&given, 0x2a), &next, 0x21)).facts(&[
        "APPROVED",
        "RECEIPT_KEPT",
        "STAGE_LEFT",
        "HANDOFF_MADE",
        "RENDER_QUEUED",
    ]);
}

#[test]
fn only_a_key_of_ones_own_that_holds_signs_and_only_approvals() {
    let given = keyed().and(person(ARTIST), enrol_command(0x31, None));
    let send = |given: &Given, key| {
        let text = mix_statement(key, "2a", ZEROS, 1);
        given.when(person(LABEL), signed_command(approve_mix(given, 0x2a), &text, key))
    };
    send(&given, 0x31).refused(Reason::NoSuchKey);
    send(&given, 0x99).refused(Reason::NoSuchKey);
    let revoked = given.clone().and(person(LABEL), revoke_command(0x21));
    send(&revoked, 0x21).refused(Reason::KeyRevoked);
    let hold = Command::Hold {
        approval: ApprovalId(0x2a),
        song: SONG,
        role: Role::Label,
        reason: "Wrong lyrics.".to_owned(),
    };
    let text = mix_statement(0x21, "2a", ZEROS, 1);
    given.when(person(LABEL), signed_command(hold, &text, 0x21)).refused(Reason::StatementInvalid);
    let twice = signed_command(approve_mix(&given, 0x2a), &text, 0x21);
    given.when(person(LABEL), signed_command(twice, &text, 0x21)).refused(Reason::StatementInvalid);
    // The approval itself is ruled first, as ever.
    given
        .when(person(MIXER), signed_command(approve_mix(&given, 0x2a), &text, 0x21))
        .refused(Reason::NotYourRole);
    // Revoked after it signed: what it signed stays.
    let signed = given.clone().and(person(LABEL), signed_command(approve_mix(&given, 0x2a), &text, 0x21));
    let revoked = signed.and(person(OWNER), revoke_command(0x21));
    let counts = |project: &Project| {
        let of_mix = |it: &crate::Approval| it.stage == Stage::Mixing;
        let counts = |state| state == crate::ApprovalState::Counts;
        project.approvals_of(SONG).filter(|(it, state)| of_mix(it) && counts(*state)).count()
    };
    assert_eq!((counts(&revoked.project), revoked.project.receipts.len()), (1, 1));
}

#[test]
fn an_id_that_was_signed_once_is_signed_by_no_other_statement() {
    let given = keyed();
    let text = mix_statement(0x21, "2a", ZEROS, 1);
    let signed = given.clone().and(person(LABEL), signed_command(approve_mix(&given, 0x2a), &text, 0x21));
    let items = vec![SpacingItem::after(SONG, 0)];
    let set = signed.and(person(ARTIST), Command::SetSpacing { items });
    let again = Command::ApproveSpacing { approval: ApprovalId(0x2a), number: 1, role: Role::Label };
    set.when(person(LABEL), again).refused(Reason::IdTaken);
}

#[test]
fn a_gate_that_asks_for_receipts_takes_no_approval_without_one() {
    let given = keyed().and(person(OWNER), signed_rule());
    given.when(person(LABEL), approve_mix(&given, 0x2a)).refused(Reason::NotSigned);
    let offered = |given: &Given, who| {
        let answers = dry::version_actions(&given.project, &person(who), VersionId(10));
        answers.into_iter().find(|(action, _)| *action == "approve").unwrap().1
    };
    assert_eq!(offered(&given, LABEL).as_deref(), Ok("It is to be signed with your key."));
    assert!(offered(&given, ARTIST).is_ok_and(|told| told.ends_with("you have none here: enrol one first.")));
    assert_eq!(offered(&given, MIXER).unwrap_err().reason, Reason::NotAskedByGate);
    let version = given.project.versions.get(VersionId(10)).unwrap();
    assert_eq!(dry::roles_to_approve(&given.project, &person(LABEL), version), [Role::Label]);
    let text = mix_statement(0x21, "2a", ZEROS, 1);
    given
        .when(person(LABEL), signed_command(approve_mix(&given, 0x2a), &text, 0x21))
        .facts(&["APPROVED", "RECEIPT_KEPT"]);
    // Given before it was asked: it does not count now, and is given again with a receipt.
    let before = keyed().approved(LABEL, 10, Role::Label).and(person(OWNER), signed_rule());
    let of_mix = before.project.approvals_of(SONG).filter(|(it, _)| it.stage == Stage::Mixing);
    let states: Vec<_> = of_mix.map(|(_, state)| state).collect();
    assert_eq!(states, [crate::ApprovalState::Outdated]);
    let events = before
        .when(person(LABEL), signed_command(approve_mix(&before, 0x2a), &text, 0x21))
        .facts(&["APPROVED", "RECEIPT_KEPT"]);
    assert!(matches!(events[0].fact, Fact::Approved { approval: ApprovalId(0x2a), .. }));
}

#[test]
fn what_passed_a_gate_before_it_asked_for_receipts_has_passed_it() {
    let of_mix = |project: &Project| -> Vec<crate::ApprovalState> {
        let all = project.approvals_of(SONG).filter(|(it, _)| it.stage == Stage::Mixing);
        all.map(|(_, state)| state).collect()
    };
    let passed = Given::mastering().and(person(OWNER), signed_rule());
    assert_eq!(of_mix(&passed.project), [crate::ApprovalState::Counts; 2]);
}

#[test]
fn the_last_signature_tells_what_it_sets_going() {
    let given = keyed().approved(ARTIST, 10, Role::Artist);
    let rule = GateRule {
        signed: true,
        ..GateRule::new(Stage::Mixing, vec![crate::Need { any_of: Roles::from([Role::Label]), count: 1 }])
    };
    let given = given.and(person(OWNER), Command::SetGate { rule });
    let answers = dry::version_actions(&given.project, &person(LABEL), VersionId(10));
    let told = answers.into_iter().find(|(action, _)| *action == "approve").unwrap().1;
    assert_eq!(
        told.as_deref(),
        Ok(
            "This meets the gate of mixing: the mix is handed over and its render is queued. It is to be signed with your key."
        )
    );
}

/// The label signs spacing 1: the song with every value that an item has.
#[test]
fn a_spacing_is_signed_item_by_item() {
    let item = SpacingItem {
        fade_in_ms: 500,
        fade_out_ms: 8000,
        shape: crate::FadeShape::Exponential,
        gain_cb: -150,
        trim_in_ms: 20,
        trim_out_ms: 30,
        begins_side: true,
        ..SpacingItem::after(SONG, 0)
    };
    let rule = gate::default_rule(Stage::Mixing).expect("mixing has a gate");
    let rule = GateRule { signed: true, spacing_roles: Roles::from([Role::Label]), ..rule };
    let given = keyed()
        .and(person(OWNER), Command::SetGate { rule })
        .and(person(ARTIST), Command::SetSpacing { items: vec![item] });
    let approve = Command::ApproveSpacing { approval: ApprovalId(0x2a), number: 1, role: Role::Label };
    given.when(person(LABEL), approve.clone()).refused(Reason::NotSigned);
    let line = "item: 00000000-0000-0000-0000-000000000064 gap=0 crossfade=0 fade-in=500 fade-out=8000 shape=exponential gain=-150 trim-in=20 trim-out=30 hidden=no side=yes";
    let fingerprint = Digest(Sha256::digest(format!("{line}\n").as_bytes()).into());
    assert_eq!(spacing_fingerprint(&[item]), fingerprint);
    let text = [
        "deadwax-statement/1",
        "project: 00000000-0000-0000-0000-000000000077",
        "project-title: Dust",
        "decision: approve",
        "object: spacing",
        "object-id: 00000000-0000-0000-0000-000000000077",
        "name: Spacing 1",
        "role: label",
        "signer: 00000000-0000-0000-0000-000000000005",
        &format!("key: {}", hex(0x21)),
        "approval: 00000000-0000-0000-0000-00000000002a",
        &format!("fingerprint: {fingerprint}"),
        line,
        &format!("previous: {ZEROS}"),
        "sequence: 1",
        "time: 1970-01-01T00:00:02Z",
        "",
    ]
    .join("\n");
    let signed = given.clone().and(person(LABEL), signed_command(approve.clone(), &text, 0x21));
    assert!(crate::spacing::is_approved(&signed.project, Stage::Mixing, Role::Label));
    let other = text.replace("gain=-150", "gain=-151");
    given.when(person(LABEL), signed_command(approve, &other, 0x21)).refused(Reason::StatementInvalid);
}

/// A master holds its Main in several encodings: those stand in any order, the alternates in theirs.
#[test]
fn encodings_of_one_alternate_stand_in_any_order() {
    let given = Given::mastering().and(person(LABEL), enrol_command(0x21, None));
    let render = given.project.queued_renders()[0].id;
    let done = Command::CompleteRender {
        render,
        attempt: 1,
        version: VersionId(30),
        files: vec![
            File { facts: crate::AudioFacts { bits: 16, ..clean_facts() }, ..file(Alternate::Main, 4) },
            file(Alternate::Main, 3),
        ],
        report_json: String::new(),
        sheet: None,
    };
    let given = given.and(Actor::Worker, lease(render)).and(Actor::Worker, done);
    let files: Vec<File> = given.project.versions.get(VersionId(30)).unwrap().files.clone();
    let fingerprint = crate::fingerprint(&files);
    let text = |first: u8, second: u8| {
        mix_statement(0x21, "2a", ZEROS, 1)
            .replace("00000000000a\nname: Mix 1", "00000000001e\nname: Master 1")
            .replace("stage: mixing", "stage: mastering")
            .replace(
                &format!("file: {} 28800044 instrumental", hex(2)),
                &format!("file: {} 28800044 main", hex(first)),
            )
            .replace(
                &format!("file: {} 28800044 main", hex(1)),
                &format!("file: {} 28800044 main", hex(second)),
            )
            .lines()
            .map(|line| {
                if line.starts_with("fingerprint") {
                    format!("fingerprint: {fingerprint}\n")
                } else {
                    format!("{line}\n")
                }
            })
            .collect::<String>()
    };
    let approve = Command::Approve {
        approval: ApprovalId(0x2a),
        version: VersionId(30),
        role: Role::Label,
        fingerprint,
    };
    for (first, second) in [(3, 4), (4, 3)] {
        let signed = signed_command(approve.clone(), &text(first, second), 0x21);
        given.when(person(LABEL), signed).facts(&["APPROVED", "RECEIPT_KEPT"]);
    }
    for (first, second) in [(3, 3), (4, 5)] {
        let signed = signed_command(approve.clone(), &text(first, second), 0x21);
        given.when(person(LABEL), signed).refused(Reason::StatementInvalid);
    }
}

#[test]
fn a_title_stands_as_it_is_shown() {
    let flag = "Flag \u{1f3f4}\u{e0067}\u{e007f}".to_owned();
    // Taken before names were held to what is shown.
    let rename = Command::EditSong { song: SONG, title: Some("Flag".to_owned()), isrc: None };
    let mut given = keyed();
    for mut event in given.when(person(OWNER), rename).facts(&["SONG_EDITED"]) {
        if let Fact::SongEdited { title, .. } = &mut event.fact {
            title.clone_from(&flag);
        }
        given.project.apply(&event);
    }
    let text = |title: &str| {
        mix_statement(0x21, "2a", ZEROS, 1).replace("song-title: Ember", &format!("song-title: {title}"))
    };
    let send = |title: &str| {
        given.when(person(LABEL), signed_command(approve_mix(&given, 0x2a), &text(title), 0x21))
    };
    send("Flag \u{1f3f4}\u{fffd}\u{fffd}").facts(&["APPROVED", "RECEIPT_KEPT"]);
    send("Flag \u{1f3f4}\u{e0067}\u{e007f}").refused(Reason::StatementInvalid);
}

#[test]
fn a_project_without_an_id_takes_no_statement() {
    let mut given = keyed();
    given.project.id = None;
    let send = |text: &str| given.when(person(LABEL), signed_command(approve_mix(&given, 0x2a), text, 0x21));
    send(&mix_statement(0x21, "2a", ZEROS, 1)).refused(Reason::StatementInvalid);
}
