//! Runs effects: each is a task that answers with messages on the one channel. A slot holds one task; a newer effect drops the older task,
//! and dropping a task is the cancel: it closes its stream wherever it waits. Never here: decisions about what to ask, screens.

use std::{collections::HashMap, future::Future, time::Duration};

use deadwax_proto::v1;
use futures::{StreamExt as _, pin_mut};
use tokio::sync::{mpsc::Sender, watch};
use tokio_util::task::AbortOnDropHandle;
use tonic::Code;

use super::{
    covers,
    draw::wave::pixels,
    keeper::Keeper,
    mover::Mover,
    msg::{Effect, Failure, Msg, Page, WaveAsk},
    people::{News, Order},
    presence, press, record,
    settings::{Settings, SoundOutput},
    sign, signing,
};
use crate::{
    cache::rows::Kept,
    net::{self, Clean as _, Client, Followed, NetError},
    play::{self, output::Choice},
    profile::Home,
};

/// How many history entries one page brings.
const HISTORY_PAGE: u32 = 100;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Slot {
    Connect,
    Desk,
    List,
    Project,
    Render,
    Waveform,
    Picture,
    History,
    Turnaround,
    Recipe,
    Offers,
    Page,
    Comparison,
    Heard,
    Key,
    Sign,
    Profiles,
    Plan,
    Record,
    WholeRecord,
    Report,
    OpenKept,
    Present,
    Perform(String),
    People(String),
    Cover,
}

/// A larger update waits until all before it was taken in: a snapshot comes in as fast as it is read, and never queues up.
const LARGE_UPDATE: usize = 32;

pub struct Runner {
    client: Client,
    out: Sender<Msg>,
    tasks: HashMap<Slot, AbortOnDropHandle<()>>,
    mover: Mover,
    disk: Option<Disk>,
    listening: Option<Listening>,
    /// Of the audio cache; 0: the default.
    cache_bytes_max: u64,
    sound: Choice,
    /// Where this person is, for the task that tells it.
    place: Option<watch::Sender<v1::Attending>>,
    /// Where the key of this person is found.
    home: Option<Home>,
}

/// The player, and the task that carries its news.
struct Listening {
    player: play::Player,
    _news: AbortOnDropHandle<()>,
}

/// Commands have a line of their own: none waits behind a large project.
struct Disk {
    kept: Kept,
    rows: Keeper,
    unsent: Keeper,
}

impl Runner {
    /// Without `kept` nothing is read from disk and nothing is written.
    pub fn new(client: Client, out: Sender<Msg>, kept: Option<Kept>) -> Runner {
        let keeper = |kept: &Kept| Keeper::new(kept.clone(), out.clone());
        let disk = kept.map(|kept| Disk { rows: keeper(&kept), unsent: keeper(&kept), kept });
        let mover = Mover::new(client.clone(), out.clone());
        let tasks = HashMap::new();
        Runner {
            client,
            out,
            tasks,
            mover,
            disk,
            listening: None,
            cache_bytes_max: 0,
            sound: Choice::Any,
            place: None,
            home: None,
        }
    }

    /// Without it nothing is signed with a key.
    pub fn signs(&mut self, home: Home) {
        self.home = Some(home);
    }

    /// Everything that was to be kept is on disk.
    pub fn finish(&mut self) {
        if let Some(disk) = &mut self.disk {
            disk.unsent.finish();
            disk.rows.finish();
        }
    }

    fn keep(&mut self, effect: Effect) {
        let Some(Disk { kept, rows, unsent }) = &mut self.disk else { return };
        match effect {
            Effect::KeepUnsent(it) => unsent.order(move |kept| kept.keep_unsent(&it)),
            Effect::ForgetUnsent { command_id } => unsent.order(move |kept| {
                kept.forget_unsent(&command_id);
                Ok(())
            }),
            Effect::KeepStart(start) => rows.order(move |kept| kept.keep_start(&start)),
            Effect::KeepRows { project_id, rows: it } => {
                rows.order(move |kept| kept.keep_project(&project_id, &it));
            }
            Effect::ForgetKept { project_id } => rows.order(move |kept| {
                kept.forget_project(&project_id);
                Ok(())
            }),
            Effect::OpenKept { project_id } => {
                let (kept, out) = (kept.clone(), self.out.clone());
                self.hold(Slot::OpenKept, async move {
                    open_kept(&kept, &out, project_id).await;
                });
            }
            _ => {}
        }
    }

    /// How much audio is kept on this machine and where sound goes; before anything is played.
    pub fn listens(&mut self, settings: &Settings) {
        self.cache_bytes_max = settings.cache_bytes_max;
        self.sound = match settings.sound {
            SoundOutput::Auto => Choice::Any,
            SoundOutput::Pulse => Choice::Pulse,
            SoundOutput::Program => Choice::AnyProgram,
            SoundOutput::None => Choice::Nothing,
        };
    }

    /// `Effect::Edit` is the loop's own: it needs the terminal.
    pub fn run(&mut self, effect: Effect) {
        self.tasks.retain(|_, task| !task.is_finished());
        let (client, out) = (self.client.clone(), self.out.clone());
        match effect {
            Effect::Connect { after_ms } => self.hold(Slot::Connect, connect(client, out, after_ms)),
            Effect::WatchDesk => self.hold(Slot::Desk, watch_desk(client, out)),
            Effect::ListProjects => self.hold(Slot::List, list(client, out)),
            Effect::WatchProject { project_id, from } => {
                let kept = self.disk.as_ref().map(|it| it.kept.clone());
                self.hold(Slot::Project, watch_project(client, out, kept, project_id, from));
            }
            Effect::StopProject => self.drop_slot(&Slot::Project),
            Effect::WatchRender { project_id, render_id } => {
                self.hold(Slot::Render, watch_render(client, out, project_id, render_id));
            }
            Effect::StopRender => self.drop_slot(&Slot::Render),
            Effect::Perform { command_id, project_id, action } => {
                self.hold(
                    Slot::Perform(command_id.clone()),
                    perform(client, out, command_id, project_id, action),
                );
            }
            Effect::Waveform(ask) => self.hold(Slot::Waveform, waveform(client, out, ask)),
            Effect::Picture { ask, answer } => self.hold(Slot::Picture, picture(out, ask, answer)),
            Effect::History { ticket, project_id, song_id, before_seq } => {
                let request = v1::HistoryRequest { project_id, before_seq, limit: HISTORY_PAGE, song_id };
                self.hold(Slot::History, async move {
                    let outcome = client.history(request).await.map_err(failure);
                    tell(&out, Msg::History { ticket, outcome }).await;
                });
            }
            Effect::Turnaround { ticket, project_id } => self.hold(Slot::Turnaround, async move {
                let outcome = client.turnaround(&project_id).await.map_err(failure);
                tell(&out, Msg::Turnaround { ticket, outcome }).await;
            }),
            Effect::CheckRecipe { ticket, toml } => self.hold(Slot::Recipe, async move {
                let outcome = client.check_recipe(&toml).await.map_err(failure);
                tell(&out, Msg::RecipeChecked { ticket, outcome }).await;
            }),
            Effect::Recipes { ticket } => self.hold(Slot::Offers, async move {
                let outcome = client.list_recipes().await.map_err(failure);
                tell(&out, Msg::Recipes { ticket, outcome }).await;
            }),
            // A comparison takes seconds: a page that is read meanwhile does not end it.
            Effect::Read { ticket, page } => self.hold(slot_of(&page), async move {
                let asked = page.clone();
                let outcome = match asked {
                    Page::Sheet { project_id, render_id, .. } => client.sheet(&project_id, &render_id).await,
                    Page::Compare(request) => client.compare(request).await,
                };
                tell(&out, Msg::Page { ticket, page, outcome: outcome.map_err(failure) }).await;
            }),
            Effect::ReportHeard { request, say } => self.hold(Slot::Heard, async move {
                let outcome = client.report_heard(request).await.map_err(failure);
                tell(&out, Msg::Heard { say, outcome }).await;
            }),
            Effect::Transfer(order) => self.mover.order(order),
            Effect::People(order) => {
                let slot = Slot::People(format!("{order:?}"));
                self.hold(slot, people(client, out, order));
            }
            Effect::LabelCopy(order) => self.hold(Slot::Cover, covers::run(client, out, order)),
            Effect::KeepUnsent(_)
            | Effect::ForgetUnsent { .. }
            | Effect::KeepStart(_)
            | Effect::KeepRows { .. }
            | Effect::ForgetKept { .. }
            | Effect::OpenKept { .. } => self.keep(effect),
            Effect::Play(order) => self.play(order),
            Effect::Signing(order) => self.sign(order),
            Effect::Record(order) => self.record(order),
            Effect::Present(order) => self.present(order),
            // The loop's own: they need the terminal, or the person's folder.
            Effect::Copy(_) | Effect::Keep(_) | Effect::Suspend | Effect::Edit { .. } => {}
        }
    }

    fn sign(&mut self, order: signing::Order) {
        let (client, out, bytes_max) = (self.client.clone(), self.out.clone(), self.cache_bytes_max);
        let Some(home) = self.home.clone() else {
            // Without a home there is no key, and a question that waits for one is told so.
            let none = Msg::Signing(signing::News::Key(signing::Key::None));
            return self.hold(Slot::Key, async move { drop(out.send(none).await) });
        };
        match order {
            signing::Order::Look => self.hold(Slot::Key, sign::look(client, out, home)),
            signing::Order::Sign { ticket, wish, passphrase } => {
                let desk = sign::Place { client, home, bytes_max };
                self.hold(Slot::Sign, sign::sign(desk, out, ticket, *wish, passphrase));
            }
            signing::Order::Stop => self.drop_slot(&Slot::Sign),
        }
    }

    fn record(&mut self, order: record::Order) {
        let (client, out) = (self.client.clone(), self.out.clone());
        match order {
            record::Order::Profiles { ticket } => {
                self.hold(Slot::Profiles, press::profiles(client, out, ticket));
            }
            record::Order::Plan { ticket, project_id, names, own, loudest, medium } => {
                let asked = press::Asked { project_id, names, own, loudest, medium };
                self.hold(Slot::Plan, press::plan(client, out, ticket, asked));
            }
            record::Order::Watch { project_id, record_id } => {
                self.hold(Slot::Record, press::watch(client, out, project_id, record_id));
            }
            record::Order::Unwatch => self.drop_slot(&Slot::Record),
            record::Order::Whole { project, record_id } => {
                self.hold(Slot::WholeRecord, press::whole(client, out, project, record_id));
            }
            record::Order::Report { ticket, project, record_id } => {
                self.hold(Slot::Report, press::report(client, out, ticket, (project, record_id)));
            }
        }
    }

    /// A stream is of one project: another one opens another stream.
    fn present(&mut self, order: presence::Order) {
        let presence::Order::Tell(place) = order else {
            self.place = None;
            return self.drop_slot(&Slot::Present);
        };
        let same = |told: &&watch::Sender<v1::Attending>| told.borrow().project_id == place.project_id;
        match self.place.as_ref().filter(same).filter(|told| !told.is_closed()) {
            Some(told) => {
                told.send_replace(place);
            }
            None => {
                let (told, places) = watch::channel(place);
                self.place = Some(told);
                let attending = attend(self.client.clone(), self.out.clone(), places);
                self.hold(Slot::Present, attending);
            }
        }
    }

    fn hold(&mut self, slot: Slot, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.insert(slot, AbortOnDropHandle::new(tokio::spawn(task)));
    }

    fn drop_slot(&mut self, slot: &Slot) {
        self.tasks.remove(slot);
    }

    /// The player begins with the first thing that is played.
    fn play(&mut self, order: play::Order) {
        if self.listening.is_none() {
            match play::Setup::for_client(&self.client, self.cache_bytes_max, self.sound.clone()) {
                Ok(setup) => self.listening = Some(Listening::begin(setup, self.out.clone())),
                Err(trouble) => {
                    let (text, hint) = (trouble.text, trouble.hint);
                    let out = self.out.clone();
                    tokio::spawn(
                        async move { tell(&out, Msg::Play(play::News::Trouble { text, hint })).await },
                    );
                    return;
                }
            }
        }
        if let Some(listening) = &self.listening {
            listening.player.order(order);
        }
    }
}

impl Listening {
    fn begin(setup: play::Setup, out: Sender<Msg>) -> Listening {
        let (player, mut news) = play::Player::start(setup);
        let carry = tokio::spawn(async move {
            while let Some(news) = news.recv().await {
                tell(&out, Msg::Play(news)).await;
            }
        });
        Listening { player, _news: AbortOnDropHandle::new(carry) }
    }
}

fn slot_of(page: &Page) -> Slot {
    match page {
        Page::Sheet { .. } => Slot::Page,
        Page::Compare(_) => Slot::Comparison,
    }
}

/// The loop that reads has ended where this fails; then nobody needs the answer.
async fn tell(out: &Sender<Msg>, msg: Msg) {
    drop(out.send(msg).await);
}

pub(super) fn failure(error: NetError) -> Failure {
    if error.is_passing() {
        return Failure::Offline(error.to_string());
    }
    Failure::Refused {
        reason: error.reason().to_owned(),
        text: error.to_string(),
        hint: error.hint().to_owned(),
    }
}

/// What an error of the line itself means: wait and try again, or stop because that cannot help.
fn cut(error: &NetError) -> Msg {
    let ended = match error {
        NetError::Refused { code, .. } => *code == Code::Unauthenticated,
        _ => !error.is_passing(),
    };
    if ended {
        Msg::SessionEnded { text: error.to_string(), hint: error.hint().to_owned() }
    } else {
        Msg::Lost { why: error.to_string() }
    }
}

async fn connect(client: Client, out: Sender<Msg>, after_ms: u64) {
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    let greet = async {
        let info = client.server_info().await?;
        let me = client.who_am_i().await?;
        let projects = client.list().await?;
        Ok::<_, NetError>(Msg::Connected { me, studio: info.studio, projects })
    };
    let msg = greet.await.unwrap_or_else(|error| cut(&error));
    tell(&out, msg).await;
}

async fn people(client: Client, out: Sender<Msg>, order: Order) {
    let news = match order {
        Order::Invites { project_id } => {
            let outcome = client.list_invites(&project_id).await.map_err(failure);
            News::Invites { project_id, outcome }
        }
        Order::Shared { project_id } => {
            let outcome = client.list_links(&project_id).await.map_err(failure);
            News::Shared { project_id, outcome }
        }
        Order::RevokeShared { project_id, link_id } => {
            let outcome = client.revoke_link(&project_id, &link_id).await.map(drop).map_err(failure);
            News::SharedRevoked(outcome)
        }
        Order::Sessions => News::Sessions(client.list_sessions().await.map_err(failure)),
        Order::Invite(request) => {
            let name = request.name.clone();
            News::Invited { name, outcome: client.create_invite(request).await.map_err(failure) }
        }
        Order::RevokeInvite { project_id, invite_id } => {
            News::InviteRevoked(client.revoke_invite(&project_id, &invite_id).await.map_err(failure))
        }
        Order::RevokeSession { session_id } => {
            News::SessionRevoked(client.revoke_session(&session_id).await.map_err(failure))
        }
    };
    tell(&out, Msg::People(news)).await;
}

async fn list(client: Client, out: Sender<Msg>) {
    // The list on the screen stays where this fails; the watches notice a cut.
    if let Ok(projects) = client.list().await {
        tell(&out, Msg::Projects(projects)).await;
    }
}

async fn watch_desk(client: Client, out: Sender<Msg>) {
    let rows = net::follow_desk(client);
    pin_mut!(rows);
    let mut told = None;
    while let Some(item) = rows.next().await {
        match item {
            Followed::Live => {}
            // A heartbeat: nothing to draw.
            Followed::Row(answer) if told.as_ref() == Some(&answer.rows) => {}
            Followed::Row(answer) => {
                told = Some(answer.rows.clone());
                tell(&out, Msg::Desk(answer.rows)).await;
            }
            Followed::Lost { error, .. } | Followed::Ended(error) => return tell(&out, cut(&error)).await,
        }
    }
}

/// The seq from which the rows that stood on disk may be followed; 0 where there were none, or old ones.
async fn open_kept(kept: &Kept, out: &Sender<Msg>, project_id: String) -> u64 {
    let (from, id) = (kept.clone(), project_id.clone());
    let read = tokio::task::spawn_blocking(move || Some((from.project(&id)?, from.is_recent(&id)))).await;
    let (rows, recent) = read.ok().flatten().map_or((None, false), |(rows, it)| (Some(Box::new(rows)), it));
    let seq = rows.as_ref().filter(|_| recent).map_or(0, |it| it.seq);
    tell(out, Msg::KeptRows { project_id, rows }).await;
    seq
}

async fn tell_rows(out: &Sender<Msg>, project_id: &str, update: v1::Update) {
    let large = update.upserts.len() > LARGE_UPDATE;
    let msg = Msg::Rows { project_id: project_id.to_owned(), update };
    if !large {
        return tell(out, msg).await;
    }
    if let Ok(mut places) = out.reserve_many(out.max_capacity()).await
        && let Some(place) = places.next()
    {
        place.send(msg);
    }
}

/// Where nothing is here yet, what stood on disk comes first, and the watch goes on from there.
async fn watch_project(
    client: Client,
    out: Sender<Msg>,
    kept: Option<Kept>,
    project_id: String,
    mut from: u64,
) {
    if let Some(kept) = kept.filter(|_| from == 0) {
        from = open_kept(&kept, &out, project_id.clone()).await;
    }
    let rows = net::follow(client, project_id.clone(), from);
    pin_mut!(rows);
    while let Some(item) = rows.next().await {
        match item {
            Followed::Live => {}
            Followed::Row(update) => tell_rows(&out, &project_id, update).await,
            Followed::Ended(NetError::Refused { code: Code::NotFound | Code::PermissionDenied, .. }) => {
                return tell(&out, Msg::ProjectGone { project_id }).await;
            }
            Followed::Lost { error, .. } | Followed::Ended(error) => return tell(&out, cut(&error)).await,
        }
    }
}

/// Whoever is cut off sees nobody, until the line is back. That the session or the membership ended is told by the watches.
async fn attend(client: Client, out: Sender<Msg>, places: watch::Receiver<v1::Attending>) {
    let here = net::attend(client, places);
    pin_mut!(here);
    while let Some(item) = here.next().await {
        let attendees = match item {
            Followed::Live => continue,
            Followed::Row(answer) => answer.attendees,
            Followed::Lost { .. } | Followed::Ended(_) => Vec::new(),
        };
        tell(&out, Msg::Present(attendees)).await;
    }
}

/// Pixels take their time: they are made beside the threads that draw. What cannot be made is drawn in characters, as everywhere else.
async fn picture(out: Sender<Msg>, ask: pixels::Ask, answer: Box<v1::WaveformResponse>) {
    let made = tokio::task::spawn_blocking(move || pixels::Shown::make(ask, &answer));
    if let Ok(Some(shown)) = made.await {
        tell(&out, Msg::Picture(shown)).await;
    }
}

/// Ends with the render. A cut is left to the project's watch, which asks for this again.
async fn watch_render(client: Client, out: Sender<Msg>, project_id: String, render_id: String) {
    let request = v1::WatchRenderRequest { project_id, render_id: render_id.clone() };
    let Ok(answer) = client.mastering().watch_render(request).await else { return };
    let mut steps = answer.into_inner();
    while let Ok(Some(mut progress)) = steps.message().await {
        progress.clean();
        let ended = progress.ended;
        tell(&out, Msg::Render { render_id: render_id.clone(), progress }).await;
        if ended {
            return;
        }
    }
}

async fn perform(
    client: Client,
    out: Sender<Msg>,
    command_id: String,
    project_id: String,
    action: v1::Action,
) {
    let Some(action) = action.action else { return };
    let outcome = client.perform_as(&command_id, &project_id, None, action).await.map_err(failure);
    tell(&out, Msg::Performed { command_id, outcome }).await;
}

async fn waveform(client: Client, out: Sender<Msg>, ask: WaveAsk) {
    let request = v1::WaveformRequest {
        project_id: ask.project_id,
        version_id: ask.version_id,
        sha256: ask.sha256,
        start_frame: ask.start_frame,
        end_frame: ask.end_frame,
        columns: ask.columns,
    };
    let outcome = client.waveform(request).await.map_err(failure);
    tell(&out, Msg::Waveform { ticket: ask.ticket, outcome }).await;
}
