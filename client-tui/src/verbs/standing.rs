//! How a song stands in a few lines, for `status` and `desk`: rounds, dates, mixes that compete, what was found out about the newest version. All
//! of it is told by the server; nothing is judged here.

use deadwax_proto::v1::{DeskRow, ExaminationState, SongRow, VersionRow};

use super::{dates, house::House, words};

/// "due 2026-12-03 23:59 UTC | blocks 2 | waiting for 3 d"
pub fn desk_facts(row: &DeskRow, now_ms: i64) -> String {
    let mut facts = Vec::new();
    if row.due_ms != 0 {
        let overdue = if row.due_ms < now_ms { "OVERDUE since" } else { "due" };
        facts.push(format!("{overdue} {}", dates::shown(row.due_ms)));
    }
    if row.blocks > 0 {
        facts.push(format!("blocks {}", row.blocks));
    }
    if row.since_ms > 0 {
        facts.push(format!("waiting for {}", dates::span(now_ms.saturating_sub(row.since_ms))));
    }
    facts.join(" | ")
}

pub fn of_song(house: &House, song: &SongRow) -> Vec<String> {
    let mut lines = vec![rounds(house, song)];
    if song.due_ms != 0 {
        let overdue = if song.overdue { "OVERDUE since" } else { "due" };
        lines.push(format!("{overdue} {}", dates::shown(song.due_ms)));
    }
    if let Some(shootout) = &song.shootout {
        lines.push(match house.version_by_id(&shootout.picked_version_id) {
            Some(picked) => {
                format!("{} mixes competed; {} was picked", shootout.lines.len(), words::version(picked))
            }
            None if !shootout.picked_version_id.is_empty() => {
                format!("{} mixes competed; one was picked", shootout.lines.len())
            }
            None => format!("{} mixes compete, {} vote(s)", shootout.lines.len(), shootout.votes_cast),
        });
    }
    if let Some(newest) = house.version_by_id(&song.candidate_version_id) {
        lines.extend(examination(newest));
        lines.extend(heard(house, song, newest));
        for finding in &newest.preflight {
            let weight = if finding.block { "blocks" } else { "warning" };
            lines.push(format!("{weight}: {} ({})", finding.text, finding.alternate));
            if !finding.mend.is_empty() {
                lines.push(format!("  {}", finding.mend));
            }
        }
    }
    lines
}

/// "rounds: 2 of 2 included; corrections: 0 of 1 free"
fn rounds(house: &House, song: &SongRow) -> String {
    let terms = &house.project;
    let mut text = format!("rounds: {} of {} included", song.rounds_used, terms.rounds_included);
    if terms.corrections_free > 0 || song.corrections_used > 0 {
        text += &format!("; corrections: {} of {} free", song.corrections_used, terms.corrections_free);
    }
    text
}

/// Where the gate asks more of the viewer than was heard: how to tell of another player.
fn heard(house: &House, song: &SongRow, version: &VersionRow) -> Option<String> {
    let rule = house.project.gates.iter().find(|it| it.stage == song.stage)?;
    let mine = &house.project.your_roles;
    let is_asked = rule.needs.iter().flat_map(|need| &need.any_of).any(|role| mine.contains(role));
    (is_asked && version.heard_percent < rule.heard_percent).then(|| {
        format!(
            "you heard {} % of {}, {} % are asked; `deadwax heard` says so for another player",
            version.heard_percent,
            words::version(version),
            rule.heard_percent
        )
    })
}

fn examination(version: &VersionRow) -> Option<String> {
    let found = version.examination.as_ref()?;
    let name = words::version(version);
    match ExaminationState::try_from(found.state) {
        Ok(ExaminationState::Pending) => Some(format!("{name} is being examined")),
        Ok(ExaminationState::Failed) => {
            Some(format!("{name} could not be examined: {}", crate::scrub::line(&found.reason)))
        }
        Ok(ExaminationState::Done) if found.notes_changed + found.notes_untouched > 0 => Some(format!(
            "{name}: something changed at {} open note(s), nothing at {}",
            found.notes_changed, found.notes_untouched
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    #[test]
    fn the_desk_tells_what_presses() {
        let row = DeskRow { since_ms: 10 * DAY_MS, due_ms: 12 * DAY_MS, blocks: 2, ..DeskRow::default() };
        let text = desk_facts(&row, 13 * DAY_MS);
        assert!(text.starts_with("OVERDUE since 1970-01-1"), "{text}");
        assert!(text.ends_with("| blocks 2 | waiting for 3 d"), "{text}");
        assert!(desk_facts(&row, 11 * DAY_MS).starts_with("due 1970-01-1"));
        assert_eq!(desk_facts(&DeskRow::default(), DAY_MS), "", "an older server tells nothing of it");
    }
}
