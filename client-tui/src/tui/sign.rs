//! The tasks behind a signature of the screens: which key there is, and the approval on its way with its progress. Dropped, it stops. Never here: what is asked of
//! a person.

use tokio::sync::mpsc::Sender;

use super::{
    msg::{Failure, Msg},
    signing::{Key, News},
};
use crate::{
    cache::{self, audio::AudioCache},
    net::Client,
    profile::Home,
    receipt::{
        Trouble,
        approve::{self, Desk, Step, Wish},
        keys::{self, Found, Signer},
        secret::Secret,
    },
};

pub struct Place {
    pub client: Client,
    pub home: Home,
    /// Of the audio cache; 0: the default.
    pub bytes_max: u64,
}

async fn tell(out: &Sender<Msg>, news: News) {
    drop(out.send(Msg::Signing(news)).await);
}

/// An agent may be slow: it is asked beside the threads that draw.
async fn find(home: &Home, profile: &str) -> Result<Option<Found>, Trouble> {
    let (home, name) = (home.clone(), profile.to_owned());
    let look = move || keys::find(&home, &home.load(Some(&name))?);
    tokio::task::spawn_blocking(look).await.map_err(|_| Trouble::Input("the key could not be read".into()))?
}

pub async fn look(client: Client, out: Sender<Msg>, home: Home) {
    let key = match find(&home, client.profile()).await {
        Ok(None) => Key::None,
        Ok(Some(found @ Found::Ready(_))) => Key::Ready { label: found.label().to_owned() },
        Ok(Some(found @ Found::Locked(_))) => Key::Locked { label: found.label().to_owned() },
        Err(trouble) => Key::Broken { text: trouble.to_string(), hint: trouble.hint().to_owned() },
    };
    tell(&out, News::Key(key)).await;
}

pub async fn sign(place: Place, out: Sender<Msg>, ticket: u64, wish: Wish, passphrase: Option<Secret>) {
    let told = |step: Step| {
        let (step, done, total) = match step {
            Step::Fetching { name, done, total } => (format!("Fetching {name}"), done, total),
            Step::Record => ("Asking for the record".to_owned(), 0, 0),
            Step::Enrolling => ("Making your key known".to_owned(), 0, 0),
            Step::Signing => ("Signing".to_owned(), 0, 0),
        };
        // Progress that finds no room is out of date when it would.
        drop(out.try_send(Msg::Signing(News::Step { ticket, step, done, total })));
    };
    let outcome = match desk(&place, passphrase).await {
        Ok(desk) => approve::approve(&desk, &wish, &told).await,
        Err(trouble) => Err(trouble),
    };
    let outcome = outcome.map(|it| (it.sequence, it.enrolled)).map_err(|trouble| match &trouble {
        Trouble::Net(error) if error.is_passing() => Failure::Offline(trouble.to_string()),
        _ => Failure::Refused {
            reason: trouble.reason().to_owned(),
            text: trouble.to_string(),
            hint: trouble.hint().to_owned(),
        },
    });
    tell(&out, News::Ended { ticket, outcome }).await;
}

async fn desk(place: &Place, passphrase: Option<Secret>) -> Result<Desk, Trouble> {
    let name = place.client.profile().to_owned();
    let signer = open(find(&place.home, &name).await?.ok_or_else(keys::none)?, passphrase).await?;
    let no_room =
        |what: String| Trouble::Input(format!("there is no place to keep audio: {what}; set DEADWAX_HOME"));
    let folder = cache::folder(&name).ok_or_else(|| no_room("no folder is known".into()))?;
    let cache =
        AudioCache::open(&folder.join("audio"), place.bytes_max).map_err(|e| no_room(e.to_string()))?;
    let profile = place.home.load(Some(&name))?;
    Ok(Desk { client: place.client.clone(), home: place.home.clone(), profile, cache, signer, voucher: None })
}

async fn open(found: Found, passphrase: Option<Secret>) -> Result<Signer, Trouble> {
    match found {
        Found::Ready(signer) => Ok(*signer),
        Found::Locked(locked) => {
            let given = passphrase.unwrap_or_default();
            let opened = tokio::task::spawn_blocking(move || locked.unlock(&given)).await;
            opened.map_err(|_| Trouble::Input("the key could not be opened".into()))?
        }
    }
}
