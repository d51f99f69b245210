//! Every "no" on its way to the wire: a stable reason, a sentence and the next step, as google.rpc.ErrorInfo (domain "deadwax"). The table of
//! codes stands in `session.proto`. Never here: a decision; and never in a status: tokens, note text, paths of this machine.

use std::{collections::HashMap, time::Duration};

use deadwax_domain::{Digest, Reason, Refusal};
use tonic::{Code, Status, metadata::MetadataValue};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    auth::{AuthError, NotOpened},
    blob::{BlobError, far::FarError},
    disk::is_full,
    egress::{BookError, NotWritten},
    ledger::LedgerError,
    render::inspect::InspectError,
    store::{AppendError, ReadError},
};

/// `google.rpc.ErrorInfo.domain` of every refusal.
pub const DOMAIN: &str = "deadwax";

/// A status with its reason in the details. `text` is one sentence for a person, `hint` the next step or empty.
pub fn refuse(code: Code, reason: &str, text: impl Into<String>, hint: impl Into<String>) -> Status {
    refuse_with(code, reason, text, hint, [])
}

/// As [`refuse`], with further metadata that a client acts upon, such as `offset`.
pub fn refuse_with<const N: usize>(
    code: Code,
    reason: &str,
    text: impl Into<String>,
    hint: impl Into<String>,
    more: [(&str, String); N],
) -> Status {
    let mut metadata: HashMap<String, String> =
        more.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    let hint = hint.into();
    if !hint.is_empty() {
        metadata.insert("hint".to_owned(), hint);
    }
    Status::with_error_details(code, text, ErrorDetails::with_error_info(reason, DOMAIN, metadata))
}

/// The request itself is malformed: a client's mistake, not a person's.
pub fn malformed(what: impl Into<String>) -> Status {
    refuse(Code::InvalidArgument, "MALFORMED", what, "")
}

/// Absent, or not visible to the caller: the two are never told apart.
pub fn not_found(reason: &str, what: &str) -> Status {
    refuse(Code::NotFound, reason, format!("There is no such {what}, or you may not see it."), "")
}

pub fn unauthenticated() -> Status {
    refuse(
        Code::Unauthenticated,
        "SESSION_ENDED",
        "You are not signed in, or the session ended.",
        "Sign in again: deadwax login. A machine without a key needs an invite link: deadwax login LINK.",
    )
}

/// A call that is for members. Told before anything is looked at, so that it tells nothing.
pub fn not_for_guests() -> Status {
    refuse(
        Code::PermissionDenied,
        "NOT_FOR_GUESTS",
        "A guest hears what a link names; this is for members of the studio.",
        "Ask whoever sent the link to invite you as a member.",
    )
}

/// A stream that ends because the server stops. Nothing acknowledged is lost.
pub fn closing() -> Status {
    refuse(Code::Unavailable, "SERVER_STOPPING", "The server is stopping.", "Connect again in a moment.")
}

/// A bug or a broken disk. The caller gets an id, the log gets the details under the same id.
pub fn internal(what: &dyn std::fmt::Display) -> Status {
    let id = uuid::Uuid::now_v7().simple().to_string();
    tracing::error!(error_id = %id, error = %what, "internal error");
    let text =
        format!("The server failed at this. The studio's owner finds the cause in the log under {id}.");
    refuse_with(Code::Internal, "INTERNAL", text, "", [("error_id", id)])
}

fn corrupt(what: &dyn std::fmt::Display) -> Status {
    let id = uuid::Uuid::now_v7().simple().to_string();
    tracing::error!(error_id = %id, error = %what, "stored bytes are damaged");
    let text = format!("Stored bytes are damaged. The studio's owner finds the place in the log under {id}.");
    refuse_with(
        Code::DataLoss,
        "STORED_BYTES_DAMAGED",
        text,
        "Ask the studio's owner to run: deadwax-server verify.",
        [("error_id", id)],
    )
}

/// Turned away at the door; nothing was done. A client waits as long as told and asks again.
pub fn too_many_calls(wait: Duration) -> Status {
    wait_a_moment(wait, "Too many calls came from you at once.")
}

/// The same, and nobody's fault: more changes came at once than the studio takes.
pub fn studio_busy(wait: Duration) -> Status {
    wait_a_moment(wait, "The studio has as many changes to write down as it takes at once.")
}

fn wait_a_moment(wait: Duration, text: &str) -> Status {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
    let mut status = refuse_with(
        Code::ResourceExhausted,
        "TOO_MANY_CALLS",
        text,
        "Wait a moment, then try again.",
        [("retry_after_ms", wait_ms.to_string())],
    );
    // In seconds, as every HTTP client knows it.
    status.metadata_mut().insert("retry-after", MetadataValue::from(wait_ms.div_ceil(1000)));
    status
}

pub fn too_many_connections() -> Status {
    refuse(
        Code::ResourceExhausted,
        "TOO_MANY_CONNECTIONS",
        "You have too many connections open.",
        "Close a Deadwax somewhere, then try again.",
    )
}

/// The caller asked for this file, so its digest tells them nothing new.
fn damaged_file(digest: Digest, what: &dyn std::fmt::Display) -> Status {
    let id = uuid::Uuid::now_v7().simple().to_string();
    tracing::error!(error_id = %id, error = %what, "stored bytes are damaged");
    let text = format!(
        "The stored bytes of the file {digest} are damaged, and what is damaged was not sent. The studio's owner finds the place in the log under {id}."
    );
    let hint = "Ask the studio's owner to run deadwax-server verify and to restore the file from the backup; or upload the same file again.";
    let more = [("error_id", id), ("sha256", digest.to_string())];
    refuse_with(Code::DataLoss, "STORED_BYTES_DAMAGED", text, hint, more)
}

fn disk_nearly_full() -> Status {
    refuse(
        Code::ResourceExhausted,
        "DISK_NEARLY_FULL",
        "The studio's disk is nearly full; nothing was stored.",
        "Ask the studio's owner to make room.",
    )
}

/// The latch has fallen, and told the log why; or the server stops.
pub fn read_only() -> Status {
    refuse(
        Code::Unavailable,
        "READ_ONLY",
        "This server stopped writing after its disk failed; nothing can be changed until it is restarted.",
        "Tell the studio's owner: look at the disk, then restart the server.",
    )
}

/// Which gRPC code a refusal of the rules travels under.
fn refusal_code(reason: Reason) -> Code {
    use Reason::*;
    match reason {
        NoSuchProject | NoSuchPerson | NoSuchSong | NoSuchVersion | NoSuchNote | NoSuchApproval
        | NoSuchRender | NoSuchItem | NotAMember => Code::NotFound,
        NoSuchLink => Code::NotFound,
        NotYourRole | NotForGuests => Code::PermissionDenied,
        NameInvalid | TextTooLong | TextEmpty | IsrcInvalid | CoverInvalid | RuleInvalid | RecipeInvalid
        | NoteRangeEmpty | LinkTermsInvalid => Code::InvalidArgument,
        LimitReached => Code::ResourceExhausted,
        StaleAttempt => Code::Aborted,
        _ => Code::FailedPrecondition,
    }
}

pub fn refusal(refusal: Refusal) -> Status {
    // A stranger must not learn that a project exists: the same answer as for an absent one.
    if matches!(refusal.reason, Reason::NotAMember | Reason::NoSuchProject) {
        return not_found("NO_SUCH_PROJECT", "project");
    }
    refuse(refusal_code(refusal.reason), refusal.reason.code(), refusal.text, refusal.hint)
}

pub fn append(error: AppendError) -> Status {
    match error {
        AppendError::Conflict { head, .. } => refuse_with(
            Code::Aborted,
            "SOMEBODY_WAS_FASTER",
            "Somebody changed this a moment before you.",
            "Look at it again, then decide.",
            [("seq", head.to_string())],
        ),
        AppendError::CommandReused(_) => refuse(
            Code::FailedPrecondition,
            "COMMAND_ID_REUSED",
            "This command id was used before for something else.",
            "Send the change again with a new id.",
        ),
        AppendError::ClaimTaken(_) => {
            refuse(Code::FailedPrecondition, "ALREADY_TAKEN", "This was taken by somebody else.", "")
        }
        AppendError::TooLarge { bytes, limit } => refuse(
            Code::InvalidArgument,
            "TOO_LARGE",
            format!("This is {bytes} bytes; {limit} fit into one entry."),
            "Make it shorter.",
        ),
        AppendError::ReadOnly(_) => read_only(),
        AppendError::DiskNearlyFull { .. } => disk_nearly_full(),
        AppendError::Unavailable(why) => store_unavailable(&why),
    }
}

/// A database that is away is no fault of the caller's and no end: the same again, later.
fn store_unavailable(why: &str) -> Status {
    tracing::warn!(%why, "a call was refused: the store could not be reached");
    refuse(
        Code::Unavailable,
        "STORE_UNAVAILABLE",
        "The studio's database cannot be reached at the moment.",
        "Try again in a moment; a change that is sent again with the same id is done once.",
    )
}

/// As [`store_unavailable`], for audio in an object store.
fn audio_unavailable(why: &FarError) -> Status {
    tracing::warn!(%why, "a call was refused: the object store of the audio could not be used");
    refuse(
        Code::Unavailable,
        "AUDIO_UNAVAILABLE",
        "The studio's store for audio cannot be used at the moment; nothing was lost.",
        "Try again in a moment; an upload goes on where it stopped.",
    )
}

/// Nothing leaves unless it can be written down that it does.
pub fn not_written(error: NotWritten) -> Status {
    tracing::error!(%error, "bytes were asked for and not given");
    refuse(
        Code::Unavailable,
        "EGRESS_UNWRITTEN",
        "What leaves this studio is written down first, and that cannot be done now: nothing was sent.",
        "Tell the studio's owner; try again later.",
    )
}

pub fn book(error: BookError) -> Status {
    match &error {
        BookError::Damaged { .. } => corrupt(&error),
        BookError::Full | BookError::Io(_) => internal(&error),
    }
}

pub fn read(error: ReadError) -> Status {
    match &error {
        ReadError::Corrupt { .. } => corrupt(&error),
        ReadError::Io(_) => internal(&error),
        ReadError::Unavailable(why) => store_unavailable(why),
    }
}

pub fn ledger(error: LedgerError) -> Status {
    match error {
        LedgerError::Refused(no) => refusal(no),
        LedgerError::Conflict { expected, head } => append(AppendError::Conflict { expected, head }),
        LedgerError::Append(error) => append(error),
        LedgerError::Read(error) => read(error),
        LedgerError::Unreadable { .. } => corrupt(&error),
        LedgerError::Newer { .. } => refuse(
            Code::FailedPrecondition,
            "PROJECT_IS_NEWER",
            "A newer server has written to this project; this one shows it and changes nothing.",
            "Ask the studio's owner to update the server.",
        ),
    }
}

pub fn blob(error: BlobError) -> Status {
    match error {
        BlobError::NoSuchUpload(_) => not_found("UPLOAD_UNKNOWN", "upload"),
        BlobError::Missing(digest) => damaged_file(digest, &error),
        BlobError::Corrupt(digest) => damaged_file(digest, &error),
        BlobError::DigestDiffers { .. } => refuse(
            Code::FailedPrecondition,
            "DIGEST_DIFFERS",
            "The bytes that arrived are not the bytes that were announced; they were thrown away.",
            "Upload the file again.",
        ),
        BlobError::OffsetDiffers { offset, .. } => refuse_with(
            Code::FailedPrecondition,
            "OFFSET_DIFFERS",
            format!("The upload stands at byte {offset}."),
            "Go on from there.",
            [("offset", offset.to_string())],
        ),
        BlobError::TooManyBytes => refuse(
            Code::InvalidArgument,
            "TOO_MANY_BYTES",
            "More bytes arrived than were announced.",
            "Begin the upload again with the right size.",
        ),
        BlobError::DiskNearlyFull { .. } | BlobError::TooFewFiles { .. } => disk_nearly_full(),
        BlobError::ReadOnly(_) => read_only(),
        BlobError::Far(away) => audio_unavailable(&away),
        // Somebody else may take the room between the look at the disk and the write.
        BlobError::Io(ref no_room) if is_full(no_room) => disk_nearly_full(),
        BlobError::Io(_) => internal(&error),
    }
}

/// What a decoder says, as a sentence for a person.
fn sentence(what: &str) -> String {
    let mut rest = what.trim_end_matches('.').chars();
    let first = rest.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", rest.as_str())
}

pub fn inspect(error: InspectError) -> Status {
    let hint = "Export the file again from the session as WAV, AIFF or FLAC.";
    match error {
        InspectError::NotAudio(what) => refuse(Code::InvalidArgument, "NOT_AUDIO", sentence(&what), hint),
        InspectError::Hostile(what) => refuse(Code::InvalidArgument, "AUDIO_HOSTILE", sentence(&what), hint),
        InspectError::Unsupported(what) => {
            refuse(Code::InvalidArgument, "AUDIO_UNSUPPORTED", sentence(&what), hint)
        }
        InspectError::Failed(what) => internal(&what),
    }
}

fn wait_in_words(wait_s: u64) -> String {
    match wait_s {
        0..=60 => "Wait a minute, then try again.".to_owned(),
        _ => format!("Wait {} minutes, then try again.", wait_s.div_ceil(60)),
    }
}

/// Not UNAVAILABLE: it was done, and who tries again finds nothing to end.
fn ended_until_restart() -> Status {
    refuse(
        Code::FailedPrecondition,
        "ENDED_UNTIL_RESTART",
        "It is ended at once, but the disk of this server did not take it: it holds until the server is restarted.",
        "Tell the studio's owner: look at the disk, restart the server, then end it again.",
    )
}

pub fn auth(error: AuthError) -> Status {
    match error {
        AuthError::CodeUnknown => refuse(
            Code::Unauthenticated,
            "INVITE_UNKNOWN",
            "This invite is not known, was used, or has expired.",
            "Ask for a new invite link.",
        ),
        AuthError::TooManyTries { wait_s } => refuse_with(
            Code::ResourceExhausted,
            "TOO_MANY_TRIES",
            "Too many wrong codes or passphrases were tried here.",
            wait_in_words(wait_s),
            [("retry_after_s", wait_s.to_string())],
        ),
        AuthError::PassphraseNeeded { choose: false } => refuse(
            Code::FailedPrecondition,
            "PASSPHRASE_NEEDED",
            "The code is good; the passphrase of this person is needed too.",
            "Give the passphrase. Who forgot it asks a studio owner to end their access and to invite them again.",
        ),
        AuthError::PassphraseNeeded { choose: true } => refuse(
            Code::FailedPrecondition,
            "PASSPHRASE_TO_CHOOSE",
            "In this studio everybody chooses a passphrase.",
            "Choose one of at least 12 characters; four words that have nothing to do with each other are good.",
        ),
        AuthError::PassphraseWrong => refuse(
            Code::Unauthenticated,
            "PASSPHRASE_WRONG",
            "That is not the passphrase of this person.",
            "Try again; after ten wrong ones the server waits for a quarter of an hour.",
        ),
        AuthError::PassphraseWeak(what) => refuse(Code::InvalidArgument, "PASSPHRASE_WEAK", what, ""),
        AuthError::SignInRefused => refuse(
            Code::Unauthenticated,
            "SIGN_IN_REFUSED",
            "This machine and this passphrase open nothing here.",
            "Check the passphrase. Where the machine was signed out, ask for a new invite link.",
        ),
        AuthError::ProofNeeded | AuthError::ProofRefused | AuthError::NoMachineKey => not_shown(&error),
        AuthError::Key(refused) => refusal(refused),
        AuthError::Busy => refuse(
            Code::ResourceExhausted,
            "LIMIT_REACHED",
            "Too many people are signing in at this moment.",
            "Try again in a few seconds.",
        ),
        AuthError::Yourself => refuse(
            Code::FailedPrecondition,
            "YOURSELF",
            "You cannot end your own access.",
            "Ask another studio owner, or sign out.",
        ),
        AuthError::EmailTaken => refuse(
            Code::FailedPrecondition,
            "EMAIL_TAKEN",
            "A person with this e-mail is already here.",
            "Invite them by this e-mail.",
        ),
        AuthError::NoSuchPerson => not_found("NO_SUCH_PERSON", "person"),
        AuthError::NoSuchSession => not_found("NO_SUCH_SESSION", "session"),
        AuthError::Link(why) => not_opened(why),
        AuthError::NameInvalid(what) => refuse(Code::InvalidArgument, "NAME_INVALID", what, ""),
        AuthError::EmailInvalid(what) => refuse(Code::InvalidArgument, "EMAIL_INVALID", what, ""),
        AuthError::LastOwner => refuse(
            Code::FailedPrecondition,
            "LAST_OWNER",
            "This is the studio's only owner.",
            "Add another owner first.",
        ),
        AuthError::LimitReached(what) => refuse(Code::ResourceExhausted, "LIMIT_REACHED", what, ""),
        AuthError::EndedUntilRestart => ended_until_restart(),
        AuthError::Append(error) => append(error),
        AuthError::Read(error) => read(error),
        AuthError::Unreadable { .. } | AuthError::NoRandomness(_) | AuthError::Hash(_) => internal(&error),
    }
}

/// A link that does not open. Whoever holds the right secret had the link, and is told what became of it.
fn not_opened(why: NotOpened) -> Status {
    match why {
        NotOpened::Ended => refuse(
            Code::PermissionDenied,
            "LINK_ENDED",
            "This link has ended: it has expired, or whoever sent it took it back.",
            "Ask them for a new one.",
        ),
        NotOpened::UsedUp => refuse(
            Code::ResourceExhausted,
            "LINK_USED_UP",
            "This link was opened as often as it may be.",
            "Go on where you opened it before, or ask whoever sent it for another one.",
        ),
        NotOpened::PasswordNeeded => refuse(
            Code::FailedPrecondition,
            "LINK_PASSWORD_NEEDED",
            "This link has a password.",
            "Type the password; whoever sent the link knows it.",
        ),
        NotOpened::PasswordWrong => refuse(
            Code::Unauthenticated,
            "LINK_PASSWORD_WRONG",
            "That is not the password of this link.",
            "Try again; after ten wrong ones the server waits for a quarter of an hour.",
        ),
        NotOpened::PasswordWeak(what) => refuse(Code::InvalidArgument, "LINK_PASSWORD_WEAK", what, ""),
        NotOpened::Unknown => refuse(
            Code::NotFound,
            "LINK_UNKNOWN",
            "No link of this studio is like that.",
            "Open it as it was sent to you, whole, with everything behind the #.",
        ),
    }
}

/// What a token alone does not do was asked for with too little.
fn not_shown(error: &AuthError) -> Status {
    match error {
        AuthError::ProofNeeded => refuse(
            Code::FailedPrecondition,
            "PROOF_NEEDED",
            "A token alone does not change how somebody signs in: this machine has to show its key again.",
            "Do it on the machine that signed in; a client that is older than this has to be updated first.",
        ),
        AuthError::NoMachineKey => refuse(
            Code::FailedPrecondition,
            "NO_MACHINE_KEY",
            "This session began without a machine's key, and can only end itself.",
            "Do it on a machine where you signed in with `deadwax login`, or ask a studio owner for a link to sign in anew.",
        ),
        _ => refuse(
            Code::PermissionDenied,
            "PROOF_REFUSED",
            "This machine has not shown the key that its session began with; nothing was done.",
            "Try again. Where it happens twice, check this machine's clock and sign in again with `deadwax login`.",
        ),
    }
}

/// The stable reason inside a status, for tests and for the server's own log.
pub fn reason_of(status: &Status) -> Option<String> {
    status.get_error_details().error_info().map(|info| info.reason.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_travels_with_code_reason_and_hint() {
        let status = refusal(Refusal {
            reason: Reason::NotYourRole,
            text: "Approving Mix 2 needs the label.".into(),
            hint: "Ask Lena.".into(),
        });
        assert_eq!(status.code(), Code::PermissionDenied);
        let details = status.get_error_details();
        let info = details.error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("NOT_YOUR_ROLE", "deadwax"));
        assert_eq!(info.metadata["hint"], "Ask Lena.");
    }

    #[test]
    fn strangers_and_absent_projects_get_the_same_answer() {
        let no = |reason| refusal(Refusal { reason, text: format!("{reason:?}"), hint: String::new() });
        let (stranger, absent) = (no(Reason::NotAMember), no(Reason::NoSuchProject));
        assert_eq!(stranger.code(), absent.code());
        assert_eq!(stranger.message(), absent.message());
        assert_eq!(stranger.details(), absent.details());
    }

    #[test]
    fn an_internal_error_tells_an_id_and_nothing_else() {
        let status = internal(&"secret path /var/x");
        assert_eq!(status.code(), Code::Internal);
        assert!(!status.message().contains("/var/x"));
        assert_eq!(reason_of(&status).as_deref(), Some("INTERNAL"));
    }
}
