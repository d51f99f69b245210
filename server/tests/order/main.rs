//! What happens once, in which order, and by whose clock: changes that are asked for again (`idem`), sixty-four who decide on the same sight (`race`), a wall
//! clock that jumps (`clock`). A whole server in this process, asked over the wire. The long forms are run by `cargo trust --full`.
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

#[path = "../common/mod.rs"]
mod common;

mod clock;
#[path = "../common/dice.rs"]
mod dice;
mod idem;
mod race;

use deadwax_domain::ProjectId;
use deadwax_proto::v1::{self, action::Action, projects_client::ProjectsClient, row::Row as Kind};
use tonic::{Status, transport::Channel};

use common::{House, Seat, id_text};
use dice::Dice;

/// How often: in the long form, in the short one, and among all the other tests.
fn times(full: u64, quick: u64, plain: u64) -> u64 {
    match std::env::var("DEADWAX_TEST_TRUST").as_deref() {
        Ok("full") => full,
        Ok("quick") => quick,
        _ => plain,
    }
}

fn gate(id: &str, held: bool, figures: &str) {
    println!("#gate {id} {} {figures}", if held { "held" } else { "missed" });
}

fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn projects(seat: &Seat) -> ProjectsClient<Channel> {
    ProjectsClient::new(seat.channel.clone())
}

/// The same session over a connection of its own.
async fn beside(house: &House, seat: &Seat) -> Seat {
    Seat { channel: house.channel().await, ..seat.clone() }
}

async fn perform(
    seat: &Seat,
    command: &str,
    project: ProjectId,
    expected: Option<u64>,
    action: Action,
) -> Result<v1::PerformResponse, Status> {
    let asked = v1::PerformRequest {
        command_id: command.into(),
        project_id: id_text(project.0),
        expected,
        action: Some(v1::Action { action: Some(action) }),
    };
    Ok(projects(seat).perform(seat.with(asked)).await?.into_inner())
}

async fn song(seat: &Seat, project: ProjectId) -> String {
    let song_id = new_id();
    let add = v1::AddSong { song_id: song_id.clone(), title: "0".into(), isrc: String::new() };
    perform(seat, &new_id(), project, None, Action::AddSong(add)).await.unwrap();
    song_id
}

fn retitled(song: &str, title: u64) -> Action {
    let title = Some(title.to_string());
    Action::EditSong(v1::EditSong { song_id: song.into(), title, isrc: None })
}

/// Where the project stands, and all its rows.
async fn now(seat: &Seat, project: ProjectId) -> v1::Update {
    let asked = v1::GetRequest { project_id: id_text(project.0) };
    projects(seat).get(seat.with(asked)).await.unwrap().into_inner()
}

fn title_of(update: &v1::Update, song: &str) -> u64 {
    let mut titles = update.upserts.iter().filter_map(|row| match &row.row {
        Some(Kind::Song(row)) if row.song_id == song => Some(row.title.parse().unwrap()),
        _ => None,
    });
    titles.next_back().unwrap()
}
