//! Notes: a remark at a time in a song, and its way from open to done.

use crate::{
    Actor, Alternate, Command, Fact, NoteId, PersonId, Project, Reason, Refusal, Role, Roles, SongId, Span,
    Time, Version, VersionId,
    asker::{Asker, free_id},
    audience::{self, WORKSHOP},
    decide::{Ruling, Touched, misrouted},
    limits, link,
    refusal::no,
    text,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Note {
    pub id: NoteId,
    pub song: SongId,
    pub version: VersionId,
    pub alternate: Option<Alternate>,
    pub parent: Option<NoteId>,
    pub author: PersonId,
    /// The role in which the author wrote it.
    pub role: Role,
    pub at: Time,
    pub span: Option<Span>,
    pub text: String,
    pub internal: bool,
    pub addressee: Option<PersonId>,
    pub state: NoteState,
    /// Since when it is in this state, and who brought it there.
    pub state_since: Time,
    pub state_by: PersonId,
    /// Of a decline, or of the last reopening.
    pub reason: String,
    pub checklist: Vec<Item>,
    /// Where it stands in later versions, oldest first. `span` is where it was written, for ever.
    pub places: Vec<Place>,
    /// Whether the house found that something was done about it, oldest version first.
    pub verdicts: Vec<NoteVerdict>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub version: VersionId,
    pub kind: crate::PlaceKind,
    pub span: Span,
}

impl Place {
    /// The span as far as the version's Main goes.
    pub(crate) fn within(version: &Version, span: Span) -> Span {
        let end_ms = version.main().map_or(0, |main| length_ms(&main.facts));
        let start_ms = span.start_ms.min(end_ms);
        Span { start_ms, end_ms: span.end_ms.map(|end| end.min(end_ms)).filter(|end| *end > start_ms) }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerdict {
    pub version: VersionId,
    pub verdict: crate::Verdict,
    pub text: String,
}

impl Note {
    /// Where it stands in a version: where it was written, or where it was carried to.
    pub fn span_in(&self, version: VersionId) -> Option<Span> {
        let placed = self.places.iter().rev().find(|place| place.version == version);
        placed.map(|place| place.span).or(self.span)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteState {
    Open,
    /// Done in that version, as the engineer says; its author has not looked yet.
    Addressed(VersionId),
    Accepted,
    Declined,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub text: String,
    pub done: bool,
}

/// The roles in which notes are written, in the order in which one is chosen for a person who holds several.
pub(crate) const WRITERS: [Role; 6] =
    [Role::Artist, Role::Producer, Role::MixEngineer, Role::MasteringEngineer, Role::Label, Role::Manager];

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::AddNote { .. } => add(&asker, command),
        Command::AddressNote { note, version } => {
            asker.must_hold(&WORKSHOP, "say that a note is done")?;
            let note = own_state(asker.note(*note)?)?;
            let version = asker.version(*version)?;
            must_be_open(note)?;
            must_follow(&asker, note, version)?;
            let fact = Fact::NoteAddressed { note: note.id, version: version.id };
            Ok(Ruling::fact(fact).touching(Touched::Song(note.song)))
        }
        Command::AcceptNote { note } => {
            let note = own_state(asker.note(*note)?)?;
            must_judge(&asker, note, "accept")?;
            if !matches!(note.state, NoteState::Open | NoteState::Addressed(_)) {
                return no(
                    Reason::NoteNotOpen,
                    "The note is closed already.",
                    "Reopen it if it is not done.",
                );
            }
            let fact = Fact::NoteAccepted { note: note.id };
            Ok(Ruling::fact(fact).touching(Touched::Song(note.song)))
        }
        Command::ReopenNote { note, reason } => {
            let note = own_state(asker.note(*note)?)?;
            must_judge(&asker, note, "reopen")?;
            if note.state == NoteState::Open {
                return no(Reason::NothingToChange, "The note is open.", "There is nothing to do.");
            }
            let reason = text::optional("The reason", reason)?;
            Ok(Ruling::fact(Fact::NoteReopened { note: note.id, reason }))
        }
        Command::DeclineNote { note, reason } => {
            asker.must_hold(&WORKSHOP, "decline a note")?;
            let note = own_state(asker.note(*note)?)?;
            must_be_open(note)?;
            let reason = text::required("The reason", reason)?;
            let fact = Fact::NoteDeclined { note: note.id, reason };
            Ok(Ruling::fact(fact).touching(Touched::Song(note.song)))
        }
        Command::TickChecklist { note, item, done } => {
            asker.must_hold(&WORKSHOP, "tick a checklist")?;
            let note = asker.note(*note)?;
            let place = usize::try_from(*item).ok().and_then(|item| note.checklist.get(item));
            match place {
                None => {
                    no(Reason::NoSuchItem, format!("The note has no item {item}."), "Items count from 0.")
                }
                Some(place) if place.done == *done => no(
                    Reason::NothingToChange,
                    "The item stands like that already.",
                    "There is nothing to do.",
                ),
                Some(_) => {
                    Ok(Ruling::fact(Fact::ChecklistTicked { note: note.id, item: *item, done: *done }))
                }
            }
        }
        Command::MoveNote { note, version, span } => place_by_hand(&asker, *note, *version, *span),
        _ => misrouted(),
    }
}

/// Where it was written stays; in this version it stands here from now on.
fn place_by_hand(asker: &Asker<'_>, note: NoteId, version: VersionId, span: Span) -> Result<Ruling, Refusal> {
    let note = own_state(asker.note(note)?)?;
    if note.author != asker.id {
        asker.must_hold(&WORKSHOP, "move somebody else's note")?;
    }
    let version = asker.version(version)?;
    if !matches!(note.state, NoteState::Open | NoteState::Addressed(_)) {
        let hint = "Reopen it first, or write a new one.";
        return no(Reason::NoteNotOpen, "The note is closed; it stays where it was.", hint);
    }
    must_follow(asker, note, version)?;
    if version.id == note.version {
        let text = "The note was written on that version; where it was written stays.";
        return no(Reason::NothingToChange, text, "Name a later version, or write a new note.");
    }
    check_span(version, note.alternate, Some(span))?;
    if note.span_in(version.id) == Some(span) {
        return no(Reason::NothingToChange, "The note stands there already.", "There is nothing to do.");
    }
    Ok(Ruling::fact(Fact::NoteMoved { note: note.id, version: version.id, span }))
}

fn add(asker: &Asker<'_>, command: &Command) -> Result<Ruling, Refusal> {
    let Command::AddNote { note, version, alternate, parent, span, text, internal, addressee, checklist } =
        command
    else {
        return misrouted();
    };
    let project = asker.project;
    must_write(asker)?;
    let version = asker.version(*version)?;
    free_id(project.notes.contains(*note))?;
    let song = asker.song(version.song)?;
    limits::room(song.notes.len(), limits::NOTES_PER_SONG_MAX, "notes of this song")?;
    let parent = parent.map(|parent| thread(asker, parent, version.song)).transpose()?;
    // What is said behind the door stays there, a reply too.
    let internal = *internal || parent.is_some_and(|parent| parent.internal);
    let role =
        if internal { asker.must_hold(&WORKSHOP, "write internal notes")? } else { must_write(asker)? };
    check_span(version, *alternate, *span)?;
    if let Some(person) = addressee {
        check_addressee(asker, version, *person, internal)?;
    }
    limits::at_most(checklist.len(), limits::CHECKLIST_MAX, "checklist items")?;
    let item = |item: &String| text::required("A checklist item", item);
    Ok(Ruling::fact(Fact::NoteAdded {
        note: *note,
        song: version.song,
        version: version.id,
        alternate: *alternate,
        parent: parent.map(|parent| parent.id),
        span: *span,
        role,
        text: text::required("The note", text)?,
        internal,
        addressee: *addressee,
        checklist: checklist.iter().map(item).collect::<Result<_, _>>()?,
    }))
}

/// In one of the roles that write; a guest as the listener that they are.
fn must_write(asker: &Asker<'_>) -> Result<Role, Refusal> {
    if audience::is_guest(asker.project, asker.id) {
        return Ok(Role::Listener);
    }
    asker.must_hold(&WRITERS, "write notes")
}

/// The note that a reply belongs to: a reply to a reply stands in the same thread.
fn thread<'a>(asker: &Asker<'a>, parent: NoteId, song: SongId) -> Result<&'a Note, Refusal> {
    let parent = asker.note(parent)?;
    let first = parent.parent.map_or(Ok(parent), |first| asker.note(first))?;
    if first.song != song {
        let text = "The note that this replies to belongs to another song.";
        return no(Reason::NoSuchNote, text, "Reply on a version of the same song.");
    }
    Ok(first)
}

/// Within the file that is spoken of, up to its very end (a started millisecond counts).
fn check_span(version: &Version, alternate: Option<Alternate>, span: Option<Span>) -> Result<(), Refusal> {
    let wanted = alternate.unwrap_or(Alternate::Main);
    let Some(file) = version.files.iter().find(|file| file.alternate == wanted) else {
        let text = format!("{} has no {}.", version.name(), wanted.words());
        return no(Reason::NoSuchItem, text, "Write the note to the version as a whole.");
    };
    let Some(Span { start_ms, end_ms }) = span else { return Ok(()) };
    if end_ms.is_some_and(|end_ms| end_ms <= start_ms) {
        let text = "The range of the note ends before it begins.";
        return no(Reason::NoteRangeEmpty, text, "Give an end after the start, or no end for a point.");
    }
    let length_ms = length_ms(&file.facts);
    let last_ms = end_ms.unwrap_or(start_ms);
    if last_ms > length_ms {
        let (at, end) = (clock(last_ms), clock(length_ms));
        let text = format!("The note is at {at}; {} ends at {end}.", version.name());
        return no(Reason::NoteBeyondEnd, text, "Choose a time within the song.");
    }
    Ok(())
}

/// A started millisecond counts.
pub(crate) fn length_ms(facts: &crate::AudioFacts) -> u64 {
    let rate = u128::from(facts.sample_rate_hz.max(1));
    u64::try_from((u128::from(facts.frames) * 1000).div_ceil(rate)).unwrap_or(u64::MAX)
}

/// 1:23.4
pub(crate) fn clock(ms: u64) -> String {
    format!("{}:{:02}.{}", ms / 60_000, ms / 1000 % 60, ms / 100 % 10)
}

fn check_addressee(
    asker: &Asker<'_>,
    version: &Version,
    person: PersonId,
    internal: bool,
) -> Result<(), Refusal> {
    let project = asker.project;
    // Yes for one and no for another would tell who is a member.
    if audience::is_guest(project, asker.id) {
        return link::not_for_guests(
            "A guest's note is addressed to nobody: whoever works on the song reads it.",
        );
    }
    // Yes for the one engineer and no for the others would tell whose line it is.
    let entered = project.competes_in(version).is_some_and(|open| open.line_of(person).is_some());
    if entered && !audience::knows_maker(project, asker.id, version) {
        let text = "The mixes compete blind: a note on one of them is addressed to none of the engineers.";
        return no(Reason::NoSuchPerson, text, "Leave the addressee out; its engineer reads it.");
    }
    let sees = |roles: &Roles| {
        if internal { audience::is_workshop(roles) } else { audience::sees_work(roles) }
    };
    if project.roles_of(person).is_some_and(sees) && audience::sees_version(project, person, version) {
        return Ok(());
    }
    let text = "The note is addressed to somebody who would not see it.";
    no(Reason::NoSuchPerson, text, "Address a member who may read it.")
}

/// A reply is talk: only the note it belongs to is open or done.
fn own_state(note: &Note) -> Result<&Note, Refusal> {
    if note.parent.is_some() {
        return no(
            Reason::NoteNotOpen,
            "A reply is neither open nor done.",
            "Choose the note it belongs to.",
        );
    }
    Ok(note)
}

fn must_be_open(note: &Note) -> Result<(), Refusal> {
    if note.state == NoteState::Open {
        return Ok(());
    }
    no(Reason::NoteNotOpen, "The note is not open.", "Its author may reopen it.")
}

/// Its author, or somebody who holds the role that the note was written in; of a guest's note whoever answers for their link.
fn must_judge(asker: &Asker<'_>, note: &Note, doing: &str) -> Result<(), Refusal> {
    if note.author == asker.id || asker.roles.contains(&note.role) {
        return Ok(());
    }
    let project = asker.project;
    let came_by = project.guests.get(note.author).and_then(|link| project.links.get(*link));
    if let Some(came_by) = came_by {
        if link::answers_for(project, asker.id, came_by) {
            return Ok(());
        }
        let text = format!(
            "You may not {doing} a guest's note: that is for whoever made their link, or the manager."
        );
        return no(Reason::NotYourRole, text, "Reply to it instead.");
    }
    let text = format!("You may not {doing} this note: that is for its author or another {}.", note.role);
    no(Reason::NotYourRole, text, "Reply to it instead.")
}

/// "Done in version n" can only be a version that was there when the note was written, or a later one.
fn must_follow(asker: &Asker<'_>, note: &Note, version: &Version) -> Result<(), Refusal> {
    if version.song != note.song {
        let hint = "Name a version of the note's own song.";
        return no(Reason::NoSuchVersion, "That version belongs to another song.", hint);
    }
    // Each line is talked of by itself: what is done in one must not be told to the others.
    let written = asker.version(note.version)?;
    if asker.project.competes_in(version).is_some() && written.line != version.line {
        let text = format!("{} competes: it answers notes of its own line only.", version.name());
        return no(Reason::ShootoutOpen, text, "Wait for the pick, or write a note on it.");
    }
    let order = &asker.song(note.song)?.versions;
    let place = |id: VersionId| order.iter().position(|known| *known == id);
    if place(version.id) < place(note.version) {
        let text = format!("{} is older than the note.", version.name());
        return no(Reason::VersionSuperseded, text, "Name the version in which it was done.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{VersionKind, testing::*};

    const NOTE: NoteId = NoteId(7);

    fn at(start_ms: u64, end_ms: Option<u64>) -> Command {
        let mut command = add_note(7, 10, false);
        if let Command::AddNote { span, .. } = &mut command {
            *span = Some(Span { start_ms, end_ms });
        }
        command
    }

    #[test]
    fn a_note_lies_within_the_song() {
        // 4,800,000 frames at 48 kHz are 100,000 ms.
        let given = Given::mixed();
        given.when(person(ARTIST), at(100_000, None)).facts(&["NOTE_ADDED"]);
        given.when(person(ARTIST), at(100_001, None)).refused(Reason::NoteBeyondEnd);
        given.when(person(ARTIST), at(1, Some(100_001))).refused(Reason::NoteBeyondEnd);
        given.when(person(ARTIST), at(u64::MAX, None)).refused(Reason::NoteBeyondEnd);
        given.when(person(ARTIST), at(5, Some(5))).refused(Reason::NoteRangeEmpty);
        given.when(person(ARTIST), at(9, Some(5))).refused(Reason::NoteRangeEmpty);
    }

    #[test]
    fn a_note_goes_from_open_to_done_and_back() {
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
        let address = Command::AddressNote { note: NOTE, version: VersionId(10) };
        let reopen = Command::ReopenNote { note: NOTE, reason: String::new() };
        given.when(person(ARTIST), address.clone()).refused(Reason::NotYourRole);
        given.when(person(ARTIST), reopen.clone()).refused(Reason::NothingToChange);
        let first = Command::AddressNote { note: NOTE, version: VersionId(1) };
        given.when(person(MIXER), first).refused(Reason::VersionSuperseded);
        let done = given.and(person(MIXER), address.clone());
        assert_eq!(done.project.notes.get(NOTE).unwrap().state, NoteState::Addressed(VersionId(10)));
        done.when(person(MIXER), address).refused(Reason::NoteNotOpen);
        done.when(person(LABEL), Command::AcceptNote { note: NOTE }).refused(Reason::NotYourRole);
        let accepted = done.and(person(ARTIST), Command::AcceptNote { note: NOTE });
        accepted.when(person(ARTIST), Command::AcceptNote { note: NOTE }).refused(Reason::NoteNotOpen);
        accepted.when(person(ARTIST), reopen).facts(&["NOTE_REOPENED"]);
    }

    #[test]
    fn internal_notes_do_not_exist_for_others() {
        let given = Given::mixed().and(person(MIXER), add_note(7, 10, true));
        given.when(person(ARTIST), Command::AcceptNote { note: NOTE }).refused(Reason::NoSuchNote);
        given.when(person(ARTIST), add_note(8, 10, true)).refused(Reason::NotYourRole);
        given.when(person(LISTENER), add_note(8, 10, false)).refused(Reason::NotYourRole);
        let mut to_artist = add_note(8, 10, true);
        if let Command::AddNote { addressee, .. } = &mut to_artist {
            *addressee = Some(ARTIST);
        }
        given.when(person(MIXER), to_artist).refused(Reason::NoSuchPerson);
        let mut reply = add_note(9, 10, false);
        if let Command::AddNote { parent, .. } = &mut reply {
            *parent = Some(NOTE);
        }
        let replied = given.and(person(MASTERER), reply);
        assert!(replied.project.notes.get(NoteId(9)).unwrap().internal, "a reply stays behind the door");
    }

    #[test]
    fn a_checklist_is_ticked_item_by_item() {
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
        let tick = |item, done| Command::TickChecklist { note: NOTE, item, done };
        given.when(person(MIXER), tick(0, true)).facts(&["CHECKLIST_TICKED"]);
        given.when(person(MIXER), tick(0, false)).refused(Reason::NothingToChange);
        given.when(person(MIXER), tick(1, true)).refused(Reason::NoSuchItem);
    }

    #[test]
    fn a_revision_request_bundles_open_notes_of_the_candidate() {
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false));
        let given = given.and(person(MIXER), add_note(8, 10, true));
        let ask = |version, notes: &[u128]| Command::RequestRevision {
            request: crate::RequestId(1),
            version: VersionId(version),
            role: Role::Artist,
            message: String::new(),
            notes: notes.iter().map(|id| NoteId(*id)).collect(),
            kind: crate::RevisionKind::Change,
            beyond_terms: false,
        };
        given.when(person(ARTIST), ask(10, &[])).refused(Reason::NoNotes);
        given.when(person(ARTIST), ask(10, &[8])).refused(Reason::NoSuchNote);
        given.when(person(ARTIST), ask(1, &[7])).refused(Reason::StageLeftAlready);
        let asked = given.clone().and(person(ARTIST), ask(10, &[7]));
        let next = add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]);
        let newer = given.and(person(MIXER), next.clone());
        newer.when(person(ARTIST), ask(10, &[7])).refused(Reason::VersionSuperseded);
        asked.when(person(MIXER), next).facts(&["VERSION_ADDED", "REVISION_ANSWERED"]);
    }

    fn moved(version: u128, start_ms: u64, end_ms: Option<u64>) -> Command {
        Command::MoveNote { note: NOTE, version: VersionId(version), span: Span { start_ms, end_ms } }
    }

    #[test]
    fn a_note_is_put_where_it_belongs_and_was_written_where_it_was() {
        let next = add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]);
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false)).and(person(MIXER), next);
        given.when(person(LABEL), moved(11, 5, None)).refused(Reason::NotYourRole);
        given.when(person(ARTIST), moved(10, 5, None)).refused(Reason::NothingToChange);
        given.when(person(ARTIST), moved(1, 5, None)).refused(Reason::VersionSuperseded);
        given.when(person(ARTIST), moved(11, 5, Some(5))).refused(Reason::NoteRangeEmpty);
        let beyond = given.when(person(ARTIST), moved(11, 100_001, None)).0.unwrap_err();
        assert_eq!(beyond.reason, Reason::NoteBeyondEnd);
        assert!(beyond.text.contains("Mix 2 ends at 1:40.0"), "the length is told: {beyond}");
        let given = given.and(person(ARTIST), moved(11, 100_000, None));
        let note = given.project.notes.get(NOTE).unwrap();
        assert_eq!(note.span, Some(Span { start_ms: 1000, end_ms: None }), "where it was written, for ever");
        assert_eq!(note.span_in(VersionId(11)), Some(Span { start_ms: 100_000, end_ms: None }));
        assert_eq!(note.span_in(VersionId(10)), note.span);
        given.when(person(ARTIST), moved(11, 100_000, None)).refused(Reason::NothingToChange);
        let again = given.and(person(MIXER), moved(11, 7, Some(9)));
        let place = again.project.notes.get(NOTE).unwrap().span_in(VersionId(11));
        assert_eq!(place, Some(Span { start_ms: 7, end_ms: Some(9) }));
        let closed = again.and(person(ARTIST), Command::AcceptNote { note: NOTE });
        closed.when(person(ARTIST), moved(11, 8, None)).refused(Reason::NoteNotOpen);
    }

    #[test]
    fn a_note_stands_in_the_master_where_it_stands_in_its_mix() {
        let span = Span { start_ms: 400, end_ms: None };
        let given = Given::mixed()
            .and(person(ARTIST), add_note(7, 10, false))
            .and(person(MIXER), add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]))
            .and(person(ARTIST), Command::MoveNote { note: NOTE, version: VersionId(11), span })
            .and(person(MIXER), Command::AddressNote { note: NOTE, version: VersionId(11) })
            .approved(ARTIST, 11, Role::Artist)
            .approved(LABEL, 11, Role::Label)
            .and(person(MASTERER), add_version(20, VersionKind::Master, &[(Alternate::Main, 4)]));
        let note = given.project.notes.get(NOTE).unwrap();
        assert_eq!(note.span_in(VersionId(20)), Some(span));
        assert_ne!(note.span, Some(span), "where it was written stays");
    }
}
