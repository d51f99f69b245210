//! Every place that asks the disk for something, failed once with each error. A new site that no script meets fails the test by its name. Never here: the loss
//! of power.

use std::collections::BTreeMap;

use super::{
    check::after_restart,
    script::{Ran, open, run},
    seed,
};
use crate::disk::{
    Call, Site,
    faulty::{Fault, FaultyDisk, Loss},
};

const STEPS: usize = 120;

/// Sites that are asked only after another one failed.
fn trigger(site: Site) -> Option<(Site, Fault)> {
    match site {
        Site::RecordUndo => Some((Site::RecordWrite, Fault::HalfThenFull)),
        Site::GivenBack => Some((Site::GivenPrivate, Fault::Eio)),
        Site::BookUndo => Some((Site::BookWrite, Fault::HalfThenFull)),
        Site::DerivedRemove => Some((Site::DerivedWrite, Fault::Enospc)),
        _ => None,
    }
}

/// What is wrong with how the studio took it.
fn judge(site: Site, fault: Fault, ran: &Ran) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    let mut must = |holds: bool, what| {
        if !holds {
            wrong.push(what);
        }
    };
    let noticed = ran.stopped || !ran.refused_starts.is_empty();
    let is_sync = matches!(site.call(), Call::Sync | Call::SyncDir);
    must(ran.history.late == 0, "a write was acknowledged after the latch had fallen");
    must(ran.blind.is_empty(), "reading did not go on");
    match fault {
        Fault::Eintr | Fault::Short if trigger(site).is_none() => {
            must(!noticed, "an interruption or a short write stopped it");
            must(ran.history.refused.is_empty(), "an interruption or a short write was refused");
        }
        Fault::Eintr | Fault::Short => must(!ran.stopped, "an interruption stopped it"),
        Fault::Eio | Fault::Enospc | Fault::HalfThenFull if is_sync => {
            must(noticed, "a failed sync was passed over");
        }
        // What cannot be taken back, or would be taken for the last segment, must stop it.
        Fault::Enospc | Fault::HalfThenFull if !matches!(site, Site::RecordUndo | Site::BookUndo) => {
            must(!ran.stopped, "a full disk stopped it for good");
        }
        Fault::Eio | Fault::Enospc | Fault::HalfThenFull => {}
    }
    wrong
}

async fn failed_at(site: Site, nth: u64, fault: Fault) -> Result<(), String> {
    let disk = FaultyDisk::default();
    if let Some((first, fault)) = trigger(site) {
        disk.plan(first, 2, fault);
    }
    disk.plan(site, nth, fault);
    let ran = run(&disk, seed(), STEPS).await;
    let wrong = judge(site, fault, &ran);
    if !wrong.is_empty() {
        return Err(format!(
            "{wrong:?}; refused: {:?} {:?}",
            ran.refused_starts,
            ran.history.refused.first()
        ));
    }
    if !disk.met().contains(&(site, fault)) {
        return Err("the script did not meet it".into());
    }
    // The process restarts and the machine ran on: what a failed sync left is still in memory.
    disk.repair();
    after_restart(&disk, &ran.history, usize::MAX).await.map_err(|why| format!("after a restart: {why}"))?;
    disk.cut_power(Loss::All);
    after_restart(&disk, &ran.history, usize::MAX)
        .await
        .map_err(|why| format!("after a power cut: {why}"))?;
    let rooms = open(&disk).await?;
    let mut history = ran.history;
    history.refused.clear();
    history.go_on_after(&rooms, seed()).await;
    if history.refused.is_empty() {
        Ok(())
    } else {
        Err(format!("a restart did not mend it: {:?}", history.refused))
    }
}

/// Gate G3.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_site_fails_once_with_each_error_and_nothing_acknowledged_is_lost() {
    let undisturbed = FaultyDisk::default();
    let ran = run(&undisturbed, seed(), STEPS).await;
    assert!(ran.history.refused.is_empty() && ran.refused_starts.is_empty(), "{:?}", ran.history.refused);
    let asked = undisturbed.asked();
    let (mut wrong, mut failed, mut covered) = (Vec::new(), 0, BTreeMap::new());
    for site in Site::ALL.iter().copied() {
        let times = asked.get(&site).copied().unwrap_or(0).max(u64::from(trigger(site).is_some()));
        if times == 0 {
            wrong.push(format!("{site:?}: no script meets it; let `script.rs` do what asks for it"));
            continue;
        }
        for fault in Fault::ALL.iter().copied().filter(|fault| fault.meets(site.call())) {
            for nth in [0, times / 2] {
                failed += 1;
                match failed_at(site, nth, fault).await {
                    Ok(()) => *covered.entry(site).or_insert(0) += 1,
                    Err(why) => wrong.push(format!("{site:?} {fault:?} at its call {nth}: {why}")),
                }
                if times == 1 {
                    break;
                }
            }
        }
    }
    let word = if wrong.is_empty() { "held" } else { "missed" };
    println!(
        "#gate G3 {word} {} sites, each failed with each error: {failed} runs, {} wrong",
        Site::ALL.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{} of {failed}:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert_eq!(covered.len(), Site::ALL.len());
}
