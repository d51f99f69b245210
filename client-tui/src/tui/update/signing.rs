//! What became of a signature, and the keys of its prompt that are not about yes and no. Never here: what is signed.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::receipt::{approve::Wish, secret::Secret};
use crate::tui::{
    model::{Ask, Model, Notice, Sends},
    msg::{Effect, Failure},
    signing::{Key, News, Order, Run},
    words,
};

pub fn told(model: &mut Model, news: News) {
    match news {
        News::Key(key) => (model.signing.key, model.signing.waits) = (key, false),
        News::Step { ticket, step, done, total } => {
            if let Some(run) = model.signing.run.as_mut().filter(|it| it.ticket == ticket) {
                (run.step, run.done, run.total) = (step, done, total);
            }
        }
        News::Ended { ticket, outcome } => {
            let Some(run) = model.signing.run.take_if(|it| it.ticket == ticket) else { return };
            ended(model, &run, outcome);
        }
    }
}

fn ended(model: &mut Model, run: &Run, outcome: Result<(u32, bool), Failure>) {
    match outcome {
        Ok((sequence, enrolled)) => {
            let new = if enrolled { " Your key was made known in the project." } else { "" };
            model.notice = Some(Notice::Done(format!("Signed: {}, receipt #{sequence}.{new}", run.say)));
            model.signing.problem = None;
            if model.prompt.as_ref().is_some_and(|it| signs(&it.ask)) {
                model.prompt = None;
            }
        }
        Err(failure) => {
            let problem = match failure {
                Failure::Refused { text, hint, .. } => (text, hint),
                Failure::Offline(text) => {
                    (text, "Look at the row before you sign again: it may have arrived.".to_owned())
                }
            };
            // A prompt that is open says it itself.
            match model.prompt.as_ref().map(|it| &it.ask) {
                Some(ask) if signs(ask) => model.signing.problem = Some(problem),
                _ => model.notice = Some(Notice::Refused { text: problem.0, hint: problem.1 }),
            }
        }
    }
}

/// A key that was made, unlocked or taken away since the client started counts from the next prompt on.
pub(super) fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    let signs = model.prompt.as_ref().is_some_and(|it| signs(&it.ask));
    if signs && !model.signing.looked {
        effects.push(Effect::Signing(Order::Look));
    }
    model.signing.looked = signs;
    model.signing.waits &= signs;
}

/// Whether it is a question whose yes signs.
fn signs(ask: &Ask) -> bool {
    match ask {
        Ask::Approve(_) | Ask::SignRecord(_) => true,
        Ask::Confirm(ask) => matches!(ask.sends, Sends::Signed(_)),
        _ => false,
    }
}

/// The run of a signature that begins now, and what starts it.
pub(super) fn begin(model: &mut Model, wish: Wish, say: String, passphrase: Option<Secret>) -> Effect {
    let ticket = model.next_ticket();
    model.signing.problem = None;
    model.signing.run = Some(Run { ticket, say, step: "Beginning".into(), done: 0, total: 0 });
    Effect::Signing(Order::Sign { ticket, wish: Box::new(wish), passphrase })
}

/// A signature that is under way is stopped by leaving its prompt.
pub fn stop(model: &mut Model) -> Vec<Effect> {
    model.signing.problem = None;
    let Some(run) = model.signing.run.take() else { return Vec::new() };
    model.notice =
        Some(Notice::Tell(format!("Stopped: {}. If it was on its way already the row shows it.", run.say)));
    vec![Effect::Signing(Order::Stop)]
}

/// Typed into a passphrase. True: it was for it.
pub fn typed(passphrase: &mut Secret, event: KeyEvent) -> bool {
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    match event.code {
        KeyCode::Char('u') if control => passphrase.clear(),
        KeyCode::Char(c) if !control => passphrase.push(c),
        KeyCode::Backspace => passphrase.pop(),
        _ => return false,
    }
    true
}

/// With which key it is signed, or that it is not; whether that is a warning. `None`: nobody looked.
pub fn line(model: &Model) -> Option<(String, bool)> {
    if let Some(run) = &model.signing.run {
        let so_far = if run.total > 0 && run.done < run.total {
            format!(" {} of {}", words::bytes(run.done), words::bytes(run.total))
        } else {
            String::new()
        };
        return Some((format!("{}{so_far}   Esc stops", run.step), false));
    }
    if let Some((text, hint)) = &model.signing.problem {
        return Some((format!("\u{d7} {text} {hint}"), true));
    }
    match &model.signing.key {
        Key::Unknown if model.signing.waits => {
            Some(("Looking for your key; say yes again when it is found.".into(), true))
        }
        Key::Unknown => None,
        Key::None => Some(("Not signed with a key; `deadwax key new` makes one.".into(), true)),
        Key::Ready { label } => Some((format!("Signed with your key {label}."), false)),
        Key::Locked { label } => {
            Some((format!("Signed with your key {label}; it asks for its passphrase."), false))
        }
        Key::Broken { text, hint } => Some((format!("\u{d7} {text} {hint}"), true)),
    }
}
