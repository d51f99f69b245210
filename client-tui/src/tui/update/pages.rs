//! Pages made from the rows alone: the gate line by line, the mixes that compete, the handoff, the running order, the terms. They ask
//! nothing and decide nothing; each says in which words of a shell the next step is done, where it is not a key.

use deadwax_proto::v1::{
    ApprovalState, ApprovalView, Carry, ExaminationState, GateRule, HandoffState, ProjectRow, SongRow,
    VersionRow,
};

use super::{act, read};
use crate::tui::{
    keys::Verb,
    model::{Model, Screen},
    rows::{self, May, Project},
    words,
};

/// The song of the present screen with its rows.
fn here(model: &Model) -> Option<(&Project, &SongRow)> {
    let rows = model.project()?;
    let song = match model.top() {
        Screen::Song(view) => &view.song,
        Screen::Master { song, .. } => song,
        Screen::Delivery { at, .. } => {
            let songs = rows.songs();
            let song = songs.get((*at).min(songs.len().saturating_sub(1)))?;
            return Some((rows, song));
        }
        _ => return None,
    };
    Some((rows, rows.song(song)?))
}

/// Every line in full, met or not; who signed; and what preflight found with the way to mend it.
pub(super) fn gate(model: &mut Model) {
    let Some((rows, song)) = here(model) else { return };
    let Some(gate) = rows.gate(&song.song_id) else {
        read::tell(model, "This stage has no gate.");
        return;
    };
    let met = if gate.met { "met" } else { "not met" };
    let title = format!("Gate of {}: {met}", words::stage(gate.stage()).to_lowercase());
    let mut lines = vec!["What it asks".to_owned()];
    for line in gate.lines.iter().filter(|it| !it.met).chain(gate.lines.iter().filter(|it| it.met)) {
        let sign = match line.met {
            _ if crate::verbs::is_only_told(line, song.overdue) => "!",
            true => "✓",
            false => "×",
        };
        lines.push(format!("  {sign} {}", line.text));
    }
    if let Some(version) = rows.version(&song.candidate_version_id)
        && version.heard_percent < rows.heard_asked(song)
    {
        let (percent, asked) = (version.heard_percent, rows.heard_asked(song));
        lines.push(format!("  ! You heard {percent} % of it; {asked} % are asked."));
        lines.push("    Heard in another player? E says so here, or in a shell".into());
        lines.push(format!("    {} --all", command(rows, song, "heard")));
    }
    if song.due_ms != 0 {
        let (date, due) = (words::date(&model.zone, song.due_ms), due(model, song));
        lines.push(format!("  {} {date}, {due}", if song.overdue { "!" } else { "·" }));
    }
    if !gate.approvals.is_empty() {
        lines.extend([String::new(), "Who signed".into()]);
        lines.extend(gate.approvals.iter().map(|it| format!("  {}", approval(rows, it))));
    }
    if let Some(version) = rows.version(&song.candidate_version_id) {
        let name = words::version(version);
        lines.extend([String::new(), format!("Preflight of {name}")]);
        lines.extend(findings(version));
        lines.extend(examination(rows, version));
    }
    lines.extend(rounds(rows, &song.song_id));
    read::show(model, title, lines, None);
}

/// Every revision that was asked for, the newest first, with what it counted as.
fn rounds(rows: &Project, song: &str) -> Vec<String> {
    let requests = rows.requests(song);
    if requests.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new(), "Revisions that were asked for".into()];
    for it in requests {
        let kind = words::revision_kind(it.kind());
        let counts = match (it.beyond_terms, it.counts) {
            (true, _) => format!("! round {}, beyond the terms, {kind}", it.round),
            (_, true) => format!("· round {}, {kind}", it.round),
            _ => format!("· {kind}, counts as no round"),
        };
        let answer = rows
            .version(&it.answered_by_version_id)
            .map_or_else(|| "open".into(), |it| format!("answered by {}", words::version(it)));
        let notes = words::count(it.note_ids.len(), "note", "notes");
        lines.push(format!("  {counts}: {} ({}), {notes}, {answer}", it.by, words::role(it.role())));
        lines.push(format!("    {}", it.message));
    }
    lines
}

fn due(model: &Model, song: &SongRow) -> String {
    words::due(model.now_ms, song.due_ms, song.overdue)
}

/// "✓ Mara Voss (artist) signed Mix 2, heard 97 %; carried to Mix 3: same samples"
pub fn approval(rows: &Project, it: &ApprovalView) -> String {
    let name = |id: &str| rows.version(id).map_or_else(String::new, words::version);
    let (sign, word) = match it.state() {
        ApprovalState::Counts => ("✓", "signed"),
        ApprovalState::Outdated => ("·", "signed, outdated:"),
        ApprovalState::Withdrawn => ("·", "withdrew"),
        ApprovalState::Hold => ("!", "holds it:"),
        ApprovalState::HoldLifted => ("·", "lifted the hold:"),
        ApprovalState::Unspecified => ("?", ""),
    };
    let of = match it.state() {
        ApprovalState::Hold | ApprovalState::HoldLifted => it.reason.clone(),
        _ => name(&it.version_id),
    };
    let mut text = format!("{sign} {} ({}) {word} {of}", it.name, words::role(it.role()));
    if it.receipt_sequence > 0 {
        text.push_str(&format!(", receipt #{}", it.receipt_sequence));
    }
    if it.heard_percent > 0 {
        text.push_str(&format!(", heard {} %", it.heard_percent));
    }
    if !it.carried_to_version_id.is_empty() {
        text.push_str(&format!("; carried to {}: {}", name(&it.carried_to_version_id), it.carried_why));
    }
    text
}

/// What preflight found, each with where the limit comes from and what to do. The formats of one alternate are told the same: said once.
pub(super) fn findings(version: &VersionRow) -> Vec<String> {
    if version.preflight.is_empty() {
        return vec!["  ✓ Nothing found.".into()];
    }
    let mut lines: Vec<String> = Vec::new();
    let mut before = String::new();
    for it in &version.preflight {
        let sign = if it.block { "× blocks" } else { "! warns" };
        let line = format!("  {sign}, {}: {}", it.alternate, it.text);
        if line == before {
            continue;
        }
        lines.push(line.clone());
        before = line;
        if !it.mend.is_empty() {
            lines.push(format!("    Mend: {}", it.mend));
        }
        if !it.source.is_empty() {
            lines.push(format!("    Source: {}", it.source));
        }
    }
    lines
}

/// What the studio found out by itself: what changed, and which notes stand as they stood.
pub(super) fn examination(rows: &Project, version: &VersionRow) -> Vec<String> {
    let Some(it) = &version.examination else { return Vec::new() };
    let against = rows.version(&it.against_version_id).map_or_else(String::new, words::version);
    let since = if against.is_empty() { String::new() } else { format!(" since {against}") };
    let mut lines = vec![String::new(), format!("Examined{since}")];
    match it.state() {
        ExaminationState::Pending | ExaminationState::Unspecified => lines.push("  … examining".into()),
        ExaminationState::Failed => lines.push(format!("  × failed: {}", it.reason)),
        ExaminationState::Done => {
            if it.same_pcm {
                lines.push("  · the same samples".into());
            } else if it.changes.is_empty() && !against.is_empty() {
                lines.push("  · no change".into());
            }
            lines.extend(it.changes.iter().map(|text| format!("  · {text}")));
            if let Some(residual_db) = it.residual_db {
                lines.push(format!(
                    "  · what is left when both are laid over each other: {residual_db:.1} dB"
                ));
            }
            let (changed, untouched) = (it.notes_changed, it.notes_untouched);
            if changed.saturating_add(untouched) > 0 {
                let sign = if untouched > 0 { "!" } else { "✓" };
                lines.push(format!(
                    "  {sign} notes: {changed} with a change at their place, {untouched} untouched"
                ));
            }
        }
    }
    lines
}

/// The lines with their engineers as far as they are told, the votes as far as they are told, and how to listen.
pub(super) fn shootout(model: &mut Model) {
    let Some((rows, song)) = here(model) else { return };
    let Some(it) = &song.shootout else {
        read::tell(model, "No mixes of this song compete. B opens a shootout.");
        return;
    };
    let picked = rows.version(&it.picked_version_id).map(words::version);
    let state = match &picked {
        Some(name) => format!("{name} was picked"),
        None if it.picked_version_id.is_empty() && it.blind => "open, blind".into(),
        None if it.picked_version_id.is_empty() => "open".into(),
        None => "decided".into(),
    };
    let mut lines = vec![format!("Opened by {}, {}", it.opened_by, words::date(&model.zone, it.opened_ms))];
    lines.extend([String::new(), "Lines".into()]);
    let me = model.me.as_ref().map_or("", |it| it.person_id.as_str());
    let is_open = it.picked_version_id.is_empty();
    let asked = act::subject(model);
    let may = |verb| act::may(model, asked.as_ref(), verb) == May::Yes;
    let may_judge = may(Verb::Vote) || may(Verb::Pick);
    for line in &it.lines {
        let newest = match rows.version(&line.newest_version_id) {
            Some(version) => words::version(version),
            None if may_judge || line.engineer_id == me => "nothing yet".into(),
            None if is_open => "hidden until the pick".into(),
            None => "hidden".into(),
        };
        let who = if line.engineer.is_empty() { "told after the pick" } else { line.engineer.as_str() };
        let end = if line.closed_with_thanks { ", closed with thanks" } else { "" };
        lines.push(format!("  {}  {newest}, by: {who}{end}", line.letter));
    }
    lines.push(String::new());
    if it.picked_version_id.is_empty() {
        let votes = words::count(it.votes_cast as usize, "person has voted", "people have voted");
        lines.push(format!("Votes: {votes}; they are shown after the pick"));
    } else {
        lines.push("Votes".into());
    }
    for vote in &it.votes {
        let order: Vec<String> = vote
            .ranking
            .iter()
            .map(|id| rows.version(id).map_or_else(|| "?".into(), words::version))
            .collect();
        let blind = if vote.blind { ", blind" } else { "" };
        lines.push(format!("  {} ({}{blind}): {}", vote.by, words::role(vote.role()), order.join(" > ")));
        if !vote.reason.is_empty() {
            lines.push(format!("    {}", vote.reason));
        }
    }
    if let Some(name) = picked {
        lines.extend([String::new(), format!("{name} was picked by {}", it.picked_by)]);
        if !it.reason.is_empty() {
            lines.push(format!("  {}", it.reason));
        }
    } else if may_judge {
        lines.extend([String::new(), "Listen blind and level-matched: Esc, then b. Or in a shell".into()]);
        lines.push(format!("  {}", command(rows, song, "shootout fetch")));
        lines.push(format!("  {} X2 X1", command(rows, song, "shootout vote")));
        lines.push("  V votes by the lines, which is not blind; the pick comes last: P on a version.".into());
    }
    read::show(model, format!("Mixes that compete: {state}"), lines, None);
}

fn command(rows: &Project, song: &SongRow, verb: &str) -> String {
    let project = rows.head().map_or("", |it| it.title.as_str());
    act::song_verb(verb, project, &song.title)
}

pub(super) fn handoff(model: &mut Model) {
    let Some((rows, song)) = here(model) else { return };
    let Some(it) = &song.handoff else {
        read::tell(model, "Nothing was handed to mastering yet: the gate of mixing makes the handoff.");
        return;
    };
    let version = rows.version(&it.version_id).map_or_else(|| "a mix".into(), words::version);
    let state = match it.state() {
        HandoffState::Offered | HandoffState::Unspecified => "offered, nobody has accepted it yet".into(),
        HandoffState::Accepted => format!("accepted by {}", it.by),
        HandoffState::Returned => format!("returned by {}", it.by),
    };
    let mut lines =
        vec![format!("{version}: {state}"), format!("  made {}", words::date(&model.zone, it.made_ms))];
    if !it.reason.is_empty() {
        lines.push(format!("  {}", it.reason));
    }
    for item in &it.items {
        let of = if item.alternate.is_empty() { "the whole" } else { item.alternate.as_str() };
        lines.push(format!("  {of}: {}", item.reason));
    }
    lines.push(String::new());
    match &it.package {
        None => lines.extend(["Package".into(), "  … is being made; it appears here by itself.".into()]),
        Some(package) => {
            lines.push("Package: made once, never changed".into());
            lines.push(format!("  {}", package.name));
            lines.push(format!("  {}, SHA-256", words::bytes(package.bytes)));
            lines.push(format!("  {}", package.sha256));
            lines.extend([String::new(), "Fetch it, in a shell; a cut goes on where it was".into()]);
            lines.push(format!("  {}", command(rows, song, "pull --handoff")));
        }
    }
    read::show(model, "Handoff to mastering".into(), lines, None);
}

/// The terms, the gates and the checks of preflight that were set for this project.
pub(super) fn terms(model: &mut Model) {
    let Some((rows, head)) = model.project().and_then(|rows| Some((rows, rows.head()?))) else { return };
    let mut lines = vec!["Terms".to_owned()];
    lines.extend(terms_of(model, head).into_iter().map(|it| format!("  {it}")));
    for rule in &head.gates {
        lines.extend([String::new(), format!("Gate of {}", words::stage(rule.stage()).to_lowercase())]);
        lines.extend(gate_rule(model, rule).into_iter().map(|it| format!("  {it}")));
    }
    let own: Vec<String> = head
        .preflight
        .iter()
        .filter(|it| !it.of_the_house)
        .map(|it| {
            let how = words::severity(it.severity());
            format!("  {} of a {}: {how}", it.code, words::kind(it.kind()).to_lowercase())
        })
        .collect();
    if !own.is_empty() {
        lines.extend([String::new(), "Preflight, where it differs from the house's".into()]);
        lines.extend(own);
    }
    lines.extend([String::new(), "You hear".into(), format!("  {}", words::follow(head.follow()))]);
    for song in rows.songs().into_iter().filter(|it| it.follow() != head.follow()) {
        if song.follow() != deadwax_proto::v1::FollowLevel::Unspecified {
            lines.push(format!("  of {}: {}", song.title, words::follow(song.follow())));
        }
    }
    let project = act::quoted(&head.title);
    lines.extend([String::new(), "Change them, in a shell".into()]);
    lines.push(format!("  deadwax project terms --project {project} --rounds {}", head.rounds_included));
    lines.push(format!("  deadwax gate set --project {project} --stage mixing --need label:1"));
    lines.push(format!("  deadwax gate show --project {project} --toml"));
    read::show(model, "Terms and gates".into(), lines, None);
}

fn terms_of(model: &Model, head: &ProjectRow) -> Vec<String> {
    let rounds = words::count(head.rounds_included as usize, "round", "rounds");
    let corrections = words::count(head.corrections_free as usize, "correction", "corrections");
    let mut lines =
        vec![format!("{rounds} included"), format!("{corrections} free before one counts as a round")];
    lines.push(match head.cut_off_ms {
        0 => "no cut-off date".into(),
        at_ms => format!("cut-off {}: later rounds lie beyond the terms", words::date(&model.zone, at_ms)),
    });
    let own = if head.self_approval { "counts" } else { "does not count" };
    lines.push(format!("the approval of whoever uploaded {own}"));
    lines
}

fn gate_rule(model: &Model, rule: &GateRule) -> Vec<String> {
    let mut lines = Vec::new();
    for need in &rule.needs {
        let roles: Vec<&str> = need.any_of().map(words::role).collect();
        lines.push(format!(
            "{} of {}",
            words::count(need.count as usize, "approval", "approvals"),
            roles.join(" or ")
        ));
    }
    if !rule.required_alternates.is_empty() {
        lines.push(format!("with {}", rule.required_alternates.join(", ")));
    }
    lines.push(if rule.open_notes_allowed { "open notes may stay" } else { "no open notes" }.into());
    lines.push(
        if rule.preflight_ignored { "preflight does not keep it shut" } else { "no blocks of preflight" }
            .into(),
    );
    match rule.self_approval {
        Some(true) => lines.push("whoever uploaded may approve".into()),
        Some(false) => lines.push("whoever uploaded may not approve".into()),
        None => {}
    }
    if rule.heard_percent > 0 {
        lines.push(format!("{} % heard by everyone whose approval counts", rule.heard_percent));
    }
    if !rule.spacing_roles.is_empty() {
        lines.push(format!("spacing approved by {}", words::roles(rule.spacing_roles())));
    }
    if rule.due_ms != 0 {
        let shuts = if rule.closes_when_due { "; it closes then" } else { "" };
        lines.push(format!("until {}{shuts}", words::date(&model.zone, rule.due_ms)));
    }
    lines.push(match rule.carry() {
        Carry::Unspecified => "a new version needs new approvals".into(),
        Carry::Metadata => "approvals carry over where sound, container and word length are the same".into(),
        Carry::SamePcm => "approvals carry over where the samples are the same".into(),
        Carry::Residual => {
            format!("approvals carry over where what differs stays below {:.1} dB", rule.carry_residual_db)
        }
    });
    lines
}

/// For a list and a header: "changed since Mix 1", "2 of 3 notes untouched". Each with whether it is a warning.
pub fn examined(rows: &Project, version: &VersionRow) -> Vec<(String, bool)> {
    let Some(it) = &version.examination else { return Vec::new() };
    match it.state() {
        ExaminationState::Pending | ExaminationState::Unspecified => vec![("… examining".into(), false)],
        ExaminationState::Failed => vec![(format!("× not examined: {}", it.reason), true)],
        ExaminationState::Done => {
            let mut said = Vec::new();
            if let Some(against) = rows.version(&it.against_version_id) {
                let name = words::version(against);
                said.push(match it.changes.len() {
                    _ if it.same_pcm => (format!("same samples as {name}"), false),
                    0 => (format!("no change since {name}"), false),
                    // How many there are is told where they are listed: these are sentences, several may be of one change.
                    _ => (format!("changed since {name}"), false),
                });
            }
            let all = it.notes_changed.saturating_add(it.notes_untouched);
            let notes = if all == 1 { "note" } else { "notes" };
            match rows::untouched(rows, version) {
                0 if all == 0 => {}
                0 if it.notes_untouched > 0 => {
                    let changed = it.notes_changed;
                    said.push((
                        format!("✓ {changed} of {all} {notes} with a change, the rest settled"),
                        false,
                    ));
                }
                0 => said.push((format!("✓ {all} of {all} notes with a change"), false)),
                left => said.push((format!("! {left} of {all} {notes} untouched"), true)),
            }
            said
        }
    }
}
