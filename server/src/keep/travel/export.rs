//! `deadwax-server export`: one project or all of them as a folder of files under readable names. Everything is written before the list of sums, which is last:
//! a folder without it is not whole. Never here: people's ways in; they do not travel.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use bytes::Bytes;
use deadwax_domain::{Digest, Event, Fact, PersonId, Project, ProjectId, Time};
use tokio_util::sync::CancellationToken;

use super::{
    ENTRIES, FORMAT, Moved, Named, PAGE, PEOPLE, Page, SUMS, lines_of, sums_of, sums_text, text, write,
};
use crate::{
    admin,
    auth::{Directory, People},
    blob::{Blobs, far},
    config::Config,
    evidence::{Chains, Checkpoint, Facts, Folder, StudioKey},
    handoff::names,
    keep::{backup::now_ms, blob_path, elsewhere::Elsewhere, hash_file, named},
    ledger::Ledger,
    rpc::id_text,
    store::{
        StreamId,
        embedded::{MovedRecord, Roots, moved_records},
    },
    studio::SystemClock,
    wire::ledger::{self, Read},
};

const README: &str = include_str!("readme.txt");

#[derive(Debug)]
pub struct Exported {
    pub page: Page,
    pub audio: u64,
    pub bytes: u64,
}

/// A project as its records are met.
struct Met {
    project: Project,
    events: Vec<(u64, Event)>,
    lines: String,
    /// What could be the digest of a file, and the id of a person.
    mentioned: HashSet<Digest>,
    people: HashSet<PersonId>,
}

/// `asked`: an id or a title; `None`: all. `to` must not be there yet, or be empty.
pub async fn export(dir: &Path, config: &Config, asked: Option<&str>, to: &Path) -> anyhow::Result<Exported> {
    let is_free = fs::read_dir(to).map_or(true, |mut there| there.next().is_none());
    ensure!(is_free, "{} is not empty; choose a new folder", to.display());
    let (mut roots, mut met) = (Roots::default(), BTreeMap::new());
    moved_records(dir, &mut |record| meet(&record, &mut met)).context("the journal cannot be read")?;
    met.retain(|id, met: &mut Met| asked.is_none_or(|asked| is_asked(asked, *id, &met.project)));
    ensure!(asked.is_none() || !met.is_empty(), "no project here has this id or title");
    let out = Out::open(dir, config).await?;
    let mut exported = Exported { page: page(config), audio: 0, bytes: 0 };
    super::super::make_private_dir(to).with_context(|| format!("making {} failed", to.display()))?;
    let mut people = BTreeSet::new();
    for (number, (id, met)) in (1..).zip(&met) {
        let folder = format!("{number:03}_{}", names::camel(&met.project.title, "Project"));
        out.project(*id, met, &to.join(&folder), &mut exported)
            .await
            .with_context(|| format!("in {folder}"))?;
        people.extend(&met.people);
        for record in super::records_of(StreamId(id.0), &met.lines)? {
            for entry in &record.entries {
                roots.take(record.stream, &entry.sha256);
            }
        }
        let (entries, chain) = roots.of(StreamId(id.0));
        let (id, title, chain) = (id_text(id.0), met.project.title.clone(), hex::encode(chain));
        exported.page.projects.push(Moved { id, title, folder, entries, chain });
    }
    exported.page.root = hex::encode(roots.root());
    write(to, PEOPLE, out.people(&people)?)?;
    write(to, "README.txt", README)?;
    write(to, PAGE, serde_json::to_vec_pretty(&exported.page).context("writing the page failed")?)?;
    write(to, SUMS, sums_text(&sums_of(to)?))?;
    Ok(exported)
}

fn page(config: &Config) -> Page {
    let (studio, made_ms) = (config.name.clone(), now_ms());
    Page { format: FORMAT, studio, made_ms, root: String::new(), projects: Vec::new() }
}

fn is_asked(asked: &str, id: ProjectId, project: &Project) -> bool {
    asked == id_text(id.0) || asked.to_lowercase() == project.title.to_lowercase()
}

fn meet(record: &MovedRecord, all: &mut BTreeMap<ProjectId, Met>) {
    let id = ProjectId(record.stream.0);
    let met = all.entry(id).or_insert_with(|| Met {
        project: Project::named(id),
        events: Vec::new(),
        lines: String::new(),
        mentioned: HashSet::new(),
        people: HashSet::new(),
    });
    for line in lines_of(record) {
        // It is made of text and numbers: nothing in it cannot be written.
        met.lines += &serde_json::to_string(&line).unwrap_or_default();
        met.lines.push('\n');
    }
    for (seq, entry) in (record.first_seq..).zip(&record.entries) {
        let Some(payload) = entry.payload() else { continue };
        named::mentioned(&payload, |digest| {
            met.mentioned.insert(digest);
        });
        met.people.extend(ids_in(&payload));
        if let Ok(Read::Event(event)) = ledger::decode(&payload) {
            met.project.apply(&event);
            met.events.push((seq, event));
        }
    }
}

/// Everything in the bytes of an entry that could be the id of a person.
fn ids_in(payload: &Bytes) -> impl Iterator<Item = PersonId> + use<'_> {
    let begins = payload.iter().enumerate().filter(|(_, byte)| **byte == 16).map(|(at, _)| at + 1);
    let field = |at: usize| payload.get(at..at + 16)?.try_into().ok();
    begins.filter_map(move |at| Some(PersonId(u128::from_be_bytes(field(at)?))))
}

/// What is read beside the journal.
struct Out<'c> {
    dir: PathBuf,
    config: &'c Config,
    people: Arc<Directory>,
    chains: Chains,
    key: StudioKey,
    /// Where the audio lies far: what brings it, and what there is.
    far: Option<(Arc<Blobs>, Elsewhere)>,
}

impl<'c> Out<'c> {
    async fn open(dir: &Path, config: &'c Config) -> anyhow::Result<Self> {
        let store = admin::open_store(dir, config)?;
        let clock = Arc::new(SystemClock);
        let people = People::open(Arc::clone(&store), Arc::clone(&clock) as _, CancellationToken::new());
        let people = people.await.context("reading the people of the studio failed")?.directory();
        let ledger = Ledger::open(Arc::clone(&store), clock).await.context("reading the ledger failed")?;
        let far = match far::of_settings(&config.audio, dir)? {
            Some(far) => {
                let elsewhere = Elsewhere::of(Some(&far)).await?;
                let (drive, reserve_bytes) = (store.drive().clone(), config.limits.reserve_bytes);
                let root = std::path::absolute(dir)?;
                Some((Blobs::open_beside(Some(far), drive, root, reserve_bytes).await?, elsewhere))
            }
            None => None,
        };
        let chains = Chains::new(ledger, store);
        Ok(Self { dir: dir.to_owned(), config, people, chains, key: StudioKey::of(dir), far })
    }

    async fn project(&self, id: ProjectId, met: &Met, to: &Path, done: &mut Exported) -> anyhow::Result<()> {
        let names = |person: PersonId| self.people.name(person).to_owned();
        write(to, ENTRIES, &met.lines)?;
        write(to, "history.txt", text::history(&met.project, &met.events, &names))?;
        write(to, "notes.txt", text::notes(&met.project, &names))?;
        let places = self.audio(met, to, done).await?;
        write(to, "versions.txt", text::versions(&met.project, &places, &names))?;
        if !met.project.receipts.is_empty() {
            self.evidence(id, to).await.context("the evidence was not written")?;
        }
        Ok(())
    }

    /// Every file once, under the first name that it has here. Where each of them lies.
    async fn audio(
        &self,
        met: &Met,
        to: &Path,
        done: &mut Exported,
    ) -> anyhow::Result<BTreeMap<Digest, String>> {
        let mut places: BTreeMap<Digest, String> = BTreeMap::new();
        let mut taken = BTreeSet::new();
        let mut must = HashSet::new();
        for (_, event) in &met.events {
            must.extend(named::files_of(&event.fact).into_iter().map(|(digest, _)| digest));
        }
        let others = met.mentioned.iter().copied().collect::<BTreeSet<_>>();
        let others = others.into_iter().map(|digest| (digest, format!("files/other/{digest}.bin")));
        for (digest, place) in file_names(met).into_iter().chain(others) {
            let from = blob_path(&self.dir, digest);
            let lies_far = self.far.as_ref().filter(|(_, there)| there.files.contains_key(&digest));
            let there = lies_far.is_some() || from.exists();
            if places.contains_key(&digest) || (!must.contains(&digest) && !there) {
                continue;
            }
            if let Some((blobs, _)) = lies_far {
                blobs.verify(digest).await.with_context(|| format!("bringing the file {digest} failed"))?;
            }
            let place = free(&mut taken, place, digest);
            let path = to.join(&place);
            path.parent().map_or(Ok(()), super::super::make_private_dir).context("making a folder failed")?;
            let bytes = fs::copy(&from, &path).with_context(|| {
                format!("facts name the file {digest}, and it cannot be copied; run verify")
            })?;
            let (found, _) = hash_file(&path).with_context(|| format!("reading {place} failed"))?;
            ensure!(
                found == digest,
                "the bytes of {digest} do not match their name; restore it from a backup first"
            );
            (done.audio, done.bytes) = (done.audio + 1, done.bytes + bytes);
            places.insert(digest, place);
        }
        Ok(places)
    }

    async fn evidence(&self, id: ProjectId, to: &Path) -> anyhow::Result<()> {
        let Some((snapshot, chain)) = self.chains.now(id).await? else { return Ok(()) };
        let lines = self.chains.text(id, &chain, 0, chain.entries).await?;
        let (studio, now) = (self.config.name.as_str(), Time(i64::try_from(now_ms()).unwrap_or(i64::MAX)));
        let checkpoint = Checkpoint::of((studio, &self.key), (id, &snapshot.project), &chain, now)?;
        let names = |person| self.people.name(person).to_owned();
        let (project, chain) = (&snapshot.project, lines.as_str());
        let facts = Facts { studio, project, names: &names, chain, checkpoint: &checkpoint, key: &self.key };
        let folder = Folder::of(&facts)?;
        for paper in folder.papers.iter().filter(|paper| paper.name.starts_with("statements/")) {
            write(&to.join("receipts"), paper.name.trim_start_matches("statements/"), &paper.bytes)?;
        }
        let zip = folder.write(std::io::Cursor::new(Vec::new()), project.as_of).await?;
        write(to, "evidence.zip", zip.into_inner())?;
        Ok(())
    }

    /// Those whom the record names; nobody's way in.
    fn people(&self, named: &BTreeSet<PersonId>) -> anyhow::Result<String> {
        let mut lines = String::new();
        for person in named.iter().filter_map(|id| self.people.people.get(id)) {
            let (name, email) = (person.name.clone(), person.email.clone());
            let named = Named { person_id: id_text(person.id.0), name, email };
            lines += &serde_json::to_string(&named)?;
            lines.push('\n');
        }
        Ok(lines)
    }
}

/// No two files of a project have the same name, also where capitals do not count.
fn free(taken: &mut BTreeSet<String>, place: String, digest: Digest) -> String {
    if taken.insert(place.to_lowercase()) {
        return place;
    }
    let digits: String = digest.to_string().chars().take(12).collect();
    let name = match place.rsplit_once('.') {
        Some((stem, kind)) if !kind.contains('/') => format!("{stem}_{digits}.{kind}"),
        _ => format!("{place}_{digits}"),
    };
    taken.insert(name.to_lowercase());
    name
}

/// Where files go by what they are: letters, digits, `_`, `-` and dots.
fn file_names(met: &Met) -> Vec<(Digest, String)> {
    let (project, mut all) = (&met.project, Vec::new());
    for version in project.versions.values() {
        let title = project.songs.get(version.song).map_or("", |song| song.title.as_str());
        let folder =
            format!("audio/{}/{}", names::camel(title, "Song"), names::camel(&version.name(), "Version"));
        let names = names::of_files(&project.artist, title, version);
        let files = version.files.iter().zip(names);
        all.extend(files.map(|(file, name)| (file.digest, format!("{folder}/{name}"))));
    }
    for (_, event) in &met.events {
        match &event.fact {
            Fact::FileReceived { file } => {
                all.push((file.digest, format!("audio/received/{}", plain(&file.name))));
            }
            Fact::DeliveryMade { files, .. } => {
                let name = |file: &deadwax_domain::File| format!("audio/deliveries/{}", plain(&file.name));
                all.extend(files.iter().map(|file| (file.digest, name(file))));
            }
            Fact::PackageMade { digest, name, .. } => {
                all.push((*digest, format!("files/handoffs/{}", plain(name))));
            }
            Fact::RecordMade { files, .. } => all.extend(files.iter().map(|file| {
                let parts = [&file.profile, &file.folder, &file.name];
                let parts =
                    parts.into_iter().flat_map(|part| part.split('/')).filter(|part| !part.is_empty());
                let path: Vec<String> = parts.map(plain).collect();
                (file.digest, format!("files/records/{}", path.join("/")))
            })),
            Fact::CoverSet { cover: Some(cover) } => {
                let kind = cover.mime.rsplit('/').next().unwrap_or("bin");
                all.push((cover.digest, format!("files/cover.{}", plain(kind))));
            }
            Fact::RenderCompleted { sheet: Some(sheet), .. } => {
                all.push((*sheet, format!("files/sheets/{sheet}.json")));
            }
            _ => {}
        }
    }
    all
}

/// One part of a path: never hidden, never out of its folder, the same on every system.
fn plain(name: &str) -> String {
    let kept = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let name: String = name.chars().map(kept).take(100).collect();
    let name = name.trim_start_matches(['.', '-']);
    if name.is_empty() { "file".to_owned() } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_its_folder() {
        for (name, safe) in
            [("../../x", "_.._x"), ("a b.wav", "a_b.wav"), ("", "file"), ("..", "file"), ("夜.wav", "_.wav")]
        {
            assert_eq!(plain(name), safe);
        }
        let mut taken = BTreeSet::new();
        assert_eq!(free(&mut taken, "a/B.wav".into(), Digest([1; 32])), "a/B.wav");
        assert_eq!(free(&mut taken, "a/b.wav".into(), Digest([1; 32])), "a/b_010101010101.wav");
    }
}
