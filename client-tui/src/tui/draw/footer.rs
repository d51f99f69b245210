//! The last line: the keys that do something now, those that matter most first, then who one is and how the line is. What is refused or has nothing to act on
//! is not offered; the palette says why. Never here: what a key does.

use deadwax_proto::v1::{ApprovalState, DeskKind, NoteRow, NoteState, Role, Stage, VersionKind};
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{
    Hit, put, selected_render,
    text::{clip, width},
    theme::Theme,
    transfers,
};
use crate::{
    tui::{
        keys::{Bound, Kind, Verb},
        model::{Link, Model, Screen, SongView},
        rows::{May, Project},
        transfers::State,
        update, words,
    },
    verbs::record::told,
};

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let going = transfers::badge(model);
    let link = match model.link {
        Link::Online => Span::styled("● live", theme.good()),
        Link::Connecting => Span::styled("○ connecting", theme.warn()),
        Link::Offline { .. } => Span::styled("× offline", theme.bad()),
        Link::Ended { .. } => Span::styled("× signed out", theme.bad()),
    };
    let now = Now::of(model);
    // Help and back keep their place: they lead everywhere else.
    let (last, mut own): (Vec<_>, Vec<_>) = model
        .settings
        .keys
        .bindings(model.top().kind())
        // What has lost its key is pressed from the palette.
        .filter(|it| !it.keys.is_empty() && !now.word(it).is_empty() && now.offers(it.verb))
        .partition(|it| matches!(it.verb, Verb::Palette | Verb::Help | Verb::Back));
    own.sort_by_key(|it| now.rank(it.verb));
    let short = |binding: &Bound<'_>| match binding.verb {
        // Nothing lies behind the first screen.
        Verb::Back if model.stack.len() == 1 => ("q".to_owned(), "leave"),
        _ => (binding.name(), now.word(binding)),
    };
    let long = |binding: &Bound<'_>| {
        let (key, does) = short(binding);
        width(&key) + width(does) + 3
    };
    let tail: usize = last.iter().map(long).sum();
    let due: usize = own.iter().filter(|it| now.rank(it.verb) < LATER).map(long).sum();
    let columns = usize::from(area.width);
    let aside = width(&going) + width(&link.content) + 3;
    let who = who(model, columns.saturating_sub(2 + due + tail + aside));
    let right = width(&who) + aside;
    let room = columns.saturating_sub(right + 1);
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    let ordered = own.into_iter().map(|it| (it, tail)).chain(last.into_iter().map(|it| (it, 0)));
    for (binding, keep) in ordered {
        let len = long(&binding);
        if used + len + keep > room {
            continue;
        }
        let (key, does) = short(&binding);
        let place = Rect {
            x: area.x + u16::try_from(used).unwrap_or(0),
            width: u16::try_from(len - 2).unwrap_or(0),
            ..area
        };
        theme.hit(place, || Hit::Key(binding.verb));
        used += len;
        spans.push(Span::styled(key, theme.key()));
        spans.push(Span::styled(format!(" {does}  "), theme.dim()));
    }
    spans.push(" ".repeat(columns.saturating_sub(used + right)).into());
    spans.push(Span::styled(going, theme.good()));
    spans.push(Span::styled(format!("{who}  "), theme.dim()));
    spans.push(link);
    put(frame, area, 0, Line::from(spans));
}

/// The name and the roles; where the keys that are due need the room, the name alone.
fn who(model: &Model, room: usize) -> String {
    let me = model.me.as_ref().map_or(String::new(), |me| clip(&me.name, 18));
    let roles = words::roles(model.my_roles().into_iter());
    let whole = if roles.is_empty() { me.clone() } else { format!("{me}, {}", clip(&roles, 24)) };
    match room {
        room if width(&whole) <= room => whole,
        room => clip(&me, room.max(6)),
    }
}

/// The rank of what is not due.
const LATER: u8 = 5;

/// What the keys would act on now.
struct Now<'a> {
    model: &'a Model,
    kind: Kind,
    subject: Option<update::Subject>,
    rows: Option<&'a Project>,
    note: Option<&'a NoteRow>,
}

impl<'a> Now<'a> {
    fn of(model: &'a Model) -> Now<'a> {
        let subject = update::subject(model);
        let rows = subject.as_ref().and_then(|it| model.projects.get(&it.project));
        let note = subject.as_ref().and_then(|it| rows?.note(it.note.as_deref()?));
        Now { model, kind: model.top().kind(), subject, rows, note }
    }

    fn may(&self, verb: Verb) -> May<'_> {
        update::may(self.model, self.subject.as_ref(), verb)
    }

    /// What the key is called here; empty: it has no place in this line.
    fn word(&self, binding: &Bound<'_>) -> &'static str {
        match (self.kind, binding.verb) {
            (Kind::Song, Verb::Withdraw) if self.has_approved() => "withdraw",
            (Kind::Song, Verb::History) if self.has_no_version() => "history",
            (Kind::Delivery, Verb::NextPane) if self.model.delivery.in_files => "songs",
            (Kind::Record, Verb::NextPane) if self.model.record.in_files => "records",
            _ => binding.short,
        }
    }

    fn offers(&self, verb: Verb) -> bool {
        // Steps that come once in a song's life take a place only when they are due.
        if verb.is_rare() && self.may(verb) != May::Yes {
            return false;
        }
        let later = self.model.can_keep() && update::keeps(verb);
        let refused = matches!(self.may(verb), May::No(_));
        if refused || (verb.action().is_some() && !self.model.online() && !later) {
            return false;
        }
        match self.kind {
            Kind::Song => self.song_offers(verb),
            Kind::Master => self.master_offers(verb),
            Kind::Projects if verb == Verb::NewProject => {
                self.model.me.as_ref().is_some_and(|it| it.studio_owner)
            }
            Kind::Project if self.song().is_none() => !matches!(
                verb,
                Verb::Open | Verb::Upload | Verb::Fetch | Verb::Select | Verb::Master | Verb::History
            ),
            Kind::Project if verb == Verb::Fetch => {
                self.song().is_some_and(|it| !it.candidate_version_id.is_empty())
            }
            Kind::Album if verb == Verb::Save => self.is_unsaved(),
            Kind::Record => self.record_offers(verb),
            Kind::Transfers => self.transfers_offer(verb),
            _ => true,
        }
    }

    fn song_offers(&self, verb: Verb) -> bool {
        let common = matches!(verb, Verb::Palette | Verb::Help | Verb::Back | Verb::Projects);
        if !common && self.song().is_none() {
            return false;
        }
        if !common && self.has_no_version() {
            return matches!(verb, Verb::Upload | Verb::History | Verb::Master);
        }
        match verb {
            Verb::Accept => self.note_is(NoteState::Addressed),
            Verb::Reply | Verb::Address | Verb::Reopen => self.note.is_some(),
            Verb::Compare => self.compares(),
            _ => true,
        }
    }

    fn master_offers(&self, verb: Verb) -> bool {
        let Screen::Master { song, render, .. } = self.model.top() else { return true };
        let render = self.rows.and_then(|rows| selected_render(rows, song, render.as_deref()));
        let made = render.and_then(|it| self.rows?.version(&it.master_version_id));
        match verb {
            Verb::Open | Verb::Switch | Verb::PlayPause | Verb::LoopRange => made.is_some(),
            Verb::Compare => {
                made.zip(self.rows).is_some_and(|(it, rows)| update::version_before(rows, it).is_some())
            }
            Verb::Sheet => render.is_some(),
            _ => true,
        }
    }

    fn record_offers(&self, verb: Verb) -> bool {
        let row = update::record_shown(self.model);
        let files = row.is_some_and(|it| told::files(it) > 0);
        match verb {
            Verb::NextPane | Verb::Fetch | Verb::Copy | Verb::Checks => files,
            Verb::Open => row.is_some(),
            Verb::Manifest => row.is_some_and(|it| !it.manifest_json.is_empty()),
            _ => true,
        }
    }

    fn transfers_offer(&self, verb: Verb) -> bool {
        let list = &self.model.transfers.list;
        let Screen::Transfers { at } = self.model.top() else { return true };
        let chosen = list.get((*at).min(list.len().saturating_sub(1))).map(|it| &it.state);
        match verb {
            Verb::Pause => chosen.is_some_and(|it| *it != State::Done),
            Verb::Cancel => chosen.is_some_and(|it| !it.has_ended()),
            Verb::Clear => list.iter().any(|it| it.state.has_ended()),
            _ => true,
        }
    }

    /// What is due comes first: what others wait for, then what this person alone can do.
    fn rank(&self, verb: Verb) -> u8 {
        match (self.kind, verb) {
            (Kind::Song | Kind::Master, Verb::AcceptHandoff) => 0,
            // One's own note that was done waits for an answer.
            (Kind::Song, Verb::Accept) => 1,
            (Kind::Song, Verb::Reopen) if self.note_is(NoteState::Addressed) => 1,
            (Kind::Song, Verb::Upload) if self.has_no_version() || self.is_due(DeskKind::Upload) => 1,
            (Kind::Song, Verb::Address) if self.engineers() && self.note_is(NoteState::Open) => 2,
            (Kind::Song, Verb::Withdraw) => 2,
            // The room where this stage is worked on.
            (Kind::Song, Verb::Master) if self.masters() => 4,
            (Kind::Song, Verb::Approve) if self.may(verb) == May::Yes && !self.has_approved() => 3,
            (Kind::Song, Verb::RequestRevision) if self.asks_for_revisions() => 3,
            (Kind::Album, Verb::Save) => 0,
            (Kind::Record, Verb::ApproveRecord | Verb::DeliverRecord) => 0,
            (Kind::Record, Verb::CancelRecord) => 1,
            (Kind::Record, Verb::StartRecord) if self.may(verb) == May::Yes => 2,
            _ => LATER,
        }
    }

    fn song(&self) -> Option<&'a deadwax_proto::v1::SongRow> {
        self.rows?.song(&self.subject.as_ref()?.song)
    }

    fn view(&self) -> Option<&'a SongView> {
        match self.model.top() {
            Screen::Song(view) => Some(view),
            _ => None,
        }
    }

    fn version(&self) -> Option<&'a deadwax_proto::v1::VersionRow> {
        self.view()?.version(self.rows?)
    }

    fn has_no_version(&self) -> bool {
        self.kind == Kind::Song && self.version().is_none()
    }

    fn note_is(&self, state: NoteState) -> bool {
        self.note.is_some_and(|it| it.state() == state)
    }

    /// There is a version before, or it is an alternate that has its own main to be held against.
    fn compares(&self) -> bool {
        let (Some(rows), Some(view), Some(version)) = (self.rows, self.view(), self.version()) else {
            return false;
        };
        let main = version.files.first().map(|it| it.alternate.as_str());
        let alternate = view.file(version).map(|it| it.alternate.as_str());
        alternate != main || update::version_before(rows, version).is_some()
    }

    /// The desk says that this song waits for that from this person.
    fn is_due(&self, kind: DeskKind) -> bool {
        let Some(song) = self.song() else { return false };
        let rows = self.model.desk.as_deref().unwrap_or_default();
        rows.iter().any(|it| it.song_id == song.song_id && it.kind() == kind)
    }

    fn engineers(&self) -> bool {
        let engineer = |it: &Role| matches!(it, Role::MixEngineer | Role::MasteringEngineer);
        self.model.my_roles().iter().any(engineer)
    }

    fn masters(&self) -> bool {
        self.song().is_some_and(|it| it.stage() == Stage::Mastering)
            && self.model.my_roles().contains(&Role::MasteringEngineer)
    }

    /// For whoever may judge the candidate: asking for another is as near as approving it.
    fn asks_for_revisions(&self) -> bool {
        let judge = |it: &Role| matches!(it, Role::Artist | Role::Producer | Role::Label);
        let candidate = self.song().map(|it| it.candidate_version_id.as_str());
        let version = self.version().filter(|it| Some(it.version_id.as_str()) == candidate);
        version.is_some_and(|it| it.kind() == VersionKind::Mix)
            && self.may(Verb::RequestRevision) == May::Yes
            && self.model.my_roles().iter().any(judge)
    }

    /// An approval of one's own that counts for what the gate looks at now: one of a stage that is left is none.
    fn has_approved(&self) -> bool {
        let (Some(me), Some(song)) = (&self.model.me, self.song()) else { return false };
        let gate = self.rows.and_then(|rows| rows.gate(&song.song_id));
        let approvals = gate.map_or(&[][..], |it| it.approvals.as_slice());
        let now = song.candidate_version_id.as_str();
        approvals.iter().any(|it| {
            it.state() == ApprovalState::Counts
                && it.person_id == me.person_id
                && (it.version_id == now || it.carried_to_version_id == now)
        })
    }

    fn is_unsaved(&self) -> bool {
        let Screen::Album { project, .. } = self.model.top() else { return false };
        let rows = self.model.projects.get(project);
        rows.is_some_and(|rows| self.model.album.is_unsaved(project, rows))
    }
}
