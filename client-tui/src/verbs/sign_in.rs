//! Signing in: with the link of an invite, or again with the key of this machine and the passphrase; the passphrase itself; and ending somebody's access.
//! Never here: what is stored of it (the server), other verbs of a person (`account`).

use std::path::{Path, PathBuf};

use deadwax_proto::v1;
use serde_json::json;

use super::{Context, VerbError, account::profile_name_for};
use crate::{
    cli::{TlsFiles, Who},
    net::{Client, Fingerprint, Link, NetError, look},
    profile::Profile,
    receipt::{
        device::Device,
        secret::{self, Secret},
    },
};

const NEEDED: &str = "PASSPHRASE_NEEDED";
const TO_CHOOSE: &str = "PASSPHRASE_TO_CHOOSE";

fn is_asked_for(reason: &str) -> bool {
    reason == NEEDED || reason == TO_CHOOSE
}

/// What `deadwax login` was given.
pub struct Asked {
    pub url: Option<String>,
    pub trust: Option<String>,
    pub files: TlsFiles,
    pub device: Option<String>,
    pub passphrase_file: Option<PathBuf>,
}

pub async fn login(c: &Context, asked: Asked, who: &Who) -> Result<(), VerbError> {
    match &asked.url {
        Some(url) => first(c, url, &asked, who).await,
        None => again(c, &asked, who).await,
    }
}

async fn first(c: &Context, url: &str, asked: &Asked, who: &Who) -> Result<(), VerbError> {
    let link: Link = url.parse()?;
    if link.code.is_empty() {
        return Err(VerbError::Usage(
            "the link holds no code; copy the whole link of your invite: deadwax://host:port/CODE#sha256=..."
                .into(),
        ));
    }
    let mut profile = Profile { url: link.url(), ..Profile::default() };
    keep_files(&asked.files, &mut profile)?;
    if profile.authority.is_none() {
        profile.fingerprint = trusted(c, &link, asked.trust.clone()).await?.map(|f| f.to_string());
    }
    // A name that cannot be kept must be told before the code is used up.
    let wanted = c.profile_name(who);
    if let Some(name) = &wanted {
        match c.home.load(Some(name)) {
            Err(e @ crate::profile::ProfileError::Name(_)) => return Err(e.into()),
            _ => profile.name.clone_from(name),
        }
    }
    let client = Client::connect(&profile).await?;
    let info = client.server_info().await?;
    let key = Device::make()?;
    let mut request = v1::LoginRequest {
        code: link.code.clone(),
        device: asked.device.clone().unwrap_or_else(device_name),
        api: deadwax_proto::API,
        passphrase: String::new(),
        device_key: key.line().to_owned(),
        device_signature: key.sign_code(&link.code)?,
    };
    if let Some(given) = from_file(asked.passphrase_file.as_deref())? {
        request.passphrase = given.text().to_owned();
    }
    let answer = match client.login(request.clone()).await {
        Err(NetError::Refused { reason, .. }) if is_asked_for(&reason) && request.passphrase.is_empty() => {
            request.passphrase = asked_for(c, reason == TO_CHOOSE).await?.text().to_owned();
            client.login(request).await
        }
        answer => answer,
    }?;
    profile.device = Some(key.text()?.to_string());
    let person = take(&mut profile, &info, &answer)?;
    if wanted.is_none() {
        profile.name = profile_name_for(&c.home.names(), &person.name, &link.host, |name| {
            c.home.load(Some(name)).is_ok_and(|p| p.url == profile.url && p.person_id == profile.person_id)
        });
    }
    // Who signs in again signs with the same key as before.
    let before = c.home.load(Some(&profile.name)).ok();
    let before = before.filter(|it| (&it.url, &it.person_id) == (&profile.url, &profile.person_id));
    let earlier = before.as_ref().map(|it| it.session_of(&profile)).unwrap_or_default();
    profile.key = before.and_then(|it| it.key);
    c.home.save(&profile)?;
    // The session that this profile had before would stay open with nobody to use it.
    if let Some(earlier) = earlier {
        drop(async { Client::connect(&earlier).await?.logout().await }.await);
    }
    signed_in(c, &profile, &person, answer.expires_ms)
}

/// This machine has a key that the server knows.
async fn again(c: &Context, asked: &Asked, who: &Who) -> Result<(), VerbError> {
    let mut profile = c.home.load(c.profile_name(who).as_deref())?;
    let no_key = || {
        VerbError::no(
            "LINK_NEEDED",
            format!("This machine has no key for {}.", profile.url),
            "Sign in with an invite link: deadwax login LINK. A studio owner makes one, or you on a machine that is signed in: deadwax invite.",
        )
    };
    let key = Device::read(profile.device.as_deref().ok_or_else(no_key)?)?;
    profile.token = None;
    keep_files(&asked.files, &mut profile)?;
    let client = Client::connect(&profile).await?;
    let info = client.server_info().await?;
    let passphrase = match from_file(asked.passphrase_file.as_deref())? {
        Some(given) => given,
        None => asked_for(c, false).await?,
    };
    let challenge = client.challenge().await?;
    let request = v1::SignInRequest {
        device_key: key.line().to_owned(),
        device_signature: key.sign_challenge(&challenge)?,
        challenge,
        passphrase: passphrase.text().to_owned(),
        api: deadwax_proto::API,
    };
    let answer = client.sign_in(request).await?;
    let person = take(&mut profile, &info, &answer)?;
    c.home.save(&profile)?;
    signed_in(c, &profile, &person, answer.expires_ms)
}

fn take(
    profile: &mut Profile,
    info: &v1::ServerInfo,
    answer: &v1::LoginResponse,
) -> Result<v1::Person, VerbError> {
    let person = answer.person.clone();
    let person = person.ok_or_else(|| NetError::Odd("the server did not say who signed in".into()))?;
    profile.token = Some(answer.token.clone());
    profile.studio.clone_from(&info.studio);
    (profile.expires_ms, profile.forget) = (answer.expires_ms, info.forget_kept);
    profile.person_id.clone_from(&person.person_id);
    profile.person.clone_from(&person.name);
    profile.email.clone_from(&person.email);
    Ok(person)
}

fn signed_in(c: &Context, profile: &Profile, person: &v1::Person, expires_ms: i64) -> Result<(), VerbError> {
    let more = match person.has_passphrase {
        true => "",
        false => {
            "\nWithout a passphrase you need a new link when the session ends: choose one with `deadwax passphrase`."
        }
    };
    c.out.both(
        &format!("Signed in to {} as {} (profile {}).{more}", profile.studio, person.name, profile.name),
        &json!({
            "profile": profile.name, "studio": profile.studio, "person_id": person.person_id, "name": person.name,
            "email": person.email, "expires_ms": expires_ms, "url": profile.url, "has_passphrase": person.has_passphrase,
        }),
    )
}

/// The first line of a file; `-`: of standard input.
fn from_file(path: Option<&Path>) -> Result<Option<Secret>, VerbError> {
    let Some(path) = path else { return Ok(None) };
    let text = if path == Path::new("-") {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    } else {
        std::fs::read_to_string(path)
    };
    let text = zeroize::Zeroizing::new(text.map_err(|e| {
        VerbError::Usage(format!("the passphrase could not be read from {}: {e}", path.display()))
    })?);
    match text.lines().next().unwrap_or_default() {
        "" => Err(VerbError::Usage(format!("{} holds no passphrase in its first line", path.display()))),
        line => Ok(Some(Secret::new(line))),
    }
}

async fn ask(question: &'static str) -> Result<Secret, VerbError> {
    if !secret::can_ask() {
        return Err(VerbError::no(
            NEEDED,
            "The passphrase is needed, and there is no terminal to ask for it.",
            "Give it in a file of your own: --passphrase-file FILE, or - for standard input.",
        ));
    }
    let asked = tokio::task::spawn_blocking(move || secret::ask(question)).await;
    let asked = asked.map_err(|e| VerbError::Usage(format!("the question ended: {e}")))?;
    asked.map_err(VerbError::Out)?.ok_or_else(|| VerbError::Usage("nothing was done".into()))
}

/// `choose`: a new one, typed twice.
async fn asked_for(c: &Context, choose: bool) -> Result<Secret, VerbError> {
    if !choose {
        return ask("Passphrase:").await;
    }
    if secret::can_ask() {
        c.out.aside("Choose a passphrase of at least 12 characters; four words that have nothing to do with each other are good.");
    }
    let wanted = ask("New passphrase:").await?;
    if ask("Once more:").await? != wanted {
        return Err(VerbError::no(
            "PASSPHRASES_DIFFER",
            "The two are not the same; nothing was done.",
            "Try again.",
        ));
    }
    Ok(wanted)
}

/// The password that a link shall have; empty: none is wanted.
pub(super) async fn password_of_link(
    c: &Context,
    asked: bool,
    file: Option<&Path>,
) -> Result<Secret, VerbError> {
    if let Some(given) = from_file(file)? {
        return Ok(given);
    }
    if !asked {
        return Ok(Secret::default());
    }
    if secret::can_ask() {
        c.out.aside("A password of at least 8 characters; two words that have nothing to do with each other are good.");
    }
    let wanted = ask("Password of the link:").await?;
    if ask("Once more:").await? != wanted {
        let text = "The two are not the same; nothing was done.";
        return Err(VerbError::no("PASSPHRASES_DIFFER", text, "Try again."));
    }
    Ok(wanted)
}

/// What `deadwax passphrase` was given.
pub struct Wanted {
    pub current_file: Option<PathBuf>,
    pub new_file: Option<PathBuf>,
    pub end_others: bool,
}

pub async fn passphrase(c: &Context, asked: Wanted, who: &Who) -> Result<(), VerbError> {
    let client = c.client(who).await?;
    let has_one = client.who_am_i().await?.has_passphrase;
    let current = match from_file(asked.current_file.as_deref())? {
        Some(current) => current,
        None if has_one => ask("Current passphrase:").await?,
        None => Secret::default(),
    };
    let wanted = match from_file(asked.new_file.as_deref())? {
        Some(wanted) => wanted,
        None => asked_for(c, true).await?,
    };
    let request = v1::SetPassphraseRequest {
        current: current.text().to_owned(),
        passphrase: wanted.text().to_owned(),
        end_other_sessions: asked.end_others,
        proof: None,
    };
    let ended = client.set_passphrase(request).await?.sessions_ended;
    let more = match (asked.end_others, ended) {
        (false, _) => String::new(),
        (true, 0) => " No other session was open; other machines need a link to come back.".into(),
        (true, n) => format!(" {n} other session(s) ended; those machines need a link to come back."),
    };
    c.out.both(
        &format!(
            "The passphrase is set. With it and this machine's key you sign in again: deadwax login.{more}"
        ),
        &json!({ "passphrase": "set", "sessions_ended": ended }),
    )
}

pub async fn end_access(
    c: &Context,
    email: &str,
    leave_projects: bool,
    yes: bool,
    who: &Who,
) -> Result<(), VerbError> {
    let client = c.client(who).await?;
    let projects = if leave_projects { ", and take them out of every project" } else { "" };
    let question = format!("End all sessions, devices, links and the passphrase of {email}{projects}?");
    c.out.confirm(&question, yes).await?;
    let request = v1::EndAccessRequest { email: email.to_owned(), leave_projects, ..Default::default() };
    let done = client.end_access(request).await?;
    let mut text = format!("{email} has no way in any more: {} open session(s) ended", done.sessions_ended);
    if leave_projects {
        text += &format!(", {} project(s) left", done.projects_left);
    }
    text.push('.');
    if !done.still_in.is_empty() {
        let titles = done.still_in.join(", ");
        text += &format!(
            "\nStill a member, as the only manager: {titles}. Give those projects another manager, then say it again."
        );
    }
    c.out.both(
        &text,
        &json!({
            "email": email, "sessions_ended": done.sessions_ended, "projects_left": done.projects_left, "still_in": done.still_in,
        }),
    )
}

/// Where the files are, from wherever this profile is used; what is not given stays.
fn keep_files(files: &TlsFiles, profile: &mut Profile) -> Result<(), VerbError> {
    let place = |path: &Path| -> Result<String, VerbError> {
        let whole = std::path::absolute(path).ok().and_then(|path| path.to_str().map(str::to_owned));
        whole
            .ok_or_else(|| VerbError::Usage(format!("{} is no path that a profile can keep", path.display())))
    };
    if let Some(authority) = &files.authority {
        (profile.authority, profile.fingerprint) = (Some(place(authority)?), None);
    }
    if let (Some(certificate), Some(key)) = (&files.certificate, &files.key) {
        (profile.certificate, profile.certificate_key) = (Some(place(certificate)?), Some(place(key)?));
    }
    Ok(())
}

/// The fingerprint to pin: of the link or of `--trust`; else what the server shows, if the person says yes to it.
async fn trusted(c: &Context, link: &Link, trust: Option<String>) -> Result<Option<Fingerprint>, VerbError> {
    if !link.tls {
        return Ok(None);
    }
    let given: Option<Fingerprint> = trust.map(|t| t.parse()).transpose()?;
    match (link.fingerprint, given) {
        (Some(a), Some(b)) if a != b => Err(VerbError::no(
            "CERTIFICATE_DIFFERS",
            format!(
                "The link and --trust name different fingerprints.\n  link  {a}\n  trust {b}\nNothing was sent."
            ),
            "Ask the studio which one is its own.",
        )),
        (Some(known), _) | (None, Some(known)) => Ok(Some(known)),
        (None, None) => {
            let shown = look(link).await?;
            c.out.aside(&format!(
                "The link holds no fingerprint. {} shows this certificate:\n  sha256 {shown}\nCompare it with what the studio told you over another way.",
                link.url()
            ));
            c.out.confirm("Do you trust it?", false).await?;
            Ok(Some(shown))
        }
    }
}

fn device_name() -> String {
    let host = std::fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = crate::scrub::cut(&crate::scrub::line(host.trim()), 40);
    if host.is_empty() { "command line".into() } else { format!("command line on {host}") }
}
