//! What a gate is: a promise with a figure, the way to measure it, and what came of it. Never here: any one gate.

use std::{path::PathBuf, sync::Arc};

use anyhow::Result;

use super::log::Log;

/// A promise of the house with its figure.
pub struct Gate {
    /// As the papers call it.
    pub id: &'static str,
    pub what: &'static str,
    /// With its unit, for the form that is run.
    pub goal: Goal,
    pub run: fn(&Run) -> Result<Found>,
}

/// What is asked: of the short form, which every change of the code goes through, and of the long one.
pub struct Goal {
    /// `None`: it has no short form.
    pub quick: Option<&'static str>,
    pub full: &'static str,
}

impl Goal {
    pub fn of(&self, form: Form) -> Option<&'static str> {
        match form {
            Form::Quick => self.quick,
            Form::Full => Some(self.full),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Quick,
    Full,
}

/// What a gate is run with.
pub struct Run {
    pub form: Form,
    /// Whatever is drawn by lot comes from here: the same seed and the same commit do the same.
    pub seed: u64,
    /// Empty; gone at the end.
    pub dir: PathBuf,
    /// This program, as it was found at the start: a build in between puts another file in its place.
    pub exe: PathBuf,
    /// What a run of all tests told already.
    pub told: Arc<Log>,
}

impl Run {
    /// How often: in the short form, in the long one.
    pub fn times<T>(&self, quick: T, full: T) -> T {
        match self.form {
            Form::Quick => quick,
            Form::Full => full,
        }
    }
}

/// What came of a gate. One that was not run is never told as held.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Held,
    Missed,
    /// Why.
    NotRun(String),
}

impl Verdict {
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Held => "held",
            Verdict::Missed => "MISSED",
            Verdict::NotRun(_) => "not run",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// With its unit.
    pub measured: String,
    pub verdict: Verdict,
    /// What stands under the table: where it failed, how to see it again.
    pub notes: Vec<String>,
}

impl Found {
    pub fn judged(held: bool, measured: impl Into<String>) -> Found {
        let verdict = if held { Verdict::Held } else { Verdict::Missed };
        Found { measured: measured.into(), verdict, notes: Vec::new() }
    }

    pub fn not_run(why: impl Into<String>) -> Found {
        Found { measured: String::new(), verdict: Verdict::NotRun(why.into()), notes: Vec::new() }
    }

    /// Two parts of one gate. It is missed where either is, and was not run where either was not.
    pub fn and(mut self, more: Found) -> Found {
        let told = [&self, &more].map(|it| match &it.verdict {
            Verdict::NotRun(why) => format!("not run: {why}"),
            Verdict::Held | Verdict::Missed => it.measured.clone(),
        });
        self.measured = told.join("; ");
        self.verdict = match (self.verdict, more.verdict) {
            (Verdict::Missed, _) | (_, Verdict::Missed) => Verdict::Missed,
            (Verdict::Held, Verdict::Held) => Verdict::Held,
            (Verdict::NotRun(_), _) | (_, Verdict::NotRun(_)) => Verdict::NotRun(self.measured.clone()),
        };
        self.notes.extend(more.notes);
        self
    }
}
