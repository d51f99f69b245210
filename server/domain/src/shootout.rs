//! Shootouts: several mix engineers mix one song, each in a numbered line of their own; people compare blind and vote; one is picked, the others are kept and
//! closed with thanks. Never here: how mixes are compared by ear.

use std::collections::BTreeSet;

use crate::{
    Actor, Command, Fact, PersonId, Project, Reason, Refusal, Role, ShootoutId, Song, SongId, Stage, Time,
    Version, VersionId, VersionKind,
    asker::{Asker, either, free_id},
    decide::{Ruling, Touched, misrouted},
    limits,
    refusal::no,
    revision, text, version,
};

/// Who compares and says so. Whoever decides may vote as well.
pub(crate) const VOTERS: [Role; 3] = [Role::Artist, Role::Producer, Role::Label];
/// Who decides where no label is a member.
const WITHOUT_LABEL: [Role; 3] = [Role::Producer, Role::Artist, Role::Manager];

/// A line of mixes, from 1: A, B, ... A song's later shootouts go on where the letters ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(pub u8);

impl Line {
    /// A to Z, then AA, AB ...
    pub fn letter(self) -> String {
        let letter = |index: u8| char::from(b'A' + index % 26);
        match self.0.saturating_sub(1) {
            index @ 0..=25 => letter(index).to_string(),
            index => format!("{}{}", letter(index / 26 - 1), letter(index)),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Shootout {
    pub id: ShootoutId,
    pub song: SongId,
    pub opened_at: Time,
    pub opened_by: Option<PersonId>,
    /// Whose line is whose stays hidden until the pick.
    pub blind: bool,
    pub lines: Vec<(Line, PersonId)>,
    /// The newest of each person and role.
    pub votes: Vec<Vote>,
    pub picked: Option<Picked>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    pub by: PersonId,
    pub role: Role,
    pub ranking: Vec<VersionId>,
    pub blind: bool,
    pub matched_lufs: f64,
    pub reason: String,
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Picked {
    pub version: VersionId,
    pub by: PersonId,
    pub role: Role,
    pub reason: String,
    pub at: Time,
}

impl Shootout {
    pub fn line_of(&self, person: PersonId) -> Option<Line> {
        self.lines.iter().find(|(_, entrant)| *entrant == person).map(|(line, _)| *line)
    }

    pub fn engineer_of(&self, line: Line) -> Option<PersonId> {
        self.lines.iter().find(|(of, _)| *of == line).map(|(_, person)| *person)
    }
}

impl Project {
    /// The newest of the song, open or decided.
    pub fn shootout(&self, song: SongId) -> Option<&Shootout> {
        self.songs.get(song)?.shootouts.last()
    }

    /// Mixes compete now.
    pub fn open_shootout(&self, song: SongId) -> Option<&Shootout> {
        self.shootout(song).filter(|shootout| shootout.picked.is_none())
    }

    /// The shootout that a line belongs or belonged to.
    pub fn shootout_of(&self, song: SongId, line: Line) -> Option<&Shootout> {
        self.songs.get(song)?.shootouts.iter().find(|shootout| shootout.engineer_of(line).is_some())
    }

    /// The open shootout that this version competes in.
    pub fn competes_in(&self, version: &Version) -> Option<&Shootout> {
        let line = version.line?;
        self.open_shootout(version.song).filter(|open| open.engineer_of(line).is_some())
    }

    /// The newest mix of each line, in the order of the lines; lines without one are left out.
    pub fn newest_of_lines(&self, shootout: &Shootout) -> Vec<&Version> {
        shootout.lines.iter().filter_map(|(line, _)| self.newest_of_line(shootout.song, *line)).collect()
    }

    /// Whether what is said of a version still asks something of the song: it does not while its line competes, nor when another was picked.
    pub fn is_in_play(&self, version: &Version) -> bool {
        let of_song = self.songs.get(version.song).and_then(|song| song.line);
        version.line.is_none() || (version.line == of_song && self.competes_in(version).is_none())
    }

    /// Another line was picked: the mix is kept, and closed with thanks.
    pub fn is_closed_with_thanks(&self, version: &Version) -> bool {
        !self.is_in_play(version) && self.competes_in(version).is_none()
    }

    /// Those who may pick: the label; where no label stands outside the competition, producer, artist and manager.
    pub fn deciders(&self, shootout: &Shootout) -> Vec<(PersonId, Role)> {
        let outside = |role: Role| {
            let holders = self.holders(role).filter(|person| shootout.line_of(*person).is_none());
            holders.map(move |person| (person, role))
        };
        let labels: Vec<_> = outside(Role::Label).collect();
        if !labels.is_empty() {
            return labels;
        }
        // The manager sees every line, even with one of their own.
        let managers = self.holders(Role::Manager).map(|person| (person, Role::Manager));
        outside(Role::Producer).chain(outside(Role::Artist)).chain(managers).collect()
    }

    /// Nobody who could still enter a mix is there, and none was entered: nothing can come of it any more.
    pub fn is_deserted(&self, shootout: &Shootout) -> bool {
        let there = |person: PersonId| self.holds_role(person, Role::MixEngineer);
        self.newest_of_lines(shootout).is_empty() && !shootout.lines.iter().any(|(_, person)| there(*person))
    }
}

/// Refuses while mixes compete. `doing`: "approve".
pub(crate) fn must_be_closed(project: &Project, song: SongId, doing: &str) -> Result<(), Refusal> {
    if project.open_shootout(song).is_none() {
        return Ok(());
    }
    let text = format!("You cannot {doing} a mix of {} while mixes compete for it.", project.song_name(song));
    no(Reason::ShootoutOpen, text, "Compare them and vote, or wait for the pick; notes go on.")
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::OpenShootout { shootout, song, entrants, blind } => {
            open(&asker, (*shootout, *song), entrants, *blind)
        }
        Command::CastVote { song, role, ranking, blind, matched_lufs, reason } => {
            asker.must_hold(&VOTERS, "vote in a shootout")?;
            asker.must_speak_as(*role)?;
            if !VOTERS.contains(role) {
                let text = format!("The {role} does not vote in a shootout.");
                return no(Reason::NotYourRole, text, "Vote as artist, producer or label.");
            }
            let shootout = undecided(&asker, *song)?;
            if shootout.line_of(asker.id).is_some() {
                let text = "You have a line of your own in this shootout; you do not vote in it.";
                return no(Reason::NotYourRole, text, "Leave the comparison to the others.");
            }
            let ranking = sound_ranking(&asker, shootout, ranking)?;
            if !(-100.0..=0.0).contains(matched_lufs) {
                let text = "The level at which the mixes were compared is none.";
                return no(Reason::RuleInvalid, text, "Give it in LUFS, or 0 where they were not matched.");
            }
            Ok(Ruling::fact(Fact::VoteCast {
                song: *song,
                role: *role,
                ranking,
                blind: *blind,
                matched_lufs: *matched_lufs,
                reason: text::optional("The reason", reason)?,
            }))
        }
        Command::PickMix { .. } => pick(&asker, command),
        _ => misrouted(),
    }
}

fn open(
    asker: &Asker<'_>,
    (shootout, song): (ShootoutId, SongId),
    entrants: &[PersonId],
    blind: bool,
) -> Result<Ruling, Refusal> {
    let project = asker.project;
    asker.must_hold(&[Role::Manager, Role::Producer, Role::Label], "open a shootout")?;
    let of = asker.song(song)?;
    version::must_be_in_stage(of, VersionKind::Mix)?;
    if project.open_shootout(song).is_some_and(|open| !project.is_deserted(open)) {
        let text = format!("Mixes of \"{}\" compete already.", of.title);
        return no(Reason::ShootoutOpen, text, "Pick one of them first.");
    }
    let mut known = project.songs.values().flat_map(|song| &song.shootouts);
    free_id(known.any(|earlier| earlier.id == shootout))?;
    limits::room(of.shootouts.len(), limits::SHOOTOUTS_PER_SONG_MAX, "shootouts of this song")?;
    limits::at_most(entrants.len(), limits::SHOOTOUT_ENTRANTS_MAX, "entrants")?;
    for person in entrants {
        if !project.members.contains(*person) {
            let text = "One of the entrants is not a member of this project.";
            return no(Reason::NoSuchPerson, text, "Ask the manager to add them as mix engineer first.");
        }
        if !project.holds_role(*person, Role::MixEngineer) {
            let text = "One of the entrants does not hold the role mix engineer here.";
            return no(
                Reason::RuleInvalid,
                text,
                "Ask the manager to give them the role, or leave them out.",
            );
        }
    }
    let distinct: BTreeSet<_> = entrants.iter().collect();
    if distinct.len() != entrants.len() {
        let text = "Somebody would compete with themselves: an entrant is named twice.";
        return no(Reason::RuleInvalid, text, "Name each of them once.");
    }
    if distinct.len() < 2 {
        let text = format!("A shootout needs two mix engineers; {} was given.", distinct.len());
        return no(Reason::RuleInvalid, text, "Name at least two members who hold the role mix engineer.");
    }
    Ok(Ruling::fact(Fact::ShootoutOpened { shootout, song, entrants: entrants.to_vec(), blind }))
}

/// The shootout that is still to be decided.
fn undecided<'a>(asker: &Asker<'a>, song: SongId) -> Result<&'a Shootout, Refusal> {
    let of: &Song = asker.song(song)?;
    let Some(shootout) = asker.project.shootout(song) else {
        let text = format!("No mixes compete for \"{}\".", of.title);
        let hint =
            "A shootout is opened by the manager, a producer or the label while the song is in mixing.";
        return no(Reason::NoShootout, text, hint);
    };
    let Some(picked) = &shootout.picked else { return Ok(shootout) };
    let name = asker.project.version_name(picked.version);
    let who = if picked.by == asker.id { "you".to_owned() } else { format!("the {}", picked.role) };
    let text = format!("{name} was picked already, by {who}.");
    no(
        Reason::ShootoutDecided,
        text,
        "Look at the mix that was picked; as long as the song is in mixing, another shootout can be opened.",
    )
}

/// The newest mix of one of the lines, as far as the asker sees them.
fn competing<'a>(asker: &Asker<'a>, shootout: &Shootout, id: VersionId) -> Result<&'a Version, Refusal> {
    let version = asker.version(id)?;
    let line = version.line.filter(|line| shootout.engineer_of(*line).is_some());
    let Some(line) = line.filter(|_| version.song == shootout.song) else {
        let text = format!("{} does not compete here.", version.name());
        return no(Reason::NoSuchVersion, text, "Name the newest mix of one of the lines.");
    };
    match asker.project.newest_of_line(shootout.song, line) {
        Some(newest) if newest.id != version.id => {
            let text = format!("{} has taken the place of {}.", newest.name(), version.name());
            no(Reason::VersionSuperseded, text, format!("Listen to {}.", newest.name()))
        }
        _ => Ok(version),
    }
}

fn sound_ranking(
    asker: &Asker<'_>,
    shootout: &Shootout,
    ranking: &[VersionId],
) -> Result<Vec<VersionId>, Refusal> {
    if ranking.is_empty() {
        return no(Reason::RuleInvalid, "The vote names no mix.", "Name at least the one that is best.");
    }
    limits::at_most(ranking.len(), limits::SHOOTOUT_ENTRANTS_MAX, "mixes")?;
    let mut lines = BTreeSet::new();
    for id in ranking {
        let version = competing(asker, shootout, *id)?;
        if !lines.insert(version.line) {
            let text = format!("{} is named twice.", version.name());
            return no(Reason::RuleInvalid, text, "Name one mix of each line.");
        }
    }
    Ok(ranking.to_vec())
}

/// What still asked for another mix is answered by the one that is picked.
fn pick(asker: &Asker<'_>, command: &Command) -> Result<Ruling, Refusal> {
    let Command::PickMix { song, version, role, fingerprint, reason } = command else { return misrouted() };
    let project = asker.project;
    let may: Vec<Role> = std::iter::once(Role::Label).chain(WITHOUT_LABEL).collect();
    asker.must_hold(&may, "pick a mix")?;
    asker.must_speak_as(*role)?;
    let shootout = undecided(asker, *song)?;
    let deciders = project.deciders(shootout);
    if !deciders.contains(&(asker.id, *role)) {
        let roles: BTreeSet<Role> = deciders.iter().map(|(_, role)| *role).collect();
        let text = format!("As {role} you do not pick the mix: that is for the {}.", either(&roles));
        return no(Reason::NotYourRole, text, "Vote, and tell them which one is yours.");
    }
    let version = competing(asker, shootout, *version)?;
    if *fingerprint != version.fingerprint {
        let text = format!("{} does not hold the files that you saw.", version.name());
        return no(Reason::FingerprintDiffers, text, "Listen to it again, then pick what is there now.");
    }
    let own = shootout.line_of(asker.id) == version.line;
    let allowed = project.gate(Stage::Mixing).and_then(|gate| gate.self_approval);
    if own && !allowed.unwrap_or(project.terms.self_approval) {
        let text = format!("{} is your own mix; somebody else has to pick it.", version.name());
        return no(Reason::SelfApproval, text, "The manager may allow self-approval in the terms.");
    }
    let fact = Fact::MixPicked {
        song: *song,
        version: version.id,
        role: *role,
        reason: text::optional("The reason", reason)?,
    };
    Ok(Ruling {
        facts: vec![fact],
        consequences: revision::answered(project, *song, VersionKind::Mix, version.id),
        touched: Touched::Song(*song),
    })
}

/// May this person compare what competes? Who has a line in it sees that one alone, so that nobody mixes against what they have heard.
pub(crate) fn sees_all_lines(project: &Project, person: PersonId, shootout: &Shootout) -> bool {
    let Some(roles) = project.roles_of(person) else { return false };
    let outside = [Role::Artist, Role::Producer, Role::Label, Role::MasteringEngineer];
    let compares = outside.iter().any(|role| roles.contains(role));
    roles.contains(&Role::Manager) || (compares && shootout.line_of(person).is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Alternate, Digest, NoteId, Roles, testing::*};

    const SECOND: PersonId = PersonId(8);
    const THIRD: PersonId = PersonId(9);
    const MAIN: Alternate = Alternate::Main;

    fn open_with(id: u128, entrants: &[PersonId], blind: bool) -> Command {
        Command::OpenShootout { shootout: ShootoutId(id), song: SONG, entrants: entrants.to_vec(), blind }
    }

    fn vote(ranking: &[u128]) -> Command {
        Command::CastVote {
            song: SONG,
            role: Role::Artist,
            ranking: ranking.iter().map(|id| VersionId(*id)).collect(),
            blind: true,
            matched_lufs: -16.0,
            reason: String::new(),
        }
    }

    fn pick_as(given: &Given, version: u128, role: Role) -> Command {
        let known = given.project.versions.get(VersionId(version));
        Command::PickMix {
            song: SONG,
            version: VersionId(version),
            role,
            fingerprint: known.map_or(digest(0), |version| version.fingerprint),
            reason: "It breathes.".to_owned(),
        }
    }

    fn mix(id: u128, file: u8) -> Command {
        add_version(id, VersionKind::Mix, &[(MAIN, file)])
    }

    fn member(id: PersonId, roles: &[Role]) -> Command {
        Command::AddMember { person: id, roles: roles.iter().copied().collect() }
    }

    /// Mix 1 is there, a second mix engineer has joined, and both compete blind: A is MIXER's line, B SECOND's.
    fn opened() -> Given {
        let given = Given::mixed().and(person(OWNER), member(SECOND, &[Role::MixEngineer]));
        given.and(person(OWNER), open_with(1, &[MIXER, SECOND], true))
    }

    /// Mix A 1 (version 11) and Mix B 1 (version 12).
    fn competing() -> Given {
        opened().and(person(MIXER), mix(11, 3)).and(person(SECOND), mix(12, 4))
    }

    #[test]
    fn a_shootout_needs_two_mix_engineers_and_a_song_in_mixing() {
        let given = Given::mixed().and(person(OWNER), member(SECOND, &[Role::MixEngineer]));
        let both = [MIXER, SECOND];
        given.when(person(ARTIST), open_with(1, &both, false)).refused(Reason::NotYourRole);
        given.when(person(OWNER), open_with(1, &[MIXER], false)).refused(Reason::RuleInvalid);
        given.when(person(OWNER), open_with(1, &[MIXER, MIXER], false)).refused(Reason::RuleInvalid);
        given.when(person(OWNER), open_with(1, &[MIXER, ARTIST], false)).refused(Reason::RuleInvalid);
        given.when(person(OWNER), open_with(1, &[MIXER, STRANGER], false)).refused(Reason::NoSuchPerson);
        given.when(person(LABEL), open_with(1, &both, true)).facts(&["SHOOTOUT_OPENED"]);
        let open = opened();
        open.when(person(LABEL), open_with(2, &both, true)).refused(Reason::ShootoutOpen);
        let early = Given::studio().and(person(OWNER), member(SECOND, &[Role::MixEngineer]));
        early.when(person(OWNER), open_with(1, &both, false)).refused(Reason::WrongStage);
    }

    #[test]
    fn each_engineer_mixes_in_a_line_of_their_own_and_nothing_is_signed_meanwhile() {
        let given = competing();
        let names: Vec<_> = given.project.versions_of(SONG).map(Version::name).collect();
        assert_eq!(names, ["Take 1", "Mix 1", "Mix A 1", "Mix B 1"]);
        assert!(given.project.candidate(SONG).is_none());
        let given = given.and(person(OWNER), member(THIRD, &[Role::MixEngineer]));
        given.when(person(THIRD), mix(13, 5)).refused(Reason::NotYourRole);
        for version in [10, 11] {
            let approve = given.approve(version, Role::Artist);
            given.when(person(ARTIST), approve).refused(Reason::ShootoutOpen);
        }
        let forward = Command::PutForward { version: VersionId(10), reason: String::new() };
        given.when(person(MIXER), forward).refused(Reason::ShootoutOpen);
        let given = given.and(person(ARTIST), add_note(7, 11, false));
        let ask = Command::RequestRevision {
            request: crate::RequestId(1),
            version: VersionId(11),
            role: Role::Artist,
            message: String::new(),
            notes: vec![NoteId(7)],
            kind: crate::RevisionKind::Change,
            beyond_terms: false,
        };
        given.when(person(ARTIST), ask).refused(Reason::ShootoutOpen);
        let next = given.and(person(MIXER), mix(13, 5));
        let done = Command::AddressNote { note: NoteId(7), version: VersionId(13) };
        next.when(person(MIXER), done).facts(&["NOTE_ADDRESSED"]);
    }

    #[test]
    fn with_an_earlier_mix_one_may_enter() {
        let same = add_version(11, VersionKind::Mix, &[(MAIN, 1), (Alternate::Instrumental, 2)]);
        let entered = opened().and(person(MIXER), same.clone());
        entered
            .when(
                person(MIXER),
                add_version(12, VersionKind::Mix, &[(MAIN, 1), (Alternate::Instrumental, 2)]),
            )
            .refused(Reason::SameFiles);
        // Nobody learns from a refusal what the other line holds.
        let Command::AddVersion { song, kind, title, changelog, files, .. } = same else { return };
        let version = VersionId(12);
        let same = Command::AddVersion { version, song, kind, title, changelog, files };
        entered.when(person(SECOND), same).facts(&["VERSION_ADDED"]);
    }

    #[test]
    fn votes_rank_the_newest_of_different_lines_and_the_last_word_of_a_person_counts() {
        let given = competing();
        given.when(person(MIXER), vote(&[11])).refused(Reason::NotYourRole);
        given.when(person(ARTIST), vote(&[])).refused(Reason::RuleInvalid);
        given.when(person(ARTIST), vote(&[10])).refused(Reason::NoSuchVersion);
        given.when(person(ARTIST), vote(&[99])).refused(Reason::NoSuchVersion);
        given.when(person(ARTIST), vote(&[11, 11])).refused(Reason::RuleInvalid);
        let mut loud = vote(&[11]);
        if let Command::CastVote { matched_lufs, .. } = &mut loud {
            *matched_lufs = f64::NAN;
        }
        given.when(person(ARTIST), loud).refused(Reason::RuleInvalid);
        let given = given.and(person(ARTIST), vote(&[11, 12])).and(person(ARTIST), vote(&[12, 11]));
        let votes = &given.project.shootout(SONG).unwrap().votes;
        assert_eq!(votes.len(), 1);
        assert_eq!(votes[0].ranking, [VersionId(12), VersionId(11)]);
        let newer = given.and(person(MIXER), mix(13, 5));
        newer.when(person(ARTIST), vote(&[11])).refused(Reason::VersionSuperseded);
        Given::mixed().when(person(ARTIST), vote(&[10])).refused(Reason::NoShootout);
    }

    #[test]
    fn an_entrant_who_is_an_artist_too_does_not_vote() {
        let roles = Roles::from([Role::MixEngineer, Role::Artist]);
        let given = competing().and(person(OWNER), Command::ChangeRoles { person: SECOND, roles });
        given.when(person(SECOND), vote(&[12])).refused(Reason::NotYourRole);
        given.when(person(SECOND), vote(&[11])).refused(Reason::NotYourRole);
    }

    #[test]
    fn two_labels_deciding_at_once_are_told_what_was_picked() {
        let other = PersonId(11);
        let given = competing().and(person(OWNER), member(other, &[Role::Label]));
        let mut stale = pick_as(&given, 12, Role::Label);
        if let Command::PickMix { fingerprint, .. } = &mut stale {
            *fingerprint = Digest([7; 32]);
        }
        given.when(person(LABEL), stale).refused(Reason::FingerprintDiffers);
        given.when(person(LABEL), pick_as(&given, 10, Role::Label)).refused(Reason::NoSuchVersion);
        given.when(person(ARTIST), pick_as(&given, 12, Role::Artist)).refused(Reason::NotYourRole);
        given.when(person(OWNER), pick_as(&given, 12, Role::Manager)).refused(Reason::NotYourRole);
        given.when(person(LABEL), pick_as(&given, 12, Role::Label)).facts(&["MIX_PICKED"]);
        let picked = given.clone().and(person(LABEL), pick_as(&given, 12, Role::Label));
        let refusal = picked.when(person(other), pick_as(&given, 11, Role::Label)).0.unwrap_err();
        assert_eq!(refusal.reason, Reason::ShootoutDecided);
        assert_eq!(refusal.text, "Mix B 1 was picked already, by the label.");
        picked.when(person(ARTIST), vote(&[11])).refused(Reason::ShootoutDecided);
    }

    #[test]
    fn after_the_pick_its_line_goes_on_and_the_others_are_kept() {
        let given = competing();
        let given = given.clone().and(person(LABEL), pick_as(&given, 12, Role::Label));
        assert_eq!(given.project.candidate(SONG).unwrap().id, VersionId(12));
        let of = |id| given.project.versions.get(VersionId(id)).unwrap();
        assert!(given.project.is_closed_with_thanks(of(11)) && !given.project.is_closed_with_thanks(of(12)));
        given.when(person(ARTIST), given.approve(11, Role::Artist)).refused(Reason::VersionSuperseded);
        let forward = Command::PutForward { version: VersionId(11), reason: String::new() };
        given.when(person(MIXER), forward).refused(Reason::VersionSuperseded);
        // Whoever mixes on, mixes on in the picked line.
        let given = given.and(person(MIXER), mix(13, 5));
        assert_eq!(given.project.candidate(SONG).unwrap().name(), "Mix B 2");
        // Another shootout takes new letters, and its pick counts.
        let again = given.and(person(OWNER), open_with(2, &[SECOND, MIXER], false));
        let again = again.and(person(MIXER), mix(14, 6)).and(person(SECOND), mix(15, 7));
        assert_eq!(again.project.version_name(VersionId(14)), "Mix D 1");
        let done = again.clone().and(person(LABEL), pick_as(&again, 14, Role::Label));
        assert_eq!(done.project.candidate(SONG).unwrap().id, VersionId(14));
        let passed = done.approved(ARTIST, 14, Role::Artist).approved(LABEL, 14, Role::Label);
        assert_eq!(passed.stage(), Stage::Mastering);
    }

    #[test]
    fn notes_on_mixes_that_compete_or_lost_do_not_keep_the_gate_shut() {
        let given = competing().and(person(ARTIST), add_note(7, 11, false));
        assert_eq!(given.project.open_notes(SONG).count(), 0, "no count tells of a line");
        let lost = given.clone().and(person(LABEL), pick_as(&given, 12, Role::Label));
        assert_eq!(lost.project.open_notes(SONG).count(), 0);
        let passed = lost.approved(ARTIST, 12, Role::Artist).approved(LABEL, 12, Role::Label);
        assert_eq!(passed.stage(), Stage::Mastering);
        let won = given.clone().and(person(LABEL), pick_as(&given, 11, Role::Label));
        assert_eq!(won.project.open_notes(SONG).count(), 1);
    }

    #[test]
    fn nobody_picks_their_own_mix_unless_the_terms_allow_it() {
        let roles = Roles::from([Role::MixEngineer, Role::Manager]);
        let given = competing().and(person(OWNER), Command::ChangeRoles { person: SECOND, roles });
        let given = given.and(person(OWNER), Command::RemoveMember { person: LABEL });
        given.when(person(SECOND), pick_as(&given, 12, Role::Manager)).refused(Reason::SelfApproval);
        given.when(person(SECOND), pick_as(&given, 11, Role::Manager)).facts(&["MIX_PICKED"]);
        let solo = given.and(person(OWNER), set_terms(true));
        solo.when(person(SECOND), pick_as(&solo, 12, Role::Manager)).facts(&["MIX_PICKED"]);
    }

    #[test]
    fn without_a_label_outside_the_competition_others_decide() {
        let given = competing().and(person(OWNER), Command::RemoveMember { person: LABEL });
        given.when(person(ARTIST), pick_as(&given, 12, Role::Artist)).facts(&["MIX_PICKED"]);
        let roles = Roles::from([Role::MixEngineer, Role::Label]);
        let given = given.and(person(OWNER), Command::ChangeRoles { person: SECOND, roles });
        given.when(person(SECOND), pick_as(&given, 12, Role::Label)).refused(Reason::NotYourRole);
        given.when(person(ARTIST), pick_as(&given, 12, Role::Artist)).facts(&["MIX_PICKED"]);
    }

    #[test]
    fn who_leaves_leaves_their_line_behind() {
        let given = competing().and(person(OWNER), Command::RemoveMember { person: SECOND });
        given.when(person(LABEL), pick_as(&given, 12, Role::Label)).facts(&["MIX_PICKED"]);
        // Where all left without a mix, nothing is left to decide: another shootout may begin.
        let empty = opened().and(person(OWNER), Command::RemoveMember { person: SECOND });
        empty.when(person(OWNER), open_with(2, &[MIXER, SECOND], true)).refused(Reason::ShootoutOpen);
        let empty = empty.and(person(OWNER), Command::RemoveMember { person: MIXER });
        let empty = empty
            .and(person(OWNER), member(THIRD, &[Role::MixEngineer]))
            .and(person(OWNER), member(PersonId(12), &[Role::MixEngineer]));
        let next = empty.and(person(OWNER), open_with(2, &[THIRD, PersonId(12)], true));
        assert_eq!(next.and(person(THIRD), mix(11, 3)).project.version_name(VersionId(11)), "Mix C 1");
    }

    #[test]
    fn what_still_asked_for_a_mix_is_answered_by_the_one_that_is_picked() {
        let ask = Command::RequestRevision {
            request: crate::RequestId(1),
            version: VersionId(10),
            role: Role::Artist,
            message: String::new(),
            notes: vec![NoteId(7)],
            kind: crate::RevisionKind::Change,
            beyond_terms: false,
        };
        let given = Given::mixed().and(person(ARTIST), add_note(7, 10, false)).and(person(ARTIST), ask);
        let given = given.and(person(OWNER), member(SECOND, &[Role::MixEngineer]));
        let given = given.and(person(OWNER), open_with(1, &[MIXER, SECOND], true));
        given.when(person(MIXER), mix(11, 3)).facts(&["VERSION_ADDED"]);
        let given = given.and(person(MIXER), mix(11, 3));
        let pick = pick_as(&given, 11, Role::Label);
        given.when(person(LABEL), pick).facts(&["MIX_PICKED", "REVISION_ANSWERED"]);
    }
}
