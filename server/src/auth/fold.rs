//! The studio's stream folded: who is here, which codes are open, which sessions live. Pure but for the cancellation tokens that a session
//! carries. Total: an entry that makes no sense here, or was redacted, changes nothing.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use deadwax_domain::{LinkId, PersonId, ProjectId};
use deadwax_proto::ledger::v1::{
    LinkKept, LinkSecret, MailChoice as Stored, SessionOpened, StudioFact, studio_fact::Fact,
};
use prost::Message as _;
use tokio_util::sync::CancellationToken;

use super::{Directory, MailChoice, Person, secret::Hash};
use crate::store::Entry;

pub(super) struct Code {
    pub person: PersonId,
    pub made_ms: i64,
    pub expires_ms: i64,
}

#[derive(Clone)]
pub(super) struct Session {
    pub id: u128,
    pub person: PersonId,
    pub token: Hash,
    pub device: String,
    pub opened_ms: i64,
    pub expires_ms: i64,
    /// The key of its device, where it has one.
    pub key: Option<Hash>,
    /// When a call last came under it; 0: not since this process began.
    pub used_ms: Arc<AtomicI64>,
    pub ended: CancellationToken,
}

/// A machine that can sign in with its key and its person's passphrase.
#[derive(Clone)]
pub(super) struct Device {
    pub person: PersonId,
    pub name: String,
    /// Its newest session, which may have ended.
    pub session: u128,
    pub opened_ms: i64,
    pub expires_ms: i64,
}

/// What opens a link, and how often it was opened. Kept when it has ended too: its list of openings is asked for later.
pub(super) struct Link {
    pub id: LinkId,
    pub person: PersonId,
    pub project: ProjectId,
    pub by: PersonId,
    pub expires_ms: i64,
    pub sessions_max: u32,
    pub ended: bool,
    secret: Option<Hash>,
    /// Of its password, as a PHC string.
    pub phc: Option<Arc<str>>,
    /// Sessions, and when they began.
    pub opened: Vec<(u128, i64)>,
}

#[derive(Default)]
struct Known {
    studio_owner: bool,
    /// Name and e-mail; absent before the entry that names the person, and where it was redacted.
    named: Option<(String, String)>,
    /// Where the personal data stand, for redaction.
    entries: Vec<u64>,
    redacted: bool,
    signed_in: bool,
    mail: MailChoice,
    /// As a PHC string.
    passphrase: Option<Arc<str>>,
}

pub(super) struct State {
    pub seq: u64,
    known: HashMap<PersonId, Known>,
    by_email: HashMap<Hash, PersonId>,
    /// How often an e-mail was redacted: part of its claim, so that somebody may come back.
    redactions: HashMap<Hash, u32>,
    pub codes: HashMap<Hash, Code>,
    sessions: HashMap<u128, Session>,
    by_token: HashMap<Hash, u128>,
    devices: HashMap<Hash, Device>,
    links: HashMap<LinkId, Link>,
    by_secret: HashMap<Hash, LinkId>,
    /// Where device names stand, by person.
    device_entries: HashMap<PersonId, Vec<u64>>,
    directory: Arc<Directory>,
    closing: CancellationToken,
}

/// The hash under which an e-mail is claimed.
pub(super) fn email_hash(email: &str) -> Hash {
    super::secret::hash(&format!("deadwax e-mail {email}"))
}

fn id(bytes: &[u8]) -> Option<u128> {
    Some(u128::from_be_bytes(bytes.try_into().ok()?))
}

fn person(bytes: &[u8]) -> Option<PersonId> {
    id(bytes).map(PersonId)
}

fn hash(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}

impl State {
    pub fn new(closing: CancellationToken) -> Self {
        Self {
            seq: 0,
            known: HashMap::new(),
            by_email: HashMap::new(),
            redactions: HashMap::new(),
            codes: HashMap::new(),
            sessions: HashMap::new(),
            by_token: HashMap::new(),
            devices: HashMap::new(),
            links: HashMap::new(),
            by_secret: HashMap::new(),
            device_entries: HashMap::new(),
            directory: Arc::default(),
            closing,
        }
    }

    pub fn is_closing(&self) -> bool {
        self.closing.is_cancelled()
    }

    /// Folds one entry. An error only where bytes are there and cannot be read.
    pub fn apply(&mut self, entry: &Entry) -> Result<(), prost::DecodeError> {
        self.seq = entry.seq;
        let Some(payload) = &entry.payload else { return Ok(()) };
        let fact = StudioFact::decode(payload.clone())?;
        let _unknown_is_skipped = self.fold(entry.seq, fact.at_ms, fact.fact);
        Ok(())
    }

    /// Folds a fact that stands nowhere yet.
    pub fn hold(&mut self, at_ms: i64, fact: Fact) {
        let _unknown_is_skipped = self.fold(self.seq, at_ms, Some(fact));
    }

    fn fold(&mut self, seq: u64, at_ms: i64, fact: Option<Fact>) -> Option<()> {
        match fact? {
            Fact::PersonAdded(f) => {
                self.known.entry(person(&f.person_id)?).or_default().studio_owner = f.studio_owner;
            }
            Fact::PersonNamed(f) => {
                let id = person(&f.person_id)?;
                let known = self.known.get_mut(&id).filter(|known| !known.redacted)?;
                if let Some((_, old)) = known.named.take() {
                    self.by_email.remove(&email_hash(&old));
                }
                // The guests of links have none.
                if !f.email.is_empty() {
                    self.by_email.insert(email_hash(&f.email), id);
                }
                known.named = Some((f.name, f.email));
                known.entries.push(seq);
                self.publish();
            }
            Fact::PersonRedacted(f) => self.redact(person(&f.person_id)?, hash(&f.email_sha256)?),
            Fact::CodeIssued(f) => {
                let code = Code { person: person(&f.person_id)?, made_ms: at_ms, expires_ms: f.expires_ms };
                self.codes.insert(hash(&f.code_sha256)?, code);
            }
            Fact::CodeRevoked(f) => {
                self.codes.remove(&hash(&f.code_sha256)?);
            }
            Fact::SessionOpened(f) => self.open(at_ms, &f)?,
            Fact::SessionNamed(f) => {
                let session = self.sessions.get_mut(&id(&f.session_id)?)?;
                if let Some(device) = session.key.and_then(|key| self.devices.get_mut(&key)) {
                    device.name.clone_from(&f.device);
                }
                session.device = f.device;
                self.device_entries.entry(session.person).or_default().push(seq);
            }
            Fact::SessionEnded(f) => self.end(id(&f.session_id)?),
            Fact::MailChosen(f) => {
                let choice = match f.choice() {
                    Stored::Each => MailChoice::Each,
                    Stored::Digest => MailChoice::Digest,
                    Stored::None => MailChoice::None,
                    Stored::Unspecified => return None,
                };
                self.known.get_mut(&person(&f.person_id)?)?.mail = choice;
            }
            Fact::PassphraseSet(f) => {
                let known = self.known.get_mut(&person(&f.person_id)?).filter(|known| !known.redacted)?;
                known.passphrase = Some(f.phc.into());
                known.entries.push(seq);
            }
            Fact::DeviceKnown(f) => {
                let person = person(&f.person_id)?;
                let name = String::new();
                let device = Device { person, name, session: 0, opened_ms: at_ms, expires_ms: at_ms };
                self.devices.insert(hash(&f.device_sha256)?, device);
            }
            Fact::DeviceForgotten(f) => {
                self.devices.remove(&hash(&f.device_sha256)?);
            }
            Fact::AccessEnded(f) => self.shut_out(person(&f.person_id)?),
            Fact::LinkKept(f) => self.keep_link(&f)?,
            Fact::LinkSecret(f) => self.change_secret(seq, f)?,
            Fact::LinkEnded(f) => self.end_link(id(&f.link_id).map(LinkId)?),
            Fact::LinkOpened(f) => {
                let link = self.links.get_mut(&id(&f.link_id).map(LinkId)?)?;
                link.opened.push((id(&f.session_id)?, at_ms));
            }
        }
        Some(())
    }

    fn keep_link(&mut self, f: &LinkKept) -> Option<()> {
        let link = Link {
            id: LinkId(id(&f.link_id)?),
            person: person(&f.person_id)?,
            project: ProjectId(id(&f.project_id)?),
            by: person(&f.made_by)?,
            expires_ms: f.expires_ms,
            sessions_max: f.sessions_max,
            ended: false,
            secret: None,
            phc: None,
            opened: Vec::new(),
        };
        self.links.entry(link.id).or_insert(link);
        Some(())
    }

    /// The one before opens nothing any more.
    fn change_secret(&mut self, seq: u64, f: LinkSecret) -> Option<()> {
        let link = self.links.get_mut(&id(&f.link_id).map(LinkId)?)?;
        let secret = hash(&f.secret_sha256)?;
        if let Some(before) = link.secret.replace(secret) {
            self.by_secret.remove(&before);
        }
        link.phc = Some(f.phc).filter(|phc| !phc.is_empty()).map(Into::into);
        self.by_secret.insert(secret, link.id);
        if let Some(known) = self.known.get_mut(&link.person) {
            known.entries.push(seq);
        }
        Some(())
    }

    fn end_link(&mut self, id: LinkId) {
        let Some(link) = self.links.get_mut(&id) else { return };
        link.ended = true;
        let person = link.person;
        self.end_sessions_of(person);
    }

    fn open(&mut self, at_ms: i64, f: &SessionOpened) -> Option<()> {
        if let Some(code) = hash(&f.code_sha256) {
            self.codes.remove(&code);
        }
        let session = Session {
            id: id(&f.session_id)?,
            person: person(&f.person_id)?,
            token: hash(&f.token_sha256)?,
            device: String::new(),
            opened_ms: at_ms,
            expires_ms: f.expires_ms,
            key: hash(&f.device_sha256),
            used_ms: Arc::default(),
            ended: self.closing.child_token(),
        };
        if let Some(device) = session.key.and_then(|key| self.devices.get_mut(&key)) {
            device.session = session.id;
            device.opened_ms = at_ms;
            device.expires_ms = f.expires_ms;
        }
        self.known.entry(session.person).or_default().signed_in = true;
        self.by_token.insert(session.token, session.id);
        self.sessions.insert(session.id, session);
        Some(())
    }

    /// Takes every way in from somebody.
    fn shut_out(&mut self, id: PersonId) {
        if let Some(known) = self.known.get_mut(&id) {
            known.passphrase = None;
        }
        self.codes.retain(|_, code| code.person != id);
        self.devices.retain(|_, device| device.person != id);
        self.end_sessions_of(id);
        // A guest's own; and whoever made a link knows its secret.
        let theirs = self.links.values().filter(|link| !link.ended && (link.person == id || link.by == id));
        let theirs: Vec<LinkId> = theirs.map(|link| link.id).collect();
        theirs.into_iter().for_each(|link| self.end_link(link));
    }

    fn end_sessions_of(&mut self, id: PersonId) {
        let open: Vec<u128> = self.sessions.values().filter(|s| s.person == id).map(|s| s.id).collect();
        open.into_iter().for_each(|session| self.end(session));
    }

    fn end(&mut self, id: u128) {
        if let Some(session) = self.sessions.remove(&id) {
            self.by_token.remove(&session.token);
            session.ended.cancel();
        }
    }

    fn redact(&mut self, id: PersonId, email: Hash) {
        let Some(known) = self.known.get_mut(&id) else { return };
        known.redacted = true;
        known.named = None;
        known.studio_owner = false;
        self.by_email.remove(&email);
        *self.redactions.entry(email).or_default() += 1;
        self.shut_out(id);
        self.publish();
    }

    /// Ends what has run out; called every second, so that open streams notice.
    pub fn expire(&mut self, now_ms: i64, idle_ms: i64) {
        self.codes.retain(|_, code| code.expires_ms > now_ms);
        let idle = |session: &Session| match session.used_ms.load(Ordering::Relaxed) {
            // How long before this process nobody called is not known: it counts from now.
            0 => {
                session.used_ms.store(now_ms, Ordering::Relaxed);
                false
            }
            used_ms => now_ms.saturating_sub(used_ms) >= idle_ms,
        };
        let gone: Vec<u128> =
            self.sessions.values().filter(|s| s.expires_ms <= now_ms || idle(s)).map(|s| s.id).collect();
        gone.into_iter().for_each(|session| self.end(session));
    }

    /// When sessions were last used, where that is not longer ago than `since_ms`.
    pub fn uses(&self, since_ms: i64) -> Vec<(u128, i64)> {
        let uses = self.sessions.values().map(|it| (it.id, it.used_ms.load(Ordering::Relaxed)));
        uses.filter(|(_, used_ms)| *used_ms >= since_ms.max(1)).collect()
    }

    /// As another server saw it.
    pub fn note_uses(&self, uses: &[(u128, i64)]) {
        for (session, used_ms) in uses {
            if let Some(session) = self.sessions.get(session) {
                session.used_ms.fetch_max(*used_ms, Ordering::Relaxed);
            }
        }
    }

    fn publish(&mut self) {
        let people = self.known.keys().filter_map(|id| Some((*id, self.person(*id)?))).collect();
        self.directory = Arc::new(Directory { people });
    }

    pub fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }

    pub fn person(&self, id: PersonId) -> Option<Person> {
        let known = self.known.get(&id)?;
        let (name, email) = known.named.clone()?;
        Some(Person { id, name, email, studio_owner: known.studio_owner })
    }

    pub fn mail(&self, id: PersonId) -> MailChoice {
        self.known.get(&id).map(|known| known.mail).unwrap_or_default()
    }

    pub fn by_email(&self, email: &str) -> Option<Person> {
        self.person(*self.by_email.get(&email_hash(email))?)
    }

    pub fn email_claim(&self, email: &str) -> Vec<u8> {
        let hash = email_hash(email);
        let times = self.redactions.get(&hash).copied().unwrap_or(0);
        [b"email/".as_slice(), &hash, &times.to_be_bytes()].concat()
    }

    /// Entries that hold personal data of somebody.
    pub fn personal_entries(&self, id: PersonId) -> Vec<u64> {
        let named = self.known.get(&id).map(|known| known.entries.clone()).unwrap_or_default();
        named.into_iter().chain(self.device_entries.get(&id).cloned().unwrap_or_default()).collect()
    }

    /// Redacted people whose personal entries may still hold bytes: a crash between the fact and the erasure.
    pub fn redacted(&self) -> Vec<PersonId> {
        self.known.iter().filter(|(_, known)| known.redacted).map(|(id, _)| *id).collect()
    }

    pub fn link(&self, id: LinkId) -> Option<&Link> {
        self.links.get(&id)
    }

    pub fn link_by_secret(&self, secret: &Hash) -> Option<&Link> {
        self.links.get(self.by_secret.get(secret)?)
    }

    pub fn owners(&self) -> usize {
        self.known.values().filter(|known| known.studio_owner && known.named.is_some()).count()
    }

    pub fn has_signed_in(&self, id: PersonId) -> bool {
        self.known.get(&id).is_some_and(|known| known.signed_in)
    }

    /// The hash of somebody's passphrase, where they have one.
    pub fn passphrase(&self, id: PersonId) -> Option<Arc<str>> {
        self.known.get(&id)?.passphrase.clone()
    }

    pub fn device(&self, key: &Hash) -> Option<&Device> {
        self.devices.get(key)
    }

    /// Somebody's devices with their keys, the newest use first.
    pub fn devices_of(&self, person: PersonId) -> Vec<(Hash, Device)> {
        let theirs = self.devices.iter().filter(|(_, device)| device.person == person);
        let mut devices: Vec<(Hash, Device)> = theirs.map(|(key, device)| (*key, device.clone())).collect();
        devices.sort_by_key(|(key, device)| (std::cmp::Reverse((device.opened_ms, device.session)), *key));
        devices
    }

    /// The device whose newest session this is or was.
    pub fn device_of_session(&self, session: u128) -> Option<(Hash, PersonId)> {
        self.devices.iter().find(|(_, device)| device.session == session).map(|(key, it)| (*key, it.person))
    }

    pub fn open_codes(&self, person: PersonId) -> usize {
        self.codes.values().filter(|code| code.person == person).count()
    }

    pub fn session_by_token(&self, token: &Hash) -> Option<&Session> {
        self.sessions.get(self.by_token.get(token)?)
    }

    pub fn session(&self, id: u128) -> Option<&Session> {
        self.sessions.get(&id)
    }

    /// The open sessions of somebody, newest first.
    pub fn sessions_of(&self, person: PersonId) -> Vec<Session> {
        let mut sessions: Vec<Session> =
            self.sessions.values().filter(|session| session.person == person).cloned().collect();
        sessions.sort_by_key(|session| std::cmp::Reverse((session.opened_ms, session.id)));
        sessions
    }
}
