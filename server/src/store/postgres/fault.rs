//! What went wrong at the database, sorted by what can be done about it. Never here: trying again (`mod`), and what a caller is told in the end beyond one sentence.

use deadpool_postgres::PoolError;
use tokio_postgres::error::{Error, SqlState};

use crate::store::{AppendError, ReadError};

#[derive(Debug)]
pub(super) enum Fault {
    /// Rolled back by the engine because of others: the same again will do.
    Again(String),
    /// The line, the engine or its standby: whether the last statement counted is not known.
    Lost(String),
    /// A key is there already.
    Taken,
    /// The engine lacks this statement.
    Unknown(String),
    /// Trying again does not help.
    Refused(String),
    /// The engine would acknowledge what it does not keep.
    Unsafe(String),
    /// What is stored is not what was written.
    Corrupt { at: String, what: String },
}

impl Fault {
    pub(super) fn can_be_tried_again(&self) -> bool {
        matches!(self, Fault::Again(_) | Fault::Lost(_))
    }

    pub(super) fn sentence(self) -> String {
        match self {
            Fault::Again(what) | Fault::Lost(what) | Fault::Unknown(what) => what,
            Fault::Refused(what) | Fault::Unsafe(what) => what,
            Fault::Taken => "a key is taken".into(),
            Fault::Corrupt { at, what } => format!("{at}: {what}"),
        }
    }

    pub(super) fn for_reader(self) -> ReadError {
        match self {
            Fault::Corrupt { at, what } => ReadError::Corrupt { at, what },
            other => ReadError::Unavailable(other.sentence()),
        }
    }

    pub(super) fn for_writer(self) -> AppendError {
        AppendError::Unavailable(self.sentence())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        let Some(state) = error.code() else {
            // No word of the engine: the line, or TLS, or the password was not accepted before there was a word.
            return Fault::Lost(told(&error));
        };
        let said = told(&error);
        sorted(state, said)
    }
}

impl From<PoolError> for Fault {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => error.into(),
            PoolError::Timeout(_) => Fault::Lost("no connection became free in time".into()),
            other => Fault::Lost(other.to_string()),
        }
    }
}

fn sorted(state: &SqlState, said: String) -> Fault {
    match *state {
        SqlState::UNIQUE_VIOLATION => Fault::Taken,
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::QUERY_CANCELED => Fault::Again(said),
        // CockroachDB: whether it was committed is not known.
        SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN => Fault::Lost(said),
        SqlState::SYNTAX_ERROR
        | SqlState::FEATURE_NOT_SUPPORTED
        | SqlState::UNDEFINED_FUNCTION
        | SqlState::UNDEFINED_OBJECT => Fault::Unknown(said),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => {
            Fault::Corrupt { at: "the database".into(), what: said }
        }
        // The engine stops, starts, or has become a standby; somebody cut the line; too many are connected; a transaction that took too long was ended.
        SqlState::READ_ONLY_SQL_TRANSACTION | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => {
            Fault::Lost(said)
        }
        _ => match state.code().get(..2) {
            Some("08" | "53" | "57" | "58") => Fault::Lost(said),
            Some("40") => Fault::Again(said),
            _ => Fault::Refused(said),
        },
    }
}

/// The engine's own words with their code; never its detail, which quotes keys.
fn told(error: &Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("the database says {} ({})", said.message(), said.code().code()),
        None => {
            let mut text = error.to_string();
            let mut source = std::error::Error::source(error);
            while let Some(deeper) = source {
                text = format!("{text}: {deeper}");
                source = deeper.source();
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_can_be_done() {
        let sort = |code: &str| sorted(&SqlState::from_code(code), code.to_owned());
        for again in ["40001", "40P01", "55P03", "57014"] {
            assert!(matches!(sort(again), Fault::Again(_)), "{again}");
        }
        for lost in ["08006", "57P01", "57P02", "57P03", "53300", "53100", "25006", "40003", "25P03"] {
            assert!(matches!(sort(lost), Fault::Lost(_)), "{lost}");
        }
        for never in ["42501", "42P01", "22001", "28P01"] {
            assert!(matches!(sort(never), Fault::Refused(_)), "{never}");
        }
        assert!(matches!(sort("23505"), Fault::Taken));
        assert!(matches!(sort("0A000"), Fault::Unknown(_)));
        assert!(matches!(sort("XX001"), Fault::Corrupt { .. }));
    }
}
