//! Keys of the screen "Record", what the task behind it tells, and how a fetch begins. `None`: the key means the same here as elsewhere. Never here: whether
//! something is allowed; the rows say that.

use std::path::PathBuf;

use deadwax_proto::v1::{self as v1, RecordFile, RecordRow, Role, action::Action as Do};

use super::{act, nav, prompt::record as ask, read, transfers as moved};
use crate::{
    receipt::approve::of_record,
    scrub,
    tui::{
        form::{Field, FormAsk, Input, Purpose},
        keys::Verb,
        model::{Ask, ConfirmAsk, Model, Notice, Prompt, Screen, Sends, YesOrNo},
        msg::{Effect, Failure},
        record::{self, Branch, News, Order, SignAsk, Tree, is_under_way},
        rows::{May, Project},
        transfers::{OfRecord, What, folder_name},
        words,
    },
    verbs::record::{report, told as words_of},
};

/// The record that is looked at: the one named, else the newest.
pub(in crate::tui) fn shown(model: &Model) -> Option<&RecordRow> {
    let Screen::Record { project, number } = model.top() else { return None };
    let rows = model.projects.get(project)?;
    let named = number.and_then(|it| by_number(rows, it));
    named.or_else(|| rows.records().first())
}

pub(in crate::tui) fn by_number(rows: &Project, number: u32) -> Option<&RecordRow> {
    match rows.get(&format!("record/{number}")) {
        Some(v1::row::Row::Record(row)) => Some(row),
        _ => None,
    }
}

/// "started Record 2 for cd" speaks of Record 2, where there is one, and never of Record 21.
pub(super) fn named(rows: &Project, text: &str) -> Option<u32> {
    let rest = text.split("Record ").skip(1);
    let number = |it: &str| it.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    rest.filter_map(number).find(|it| by_number(rows, *it).is_some())
}

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let Screen::Record { project, .. } = model.top() else { return None };
    let project = project.clone();
    // Among the lines that a filter shows the mark is moved as in every list.
    let filtered = || model.hands.filter(model).is_some_and(|it| !it.is_empty());
    match verb {
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            if !model.record.in_files && filtered() {
                return None;
            }
            step(model, verb);
        }
        Verb::NextPane => {
            let files = shown(model).is_some_and(|it| !it.files.is_empty());
            if !files && shown(model).is_some_and(|it| words_of::files(it) > 0) {
                return Some(read::tell(model, NOT_HERE));
            }
            model.record.in_files = !model.record.in_files && files;
            if !files {
                return Some(read::tell(
                    model,
                    "There are no files yet: they are here once the record is made.",
                ));
            }
        }
        Verb::Open => open(model),
        Verb::About => about(model),
        Verb::Manifest => manifest(model),
        Verb::Checks => return Some(ask_report(model)),
        Verb::Copy => return Some(copy(model)),
        Verb::Fetch => ask_fetch(model, project),
        Verb::StartRecord | Verb::CancelRecord | Verb::ApproveRecord | Verb::DeliverRecord => {
            return Some(act(model, verb, project));
        }
        _ => return None,
    }
    Some(Vec::new())
}

/// Of the files of an older record.
const NOT_HERE: &str = "Its files come in a moment; without a line they come when it is back.";

/// What was measured and found when it was made: the studio keeps it, and it stands in no row.
fn ask_report(model: &mut Model) -> Vec<Effect> {
    let Screen::Record { project, .. } = model.top() else { return Vec::new() };
    let project = project.clone();
    let Some(row) = shown(model) else { return read::tell(model, "There is no record yet.") };
    if words_of::files(row) == 0 {
        return read::tell(model, "There is no report yet: it is written when the record is made.");
    }
    if !model.online() {
        return read::tell(model, "Without a line the report cannot be had: the studio keeps it.");
    }
    let (record_id, title) = (row.record_id.clone(), format!("Report of Record {}", row.number));
    let ticket = model.next_ticket();
    read::show(model, title, vec!["The report comes in a moment.".to_owned()], Some(ticket));
    vec![Effect::Record(Order::Report { ticket, project, record_id })]
}

/// Into the page that waits for it, and into no other question.
fn report_came(model: &mut Model, ticket: u64, outcome: Result<String, Failure>) {
    let files = shown(model).map(|it| it.files.clone()).unwrap_or_default();
    let lines = match outcome {
        Ok(json) => report::lines(&json, &files).unwrap_or_else(|| {
            vec!["The studio's report cannot be read by this program; update it.".to_owned()]
        }),
        Err(Failure::Refused { text, hint, .. }) => vec![text, hint],
        Err(Failure::Offline(text)) => vec![text, "Ask for it again when the line is back.".to_owned()],
    };
    let page = model.prompt.as_mut().map(|it| &mut it.ask);
    if let Some(Ask::Read(ask)) = page
        && ask.ticket == Some(ticket)
    {
        (ask.lines, ask.at, ask.ticket) = (lines, 0, None);
    }
}

fn failed(model: &mut Model, failure: Failure) {
    model.notice = Some(match failure {
        Failure::Refused { text, hint, .. } => Notice::Refused { text, hint },
        Failure::Offline(text) => {
            Notice::Refused { text, hint: "Look at the record again when the line is back.".into() }
        }
    });
}

fn step(model: &mut Model, verb: Verb) {
    if model.record.in_files {
        let lines = model.record.tree.len(&model.record.open);
        model.record.line = nav::moved(model.record.line, lines, verb);
        return;
    }
    let now = shown(model).map(|it| it.number);
    let Model { stack, projects, record, .. } = model;
    let Some(Screen::Record { project, number }) = stack.last_mut() else { return };
    let Some(records) = projects.get(project).map(Project::records) else { return };
    let at = now.and_then(|it| records.iter().position(|row| row.number == it)).unwrap_or(0);
    let next = nav::moved(at, records.len(), verb);
    // On the newest: follow what comes.
    *number = records.get(next).map(|it| it.number).filter(|_| next > 0);
    record.line = 0;
}

/// The line of the tree that has the mark.
fn branch(model: &Model) -> Option<Branch> {
    let room = &model.record;
    let line = room.line.min(room.tree.len(&room.open).saturating_sub(1));
    room.tree.line(line, &room.open).filter(|_| room.in_files)
}

fn open(model: &mut Model) {
    match branch(model) {
        Some(Branch::Profile(at)) => {
            let Some(profile) = model.record.tree.groups.get(at).map(|it| it.profile.clone()) else { return };
            if !model.record.open.remove(&profile) {
                model.record.open.insert(profile);
            }
        }
        Some(Branch::File(at)) => {
            let Some(file) = shown(model).and_then(|it| it.files.get(at)) else { return };
            let (title, lines) = (scrub::line(&file.name), about_file(file));
            read::show(model, title, lines, None);
        }
        None => about(model),
    }
}

fn about_file(file: &RecordFile) -> Vec<String> {
    let mut lines = vec![
        "Where it lies".to_owned(),
        format!("  {}/{}", file.folder, file.name),
        "What it is".to_owned(),
        format!("  {} of the profile {}, {}", file.kind, file.profile, words::bytes(file.bytes)),
    ];
    if file.sample_rate > 0 {
        let length = words_of::length(file.frames, file.sample_rate);
        lines.push(format!("  {}, {length}, {} frames", words_of::sound(file), file.frames));
        let exact = if file.exact { "bit for bit what was signed" } else { "made from what was signed" };
        lines.push(format!("  {exact}"));
    }
    let levels = [file.integrated_lufs.map(words::lufs), file.true_peak_dbtp.map(words::dbtp)];
    let levels: Vec<String> = levels.into_iter().flatten().collect();
    if !levels.is_empty() {
        lines.push(format!("  {}", levels.join(", ")));
    }
    lines.extend(words_of::cut_off(file).map(|it| format!("  ! {it}")));
    lines.extend(["SHA-256".to_owned(), format!("  {}", file.sha256)]);
    lines
}

/// All of the record that the screen has no room for.
fn about(model: &mut Model) {
    let (Some(row), Some(rows)) = (shown(model), model.project()) else { return };
    let mut lines = vec![format!("Fingerprint {}", row.fingerprint), String::new()];
    let on = if row.medium.is_empty() { String::new() } else { format!(" on {}", row.medium) };
    lines.push(format!("Made with spacing {} for {}{on}", row.spacing, row.profiles.join(", ")));
    if let Some(lufs) = row.loudest_track_lufs {
        lines.push(format!("  All songs moved together: the loudest plays at {lufs:.1} LUFS"));
    }
    lines.push("From these masters".into());
    for (at, it) in row.sources.iter().enumerate() {
        let (song, master) = source(rows, it);
        lines.push(format!("  {:>3}. {song}, {master}", at + 1));
    }
    lines.extend([String::new(), "Who signed these files".into()]);
    if row.approvals.is_empty() {
        lines.push("  Nobody yet.".into());
    }
    for it in &row.approvals {
        lines.push(format!("  {}", approval(it).0));
        lines.push(format!("    fingerprint {}", it.fingerprint));
    }
    if !row.outdated_by.is_empty() {
        lines.extend([String::new(), "What is another by now".into()]);
        lines.extend(row.outdated_by.iter().map(|it| format!("  {it}")));
    }
    if !row.cautions.is_empty() {
        lines.extend([String::new(), "To be read before it is signed or delivered".into()]);
        lines.extend(row.cautions.iter().map(|it| format!("  {it}")));
    }
    lines.extend([String::new(), "What differs from the record before".into()]);
    if row.differs.is_empty() {
        lines.push("  Nothing is said.".into());
    }
    lines.extend(row.differs.iter().map(|it| format!("  {it}")));
    if !row.reason.is_empty() {
        lines.extend([String::new(), "Why it failed".into(), format!("  {}", row.reason)]);
    }
    let title = format!("Record {}", row.number);
    read::show(model, title, lines, None);
}

/// "Glass Hour", and "Master 2, 3c9e 07aa".
pub(in crate::tui) fn source(rows: &Project, it: &v1::RecordSource) -> (String, String) {
    let song = rows.song(&it.song_id).map_or("a song that is not here", |it| it.title.as_str());
    let master = rows.version(&it.version_id).map_or_else(|| "its master".into(), words::version);
    (scrub::line(song), format!("{master}, {}", words::fingerprint(&it.fingerprint)))
}

/// "✓ Lena Ruiz (label) signed, receipt #5", or what became of it; whether it counts.
pub(in crate::tui) fn approval(it: &v1::ApprovalView) -> (String, bool) {
    let counts = it.state() == v1::ApprovalState::Counts;
    let sign = if counts { "✓" } else { "·" };
    let receipt = match it.receipt_sequence {
        0 => "without a receipt".to_owned(),
        sequence => format!("receipt #{sequence}"),
    };
    let state = crate::verbs::words::approval_state(it.state);
    let state = if counts { String::new() } else { format!(", {state}") };
    let (name, role) = (scrub::line(&it.name), words::role(it.role()));
    (format!("{sign} {name} ({role}) signed, {receipt}{state}"), counts)
}

fn manifest(model: &mut Model) {
    let Some(row) = shown(model) else {
        read::tell(model, "There is no record yet.");
        return;
    };
    if !words_of::is_whole(row) && row.delivered_ms != 0 {
        read::tell(model, NOT_HERE);
        return;
    }
    if row.manifest_json.is_empty() {
        read::tell(model, "A manifest is made with the delivery: D, once it is approved.");
        return;
    }
    let when = words::date(&model.zone, row.delivered_ms);
    let mut lines = vec![format!("Delivered by {}, {when}; it never changes", row.delivered_by)];
    lines.push("Manifest, as it lies beside the folders".into());
    lines.extend(super::delivery::pretty(&row.manifest_json).into_iter().map(|it| format!("  {it}")));
    let title = format!("Manifest of Record {}", row.number);
    read::show(model, title, lines, None);
}

/// In the files the digest of one, or the digests of a profile; else the fingerprint, which is what is signed.
fn copy(model: &mut Model) -> Vec<Effect> {
    let Some(row) = shown(model) else { return read::tell(model, "There is no record yet to copy from.") };
    let copied = match branch(model).and_then(|it| record::file(row, it)) {
        Some(file) => (file.sha256.clone(), format!("The SHA-256 of {}", scrub::line(&file.name))),
        None => (row.fingerprint.clone(), format!("The fingerprint of Record {}", row.number)),
    };
    if copied.0.is_empty() {
        return read::tell(model, "There is nothing to copy yet: the record is not made.");
    }
    model.notice = Some(Notice::Done(format!("{} is on the clipboard.", copied.1)));
    vec![Effect::Copy(copied.0)]
}

/// What asks the studio for something: what it says against it first, then the question.
fn act(model: &mut Model, verb: Verb, project: String) -> Vec<Effect> {
    let subject = act::subject(model);
    let about = subject.as_ref().and_then(|it| it.keys(verb).into_iter().next());
    if model.is_pending(verb, about.as_deref().unwrap_or(crate::tui::rows::PROJECT_KEY)) {
        return Vec::new();
    }
    if let May::No(no) = act::may(model, subject.as_ref(), verb) {
        model.notice = Some(Notice::Refused { text: no.text.clone(), hint: no.hint.clone() });
        return Vec::new();
    }
    if let Some(refused) = act::unsendable(model, verb) {
        model.notice = Some(refused);
        return Vec::new();
    }
    model.notice = None;
    let then = subject.as_ref().map(|it| act::consequence(model, it, verb)).unwrap_or_default();
    if verb == Verb::StartRecord {
        return ask::choose(model, project);
    }
    let Some(row) = shown(model) else {
        return read::tell(model, "There is no record yet: s plans one and makes it.");
    };
    let ask = match verb {
        Verb::ApproveRecord => sign(model, project, row, then),
        _ => Ask::Confirm(Box::new(confirm(verb, project, row, then))),
    };
    model.prompt = Some(Prompt { ask, shown: false });
    Vec::new()
}

/// Those of one's roles that the record asks for; all of one's own where it asks for none of them, so that the studio explains.
fn roles(model: &Model, row: &RecordRow) -> Vec<Role> {
    let mine: Vec<Role> = model.my_roles().into_iter().filter(|it| *it != Role::Listener).collect();
    let asked: Vec<Role> = row.asked_roles().collect();
    let both: Vec<Role> = asked.into_iter().filter(|it| mine.contains(it)).collect();
    if both.is_empty() { mine } else { both }
}

/// Whether what is listed by now has the fingerprint that is quoted. What is no longer there fits nothing and is said elsewhere.
pub(super) fn fits(model: &Model, ask: &SignAsk) -> bool {
    let rows = model.projects.get(&ask.project);
    let row = rows.and_then(|it| by_number(it, ask.number)).filter(|it| it.record_id == ask.record);
    row.is_none_or(fit)
}

/// Files that are not here yet are said to be missing, not to be others.
fn fit(row: &RecordRow) -> bool {
    row.files.is_empty() || of_record(row).own_fingerprint() == row.fingerprint
}

fn sign(model: &Model, project: String, row: &RecordRow, consequence: String) -> Ask {
    Ask::SignRecord(Box::new(SignAsk {
        project,
        number: row.number,
        record: row.record_id.clone(),
        fingerprint: row.fingerprint.clone(),
        fits: fit(row),
        consequence,
        roles: roles(model, row),
        role: 0,
        passphrase: None,
    }))
}

fn confirm(verb: Verb, project: String, row: &RecordRow, then: String) -> ConfirmAsk {
    let (number, record_id) = (row.number, row.record_id.clone());
    let (action, yes, title, line) = match verb {
        Verb::DeliverRecord => (
            Do::DeliverRecord(v1::DeliverRecord { record_id }),
            "Deliver",
            format!("Deliver Record {number}?"),
            format!(
                "{}, {}, fingerprint {}. It is frozen with its manifest; a later change makes a new record.",
                words::count(words_of::files(row), "file", "files"),
                words::bytes(words_of::bytes(row)),
                words::fingerprint(&row.fingerprint)
            ),
        ),
        _ => (
            Do::CancelRecord(v1::CancelRecord { record_id }),
            "Stop it",
            format!("Stop Record {number}?"),
            "What was made of it so far is thrown away.".to_owned(),
        ),
    };
    let say = title.trim_end_matches('?').to_lowercase();
    let mut lines = vec![then, line];
    if verb == Verb::DeliverRecord {
        lines.extend(row.cautions.iter().map(|it| format!("! {it}")));
    }
    YesOrNo {
        project,
        verb,
        about: format!("record/{number}"),
        title,
        lines,
        yes,
        sends: Sends::Action(action),
        say,
    }
    .asked()
}

/// All of it, or the files of one profile: the one that has the mark.
fn ask_fetch(model: &mut Model, project: String) {
    let (Some(row), Some(rows)) = (shown(model), model.project()) else {
        read::tell(model, "There is no record yet to fetch.");
        return;
    };
    if !words_of::is_whole(row) {
        read::tell(model, NOT_HERE);
        return;
    }
    if row.files.is_empty() {
        read::tell(model, "There is nothing to fetch yet: the record is not made.");
        return;
    }
    let weigh = |files: usize, bytes: u64| {
        format!("{}, {}", words::count(files, "file", "files"), words::bytes(bytes))
    };
    let mut options = vec![format!("all of it, {}", weigh(row.files.len(), words_of::bytes(row)))];
    let groups = &model.record.tree.groups;
    options.extend(
        groups.iter().map(|it| format!("{}, {}", scrub::line(&it.profile), weigh(it.files, it.bytes))),
    );
    let at = match branch(model) {
        Some(Branch::Profile(at)) => at + 1,
        Some(Branch::File(_)) | None => 0,
    };
    let title = rows.head().map_or("", |it| it.title.as_str());
    let folder = format!("~/Deadwax/{}/Record {}", folder_name(title), row.number);
    let fields = vec![
        Field { label: "What", input: Input::Choice { options, at }, hint: "Left and right change it" },
        Field::line("Folder", &folder, "Made where it is not there; each profile gets a folder in it"),
    ];
    let profiles = groups.iter().map(|it| it.profile.clone()).collect();
    let purpose = Purpose::FetchRecord { project, number: row.number, profiles };
    let mut ask = FormAsk::new(purpose, format!("Fetch Record {}", row.number), fields);
    ask.told
        .push("Every digest is checked, what is there already stays, nothing else is overwritten.".into());
    model.prompt = Some(Prompt { ask: Ask::Form(Box::new(ask)), shown: false });
}

/// An error is a sentence for the question, which stays open.
pub(super) fn fetch(
    model: &mut Model,
    project: &str,
    number: u32,
    only: Option<String>,
    folder: &str,
) -> Result<Vec<Effect>, String> {
    let rows = model.projects.get(project).ok_or("The project is closed to you now.")?;
    let row = by_number(rows, number).ok_or("This record is not there any more.")?;
    let of: Vec<String> = only.into_iter().collect();
    let asked = OfRecord::asked(row, &of)?;
    let what = of.first().map_or_else(String::new, |it| format!(" for {}", scrub::line(it)));
    let title = format!("Record {number}{what}, {}", words::count(asked.files.len(), "file", "files"));
    let place = PathBuf::from(folder).display().to_string();
    let mut under_way = model.transfers.list.iter();
    if under_way.any(|it| it.place == place && it.title == title && !it.state.has_ended()) {
        return Err(format!("{title} is on its way there already. 8 shows it."));
    }
    let what = What::Record(Box::new(OfRecord {
        project_id: project.to_owned(),
        record_id: row.record_id.clone(),
        asked,
        folder: PathBuf::from(folder),
    }));
    let effect = moved::begin(model, title, place, what);
    model.notice = Some(Notice::Done("The fetch has begun. 8 shows how far.".into()));
    Ok(vec![effect])
}

pub(super) fn told(model: &mut Model, news: News) {
    match news {
        News::Whole { project, outcome } => match outcome {
            Ok(whole) => {
                if let Some(rows) = model.projects.get_mut(&project) {
                    rows.complete(*whole);
                }
            }
            Err(failure) => failed(model, failure),
        },
        News::Report { ticket, outcome } => report_came(model, ticket, outcome),
        News::Progress { record_id, progress } => model.record.progress = Some((record_id, progress)),
        News::Profiles { ticket, outcome } => ask::profiles_came(model, ticket, outcome),
        News::Planned { ticket, outcome } => ask::planned(model, ticket, outcome),
    }
}

/// Keeps the tree of the record that is shown, and the stream of the one that is being made while somebody looks.
pub(super) fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    let tree = shown(model).filter(|row| !model.record.tree.is_of(row)).map(Tree::of);
    if let Some(tree) = tree {
        (model.record.tree, model.record.line) = (tree, 0);
        model.record.in_files &= !model.record.tree.is_empty();
    }
    if !model.online() {
        // What was asked for on a line that broke is asked for again.
        model.record.asked = None;
        return;
    }
    ask_files(model, effects);
    let wanted = wanted(model);
    if model.subscribed.record == wanted {
        return;
    }
    model.record.progress = None;
    effects.push(Effect::Record(match &wanted {
        Some((project_id, record_id)) => {
            Order::Watch { project_id: project_id.clone(), record_id: record_id.clone() }
        }
        None => Order::Unwatch,
    }));
    model.subscribed.record = wanted;
}

/// Of an older record that is looked at, once.
fn ask_files(model: &mut Model, effects: &mut Vec<Effect>) {
    let lacking = shown(model).filter(|it| !words_of::is_whole(it)).map(|it| it.record_id.clone());
    if model.record.asked == lacking {
        return;
    }
    if let (Some(record_id), Screen::Record { project, .. }) = (&lacking, model.top()) {
        let (project, record_id) = (project.clone(), record_id.clone());
        effects.push(Effect::Record(Order::Whole { project, record_id }));
    }
    model.record.asked = lacking;
}

fn wanted(model: &Model) -> Option<(String, String)> {
    let Screen::Record { project, .. } = model.top() else { return None };
    let records = model.projects.get(project)?.records();
    let newest = records.first().filter(|it| is_under_way(it))?;
    Some((project.clone(), newest.record_id.clone()))
}

/// How many lines a page of the dry run has.
pub(in crate::tui) fn plan_length(ask: &record::PlanAsk) -> usize {
    let plan = ask.plan.as_deref();
    match ask.page {
        record::Page::Findings => plan.map_or(0, |it| it.findings.len()),
        record::Page::Files => plan.map_or(0, |it| it.files.len()),
        record::Page::Levels => ask.levels.len(),
    }
}
