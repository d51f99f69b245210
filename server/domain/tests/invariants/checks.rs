//! What must hold of a project after every step, and of a step. Named as in ARCHITECTURE.md. Never here: how steps are made.

use std::collections::{BTreeMap, BTreeSet};

use deadwax_domain::*;

pub fn check_state(project: &Project) {
    for song in project.songs_in_order() {
        // P-1: numbers of a kind have no gaps.
        let mut numbers: BTreeMap<(VersionKind, Option<Line>), u32> = BTreeMap::new();
        for version in project.versions_of(song.id) {
            let last = numbers.entry((version.kind, version.line)).or_default();
            *last += 1;
            assert_eq!(version.number, *last, "P-1");
            assert_eq!(version.fingerprint, fingerprint(&version.files), "P-2");
        }
        // P-2, P-4: what counts names the candidate of its stage and its exact files, and is nobody's own upload.
        for (approval, state) in project.approvals_of(song.id) {
            if state != ApprovalState::Counts {
                continue;
            }
            let Says::Yes { version, fingerprint } = &approval.says else {
                panic!("a hold counts as approval")
            };
            let signed = project.versions.get(*version).expect("approved versions exist");
            assert_eq!(signed.fingerprint, *fingerprint, "P-2");
            let candidate = project.candidate(song.id).filter(|_| approval.stage == song.stage);
            if let Some(candidate) = candidate {
                // The version itself, or one that a carry let it count for.
                let carried = approval.carried.iter().any(|carried| carried.to == candidate.id);
                assert!(signed.id == candidate.id || carried, "P-4");
                assert!(project.came_back(candidate).is_none(), "what mastering sent back is signed anew");
                let own = project.gate(song.stage).and_then(|rule| rule.self_approval);
                let allowed = own.unwrap_or(project.terms.self_approval);
                assert!(allowed || candidate.by != Some(approval.person), "nobody waves their own through");
            }
        }
        for delivery in project.deliveries_of(song.id) {
            assert_eq!(fingerprint(&delivery.files), delivery.fingerprint, "P-5");
            let version = project.versions.get(delivery.version).expect("delivered versions exist");
            assert_eq!(version.files, delivery.files, "P-5");
            let signed = |approval: &Approval| matches!(&approval.says, Says::Yes { fingerprint, .. } if *fingerprint == delivery.fingerprint);
            let overridden = song
                .overrides
                .iter()
                .any(|opened| opened.stage == Stage::Mastering && opened.version == delivery.version);
            let known = overridden || project.approvals.values().any(signed);
            assert!(known, "P-5: nobody signed what was delivered");
        }
        assert!(project.renders_of(song.id).filter(|render| render.is_alive()).count() <= 1);
        if song.stage != Stage::Mastering {
            assert!(project.renders_of(song.id).all(|render| !render.is_alive()));
        }
    }
    for note in project.notes.values() {
        // A note stands within the version that it stands in, and once in each.
        let mut seen = BTreeSet::new();
        for place in &note.places {
            assert!(seen.insert(place.version), "one place for each version");
            let main =
                project.versions.get(place.version).and_then(Version::main).expect("placed in a version");
            let length_ms = (main.facts.frames * 1000).div_ceil(u64::from(main.facts.sample_rate_hz.max(1)));
            assert!(place.span.start_ms <= length_ms && place.span.end_ms.is_none_or(|end| end <= length_ms));
        }
    }
    for shootout in project.songs.values().flat_map(|song| &song.shootouts) {
        let lines: BTreeSet<Line> = shootout.lines.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines.len(), shootout.lines.len(), "lines are apart");
        if let Some(picked) = &shootout.picked {
            let line = project.versions.get(picked.version).and_then(|version| version.line);
            assert!(line.is_some_and(|line| lines.contains(&line)), "a mix of the shootout was picked");
        }
    }
    check_records(project);
    if project.exists {
        assert!(project.holders(Role::Manager).next().is_some(), "a project keeps a manager");
    }
}

fn check_records(project: &Project) {
    for (at, record) in (1..).zip(&project.records) {
        assert_eq!(record.number, at, "P-1: records have numbers without gaps");
        assert_eq!(record.is_made(), record.fingerprint.is_some());
        if let Some(fingerprint) = record.fingerprint {
            assert_eq!(fingerprint, record_fingerprint(&record.files), "P-2");
        }
        assert!(record.is_made() || record.approvals.is_empty(), "P-2: nothing was there to be signed");
        if record.delivered.is_some() {
            let counts = |it: &RecordApproval| record::counts(project, record, it);
            assert!(record.approvals.iter().any(counts), "P-5: nobody signed what was delivered");
        }
    }
    assert!(project.records.iter().filter(|record| record.is_alive()).count() <= 1);
    // The chain has no gap, and each link names the one before.
    for (sequence, kept) in (1..).zip(&project.receipts) {
        assert_eq!(kept.sequence, sequence, "the chain has no gap");
        let key = project.keys.get(kept.receipt.key).expect("keys stay known");
        assert_eq!(key.person, kept.person, "everybody signs with a key of their own");
    }
    for two in project.receipts.windows(2) {
        let names = format!("\nprevious: {}\n", two[0].digest);
        assert!(two[1].receipt.statement.contains(&names), "each statement names the one before");
    }
    for (approval, state) in project.songs.keys().flat_map(|song| project.approvals_of(song)) {
        let pending = project.songs.get(approval.song).is_some_and(|song| song.stage == approval.stage);
        let asked = pending && project.gate(approval.stage).is_some_and(|rule| rule.signed);
        let signed = project.receipt_of(approval.id).is_some();
        assert!(state != ApprovalState::Counts || !asked || signed, "a signed gate takes signed approvals");
    }
}

/// Of what was just decided: a receipt stands right behind its approval, a key is the first or vouched for, and what is delivered was approved before.
pub fn check_proofs(before: &Project, events: &[Event]) {
    let mut project = before.clone();
    for (at, event) in events.iter().enumerate() {
        match &event.fact {
            Fact::ReceiptKept { approval, .. } => {
                let signed =
                    at.checked_sub(1).map(|before| &events[before]).expect("an approval comes first");
                let id = match &signed.fact {
                    Fact::Approved { approval, .. }
                    | Fact::SpacingApproved { approval, .. }
                    | Fact::RecordApproved { approval, .. } => *approval,
                    other => panic!("a receipt for {other:?}"),
                };
                assert_eq!(
                    (id, signed.by),
                    (*approval, event.by),
                    "a receipt belongs to the approval before it"
                );
            }
            Fact::KeyEnrolled { person, vouched_by, .. } => {
                let holding = project.keys_of(*person);
                match vouched_by {
                    None => assert!(holding.is_empty(), "a further key is vouched for"),
                    Some(by) => assert!(holding.iter().any(|key| key.id == *by), "by one that holds"),
                }
            }
            Fact::RecordDelivered { record, .. } => {
                let record = project.record(*record).expect("delivered records exist");
                assert!(record::is_approved(&project, record), "P-5");
                assert!(!record::is_outdated(&project, record), "P-5: of now");
            }
            _ => {}
        }
        project.apply(event);
    }
}

/// P-3: a stage is left only where a dry run just before said that the gate is met.
pub fn check_stages(before: &Project, events: &[Event]) {
    let mut project = before.clone();
    for event in events {
        if let Fact::StageLeft { song, from, to, version } = &event.fact {
            let report = gate::report(&project, *song).expect("a stage that was left has a gate");
            let opened = project.songs.get(*song).and_then(|song| song.overrides.last());
            let overridden = opened.is_some_and(|opened| opened.stage == *from && opened.version == *version);
            assert!(report.met || overridden, "P-3: {report:?}");
            assert_eq!((report.stage, report.candidate), (*from, Some(*version)), "P-3");
            assert_eq!(from.next(), Some(*to), "P-3");
        }
        let stages: Vec<_> = project.songs_in_order().map(|song| (song.id, song.stage)).collect();
        project.apply(event);
        for (song, stage) in stages {
            let now = project.songs.get(song).expect("songs stay").stage;
            let moved = matches!(
                event.fact,
                Fact::StageLeft { .. } | Fact::HandoffReturned { .. } | Fact::MixSwapped { .. }
            );
            assert!(now == stage || moved, "P-3");
        }
    }
    for song in project.songs_in_order() {
        let met = gate::report(&project, song.id).is_some_and(|report| report.met);
        assert!(!met, "a met gate never waits");
    }
}

pub fn check_immutable(before: &Project, after: &Project) {
    for version in before.versions.values() {
        assert_eq!(after.versions.get(version.id), Some(version), "P-1: a version is immutable");
    }
    for delivery in before.deliveries.values() {
        assert_eq!(after.deliveries.get(delivery.id), Some(delivery), "P-5");
    }
    for record in &before.records {
        let now = after.record(record.id).expect("records stay");
        let of_start = |it: &Record| (it.texts.clone(), it.medium.clone());
        assert_eq!(of_start(now), of_start(record), "P-1: it keeps the texts of its start");
    }
    for record in before.records.iter().filter(|record| record.is_made()) {
        let now = after.record(record.id).expect("records stay");
        let what = |it: &Record| (it.number, it.sources.clone(), it.files.clone(), it.fingerprint);
        assert_eq!(what(now), what(record), "P-1: a record is immutable once it is made");
        assert!(record.delivered.is_none() || now.delivered == record.delivered, "P-5");
    }
    assert_eq!(
        after.receipts.get(..before.receipts.len()),
        Some(&before.receipts[..]),
        "the chain only grows"
    );
}
