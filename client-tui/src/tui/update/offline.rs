//! Without a line: what is shown from disk, what may be written meanwhile, the order in which it goes out, and what became of it. The
//! disk itself is the runner's.

use deadwax_proto::v1::{self, NoteState, PerformRequest, action::Action as Do, row::Row as Of};

use super::read;
use crate::{
    cache::{queue::Unsent, rows::Start},
    scrub,
    tui::{
        keys::Verb,
        model::{Ask, Link, Model, Notice, Pending, Prompt, ReadAsk, Sends, YesOrNo},
        msg::Effect,
        offline::{Offline, Said, VERDICTS_MAX, Verdict},
        rows::Project,
        words,
    },
};

/// A changed project is written this often at most, a large one less often: each megabyte adds as much.
const ROWS_EVERY_MS: i64 = 5_000;
const START_EVERY_MS: i64 = 5_000;
/// Even where nothing changes: until when it was known to be so.
const START_AGAIN_MS: i64 = 60_000;

/// For so long a watch may go on from what was kept.
const RECENT_MS: i64 = 12 * 3_600_000;

/// What may be given without a line and goes out when it is back: words, and what can be taken back. A signature never: nobody signs
/// what may have changed since.
pub(in crate::tui) fn keeps(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::AddNote
            | Verb::AddSongNote
            | Verb::Reply
            | Verb::Address
            | Verb::Accept
            | Verb::Reopen
            | Verb::Decline
            | Verb::Tick
            | Verb::MoveNote
            | Verb::JointNote
            | Verb::OrderNote
            | Verb::CloseJointNote
            | Verb::Follow
    )
}

fn signs(verb: Verb) -> bool {
    matches!(
        verb,
        Verb::Approve
            | Verb::Pick
            | Verb::Vote
            | Verb::Withdraw
            | Verb::Hold
            | Verb::LiftHold
            | Verb::Override
            | Verb::ApproveSpacing
            | Verb::AcceptHandoff
            | Verb::ReturnHandoff
            | Verb::SwapMix
            | Verb::PutForward
            | Verb::RequestRevision
            | Verb::MakeDelivery
            | Verb::ApproveRecord
            | Verb::DeliverRecord
    )
}

/// Why a verb does nothing now; `None` where it can be sent or kept.
pub(super) fn refusal(model: &Model, verb: Verb) -> Option<Notice> {
    if model.online() || (keeps(verb) && model.can_keep()) {
        return None;
    }
    Some(if signs(verb) {
        Notice::Refused {
            text: "Not connected: nothing was sent. What decides is not kept for later: it may have changed meanwhile."
                .into(),
            hint: "When the banner is gone, look again and then decide.".into(),
        }
    } else {
        super::act::offline()
    })
}

/// The effect that sends a command, or keeps it: whoever comes later does not overtake one that waits.
pub(super) fn send(model: &mut Model, mut pending: Pending) -> Effect {
    let waits = !model.online() || model.pending.iter().any(|it| it.queued);
    pending.queued = waits;
    pending.late = waits;
    let effect = if waits {
        model.offline.kept.insert(pending.command_id.clone());
        let say = &pending.say;
        model.notice = Some(Notice::Tell(format!("Kept here: {say}. It goes out when the line is back.")));
        Effect::KeepUnsent(Box::new(unsent(&pending)))
    } else {
        super::perform(&pending)
    };
    model.pending.push(pending);
    expect(model);
    effect
}

/// Tries to connect at once, whatever the wait would be.
pub(super) fn retry(model: &mut Model) -> Vec<Effect> {
    let now_ms = model.now_ms;
    match &mut model.link {
        Link::Offline { retry_at_ms, .. } => {
            *retry_at_ms = now_ms;
            model.tries = 0;
            vec![Effect::Connect { after_ms: 0 }]
        }
        Link::Online => read::tell(model, "The line is up."),
        Link::Connecting => read::tell(model, "It is being tried already."),
        Link::Ended { .. } => read::tell(model, "Signed out: sign in again with deadwax login."),
    }
}

/// The oldest command that waits its turn: the next goes out with this one's verdict, so that a reply never comes before its note.
pub(super) fn next(model: &mut Model) -> Option<Effect> {
    if !model.online() || model.pending.iter().any(|it| it.late && !it.queued) {
        return None;
    }
    let first = model.pending.iter_mut().find(|it| it.queued)?;
    first.queued = false;
    Some(super::perform(first))
}

/// The line is gone: what was on its way may have arrived or not, and goes out again, with the same ids.
pub(super) fn cut(model: &mut Model) {
    for pending in &mut model.pending {
        pending.queued = true;
        pending.late = true;
    }
    model.offline.asked.clear();
    expect(model);
}

/// What was on disk when the client started.
pub(super) fn restored(model: &mut Model, start: Option<Start>, unsent: Vec<Unsent>) {
    if let Some(start) = start {
        model.me = model.me.take().or(start.me);
        if model.studio.is_empty() {
            model.studio = start.studio;
        }
        model.list.get_or_insert(start.projects);
        model.desk = model.desk.take().or(start.desk);
        model.offline.seen = start.seen;
        model.offline.at_ms = start.at_ms;
    }
    for it in unsent {
        let Some(action) = it.request.action else { continue };
        let command_id = it.request.command_id;
        let Some(verb) = action.action.as_ref().and_then(verb_of) else { continue };
        model.offline.kept.insert(command_id.clone());
        let pending = Pending {
            command_id,
            project_id: it.request.project_id,
            action,
            verb,
            about: it.about,
            say: it.say,
            queued: true,
            late: true,
        };
        if let Some(ask) = super::hands::given_back::of_command(&pending) {
            super::hands::given_back::keep(model, &pending.command_id, ask);
        }
        model.pending.push(pending);
    }
    super::open_start(model);
}

/// The rows of a project from disk. Those of the server came first where the line was faster.
pub(super) fn rows(model: &mut Model, project_id: String, rows: Option<Box<Project>>) {
    let Some(rows) = rows else { return };
    let seen_ms = model.offline.seen.get(&project_id).copied().unwrap_or(0);
    let here = model.projects.entry(project_id.clone()).or_default();
    if here.loaded || here.is_filling() {
        return;
    }
    *here = *rows;
    model.offline.written.insert(project_id, (model.now_ms, here.seq));
    // Names and what was heard change beside the record of a project: what is old is shown, and fetched whole.
    if model.now_ms - seen_ms > RECENT_MS {
        here.seq = 0;
    }
    expect(model);
}

/// The verdict on a command that was sent late.
pub(super) fn verdict(model: &mut Model, pending: &Pending, said: Said) {
    if let (Said::Refused { .. }, Some(key), Some(rows)) =
        (&said, pending.makes(), model.projects.get_mut(&pending.project_id))
    {
        rows.expect_no_more(&key);
    }
    if !pending.late {
        return;
    }
    let (command_id, say) = (pending.command_id.clone(), named(model, pending));
    let Offline { verdicts, told, .. } = &mut model.offline;
    verdicts.push(Verdict { command_id, say, at_ms: model.now_ms, said });
    if verdicts.len() > VERDICTS_MAX {
        verdicts.remove(0);
        *told = told.saturating_sub(1);
    }
    if model.pending.iter().any(|it| it.late) {
        return;
    }
    let since = &verdicts[(*told).min(verdicts.len())..];
    let refused: Vec<&Verdict> = since.iter().filter(|it| matches!(it.said, Said::Refused { .. })).collect();
    // One alone is told in its own words.
    if since.len() > 1 {
        let sent = since.len() - refused.len();
        model.notice = Some(match refused.first() {
            None => Notice::Done(format!("The line is back: {sent} sent, none refused.")),
            Some(first) => Notice::Refused {
                text: format!("The line is back: {sent} sent, {} refused: {}.", refused.len(), first.say),
                hint: "9 tells why, and of each.".into(),
            },
        });
    }
    *told = verdicts.len();
}

/// What waits, and what was said to what was sent late.
pub(super) fn list(model: &mut Model) {
    list_at(model, 0);
}

/// With this one of those that wait chosen.
pub(super) fn list_at(model: &mut Model, chosen: usize) {
    let unsent: Vec<String> = model.pending.iter().map(|it| it.command_id.clone()).collect();
    let chosen = chosen.min(unsent.len().saturating_sub(1));
    let lines = kept_and_sent(model, chosen);
    let ask = ReadAsk {
        title: "Kept and sent".into(),
        lines,
        // The chosen one stays in sight.
        at: if unsent.is_empty() { 0 } else { (chosen + 3).saturating_sub(LINES_AHEAD) },
        ticket: None,
        unsent,
        chosen,
    };
    model.prompt = Some(Prompt { ask: Ask::Read(Box::new(ask)), shown: false });
}

const LINES_AHEAD: usize = 10;

/// "the note on Glass Hour: more air in the chorus"
fn named(model: &Model, pending: &Pending) -> String {
    let Some(rows) = model.projects.get(&pending.project_id) else { return pending.say.clone() };
    let song = rows.song_of(&pending.about);
    let title = song.and_then(|id| rows.song(id)).map_or_else(String::new, |it| scrub::line(&it.title));
    let text = match &pending.action.action {
        Some(Do::AddNote(it)) => it.text.as_str(),
        Some(Do::ReopenNote(it)) => it.reason.as_str(),
        Some(Do::DeclineNote(it)) => it.reason.as_str(),
        Some(Do::AddSpacingNote(it)) => it.text.as_str(),
        Some(Do::CloseSpacingNote(it)) => it.answer.as_str(),
        _ => "",
    };
    let first = scrub::cut(&scrub::line(text.lines().next().unwrap_or_default()), FIRST_CHARS);
    let title = if title.is_empty() { title } else { format!(" on {title}") };
    let first = if first.is_empty() { first } else { format!(": {first}") };
    format!("{}{title}{first}", pending.say)
}

/// Enough to know a text again.
const FIRST_CHARS: usize = 40;

/// Asks before one that waits is dropped.
pub(super) fn ask_drop(model: &Model, command_id: &str) -> Option<Ask> {
    let pending = model.pending.iter().find(|it| it.command_id == command_id)?;
    let mut lines = vec![named(model, pending)];
    lines.push("It is not sent then. What was written in it is put aside.".into());
    if !pending.queued {
        lines.push("! It is on its way: it may have been done already.".into());
    }
    Some(Ask::Confirm(Box::new(
        YesOrNo {
            project: pending.project_id.clone(),
            verb: Verb::Outbox,
            about: String::new(),
            title: "Drop what waits here?".into(),
            lines,
            yes: "Drop it",
            sends: Sends::Order(Box::new(Effect::ForgetUnsent { command_id: command_id.to_owned() })),
            say: String::new(),
        }
        .asked(),
    )))
}

/// After a yes. What stands on disk of it goes with the next look at what waits.
pub(super) fn drop_unsent(model: &mut Model, command_id: &str) {
    let Some(at) = model.pending.iter().position(|it| it.command_id == command_id) else { return };
    let pending = model.pending.remove(at);
    if let (Some(key), Some(rows)) = (pending.makes(), model.projects.get_mut(&pending.project_id)) {
        rows.expect_no_more(&key);
    }
    let mut told = format!("Dropped: {}.", pending.say);
    if let Some(ask) = super::hands::given_back::take(model, command_id) {
        super::hands::given_back::aside(model, ask);
        told.push_str(&format!(" {} brings the text back.", model.key(Verb::Undo)));
    }
    model.notice = Some(Notice::Done(told));
}

fn kept_and_sent(model: &Model, chosen: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if !model.pending.is_empty() {
        lines.push("Waits for the studio, in this order; x drops the marked one".to_owned());
        for (at, it) in model.pending.iter().enumerate() {
            let title = model.projects.get(&it.project_id).and_then(Project::head).map_or("", |it| &it.title);
            let mark = if at == chosen { "▸" } else { " " };
            lines.push(format!(
                " {mark}… {}. {}{}",
                at + 1,
                named(model, it),
                if title.is_empty() { String::new() } else { format!(" · {title}") }
            ));
        }
        lines.push(String::new());
    }
    if !model.offline.verdicts.is_empty() {
        lines.push("Sent when the line was back, the newest first".to_owned());
        for it in model.offline.verdicts.iter().rev() {
            let age = words::age(model.now_ms, it.at_ms);
            match &it.said {
                Said::Done(text) => lines.push(format!("  ✓ sent: {}, {age}. {text}", it.say)),
                Said::Refused { text, hint } => {
                    lines.push(format!("  × refused: {}, {age}. {text}", it.say));
                    if !hint.is_empty() {
                        lines.push(format!("    {hint}"));
                    }
                }
            }
        }
    }
    if lines.is_empty() {
        lines.push("Nothing waits, and nothing had to be sent late.".into());
        lines.push("What is written without a line is kept here and sent when it is back.".into());
    }
    lines
}

/// Notes that were written and not answered stand among the others until the server's own row comes.
pub(super) fn expect(model: &mut Model) {
    if model.online() {
        return;
    }
    let Model { pending, projects, me, .. } = model;
    for it in pending {
        let (Some(Do::AddNote(note)), Some(rows)) = (&it.action.action, projects.get_mut(&it.project_id))
        else {
            continue;
        };
        let Some(version) = rows.version(&note.version_id) else { continue };
        let role = rows.head().and_then(|head| head.your_roles.first().copied()).unwrap_or_default();
        let row = v1::NoteRow {
            note_id: note.note_id.clone(),
            song_id: version.song_id.clone(),
            version_id: note.version_id.clone(),
            alternate: note.alternate.clone(),
            parent_note_id: note.parent_note_id.clone(),
            author: me.as_ref().map(|it| it.name.clone()).unwrap_or_default(),
            author_id: me.as_ref().map(|it| it.person_id.clone()).unwrap_or_default(),
            author_role: role,
            at_ms: written_ms(&it.command_id),
            start_ms: note.start_ms,
            end_ms: note.end_ms,
            text: note.text.clone(),
            internal: note.internal,
            state: NoteState::Open.into(),
            checklist: note
                .checklist
                .iter()
                .map(|text| v1::ChecklistItem { text: text.clone(), done: false })
                .collect(),
            ..v1::NoteRow::default()
        };
        rows.expect(&format!("note/{}", note.note_id), &Of::Note(row));
    }
}

/// A UUIDv7 begins with the time at which it was made.
fn written_ms(command_id: &str) -> i64 {
    let id = uuid::Uuid::try_parse(command_id).unwrap_or_default();
    i64::try_from(id.as_u128() >> 80).unwrap_or(0)
}

/// Compares what waits with what stands on disk, and asks for the difference; before anything is sent, so that a command is on disk
/// before it can be anywhere else.
pub(super) fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    let Model { pending, offline, .. } = model;
    let fresh = pending.iter().filter(|it| !offline.kept.contains(&it.command_id));
    let fresh: Vec<Effect> = fresh.map(|it| Effect::KeepUnsent(Box::new(unsent(it)))).collect();
    let waits = |id: &String| pending.iter().any(|it| it.command_id == *id);
    let done: Vec<String> = offline.kept.iter().filter(|id| !waits(id)).cloned().collect();
    offline.kept.extend(pending.iter().map(|it| it.command_id.clone()));
    for command_id in done {
        offline.kept.remove(&command_id);
        effects.push(Effect::ForgetUnsent { command_id });
    }
    effects.splice(0..0, fresh);
    if model.online() {
        return;
    }
    // What is looked at and not here may be on disk.
    let wanted = model.project_id().filter(|it| model.projects.get(*it).is_none_or(|rows| !rows.loaded));
    if let Some(project_id) = wanted.map(str::to_owned)
        && model.offline.asked.insert(project_id.clone())
    {
        effects.push(Effect::OpenKept { project_id });
    }
}

/// Writes what changed, now and then.
pub(super) fn tick(model: &mut Model, effects: &mut Vec<Effect>) {
    if !model.online() {
        return;
    }
    let now_ms = model.now_ms;
    model.offline.at_ms = now_ms;
    if let Some(project) = &model.subscribed.project
        && model.projects.get(project).is_some_and(|it| it.loaded && !it.is_filling())
    {
        model.offline.seen.insert(project.clone(), now_ms);
    }
    keep_rows(model, effects, |bytes, age_ms| age_ms >= rows_every_ms(bytes));
    let age_ms = now_ms - model.offline.start_written_ms;
    if age_ms >= START_AGAIN_MS || (model.offline.start_changed && age_ms >= START_EVERY_MS) {
        keep_start(model, effects);
    }
}

/// Much is written more seldom.
fn rows_every_ms(bytes: usize) -> i64 {
    ROWS_EVERY_MS + ROWS_EVERY_MS * i64::try_from(bytes >> 20).unwrap_or(0)
}

/// When the next tick writes something.
pub(super) fn due_ms(model: &Model) -> Option<i64> {
    if !model.online() {
        return None;
    }
    let offline = &model.offline;
    let changed = model.projects.iter().filter(|(_, rows)| rows.loaded && !rows.is_filling());
    let rows = changed.filter_map(|(project, rows)| {
        let (at_ms, seq) = offline.written.get(project).copied().unwrap_or((0, 0));
        (rows.seq != seq).then(|| at_ms + rows_every_ms(rows.bytes()))
    });
    let every_ms = if offline.start_changed { START_EVERY_MS } else { START_AGAIN_MS };
    rows.chain([offline.start_written_ms + every_ms]).min()
}

/// Writes what changed since it was last written: the client ends.
pub fn at_end(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    keep_rows(model, &mut effects, |_, _| true);
    if model.list.is_some() {
        keep_start(model, &mut effects);
    }
    effects
}

fn keep_rows(model: &mut Model, effects: &mut Vec<Effect>, due: impl Fn(usize, i64) -> bool) {
    let Model { projects, offline, now_ms, .. } = model;
    for (project_id, rows) in projects.iter().filter(|(_, rows)| rows.loaded && !rows.is_filling()) {
        let (at_ms, seq) = offline.written.get(project_id).copied().unwrap_or((0, 0));
        if rows.seq != seq && due(rows.bytes(), *now_ms - at_ms) {
            offline.written.insert(project_id.clone(), (*now_ms, rows.seq));
            effects.push(Effect::KeepRows { project_id: project_id.clone(), rows: rows.freeze() });
        }
    }
}

fn keep_start(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(projects) = model.list.clone() else { return };
    model.offline.start_written_ms = model.now_ms;
    model.offline.start_changed = false;
    effects.push(Effect::KeepStart(Box::new(Start {
        me: model.me.clone(),
        studio: model.studio.clone(),
        projects,
        desk: model.desk.clone(),
        at_ms: model.offline.at_ms,
        seen: model.offline.seen.clone(),
    })));
}

fn unsent(pending: &Pending) -> Unsent {
    let request = PerformRequest {
        command_id: pending.command_id.clone(),
        project_id: pending.project_id.clone(),
        expected: None,
        action: Some(pending.action.clone()),
    };
    Unsent { request, about: pending.about.clone(), say: pending.say.clone() }
}

/// The verb that makes such a command. One for which there is none on the screens was not made by them.
fn verb_of(action: &Do) -> Option<Verb> {
    Some(match action {
        Do::AddNote(note) if !note.parent_note_id.is_empty() => Verb::Reply,
        Do::AddNote(_) => Verb::AddNote,
        Do::AddressNote(_) => Verb::Address,
        Do::AcceptNote(_) => Verb::Accept,
        Do::ReopenNote(_) => Verb::Reopen,
        Do::DeclineNote(_) => Verb::Decline,
        Do::TickChecklist(_) => Verb::Tick,
        Do::RequestRevision(_) => Verb::RequestRevision,
        Do::Approve(_) => Verb::Approve,
        Do::WithdrawApproval(_) => Verb::Withdraw,
        Do::Hold(_) => Verb::Hold,
        Do::LiftHold(_) => Verb::LiftHold,
        Do::AcceptHandoff(_) => Verb::AcceptHandoff,
        Do::ReturnHandoff(_) => Verb::ReturnHandoff,
        Do::SetRecipe(_) => Verb::EditRecipe,
        Do::StartRender(_) => Verb::StartRender,
        Do::CancelRender(_) => Verb::CancelRender,
        Do::MakeDelivery(_) => Verb::MakeDelivery,
        Do::MoveNote(_) => Verb::MoveNote,
        Do::SwapMix(_) => Verb::SwapMix,
        Do::PutForward(_) => Verb::PutForward,
        Do::OverrideGate(_) => Verb::Override,
        Do::OpenShootout(_) => Verb::OpenShootout,
        Do::CastVote(_) => Verb::Vote,
        Do::PickMix(_) => Verb::Pick,
        Do::SetSpacing(_) => Verb::Save,
        Do::AddSpacingNote(it) if it.song_id.is_empty() => Verb::OrderNote,
        Do::AddSpacingNote(_) => Verb::JointNote,
        Do::CloseSpacingNote(_) => Verb::CloseJointNote,
        Do::ApproveSpacing(_) => Verb::ApproveSpacing,
        Do::Follow(_) => Verb::Follow,
        Do::SetSections(_) => Verb::Sections,
        Do::AddMember(_) => Verb::Invite,
        Do::ChangeRoles(_) => Verb::Roles,
        Do::RemoveMember(_) => Verb::Remove,
        Do::RevokeKey(_) => Verb::RevokeKey,
        _ => return None,
    })
}
