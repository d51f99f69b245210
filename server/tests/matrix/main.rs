//! Who may do what: every call that this server offers and every action of Perform, asked by somebody in every role, of what is theirs, of what is somebody
//! else's and of what is not there. The rows are data (`rows`); a call or an action without a row fails by name. The same run looks into the egress book.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod actions;
mod asked;
mod calls;
#[path = "../common/mod.rs"]
mod common;
mod cut;
mod denied;
mod egress;
mod ended;
mod hash;
#[path = "../media_kit/mod.rs"]
mod media_kit;
mod place;
mod rows;
mod services;
mod world;

use std::collections::BTreeSet;

use bytes::Bytes;
use common::id_text;
use deadwax_proto::v1;
use deadwax_server::auth::Redeem;
use prost::Message as _;
use tonic::Code;

use self::{
    asked::{Answer, No, ask},
    rows::{ACTIONS, Asking, CALLS, Call, Hidden, Made, Row},
    services::Services,
    world::{ASKERS, Asker, World},
};

/// A profile of our own, so small that nothing but the rules is met.
pub const HOUSE: &str = r#"
name = "house"
dated = "2026-11-21"
sources = ["the house"]

[limits]
channels = [1, 2]

[[file]]
kind = "track"
encoding = "wav24"
folder = "BWF"
name = "{track}_{title}"
"#;

const PERFORM: &str = "deadwax.v1.Projects/Perform";

/// Of what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    Own,
    /// In the own project, somebody else's.
    Foreign,
    Absent,
    ForeignProject,
    AbsentProject,
    /// In the own project, and not for the asker to know of.
    Hidden,
}

/// The matrix while it is gone through.
struct Run {
    world: World,
    services: Services,
    fresh: u128,
    cells: usize,
    /// Answers that carried bytes, and how many.
    given: (usize, usize),
    /// Who was denied what, as the log should tell it.
    denied: Vec<denied::Denial>,
    wrong: Vec<String>,
    unwritten: Vec<String>,
}

fn rows() -> impl Iterator<Item = &'static Row> {
    ACTIONS.iter().chain(CALLS)
}

impl Row {
    fn path(&self) -> &'static str {
        match self.call {
            Call::Action(_) => PERFORM,
            Call::Rpc(path, _) => path,
        }
    }

    /// Named by a project, so that there are foreign and absent ones.
    fn is_of_a_project(&self) -> bool {
        self.others.contains('?') && !self.is_of_an_upload()
    }

    fn is_of_an_upload(&self) -> bool {
        self.made == Made::Upload
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_do_what_the_table_says_and_nothing_else() {
    let log = denied::Log::of_this_test().await;
    let world = World::open().await;
    let services = Services::of(&world.cast.seat(Asker::Nobody).channel).await;
    let lacking = lacking(&services);
    let mut run = Run {
        world,
        services,
        fresh: 0,
        cells: 0,
        given: (0, 0),
        denied: Vec::new(),
        wrong: Vec::new(),
        unwritten: Vec::new(),
    };
    for row in rows() {
        run.row(row).await;
    }
    let untold = log.differs(run.denied).await;
    let word = |held: bool| if held { "held" } else { "missed" };
    let sound = run.wrong.is_empty() && lacking.is_empty();
    println!(
        "#gate AUTHZ {} {} calls and {} actions, {} cells, {} wrong, {} without a row",
        word(sound),
        run.services.calls.len(),
        run.services.actions.len(),
        run.cells,
        run.wrong.len(),
        lacking.len()
    );
    println!(
        "#gate G14 {} {} answers with {} bytes, each once in the book to the byte; {} wrong",
        word(run.unwritten.is_empty()),
        run.given.0,
        run.given.1,
        run.unwritten.len()
    );
    println!(
        "#gate DENIED {} {} denied calls, each told once; {} otherwise",
        word(untold.is_empty()),
        log.count(),
        untold.len()
    );
    let none = Vec::<String>::new();
    assert_eq!(lacking, none, "no row says who may");
    assert_eq!(run.wrong, none);
    assert_eq!(run.unwritten, none);
    assert_eq!(untold, none, "the log tells of other denials than there were");
    assert!(run.given.0 > 0, "nobody was given any bytes");
}

/// Calls and actions that no row speaks of, and rows that speak of none.
fn lacking(services: &Services) -> Vec<String> {
    let of = |name: &'static str| name.split('#').next().unwrap_or(name);
    let told: BTreeSet<&str> = CALLS.iter().map(|row| of(row.name)).chain([PERFORM]).collect();
    let acted: BTreeSet<&str> = ACTIONS.iter().map(|row| row.name).collect();
    // What describes the services gives nothing else: it is what this list was read from.
    let open = |call: &str| call.starts_with("grpc.reflection.");
    let calls = services.calls.keys().map(String::as_str).filter(|call| !open(call));
    let missing = calls.clone().filter(|call| !told.contains(call));
    let actions = services.actions.iter().map(String::as_str).filter(|action| !acted.contains(action));
    let known: BTreeSet<&str> = calls.clone().collect();
    let gone = told.iter().copied().filter(|call| !known.contains(call));
    let named: BTreeSet<&str> = services.actions.iter().map(String::as_str).collect();
    let undone = acted.iter().copied().filter(|action| !named.contains(action));
    missing.chain(actions).chain(gone).chain(undone).map(str::to_owned).collect()
}

impl Run {
    async fn row(&mut self, row: &Row) {
        self.world.renew(row.state).await;
        for asker in ASKERS {
            let letter = row.letter(asker);
            let before = self.world.seq().await;
            let answer = self.cell(row, asker, Object::Own).await;
            self.judge(row, (asker, letter), &answer);
            if self.world.seq().await != before {
                self.world.renew(row.state).await;
            }
            if asker != Asker::Nobody {
                self.alike(row, asker).await;
            }
        }
    }

    /// What is somebody else's and what is not there sound the same, and are not done.
    async fn alike(&mut self, row: &Row, asker: Asker) {
        let owner = asker == Asker::Owner && row.letter(asker) == '+';
        // The door knows a guest, and what it keeps from them it keeps from them everywhere.
        let at_the_door = row.letter(asker) == 'g' && matches!(row.call, Call::Rpc(..));
        if row.is_of_a_project() && asker != Asker::Other && !owner {
            let foreign = self.cell(row, asker, Object::ForeignProject).await;
            let absent = self.cell(row, asker, Object::AbsentProject).await;
            self.same(row, asker, (&foreign, &absent), "of another project");
            let reason = if at_the_door { "NOT_FOR_GUESTS" } else { "NO_SUCH_PROJECT" };
            self.must_be(row, asker, &absent, reason);
        }
        let member = asker.is_inside();
        let theirs = row.is_of_an_upload() && asker != Asker::Other;
        if row.absent.is_empty() || !(member || theirs) {
            return;
        }
        let foreign = self.cell(row, asker, Object::Foreign).await;
        let absent = self.cell(row, asker, Object::Absent).await;
        self.same(row, asker, (&foreign, &absent), "of somebody else");
        if "+?".contains(row.letter(asker)) {
            self.must_be(row, asker, &absent, row.absent);
        }
        let kept_from = match row.hidden {
            Hidden::No => false,
            Hidden::Note => asker.outside_the_workshop(),
            // The mix of another song lies outside of the guest's link.
            Hidden::Version => matches!(asker, Asker::Mixer | Asker::Guest),
        };
        if kept_from {
            let hidden = self.cell(row, asker, Object::Hidden).await;
            self.same(row, asker, (&hidden, &absent), "that is hidden");
        }
    }

    fn judge(&mut self, row: &Row, (asker, letter): (Asker, char), answer: &Answer) {
        let stranger = if row.is_of_an_upload() { row.absent } else { "NO_SUCH_PROJECT" };
        let (code, reason) = match letter {
            '+' => (Code::Ok, ""),
            '-' => (Code::PermissionDenied, "NOT_YOUR_ROLE"),
            'o' => (Code::PermissionDenied, "ORIGINALS_CLOSED"),
            'u' => (Code::Unauthenticated, "SESSION_ENDED"),
            'g' => (Code::PermissionDenied, "NOT_FOR_GUESTS"),
            'r' => (answer.as_ref().err().map_or(Code::Ok, |no| no.code), row.rule),
            '?' if !asker.is_inside() => (Code::NotFound, stranger),
            '?' => (Code::NotFound, row.absent),
            other => panic!("{other} is no letter of the table"),
        };
        let found = match answer {
            Ok(_) => (Code::Ok, String::new()),
            Err(no) => (no.code, no.reason.clone()),
        };
        if found != (code, reason.to_owned()) {
            let text = answer.as_ref().err().map_or("", |no| no.text.as_str());
            self.wrong
                .push(format!("{} {asker:?}: {letter} was expected, it was {found:?} {text}", row.name));
        }
    }

    fn must_be(&mut self, row: &Row, asker: Asker, answer: &Answer, reason: &str) {
        if answer.as_ref().err().map(|no| no.reason.as_str()) != Some(reason) {
            self.wrong.push(format!("{} {asker:?}: {reason} was expected, it was {answer:?}", row.name));
        }
    }

    fn same(&mut self, row: &Row, asker: Asker, (one, other): (&Answer, &Answer), what: &str) {
        let refused: [Option<&No>; 2] = [one.as_ref().err(), other.as_ref().err()];
        if refused[0].is_none() || refused[0] != refused[1] {
            let text =
                format!("{} {asker:?}: what is {what} sounds otherwise than what is not there:", row.name);
            self.wrong.push(format!("{text} {one:?} and {other:?}"));
        }
    }

    /// One call.
    async fn cell(&mut self, row: &Row, asker: Asker, object: Object) -> Answer {
        self.cells += 1;
        self.fresh += 1;
        let (own, foreign, absent) = (self.world.own, self.world.foreign, self.world.absent);
        let (project, beside, it) = match object {
            Object::Own | Object::Hidden => (own, own, own),
            Object::Foreign => (own, own, foreign),
            Object::Absent => (own, own, absent),
            Object::ForeignProject => (foreign, foreign, foreign),
            Object::AbsentProject => (absent, absent, absent),
        };
        let (made, token) = self.made(row, asker, object).await;
        let asking = Asking {
            project,
            own: beside,
            it,
            asker,
            hidden: if object == Object::Hidden { row.hidden } else { Hidden::No },
            fresh: self.fresh,
            cast: &self.world.cast,
            made: &made,
            proof: self.proof(row, asker).await,
        };
        let messages = match row.call {
            Call::Rpc(_, messages) => messages(&asking),
            Call::Action(action) => vec![self.perform(row, &asking, action(&asking))],
        };
        let mut seat = self.world.cast.seat(asker).clone();
        if let Some(token) = token {
            seat.token = token;
        }
        let book = std::sync::Arc::clone(&self.world.house.studio.egress);
        let (before, stood) = (book.count(), self.world.seq().await);
        let answer = ask(&seat, row.path(), messages).await;
        self.given(row, asker, before, &answer).await;
        if answer.is_err() && self.world.seq().await != stood {
            self.wrong.push(format!("{} {asker:?} {object:?}: refused, and the project changed", row.name));
        }
        if let Err(no) = &answer {
            let person = (asker != Asker::Nobody).then(|| self.world.cast.id(asker));
            self.denied.extend(denied::Denial::of(row.path(), person, no));
        }
        answer
    }

    /// Beside a call that a token alone does not make; the way `#token` is asked without.
    async fn proof(&self, row: &Row, asker: Asker) -> Option<v1::Proof> {
        let call = row.path().strip_prefix("deadwax.v1.Sessions/")?;
        let wants = matches!(call, "SetPassphrase" | "EndAccess" | "CreateInvite" | "RevokeSession");
        if wants && !row.name.ends_with("#token") {
            self.world.cast.seat(asker).proof(call).await
        } else {
            None
        }
    }

    fn perform(&self, row: &Row, asking: &Asking<'_>, action: v1::action::Action) -> Bytes {
        let new = row.name == "create_project";
        let project = if new { uuid::Uuid::now_v7().as_u128() } else { asking.project.project };
        let perform = v1::PerformRequest {
            command_id: id_text(uuid::Uuid::now_v7().as_u128()),
            project_id: id_text(project),
            expected: None,
            action: Some(v1::Action { action: Some(action) }),
        };
        perform.encode_to_vec().into()
    }

    /// What a call works on, made for it; and the token, where the call ends its session.
    async fn made(&self, row: &Row, asker: Asker, object: Object) -> (String, Option<String>) {
        let nothing = (String::new(), None);
        let people = &self.world.house.studio.people;
        let second = self.world.cast.second;
        match row.made {
            Made::Nothing => nothing,
            Made::Code => {
                let issued = people.issue_code(second).await.unwrap();
                (issued.code.reveal().to_owned(), None)
            }
            Made::Session if asker == Asker::Nobody => nothing,
            Made::Session => {
                let own = !row.name.ends_with("#somebody");
                let whose = if own { self.world.cast.id(asker) } else { second };
                let code = people.issue_code(whose).await.unwrap().code;
                let opened = people
                    .redeem(Redeem { code: code.reveal(), device: "another", ..Redeem::default() })
                    .await
                    .unwrap();
                let ends_itself = row.path().ends_with("/Logout");
                (id_text(opened.session_id), ends_itself.then(|| opened.token.reveal().to_owned()))
            }
            Made::Upload => (self.upload(asker, object).await, None),
            Made::Invite => (self.invite(object).await, None),
            Made::Link => (self.link(object).await.0, None),
            Made::Secret => (self.link(object).await.1, None),
        }
    }

    /// A link and what opens it.
    async fn link(&self, object: Object) -> (String, String) {
        let (who, place) = match object {
            Object::Own | Object::Hidden => (Asker::Manager, self.world.own),
            Object::Foreign | Object::ForeignProject => (Asker::Other, self.world.foreign),
            Object::Absent | Object::AbsentProject => {
                return (self.world.absent.id(world::at::FRESH), String::new());
            }
        };
        let seat = self.world.cast.seat(who);
        let asked = v1::MakeLinkRequest {
            command_id: id_text(uuid::Uuid::now_v7().as_u128()),
            project_id: id_text(place.project),
            scope: Some(v1::LinkScope { of: Some(v1::link_scope::Of::Album(true)) }),
            recipient: "Dana Holt".into(),
            ..v1::MakeLinkRequest::default()
        };
        let mut links = v1::links_client::LinksClient::new(seat.channel.clone());
        let made = links.make(seat.with(asked)).await.unwrap().into_inner();
        let secret = made.link.split_once('#').map(|(_, secret)| secret.to_owned());
        (made.link_id, secret.expect("the secret stands behind the #"))
    }

    /// Begun by the asker, or by a manager where the asker could not.
    async fn upload(&self, asker: Asker, object: Object) -> String {
        let (who, place) = match object {
            Object::Own if asker.role().is_some() && asker != Asker::Listener => (asker, self.world.own),
            Object::Own | Object::Hidden => (Asker::Manager, self.world.own),
            Object::Foreign => (Asker::Other, self.world.foreign),
            Object::Absent | Object::ForeignProject | Object::AbsentProject => return String::new(),
        };
        let bytes = calls::new_bytes(self.fresh);
        let seat = self.world.cast.seat(who);
        let asked = seat.with(media_kit::begin(deadwax_domain::ProjectId(place.project), &bytes, "a.wav"));
        let begun = seat.media.clone().begin_upload(asked).await;
        begun.map(|state| state.into_inner().upload_id).unwrap_or_default()
    }

    async fn invite(&self, object: Object) -> String {
        let (who, place) = match object {
            Object::Own | Object::Hidden => (Asker::Manager, self.world.own),
            Object::Foreign | Object::ForeignProject => (Asker::Other, self.world.foreign),
            Object::Absent | Object::AbsentProject => return self.world.absent.id(world::at::FRESH),
        };
        let seat = self.world.cast.seat(who);
        let project_id = id_text(place.project);
        let email = format!("invited{}@example.org", self.fresh);
        let roles = vec![v1::Role::Artist.into()];
        let asked = v1::CreateInviteRequest {
            name: "In".into(),
            email,
            project_id: project_id.clone(),
            roles,
            proof: None,
        };
        let invited = seat.sessions.clone().create_invite(seat.with(asked)).await.unwrap().into_inner();
        let asked = seat.with(v1::ListInvitesRequest { project_id });
        let list = seat.sessions.clone().list_invites(asked).await.unwrap().into_inner().invites;
        let found = list.into_iter().find(|it| it.person_id == invited.person_id);
        found.expect("the invite is listed").invite_id
    }

    /// Bytes that were given stand in the book once and to the byte; nothing else does.
    async fn given(&mut self, row: &Row, asker: Asker, before: u64, answer: &Answer) {
        let book = &self.world.house.studio.egress;
        let field = self.services.bytes_field(row.path());
        let sent = match (answer, field) {
            (Ok(messages), Some(field)) => {
                Some(messages.iter().map(|it| services::bytes_in(it, field)).sum::<usize>())
            }
            _ => None,
        };
        let expected = sent.map(|sent| (self.world.cast.id(asker), Some(sent as u64)));
        book.flush().await;
        let count = usize::try_from(book.count() - before).unwrap();
        let told = book.received(deadwax_server::egress::Of::All, u64::MAX, (16, count), |_| true).await;
        let told: Vec<_> =
            told.unwrap().0.iter().map(|it| (it.begun.person, it.ended.map(|ended| ended.sent))).collect();
        if told != Vec::from_iter(expected) {
            let text = format!("{} {asker:?}: {expected:?} left, the book tells {told:?}", row.name);
            self.unwritten.push(text);
        }
        if let Some(sent) = sent {
            self.given = (self.given.0 + 1, self.given.1 + sent);
        }
    }
}
