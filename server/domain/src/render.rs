//! Renders: a recipe applied to an approved mix by the worker, which makes a master.

use sha2::{Digest as _, Sha256};

use crate::{
    Actor, Command, Digest, Fact, File, PersonId, Project, Reason, Recipe, Refusal, RenderId, Role, Song,
    SongId, Stage, Time, VersionId, VersionKind,
    asker::{self, Asker, free_id},
    decide::{Ruling, Touched, misrouted},
    limits, planted, recipe,
    refusal::no,
    revision,
    version::Draft,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Render {
    pub id: RenderId,
    pub song: SongId,
    /// The mix it starts from.
    pub version: VersionId,
    /// `None`: the studio's default, which the first lease fills in.
    pub recipe: Option<Recipe>,
    /// `None`: the mix gate asked for it.
    pub by: Option<PersonId>,
    pub queued_at: Time,
    pub state: RenderState,
    pub state_since: Time,
    /// Attempts begun. The running one carries this number; a worker with an older one is stale.
    pub attempt: u32,
    pub engine: String,
    /// Attempts whose worker was told to stop. They count for nothing.
    pub given_back: u32,
    /// Failures that were reported; crashes only use up attempts.
    pub failures: u32,
    /// Of the last failure.
    pub reason: String,
    /// The master it made.
    pub made: Option<VersionId>,
    pub report_json: String,
    /// The page that tells before and after, as data; drawn by whoever reads it.
    pub sheet: Option<Digest>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenderState {
    Queued,
    Running,
    Done,
    /// Parked: nobody tries again unless asked.
    Failed,
    Cancelled,
}

impl Render {
    pub(crate) fn queued(
        id: RenderId,
        song: SongId,
        version: VersionId,
        recipe: Option<Recipe>,
        by: Option<PersonId>,
        at: Time,
    ) -> Render {
        Render {
            id,
            song,
            version,
            recipe,
            by,
            queued_at: at,
            state: RenderState::Queued,
            state_since: at,
            attempt: 0,
            given_back: 0,
            engine: String::new(),
            failures: 0,
            reason: String::new(),
            made: None,
            report_json: String::new(),
            sheet: None,
        }
    }

    pub(crate) fn stand(&mut self, state: RenderState, at: Time) {
        self.state = state;
        self.state_since = at;
    }

    /// Attempts that count: ended by a failure, by the death of their worker, or not yet.
    pub fn tries(&self) -> u32 {
        self.attempt.saturating_sub(self.given_back)
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.state, RenderState::Queued | RenderState::Running)
    }
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    match command {
        Command::StartRender { render, song, recipe } => {
            start(project, actor, *render, *song, recipe.as_ref())
        }
        Command::CancelRender { render } => {
            let asker = Asker::of(project, actor)?;
            asker.must_hold(&[Role::MasteringEngineer], "cancel a render")?;
            alive(project, *render)?;
            Ok(Ruling::fact(Fact::RenderCancelled { render: *render }))
        }
        Command::LeaseRender { render, engine, recipe } => lease(project, actor, *render, engine, recipe),
        Command::CompleteRender { render, attempt, version, files, report_json, sheet } => {
            let render = running(project, actor, *render, *attempt)?;
            complete(project, render, *version, files, (report_json, *sheet))
        }
        Command::FailRender { render, attempt, reason, retry } => {
            let render = running(project, actor, *render, *attempt)?;
            let parked = !retry || render.failures + 1 >= limits::RENDER_FAILURES_MAX;
            // From our own worker, so cut and not refused: a failure that cannot be recorded would run for ever.
            let reason = reason.chars().filter(|c| !c.is_control()).take(1000).collect();
            Ok(Ruling::fact(Fact::RenderFailed { render: render.id, attempt: *attempt, reason, parked }))
        }
        Command::GiveBackRender { render, attempt } => {
            let render = running(project, actor, *render, *attempt)?;
            Ok(Ruling::fact(Fact::RenderGivenBack { render: render.id, attempt: *attempt }))
        }
        _ => misrouted(),
    }
}

fn start(
    project: &Project,
    actor: &Actor,
    render: RenderId,
    song: SongId,
    given: Option<&Recipe>,
) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    asker.must_hold(&[Role::MasteringEngineer], "start a render")?;
    let of = asker.song(song)?;
    let source = source(of)?;
    given.map_or(Ok(()), recipe::sound)?;
    if project.renders_of(song).any(Render::is_alive) {
        let text = format!("A render of \"{}\" is queued or running.", of.title);
        return no(Reason::RenderRunning, text, "Wait for it, or cancel it.");
    }
    free_id(project.renders.contains(render))?;
    limits::room(of.renders.len(), limits::RENDERS_PER_SONG_MAX, "renders of this song")?;
    let recipe = given.or_else(|| project.recipe_of(song)).cloned();
    Ok(Ruling::fact(Fact::RenderQueued { render, song, version: source, recipe }))
}

/// The mix that mastering works from.
fn source(song: &Song) -> Result<VersionId, Refusal> {
    match &song.handoff {
        Some(handoff) if song.stage == Stage::Mastering => Ok(handoff.version),
        _ => no(
            Reason::WrongStage,
            format!("\"{}\" stands in {}; renders belong to mastering.", song.title, song.stage),
            "The gate of mixing comes first; after delivery nothing is rendered any more.",
        ),
    }
}

fn worker_only(actor: &Actor) -> Result<(), Refusal> {
    if *actor == Actor::Worker {
        return Ok(());
    }
    no(
        Reason::NotYourRole,
        "Only the render worker of this server may do that.",
        "Start a render; the worker does the rest.",
    )
}

fn find(project: &Project, render: RenderId) -> Result<&Render, Refusal> {
    match project.renders.get(render) {
        Some(render) => Ok(render),
        None => {
            no(Reason::NoSuchRender, "There is no such render in this project.", "Look at the song again.")
        }
    }
}

fn alive(project: &Project, render: RenderId) -> Result<&Render, Refusal> {
    let render = find(project, render)?;
    let how = match render.state {
        RenderState::Queued | RenderState::Running => return Ok(render),
        RenderState::Done => "is done",
        RenderState::Failed => "has failed",
        RenderState::Cancelled => "was cancelled",
    };
    no(Reason::RenderEnded, format!("The render {how}."), "Start a new one.")
}

/// A lease may be taken over from a worker that died: the new attempt number is the fence. After too many tries without an end the answer is `RenderFailed` and no
/// lease: whatever kills its worker so often must not be tried for ever. A worker that was told to stop gave its attempt back, which is no try.
fn lease(
    project: &Project,
    actor: &Actor,
    render: RenderId,
    engine: &str,
    default: &Recipe,
) -> Result<Ruling, Refusal> {
    worker_only(actor)?;
    let render = alive(project, render)?;
    source(asker::song(project, render.song)?)?;
    if render.tries() >= limits::RENDER_ATTEMPTS_MAX {
        let reason = format!("{} attempts were begun and none came to an end", render.tries());
        let (render, attempt) = (render.id, render.attempt);
        return Ok(Ruling::fact(Fact::RenderFailed { render, attempt, reason, parked: true }));
    }
    let engine = engine.chars().filter(|c| !c.is_control()).take(200).collect();
    let recipe = render.recipe.as_ref().unwrap_or(default);
    recipe::sound(recipe)?;
    let (attempt, recipe) = (render.attempt + 1, Some(recipe.clone()));
    Ok(Ruling::fact(Fact::RenderLeased { render: render.id, attempt, engine, recipe }))
}

/// The render, if this attempt is the one that runs.
fn running<'a>(
    project: &'a Project,
    actor: &Actor,
    render: RenderId,
    attempt: u32,
) -> Result<&'a Render, Refusal> {
    worker_only(actor)?;
    let render = alive(project, render)?;
    let holds = render.attempt == attempt || planted!("lease-without-fence");
    if render.state == RenderState::Running && holds {
        return Ok(render);
    }
    let text = format!("Attempt {attempt} is stale; {} were begun.", render.attempt);
    no(Reason::StaleAttempt, text, "Throw the result away.")
}

/// The same bytes as the newest master make no new version: the render then points at that master (D-1 makes this the rule when nothing changed).
fn complete(
    project: &Project,
    render: &Render,
    version: VersionId,
    files: &[File],
    (report_json, sheet): (&str, Option<Digest>),
) -> Result<Ruling, Refusal> {
    let song = asker::song(project, render.song)?;
    source(song)?;
    free_id(project.versions.contains(version))?;
    limits::at_most(report_json.len(), limits::MANIFEST_BYTES_MAX, "bytes of report")?;
    let draft = Draft {
        line: None,
        id: version,
        kind: VersionKind::Master,
        title: String::new(),
        changelog: String::new(),
        files: files.to_vec(),
        render: Some(render.id),
    };
    let added = draft.into_fact(project, song)?;
    let done = |version| Fact::RenderCompleted {
        render: render.id,
        version,
        report_json: report_json.to_owned(),
        sheet,
    };
    let newest = project.newest(song.id, VersionKind::Master);
    let twin = newest.filter(
        |master| matches!(&added, Fact::VersionAdded { fingerprint, .. } if *fingerprint == master.fingerprint),
    );
    if let Some(twin) = twin {
        return Ok(Ruling::fact(done(twin.id)));
    }
    let consequences = match newest.filter(|master| was_chosen_meanwhile(song, render, master)) {
        Some(chosen) => vec![Fact::PutForward { version: chosen.id, reason: String::new() }],
        None => revision::answered_by(project, song.id, &added),
    };
    Ok(Ruling { consequences, facts: vec![done(version), added], touched: Touched::Song(song.id) })
}

/// A person uploaded this master, or put it forward, after the render was queued: then the render's master stands beside it, and the choice stays theirs.
/// What the gate queued was there before either.
fn was_chosen_meanwhile(song: &Song, render: &Render, master: &crate::Version) -> bool {
    let forward = song.forward == Some(master.id);
    if master.by.is_none() && !forward {
        return false;
    }
    let since = if forward { song.forward_since } else { master.at };
    since > render.queued_at || (since == render.queued_at && render.by.is_none())
}

/// Renders whose mix is no longer the one, or whose result nobody waits for.
pub(crate) fn cancel_all(project: &Project, song: SongId) -> Vec<Fact> {
    let alive = project.renders_of(song).filter(|render| render.is_alive());
    alive.map(|render| Fact::RenderCancelled { render: render.id }).collect()
}

/// The id of a render that a gate queues, made of what is known so that deciding stays pure: the first 16 bytes (big-endian) of SHA-256 over the
/// lines `deadwax-gate-render-1`, song id, version id (both 32 hex digits) and the count of the song's renders so far; one higher while it is taken.
pub fn gate_render_id(project: &Project, song: SongId, version: VersionId) -> RenderId {
    let mut count = project.songs.get(song).map_or(0, |song| song.renders.len());
    loop {
        let text = format!("deadwax-gate-render-1\n{:032x}\n{:032x}\n{count}\n", song.0, version.0);
        let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let id = RenderId(hash[..16].iter().fold(0, |id, byte| (id << 8) | u128::from(*byte)));
        if !project.renders.contains(id) {
            return id;
        }
        count += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{complete, lease, *};

    fn queued() -> (Given, RenderId) {
        let given = Given::mastering();
        let render = given.project.queued_renders()[0].id;
        (given, render)
    }

    #[test]
    fn a_stale_attempt_is_fenced_off() {
        let (given, render) = queued();
        let given = given.and(Actor::Worker, lease(render)).and(Actor::Worker, lease(render));
        given.when(Actor::Worker, complete(render, 1, 20, 50)).refused(Reason::StaleAttempt);
        given.when(person(OWNER), complete(render, 2, 20, 50)).refused(Reason::NotYourRole);
        given.when(Actor::Worker, complete(render, 2, 20, 50)).facts(&["RENDER_COMPLETED", "VERSION_ADDED"]);
    }

    #[test]
    fn the_third_failure_parks_a_render() {
        let (mut given, render) = queued();
        for attempt in 1..=3 {
            given = given.and(Actor::Worker, lease(render));
            let reason = "The disk is full.".to_owned();
            given = given.and(Actor::Worker, Command::FailRender { render, attempt, reason, retry: true });
        }
        assert_eq!(given.project.renders.get(render).unwrap().state, RenderState::Failed);
        given.when(Actor::Worker, lease(render)).refused(Reason::RenderEnded);
        let start = Command::StartRender { render: RenderId(5), song: crate::testing::SONG, recipe: None };
        given.when(person(MASTERER), start).facts(&["RENDER_QUEUED"]);
    }

    #[test]
    fn what_kills_its_worker_is_parked_after_three_tries() {
        let (mut given, render) = queued();
        for _ in 0..3 {
            given = given.and(Actor::Worker, lease(render));
        }
        given.when(Actor::Worker, lease(render)).facts(&["RENDER_FAILED"]);
    }

    #[test]
    fn an_attempt_that_was_given_back_is_no_try() {
        let (mut given, render) = queued();
        let back = |attempt| Command::GiveBackRender { render, attempt };
        for attempt in 1..=7 {
            given = given.and(Actor::Worker, lease(render)).and(Actor::Worker, back(attempt));
        }
        let kept = given.project.renders.get(render).unwrap();
        assert_eq!((kept.state, kept.attempt, kept.tries()), (RenderState::Queued, 7, 0));
        given.when(Actor::Worker, back(7)).refused(Reason::StaleAttempt);
        for _ in 0..3 {
            given = given.and(Actor::Worker, lease(render));
        }
        given.when(Actor::Worker, back(9)).refused(Reason::StaleAttempt);
        given.when(person(OWNER), back(10)).refused(Reason::NotYourRole);
        given.when(Actor::Worker, lease(render)).facts(&["RENDER_FAILED"]);
    }

    #[test]
    fn the_same_bytes_again_point_at_the_master_that_is_there() {
        let start = Command::StartRender { render: RenderId(5), song: SONG, recipe: None };
        let given = Given::mastered().and(person(MASTERER), start).and(Actor::Worker, lease(RenderId(5)));
        let events = given.when(Actor::Worker, complete(RenderId(5), 1, 21, 50)).facts(&["RENDER_COMPLETED"]);
        assert!(matches!(events[0].fact, Fact::RenderCompleted { version: VersionId(20), .. }));
    }

    #[test]
    fn one_render_at_a_time_and_only_in_mastering() {
        let start = Command::StartRender { render: RenderId(5), song: SONG, recipe: None };
        let (given, render) = queued();
        given.when(person(MASTERER), start.clone()).refused(Reason::RenderRunning);
        given.when(person(LABEL), Command::CancelRender { render }).refused(Reason::NotYourRole);
        let cancelled = given.and(person(MASTERER), Command::CancelRender { render });
        cancelled.when(person(MASTERER), Command::CancelRender { render }).refused(Reason::RenderEnded);
        cancelled.when(person(MASTERER), start.clone()).facts(&["RENDER_QUEUED"]);
        Given::mixed().when(person(MASTERER), start).refused(Reason::WrongStage);
    }

    #[test]
    fn the_gates_render_has_the_songs_recipe_and_an_id_that_can_be_told() {
        let recipe = Recipe { toml: "target_lufs = -14.0".to_owned(), hash: digest(3) };
        let set = Command::SetRecipe { song: Some(SONG), recipe: Some(recipe.clone()), why: "louder".into() };
        let given = Given::mixed().and(person(MASTERER), set);
        let told = gate_render_id(&given.project, SONG, VersionId(10));
        let given = given.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
        assert_eq!(given.project.renders.get(told).unwrap().recipe, Some(recipe.clone()));
        let given = given.and(Actor::Worker, lease(told));
        assert_eq!(
            given.project.renders.get(told).unwrap().recipe,
            Some(recipe),
            "the default does not count"
        );
    }

    #[test]
    fn a_render_without_a_recipe_keeps_the_default_of_its_first_lease() {
        let (given, render) = queued();
        assert_eq!(given.project.renders.get(render).unwrap().recipe, None);
        let with = |toml: &str| Command::LeaseRender {
            render,
            engine: "dsp 1".to_owned(),
            recipe: Recipe { toml: toml.to_owned(), hash: digest(9) },
        };
        given
            .when(Actor::Worker, with(&"#".repeat(limits::RECIPE_BYTES_MAX + 1)))
            .refused(Reason::RecipeInvalid);
        let given = given.and(Actor::Worker, with("name = \"first\"\n"));
        let given = given.and(Actor::Worker, with("name = \"changed since\"\n"));
        let kept = given.project.renders.get(render).unwrap();
        assert_eq!((kept.attempt, kept.recipe.as_ref().unwrap().toml.as_str()), (2, "name = \"first\"\n"));
    }
}
