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
