//! A link to listen, made from where somebody stands: what is on the screen is offered first. Who may make one, and what a guest hears, are the server's to say.
//! Never here: the link itself and its password; the screen shows them once (`people`).

use deadwax_proto::v1::{self as v1, RecordState, link_scope::Of};

use super::{
    act::Subject,
    hands::{self, given_back::SHARE},
};
use crate::tui::{
    form::{Field, FormAsk, Hears, Input, LinkAsk, LinkFor, Purpose},
    model::{Ask, Model, Notice},
    msg::Failure,
    people::{Order, Share},
    rows::Project,
    words,
};

const DAY_MS: i64 = 24 * 3600 * 1000;
/// Days, as a person counts them. The studio takes 90 at most; a clock of this machine that runs ahead must not make the longest one too long.
const LIVES: [(i64, &str); 6] =
    [(1, "1 day"), (3, "3 days"), (7, "a week"), (14, "two weeks"), (28, "four weeks"), (84, "twelve weeks")];
const LIVES_FIRST: usize = 3;
const TIMES: [u32; 6] = [1, 3, 5, 10, 30, 100];
const TIMES_FIRST: usize = 1;
/// Whether they write notes, and fetch originals.
const MAY: [(bool, bool, &str); 4] = [
    (false, false, "listen"),
    (true, false, "listen and write notes"),
    (false, true, "listen and fetch the originals"),
    (true, true, "listen, write notes, fetch the originals"),
];
/// Of the songs of a project no more are offered: whoever wants another one asks from its own screen.
const SONGS_MAX: usize = 200;

pub(super) fn prepare(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let makes = [v1::Role::Manager, v1::Role::Label, v1::Role::Artist];
    if !makes.iter().any(|role| model.my_roles().contains(role)) {
        return Err("Links are made by the manager, the label and the artist.");
    }
    let rows = model.projects.get(&subject.project).ok_or("The project is not here yet.")?;
    let offers = offers(rows, subject);
    if offers.is_empty() {
        return Err("There is nothing to hear here yet.");
    }
    let (hears, options): (Vec<Hears>, Vec<String>) = offers.into_iter().unzip();
    let choice = |label, options: &[&str], at, hint| {
        let options = options.iter().map(|it| (*it).to_owned()).collect();
        Field { label, input: Input::Choice { options, at }, hint }
    };
    let times = TIMES.map(|it| words::count(it as usize, "time", "times"));
    let times: Vec<&str> = times.iter().map(String::as_str).collect();
    let fields = vec![
        Field::line("For", "", "Stands under what they say, and in the book of who received what"),
        Field { label: "To hear", input: Input::Choice { options, at: 0 }, hint: "Left and right change it" },
        choice(
            "They may",
            &MAY.map(|it| it.2),
            0,
            "Left and right change it; they see no notes but in their own threads",
        ),
        choice(
            "Lives",
            &LIVES.map(|it| it.1),
            LIVES_FIRST,
            "Left and right change it; it can be revoked at any time",
        ),
        choice("Opens", &times, TIMES_FIRST, "A page that is loaded again opens nothing more"),
        choice("Password", &["none", "one is made"], 0, "It goes to them another way than the link does"),
    ];
    let purpose = Purpose::Share { project: subject.project.clone(), hears };
    let mut ask = FormAsk::new(purpose, "A link to listen".into(), fields);
    ask.told.push(
        "For somebody who is no member. They hear what it names in a browser, and see nothing else.".into(),
    );
    Ok(Ask::Form(Box::new(ask)))
}

/// What can be heard, the closest first.
fn offers(rows: &Project, subject: &Subject) -> Vec<(Hears, String)> {
    let title =
        |id: &str| rows.song(id).map_or_else(|| "the song".to_owned(), |it| crate::scrub::line(&it.title));
    let song = |id: &str| (Hears::Song(id.to_owned()), format!("{}, every version", title(id)));
    let mut all = Vec::new();
    let is_made = |it: &&v1::RecordRow| matches!(it.state(), RecordState::Made | RecordState::Delivered);
    let made: Vec<&v1::RecordRow> = rows.records().into_iter().filter(is_made).collect();
    let record = |it: &&v1::RecordRow| {
        (Hears::Record(it.record_id.clone()), format!("Record {}: its files", it.number))
    };
    all.extend(made.iter().filter(|it| subject.record == Some(format!("record/{}", it.number))).map(record));
    let version = subject.version.as_deref().and_then(|id| rows.version(id));
    all.extend(version.map(|it| {
        (Hears::Version(it.version_id.clone()), format!("{} of {}", words::version(it), title(&it.song_id)))
    }));
    if rows.song(&subject.song).is_some() {
        all.push(song(&subject.song));
    }
    if !rows.songs().is_empty() {
        all.push((Hears::Album, "the album in its running order".to_owned()));
    }
    all.extend(made.iter().map(record));
    all.extend(rows.songs().into_iter().take(SONGS_MAX).map(|it| song(&it.song_id)));
    let mut seen: Vec<Hears> = Vec::new();
    all.retain(|(it, _)| {
        let new = !seen.contains(it);
        if new {
            seen.push(it.clone());
        }
        new
    });
    all
}

/// What the filled form asks for; `None` where nothing can be heard any more.
pub(super) fn filled(model: &Model, ask: &FormAsk) -> Option<Order> {
    let Purpose::Share { project, hears } = &ask.purpose else { return None };
    let of = match hears.get(ask.choice_of(1))?.clone() {
        Hears::Version(id) => Of::VersionId(id),
        Hears::Song(id) => Of::SongId(id),
        Hears::Album => Of::Album(true),
        Hears::Record(id) => Of::RecordId(id),
    };
    let (notes, download, _) = *MAY.get(ask.choice_of(2))?;
    let request = v1::MakeLinkRequest {
        project_id: project.clone(),
        scope: Some(v1::LinkScope { of: Some(of) }),
        recipient: ask.text(0),
        expires_ms: model.now_ms.saturating_add(LIVES.get(ask.choice_of(3))?.0 * DAY_MS),
        sessions_max: *TIMES.get(ask.choice_of(4))?,
        download,
        notes,
        ..v1::MakeLinkRequest::default()
    };
    let what = ask.values().into_iter().nth(1).unwrap_or_default();
    Some(Order::Share(Box::new(Share { request, what, with_password: ask.choice_of(5) == 1 })))
}

/// The link came, or why not.
pub(super) fn made(
    model: &mut Model,
    share: Share,
    outcome: Result<(v1::MakeLinkResponse, Option<String>), Failure>,
) {
    match outcome {
        Ok((answer, password)) => {
            hands::given_back::take(model, SHARE);
            model.people.link = Some(LinkAsk {
                of: LinkFor::Guest {
                    what: share.what,
                    times: share.request.sessions_max,
                    password,
                    fingerprint: answer.fingerprint,
                },
                name: share.request.recipient,
                link: answer.link,
                expires_ms: answer.expires_ms,
                copied: None,
            });
        }
        Err(Failure::Refused { text, hint, .. }) => {
            model.notice = Some(Notice::Refused { text: text.clone(), hint });
            hands::given_back::refused(model, SHARE, &text);
        }
        Err(Failure::Offline(text)) => {
            // A secret that nobody saw opens nothing for anybody, but the link stands in the list.
            let hint =
                "It may have been made. Revoke it in the list of people before you make another.".into();
            model.notice = Some(Notice::Refused { text: text.clone(), hint });
            hands::given_back::refused(model, SHARE, &text);
        }
    }
}
