//! Keys of the screen "People", and what the studio answers. `None`: the key means the same here as elsewhere.

use deadwax_proto::v1::{self as v1, ApprovalState, CreateInviteRequest, MemberRow, action::Action as Do};

use super::{
    act::{self, Subject},
    hands::{self, given_back::INVITE},
    nav,
};
use crate::tui::{
    form::{Field, FormAsk, Input, LinkAsk, Purpose},
    keys::Verb,
    model::{Ask, Model, Notice, Prompt, Screen, Sends, YesOrNo},
    msg::{Effect, Failure},
    people::{Line, News, Order, lines},
    rows::Project,
    words,
};

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let Screen::People { project, at } = model.top() else { return None };
    let (project, at) = (project.clone(), *at);
    match verb {
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            let next = nav::moved(at, lines(model, &project).len(), verb);
            if let Screen::People { at, .. } = model.top_mut() {
                *at = next;
            }
            Some(Vec::new())
        }
        Verb::AddDevice => {
            if !model.online() {
                model.notice = Some(act::offline());
                return Some(Vec::new());
            }
            let effect = Effect::People(Order::Invite(CreateInviteRequest::default()));
            model.prompt = Some(Prompt { ask: question(model, ADD_DEVICE, effect), shown: false });
            Some(Vec::new())
        }
        Verb::Remove => {
            let (said, effect) = match chosen(model)? {
                Line::Member(_) => return None,
                Line::Invite(it) => revoke_invite(&project, it),
                Line::Shared(it) => revoke_shared(&project, it),
                Line::Session(it) => revoke_session(model, it),
            };
            if !model.online() {
                model.notice = Some(act::offline());
                return Some(Vec::new());
            }
            let (title, line, yes) = said;
            model.prompt = Some(Prompt { ask: question(model, (&title, &line, yes), effect), shown: false });
            Some(Vec::new())
        }
        Verb::Roles if member(model).is_none() => {
            model.notice = Some(Notice::Tell("Choose a member first: roles are theirs.".into()));
            Some(Vec::new())
        }
        Verb::RevokeKey if member(model).is_none() => {
            model.notice = Some(Notice::Tell("Choose a member first: keys are theirs.".into()));
            Some(Vec::new())
        }
        _ => None,
    }
}

const ADD_DEVICE: (&str, &str, &str) = (
    "Make a link for a further device of yours?",
    "Whoever sees the link can sign in as you. It is shown once, works once and ends after 72 hours.",
    "Make it",
);

fn chosen(model: &Model) -> Option<Line<'_>> {
    let Screen::People { project, at } = model.top() else { return None };
    let lines = lines(model, project);
    lines.get((*at).min(lines.len().saturating_sub(1))).copied()
}

/// The member that the mark stands on.
pub(super) fn member(model: &Model) -> Option<String> {
    match chosen(model)? {
        Line::Member(it) => Some(it.person_id.clone()),
        Line::Invite(_) | Line::Shared(_) | Line::Session(_) => None,
    }
}

type Said = ((String, String, &'static str), Effect);

fn revoke_invite(project: &str, invite: &v1::InviteInfo) -> Said {
    let name = crate::scrub::line(&invite.name);
    let order = Order::RevokeInvite { project_id: project.to_owned(), invite_id: invite.invite_id.clone() };
    let line =
        format!("The link stops working. {name} stays a member; inviting them again makes a new link.");
    ((format!("Revoke the invite of {name}?"), line, "Revoke"), Effect::People(order))
}

fn revoke_shared(project: &str, link: &v1::LinkInfo) -> Said {
    let (name, what) = (crate::scrub::line(&link.recipient), crate::scrub::line(&link.scope_words));
    let order = Order::RevokeShared { project_id: project.to_owned(), link_id: link.link_id.clone() };
    let line = format!("It names {what}. It ends for ever, and its open pages within a second.");
    ((format!("Revoke the link of {name}?"), line, "Revoke"), Effect::People(order))
}

fn revoke_session(model: &Model, session: &v1::SessionInfo) -> Said {
    let device = crate::scrub::line(&session.device);
    let since = words::date(&model.zone, session.opened_ms);
    let line = if session.current {
        format!("This is the device that you sit at: you are signed out here. Signed in since {since}.")
    } else {
        format!("It is signed out within a second. Signed in since {since}.")
    };
    let order = Order::RevokeSession { session_id: session.session_id.clone() };
    ((format!("Sign out {device}?"), line, "Sign out"), Effect::People(order))
}

/// A yes sends that effect.
fn question(model: &Model, (title, line, yes): (&str, &str, &'static str), effect: Effect) -> Ask {
    Ask::Confirm(Box::new(
        YesOrNo {
            project: model.project_id().unwrap_or_default().to_owned(),
            verb: Verb::Remove,
            about: String::new(),
            title: title.to_owned(),
            lines: vec![line.to_owned()],
            yes,
            sends: Sends::Order(Box::new(effect)),
            say: String::new(),
        }
        .asked(),
    ))
}

pub(super) fn invite(model: &Model, subject: &Subject) -> Ask {
    let fields = vec![
        Field::line("Name", "", "As it stands beside notes and signatures"),
        Field::line("E-mail", "", "Tells people apart; somebody who is known keeps their name"),
        Field::roles(Vec::new()),
    ];
    let rows = model.projects.get(&subject.project);
    let title = rows.and_then(Project::head).map_or_else(String::new, |it| crate::scrub::line(&it.title));
    let purpose = Purpose::Invite { project: subject.project.clone() };
    let mut ask = FormAsk::new(purpose, format!("Invite somebody to {title}"), fields);
    ask.told.push("They are a member at once. The link to sign in with is shown once, here.".into());
    Ask::Form(Box::new(ask))
}

pub(super) fn roles(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let it = person(model, subject).ok_or("Choose a member first: roles are theirs.")?;
    let name = crate::scrub::line(&it.name);
    let before: Vec<v1::Role> =
        crate::tui::form::ROLES.into_iter().filter(|role| it.roles().any(|held| held == *role)).collect();
    let purpose = Purpose::Roles {
        project: subject.project.clone(),
        person: it.person_id.clone(),
        name: name.clone(),
        before: before.clone(),
    };
    let mut ask = FormAsk::new(purpose, format!("Roles of {name}"), vec![Field::roles(before)]);
    let consequence = act::consequence(model, subject, Verb::Roles);
    ask.told.extend((!consequence.is_empty()).then_some(consequence));
    Ok(Ask::Form(Box::new(ask)))
}

fn person<'a>(model: &'a Model, subject: &Subject) -> Option<&'a MemberRow> {
    let id = subject.member.as_ref()?;
    let rows = model.projects.get(&subject.project)?;
    rows.members().into_iter().find(|it| it.person_id == *id)
}

pub(super) fn remove(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let it = person(model, subject).ok_or("Choose a member, an invite or a device first.")?;
    let rows = model.projects.get(&subject.project).ok_or("The project is not here yet.")?;
    let name = crate::scrub::line(&it.name);
    let title = rows.head().map_or_else(String::new, |it| crate::scrub::line(&it.title));
    let mut said = vec![act::consequence(model, subject, Verb::Remove)];
    said.push("They see nothing of it from then on. What they wrote and signed stays in History.".into());
    said.extend(touched(rows, &it.person_id));
    let action = Do::RemoveMember(v1::RemoveMember { person_id: it.person_id.clone() });
    Ok(Ask::Confirm(Box::new(
        YesOrNo {
            project: subject.project.clone(),
            verb: Verb::Remove,
            about: format!("member/{}", it.person_id),
            title: format!("Remove {name} from {title}?"),
            lines: said,
            yes: "Remove",
            sends: Sends::Action(action),
            say: format!("{name} is removed"),
        }
        .asked(),
    )))
}

/// Which of the keys that hold, and why. The newest stands first: it is the one that was lost, or the one that should not be there.
pub(super) fn revoke_key(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let it = person(model, subject).ok_or("Choose a member first: keys are theirs.")?;
    let mut holding: Vec<&v1::KeyView> = it.keys.iter().filter(|key| key.revoked_ms == 0).collect();
    if holding.is_empty() {
        return Err("They hold no key here that could be revoked.");
    }
    holding.sort_by_key(|key| std::cmp::Reverse(key.enrolled_ms));
    let shown = |key: &&v1::KeyView| {
        let since = words::date(&model.zone, key.enrolled_ms);
        format!("{} since {since}", crate::receipt::short(&crate::scrub::line(&key.fingerprint)))
    };
    let me = model.me.as_ref().is_some_and(|me| me.person_id == it.person_id);
    let name = crate::scrub::line(&it.name);
    let fields = vec![
        Field {
            label: "Key",
            input: Input::Choice { options: holding.iter().map(shown).collect(), at: 0 },
            hint: "Left and right change it; `deadwax member list` tells all of it",
        },
        Field::line("Reason", "", "Stands in the record: the laptop was stolen on the 3rd"),
    ];
    let purpose = Purpose::RevokeKey {
        project: subject.project.clone(),
        person: it.person_id.clone(),
        name: name.clone(),
        keys: holding.iter().map(|key| key.fingerprint.clone()).collect(),
    };
    let title = if me { "Revoke a key of yours".to_owned() } else { format!("Revoke a key of {name}") };
    let mut ask = FormAsk::new(purpose, title, fields);
    let consequence = act::consequence(model, subject, Verb::RevokeKey);
    ask.told.extend((!consequence.is_empty()).then_some(consequence));
    ask.told.push(
        "It signs nothing here any more. What it signed stays signed and is shown as signed before.".into(),
    );
    ask.told.push("It cannot be taken back: to sign again, a new key is made known.".into());
    Ok(Ask::Form(Box::new(ask)))
}

/// Holds and approvals of theirs that count at a gate now.
fn touched(rows: &Project, person: &str) -> Vec<String> {
    let mut said = Vec::new();
    for song in rows.songs() {
        let Some(gate) = rows.gate(&song.song_id) else { continue };
        let title = crate::scrub::line(&song.title);
        for it in gate.approvals.iter().filter(|it| it.person_id == person) {
            let version = rows.version(&it.version_id).map_or_else(|| "a version".into(), words::version);
            let role = words::role(it.role());
            match it.state() {
                ApprovalState::Hold => said.push(format!("! {title} is on hold by them as {role}.")),
                ApprovalState::Counts => {
                    said.push(format!("Their approval of {version} of {title} as {role} counts now."));
                }
                _ => {}
            }
        }
    }
    said
}

pub(super) fn told(model: &mut Model, news: News) -> Vec<Effect> {
    match news {
        News::Invites { project_id, outcome } if model.people.of.as_deref() == Some(&project_id) => {
            model.people.invites = Some(outcome.map_err(why));
            Vec::new()
        }
        News::Invites { .. } => Vec::new(),
        News::Shared { project_id, outcome } => {
            // Who may see none is told nothing of it: they have not asked.
            if model.people.of.as_deref() == Some(&project_id) {
                let all = outcome.unwrap_or_default();
                let holds = |link: &v1::LinkInfo| link.state() != v1::LinkState::Revoked;
                model.people.shared = all.into_iter().filter(holds).collect();
            }
            Vec::new()
        }
        News::SharedRevoked(outcome) => {
            model.notice = Some(noticed(outcome, "The link is revoked."));
            shared(model)
        }
        News::Sessions(outcome) => {
            model.people.sessions = Some(outcome.map_err(why));
            Vec::new()
        }
        News::Invited { name, outcome } => {
            invited(model, name, outcome);
            invites(model)
        }
        News::InviteRevoked(outcome) => {
            model.notice = Some(noticed(outcome, "The invite is revoked."));
            invites(model)
        }
        News::SessionRevoked(outcome) => {
            model.notice = Some(noticed(outcome, "The device is signed out."));
            vec![Effect::People(Order::Sessions)]
        }
    }
}

fn why(failure: Failure) -> String {
    match failure {
        Failure::Refused { text, hint, .. } => format!("{text} {hint}").trim().to_owned(),
        Failure::Offline(text) => text,
    }
}

fn noticed(outcome: Result<(), Failure>, done: &str) -> Notice {
    match outcome {
        Ok(()) => Notice::Done(done.into()),
        Err(Failure::Refused { text, hint, .. }) => Notice::Refused { text, hint },
        Err(Failure::Offline(text)) => {
            Notice::Refused { text, hint: "Nothing is known: look at the list when the line is back.".into() }
        }
    }
}

fn invited(model: &mut Model, name: String, outcome: Result<v1::CreateInviteResponse, Failure>) {
    // A further device of one's own was not written in a form.
    let form = !name.is_empty();
    match outcome {
        Ok(answer) if answer.link.is_empty() => {
            hands::given_back::take(model, INVITE);
            let text = format!("{name} is a member from now on. They sign in already and need no link.");
            model.notice = Some(Notice::Done(text));
        }
        Ok(answer) => {
            if form {
                hands::given_back::take(model, INVITE);
            }
            model.people.link = Some(LinkAsk {
                own: name.is_empty(),
                name,
                link: answer.link,
                expires_ms: answer.expires_ms,
                copied: false,
            });
        }
        Err(Failure::Refused { text, hint, .. }) => {
            model.notice = Some(Notice::Refused { text: text.clone(), hint });
            if form {
                hands::given_back::refused(model, INVITE, &text);
            }
        }
        Err(Failure::Offline(text)) => {
            let hint = "It may have been done. Invite again: it makes no second member.".into();
            model.notice = Some(Notice::Refused { text: text.clone(), hint });
            if form {
                hands::given_back::refused(model, INVITE, &text);
            }
        }
    }
}

fn is_manager(model: &Model) -> bool {
    model.my_roles().contains(&v1::Role::Manager)
}

/// The list of invites anew, for those who may see it.
fn invites(model: &Model) -> Vec<Effect> {
    match &model.people.of {
        Some(project_id) if is_manager(model) => {
            vec![Effect::People(Order::Invites { project_id: project_id.clone() })]
        }
        _ => Vec::new(),
    }
}

/// The list of share links anew, for those who may make one.
fn shared(model: &Model) -> Vec<Effect> {
    let makes = [v1::Role::Manager, v1::Role::Label, v1::Role::Artist];
    let may = makes.iter().any(|role| model.my_roles().contains(role));
    let asked = model.people.of.as_ref().filter(|_| may);
    asked.map(|it| Effect::People(Order::Shared { project_id: it.clone() })).into_iter().collect()
}

/// Asks for invites and devices when the screen opens or the line comes back; shows a link once nothing else is asked.
pub(super) fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    if model.prompt.is_none()
        && let Some(link) = model.people.link.take()
    {
        model.prompt = Some(Prompt { ask: Ask::Link(Box::new(link)), shown: false });
    }
    let Screen::People { project, .. } = model.top() else {
        // Also under a question or a page that was opened from here it stays asked for.
        if !model.stack.iter().any(|it| matches!(it, Screen::People { .. })) {
            model.people.of = None;
        }
        return;
    };
    if !model.online() {
        model.people.of = None;
        return;
    }
    // Whether this person is a manager is known once the rows are here.
    let loaded = model.projects.get(project).is_some_and(|it| it.loaded);
    if loaded && model.people.of.as_ref() != Some(project) {
        let project = project.clone();
        model.people.of = Some(project);
        model.people.invites = None;
        model.people.shared.clear();
        effects.extend(invites(model));
        effects.extend(shared(model));
        effects.push(Effect::People(Order::Sessions));
    }
}
