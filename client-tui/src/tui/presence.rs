//! Who else is here, as the screens see it, and what this client tells of itself. Never here: IO.

use deadwax_proto::v1::{Attendee, Attending};

use super::{
    model::{Model, Screen},
    words,
};

/// While something plays its place is told anew this often: four times a second.
const TELL_EVERY_MS: u64 = 250;

#[derive(Clone, Debug, Default)]
pub struct Presence {
    pub attendees: Vec<Attendee>,
    /// This person's own choices.
    pub shares_playhead: bool,
    pub leads: bool,
    /// Whether the playhead was shared before leading began: leading shares it.
    pub shared_before: bool,
    /// The attendee whose listening is followed.
    pub follows: Option<String>,
    /// What the studio was told last; `None`: it believes that nobody is here.
    pub told: Option<Attending>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Where this person is now; the stream opens with the first and is kept open until `Leave`.
    Tell(Attending),
    Leave,
}

/// Somebody else on a song.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Here {
    pub name: String,
    pub version_id: String,
    /// As far as it is shared.
    pub at_ms: Option<u64>,
    pub playing: bool,
    pub leading: bool,
}

impl Here {
    /// "Lena (1:23 playing)", "Teo leads (0:07)", "Teo".
    pub fn words(&self) -> String {
        let leads = if self.leading { " leads" } else { "" };
        match self.at_ms {
            Some(at_ms) => {
                let playing = if self.playing { " playing" } else { "" };
                format!("{}{leads} ({}{playing})", self.name, words::clock(at_ms, false))
            }
            None => format!("{}{leads}", self.name),
        }
    }
}

/// Where an attendee's playhead is now, as well as can be known.
pub fn playhead_ms(of: &Attendee) -> Option<u64> {
    let age_ms = if of.playing { u64::from(of.age_ms) } else { 0 };
    of.playhead_ms.map(|at_ms| at_ms.saturating_add(age_ms))
}

/// The others who are on this song, in the order in which they came.
pub fn here(model: &Model, song: &str) -> Vec<Here> {
    let others = model.presence.attendees.iter().filter(|it| !it.you && it.song_id == song);
    others
        .map(|it| Here {
            name: crate::scrub::line(&it.name),
            version_id: it.version_id.clone(),
            at_ms: playhead_ms(it),
            playing: it.playing,
            leading: it.leading,
        })
        .collect()
}

/// The others on the song that is looked at.
pub fn on_song(model: &Model) -> Vec<Here> {
    song_of(model).map_or_else(Vec::new, |song| here(model, song))
}

/// "Here: Lena (1:23 playing), Teo"; while somebody is followed: "Following Lena (1:23 playing)". Empty: nobody else is here.
pub fn line(model: &Model) -> String {
    let followed = model.presence.follows.as_deref().and_then(|id| {
        let found = model.presence.attendees.iter().find(|it| it.attendee_id == id)?;
        here(model, &found.song_id)
            .into_iter()
            .find(|it| it.leading && it.name == crate::scrub::line(&found.name))
    });
    if let Some(followed) = followed {
        return format!("Following {}", Here { leading: false, ..followed }.words());
    }
    let here = on_song(model);
    let own = match &model.presence {
        it if it.leads && own_leads(model) => "You lead. ",
        it if it.shares_playhead && model.online() && model.project_id().is_some() => "You share. ",
        _ => "",
    };
    if here.is_empty() {
        return own.trim_end().to_owned();
    }
    format!("{own}Here: {}", here.iter().map(Here::words).collect::<Vec<_>>().join(", "))
}

/// Whether the studio let this client lead.
pub fn own_leads(model: &Model) -> bool {
    model.presence.attendees.iter().any(|it| it.you && it.leading)
}

/// The song that the person is on.
pub fn song_of(model: &Model) -> Option<&str> {
    match model.top() {
        Screen::Song(view) => Some(view.song.as_str()),
        Screen::Compare(view) => Some(view.song.as_str()),
        Screen::Master { song, .. } => Some(song.as_str()),
        _ => None,
    }
}

/// The song that the person is on for the others: what they share is what they hear; who leads stays on it while they look elsewhere.
fn place_song<'a>(model: &'a Model, project: &str) -> Option<&'a str> {
    let heard = model.player.about.as_ref().filter(|(of, _)| of == project).map(|(_, song)| song.as_str());
    let seen = song_of(model);
    if model.player.playing && model.presence.shares_playhead {
        return heard.or(seen);
    }
    seen.or_else(|| heard.filter(|_| model.presence.leads))
}

/// What the studio should know of this person's place; `None`: they are in no project, or the line is down.
pub fn place(model: &Model) -> Option<Attending> {
    let project = model.project_id().filter(|_| model.online())?;
    let song = place_song(model, project).unwrap_or_default();
    let mut place =
        Attending { project_id: project.to_owned(), song_id: song.to_owned(), ..Attending::default() };
    if song.is_empty() {
        return Some(place);
    }
    place.leading = model.presence.leads;
    if model.player.is_on(project, song) {
        // What is heard, wherever the eyes are.
        if let Some(track) = model.player.track() {
            place.version_id.clone_from(&track.version_id);
            place.alternate.clone_from(&track.alternate);
        }
        if model.presence.shares_playhead {
            place.playhead_ms = model.player.at_us().map(|us| us / 1000);
            place.playing = model.player.playing && place.playhead_ms.is_some();
        }
    } else if let Screen::Song(view) = model.top()
        && let Some(version) = model.projects.get(project).and_then(|rows| view.version(rows))
    {
        place.version_id.clone_from(&version.version_id);
        place.alternate = view.file(version).map(|it| it.alternate.clone()).unwrap_or_default();
    }
    Some(place)
}

/// Whether the others would see a difference. A playhead that runs on makes one four times a second.
pub fn differs(told: &Attending, now: &Attending) -> bool {
    let rough = |place: &Attending| {
        let step = if place.playing { TELL_EVERY_MS } else { 1 };
        Attending { playhead_ms: place.playhead_ms.map(|at_ms| at_ms / step), ..place.clone() }
    };
    rough(told) != rough(now)
}
