//! The links of a project with what became of them: who opened one when, and what was heard and fetched by it. Out of three books: the project's facts, the
//! studio's sessions, and who received what. Never here: the secret; it is in none of them.

use std::collections::BTreeSet;

use deadwax_domain::{Alternate, Link, PersonId, Project, ProjectId, Time, Version, VersionId, link};
use deadwax_proto::v1;
use tonic::{Code, Status};

use super::{Service, id_text, project_id, told};
use crate::{
    auth::{Caller, LinkLine, OpeningLine},
    egress::{Of, Reception, Way},
    ledger::Snapshot,
    listening::Ear,
    rpc::audit,
    status,
    wire::text::scrub,
};

/// The newest of a project; older ones are history.
const LINKS: usize = 300;
/// Of one link.
const RECEIVED: usize = 100;
const HEARD: usize = 50;
/// Pages of the book read for one link.
const SCAN: usize = 4096;

impl Service {
    pub(super) async fn listed(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<v1::ListLinksResponse, Status> {
        self.studio.people.look().await.map_err(status::auth)?;
        let snapshot = self.project(caller, project_id(project)?).await?;
        let (project, viewer) = (&snapshot.project, caller.person.id);
        let answers = project.links.values().filter(|it| link::answers_for(project, viewer, it));
        let mut own: Vec<&Link> = answers.collect();
        let makes = link::MAKERS.iter().any(|role| project.holds_role(viewer, *role));
        if own.is_empty() && !makes {
            let text = "Links are for those who may make one: the managers, the label and the artist.";
            return Err(status::refuse(Code::PermissionDenied, "NOT_YOUR_ROLE", text, "Ask one of them."));
        }
        own.sort_by_key(|it| std::cmp::Reverse((it.at, it.id)));
        let mut links = Vec::new();
        for it in own.into_iter().take(LINKS) {
            links.push(self.info(&snapshot, it).await?);
        }
        Ok(v1::ListLinksResponse { links })
    }

    async fn info(&self, snapshot: &Snapshot, it: &Link) -> Result<v1::LinkInfo, Status> {
        let (people, project) = (&self.studio.people, &snapshot.project);
        let line = people.link_line(it.id);
        let received = self.received(snapshot.id, it.guest).await?;
        let opened = line.as_ref().map(|line| line.opened.as_slice()).unwrap_or_default();
        let name = |person: Option<PersonId>| {
            person.and_then(|person| people.person(person)).map(|it| scrub(&it.name)).unwrap_or_default()
        };
        Ok(v1::LinkInfo {
            link_id: id_text(it.id.0),
            scope: Some(told(it.scope)),
            scope_words: scrub(&it.scope_words(project)),
            recipient: name(Some(it.guest)),
            guest_id: id_text(it.guest.0),
            made_by: name(it.by),
            made_by_id: it.by.map(|by| id_text(by.0)).unwrap_or_default(),
            made_ms: it.at.0,
            expires_ms: it.expires.0,
            sessions_used: u32::try_from(opened.len()).unwrap_or(u32::MAX),
            sessions_max: it.sessions_max,
            download: it.download,
            notes: it.notes,
            has_password: it.has_password,
            state: state(it, line.as_ref(), self.studio.ledger.now()).into(),
            revoked_ms: it.ended.map_or(0, |(at, _)| at.0),
            revoked_by: name(it.ended.and_then(|(_, by)| by)),
            opened: (1..).zip(opened).map(|(nth, one)| opening(project, nth, one, &received)).collect(),
            heard: self.heard(snapshot, it.guest, &received).await?,
        })
    }

    /// What this guest was given, the newest first.
    async fn received(&self, project: ProjectId, guest: PersonId) -> Result<Vec<Reception>, Status> {
        let of_this = move |begun: &crate::egress::Begun| begun.project == project;
        let found = self.studio.egress.received(Of::Person(guest), u64::MAX, (SCAN, RECEIVED), of_this);
        Ok(found.await.map_err(status::book)?.0)
    }

    async fn heard(
        &self,
        snapshot: &Snapshot,
        guest: PersonId,
        received: &[Reception],
    ) -> Result<Vec<v1::LinkHeard>, Status> {
        let project = &snapshot.project;
        let of_sound = received.iter().filter(|it| matches!(it.begun.way, Way::Listen | Way::Download));
        let given = of_sound.map(|it| VersionId(it.begun.object));
        let marked = project.heard.keys().filter(|(_, person)| *person == guest).map(|(version, _)| *version);
        let versions: BTreeSet<VersionId> = given.chain(marked).collect();
        let mut heard = Vec::new();
        for version in versions.into_iter().filter_map(|id| project.versions.get(id)).take(HEARD) {
            heard.extend(self.heard_of(snapshot, guest, version).await?);
        }
        Ok(heard)
    }

    async fn heard_of(
        &self,
        snapshot: &Snapshot,
        guest: PersonId,
        version: &Version,
    ) -> Result<Option<v1::LinkHeard>, Status> {
        let Some(main) = version.files.iter().find(|file| file.alternate == Alternate::Main) else {
            return Ok(None);
        };
        let rate = u64::from(main.facts.sample_rate_hz.max(1));
        let length_ms = main.facts.frames.saturating_mul(1000).div_ceil(rate);
        let ear = Ear { project: snapshot.id, version: version.id, person: guest, file: main.digest };
        let percent = self.studio.listening.share(ear, length_ms).await;
        let percent = percent.map_err(|error| status::internal(&error))?;
        let seconds = length_ms.saturating_mul(u64::from(percent)) / 100_000;
        let what = format!("{}, {}", snapshot.project.song_name(version.song), version.name());
        Ok((percent > 0).then(|| v1::LinkHeard {
            version_id: id_text(version.id.0),
            what: scrub(&what),
            percent,
            seconds: u32::try_from(seconds).unwrap_or(u32::MAX),
        }))
    }
}

fn state(it: &Link, line: Option<&LinkLine>, now: Time) -> v1::LinkState {
    let used = line.map_or(0, |line| line.opened.len());
    if it.ended.is_some() || line.is_none_or(|line| line.ended) {
        v1::LinkState::Revoked
    } else if it.expires <= now {
        v1::LinkState::Expired
    } else if used >= it.sessions_max as usize {
        v1::LinkState::UsedUp
    } else {
        v1::LinkState::Live
    }
}

fn opening(project: &Project, nth: u32, one: &OpeningLine, received: &[Reception]) -> v1::LinkOpening {
    let of_this = received.iter().rev().filter(|it| it.begun.session == one.session_id);
    let received: Vec<v1::LinkReceived> = of_this
        .map(|it| v1::LinkReceived {
            what: scrub(&audit::in_words(project, &it.begun)),
            way: it.begun.way.word().to_owned(),
            at_ms: it.begun.at_ms,
            sent_bytes: it.ended.map_or(0, |ended| ended.sent),
        })
        .collect();
    let given_ms = received.last().map_or(one.at_ms, |it| it.at_ms);
    v1::LinkOpening {
        nth,
        device: scrub(&one.device),
        first_ms: one.at_ms,
        last_ms: one.used_ms.unwrap_or(given_ms).max(given_ms),
        open: one.is_open,
        received,
    }
}
