//! Versions: immutable, numbered per song and kind without gaps (P-1), named by the fingerprint of their exact files (P-2).

use sha2::{Digest as _, Sha256};

use crate::{
    Actor, Alternate, Command, Digest, Fact, File, Line, NewFile, PersonId, Project, Reason, ReceivedFile,
    Refusal, RenderId, Role, Song, SongId, Time, VersionId, VersionKind,
    asker::{Asker, free_id},
    audience,
    decide::{Ruling, Touched, misrouted},
    limits,
    refusal::no,
    revision, shootout, text,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub id: VersionId,
    pub song: SongId,
    pub kind: VersionKind,
    pub number: u32,
    pub title: String,
    pub changelog: String,
    /// The Main first, then by alternate, then as sent.
    pub files: Vec<File>,
    pub fingerprint: Digest,
    /// Who uploaded it; `None` for a render's master, which nobody uploaded.
    pub by: Option<PersonId>,
    pub at: Time,
    pub render: Option<RenderId>,
    /// Where mixes compete or competed.
    pub line: Option<Line>,
}

impl Version {
    /// "Mix 2", "Mix A 1".
    pub fn name(&self) -> String {
        match self.line {
            None => format!("{} {}", self.kind, self.number),
            Some(line) => format!("{} {} {}", self.kind, line.letter(), self.number),
        }
    }

    /// The Main (of a master, its first encoding).
    pub fn main(&self) -> Option<&File> {
        self.files.iter().find(|file| file.alternate == Alternate::Main)
    }
}

/// The name of an exact set of files (P-2): SHA-256 over this text, which anybody can write with a shell and `sha256sum`:
/// the line `deadwax-fingerprint-1`, then for each file its alternate's token, one space and its SHA-256 in lower-case hex;
/// these lines sorted by their bytes; every line ended by one line feed.
pub fn fingerprint<'f>(files: impl IntoIterator<Item = &'f File>) -> Digest {
    let mut lines: Vec<String> =
        files.into_iter().map(|file| format!("{} {}\n", file.alternate, file.digest)).collect();
    lines.sort_unstable();
    let mut hash = Sha256::new();
    hash.update(b"deadwax-fingerprint-1\n");
    lines.iter().for_each(|line| hash.update(line.as_bytes()));
    Digest(hash.finalize().into())
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::ReceiveFile { file } => receive(&asker, file),
        Command::AddVersion { version, song, kind, title, changelog, files } => {
            let song = asker.song(*song)?;
            asker.must_hold(makers(*kind), &format!("add a {}", kind.to_string().to_lowercase()))?;
            must_be_in_stage(song, *kind)?;
            free_id(project.versions.contains(*version))?;
            let title = if title.trim().is_empty() { String::new() } else { text::name("The title", title)? };
            let changelog = text::optional("The changelog", changelog)?;
            let files = received(project, files)?;
            let added = Draft {
                id: *version,
                kind: *kind,
                title,
                changelog,
                files,
                render: None,
                line: line_of(&asker, song, *kind)?,
            };
            let fact = added.into_fact(project, song)?;
            refuse_same_files(project, song.id, &fact)?;
            // A render that runs goes on: both masters stand side by side, and what a person chose stays forward (`render::complete`).
            let consequences = revision::answered_by(project, song.id, &fact);
            Ok(Ruling { facts: vec![fact], consequences, touched: Touched::Song(song.id) })
        }
        Command::PutForward { version, reason } => {
            let version = asker.version(*version)?;
            let doing = format!("put a {} forward", version.kind.to_string().to_lowercase());
            asker.must_hold(makers(version.kind), &doing)?;
            may_be_forward(project, asker.song(version.song)?, version)?;
            let reason = match project.came_back(version) {
                Some(_) => text::required("The reason", reason)?,
                None => text::optional("The reason", reason)?,
            };
            let fact = Fact::PutForward { version: version.id, reason };
            // Approvals that it was given may count again, and meet its gate.
            Ok(Ruling::fact(fact).touching(Touched::Song(version.song)))
        }
        _ => misrouted(),
    }
}

/// Of the present stage, of the line that was picked, of the present mix.
fn may_be_forward(project: &Project, song: &Song, version: &Version) -> Result<(), Refusal> {
    let name = version.name();
    must_be_in_stage(song, version.kind)?;
    if version.kind == VersionKind::Mix {
        shootout::must_be_closed(project, song.id, "put forward")?;
        if version.line != song.line {
            let text = format!("{name} does not stand in the line that was picked.");
            return no(Reason::VersionSuperseded, text, "Add a mix to that line, or open another shootout.");
        }
    }
    let place = song.versions.iter().position(|id| *id == version.id).unwrap_or(0);
    if version.kind == VersionKind::Master && place < song.versions_before_return {
        let text = format!("{name} was made of a mix that went back.");
        return no(Reason::VersionSuperseded, text, "Master the present mix.");
    }
    let is_candidate =
        project.newest(song.id, version.kind).is_some_and(|candidate| candidate.id == version.id);
    if is_candidate && project.came_back(version).is_none() {
        let text = format!("{name} is what the gate looks at already.");
        return no(Reason::NothingToChange, text, "There is nothing to do.");
    }
    Ok(())
}

/// The line that a new version of a song stands in: while mixes compete the asker's own, later the one that was picked.
fn line_of(asker: &Asker<'_>, song: &Song, kind: VersionKind) -> Result<Option<Line>, Refusal> {
    if kind != VersionKind::Mix {
        return Ok(None);
    }
    let Some(open) = asker.project.open_shootout(song.id) else { return Ok(song.line) };
    match open.lines.iter().find(|(_, person)| *person == asker.id) {
        Some((line, _)) => Ok(Some(*line)),
        None => {
            let text = "Mixes of other engineers compete for this song.";
            no(Reason::NotYourRole, text, "Ask whoever opened the shootout, or wait for the pick.")
        }
    }
}

impl Project {
    /// What the next version of a kind would be called, where no mixes compete: "Mix B 4".
    pub(crate) fn next_name(&self, song: SongId, kind: VersionKind) -> String {
        let line = self.songs.get(song).and_then(|song| song.line).filter(|_| kind == VersionKind::Mix);
        let number = self.next_number(song, kind, line);
        match line {
            None => format!("{kind} {number}"),
            Some(line) => format!("{kind} {} {number}", line.letter()),
        }
    }

    /// Whose turn it is where another mix is needed: of a line that was picked its engineer, else all who mix by trade.
    pub(crate) fn mixers_of(&self, song: SongId) -> Vec<PersonId> {
        let line = self.songs.get(song).and_then(|song| song.line);
        let picked = line.and_then(|line| self.shootout_of(song, line)?.engineer_of(line));
        match picked.filter(|person| self.holds_role(*person, Role::MixEngineer)) {
            Some(person) => vec![person],
            None => self.holders(Role::MixEngineer).collect(),
        }
    }
}

/// Who makes which kind.
pub fn makers(kind: VersionKind) -> &'static [Role] {
    match kind {
        VersionKind::Take => &[Role::Artist, Role::Producer, Role::MixEngineer],
        VersionKind::Mix => &[Role::MixEngineer, Role::Producer],
        VersionKind::Master => &[Role::MasteringEngineer],
    }
}

/// A repeated receipt of the same bytes is no refusal and no second fact: the upload was done.
fn receive(asker: &Asker<'_>, file: &ReceivedFile) -> Result<Ruling, Refusal> {
    if !audience::may_upload(asker.roles) {
        return no(
            Reason::NotYourRole,
            "A listener may not upload files.",
            "Ask the manager for another role.",
        );
    }
    if asker.project.received.contains(file.digest) {
        return Ok(Ruling::default());
    }
    limits::room(asker.project.received.len(), limits::RECEIVED_FILES_MAX, "files")?;
    let name = text::name("The file name", &file.name)?;
    let file = ReceivedFile { name, ..file.clone() };
    Ok(Ruling::fact(Fact::FileReceived { file }))
}

pub(crate) fn must_be_in_stage(song: &Song, kind: VersionKind) -> Result<(), Refusal> {
    if song.stage == kind.stage() {
        return Ok(());
    }
    let text = format!(
        "\"{}\" stands in {}; a {} belongs to {}.",
        song.title,
        song.stage,
        kind.to_string().to_lowercase(),
        kind.stage()
    );
    let hint = if song.stage < kind.stage() {
        "The gate of the present stage comes first."
    } else {
        "A song goes back to mixing when its handoff is returned or its mix is swapped."
    };
    no(Reason::WrongStage, text, hint)
}

fn received(project: &Project, files: &[NewFile]) -> Result<Vec<File>, Refusal> {
    limits::at_most(files.len(), limits::FILES_PER_VERSION_MAX, "files")?;
    let mut all = Vec::with_capacity(files.len());
    for file in files {
        let name = text::name("The file name", &file.name)?;
        let Some(have) = project.received.get(file.digest) else {
            let text = format!("The file \"{name}\" was not uploaded to this project.");
            return no(Reason::FileNotUploaded, text, "Upload it first, then add the version.");
        };
        all.push(File { alternate: file.alternate, digest: file.digest, name, facts: have.facts.clone() });
    }
    Ok(all)
}

/// A version about to be: what an upload and a finished render have in common.
pub(crate) struct Draft {
    pub id: VersionId,
    pub kind: VersionKind,
    pub title: String,
    pub changelog: String,
    pub files: Vec<File>,
    pub render: Option<RenderId>,
    pub line: Option<Line>,
}

impl Draft {
    pub fn into_fact(mut self, project: &Project, song: &Song) -> Result<Fact, Refusal> {
        limits::room(song.versions.len(), limits::VERSIONS_PER_SONG_MAX, "versions of this song")?;
        limits::at_most(self.files.len(), limits::FILES_PER_VERSION_MAX, "files")?;
        check_alternates(self.kind, &self.files)?;
        self.files.sort_by_key(|file| file.alternate);
        Ok(Fact::VersionAdded {
            version: self.id,
            song: song.id,
            kind: self.kind,
            number: project.next_number(song.id, self.kind, self.line),
            title: self.title,
            changelog: self.changelog,
            fingerprint: fingerprint(&self.files),
            files: self.files,
            render: self.render,
            line: self.line,
        })
    }
}

/// A Main, and each alternate once. A master may hold the same alternate in several encodings, each once.
fn check_alternates(kind: VersionKind, files: &[File]) -> Result<(), Refusal> {
    if !files.iter().any(|file| file.alternate == Alternate::Main) {
        let text = "A version needs a Main; none of the files is one.";
        return no(Reason::MainMissing, text, "Say which file is the main mix.");
    }
    let same = |a: &File, b: &File| {
        let encoding = |file: &File| {
            let facts = &file.facts;
            (facts.container.clone(), facts.codec.clone(), facts.sample_rate_hz, facts.bits, facts.float)
        };
        a.alternate == b.alternate && (kind != VersionKind::Master || encoding(a) == encoding(b))
    };
    for (at, file) in files.iter().enumerate() {
        if !file.alternate.is_sound() {
            let text = format!("The alternate of \"{}\" has a number that means nothing.", file.name);
            return no(Reason::RuleInvalid, text, "Steps go up to 24 dB; cuts and stems count from 1.");
        }
        if files[..at].iter().any(|other| same(other, file)) {
            let text = format!("Two files are the {}.", file.alternate.words());
            return no(Reason::AlternateTwice, text, "Leave one out, or say what else it is.");
        }
    }
    Ok(())
}

/// Of the same kind only: a song may pass through a stage unchanged (an unmastered release), but Mix 3 that is Mix 1 again is a slip.
/// Masters of a mix that came back are history and do not count; and with an earlier mix one may enter a shootout, whatever others enter with.
fn refuse_same_files(project: &Project, song: SongId, new: &Fact) -> Result<(), Refusal> {
    let Fact::VersionAdded { kind, fingerprint, line, .. } = new else { return Ok(()) };
    let Some(of) = project.songs.get(song) else { return Ok(()) };
    let skip = if *kind == VersionKind::Master { of.versions_before_return } else { 0 };
    let alike = |earlier: &&Version| {
        earlier.kind == *kind && earlier.line == *line && earlier.fingerprint == *fingerprint
    };
    let twin = project.versions_of(song).skip(skip).find(alike);
    match twin {
        None => Ok(()),
        Some(twin) => {
            let text = format!("These are exactly the files of {}.", twin.name());
            no(Reason::SameFiles, text, "Upload what changed, or put that version forward.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{received, *};

    const MAIN: Alternate = Alternate::Main;
    const INST: Alternate = Alternate::Instrumental;

    #[test]
    fn p1_numbers_of_a_kind_have_no_gaps() {
        let given = Given::mixed().and(person(MIXER), add_version(11, VersionKind::Mix, &[(MAIN, 3)]));
        let numbers: Vec<_> = given.project.versions_of(SONG).map(Version::name).collect();
        assert_eq!(numbers, ["Take 1", "Mix 1", "Mix 2"]);
    }

    /// The same figure by hand: printf 'deadwax-fingerprint-1\ninstrumental 0202..\nmain 0101..\n' | sha256sum
    #[test]
    fn p2_the_fingerprint_can_be_made_by_anybody() {
        let files = [file(MAIN, 1), file(INST, 2)];
        let text =
            format!("deadwax-fingerprint-1\ninstrumental {}\nmain {}\n", "02".repeat(32), "01".repeat(32));
        let by_hand: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        assert_eq!(fingerprint(&files), Digest(by_hand));
        assert_eq!(fingerprint(files.iter().rev()), Digest(by_hand), "the order does not matter");
        assert_ne!(fingerprint(&[file(MAIN, 2), file(INST, 1)]), Digest(by_hand), "who is what does");
    }

    #[test]
    fn p3_a_version_belongs_to_its_stage() {
        let given = Given::mixed();
        given
            .when(person(MASTERER), add_version(20, VersionKind::Master, &[(MAIN, 3)]))
            .refused(Reason::WrongStage);
        given
            .when(person(ARTIST), add_version(20, VersionKind::Take, &[(MAIN, 3)]))
            .refused(Reason::WrongStage);
    }

    #[test]
    fn a_version_is_one_main_and_each_alternate_once_of_files_received() {
        let given = Given::mixed();
        let mix =
            |files: &[(Alternate, u8)]| given.when(person(MIXER), add_version(11, VersionKind::Mix, files));
        mix(&[(MAIN, 200)]).refused(Reason::FileNotUploaded);
        mix(&[(INST, 3)]).refused(Reason::MainMissing);
        mix(&[]).refused(Reason::MainMissing);
        mix(&[(MAIN, 3), (MAIN, 4)]).refused(Reason::AlternateTwice);
        mix(&[(INST, 2), (MAIN, 1)]).refused(Reason::SameFiles);
        mix(&[(MAIN, 3), (Alternate::Cut(0), 4)]).refused(Reason::RuleInvalid);
        mix(&[(MAIN, 3); 65]).refused(Reason::LimitReached);
        mix(&[(MAIN, 3), (INST, 2)]).facts(&["VERSION_ADDED"]);
        given.when(person(MIXER), add_version(10, VersionKind::Mix, &[(MAIN, 3)])).refused(Reason::IdTaken);
        given
            .when(person(LABEL), add_version(11, VersionKind::Mix, &[(MAIN, 3)]))
            .refused(Reason::NotYourRole);
    }

    #[test]
    fn a_master_may_hold_the_main_in_several_encodings() {
        let cd = crate::AudioFacts { bits: 16, sample_rate_hz: 44_100, ..clean_facts() };
        let given = Given::mastering().and(person(MASTERER), Command::ReceiveFile { file: received(60, cd) });
        let master = |files: &[(Alternate, u8)]| {
            given.when(person(MASTERER), add_version(20, VersionKind::Master, files))
        };
        master(&[(MAIN, 3), (MAIN, 4)]).refused(Reason::AlternateTwice);
        master(&[(MAIN, 3), (MAIN, 60)]).facts(&["VERSION_ADDED"]);
    }

    fn forward(version: u128) -> Command {
        Command::PutForward { version: VersionId(version), reason: "The first one had it.".to_owned() }
    }

    #[test]
    fn an_earlier_mix_can_be_put_forward_and_its_approvals_count_again() {
        let given = Given::mixed().approved(ARTIST, 10, Role::Artist);
        given.when(person(MIXER), forward(10)).refused(Reason::NothingToChange);
        given.when(person(MIXER), forward(1)).refused(Reason::WrongStage);
        given.when(person(MASTERER), forward(1)).refused(Reason::NotYourRole);
        let given = given.and(person(MIXER), add_version(11, VersionKind::Mix, &[(MAIN, 3)]));
        given.when(person(LABEL), forward(10)).refused(Reason::NotYourRole);
        let back = given.clone().and(person(MIXER), forward(10));
        assert_eq!(back.project.candidate(SONG).unwrap().id, VersionId(10));
        assert_eq!(back.project.approvals_of(SONG).next().unwrap().1, crate::ApprovalState::Counts);
        back.when(person(LABEL), back.approve(11, Role::Label)).refused(Reason::VersionSuperseded);
        back.when(person(LABEL), back.approve(10, Role::Label)).facts(&[
            "APPROVED",
            "STAGE_LEFT",
            "HANDOFF_MADE",
            "RENDER_QUEUED",
        ]);
        // A newer one takes its place again.
        let newer = back.and(person(MIXER), add_version(12, VersionKind::Mix, &[(MAIN, 4)]));
        assert_eq!(newer.project.candidate(SONG).unwrap().id, VersionId(12));
        let left = Given::mastering();
        left.when(person(MIXER), forward(10)).refused(Reason::WrongStage);
    }

    #[test]
    fn what_is_put_forward_with_all_its_approvals_meets_its_gate_at_once() {
        let rule = crate::GateRule {
            open_notes_allowed: false,
            ..crate::GateRule::new(
                crate::Stage::Mixing,
                vec![crate::Need { any_of: crate::Roles::from([Role::Artist]), count: 1 }],
            )
        };
        let given = Given::mixed().and(person(OWNER), Command::SetGate { rule });
        // The open note keeps the gate shut, and is declined when a second mix stands before it.
        let given = given.and(person(ARTIST), add_note(7, 10, false)).approved(ARTIST, 10, Role::Artist);
        let given = given.and(person(MIXER), add_version(11, VersionKind::Mix, &[(MAIN, 3)]));
        let decline = Command::DeclineNote { note: crate::NoteId(7), reason: "No.".to_owned() };
        let given = given.and(person(MIXER), decline);
        assert_eq!(given.stage(), crate::Stage::Mixing);
        given.when(person(MIXER), forward(10)).facts(&[
            "PUT_FORWARD",
            "STAGE_LEFT",
            "HANDOFF_MADE",
            "RENDER_QUEUED",
        ]);
    }

    #[test]
    fn a_master_of_ones_own_stands_beside_the_automatic_one_and_stays_forward() {
        let given = Given::mastering();
        let render = given.project.queued_renders()[0].id;
        let given = given.and(Actor::Worker, lease(render));
        let own = given.and(person(MASTERER), add_version(21, VersionKind::Master, &[(MAIN, 3)]));
        assert!(own.project.renders.get(render).unwrap().is_alive());
        let own = own.approved(ARTIST, 21, Role::Artist);
        own.when(Actor::Worker, complete(render, 1, 20, 50)).facts(&[
            "RENDER_COMPLETED",
            "VERSION_ADDED",
            "PUT_FORWARD",
        ]);
        let both = own.and(Actor::Worker, complete(render, 1, 20, 50));
        let names: Vec<_> = both.project.versions_of(SONG).rev().take(2).map(Version::name).collect();
        assert_eq!(names, ["Master 2", "Master 1"]);
        assert_eq!(both.project.candidate(SONG).unwrap().id, VersionId(21));
        assert_eq!(both.project.approvals_of(SONG).next().unwrap().1, crate::ApprovalState::Counts);
        // The engineer chooses.
        let chosen = both.and(person(MASTERER), forward(20));
        assert_eq!(chosen.project.candidate(SONG).unwrap().id, VersionId(20));
        chosen.when(person(LABEL), chosen.approve(21, Role::Label)).refused(Reason::VersionSuperseded);
    }

    #[test]
    fn a_render_that_was_asked_for_after_an_own_master_takes_its_place() {
        let given =
            Given::mastered().and(person(MASTERER), add_version(21, VersionKind::Master, &[(MAIN, 3)]));
        let start = Command::StartRender { render: RenderId(5), song: SONG, recipe: None };
        let given = given.and(person(MASTERER), start).and(Actor::Worker, lease(RenderId(5)));
        let done = given.and(Actor::Worker, complete(RenderId(5), 1, 22, 51));
        assert_eq!(done.project.candidate(SONG).unwrap().id, VersionId(22));
    }

    #[test]
    fn masters_of_a_mix_that_went_back_stay_history() {
        let swap = Command::SwapMix { song: SONG, reason: "Wrong take.".to_owned() };
        let again = Command::PutForward { version: VersionId(10), reason: "It was right.".to_owned() };
        let given = Given::mastered().and(person(LABEL), swap).and(person(MIXER), again);
        let given = given.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
        given.when(person(MASTERER), forward(20)).refused(Reason::VersionSuperseded);
    }

    #[test]
    fn the_same_bytes_twice_are_one_fact_and_no_refusal() {
        let given = Given::studio();
        let file = received(1, clean_facts());
        given.when(person(ARTIST), Command::ReceiveFile { file: file.clone() }).facts(&[]);
        given.when(person(LISTENER), Command::ReceiveFile { file }).refused(Reason::NotYourRole);
    }
}
