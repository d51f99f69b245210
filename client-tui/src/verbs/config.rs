//! The file of the terminal client's keys and colours: where it is, what is wrong in it, one to begin with.

use serde_json::json;

use super::{Context, VerbError};
use crate::{
    cli::ConfigVerb,
    tui::settings::{FILE, Settings, default_text},
};

pub(super) fn config(c: &Context, verb: ConfigVerb) -> Result<(), VerbError> {
    let path = c.home.folder().join(FILE);
    let shown = path.display().to_string();
    match verb {
        ConfigVerb::Path => c.out.both(&shown, &json!({ "path": shown, "there": path.exists() })),
        ConfigVerb::Default => {
            let text = default_text();
            c.out.both(text.trim_end(), &json!({ "path": shown, "text": text }))
        }
        ConfigVerb::Check => {
            let (_, faults) = Settings::load(c.home.folder());
            if faults.is_empty() {
                let told = if path.exists() { "is sound" } else { "is not there: the defaults hold" };
                return c.out.both(&format!("{shown} {told}."), &json!({ "path": shown, "fine": true }));
            }
            for fault in &faults {
                let text = format!("{shown}:{}: {}\n  {}", fault.line, fault.text, fault.hint);
                let object = json!({
                    "path": shown, "fine": false, "line": fault.line, "text": fault.text, "hint": fault.hint,
                });
                c.out.both(&text, &object)?;
            }
            Err(VerbError::Said(3))
        }
    }
}
