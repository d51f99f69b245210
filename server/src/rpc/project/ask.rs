//! Questions about a project that change nothing: a gate rule tried dry, the turnaround. Never here: the rules themselves (the domain).

use std::sync::Arc;

use deadwax_domain::{
    Event, Fact, GateReport, GateRule, PersonId, Project, ProjectId, SongId, audience, gate, turnaround,
};
use deadwax_proto::v1;
use tonic::{Code, Status};

use super::{Service, malformed, project_id};
use crate::{
    ledger::{Kept, Snapshot},
    status, wire,
    wire::{view, words},
};

const PAGE: usize = 1024;

impl Service {
    pub(super) async fn tried(
        &self,
        person: PersonId,
        asked: v1::TryGateRequest,
    ) -> Result<v1::TryGateResponse, Status> {
        let id = project_id(&asked.project_id)?;
        self.works_on(id, person).await?;
        let of = match asked.song_id.as_str() {
            "" => None,
            song => Some(wire::action::id("song_id", song).map(SongId).map_err(malformed)?),
        };
        let stage = words::stage_of(asked.stage);
        let rule =
            asked.rule.map(|rule| wire::action::gate_rule(Some(rule)).map_err(malformed)).transpose()?;
        let then = self.as_it_stood(id, asked.at_seq).await?;
        let project = &then.project;
        if let Some(rule) = &rule {
            gate::sound(rule).map_err(status::refusal)?;
        }
        if of.is_some_and(|song| !project.songs.contains(song)) {
            return Err(status::not_found("NO_SUCH_SONG", "song"));
        }
        let names = self.hub.names();
        // Whoever asks was no member yet when the project stood there: nothing to be seen.
        let Some(viewer) = view::Viewer::new(id, project, person, &names) else {
            return Err(no_such_seq(asked.at_seq));
        };
        let report = |song: SongId| -> Option<GateReport> {
            match (&rule, stage) {
                (Some(rule), _) => gate::try_rule(project, song, Some(rule)),
                (None, Some(stage)) => gate::try_stage(project, song, stage),
                (None, None) => gate::report(project, song),
            }
        };
        let songs = project.songs_in_order().filter(|song| of.is_none_or(|of| of == song.id));
        let gates = songs.map(|song| view::tried_gate(&viewer, song, report(song.id))).collect();
        let said = |rule: &GateRule| gate::impossible(project, rule);
        let warnings = match (&rule, stage) {
            (Some(rule), _) => said(rule),
            (None, Some(stage)) => project.gate(stage).map(|rule| said(&rule)).unwrap_or_default(),
            (None, None) => Vec::new(),
        };
        Ok(v1::TryGateResponse {
            gates,
            warnings: warnings.iter().map(|text| wire::text::scrub(text)).collect(),
        })
    }

    pub(super) async fn turned_around(
        &self,
        person: PersonId,
        asked: v1::TurnaroundRequest,
    ) -> Result<v1::TurnaroundResponse, Status> {
        let id = project_id(&asked.project_id)?;
        let now = self.works_on(id, person).await?;
        let mut events: Vec<Event> = Vec::new();
        let mut after = 0;
        while after < now.seq {
            let page = self.ledger.events(id, after, PAGE).await.map_err(status::ledger)?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            events.extend(page.into_iter().filter_map(|one| match one.kept {
                Kept::Event(event) => Some(event),
                Kept::Newer { .. } | Kept::Redacted => None,
            }));
        }
        let told = turnaround(&events, &now.project, self.ledger.now());
        Ok(v1::TurnaroundResponse { songs: told.iter().map(view::turnaround).collect() })
    }

    /// The project, where the caller sees the work on it.
    async fn works_on(&self, id: ProjectId, person: PersonId) -> Result<Arc<Snapshot>, Status> {
        let (now, roles) = self.project_for(id, person).await?;
        if audience::sees_work(&roles) {
            return Ok(now);
        }
        let text = "A listener hears; the work on the songs is for the others.";
        Err(status::refuse(
            Code::PermissionDenied,
            "NOT_YOUR_ROLE",
            text,
            "Ask the manager for another role.",
        ))
    }

    async fn as_it_stood(&self, id: ProjectId, seq: u64) -> Result<Arc<Snapshot>, Status> {
        let now = self.ledger.project(id).await.map_err(status::ledger)?;
        let seq = if seq == 0 { now.map_or(0, |now| now.seq) } else { seq };
        let then = self.ledger.fold_to(id, seq).await.map_err(status::ledger)?;
        then.ok_or_else(|| no_such_seq(seq))
    }
}

/// What has to be said at once of a rule that was saved: how it could never be met.
pub(super) fn warnings(project: &Project, events: &[Event]) -> Vec<String> {
    let set = events.iter().filter_map(|event| match &event.fact {
        Fact::GateSet { rule } => Some(rule),
        _ => None,
    });
    set.flat_map(|rule| gate::impossible(project, rule)).map(|text| wire::text::scrub(&text)).collect()
}

fn no_such_seq(seq: u64) -> Status {
    let text = format!("The project never stood at {seq} for you.");
    status::refuse(Code::NotFound, "NO_SUCH_SEQ", text, "Take a number from the History.")
}
