//! Runs effects: each is a task that answers with messages on the one channel. A slot holds one task; a newer effect drops the older task,
//! and dropping a task is the cancel: it closes its stream wherever it waits. Never here: decisions about what to ask, screens.

use std::{collections::HashMap, future::Future, time::Duration};

use deadwax_proto::v1;
use futures::{StreamExt as _, pin_mut};
use tokio::sync::mpsc::Sender;
use tokio_util::task::AbortOnDropHandle;
use tonic::Code;

use super::{
    mover::Mover,
    msg::{Effect, Failure, Msg, Page, WaveAsk},
    people::{News, Order},
};
use crate::net::{self, Clean as _, Client, Followed, NetError};

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
    History,
    Turnaround,
    Recipe,
    Offers,
    Page,
    Heard,
    Perform(String),
    People(String),
}

pub struct Runner {
    client: Client,
    out: Sender<Msg>,
    tasks: HashMap<Slot, AbortOnDropHandle<()>>,
    mover: Mover,
}

impl Runner {
    pub fn new(client: Client, out: Sender<Msg>) -> Runner {
        let mover = Mover::new(client.clone(), out.clone());
        Runner { client, out, tasks: HashMap::new(), mover }
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
                self.hold(Slot::Project, watch_project(client, out, project_id, from));
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
            Effect::Read { ticket, page } => self.hold(Slot::Page, async move {
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
            Effect::Play(_)
            | Effect::Present(_)
            | Effect::Copy(_) => {}
            Effect::Edit { .. } => {}
        }
    }

    fn hold(&mut self, slot: Slot, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.insert(slot, AbortOnDropHandle::new(tokio::spawn(task)));
    }

    fn drop_slot(&mut self, slot: &Slot) {
        self.tasks.remove(slot);
    }
}

/// The loop that reads has ended where this fails; then nobody needs the answer.
async fn tell(out: &Sender<Msg>, msg: Msg) {
    drop(out.send(msg).await);
}

fn failure(error: NetError) -> Failure {
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
    while let Some(item) = rows.next().await {
        match item {
            Followed::Live => {}
            Followed::Row(answer) => tell(&out, Msg::Desk(answer.rows)).await,
            Followed::Lost { error, .. } | Followed::Ended(error) => return tell(&out, cut(&error)).await,
        }
    }
}

async fn watch_project(client: Client, out: Sender<Msg>, project_id: String, from: u64) {
    let rows = net::follow(client, project_id.clone(), from);
    pin_mut!(rows);
    while let Some(item) = rows.next().await {
        match item {
            Followed::Live => {}
            Followed::Row(update) => tell(&out, Msg::Rows { project_id: project_id.clone(), update }).await,
            Followed::Ended(NetError::Refused { code: Code::NotFound | Code::PermissionDenied, .. }) => {
                return tell(&out, Msg::ProjectGone { project_id }).await;
            }
            Followed::Lost { error, .. } | Followed::Ended(error) => return tell(&out, cut(&error)).await,
        }
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
