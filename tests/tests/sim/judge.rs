//! A history that is right, and one thing at a time that is wrong with it: each rule of the judge must see its own. Never here: a server.

use std::sync::Arc;

use deadwax_domain::{
    Actor, Command, Digest, Event, Fact as What, PersonId, Project, ProjectId, Role, Roles, SongId, Stage,
    Time, VersionId, decide,
};
use deadwax_server::auth::{Directory, Person};
use deadwax_tests::history::{
    Answer, Book, Fact, Heard, History, NEVER, Received, Screen, Update, Wrong, check, prefix, rows_of,
};
use sha2::{Digest as _, Sha256};

const PROJECT: ProjectId = ProjectId(0x77);
const OWNER: PersonId = PersonId(1);
const ARTIST: PersonId = PersonId(2);
const SONG: SongId = SongId(100);

fn person(id: PersonId) -> Actor {
    Actor::Person { id, studio_owner: id == OWNER }
}

fn names() -> Directory {
    let person = |id: PersonId, name: &str| {
        let email = format!("{name}@x.example");
        (id, Person { id, name: name.into(), email, studio_owner: id == OWNER })
    };
    Directory { people: [person(OWNER, "noor"), person(ARTIST, "ana")].into() }
}

/// Makes a history as a right server would, one command after the other.
struct Server {
    project: Project,
    book: Arc<Book>,
    facts: Vec<Fact>,
    ids: u128,
}

impl Server {
    fn new() -> Self {
        Self { project: Project::named(PROJECT), book: Arc::default(), facts: Vec::new(), ids: 0x500 }
    }

    fn ask(&mut self, by: PersonId, command: Command) -> usize {
        self.ids += 1;
        let (id, now) = (self.ids, Time(self.ids as i64));
        let call = self.book.begin(person(by), (id, &command), None);
        let first = self.facts.len() as u64 + 1;
        let answer = match decide(&self.project, &person(by), &command, now) {
            Ok(events) => {
                for event in events {
                    self.write(id, event);
                }
                Answer::Done { first, last: self.facts.len() as u64 }
            }
            Err(no) => Answer::Refused(no.reason.code().to_owned()),
        };
        self.book.answered(call, answer);
        call
    }

    fn write(&mut self, command: u128, event: Event) {
        self.project.apply(&event);
        let sha256 = Sha256::digest(format!("{command} {event:?}")).into();
        self.facts.push(Fact { command, sha256, event });
    }

    fn start(&self) {
        self.book.started(&self.facts);
    }

    fn watched(&self, from: u64, seqs: &[u64]) {
        let update = |(number, seq): (usize, &u64)| Update {
            at: self.book.tick(),
            seq: *seq,
            whole: from == 0 && number == 0,
            doubles: 0,
            empty: false,
        };
        let updates: Vec<Update> = seqs.iter().enumerate().map(update).collect();
        let mut then = Project::named(PROJECT);
        let last = seqs.last().copied().unwrap_or(from) as usize;
        self.facts.iter().take(last).for_each(|fact| then.apply(&fact.event));
        let screen = rows_of(PROJECT, &then, ARTIST, &names());
        self.book.heard(Heard { person: ARTIST, from, updates, screen });
    }
}

fn edit(title: &str) -> Command {
    Command::EditSong { song: SONG, title: Some(title.into()), isrc: None }
}

/// Facts 1 to 4 furnish (a project is made with its manager in it), 5 to 7 are three edits, the second by the artist; two starts, two lines of one watch.
fn right() -> History {
    let mut server = Server::new();
    server.ask(OWNER, Command::CreateProject { title: "Night".into(), artist: "Ana".into() });
    server.ask(OWNER, Command::AddMember { person: ARTIST, roles: Roles::from([Role::Artist]) });
    server.ask(OWNER, Command::AddSong { song: SONG, title: "0".into(), isrc: String::new() });
    server.start();
    server.ask(OWNER, edit("1"));
    server.watched(0, &[4, 5]);
    server.ask(ARTIST, edit("2"));
    let refused = Command::AddMember { person: PersonId(9), roles: Roles::from([Role::Label]) };
    server.ask(ARTIST, refused);
    server.start();
    server.ask(OWNER, edit("3"));
    server.watched(5, &[7]);
    let book = Arc::clone(&server.book);
    let history = book.close(server.facts);
    assert_eq!(history.facts.len(), 7, "{:?}", history.facts);
    history
}

fn wrong_with(change: impl FnOnce(&mut History)) -> Vec<Wrong> {
    let mut history = right();
    change(&mut history);
    check(PROJECT, &names(), &history)
}

#[track_caller]
fn fine(wrong: Vec<Wrong>) {
    assert!(wrong.is_empty(), "{wrong:?}");
}

macro_rules! sees {
    ($what:pat, $change:expr) => {
        let wrong = wrong_with($change);
        assert!(wrong.iter().any(|it| matches!(it, $what)), "{} was not seen: {wrong:?}", stringify!($what));
    };
}

#[test]
fn what_is_right_is_not_held_against_anybody() {
    fine(wrong_with(|_| {}));
    fine(check(PROJECT, &names(), &History::default()));
}

#[test]
fn a_command_that_nobody_heard_of_again_may_have_been_done() {
    let forget = |history: &mut History| {
        let call = &mut history.calls[4];
        (call.answer, call.ended) = (Answer::Unknown, NEVER);
    };
    fine(wrong_with(forget));
}

#[test]
fn an_acknowledged_fact_that_is_gone() {
    sees!(Wrong::Lost { first: 7, .. }, |history: &mut History| drop(history.facts.pop()));
    // Lost by a crash, and done once more when the command was sent again: only the start in between tells.
    sees!(Wrong::Undone { head: 5, known: 6, .. }, |history: &mut History| {
        let facts = prefix(&history.facts[..5]);
        (history.lives[1].head, history.lives[1].facts) = (5, facts);
    });
}

#[test]
fn a_start_that_read_other_facts() {
    sees!(Wrong::Rewritten { head: 6, .. }, |history: &mut History| history.lives[1].facts[0] ^= 1);
    sees!(Wrong::Rewritten { head: 9, .. }, |history: &mut History| history.lives[1].head = 9);
}

#[test]
fn a_command_sent_twice_and_done_twice() {
    sees!(Wrong::Twice { first: 5, second: 7, .. }, |history: &mut History| {
        history.facts[6].command = history.facts[4].command;
    });
}

#[test]
fn a_command_sent_twice_and_answered_otherwise() {
    sees!(Wrong::AnsweredTwice { .. }, |history: &mut History| {
        let mut again = history.calls[3].clone();
        (again.begun, again.ended, again.answer) = (900, 901, Answer::Done { first: 6, last: 6 });
        history.calls.push(again);
    });
    sees!(Wrong::AnsweredTwice { .. }, |history: &mut History| {
        let mut again = history.calls[3].clone();
        (again.begun, again.ended, again.answer) = (900, 901, Answer::Refused("NOT_YOUR_ROLE".into()));
        history.calls.push(again);
    });
}

#[test]
fn a_fact_that_nobody_asked_for() {
    sees!(Wrong::FromNowhere { seq: 6, .. }, |history: &mut History| drop(history.calls.remove(4)));
}

#[test]
fn an_order_that_time_forbids() {
    // The sixth was asked for and answered before the fifth was asked for.
    sees!(Wrong::OutOfTime { seq: 5, later: 6 }, |history: &mut History| {
        let before = history.calls[2].ended;
        (history.calls[3].begun, history.calls[3].ended) = (before + 500, before + 501);
        history.lives.clear();
        history.heard.clear();
    });
}

#[test]
fn facts_that_the_rules_do_not_make() {
    sees!(Wrong::OtherFacts { seq: 6, .. }, |history: &mut History| {
        history.facts[5].event.fact = What::SongEdited { song: SONG, title: "x".into(), isrc: String::new() };
        history.lives.clear();
    });
    sees!(Wrong::OtherFacts { seq: 6, .. }, |history: &mut History| history.calls[4].expected = Some(3));
}

#[test]
fn a_refusal_that_no_moment_tells() {
    sees!(Wrong::NoReason { .. }, |history: &mut History| {
        history.calls[5].answer = Answer::Refused("NO_SUCH_SONG".into());
    });
    sees!(Wrong::NoReason { .. }, |history: &mut History| {
        let refused = &mut history.calls[5];
        (refused.answer, refused.expected) = (Answer::Conflict, Some(6));
    });
    // True of the project once, and long past when it was asked.
    sees!(Wrong::NoReason { .. }, |history: &mut History| {
        let refused = &mut history.calls[5];
        (refused.answer, refused.command) = (Answer::Refused("NO_SUCH_SONG".into()), edit("4"));
    });
}

#[test]
fn audio_that_was_acknowledged_and_is_no_fact() {
    sees!(Wrong::AudioLost { .. }, |history: &mut History| {
        history.received.push(Received { digest: Digest([7; 32]), begun: 1, ended: 2 });
    });
}

#[test]
fn a_watch_that_goes_back_or_says_it_twice() {
    sees!(Wrong::WentBack { before: 5, seq: 4, .. }, |history: &mut History| {
        history.heard[0].updates.swap(0, 1);
    });
    sees!(Wrong::WentBack { before: 8, seq: 7, .. }, |history: &mut History| history.heard[1].from = 8);
    sees!(Wrong::Double { seq: 5, .. }, |history: &mut History| {
        let again = history.heard[0].updates[1];
        history.heard[0].updates.push(again);
    });
    sees!(Wrong::Double { seq: 7, .. }, |history: &mut History| history.heard[1].updates[0].doubles = 1);
}

#[test]
fn a_watch_that_leaves_something_out() {
    sees!(Wrong::Gap { seq: 7, .. }, |history: &mut History| {
        drop(history.heard[1].screen.pop_last());
    });
    // The line before was shown the fifth, and the next goes on as if it had been shown the sixth.
    sees!(Wrong::Gap { seq: 7, .. }, |history: &mut History| {
        history.heard[1].screen = history.heard[0].screen.clone();
    });
}

#[test]
fn a_watch_that_showed_what_a_crash_undid() {
    sees!(Wrong::Ahead { seq: 8, head: 7, .. }, |history: &mut History| history.heard[1].updates[0].seq = 8);
    sees!(Wrong::Undone { head: 4, known: 5, .. }, |history: &mut History| {
        let at = history.heard[0].updates[1].at + 1;
        (history.lives[1].at, history.lives[1].head) = (at, 4);
        history.lives[1].facts = prefix(&history.facts[..4]);
        (history.calls[3].answer, history.calls[3].ended) = (Answer::Unknown, NEVER);
    });
}

#[test]
fn a_gate_that_two_came_through() {
    let left = |from, to| What::StageLeft { song: SONG, from, to, version: VersionId(3) };
    let with = |more: Vec<What>| {
        wrong_with(|history: &mut History| {
            let at = Time(0x600);
            let event = |fact| Event { at, by: None, fact };
            let fact = |fact| Fact { command: 0x900, sha256: [9; 32], event: event(fact) };
            history.facts.extend(more.into_iter().map(fact));
        })
    };
    let (recording, mixing, mastering) = (Stage::Recording, Stage::Mixing, Stage::Mastering);
    fine(with(vec![left(recording, mixing), left(mixing, mastering)]));
    let twice = with(vec![left(recording, mixing), left(recording, mixing)]);
    assert!(matches!(twice[..], [Wrong::TwoWinners { seq: 9, .. }]), "{twice:?}");
    let back = What::HandoffReturned { song: SONG, reason: "x".into(), items: Vec::new() };
    let again = vec![left(recording, mixing), left(mixing, mastering), back, left(mixing, mastering)];
    fine(with(again));
}

#[test]
fn a_screen_counts_what_comes_twice_and_waits_for_the_last_piece() {
    let row = |key: &str, song: &str| deadwax_proto::v1::Row {
        key: key.into(),
        row: Some(deadwax_proto::v1::row::Row::Song(deadwax_proto::v1::SongRow {
            song_id: song.into(),
            ..Default::default()
        })),
    };
    let update = |seq, snapshot, upserts: Vec<_>| deadwax_proto::v1::Update {
        seq,
        snapshot,
        upserts,
        removals: Vec::new(),
    };
    let mut screen = Screen::default();
    assert!(screen.take(1, update(0, true, vec![row("a", "1")])).is_none());
    assert!(screen.rows.is_empty(), "half a snapshot is none");
    let whole = screen.take(2, update(3, false, vec![row("b", "1")])).unwrap();
    assert!((whole.whole, whole.seq, whole.doubles, screen.rows.len()) == (true, 3, 0, 2));
    assert!(screen.take(3, update(3, false, vec![row("a", "2")])).is_none());
    screen.cut();
    assert!(screen.rows["a"] == row("a", "1"), "half an update is none");
    let again = screen.take(4, update(4, false, vec![row("b", "1"), row("a", "2")])).unwrap();
    assert_eq!((again.whole, again.doubles, again.empty), (false, 1, false));
    let quiet = screen.take(5, update(4, false, Vec::new())).unwrap();
    assert!(quiet.empty && quiet.seq == 4);
}
