//! Keys of people, and what they signed with them: a statement is a text that says who approves which bytes, in one chain a project. The mathematics of
//! signatures is done before a command comes here; this is what a statement must say. Never here: cryptography beyond SHA-256, files.

mod statement;

#[cfg(test)]
mod tests;

use sha2::{Digest as _, Sha256};

use crate::{
    Actor, ApprovalId, Command, Digest, Fact, PersonId, Project, Reason, Refusal, Role, Stage, Time,
    asker::Asker,
    decide::{Ruling, misrouted, of_approval},
    limits,
    refusal::no,
    text,
};

pub use statement::spacing_fingerprint;

/// The public half of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// SHA-256 of the key as OpenSSH encodes it.
    pub id: Digest,
    pub person: PersonId,
    /// One line as in `authorized_keys`, without a comment.
    pub public_key: String,
    pub enrolled_at: Time,
    /// The older key that signed for it. `None`: the first, or the first after a revocation.
    pub vouched_by: Option<Digest>,
    /// What the new key signed when it came, and what the older one did.
    pub proof: String,
    pub vouch: String,
    pub revoked: Option<Revoked>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub at: Time,
    pub by: Option<PersonId>,
    pub reason: String,
}

/// What comes with a command that signs. The server has checked that `signature` is one of `key` over `statement`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub statement: String,
    pub signature: String,
    pub key: Digest,
}

/// A receipt in the chain of its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub approval: ApprovalId,
    /// From 1, without gaps.
    pub sequence: u32,
    pub person: PersonId,
    pub at: Time,
    /// Of the statement: what the next one names.
    pub digest: Digest,
    pub receipt: Receipt,
}

impl Key {
    /// It may sign: nobody revoked it.
    pub fn holds(&self) -> bool {
        self.revoked.is_none()
    }
}

impl Project {
    /// Keys of a person that may sign, the oldest first.
    pub fn keys_of(&self, person: PersonId) -> Vec<&Key> {
        let mut keys: Vec<&Key> =
            self.keys.values().filter(|key| key.person == person && key.holds()).collect();
        keys.sort_by_key(|key| (key.enrolled_at, key.id));
        keys
    }

    pub fn receipt_of(&self, approval: ApprovalId) -> Option<&Kept> {
        self.receipts.iter().find(|kept| kept.approval == approval)
    }
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::EnrolKey { .. } => enrol(&asker, command),
        Command::RevokeKey { key, reason } => revoke(&asker, *key, reason),
        _ => misrouted(),
    }
}

/// The first key of a person is taken for their word; a further one only where an older one, that nobody revoked, signs for it: who stole a password cannot
/// add a key of theirs.
fn enrol(asker: &Asker<'_>, command: &Command) -> Result<Ruling, Refusal> {
    let Command::EnrolKey { key, public_key, proof, vouched_by, vouch } = command else { return misrouted() };
    let project = asker.project;
    let texts = [public_key, proof, vouch];
    let long = texts.iter().any(|text| text.len() > limits::KEY_TEXT_BYTES_MAX);
    if long || public_key.is_empty() || public_key.chars().any(text::misleading) {
        let hint = "Give the line of a .pub file that begins with ssh-ed25519.";
        return no(Reason::KeyInvalid, "That is no public key of one line.", hint);
    }
    if let Some(known) = project.keys.get(*key) {
        let (text, hint) = match (known.person == asker.id, known.holds()) {
            (true, true) => ("That key is yours already.", "There is nothing to do."),
            (true, false) => ("That key was revoked; it does not come back.", "Make a new one."),
            (false, _) => {
                ("That key belongs to somebody else here.", "Everybody has a key of their own: make one.")
            }
        };
        return no(Reason::KeyKnown, text, hint);
    }
    let of_asker = project.keys.values().filter(|key| key.person == asker.id).count();
    limits::room(of_asker, limits::KEYS_PER_PERSON_MAX, "keys of yours")?;
    let holding = project.keys_of(asker.id);
    let vouched = vouched_by.map(|by| holding.iter().any(|key| key.id == by));
    match (vouched, holding.first()) {
        (Some(true), _) | (None, None) => {}
        (Some(false), _) => {
            let text = "The key that vouches for this one is none of yours that holds.";
            return no(Reason::KeyNotVouched, text, "Let a key of yours sign for it that was not revoked.");
        }
        (None, Some(_)) => {
            let text = "You have a key here already; a further one needs its signature.";
            let hint = "Sign the new key with the old one. If you lost that, a manager revokes it first.";
            return no(Reason::KeyNotVouched, text, hint);
        }
    }
    Ok(Ruling::fact(Fact::KeyEnrolled {
        key: *key,
        person: asker.id,
        public_key: public_key.clone(),
        proof: proof.clone(),
        vouched_by: *vouched_by,
        vouch: vouch.clone(),
    }))
}

/// What it signed stays signed; from now on it signs nothing more.
fn revoke(asker: &Asker<'_>, id: Digest, reason: &str) -> Result<Ruling, Refusal> {
    let Some(key) = asker.project.keys.get(id) else { return no_such_key() };
    if key.person != asker.id {
        asker.must_hold(&[Role::Manager], "revoke a key of somebody else")?;
    }
    if !key.holds() {
        return no(Reason::KeyRevoked, "That key is revoked already.", "There is nothing to do.");
    }
    let reason = text::required("The reason", reason)?;
    Ok(Ruling::fact(Fact::KeyRevoked { key: id, reason }))
}

fn no_such_key<T>() -> Result<T, Refusal> {
    let text = "There is no such key of yours in this project.";
    no(Reason::NoSuchKey, text, "Enrol it first, or sign with one that you have enrolled.")
}

/// An approval with its receipt: ruled as any approval, then the key, then every line of the statement. Nothing stands between the two facts.
pub(crate) fn signed(
    project: &Project,
    actor: &Actor,
    approve: &Command,
    receipt: &Receipt,
    now: Time,
) -> Result<Ruling, Refusal> {
    let mut ruling = of_approval(project, actor, approve)?;
    let asker = Asker::of(project, actor)?;
    match project.keys.get(receipt.key) {
        Some(key) if key.person == asker.id && key.holds() => {}
        Some(key) if key.person == asker.id => {
            let hint = "Sign with a key that holds, or enrol a new one.";
            return no(Reason::KeyRevoked, "That key was revoked; it signs nothing any more.", hint);
        }
        _ => return no_such_key(),
    }
    limits::room(project.receipts.len(), limits::RECEIPTS_MAX, "receipts")?;
    statement::must_say(&asker, approve, receipt, now)?;
    ruling.facts.extend(kept(project, approve, receipt.clone()));
    Ok(ruling)
}

/// The next link of the chain.
pub(crate) fn kept(project: &Project, approve: &Command, receipt: Receipt) -> Option<Fact> {
    let approval = match approve {
        Command::Approve { approval, .. }
        | Command::ApproveSpacing { approval, .. }
        | Command::ApproveRecord { approval, .. } => *approval,
        _ => return None,
    };
    let sequence = head(project).0.saturating_add(1);
    Some(Fact::ReceiptKept { approval, sequence, receipt })
}

/// Does a gate ask that this approval is signed with a key?
pub(crate) fn is_asked(project: &Project, approve: &Command) -> bool {
    let signed = |stage: Stage| project.gate(stage).is_some_and(|rule| rule.signed);
    match approve {
        Command::Approve { version, .. } => {
            project.versions.get(*version).is_some_and(|version| signed(version.kind.stage()))
        }
        Command::ApproveSpacing { role, .. } => spacing_is_signed(project, *role),
        Command::ApproveRecord { .. } => signed(Stage::Mastering),
        _ => false,
    }
}

/// A gate that asks this role for the spacing asks for receipts.
pub(crate) fn spacing_is_signed(project: &Project, role: Role) -> bool {
    let asks = |stage: &Stage| {
        project.gate(*stage).is_some_and(|rule| rule.signed && rule.spacing_roles.contains(&role))
    };
    Stage::ALL.iter().any(asks)
}

/// Of an approval that came without a receipt.
pub(crate) fn must_not_be_asked(project: &Project, approve: &Command) -> Result<(), Refusal> {
    if !is_asked(project, approve) {
        return Ok(());
    }
    let text = "An approval is signed with a key here, and this one is not.";
    no(Reason::NotSigned, text, "Sign it with your key; `deadwax key new` makes one where you have none.")
}

/// SHA-256 of the text: what the next statement names.
pub fn digest_of(statement: &str) -> Digest {
    Digest(Sha256::digest(statement.as_bytes()).into())
}

/// The newest place in the chain and the digest that the next statement names; 0 and zeros where there is none.
pub fn head(project: &Project) -> (u32, Digest) {
    project.receipts.last().map_or((0, Digest([0; 32])), |kept| (kept.sequence, kept.digest))
}
