//! The demo by hand: the same house up to where Mix 2 waits for its signatures, a guide of what to press, then the terminal client itself.
//! Never here: the steps.

use std::{
    io::{IsTerminal as _, Write as _, stdin, stdout},
    path::Path,
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use super::{Studio, up_to_mix_approvals};
use crate::harness::Seat;

/// # Errors
/// Without a terminal on both sides there is nobody to press a key.
pub fn must_have_terminal() -> Result<()> {
    ensure!(
        stdin().is_terminal() && stdout().is_terminal(),
        "there is no terminal here to open the client on; `cargo demo --headless` runs the whole job without one"
    );
    Ok(())
}

/// Prepares, explains, opens the client as the artist, and stops the server when it ends.
pub fn run(on: &mut Studio, exe: &Path, kept: bool) -> Result<()> {
    up_to_mix_approvals(on)?;
    guide(on, exe)?;
    print!("\nPress Enter to open Mara's client. ");
    stdout().flush()?;
    stdin().read_line(&mut String::new()).context("waiting for Enter")?;
    let status = Command::new(exe).arg("client").env("DEADWAX_HOME", &on.cast.artist.home).status();
    let status = status.context("opening the terminal client")?;
    ensure!(status.success(), "the terminal client ended with {status}");
    on.house.close()?;
    if kept {
        on.log.line(&format!(
            "\nThe server is stopped. Everything stays in {}.\nOpen it again: {} server serve {}",
            on.root.display(),
            exe.display(),
            on.house.studio.display()
        ));
    } else {
        on.log.line(
            "\nThe server is stopped and its temporary folder is gone. `cargo demo --out DIR` keeps it.",
        );
    }
    Ok(())
}

fn guide(on: &Studio, exe: &Path) -> Result<()> {
    let log = &on.log;
    log.line("\nMix 2 of \"Night Drive\" waits for the signatures of the artist and the label.");
    log.line("\nIn Mara's client (the artist):");
    log.say("Enter opens what the cursor is on: her desk, the project, the song.\nh and l move in the waveform, a approves after showing what exactly is signed, n leaves a note.\n? shows every key of the screen, q leaves.");
    log.line("\nThe others, each in a terminal of their own; what one does appears at the others at once:");
    let people: [(&str, &Seat); 4] = [
        ("Lena Ruiz, label", &on.cast.label),
        ("Teo Brandt, mix engineer", &on.cast.mixer),
        ("Ines Okafor, mastering engineer", &on.cast.masterer),
        ("Noor Haddad, owner and manager", &on.cast.owner),
    ];
    for (who, seat) in people {
        log.say(&format!("{who}:\n  DEADWAX_HOME={} {} client", quoted(&seat.home), quoted(exe)));
    }
    let said = on.cast.label.verb(["invite"])?;
    if let Some(link) = said.first()["browser"].as_str() {
        log.line("\nOr without a terminal: Lena's part in a browser. It works once, and the browser warns of the studio's own certificate:");
        log.say(link);
        if let Some(fingerprint) = &super::cast::profile(&on.cast.label)?.fingerprint {
            log.say(&format!("The right one has the SHA-256 {fingerprint}."));
        }
    }
    log.line("\nOnce both have signed, the handoff is made and the server renders: watch it as Ines. The server runs until you leave Mara's client.");
    Ok(())
}

/// For a shell.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) { text.into_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
