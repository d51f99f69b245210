//! A yes that is signed with the key of the profile where there is one: of a running order, of a record. The question stays and tells how far it is. Never
//! here: what is signed, and what goes out without a key.

use crossterm::event::{KeyCode, KeyEvent};

use super::{Next, act, is_no, is_yes, signing};
use crate::receipt::secret::Secret;
use crate::tui::{
    model::{Ask, ConfirmAsk, Model, Sends, SignedAsk},
    signing::Key,
};

fn keep(ask: Box<ConfirmAsk>) -> Next {
    Next::Keep(Ask::Confirm(ask))
}

fn of(ask: &mut ConfirmAsk) -> Option<&mut SignedAsk> {
    match &mut ask.sends {
        Sends::Signed(it) => Some(&mut **it),
        _ => None,
    }
}

/// `Err`: the key means here what it means in every question.
pub(super) fn key(
    model: &mut Model,
    mut ask: Box<ConfirmAsk>,
    event: KeyEvent,
    shown: bool,
) -> Result<Next, Box<ConfirmAsk>> {
    let on_yes = ask.on_yes;
    let Some(signed) = of(&mut ask) else { return Err(ask) };
    if model.signing.run.is_some() {
        // It is under way: nothing but leaving changes it.
        return Ok(match event.code {
            KeyCode::Esc => Next::All(None, signing::stop(model)),
            _ => keep(ask),
        });
    }
    if let Some(passphrase) = &mut signed.passphrase
        && event.code != KeyCode::Esc
    {
        let typed = signing::typed(passphrase, event);
        return Ok(if typed || event.code != KeyCode::Enter { keep(ask) } else { sign(model, ask) });
    }
    if is_no(event, on_yes) {
        model.signing.problem = None;
        return Err(ask);
    }
    if !is_yes(event, on_yes) || !shown {
        return Err(ask);
    }
    match model.signing.key {
        Key::Ready { .. } => Ok(sign(model, ask)),
        Key::Locked { .. } => {
            signed.passphrase = Some(Secret::default());
            Ok(keep(ask))
        }
        // What was set up and cannot be used is mended first: nobody signs without by accident.
        Key::Broken { .. } => Ok(keep(ask)),
        // Without a key it goes where there is none, not where nobody knows yet.
        Key::Unknown => {
            model.signing.waits = true;
            Ok(keep(ask))
        }
        Key::None => Err(ask),
    }
}

fn sign(model: &mut Model, mut ask: Box<ConfirmAsk>) -> Next {
    if let Some(refused) = act::unsendable(model, ask.verb) {
        model.notice = Some(refused);
        return Next::Close;
    }
    let say = ask.say.clone();
    let Some(signed) = of(&mut ask) else { return keep(ask) };
    let (wish, passphrase) = (signed.wish.clone(), signed.passphrase.take());
    let effect = signing::begin(model, wish, say, passphrase);
    Next::Run(Ask::Confirm(ask), Box::new(effect))
}
