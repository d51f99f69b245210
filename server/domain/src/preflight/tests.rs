//! Preflight over versions that differ from a clean one in one thing.

use super::*;
use crate::{AudioFacts, Element, TenthsDb, testing::*};

fn found(
    kind: VersionKind,
    alternate: Alternate,
    change: impl Fn(&mut AudioFacts),
) -> Vec<(bool, &'static str)> {
    let mut version = Given::mixed().project.versions.get(crate::VersionId(10)).unwrap().clone();
    version.kind = kind;
    version.files = vec![file(Alternate::Main, 1), file(alternate, 2)];
    if alternate == Alternate::Main {
        version.files.pop();
    }
    change(&mut version.files.last_mut().unwrap().facts);
    let found = findings(&Project::default(), &version);
    found.into_iter().map(|finding| (finding.block, finding.code)).collect()
}

#[test]
fn what_the_inspection_remarks_is_told_and_only_a_wrong_bounce_blocks() {
    let remark = |code: &str| {
        let code = code.to_owned();
        move |facts: &mut AudioFacts| {
            let said = crate::Remark { code: code.clone(), text: "Said.".into(), at_ms: Some(1_500) };
            facts.remarks.push(said);
        }
    };
    assert_eq!(found(VersionKind::Mix, Alternate::Main, remark("CLICKS")), [(false, "CLICKS")]);
    assert_eq!(found(VersionKind::Mix, Alternate::Main, remark("INVERTED")), [(true, "INVERTED")]);
    assert_eq!(found(VersionKind::Take, Alternate::Main, remark("INVERTED")), [(false, "INVERTED")]);
    // A code of tomorrow is shown and blocks nothing.
    assert_eq!(found(VersionKind::Mix, Alternate::Main, remark("HUMS")), [(false, "REMARK")]);
}

#[test]
fn a_clean_mix_passes() {
    assert_eq!(found(VersionKind::Mix, Alternate::Instrumental, |_| {}), []);
}

#[test]
fn what_mastering_cannot_repair_blocks_a_mix() {
    let main = |change: fn(&mut AudioFacts)| found(VersionKind::Mix, Alternate::Main, change);
    assert_eq!(main(|facts| facts.clipped_samples = 3), [(true, "CLIPPED")]);
    assert_eq!(main(|facts| facts.true_peak_dbtp = 0.3), [(true, "TRUE_PEAK_OVER")]);
    assert_eq!(main(|facts| facts.codec = "mp3".to_owned()), [(true, "LOSSY")]);
    assert_eq!(main(|facts| facts.sample_peak_dbfs = f64::NEG_INFINITY), [(true, "SILENT")]);
    assert_eq!(main(|facts| facts.bits = 16), [(false, "FEW_BITS")]);
    assert_eq!(main(|facts| facts.dc_offset = -0.01), [(false, "DC_OFFSET")]);
}

#[test]
fn takes_and_loud_references_are_only_warned_about() {
    let clip = |facts: &mut AudioFacts| facts.clipped_samples = 3;
    assert_eq!(found(VersionKind::Take, Alternate::Main, clip), [(false, "CLIPPED")]);
    assert_eq!(found(VersionKind::Mix, Alternate::Limited, clip), [(false, "CLIPPED")]);
    assert_eq!(found(VersionKind::Master, Alternate::Main, clip), [(false, "CLIPPED")]);
}

#[test]
fn alternates_line_up_with_the_main() {
    let shorter = |facts: &mut AudioFacts| facts.frames -= 1;
    assert_eq!(found(VersionKind::Mix, Alternate::Instrumental, shorter), [(true, "LENGTH_DIFFERS")]);
    assert_eq!(found(VersionKind::Mix, Alternate::RadioEdit, shorter), []);
    let quieter = |facts: &mut AudioFacts| facts.integrated_lufs -= 0.5;
    let up = Alternate::Step(Element::Vocal, TenthsDb(10));
    assert_eq!(found(VersionKind::Mix, up, quieter), [(false, "STEP_WRONG_WAY")]);
    assert_eq!(found(VersionKind::Mix, Alternate::Cut(30), |_| {}), [(false, "CUT_LENGTH")]);
}

fn set(code: &str, kind: VersionKind, severity: Option<Severity>) -> Command {
    Command::SetPreflight { settings: vec![PreflightSetting { code: code.to_owned(), kind, severity }] }
}

/// Mix 2 clips, and so does its loud reference; both in 16 bits.
fn clipping() -> Given {
    let clipped = AudioFacts { clipped_samples: 40, bits: 16, ..clean_facts() };
    let receive = |number| Command::ReceiveFile { file: received(number, clipped.clone()) };
    let files = [(Alternate::Main, 90), (Alternate::Limited, 91)];
    Given::mixed()
        .and(person(MIXER), receive(90))
        .and(person(MIXER), receive(91))
        .and(person(MIXER), add_version(11, VersionKind::Mix, &files))
}

fn of(given: &Given) -> Vec<(bool, &'static str, Alternate)> {
    let version = given.project.versions.get(crate::VersionId(11)).expect("Mix 2");
    let found = findings(&given.project, version);
    found.into_iter().map(|one| (one.block, one.code, one.alternate)).collect()
}

#[test]
fn a_project_has_severities_of_its_own() {
    let (main, loud, mix) = (Alternate::Main, Alternate::Limited, VersionKind::Mix);
    let given = clipping();
    let rest_of = |alternate| [(false, "FEW_BITS", alternate), (false, "FEWER_BITS", alternate)];
    let clip = |block| [&[(block, "CLIPPED", main)][..], &rest_of(main)].concat();
    let rest = [&[(false, "CLIPPED", loud)][..], &rest_of(loud)].concat();
    assert_eq!(of(&given), [clip(true), rest.clone()].concat());
    let eased = given.clone().and(person(MASTERER), set("CLIPPED", mix, Some(Severity::Warn)));
    assert_eq!(of(&eased), [clip(false), rest].concat());
    // A setting for takes says nothing of mixes.
    let takes = given.clone().and(person(OWNER), set("CLIPPED", VersionKind::Take, Some(Severity::Off)));
    assert_eq!(of(&takes), of(&given));
    let off = eased.clone().and(person(OWNER), set("FEW_BITS", mix, Some(Severity::Off)));
    assert!(of(&off).iter().all(|(_, code, _)| *code != "FEW_BITS") && of(&off).len() == 4);
    let hard = given.clone().and(person(OWNER), set("FEW_BITS", mix, Some(Severity::Block)));
    assert_eq!(of(&hard).iter().filter(|(block, code, _)| *block && *code == "FEW_BITS").count(), 2);
    // A loud reference is loud on purpose, whatever the project says of mixes.
    let strict = given.clone().and(person(OWNER), set("CLIPPED", mix, Some(Severity::Block)));
    assert_eq!(of(&strict), of(&given));
    let back = eased.and(person(OWNER), set("CLIPPED", mix, None));
    assert_eq!((of(&back), &back.project.preflight), (of(&given), &given.project.preflight));
}

#[test]
fn what_cannot_be_set_is_refused() {
    let (given, mix) = (clipping(), VersionKind::Mix);
    let warn = Some(Severity::Warn);
    given.when(person(MIXER), set("CLIPPED", mix, warn)).refused(Reason::NotYourRole);
    given.when(person(OWNER), set("HUMS", mix, warn)).refused(Reason::RuleInvalid);
    given.when(person(OWNER), set("", mix, None)).refused(Reason::RuleInvalid);
    given.when(person(OWNER), set("LOSSY", VersionKind::Master, warn)).refused(Reason::RuleInvalid);
    for eased in [warn, Some(Severity::Off)] {
        for kind in [VersionKind::Take, mix, VersionKind::Master] {
            let refusal = given.when(person(OWNER), set(SILENT, kind, eased)).0.expect_err("silence stays");
            assert_eq!(refusal.reason, Reason::RuleInvalid);
            assert!(refusal.text.contains("SILENT"), "{refusal}");
        }
    }
    given.when(person(OWNER), set("CLIPPED", mix, None)).refused(Reason::NothingToChange);
    let twice = |one, two| {
        let setting = |severity| PreflightSetting { code: "CLIPPED".to_owned(), kind: mix, severity };
        Command::SetPreflight { settings: vec![setting(one), setting(two)] }
    };
    given.when(person(OWNER), twice(warn, None)).refused(Reason::RuleInvalid);
    given
        .when(person(OWNER), Command::SetPreflight { settings: Vec::new() })
        .refused(Reason::NothingToChange);
}

/// What `code` says of Mix 2 after an examination found it.
fn examined(
    kind: VersionKind,
    block: bool,
    code: &str,
    setting: Option<Severity>,
) -> Vec<(bool, &'static str)> {
    let mut given = clipping();
    let found = crate::Found {
        block,
        code: code.to_owned(),
        text: "Said.".to_owned(),
        alternate: Alternate::Instrumental,
    };
    let examined = crate::Examined { found: vec![found.clone(), found], ..crate::Examined::default() };
    let version = crate::Version {
        id: crate::VersionId(12),
        kind,
        files: vec![file(Alternate::Main, 1)],
        ..given.project.versions.get(crate::VersionId(11)).expect("Mix 2").clone()
    };
    let fact = Fact::VersionExamined { version: crate::VersionId(11), examined: examined.clone() };
    let event = crate::Event { at: crate::Time(1), by: None, fact };
    // The fold keeps the first; this one is of a version that nobody looked at yet.
    given.project.apply(&event);
    given.project.examinations.insert_new(version.id, examined);
    if let Some(severity) = setting {
        let key = table::known(code).unwrap_or("REMARK");
        given.project.preflight.insert((key.to_owned(), kind), severity);
    }
    let found = findings(&given.project, &version);
    found.into_iter().filter(|one| one.text == "Said.").map(|one| (one.block, one.code)).collect()
}

#[test]
fn what_the_examination_says_is_as_grave_as_it_was_found_unless_the_project_says_other() {
    let (mix, take) = (VersionKind::Mix, VersionKind::Take);
    assert_eq!(examined(mix, true, "ALT_SWAPPED", None), [(true, "ALT_SWAPPED")], "and said once");
    assert_eq!(examined(mix, false, "ALT_SWAPPED", None), [(false, "ALT_SWAPPED")]);
    assert_eq!(examined(take, true, "ALT_SWAPPED", None), [(false, "ALT_SWAPPED")]);
    // A limiter moves the sum of two masters; it does not turn one into the other.
    let master = VersionKind::Master;
    assert_eq!(examined(master, true, "ALT_SWAPPED", None), [(true, "ALT_SWAPPED")]);
    assert_eq!(examined(master, true, "ALT_SUM", None), [(false, "ALT_SUM")]);
    assert_eq!(examined(master, false, "ALT_SUM", Some(Severity::Block)), [(true, "ALT_SUM")]);
    assert_eq!(examined(mix, true, "ALT_SWAPPED", Some(Severity::Warn)), [(false, "ALT_SWAPPED")]);
    assert_eq!(examined(mix, false, "ALT_SWAPPED", Some(Severity::Block)), [(true, "ALT_SWAPPED")]);
    assert_eq!(examined(mix, true, "ALT_SWAPPED", Some(Severity::Off)), []);
    // A code of tomorrow is shown and blocks nothing, unless the project wants it to.
    assert_eq!(examined(mix, true, "ALT_OF_TOMORROW", None), [(false, "REMARK")]);
    assert_eq!(examined(mix, true, "ALT_OF_TOMORROW", Some(Severity::Block)), [(true, "REMARK")]);
    // An examiner has no word in what the measures say.
    assert_eq!(examined(mix, true, "SILENT", None), [(false, "REMARK")]);
}

#[test]
fn every_check_has_a_source_and_a_way_to_mend_it() {
    let rules = rules(&Project::default());
    let mut seen = BTreeSet::new();
    for rule in &rules {
        assert!(seen.insert((rule.code, rule.kind)), "{} twice", rule.code);
        assert!(!rule.source.is_empty() && rule.mend.ends_with('.') && rule.of_the_house, "{rule:?}");
        assert_ne!(rule.severity, Severity::Off, "{}", rule.code);
    }
    let remarked = |code: &'static str| seen.contains(&(code, VersionKind::Mix));
    assert!(table::REMARKS.into_iter().all(remarked));
    let eased = Given::mixed().and(person(OWNER), set("CLIPPED", VersionKind::Mix, Some(Severity::Warn)));
    let rule = super::rules(&eased.project)
        .into_iter()
        .find(|rule| (rule.code, rule.kind) == ("CLIPPED", VersionKind::Mix))
        .expect("it is a check");
    assert_eq!((rule.severity, rule.of_the_house), (Severity::Warn, false));
}

/// What is said of the name of one file of Mix 2.
fn named(alternate: Alternate, name: &str) -> Vec<String> {
    let add =
        Command::AddSong { song: crate::SongId(101), title: "Ash Tree".to_owned(), isrc: String::new() };
    let given = clipping().and(person(OWNER), add);
    let version = given.project.versions.get(crate::VersionId(11)).expect("Mix 2");
    let one = crate::File { name: name.to_owned(), ..file(alternate, 40) };
    let version = crate::Version { files: vec![one], ..version.clone() };
    let found = findings(&given.project, &version).into_iter();
    found.filter(|one| one.code == "NAME_SAYS_OTHER").map(|one| one.text).collect()
}

#[test]
fn the_wrong_file_is_known_by_its_name() {
    let (main, inst) = (Alternate::Main, Alternate::Instrumental);
    assert_eq!(named(main, "Ember_INST_v2.wav"), ["Its name says instrumental; it was sent as the main."]);
    assert_eq!(named(inst, "ember-main.wav"), ["Its name says main; it was sent as the instrumental."]);
    assert_eq!(named(main, "01 Ash Tree.wav"), ["Its name says \"Ash Tree\"; it was added to \"Ember\"."]);
    for good in ["Ember_MAIN.wav", "instant ember.wav", "Ember and Ash Tree.wav", "ashtreeing.wav", "", "..."]
    {
        assert_eq!(named(main, good), [""; 0], "{good}");
    }
    assert_eq!(named(inst, "Ember main instrumental.wav"), [""; 0]);
    assert_eq!(named(Alternate::Stem(1), "Ember inst.wav"), [""; 0]);
}

#[test]
fn what_competes_is_not_named_to_who_mixes_against_it() {
    let second = crate::PersonId(8);
    let add = Command::AddMember { person: second, roles: crate::Roles::from([Role::MixEngineer]) };
    let open = Command::OpenShootout {
        shootout: crate::ShootoutId(1),
        song: SONG,
        entrants: vec![MIXER, second],
        blind: true,
    };
    let mix = |id, number| add_version(id, VersionKind::Mix, &[(Alternate::Main, number)]);
    let given = Given::mixed().and(person(OWNER), add).and(person(OWNER), open);
    let given = given.and(person(MIXER), mix(11, 5)).and(person(second), mix(12, 6));
    let given = given.and(person(second), mix(13, 5));
    let version = given.project.versions.get(crate::VersionId(13)).expect("Mix B 2");
    assert_eq!((version.name().as_str(), findings(&given.project, version)), ("Mix B 2", Vec::new()));
}
