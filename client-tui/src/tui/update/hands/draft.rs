//! A text that is being written goes to the disk of its writer now and then, and comes back after a client that ended without being asked to. Only the data is
//! decided here; the loop keeps it in a file that nobody else can read.

use crate::{
    scrub,
    tui::{
        hands::{Draft, DraftOf},
        keys::Verb,
        model::{Addressee, Ask, Model, Notice, Purpose, WriteAsk, text_area},
        msg::Effect,
    },
};

/// At a tick: what changed since it was kept last.
pub(in crate::tui::update) fn kept(model: &mut Model) -> Option<Effect> {
    let now = model.prompt.as_ref().and_then(|it| draft(&it.ask));
    if now == model.hands.kept || (model.hands.draft.is_some() && now.is_none()) {
        return None;
    }
    model.hands.kept.clone_from(&now);
    Some(Effect::Keep(now))
}

fn draft(ask: &Ask) -> Option<Draft> {
    let Ask::Write(ask) = ask else { return None };
    let text = ask.area.lines().join("\n");
    if text.trim().is_empty() {
        return None;
    }
    let of = match &ask.purpose {
        Purpose::Note { version, alternate, start_ms, end_ms } => DraftOf::Note {
            version: version.clone(),
            alternate: alternate.clone(),
            start_ms: *start_ms,
            end_ms: *end_ms,
        },
        Purpose::Reply { version, parent } => {
            DraftOf::Reply { version: version.clone(), parent: parent.clone() }
        }
        Purpose::Reopen { note } => DraftOf::Reopen { note: note.clone() },
        Purpose::Decline { note } => DraftOf::Decline { note: note.clone() },
        Purpose::Hold { .. }
        | Purpose::Return { .. }
        | Purpose::Decide(_)
        | Purpose::Joint { .. }
        | Purpose::CloseJoint { .. }
        | Purpose::Pick { .. } => DraftOf::Reason,
    };
    Some(Draft { project: ask.project.clone(), title: ask.title.clone(), text, internal: ask.internal, of })
}

/// What the loop found at the start.
pub(in crate::tui::update) fn reopened(model: &mut Model, draft: Draft) {
    let title = scrub::cut(&scrub::line(&draft.title), 60);
    let undo = model.key(Verb::Undo);
    let told = format!("A text was not sent when the client ended ({title}). {undo} brings it back.");
    model.notice = Some(Notice::Tell(told));
    model.hands.draft = Some(draft);
}

/// Undo where nothing else is left to take back.
pub(super) fn bring_back(model: &mut Model) -> Vec<Effect> {
    let Some(draft) = model.hands.draft.take() else {
        model.notice = Some(Notice::Tell("There is nothing to take back.".into()));
        return Vec::new();
    };
    let text = scrub::block(&draft.text);
    let purpose = match draft.of {
        DraftOf::Note { version, alternate, start_ms, end_ms } => {
            Purpose::Note { version, alternate, start_ms, end_ms }
        }
        DraftOf::Reply { version, parent } => Purpose::Reply { version, parent },
        DraftOf::Reopen { note } => Purpose::Reopen { note },
        DraftOf::Decline { note } => Purpose::Decline { note },
        DraftOf::Reason => {
            let told = "Your text is in the clipboard: open the question again and paste it.";
            model.notice = Some(Notice::Tell(told.into()));
            return vec![Effect::Copy(text)];
        }
    };
    let to = matches!(purpose, Purpose::Note { .. } | Purpose::Reply { .. });
    let ask = WriteAsk {
        project: draft.project,
        purpose,
        title: scrub::line(&draft.title),
        consequence: String::new(),
        area: text_area(&text),
        internal: draft.internal,
        addressee: to.then(Addressee::default),
        problem: None,
    };
    super::undo::text_back(model, Box::new(Ask::Write(Box::new(ask))), true)
}
