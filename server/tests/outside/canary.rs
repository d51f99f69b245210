//! CANARY: a word that stands nowhere else is put into every field of text of every call, and must not come back in the log of the server at its most talkative,
//! nor in a panic, nor in a file beside the audio and the journal. Tokens and codes the same, and the stored bytes hold none of them. Never here: what the
//! log does tell.

use std::{collections::BTreeSet, io::Write as _, path::Path, time::Duration};

use deadwax_domain::ProjectId;
use deadwax_proto::v1;

use crate::{
    common::{House, Seat, id_text},
    contract::{Contract, Fill, call},
    log::Said,
    lot::Lot,
    seed, tell, times,
};

/// Letters that pass as a name, in an address and in a recipe.
const CANARY: &str = "kanarienvogel7zq";
/// Of a link.
const PASSWORD: &str = "zaunkoenig4wv";
const PATIENCE: Duration = Duration::from_millis(300);

/// The word in every field; ids are real in every second round, so that calls come past their first check.
struct Canaries<'a> {
    ids: &'a [(&'static str, String)],
    round: usize,
    filled: BTreeSet<String>,
}

impl Fill for Canaries<'_> {
    fn text(&mut self, field: &str, lot: &mut Lot) -> Vec<u8> {
        let name = field.rsplit('.').next().unwrap_or_default();
        if !self.ids.is_empty() && name.ends_with("_id") {
            let known = self.ids.iter().find(|(key, _)| *key == name).map(|(_, id)| id.clone());
            return known.unwrap_or_else(|| uuid::Uuid::now_v7().to_string()).into_bytes();
        }
        if !self.ids.is_empty()
            && (name.contains("sha256") || name.contains("fingerprint") || name.contains("hash"))
        {
            return "5a".repeat(32).into_bytes();
        }
        self.filled.insert(field.to_owned());
        let forms = [CANARY.to_owned(), format!("{CANARY}@example.org"), format!("{CANARY} \u{1b}[2J")];
        let form = if name.contains("mail") { &forms[1] } else { &forms[usize::from(lot.one_in(9)) * 2] };
        form.clone().into_bytes()
    }

    /// One after the other, so that every action of every `oneof` has its turn.
    fn chooses(&mut self, members: &[usize], _: &mut Lot) -> Option<usize> {
        Some(members[self.round / 2 % members.len()])
    }

    fn repeats(&mut self, _: &mut Lot) -> usize {
        1
    }

    fn leaves_out(&self) -> usize {
        usize::MAX
    }
}

fn holds(bytes: &[u8], word: &str) -> bool {
    let lower = bytes.to_ascii_lowercase();
    let hexed: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    [word.to_ascii_lowercase(), hexed]
        .iter()
        .any(|word| lower.windows(word.len()).any(|it| it == word.as_bytes()))
}

fn files(folder: &Path, found: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push((path.display().to_string(), std::fs::read(&path).unwrap_or_default()));
        }
    }
}

/// Lines of the log that hold one of the words, and lines that are none.
fn hits_in(log: &[u8], words: &[(&str, &str)]) -> Vec<String> {
    let mut hits: Vec<String> = Vec::new();
    for (what, word) in words {
        if holds(log, word) {
            let text = String::from_utf8_lossy(log).into_owned();
            let line = text.lines().find(|line| holds(line.as_bytes(), word)).unwrap_or_default();
            hits.push(format!("{what} in the log: {line}"));
        }
    }
    for line in log.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        // Panics are told in the words of the library, over several lines; a line of the log is one object, whatever stood in a field.
        let is_one = serde_json::from_slice::<serde_json::Value>(line).is_ok_and(|it| it.is_object());
        if !is_one || line.iter().any(|byte| byte.is_ascii_control()) {
            hits.push(format!("a line that is none: {}", String::from_utf8_lossy(line)));
        }
    }
    hits
}

/// What opens a link that has this password.
async fn link(owner: &Seat, project: ProjectId) -> String {
    let add = v1::action::Action::AddSong(v1::AddSong {
        song_id: id_text(7),
        title: "Nachtlied".into(),
        ..v1::AddSong::default()
    });
    let command_id = || id_text(uuid::Uuid::now_v7().as_u128());
    let project_id = id_text(project.0);
    let perform = v1::PerformRequest {
        command_id: command_id(),
        project_id: project_id.clone(),
        expected: None,
        action: Some(v1::Action { action: Some(add) }),
    };
    let mut projects = v1::projects_client::ProjectsClient::new(owner.channel.clone());
    projects.perform(owner.with(perform)).await.unwrap();
    let asked = v1::MakeLinkRequest {
        command_id: command_id(),
        project_id,
        scope: Some(v1::LinkScope { of: Some(v1::link_scope::Of::Album(true)) }),
        recipient: "Dana Holt".into(),
        password: PASSWORD.into(),
        ..v1::MakeLinkRequest::default()
    };
    let mut links = v1::links_client::LinksClient::new(owner.channel.clone());
    let made = links.make(owner.with(asked)).await.unwrap().into_inner();
    let secret = made.link.split_once('#').unwrap().1.to_owned();
    let asked = v1::OpenLinkRequest {
        secret: secret.clone(),
        password: PASSWORD.into(),
        api: deadwax_proto::API,
        ..v1::OpenLinkRequest::default()
    };
    links.open(asked).await.unwrap();
    secret
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_write_is_in_no_log_and_no_secret_in_any_file() {
    let said = Said::heard();
    let (heard, before) = (said.clone(), std::panic::take_hook());
    std::panic::set_hook(Box::new(move |about| {
        let _ = heard.clone().write_all(about.to_string().as_bytes());
        before(about);
    }));
    let house = House::open_embedded(tempfile::tempdir().unwrap(), |_| {}).await;
    let owner = house.person("Ana Maia", true).await;
    let project = house.project(&owner).await;
    let unused = house.studio.people.issue_code(owner.id).await.unwrap().code.reveal().to_owned();
    let links = link(&owner, project).await;
    let ids = [("project_id", id_text(project.0)), ("person_id", id_text(owner.id.0))];

    let contract = Contract::read();
    let channel = house.channel().await;
    let (mut filled, mut sent, mut done) = (BTreeSet::new(), 0u64, 0u64);
    for round in 0..times(240, 400, 4_000) {
        for asked in &contract.calls {
            let mut lot = Lot::new(seed(), &asked.path, round);
            let ids: &[_] = if round % 2 == 0 { &ids } else { &[] };
            let mut fill = Canaries { ids, round: round as usize, filled: BTreeSet::new() };
            let messages = vec![contract.message(&asked.input, &mut lot, &mut fill)];
            let token = (!asked.ends_access() && !lot.one_in(8)).then_some(owner.token.as_str());
            let few = !asked.path.ends_with("/Perform") && round >= 12;
            if few {
                continue;
            }
            let answer = call(channel.clone(), asked, token, messages, PATIENCE).await;
            filled.append(&mut fill.filled);
            sent += 1;
            done += u64::from(answer.is_ok());
        }
    }
    // A token that is wrong, and one in a place where none belongs.
    for token in [CANARY, "dwx_kanarienvogel7zq"] {
        let asked = &contract.calls[0];
        let _refused = call(channel.clone(), asked, Some(token), vec![Vec::new()], PATIENCE).await;
    }
    let missing: Vec<String> = contract.texts().difference(&filled).cloned().collect();
    let log = said.bytes();
    assert!(holds(&log, "deadwax.v1.Projects/Perform"), "the log says nothing, so it proves nothing");

    let secrets = [
        ("a token", owner.token.as_str()),
        ("a code", unused.as_str()),
        ("a link", links.as_str()),
        ("a password", PASSWORD),
    ];
    let words: Vec<(&str, &str)> = [("the word", CANARY)].into_iter().chain(secrets).collect();
    let mut hits = hits_in(&log, &words);
    let mut stored = Vec::new();
    files(house.folder.path(), &mut stored);
    assert!(stored.iter().any(|(_, bytes)| holds(bytes, CANARY)), "nothing was stored, so nothing is proved");
    for (path, bytes) in &stored {
        hits.extend(
            secrets.iter().filter(|it| holds(bytes, it.1)).map(|(what, _)| format!("{what} in {path}")),
        );
        let of_words =
            ["/journal/", "/index/", "/blobs/", "/uploads/"].iter().any(|place| path.contains(place));
        if !of_words && holds(bytes, CANARY) {
            hits.push(format!("the word in {path}"));
        }
    }
    if holds(house.studio.metrics.page(&house.studio).await.as_bytes(), CANARY) {
        hits.push("the word in the figures".to_owned());
    }
    let figures = format!(
        "{} fields of text of {} calls in {sent} requests ({done} done), {} KiB of log, {} files: {} hits {hits:?}, fields not filled: {missing:?}",
        filled.len(),
        contract.calls.len(),
        log.len() >> 10,
        stored.len(),
        hits.len()
    );
    tell("CANARY", hits.is_empty() && missing.is_empty() && done > 20, &figures);
}
