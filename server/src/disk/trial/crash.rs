//! The power fails after every single change of the disk, and un-synced bytes and names are lost, torn or reordered. Never here: errors that are told.

use super::{
    check::{Checked, after_restart},
    is_long,
    script::{History, Ran, open, run},
    seed,
};
use crate::disk::faulty::{FaultyDisk, Loss};

const STEPS: usize = 200;

/// What may have become of un-synced writes, `draws` times by lot.
fn losses(seed: u64, draws: u64) -> Vec<Loss> {
    let lots = (0..draws).map(move |draw| seed.wrapping_mul(1009).wrapping_add(draw));
    let drawn = lots.flat_map(|lot| [Loss::Torn(lot), Loss::Reordered(lot)]);
    [Loss::All, Loss::None].into_iter().chain(drawn).collect()
}

#[derive(Default)]
struct Tally {
    crashes: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, place: &str, checked: Checked) {
        self.crashes += 1;
        self.wrong.extend(checked.err().map(|what| format!("{place}: {what}")));
    }
}

/// Every `stride`th change of one script, each with every loss.
async fn crash_everywhere(ran: &Ran, disk: &FaultyDisk, mut at: Walk, draws: u64, tally: &mut Tally) {
    loop {
        if at.is_due() {
            for loss in losses(at.replay.done() as u64, draws) {
                let crashed = at.replay.disk();
                crashed.cut_power(loss);
                let place = format!("seed {}, change {}, {loss:?}", at.seed, at.replay.done());
                tally.count(&place, after_restart(&crashed, &ran.history, at.replay.done()).await);
            }
            if (at.replay.done() / at.stride).is_multiple_of(24) {
                crash_again(&ran.history, &at, tally).await;
            }
        }
        if !at.replay.step(disk) {
            return;
        }
    }
}

struct Walk {
    seed: u64,
    stride: usize,
    replay: crate::disk::faulty::Replay,
}

impl Walk {
    fn is_due(&self) -> bool {
        // Another seed looks at other moments too.
        (self.replay.done() + self.seed as usize).is_multiple_of(self.stride)
    }
}

/// The power fails once more, at every change of the recovery; and what could be seen after it stays.
async fn crash_again(history: &History, at: &Walk, tally: &mut Tally) {
    let upto = at.replay.done();
    let crashed = at.replay.disk();
    crashed.cut_power(Loss::Torn(upto as u64 * 7 + 5));
    let mut recovery = crashed.record();
    let place = |number: usize| format!("seed {}, change {upto}, recovery {number}", at.seed);
    let seen = match open(&crashed).await {
        Ok(rooms) => history.seen(&rooms).await,
        Err(why) => Err(why),
    };
    while recovery.step(&crashed) {
        let again = recovery.disk();
        again.cut_power(Loss::Torn(upto as u64 * 13 + recovery.done() as u64));
        tally.count(&place(recovery.done()), after_restart(&again, history, upto).await);
    }
    let again = recovery.disk();
    again.cut_power(Loss::All);
    let stayed = match (seen, open(&again).await) {
        (Ok(seen), Ok(rooms)) => match history.seen(&rooms).await {
            Ok(now) if seen.is_subset(&now) => Ok(()),
            Ok(now) => Err(format!("seen after the restart and gone: {:?}", seen.difference(&now).next())),
            Err(why) => Err(why),
        },
        (Err(why), _) | (_, Err(why)) => Err(why),
    };
    tally.count(&place(recovery.done()), stayed);
}

/// Gate G2a.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_after_any_change_loses_nothing_acknowledged() {
    let (scripts, stride, draws) = if is_long() { (50, 1, 20) } else { (1, 5, 1) };
    let (mut tally, mut changes, mut acks) = (Tally::default(), 0, 0);
    for seed in seed()..seed() + scripts {
        let disk = FaultyDisk::default();
        let replay = disk.record();
        let ran = run(&disk, seed, STEPS).await;
        assert!(ran.refused_starts.is_empty(), "{:?}", ran.refused_starts);
        assert!(ran.history.refused.is_empty(), "{:?}", ran.history.refused);
        crash_everywhere(&ran, &disk, Walk { seed, stride, replay }, draws, &mut tally).await;
        changes += disk.recorded();
        acks += ran.history.acks;
    }
    let (caught, looked) = lying().await;
    let (crashes, wrong) = (tally.crashes, tally.wrong.len());
    let word = if wrong == 0 && caught > 0 { "held" } else { "missed" };
    println!(
        "#gate G2a {word} {scripts} script(s) of {STEPS} steps, {changes} changes, {acks} acknowledgements: {crashes} crashes (every {stride} changes), {wrong} with a loss; a drive that lies about its syncs loses at {caught} of {looked} crashes"
    );
    assert!(tally.wrong.is_empty(), "{:#?}", &tally.wrong[..tally.wrong.len().min(8)]);
    assert!(caught > 0, "on a drive that does not sync nothing was lost: then this test cannot see a loss");
}

/// The negative control: the same script and the same look at a disk that says it has synced and has not.
async fn lying() -> (usize, usize) {
    let disk = FaultyDisk::lying();
    let replay = disk.record();
    let ran = run(&disk, seed(), STEPS).await;
    let mut at = Walk { seed: seed(), stride: 101, replay };
    let (mut lost, mut looked) = (0, 0);
    while at.replay.step(&disk) {
        if at.is_due() {
            let crashed = at.replay.disk();
            crashed.cut_power(Loss::All);
            looked += 1;
            lost += usize::from(after_restart(&crashed, &ran.history, at.replay.done()).await.is_err());
        }
    }
    (lost, looked)
}
