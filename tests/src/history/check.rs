//! The judgement, in one pass in the order of the facts: what was acknowledged is there, once, where it was said; the order keeps to the clock of those who
//! asked; every answer is the one that the rules give of a moment within its call; starts and watches saw what is there in the end. Never here: faults, and who
//! wrote the history.

use std::collections::BTreeMap;

use deadwax_domain::{Fact as What, Project, ProjectId, Refusal, Time, decide};
use deadwax_server::{auth::Directory, status};
use sha2::{Digest as _, Sha256};

use super::{Answer, Call, Heard, History, NEVER, Tick, Wrong, moves::Moves, watched};

/// Where the facts of a command lie, and between which moments it was asked and first answered.
struct Span {
    id: u128,
    first: u64,
    last: u64,
    begun: Tick,
    ended: Tick,
    call: Option<usize>,
}

/// Everything that is wrong; nothing where nothing is.
pub fn check(project: ProjectId, names: &Directory, history: &History) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let head = history.facts.len() as u64;
    let spans = spans(history, &mut wrong);
    answers(history, &spans, &mut wrong);
    order(&spans, &mut wrong);
    lives(history, &mut wrong);
    received(history, &mut wrong);
    history.heard.iter().for_each(|heard| watched::check(heard, head, &mut wrong));
    Replay::new(project, names, history, &spans).run(&mut wrong);
    wrong
}

/// One for each command that made facts, in their order; the same command at two places is told.
fn spans(history: &History, wrong: &mut Vec<Wrong>) -> Vec<Span> {
    let mut sent: BTreeMap<u128, (Tick, Tick, usize)> = BTreeMap::new();
    for (place, call) in history.calls.iter().enumerate() {
        let known = sent.entry(call.id).or_insert((call.begun, NEVER, place));
        known.0 = known.0.min(call.begun);
        if matches!(call.answer, Answer::Done { .. }) {
            known.1 = known.1.min(call.ended);
        }
    }
    let mut spans: Vec<Span> = Vec::new();
    let mut places: BTreeMap<u128, u64> = BTreeMap::new();
    for (seq, fact) in (1..).zip(&history.facts) {
        let id = fact.command;
        if let Some(open) = spans.last_mut().filter(|open| open.id == id) {
            open.last = seq;
            continue;
        }
        if let Some(first) = places.insert(id, seq) {
            wrong.push(Wrong::Twice { id, first, second: seq });
        }
        let known = sent.get(&id).copied();
        let (begun, ended, _) = known.unwrap_or((0, NEVER, 0));
        let call = known.map(|known| known.2);
        spans.push(Span { id, first: seq, last: seq, begun, ended, call });
        // What the house does by itself, and the fact of an upload, whose command the server names.
        let by_itself = fact.event.by.is_none() || matches!(fact.event.fact, What::FileReceived { .. });
        if call.is_none() && !by_itself && seq > history.given {
            wrong.push(Wrong::FromNowhere { id, seq });
        }
    }
    spans
}

/// Each acknowledgement names the facts of its command, and each sending of it was answered alike.
fn answers(history: &History, spans: &[Span], wrong: &mut Vec<Wrong>) {
    let places: BTreeMap<u128, (u64, u64)> = spans.iter().map(|it| (it.id, (it.first, it.last))).collect();
    let mut told: BTreeMap<u128, &Call> = BTreeMap::new();
    for call in &history.calls {
        let Answer::Done { first, last } = call.answer else {
            // Whoever was refused or not answered may be heard later; whoever was heard is not refused afterwards.
            let heard = told.get(&call.id).filter(|heard| heard.ended < call.begun);
            if let (Some(heard), Answer::Refused(_) | Answer::Conflict) = (heard, &call.answer) {
                wrong.push(both(heard, call));
            }
            continue;
        };
        if last < first {
            continue;
        }
        if places.get(&call.id) != Some(&(first, last)) {
            wrong.push(Wrong::Lost { id: call.id, first, last });
        }
        let before = told.entry(call.id).or_insert(call);
        if before.answer != call.answer {
            wrong.push(both(before, call));
        }
    }
}

fn both(one: &Call, other: &Call) -> Wrong {
    let words = |call: &Call| format!("{:?}", call.answer);
    Wrong::AnsweredTwice { id: one.id, one: words(one), other: words(other) }
}

/// Whoever had ended before another began stands before it.
fn order(spans: &[Span], wrong: &mut Vec<Wrong>) {
    let mut latest: Option<&Span> = None;
    for span in spans {
        if let Some(before) = latest.filter(|before| span.ended < before.begun) {
            wrong.push(Wrong::OutOfTime { seq: before.first, later: span.first });
        }
        if latest.is_none_or(|before| span.begun > before.begun) {
            latest = Some(span);
        }
    }
}

/// Every moment at which somebody outside knew of a fact, with the last that was known up to then.
fn known(history: &History) -> Vec<(Tick, u64)> {
    let acknowledged = history.calls.iter().filter_map(|call| match call.answer {
        Answer::Done { first, last } if last >= first => Some((call.ended, last)),
        _ => None,
    });
    let shown = history.heard.iter().flat_map(|heard| &heard.updates).map(|update| (update.at, update.seq));
    let read = history.lives.iter().map(|life| (life.read, life.head));
    let mut known: Vec<(Tick, u64)> = acknowledged.chain(shown).chain(read).collect();
    known.sort_unstable();
    let mut most = 0;
    for (_, seq) in &mut known {
        most = most.max(*seq);
        *seq = most;
    }
    known
}

/// The last fact that was known before this moment.
fn known_before(known: &[(Tick, u64)], at: Tick) -> u64 {
    let count = known.partition_point(|(tick, _)| *tick < at);
    count.checked_sub(1).and_then(|last| known.get(last)).map_or(0, |(_, seq)| *seq)
}

/// A start reads whatever anybody knew, and what it read stays.
fn lives(history: &History, wrong: &mut Vec<Wrong>) {
    let known = known(history);
    let mut by_head: BTreeMap<u64, Vec<&super::Life>> = BTreeMap::new();
    for life in &history.lives {
        let (at, head) = (life.at, life.head);
        let before = known_before(&known, at);
        if before > head {
            wrong.push(Wrong::Undone { at, head, known: before });
        }
        by_head.entry(head).or_default().push(life);
    }
    let mut all = Sha256::new();
    for head in 0..=history.facts.len() {
        for life in by_head.remove(&(head as u64)).into_iter().flatten() {
            if life.facts != <[u8; 32]>::from(all.clone().finalize()) {
                wrong.push(Wrong::Rewritten { at: life.at, head: life.head });
            }
        }
        if let Some(fact) = history.facts.get(head) {
            all.update(fact.sha256);
        }
    }
    for life in by_head.into_values().flatten() {
        wrong.push(Wrong::Rewritten { at: life.at, head: life.head });
    }
}

fn received(history: &History, wrong: &mut Vec<Wrong>) {
    let files = history.facts.iter().filter_map(|fact| match &fact.event.fact {
        What::FileReceived { file } => Some(file.digest),
        _ => None,
    });
    let files: Vec<_> = files.collect();
    for received in history.received.iter().filter(|it| !files.contains(&it.digest)) {
        wrong.push(Wrong::AudioLost { digest: received.digest });
    }
}

/// What is to be asked of the project as it stood at some seq.
struct Replay<'a> {
    id: ProjectId,
    names: &'a Directory,
    history: &'a History,
    spans: &'a [Span],
    /// Calls without facts: from which seq to which their answer must be true of the project, by the first.
    windows: BTreeMap<u64, Vec<(u64, &'a Call)>>,
    /// The last rows of each line, by seq.
    screens: BTreeMap<u64, Vec<&'a Heard>>,
}

impl<'a> Replay<'a> {
    fn new(id: ProjectId, names: &'a Directory, history: &'a History, spans: &'a [Span]) -> Self {
        let head = history.facts.len() as u64;
        let known = known(history);
        // The first fact of those whose asking began after a moment.
        let mut begun: Vec<(Tick, u64)> = spans.iter().map(|span| (span.begun, span.first)).collect();
        begun.sort_unstable();
        let mut first = head + 1;
        for (_, seq) in begun.iter_mut().rev() {
            first = first.min(*seq);
            *seq = first;
        }
        let mut windows: BTreeMap<u64, Vec<(u64, &Call)>> = BTreeMap::new();
        for call in history.calls.iter().filter(|call| made_nothing(call)) {
            let low = known_before(&known, call.begun).min(head);
            let after = begun.partition_point(|(tick, _)| *tick <= call.ended);
            let high = begun.get(after).map_or(head, |(_, seq)| seq - 1).max(low);
            windows.entry(low).or_default().push((high, call));
        }
        let mut screens: BTreeMap<u64, Vec<&Heard>> = BTreeMap::new();
        for heard in &history.heard {
            if let Some(last) = heard.updates.last() {
                screens.entry(last.seq).or_default().push(heard);
            }
        }
        Self { id, names, history, spans, windows, screens }
    }

    fn run(mut self, wrong: &mut Vec<Wrong>) {
        let mut project = Project::named(self.id);
        let (mut moves, mut open) = (Moves::default(), Vec::new());
        let (mut now, mut spans) = (Time(0), self.spans.iter().peekable());
        for seq in 0..=self.history.facts.len() as u64 {
            open.extend(self.windows.remove(&seq).into_iter().flatten());
            open.retain(|(_, call)| !is_true(&project, call, seq, now));
            for (_, call) in open.extract_if(.., |(high, _)| *high <= seq) {
                wrong.push(Wrong::NoReason { id: call.id, reason: format!("{:?}", call.answer) });
            }
            for heard in self.screens.remove(&seq).into_iter().flatten() {
                if watched::rows_of(self.id, &project, heard.person, self.names) != heard.screen {
                    wrong.push(Wrong::Gap { person: heard.person, seq });
                }
            }
            let Some(fact) = self.history.facts.get(seq as usize) else { break };
            if let Some(span) = spans.next_if(|span| span.first == seq + 1) {
                wrong.extend(self.same_facts(&project, span));
            }
            wrong.extend(moves.see(seq + 1, &fact.event));
            project.apply(&fact.event);
            now = now.max(fact.event.at);
        }
    }

    /// The rules make of the command exactly what was written.
    fn same_facts(&self, project: &Project, span: &Span) -> Option<Wrong> {
        let call = self.history.calls.get(span.call?)?;
        let written = self.history.facts.get(span.first as usize - 1..span.last as usize)?;
        let at = written.first()?.event.at;
        let (id, seq) = (span.id, span.first);
        if call.expected.is_some_and(|expected| expected + 1 != seq) {
            let what = format!("it asked for {:?}", call.expected);
            return Some(Wrong::OtherFacts { id, seq, what });
        }
        match decide(project, &call.actor, &call.command, at) {
            Ok(events) if events.iter().eq(written.iter().map(|fact| &fact.event)) => None,
            Ok(events) => {
                let what = format!("{events:?} and not {written:?}");
                Some(Wrong::OtherFacts { id, seq, what })
            }
            Err(no) => Some(Wrong::OtherFacts { id, seq, what: no.to_string() }),
        }
    }
}

fn made_nothing(call: &Call) -> bool {
    match call.answer {
        Answer::Done { first, last } => last < first,
        Answer::Refused(_) | Answer::Conflict => true,
        Answer::Unknown => false,
    }
}

/// Whether the answer is the one that the rules give of this moment.
fn is_true(project: &Project, call: &Call, seq: u64, now: Time) -> bool {
    let ruled = decide(project, &call.actor, &call.command, now);
    match &call.answer {
        Answer::Conflict => call.expected.is_some_and(|expected| expected != seq),
        Answer::Refused(reason) => ruled.is_err_and(|no| code_of(no) == *reason),
        Answer::Done { .. } => ruled.is_ok_and(|events| events.is_empty()),
        Answer::Unknown => true,
    }
}

/// The reason as it is told on the wire.
fn code_of(no: Refusal) -> String {
    status::reason_of(&status::refusal(no)).unwrap_or_default()
}
