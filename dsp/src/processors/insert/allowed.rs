//! Which commands an insert may run: the operator's list. A recipe picks one by its name and sets the parameters that the list leaves open, within the
//! limits that the list states; it never says what is run. Never here: running anything.

use std::{collections::BTreeMap, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::DspError;

crate::amounts! {
    /// So long a command may neither take nor give a frame before it counts as hung.
    NoProgress: 0.1..=3600.0, "s";
}

/// How late a command may be, at most: a linear-phase filter of ten seconds at 96 kHz.
const LATENCY_MAX_FRAMES: u32 = 960_000;
/// What stands for the sound's own figures in the arguments of a command.
const RATE: &str = "rate";
const CHANNELS: &str = "channels";

/// One step of a recipe that sends the sound through a command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InsertSettings {
    /// Its name in the operator's list.
    pub command: String,
    /// By so many frames its output comes late; they are cut from the beginning.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub latency_frames: u32,
    /// Of those that the operator left open.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, Value>,
}

/// What a recipe sets a parameter to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Number(f64),
    Word(String),
}

/// The operator's list: commands by name. It reads as a table of tables, one `[name]` for each command.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Allowed {
    pub commands: BTreeMap<String, AllowedCommand>,
}

/// A program that takes interleaved little-endian floats on its standard input and gives as many back on its standard output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AllowedCommand {
    /// An absolute path. No shell looks at it or at the arguments.
    pub program: PathBuf,
    /// `{rate}` is the sample rate in Hz, `{channels}` their number, `{NAME}` the parameter of that name.
    #[serde(default)]
    pub args: Vec<String>,
    #[serde(default)]
    pub sample: Sample,
    /// The environment; nothing of our own is passed on. `PATH`, `HOME`, `TMPDIR` and `LC_ALL` are set where they are not named here.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    #[serde(default = "no_progress_default")]
    pub no_progress_s: NoProgress,
}

/// What one sample is on the way to a command and back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sample {
    /// 32-bit float: 24-bit sound passes unchanged.
    #[default]
    F32,
    F64,
}

/// What a recipe may set, and to what. Without a default a recipe must set it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Parameter {
    Number {
        low: f64,
        high: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<f64>,
    },
    Word {
        of: Vec<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        default: Option<String>,
    },
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

fn no_progress_default() -> NoProgress {
    NoProgress::at(60.0)
}

fn invalid<T>(what: String) -> Result<T, DspError> {
    Err(DspError::Invalid(what))
}

impl Sample {
    pub fn bytes(self) -> usize {
        match self {
            Sample::F32 => 4,
            Sample::F64 => 8,
        }
    }
}

impl InsertSettings {
    /// What can be said without the operator's list.
    pub fn check(&self) -> Result<(), DspError> {
        if self.latency_frames > LATENCY_MAX_FRAMES {
            return invalid(format!(
                "the insert {:?} cannot be {} frames late: {LATENCY_MAX_FRAMES} are the most",
                self.command, self.latency_frames
            ));
        }
        Ok(())
    }
}

impl Parameter {
    fn check(&self, named: &str) -> Result<(), DspError> {
        match self {
            Parameter::Number { low, high, default } => {
                if !low.is_finite() || !high.is_finite() || low > high {
                    return invalid(format!("{named} goes from {low} to {high}, which is no range"));
                }
                default.map_or(Ok(()), |v| self.text(named, Some(&Value::Number(v))).map(drop))
            }
            Parameter::Word { of, default } => {
                if of.is_empty() {
                    return invalid(format!("{named} has no word to choose from"));
                }
                let default = default.clone().map(Value::Word);
                default.map_or(Ok(()), |v| self.text(named, Some(&v)).map(drop))
            }
        }
    }

    /// What stands in the arguments.
    fn text(&self, named: &str, set: Option<&Value>) -> Result<String, DspError> {
        match (self, set) {
            (Parameter::Number { low, high, .. }, Some(Value::Number(v))) => {
                if (*low..=*high).contains(v) {
                    Ok(v.to_string())
                } else {
                    invalid(format!("{named} is {v}, outside the operator's limits of {low} to {high}"))
                }
            }
            (Parameter::Word { of, .. }, Some(Value::Word(word))) => {
                if of.contains(word) {
                    Ok(word.clone())
                } else {
                    invalid(format!("{named} is {word:?}; the operator allows {}", of.join(", ")))
                }
            }
            (Parameter::Number { .. }, Some(Value::Word(word))) => {
                invalid(format!("{named} is {word:?}, and must be a number"))
            }
            (Parameter::Word { of, .. }, Some(Value::Number(v))) => {
                invalid(format!("{named} is {v}, and must be one of {}", of.join(", ")))
            }
            (Parameter::Number { default: Some(v), .. }, None) => Ok(v.to_string()),
            (Parameter::Word { default: Some(word), .. }, None) => Ok(word.clone()),
            (_, None) => invalid(format!("{named} has no default, and the recipe does not set it")),
        }
    }
}

impl AllowedCommand {
    /// `name`: its name in the list, for the error.
    fn check(&self, name: &str) -> Result<(), DspError> {
        if !self.program.is_absolute() {
            return invalid(format!(
                "the insert {name:?} names the program {}, which is no absolute path",
                self.program.display()
            ));
        }
        for (key, parameter) in &self.parameters {
            let named = format!("the parameter {key} of the insert {name:?}");
            if !is_name(key) || key == RATE || key == CHANNELS {
                return invalid(format!(
                    "{named} needs a name of a-z, 0-9 and _ other than rate and channels"
                ));
            }
            if !self.args.iter().any(|arg| arg.contains(&format!("{{{key}}}"))) {
                return invalid(format!("{named} stands in none of its arguments"));
            }
            parameter.check(&named)?;
        }
        let known = |key: &str| self.parameters.get(key).map(|_| String::new());
        self.args.iter().try_for_each(|arg| fill(name, arg, known).map(drop))
    }

    /// The arguments for this sound and these settings.
    pub(super) fn arguments(
        &self,
        settings: &InsertSettings,
        sample_rate: u32,
        channels: usize,
    ) -> Result<Vec<String>, DspError> {
        let name = &settings.command;
        if let Some(key) = settings.parameters.keys().find(|key| !self.parameters.contains_key(*key)) {
            let known: Vec<&str> = self.parameters.keys().map(String::as_str).collect();
            let known =
                if known.is_empty() { "it has none".into() } else { format!("it has {}", known.join(", ")) };
            return invalid(format!("the insert {name:?} has no parameter {key:?}; {known}"));
        }
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        texts.insert(RATE, sample_rate.to_string());
        texts.insert(CHANNELS, channels.to_string());
        for (key, parameter) in &self.parameters {
            let named = format!("the parameter {key} of the insert {name:?}");
            texts.insert(key, parameter.text(&named, settings.parameters.get(key))?);
        }
        self.args.iter().map(|arg| fill(name, arg, |key| texts.get(key).cloned())).collect()
    }
}

impl Allowed {
    /// Whether every command of the list can be meant as it stands there.
    pub fn check(&self) -> Result<(), DspError> {
        self.commands.iter().try_for_each(|(name, command)| command.check(name))
    }

    /// The command of this name. The error tells the names there are.
    pub fn command(&self, name: &str) -> Result<&AllowedCommand, DspError> {
        let Some(command) = self.commands.get(name) else {
            let names: Vec<&str> = self.commands.keys().map(String::as_str).collect();
            let names = if names.is_empty() {
                "allows no inserts".into()
            } else {
                format!("allows {}", names.join(", "))
            };
            return invalid(format!(
                "the recipe asks for the insert {name:?}; the operator of this machine {names}"
            ));
        };
        command.check(name)?;
        Ok(command)
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Puts texts for the names in braces. Braces around anything but a name stand for themselves.
fn fill(insert: &str, arg: &str, text: impl Fn(&str) -> Option<String>) -> Result<String, DspError> {
    let (mut filled, mut rest) = (String::new(), arg);
    while let Some(open) = rest.find('{') {
        let close = rest[open..].find('}').map(|at| open + at);
        let name = close.map(|close| &rest[open + 1..close]).filter(|name| is_name(name));
        let (Some(name), Some(close)) = (name, close) else {
            filled.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        let value = match name {
            RATE | CHANNELS => Some(text(name).unwrap_or_default()),
            _ => text(name),
        };
        let Some(value) = value else {
            return invalid(format!(
                "the argument {arg:?} of the insert {insert:?} has a parameter {name}, which is not described"
            ));
        };
        filled.push_str(&rest[..open]);
        filled.push_str(&value);
        rest = &rest[close + 1..];
    }
    filled.push_str(rest);
    Ok(filled)
}
