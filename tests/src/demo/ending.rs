//! The end of the job: the server dies without a word, comes back, and is stopped in order. What was acknowledged is all there.
//! Never here: work on the song.

use anyhow::Result;

use super::{
    cast::{self, exported},
    studio::Studio,
    watcher::Watcher,
};

/// kill -9, and a new start on the same folder.
pub fn power_cut(on: &mut Studio) -> Result<()> {
    on.log.step("The server is killed without a word and started again");
    let seats = [&on.cast.owner, &on.cast.label, &on.cast.mixer].map(Clone::clone);
    let before = seats.iter().map(exported).collect::<Result<Vec<_>>>()?;
    on.house.kill()?;
    on.house.open()?;
    let after = seats.iter().map(exported).collect::<Result<Vec<_>>>()?;
    for ((seat, before), after) in seats.iter().zip(&before).zip(&after) {
        let what = format!(
            "{} sees the same {} rows and entries as before",
            cast::profile(seat)?.person,
            before.len()
        );
        on.log.check(before == after, what)?;
    }
    Ok(())
}

/// The watcher's rows against a fresh `Get`, after all that happened.
pub fn watched(on: &Studio, watcher: &Watcher) -> Result<()> {
    on.log.step("Lena Ruiz watched all the while, over one stream");
    let (fresh, seen) = watcher.beside_get(&on.runtime)?;
    on.log.say(&format!(
        "{} updates, {} of them whole snapshots, {} rows, entry {}; the line was cut {} time(s)",
        seen.updates,
        seen.snapshots,
        seen.rows.len(),
        seen.seq,
        seen.lost
    ));
    on.log.check(
        seen.ended.is_none() && seen.lost > 0,
        "the stream went on by itself after the server came back",
    )?;
    on.log.check(seen.updates > 12, "changes came one by one, as they were made")?;
    for (key, row) in &fresh {
        if seen.rows.get(key) != Some(row) {
            on.log.check(false, format!("the watched row {key} is the fresh one"))?;
        }
    }
    on.log.same(
        &seen.rows.len(),
        &fresh.len(),
        "every row is what a fresh look shows, and there is none besides",
    )
}

/// SIGTERM, then every stored byte is read.
pub fn stop(on: &mut Studio) -> Result<()> {
    on.log.step("The server is stopped and its studio verified");
    on.house.close()?;
    on.log.check(true, "it ended by itself when asked")?;
    let output = on.house.server_verb("verify", &["--json"])?;
    let said = String::from_utf8_lossy(&output.stdout);
    on.log.say(said.trim());
    on.log.check(output.status.success(), "verify read every stored byte and found nothing damaged")
}
