//! README.txt of the evidence: for somebody who has this folder, a computer of their own day and no word of ours. Never here: what the checks are (verify.sh
//! and docs/RECEIPTS.md say it).

use deadwax_domain::Kept;

use super::{Facts, checkpoint::one_line, line};

/// What does not change.
const TEXT: &str = include_str!("readme.txt");

pub fn text(facts: &Facts<'_>) -> anyhow::Result<String> {
    let project = facts.project;
    let statements: String = project.receipts.iter().map(|kept| told(facts, kept)).collect();
    let head = format!(
        "EVIDENCE: who signed which bytes\n\nProject:  {}\nStudio:   {}\nKey of the studio:  {}\n\n",
        one_line(&project.title),
        one_line(facts.studio),
        facts.key.fingerprint()?
    );
    Ok(format!(
        "{head}{TEXT}\nTHE STATEMENTS\n\nRead the statements themselves; this is a list to find them by.\n\n{statements}"
    ))
}

fn told(facts: &Facts<'_>, kept: &Kept) -> String {
    let of = |key| one_line(line(&kept.receipt.statement, key).unwrap_or_default());
    let song = line(&kept.receipt.statement, "song-title").map(|song| format!(" of \"{}\"", one_line(song)));
    format!(
        "  {:06}  {}  {}{}, as {}, by {}\n",
        kept.sequence,
        of("time"),
        of("name"),
        song.unwrap_or_default(),
        of("role"),
        one_line(&(facts.names)(kept.person))
    )
}
