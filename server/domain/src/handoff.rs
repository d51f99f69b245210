//! Handoffs: the approved mix on its way to mastering, accepted there or sent back with a reason.

use crate::{
    Actor, Alternate, Command, Digest, Fact, PersonId, Project, Reason, Refusal, Role, Says, Song, SongId,
    Stage, Time, Version, VersionId, VersionKind,
    asker::{self, Asker},
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
    render, text,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Handoff {
    pub version: VersionId,
    pub made_at: Time,
    pub state: HandoffState,
    /// Since when it is in this state.
    pub state_since: Time,
    /// Who accepted or returned it.
    pub by: Option<PersonId>,
    /// Where it was returned, or the mix was swapped.
    pub reason: String,
    pub items: Vec<ReturnItem>,
    pub package: Option<Package>,
}

/// What is wrong with one file of a handoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnItem {
    /// `None`: the handoff as a whole.
    pub alternate: Option<Alternate>,
    pub reason: String,
}

/// The handoff as one file, made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub digest: Digest,
    pub name: String,
    pub bytes: u64,
    pub made_at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoffState {
    Offered,
    Accepted,
    Returned,
}

const RETURNERS: [Role; 3] = [Role::MasteringEngineer, Role::Label, Role::Manager];
const SWAPPERS: [Role; 4] = [Role::MixEngineer, Role::Producer, Role::Label, Role::Manager];

impl Project {
    /// The mix that the gate of mixing would look at came back from mastering, and nobody put it forward again.
    pub fn came_back(&self, version: &Version) -> Option<(&Handoff, bool)> {
        let song = self.songs.get(version.song)?;
        let returned = song.returned.filter(|returned| returned.version == version.id)?;
        let handoff = song.handoff.as_ref().filter(|handoff| handoff.state == HandoffState::Returned)?;
        Some((handoff, returned.swapped))
    }

    /// Work for whoever makes packages: the newest handoff of each song, unless it came back or has its package.
    pub fn unpackaged(&self) -> Vec<(SongId, VersionId)> {
        let due = |song: &Song| {
            let handoff = song.handoff.as_ref().filter(|it| it.state != HandoffState::Returned)?;
            handoff.package.is_none().then_some((song.id, handoff.version))
        };
        self.songs_in_order().filter_map(due).collect()
    }
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    if let Command::RecordPackage { song, version, digest, name, bytes } = command {
        worker_only(actor)?;
        return package(asker::song(project, *song)?, *version, (*digest, name, *bytes));
    }
    let asker = Asker::of(project, actor)?;
    match command {
        Command::AcceptHandoff { song } => {
            asker.must_hold(&[Role::MasteringEngineer], "accept a handoff")?;
            if running(asker.song(*song)?)?.state == HandoffState::Accepted {
                let hint = "Master it, or return it with a reason.";
                return no(Reason::HandoffEnded, "The handoff was accepted already.", hint);
            }
            Ok(Ruling::fact(Fact::HandoffAccepted { song: *song }))
        }
        Command::ReturnHandoff { song, reason, items } => {
            asker.must_hold(&RETURNERS, "return a handoff")?;
            let handoff = running(asker.song(*song)?)?;
            let reason = text::required("The reason", reason)?;
            let items = sound_items(project, handoff, items)?;
            Ok(back(project, *song, Fact::HandoffReturned { song: *song, reason, items }))
        }
        Command::SwapMix { song, reason } => {
            asker.must_hold(&SWAPPERS, "swap the mix")?;
            must_be_in_mastering(asker.song(*song)?)?;
            let reason = text::required("The reason", reason)?;
            Ok(back(project, *song, Fact::MixSwapped { song: *song, reason }))
        }
        _ => misrouted(),
    }
}

/// "The vocal clips at 1:12; main: clips.": the reason and what is to be mended, as one line that ends in a full stop.
pub(crate) fn reasons(reason: &str, items: &[ReturnItem]) -> String {
    let of = |item: &ReturnItem| {
        let what = item.alternate.map_or_else(|| "as a whole".to_owned(), Alternate::words);
        format!("{what}: {}", text::one_line(&item.reason))
    };
    let all: Vec<String> = std::iter::once(text::one_line(reason)).chain(items.iter().map(of)).collect();
    let parts: Vec<&str> = all.iter().map(|one| one.trim_end_matches('.')).collect();
    format!("{}.", parts.join("; "))
}

/// Who sent it back, for a sentence: "mastering", "the label".
pub(crate) fn sender(project: &Project, handoff: &Handoff, swapped: bool) -> String {
    let by = handoff.by.and_then(|person| project.roles_of(person));
    let may: &[Role] = if swapped { &SWAPPERS } else { &RETURNERS };
    let role = may.iter().find(|role| by.is_some_and(|held| held.contains(role)));
    role.map_or_else(|| "somebody who left".to_owned(), |role| format!("the {role}"))
}

/// Back to mixing: what was rendered from the mix is waited for no more.
fn back(project: &Project, song: SongId, fact: Fact) -> Ruling {
    Ruling { facts: vec![fact], consequences: render::cancel_all(project, song), ..Ruling::default() }
}

/// Each speaks of a file that was handed over, once, and says why.
fn sound_items(
    project: &Project,
    handoff: &Handoff,
    items: &[ReturnItem],
) -> Result<Vec<ReturnItem>, Refusal> {
    limits::at_most(items.len(), limits::RETURN_ITEMS_MAX, "things to mend")?;
    let version = project.versions.get(handoff.version);
    let has = |wanted: Alternate| {
        version.is_some_and(|version| version.files.iter().any(|file| file.alternate == wanted))
    };
    let mut sound: Vec<ReturnItem> = Vec::with_capacity(items.len());
    for item in items {
        let what = item.alternate.map_or_else(|| "handoff as a whole".to_owned(), Alternate::words);
        if item.alternate.is_some_and(|alternate| !has(alternate)) {
            let text = format!(
                "{} was handed over without a file for: {what}.",
                project.version_name(handoff.version)
            );
            return no(
                Reason::NoSuchItem,
                text,
                "Name a file of the handoff, or say it of the handoff as a whole.",
            );
        }
        if sound.iter().any(|earlier| earlier.alternate == item.alternate) {
            let text = format!("Two reasons are given for the {what}.");
            return no(Reason::AlternateTwice, text, "Put them into one.");
        }
        let reason = text::required(&format!("The reason for the {what}"), &item.reason)?;
        sound.push(ReturnItem { alternate: item.alternate, reason });
    }
    Ok(sound)
}

fn worker_only(actor: &Actor) -> Result<(), Refusal> {
    if *actor == Actor::Worker {
        return Ok(());
    }
    let hint = "It is made by itself when a mix is handed over.";
    no(Reason::NotYourRole, "Only the house makes packages.", hint)
}

fn package(
    song: &Song,
    version: VersionId,
    (digest, name, bytes): (Digest, &str, u64),
) -> Result<Ruling, Refusal> {
    let throw_away = "Throw the package away.";
    let Some(handoff) = song.handoff.as_ref().filter(|handoff| handoff.version == version) else {
        let text = format!("That is not the mix of \"{}\" that was handed over last.", song.title);
        return no(Reason::NoHandoff, text, throw_away);
    };
    if handoff.state == HandoffState::Returned {
        return no(Reason::HandoffEnded, "The handoff came back meanwhile.", throw_away);
    }
    if handoff.package.is_some() {
        return no(Reason::NothingToChange, "The handoff has its package; it is made once.", throw_away);
    }
    let name = text::name("The name of the package", name)?;
    Ok(Ruling::fact(Fact::PackageMade { song: song.id, version, digest, name, bytes }))
}

/// What a swap would undo, told before it is done: "Swapping the mix ends 1 render, makes Master 1 and Master 2 history, spends 3 approvals and counts
/// as a return; mastering starts again."
pub fn swap_cost(project: &Project, song: SongId) -> String {
    cost("Swapping the mix", project, song)
}

/// The same of the return of a handoff.
pub fn return_cost(project: &Project, song: SongId) -> String {
    cost("Returning the handoff", project, song)
}

fn cost(doing: &str, project: &Project, song: SongId) -> String {
    let skip = project.songs.get(song).map_or(0, |song| song.versions_before_return);
    let masters = project.versions_of(song).skip(skip).filter(|version| version.kind == VersionKind::Master);
    let masters: Vec<String> = masters.map(Version::name).collect();
    let renders = project.renders_of(song).filter(|render| render.is_alive()).count();
    let approvals = project.approvals_of(song).filter(|(approval, _)| {
        let spent = matches!(approval.says, Says::Yes { .. }) && approval.stage >= Stage::Mixing;
        spent && approval.ended.is_none()
    });
    let mut undone = Vec::new();
    if renders > 0 {
        undone.push(format!("ends {}", text::plural(renders, "render")));
    }
    if !masters.is_empty() {
        undone.push(format!("makes {} history", text::list(&masters)));
    }
    let approvals = approvals.count();
    if approvals > 0 {
        undone.push(format!("spends {}", text::plural(approvals, "approval")));
    }
    undone.push("counts as a return".to_owned());
    format!("{doing} {}; mastering starts again.", text::list(&undone))
}

/// The handoff that mastering works from now.
fn running(song: &Song) -> Result<&Handoff, Refusal> {
    match &song.handoff {
        None => no(
            Reason::NoHandoff,
            format!("\"{}\" was not handed to mastering yet.", song.title),
            "The gate of mixing comes first.",
        ),
        Some(handoff) if handoff.state == HandoffState::Returned => no(
            Reason::HandoffEnded,
            format!("The handoff of \"{}\" was returned.", song.title),
            "The next one comes with the gate of mixing.",
        ),
        Some(_) if song.stage != Stage::Mastering => no(
            Reason::HandoffEnded,
            format!("\"{}\" has left mastering.", song.title),
            "What is signed and delivered stays; add the song again for another release.",
        ),
        Some(handoff) => Ok(handoff),
    }
}

fn must_be_in_mastering(song: &Song) -> Result<(), Refusal> {
    if song.stage == Stage::Mastering {
        return Ok(());
    }
    let text = format!("\"{}\" stands in {}; a mix is swapped in mastering.", song.title, song.stage);
    let hint = if song.stage < Stage::Mastering {
        "Add another mix: nothing has to be undone for it."
    } else {
        "What is signed and delivered stays; add the song again for another release."
    };
    no(Reason::WrongStage, text, hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ApprovalState, VersionKind, testing::*};

    fn back() -> Command {
        Command::ReturnHandoff {
            song: SONG,
            reason: "The vocal clips at 1:12.".to_owned(),
            items: Vec::new(),
        }
    }

    #[test]
    fn a_returned_mix_needs_new_signatures_and_its_masters_are_history() {
        let given = Given::mastered();
        given.when(person(ARTIST), back()).refused(Reason::NotYourRole);
        let given = given.and(person(MASTERER), back());
        assert_eq!(given.stage(), Stage::Mixing);
        assert_eq!(given.project.candidate(SONG).unwrap().id, VersionId(10));
        assert!(given.project.newest(SONG, VersionKind::Master).is_none());
        let mixing = given.project.approvals_of(SONG).filter(|(approval, _)| approval.stage == Stage::Mixing);
        assert!(mixing.into_iter().all(|(_, state)| state == ApprovalState::Outdated));
        // Put forward and signed again, it goes to mastering again, and the old master is not its candidate.
        let again = given
            .and(person(MIXER), forward("It was the render."))
            .approved(ARTIST, 10, Role::Artist)
            .approved(LABEL, 10, Role::Label);
        assert_eq!(again.stage(), Stage::Mastering);
        assert!(again.project.candidate(SONG).is_none());
        again.when(person(LABEL), again.approve(20, Role::Label)).refused(Reason::VersionSuperseded);
    }

    fn forward(reason: &str) -> Command {
        Command::PutForward { version: VersionId(10), reason: reason.to_owned() }
    }

    fn swap(reason: &str) -> Command {
        Command::SwapMix { song: SONG, reason: reason.to_owned() }
    }

    fn unmet(given: &Given) -> Vec<(&'static str, String)> {
        let report = crate::gate::report(&given.project, SONG).unwrap();
        report.lines.into_iter().filter(|line| !line.met).map(|line| (line.code, line.text)).collect()
    }

    fn desk(given: &Given) -> Vec<(PersonId, String)> {
        crate::waits(&given.project).into_iter().map(|wait| (wait.person, wait.text)).collect()
    }

    #[test]
    fn a_mix_that_came_back_is_not_signed_again_as_if_nothing_had_happened() {
        let given = Given::mastering()
            .and(person(MASTERER), back_with(vec![item(Some(Alternate::Instrumental), "ends early")]));
        let text = "Mix 1 was returned by mastering: See the files; instrumental: ends early. It waits for another mix.";
        assert!(unmet(&given).contains(&("RETURNED", text.to_owned())), "{:?}", unmet(&given));
        let refusal = given.when(person(LABEL), given.approve(10, Role::Label)).0.unwrap_err();
        assert_eq!(refusal.reason, Reason::HandoffEnded);
        assert_eq!(refusal.text, "Mix 1 came back from mastering; it needs another mix.");
        assert!(refusal.hint.contains("Wait for Mix 2"), "{}", refusal.hint);
        let upload = "Upload Mix 2: the mastering engineer sent Mix 1 back.".to_owned();
        assert_eq!(desk(&given), [(MIXER, upload)], "and nobody is asked to approve it");
        // Another mix is judged by itself.
        let next =
            given.clone().and(person(MIXER), add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)]));
        assert!(unmet(&next).iter().all(|(code, _)| *code != "RETURNED"));
        next.when(person(LABEL), next.approve(11, Role::Label)).facts(&["APPROVED"]);
        // The one that came back does not slip in behind it.
        let earlier = next.and(person(MIXER), forward("The bass was right."));
        assert!(unmet(&earlier).iter().all(|(code, _)| *code != "RETURNED"), "somebody answers for it");
        // Somebody who makes mixes answers for it.
        given.when(person(MIXER), forward(" ")).refused(Reason::TextEmpty);
        given.when(person(LABEL), forward("It is fine.")).refused(Reason::NotYourRole);
        let again = given.and(person(MIXER), forward("The instrumental ends with the song."));
        assert!(unmet(&again).iter().all(|(code, _)| *code != "RETURNED"));
        again.when(person(MIXER), forward("Twice.")).refused(Reason::NothingToChange);
        // Handed over and returned once more, it needs an answer once more.
        let again = again.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
        assert_eq!(again.stage(), Stage::Mastering);
        let twice = again.and(person(MASTERER), back());
        twice.when(person(LABEL), twice.approve(10, Role::Label)).refused(Reason::HandoffEnded);
    }

    #[test]
    fn a_swapped_mix_waits_for_the_other() {
        let given = Given::mastering().and(person(LABEL), swap("The clean one."));
        let text = "Mix 1 was swapped out: The clean one. It waits for another mix.".to_owned();
        assert!(unmet(&given).contains(&("RETURNED", text)), "{:?}", unmet(&given));
        given.when(person(ARTIST), given.approve(10, Role::Artist)).refused(Reason::HandoffEnded);
        assert_eq!(desk(&given), [(MIXER, "Upload Mix 2: the label swapped Mix 1 out.".to_owned())]);
    }

    #[test]
    fn returning_cancels_the_render_and_fences_its_worker() {
        let given = Given::mastering();
        let render = given.project.queued_renders()[0].id;
        let given = given.and(Actor::Worker, lease(render));
        given.when(person(LABEL), back()).facts(&["HANDOFF_RETURNED", "RENDER_CANCELLED"]);
        let given = given.and(person(LABEL), back());
        given.when(Actor::Worker, complete(render, 1, 20, 50)).refused(Reason::RenderEnded);
    }

    #[test]
    fn a_handoff_is_accepted_once_by_a_mastering_engineer() {
        let accept = Command::AcceptHandoff { song: SONG };
        Given::mixed().when(person(MASTERER), accept.clone()).refused(Reason::NoHandoff);
        let given = Given::mastering();
        given.when(person(MIXER), accept.clone()).refused(Reason::NotYourRole);
        let given = given.and(person(MASTERER), accept.clone());
        given.when(person(MASTERER), accept.clone()).refused(Reason::HandoffEnded);
        given.and(person(MASTERER), back()).when(person(MASTERER), accept).refused(Reason::HandoffEnded);
        Given::delivered().when(person(MASTERER), back()).refused(Reason::HandoffEnded);
    }

    fn item(alternate: Option<Alternate>, reason: &str) -> ReturnItem {
        ReturnItem { alternate, reason: reason.to_owned() }
    }

    fn back_with(items: Vec<ReturnItem>) -> Command {
        Command::ReturnHandoff { song: SONG, reason: "See the files.".to_owned(), items }
    }

    #[test]
    fn each_thing_to_mend_is_a_file_of_the_handoff_with_a_reason() {
        let (main, inst) = (Some(Alternate::Main), Some(Alternate::Instrumental));
        let given = Given::mastering();
        let masterer = person(MASTERER);
        given
            .when(masterer, back_with(vec![item(Some(Alternate::ACappella), "?")]))
            .refused(Reason::NoSuchItem);
        given.when(masterer, back_with(vec![item(main, " ")])).refused(Reason::TextEmpty);
        given
            .when(masterer, back_with(vec![item(inst, "a"), item(inst, "b")]))
            .refused(Reason::AlternateTwice);
        given
            .when(masterer, back_with(vec![item(None, "a"), item(None, "b")]))
            .refused(Reason::AlternateTwice);
        given
            .when(masterer, back_with(vec![item(None, "a"); limits::RETURN_ITEMS_MAX + 1]))
            .refused(Reason::LimitReached);
        let items = vec![item(None, "Too hot."), item(main, "Clips."), item(inst, "Vocal bleeds.")];
        let given = given.and(masterer, back_with(items.clone()));
        assert_eq!(given.project.songs.get(SONG).unwrap().handoff.as_ref().unwrap().items, items);
    }

    fn pack(version: u128, number: u8) -> Command {
        Command::RecordPackage {
            song: SONG,
            version: VersionId(version),
            digest: digest(number),
            name: "Ember.zip".to_owned(),
            bytes: 9,
        }
    }

    #[test]
    fn a_handoff_is_packaged_once_by_the_house() {
        assert_eq!(Given::mixed().project.unpackaged(), []);
        Given::mixed().when(Actor::Worker, pack(10, 1)).refused(Reason::NoHandoff);
        let given = Given::mastering();
        assert_eq!(given.project.unpackaged(), [(SONG, VersionId(10))]);
        given.when(person(OWNER), pack(10, 1)).refused(Reason::NotYourRole);
        given.when(Actor::Worker, pack(11, 1)).refused(Reason::NoHandoff);
        let packed = given.clone().and(Actor::Worker, pack(10, 1));
        assert_eq!(packed.project.unpackaged(), []);
        packed.when(Actor::Worker, pack(10, 2)).refused(Reason::NothingToChange);
        let returned = given.and(person(MASTERER), back());
        assert_eq!(returned.project.unpackaged(), []);
        returned.when(Actor::Worker, pack(10, 1)).refused(Reason::HandoffEnded);
        // The same mix handed over again is another handoff.
        let again = packed.and(person(MASTERER), back()).and(person(MIXER), forward("It is right."));
        let again = again.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
        assert_eq!(again.project.unpackaged(), [(SONG, VersionId(10))]);
    }

    #[test]
    fn a_swap_of_the_mix_is_a_named_event_whose_cost_is_told() {
        Given::mixed().when(person(MIXER), swap("x")).refused(Reason::WrongStage);
        Given::delivered().when(person(MIXER), swap("x")).refused(Reason::WrongStage);
        let given = Given::mastering();
        given.when(person(MIXER), swap("")).refused(Reason::TextEmpty);
        given.when(person(ARTIST), swap("x")).refused(Reason::NotYourRole);
        given.when(person(MASTERER), swap("x")).refused(Reason::NotYourRole);
        assert_eq!(
            swap_cost(&given.project, SONG),
            "Swapping the mix ends 1 render, spends 2 approvals and counts as a return; mastering starts again."
        );
        given.when(person(MIXER), swap("Wrong take.")).facts(&["MIX_SWAPPED", "RENDER_CANCELLED"]);
        let mastered = Given::mastered().approved(ARTIST, 20, Role::Artist);
        let cost =
            "makes Master 1 history, spends 3 approvals and counts as a return; mastering starts again.";
        assert_eq!(swap_cost(&mastered.project, SONG), format!("Swapping the mix {cost}"));
        assert_eq!(return_cost(&mastered.project, SONG), format!("Returning the handoff {cost}"));
        let swapped = mastered.and(person(LABEL), swap("The clean one."));
        assert_eq!(swapped.stage(), Stage::Mixing);
        assert!(swapped.project.newest(SONG, VersionKind::Master).is_none());
        assert!(swapped.project.approvals_of(SONG).all(|(approval, state)| {
            approval.stage == Stage::Recording || state == ApprovalState::Outdated
        }));
    }
}
