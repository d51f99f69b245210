//! The expected "no". A code that never changes, a sentence for a person, and the next step. Only names that the asker may see stand in it.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    pub reason: Reason,
    /// One sentence with a full stop.
    pub text: String,
    /// What to do next; empty where there is nothing.
    pub hint: String,
}

macro_rules! reasons {
    ($($name:ident = $code:literal),+ $(,)?) => {
        /// Stable: clients match on `code`. Add at the end, never rename.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Reason {
            $($name),+
        }

        impl Reason {
            pub const ALL: &'static [Reason] = &[$(Reason::$name),+];

            pub fn code(self) -> &'static str {
                match self {
                    $(Reason::$name => $code),+
                }
            }
        }
    };
}

reasons!(
    NoSuchProject = "NO_SUCH_PROJECT",
    ProjectExists = "PROJECT_EXISTS",
    NotAMember = "NOT_A_MEMBER",
    NotYourRole = "NOT_YOUR_ROLE",
    AlreadyMember = "ALREADY_MEMBER",
    NoSuchPerson = "NO_SUCH_PERSON",
    LastManager = "LAST_MANAGER",
    NoSuchSong = "NO_SUCH_SONG",
    NoSuchVersion = "NO_SUCH_VERSION",
    NoSuchNote = "NO_SUCH_NOTE",
    NoSuchApproval = "NO_SUCH_APPROVAL",
    NoSuchRender = "NO_SUCH_RENDER",
    IdTaken = "ID_TAKEN",
    NameInvalid = "NAME_INVALID",
    TextTooLong = "TEXT_TOO_LONG",
    TextEmpty = "TEXT_EMPTY",
    IsrcInvalid = "ISRC_INVALID",
    RuleInvalid = "RULE_INVALID",
    WrongStage = "WRONG_STAGE",
    FileNotUploaded = "FILE_NOT_UPLOADED",
    MainMissing = "MAIN_MISSING",
    AlternateTwice = "ALTERNATE_TWICE",
    SameFiles = "SAME_FILES",
    NoteBeyondEnd = "NOTE_BEYOND_END",
    NoteRangeEmpty = "NOTE_RANGE_EMPTY",
    NoteNotOpen = "NOTE_NOT_OPEN",
    NoSuchItem = "NO_SUCH_ITEM",
    NoNotes = "NO_NOTES",
    VersionSuperseded = "VERSION_SUPERSEDED",
    FingerprintDiffers = "FINGERPRINT_DIFFERS",
    NotAskedByGate = "NOT_ASKED_BY_GATE",
    SelfApproval = "SELF_APPROVAL",
    AlreadyApproved = "ALREADY_APPROVED",
    OnHold = "ON_HOLD",
    StageLeftAlready = "STAGE_LEFT_ALREADY",
    NoHandoff = "NO_HANDOFF",
    HandoffEnded = "HANDOFF_ENDED",
    RecipeInvalid = "RECIPE_INVALID",
    RenderRunning = "RENDER_RUNNING",
    RenderEnded = "RENDER_ENDED",
    StaleAttempt = "STALE_ATTEMPT",
    NotDeliveredYet = "NOT_DELIVERED_YET",
    DeliveredAlready = "DELIVERED_ALREADY",
    LimitReached = "LIMIT_REACHED",
    NothingToChange = "NOTHING_TO_CHANGE",
    BeyondTerms = "BEYOND_TERMS",
    ShootoutOpen = "SHOOTOUT_OPEN",
    NoShootout = "NO_SHOOTOUT",
    ShootoutDecided = "SHOOTOUT_DECIDED",
    NoSpacing = "NO_SPACING",
    SpacingChanged = "SPACING_CHANGED",
    PlanChanged = "PLAN_CHANGED",
    NoSuchWebhook = "NO_SUCH_WEBHOOK",
    NotHeard = "NOT_HEARD",
    UpcInvalid = "UPC_INVALID",
    CoverInvalid = "COVER_INVALID",
    IsrcTwice = "ISRC_TWICE",
    NoSuchRecord = "NO_SUCH_RECORD",
    RecordRunning = "RECORD_RUNNING",
    RecordEnded = "RECORD_ENDED",
    RecordNotMade = "RECORD_NOT_MADE",
    RecordOutdated = "RECORD_OUTDATED",
    RecordNotApproved = "RECORD_NOT_APPROVED",
    ProfileInvalid = "PROFILE_INVALID",
    KeyInvalid = "KEY_INVALID",
    KeyKnown = "KEY_KNOWN",
    KeyNotVouched = "KEY_NOT_VOUCHED",
    NoSuchKey = "NO_SUCH_KEY",
    KeyRevoked = "KEY_REVOKED",
    NotSigned = "NOT_SIGNED",
    StatementInvalid = "STATEMENT_INVALID",
    StatementStale = "STATEMENT_STALE",
    SignatureInvalid = "SIGNATURE_INVALID",
    NoSuchLink = "NO_SUCH_LINK",
    LinkTermsInvalid = "LINK_TERMS_INVALID",
    NotForGuests = "NOT_FOR_GUESTS",
);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Refusal {
    pub fn new(reason: Reason, text: impl Into<String>, hint: impl Into<String>) -> Refusal {
        Refusal { reason, text: text.into(), hint: hint.into() }
    }
}

/// A refusal as the end of a rule.
pub(crate) fn no<T>(reason: Reason, text: impl Into<String>, hint: impl Into<String>) -> Result<T, Refusal> {
    Err(Refusal::new(reason, text, hint))
}
