//! Keys of people at the command line: made, shown, chosen, enrolled, revoked; and the signature under an approval. Never here: what a statement says, how
//! a key signs (`receipt`).

use std::path::PathBuf;

use deadwax_proto::v1::{self, KeyView, action::Action};
use serde_json::json;

use super::{Context, VerbError, dates, house::House, out::Bar, review::enter};
use crate::{
    cache::{self, audio::AudioCache},
    cli::{KeyVerb, Where, Who},
    net::{Client, NetError},
    profile::Profile,
    receipt::{
        KEY, Trouble,
        agent::Agent,
        approve::{self, Desk, Signed, Step, Wish},
        digest,
        keys::{self, Found, Setup, Signer},
        secret::{self, Secret},
        short, sign,
    },
    scrub,
};

/// As ssh does.
const TRIES: u32 = 3;

impl From<Trouble> for VerbError {
    fn from(trouble: Trouble) -> VerbError {
        match trouble {
            Trouble::Net(error) => VerbError::Net(error),
            Trouble::No { reason, text, hint } => VerbError::no(reason, text, hint),
            Trouble::Input(text) => VerbError::Input(text),
        }
    }
}

pub async fn key(c: &Context, verb: KeyVerb) -> Result<(), VerbError> {
    match verb {
        KeyVerb::New { no_passphrase, again, who } => new(c, no_passphrase, again, &who).await,
        KeyVerb::Show { who } => show(c, &who).await,
        KeyVerb::Use { file, who } => choose_file(c, file, &who),
        KeyVerb::Agent { key, who } => choose_agent(c, key.as_deref(), &who),
        KeyVerb::Enrol { all, vouch, at } => {
            let place = Where { who: at.who, project: at.project, song: None };
            enrol(c, all, vouch, &place).await
        }
        KeyVerb::Vouch { code, yes, at } => {
            let place = Where { who: at.who, project: at.project, song: None };
            vouch(c, &code, yes, &place).await
        }
        KeyVerb::Revoke { key, reason, yes, at } => {
            let place = Where { who: at.who, project: at.project, song: None };
            revoke(c, &key, reason, yes, &place).await
        }
    }
}

async fn new(c: &Context, no_passphrase: bool, again: bool, who: &Who) -> Result<(), VerbError> {
    let mut profile = c.profile(who)?;
    let passphrase = match no_passphrase || c.out.json || !secret::can_ask() {
        true => None,
        false => twice().await?,
    };
    if passphrase.is_none() {
        c.out.aside("The key has no passphrase: whoever can read its file can sign as you.");
    }
    let made = keys::make(&c.home, &profile.name, passphrase.as_ref(), again)?;
    set(c, &mut profile, &Setup::Own)?;
    let path = c.home.key_path(&profile.name)?;
    c.out.both(
        &format!(
            "{}\nA key was made, and your approvals are signed with it from now on. It is in {}; keep a copy where nobody else can read it.\nThe first signature in a project makes it known there.",
            made.line,
            path.display()
        ),
        &json!({ "fingerprint": made.fingerprint, "public_key": made.line, "file": path.to_string_lossy(), "passphrase": passphrase.is_some() }),
    )
}

/// Typed twice alike; nothing typed: none.
async fn twice() -> Result<Option<Secret>, VerbError> {
    for _ in 0..TRIES {
        let first = typed("Passphrase (empty: none):".into()).await?;
        if first.is_empty() {
            return Ok(None);
        }
        if typed("Once more:".into()).await? == first {
            return Ok(Some(first));
        }
        eprintln!("These two differ.");
    }
    Err(VerbError::no("NOT_CONFIRMED", "Nothing was made.", "Try again with `deadwax key new`."))
}

async fn typed(question: String) -> Result<Secret, VerbError> {
    let asked = tokio::task::spawn_blocking(move || secret::ask(&question)).await;
    let given = asked.map_err(|e| VerbError::Out(std::io::Error::other(e)))?.map_err(VerbError::Out)?;
    given.ok_or_else(|| VerbError::no("STOPPED", "Stopped.", ""))
}

fn set(c: &Context, profile: &mut Profile, setup: &Setup) -> Result<(), VerbError> {
    let word = setup
        .text()
        .ok_or_else(|| VerbError::Usage("the path of the key is no text; move it to another place".into()))?;
    profile.key = Some(word);
    c.home.rewrite(profile).map_err(VerbError::from)
}

/// The key of the profile, whether it can sign now or not.
fn found(c: &Context, profile: &Profile) -> Result<Found, VerbError> {
    Ok(keys::find(&c.home, profile)?.ok_or_else(keys::none)?)
}

/// The same, ready to sign: the passphrase is asked for where it needs one.
async fn unlocked(c: &Context, found: Found) -> Result<Signer, VerbError> {
    let locked = match found {
        Found::Ready(signer) => return Ok(*signer),
        Found::Locked(locked) => locked,
    };
    if c.out.json || !secret::can_ask() {
        return Err(VerbError::no(
            "PASSPHRASE_NEEDED",
            format!("The key {} needs its passphrase, and there is nobody to ask here.", locked.label()),
            "Let an ssh-agent hold it (`ssh-add FILE`, then `deadwax key agent`), or run this in a terminal.",
        ));
    }
    let mut wrong = None;
    for _ in 0..TRIES {
        let passphrase = typed(format!("Passphrase of the key {}:", locked.label())).await?;
        let key = locked.clone();
        let opened = tokio::task::spawn_blocking(move || key.unlock(&passphrase)).await;
        match opened.map_err(|e| VerbError::Out(std::io::Error::other(e)))? {
            Ok(signer) => return Ok(signer),
            Err(trouble) => {
                c.out.aside(&trouble.to_string());
                wrong = Some(trouble);
            }
        }
    }
    Err(wrong.map_or_else(|| VerbError::no("STOPPED", "Stopped.", ""), VerbError::from))
}

async fn show(c: &Context, who: &Who) -> Result<(), VerbError> {
    let profile = c.profile(who)?;
    let found = found(c, &profile)?;
    let public = found.public().clone();
    let locked = matches!(found, Found::Locked(_));
    let mut text = format!("{}\n{}\nfingerprint {}", found.label(), public.line, public.fingerprint);
    if locked {
        text += "\nIt needs its passphrase to sign.";
    }
    let mut places = Vec::new();
    // Where it is enrolled only the studio knows; the key is shown without it too.
    match projects(c, who, &profile, &public.fingerprint).await {
        Ok(found) => places = found,
        Err(error) => c.out.aside(&format!("Where it is enrolled could not be asked: {error}")),
    }
    for (project, state) in &places {
        text += &format!("\n  {project}: {state}");
    }
    let places: Vec<_> =
        places.iter().map(|(project, state)| json!({ "project": project, "state": state })).collect();
    c.out.both(
        &text,
        &json!({ "fingerprint": public.fingerprint, "public_key": public.line, "label": found.label(), "locked": locked, "projects": places }),
    )
}

async fn projects(
    c: &Context,
    who: &Who,
    profile: &Profile,
    key: &str,
) -> Result<Vec<(String, String)>, VerbError> {
    let client = c.client(who).await?;
    let mut told = Vec::new();
    for project in client.list().await? {
        let house = House::fetch(&client, &project.project_id).await?;
        let own = approve::own_keys(&house, &profile.person_id);
        let state = own.iter().find(|it| it.fingerprint == key).map_or("not enrolled".to_owned(), state);
        told.push((project.title, state));
    }
    Ok(told)
}

/// "since 2026-11-21 20:15", "revoked 2026-11-22 by Ana: lost"
pub fn state(key: &KeyView) -> String {
    if key.revoked_ms == 0 {
        return format!("since {}", dates::shown(key.enrolled_ms));
    }
    let mut text = format!("revoked {} by {}", dates::shown(key.revoked_ms), key.revoked_by);
    if !key.reason.is_empty() {
        text += &format!(": {}", key.reason);
    }
    text
}

fn choose_file(c: &Context, file: Option<PathBuf>, who: &Who) -> Result<(), VerbError> {
    let mut profile = c.profile(who)?;
    let setup = match file {
        None => Setup::Own,
        Some(file) => {
            let shown = scrub::line(&file.to_string_lossy());
            let whole = std::fs::canonicalize(&file)
                .map_err(|e| VerbError::Input(format!("{shown} could not be read: {e}")))?;
            Setup::File(whole)
        }
    };
    chosen(c, &mut profile, &setup)
}

fn chosen(c: &Context, profile: &mut Profile, setup: &Setup) -> Result<(), VerbError> {
    // One that cannot be used is not written down.
    let found = found(c, &Profile { key: setup.text(), ..profile.clone() })?;
    set(c, profile, setup)?;
    let public = found.public();
    c.out.both(
        &format!("{}\nYour approvals are signed with the key {} from now on.", public.line, found.label()),
        &json!({ "fingerprint": public.fingerprint, "public_key": public.line, "label": found.label() }),
    )
}

fn choose_agent(c: &Context, wanted: Option<&str>, who: &Who) -> Result<(), VerbError> {
    let mut profile = c.profile(who)?;
    let held: Vec<(String, String)> =
        Agent::find()?.identities()?.into_iter().map(|it| (digest(&it.blob), it.comment)).collect();
    let list = || {
        let lines: Vec<String> =
            held.iter().map(|(key, comment)| format!("{} {comment}", short(key))).collect();
        lines.join(", ")
    };
    let fits = |(key, comment): &&(String, String)| {
        wanted.is_none_or(|wanted| wanted == comment || (wanted.len() >= 4 && key.starts_with(wanted)))
    };
    let mut fitting = held.iter().filter(fits);
    match (fitting.next(), fitting.next()) {
        (Some((key, _)), None) => chosen(c, &mut profile, &Setup::Agent(key.clone())),
        (Some(_), Some(_)) => Err(VerbError::Usage(format!("which key? The ssh-agent holds {}", list()))),
        (None, _) if held.is_empty() => Err(VerbError::no(
            "NO_KEY",
            "The ssh-agent holds no Ed25519 key.",
            "Add one with `ssh-add FILE`, or make one with `deadwax key new`.",
        )),
        (None, _) => {
            Err(VerbError::Usage(format!("the ssh-agent does not hold that key; it holds {}", list())))
        }
    }
}

/// Everything that signing needs.
fn desk(
    profile: Profile,
    c: &Context,
    client: &Client,
    signer: Signer,
    voucher: Option<PathBuf>,
) -> Result<Desk, VerbError> {
    let no_room = |what: String| {
        VerbError::Input(format!("there is no place to keep audio: {what}; set DEADWAX_HOME to a folder"))
    };
    let folder = cache::folder(&profile.name).ok_or_else(|| no_room("no folder is known".into()))?;
    let cache = AudioCache::open(&folder.join("audio"), 0).map_err(|e| no_room(e.to_string()))?;
    Ok(Desk { client: client.clone(), home: c.home.clone(), profile, cache, signer, voucher })
}

async fn enrol(c: &Context, all: bool, vouch: Option<PathBuf>, place: &Where) -> Result<(), VerbError> {
    let profile = c.profile(&place.who)?;
    let signer = unlocked(c, found(c, &profile)?).await?;
    let client = c.client(&place.who).await?;
    let houses = if all {
        let mut houses = Vec::new();
        for project in client.list().await? {
            houses.push(House::fetch(&client, &project.project_id).await?);
        }
        houses
    } else {
        vec![House::find(&client, place.project.as_deref()).await?]
    };
    let desk = desk(profile, c, &client, signer, vouch)?;
    for house in houses {
        let keys = approve::own_keys(&house, &desk.profile.person_id);
        let title = &house.project.title;
        if keys.iter().any(|it| it.fingerprint == desk.signer.fingerprint() && it.revoked_ms == 0) {
            c.out.both(
                &format!("{title}: the key {} is known already.", desk.signer.label()),
                &json!({ "done": false, "project_id": house.project.project_id, "fingerprint": desk.signer.fingerprint() }),
            )?;
            continue;
        }
        let holding: Vec<&str> =
            keys.iter().filter(|it| it.revoked_ms == 0).map(|it| it.fingerprint.as_str()).collect();
        let voucher = match holding.is_empty() {
            true => None,
            false => keys::voucher(&c.home, &desk.profile.name, desk.voucher.as_deref(), &holding)?,
        };
        let voucher = match voucher {
            Some(found) => Some(unlocked(c, found).await?),
            None => None,
        };
        let action = approve::enrolment(&desk, &house, voucher.as_ref()).await?;
        let done = client.perform(&house.project.project_id, Action::EnrolKey(action)).await?;
        c.tell(
            &done,
            json!({ "project_id": house.project.project_id, "fingerprint": desk.signer.fingerprint() }),
        )?;
    }
    Ok(())
}

/// A key of the same person that is elsewhere, in a browser: the one that is here signs for it.
async fn vouch(c: &Context, code: &str, yes: bool, place: &Where) -> Result<(), VerbError> {
    let (key, proof) = sign::offered(code).map_err(|what| {
        VerbError::Usage(format!("that is not the code of a key: {what}; copy it from the page as it stands"))
    })?;
    let profile = c.profile(&place.who)?;
    let (client, house) = enter(c, place).await?;
    let title = &house.project.title;
    let told = json!({ "project_id": house.project.project_id, "fingerprint": key.fingerprint });
    let holding: Vec<&str> = approve::own_keys(&house, &profile.person_id)
        .iter()
        .filter(|it| it.revoked_ms == 0)
        .map(|it| it.fingerprint.as_str())
        .collect();
    if holding.contains(&key.fingerprint.as_str()) {
        let text = format!("{title}: the key {} is known already.", short(&key.fingerprint));
        return c.out.both(&text, &told);
    }
    let found = voucher(c, &profile, &house, &holding)?;
    c.out.aside(&format!(
        "The key {} asks to sign as you in {title}. The page that you copied this from must show the same figures.",
        short(&key.fingerprint)
    ));
    c.out.confirm("Whoever has that browser can approve as you from now on. Vouch for it?", yes).await?;
    let vouch = approve::signed(&unlocked(c, found).await?, KEY, &key.line).await?;
    let action = Action::EnrolKey(v1::EnrolKey { public_key: key.line, proof, vouch });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(&done, told)
}

/// A key of this machine that holds in the project.
fn voucher(c: &Context, profile: &Profile, house: &House, holding: &[&str]) -> Result<Found, VerbError> {
    let found = match keys::find(&c.home, profile)? {
        Some(own) if holding.contains(&own.public().fingerprint.as_str()) => Some(own),
        _ => keys::voucher(&c.home, &profile.name, None, holding)?,
    };
    if let Some(found) = found {
        return Ok(found);
    }
    let title = &house.project.title;
    let (text, hint) = match holding {
        // Whoever has none needs nobody to vouch: this profile is somebody else's, or the project is another.
        [] => (
            format!("You have no key in {title} that could vouch."),
            "See with `deadwax member list` whose keys hold here: perhaps this profile is somebody else than the browser is.",
        ),
        _ => {
            let list: Vec<String> = holding.iter().map(|it| short(it)).collect();
            let list = list.join(", ");
            (
                format!("None of your keys that hold in {title} ({list}) is on this machine."),
                "Say it where you sign approvals, or put the key into an ssh-agent. If it is lost a manager revokes it.",
            )
        }
    };
    Err(VerbError::no("KEY_NOT_VOUCHED", text, hint))
}

async fn revoke(
    c: &Context,
    wanted: &str,
    reason: String,
    yes: bool,
    place: &Where,
) -> Result<(), VerbError> {
    let wanted = wanted.trim().to_ascii_lowercase();
    if wanted.len() < 8 || !wanted.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(VerbError::Usage(
            "a key is named by 8 to 64 hex digits of its fingerprint; see `deadwax member list`".into(),
        ));
    }
    let (client, house) = enter(c, place).await?;
    let all = house.members.iter().flat_map(|member| member.keys.iter().map(move |key| (member, key)));
    let fitting: Vec<_> = all.filter(|(_, key)| key.fingerprint.starts_with(&wanted)).collect();
    let [(member, key)] = fitting.as_slice() else {
        let text = match fitting.is_empty() {
            true => {
                format!("no key in {} begins with {wanted}; see `deadwax member list`", house.project.title)
            }
            false => format!("{wanted} begins several keys; write more of it"),
        };
        return Err(VerbError::Usage(text));
    };
    c.out.aside(&format!("{} of {}, {}", short(&key.fingerprint), member.name, state(key)));
    if let Some(alike) = house.looks_like(&member.person_id, &member.name) {
        c.out.aside(&format!("! {alike}"));
    }
    c.out.confirm("It signs nothing any more; what it signed stays signed. Revoke it?", yes).await?;
    let action = Action::RevokeKey(v1::RevokeKey { fingerprint: key.fingerprint.clone(), reason });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(&done, json!({ "fingerprint": key.fingerprint }))
}

/// A key that an approval will be signed with, found before anybody is asked; `None`: it goes without.
pub struct Pen(Option<Found>);

impl Pen {
    /// Tells with which key it will be signed, or that it will not.
    pub fn find(c: &Context, who: &Who, no_key: bool) -> Result<Pen, VerbError> {
        let profile = c.profile(who)?;
        let found = if no_key { None } else { keys::find(&c.home, &profile)? };
        match &found {
            Some(found) => c.out.aside(&format!("It is signed with your key {}.", found.label())),
            None if no_key => c.out.aside("It is not signed with a key."),
            None => c.out.aside("It is not signed with a key; `deadwax key new` makes one."),
        }
        Ok(Pen(found))
    }

    /// Fetches, hashes, signs and sends. `None`: there is no key, and nothing was done.
    pub async fn sign(
        self,
        c: &Context,
        who: &Who,
        client: &Client,
        wish: &Wish,
    ) -> Result<Option<Signed>, VerbError> {
        let Some(found) = self.0 else { return Ok(None) };
        let signer = unlocked(c, found).await?;
        let desk = desk(c.profile(who)?, c, client, signer, None)?;
        let bar = std::sync::Mutex::new(None::<Bar>);
        let told = |step: Step| {
            let mut bar = bar.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            match step {
                Step::Fetching { name, done, total } => {
                    bar.get_or_insert_with(|| Bar::bytes(&name, total)).set(done);
                }
                Step::Record | Step::Signing => *bar = None,
                Step::Enrolling => c.out.aside("Your key is new in this project and is made known first."),
            }
        };
        let signed = approve::approve(&desk, wish, &told).await?;
        drop(bar);
        if signed.unlisted {
            c.out.aside(
                "This studio shows no list of its record, so that nothing can be held against it later.",
            );
        }
        Ok(Some(signed))
    }
}

/// For programs: what was signed.
pub fn told(signed: Option<&Signed>) -> serde_json::Value {
    signed.map_or(json!(null), |it| {
        json!({ "sequence": it.sequence, "statement": it.statement, "signature": it.signature, "enrolled": it.enrolled })
    })
}

/// A gate that asks for a receipt says so; the next step is a key.
pub fn with_the_key_hint(error: NetError) -> VerbError {
    match error {
        NetError::Refused { reason, text, hint, code, offset } if reason == "NOT_SIGNED" => {
            let own = "Make a key with `deadwax key new`, then approve again.";
            let hint =
                if hint.contains("deadwax key") { hint } else { format!("{hint} {own}").trim().to_owned() };
            VerbError::Net(NetError::Refused { code, reason, text, hint, offset })
        }
        other => VerbError::Net(other),
    }
}
