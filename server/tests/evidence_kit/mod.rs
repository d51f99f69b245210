//! A project with real keys and real signatures, exported as evidence, and hands that change what was exported. The statements are written here, apart from the
//! client that writes them and the rules that hold them against the project.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use bytes::Bytes;
use deadwax_domain::{
    Alternate, ApprovalId, Digest, Event, Fact, File, PersonId, ProjectId, Receipt, SongId, Time, VersionId,
    VersionKind, version::fingerprint,
};
use deadwax_server::{
    evidence::{CHECKPOINT, Chains, Checkpoint, Facts, Folder, StudioKey},
    ledger::{Clock, Ledger},
    store::{Append, CommandKey, MemoryStore, Store, StreamId},
    wire,
};
use sha2::{Digest as _, Sha256};
use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};

pub const T0: i64 = 1_795_000_000_000;
pub const SONG: SongId = SongId(0x50);
pub const ZEROS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

pub fn uuid(id: u128) -> String {
    uuid::Uuid::from_u128(id).to_string()
}

struct Still;

impl Clock for Still {
    fn now_ms(&self) -> i64 {
        T0 + 3_600_000
    }
}

/// Somebody with a key.
pub struct Signer {
    pub person: PersonId,
    pub key: PrivateKey,
}

impl Signer {
    pub fn new(person: u128, seed: u8) -> Self {
        let key = PrivateKey::new(Ed25519Keypair::from_seed(&[seed; 32]).into(), "").unwrap();
        Self { person: PersonId(person), key }
    }

    /// A key as `ssh-keygen` makes it.
    pub fn by_ssh_keygen(person: u128, folder: &Path) -> Self {
        let path = folder.join(format!("key{person}"));
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
        let key = PrivateKey::from_openssh(fs::read_to_string(path).unwrap()).unwrap();
        Self { person: PersonId(person), key }
    }

    pub fn line(&self) -> String {
        self.key.public_key().to_openssh().unwrap().trim().to_owned()
    }

    pub fn id(&self) -> Digest {
        sha256(&self.key.public_key().to_bytes().unwrap())
    }

    pub fn sign(&self, namespace: &str, text: &str) -> String {
        let signature = self.key.sign(namespace, HashAlg::Sha512, text.as_bytes()).unwrap();
        signature.to_pem(LineEnding::LF).unwrap()
    }
}

/// What is approved.
#[derive(Clone, Copy, PartialEq)]
pub enum Object {
    Mix,
    Spacing,
    Record,
}

/// One project as a list of facts.
pub struct Bench {
    pub studio: tempfile::TempDir,
    pub id: ProjectId,
    pub events: Vec<Event>,
    pub statements: Vec<String>,
    pub now_ms: i64,
    /// What [`Object::Mix`] is.
    pub mix: VersionId,
    pub files: Vec<File>,
}

impl Bench {
    pub fn new(project: u128) -> Self {
        let file = |alternate, bytes: &[u8]| File {
            alternate,
            digest: sha256(bytes),
            name: "as it was sent.wav".into(),
            facts: crate::common::facts(bytes.len() as u64),
        };
        let files = vec![file(Alternate::Main, b"tone main"), file(Alternate::Instrumental, b"tone inst")];
        let mut bench = Self {
            studio: tempfile::tempdir().unwrap(),
            id: ProjectId(project),
            events: Vec::new(),
            statements: Vec::new(),
            now_ms: T0,
            mix: VersionId(0x71),
            files: files.clone(),
        };
        bench.fact(None, Fact::ProjectCreated { title: "Nacht & Lied".into(), artist: "Ana".into() });
        bench.fact(None, Fact::SongAdded { song: SONG, title: "Zoë's Song".into(), isrc: String::new() });
        let version = Fact::VersionAdded {
            version: VersionId(0x71),
            song: SONG,
            kind: VersionKind::Mix,
            number: 1,
            title: String::new(),
            changelog: String::new(),
            fingerprint: fingerprint(&files),
            files,
            render: None,
            line: None,
        };
        bench.fact(None, version);
        bench
    }

    /// A minute passes with each.
    pub fn fact(&mut self, by: Option<PersonId>, fact: Fact) {
        self.now_ms += 60_000;
        self.events.push(Event { at: Time(self.now_ms), by, fact });
    }

    pub fn enrol(&mut self, signer: &Signer) {
        let enrolled = Fact::KeyEnrolled {
            key: signer.id(),
            person: signer.person,
            public_key: signer.line(),
            proof: signer.sign("key@deadwax", &signer.line()),
            vouched_by: None,
            vouch: String::new(),
        };
        self.fact(Some(signer.person), enrolled);
    }

    pub fn revoke(&mut self, signer: &Signer) {
        let revoked = Fact::KeyRevoked { key: signer.id(), reason: "the laptop was stolen".into() };
        self.fact(Some(signer.person), revoked);
    }

    /// The clock of whoever signs is that much before the server's.
    pub fn approve_at(&mut self, signer: &Signer, role: &str, object: Object, ahead_ms: i64) {
        let text = self.statement(signer, role, object, ahead_ms);
        let signature = signer.sign("statement@deadwax", &text);
        self.keep(signer.person, text, signature, signer.id());
    }

    pub fn approve(&mut self, signer: &Signer, role: &str, object: Object) {
        self.approve_at(signer, role, object, 0);
    }

    pub fn keep(&mut self, by: PersonId, statement: String, signature: String, key: Digest) {
        self.statements.push(statement.clone());
        let sequence = self.statements.len() as u32;
        let receipt = Receipt { statement, signature, key };
        self.fact(Some(by), Fact::ReceiptKept { approval: self.approval(), sequence, receipt });
    }

    fn approval(&self) -> ApprovalId {
        ApprovalId(0xa0 + self.statements.len() as u128)
    }

    /// As receipts are agreed: `docs/RECEIPTS.md`.
    pub fn statement(&self, signer: &Signer, role: &str, object: Object, ahead_ms: i64) -> String {
        let at = jiff::Timestamp::from_second((self.now_ms + 60_000 + ahead_ms) / 1000).unwrap();
        let previous =
            self.statements.last().map_or(ZEROS.to_owned(), |it| sha256(it.as_bytes()).to_string());
        let (kind, of, name) = match object {
            Object::Mix => ("version", uuid(self.mix.0), "Mix 1"),
            Object::Spacing => ("spacing", uuid(self.id.0), "Spacing 3"),
            Object::Record => ("record", uuid(0x4ec0), "Record 2"),
        };
        let song = match object {
            Object::Mix => format!("song: {}\nsong-title: Zoë's Song\nstage: mixing\n", uuid(SONG.0)),
            _ => String::new(),
        };
        let files = match object {
            Object::Mix => {
                let line =
                    |file: &File| format!("file: {} {} {}\n", file.digest, file.facts.bytes, file.alternate);
                self.files.iter().map(line).collect()
            }
            Object::Spacing => format!(
                "item: {} gap=2000 crossfade=0 fade-in=0 fade-out=0 shape=equal-power gain=0 trim-in=0 trim-out=0 hidden=no side=no\n",
                uuid(SONG.0)
            ),
            Object::Record => {
                let (image, cue) = (sha256(b"image"), sha256(b"cue sheet"));
                format!("file: {image} 5 cd/IMAGE.DAT\nfile: {cue} 9 cue.txt\n")
            }
        };
        format!(
            "deadwax-statement/1\nproject: {}\nproject-title: Nacht & Lied\ndecision: approve\nobject: {kind}\nobject-id: {of}\n\
             name: {name}\n{song}role: {role}\nsigner: {}\nkey: {}\napproval: {}\nfingerprint: {}\n{files}previous: {previous}\n\
             sequence: {}\ntime: {}\n",
            uuid(self.id.0),
            uuid(signer.person.0),
            signer.id(),
            uuid(0xa0 + self.statements.len() as u128),
            sha256(files.as_bytes()),
            self.statements.len() + 1,
            at.strftime("%Y-%m-%dT%H:%M:%SZ")
        )
    }

    pub fn key(&self) -> StudioKey {
        StudioKey::of(self.studio.path())
    }

    /// The facts as a ledger keeps them.
    pub async fn chains(&self) -> (Arc<Ledger>, Chains) {
        let store = Arc::new(MemoryStore::new());
        self.append_to(&*store).await;
        let ledger = Ledger::open(store.clone(), Arc::new(Still)).await.unwrap();
        (Arc::clone(&ledger), Chains::new(ledger, store))
    }

    pub async fn append_to(&self, store: &dyn Store) {
        let entries: Vec<Bytes> = self.events.iter().map(|it| wire::ledger::encode(it, 1)).collect();
        let append = Append {
            stream: StreamId(self.id.0),
            expected: 0,
            command: CommandKey { id: self.id.0, request_sha256: [0; 32] },
            entries,
            claims: Vec::new(),
            desk: Vec::new(),
        };
        store.append(append).await.unwrap();
    }

    pub async fn export(&self) -> Folder {
        self.export_at(Time(T0 + 86_400_000)).await
    }

    pub async fn export_at(&self, now: Time) -> Folder {
        let (_, chains) = self.chains().await;
        let (snapshot, chain) = chains.now(self.id).await.unwrap().unwrap();
        let text = chains.text(self.id, &chain, 0, chain.entries).await.unwrap();
        let key = self.key();
        let (studio, project) = (("Gold Room", &key), &snapshot.project);
        let checkpoint = Checkpoint::of(studio, (self.id, project), &chain, now).unwrap();
        let names = |person: PersonId| match person.0 {
            1 => "Ana".to_owned(),
            2 => "=HYPERLINK(\"http://x\")".to_owned(),
            _ => "Lou, the \"label\"".to_owned(),
        };
        let facts = Facts {
            studio: "Gold Room",
            project,
            names: &names,
            chain: &text,
            checkpoint: &checkpoint,
            key: &key,
        };
        Folder::of(&facts).unwrap()
    }

    /// On a disk, as whoever gets it unpacks it.
    pub async fn unpacked(&self) -> Unpacked {
        Unpacked::of(&self.export().await)
    }
}

/// A folder of evidence that may be changed.
pub struct Unpacked {
    pub folder: tempfile::TempDir,
}

impl Unpacked {
    pub fn of(folder: &Folder) -> Self {
        let out = tempfile::tempdir().unwrap();
        fs::create_dir(out.path().join("statements")).unwrap();
        for paper in &folder.papers {
            fs::write(out.path().join(&paper.name), &paper.bytes).unwrap();
        }
        Self { folder: out }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// It must change something.
    pub fn edit(&self, name: &str, from: &str, to: &str) {
        let text = self.text(name);
        assert!(text.contains(from), "{name} does not hold {from:?}");
        self.write(name, &text.replacen(from, to, 1));
    }

    pub fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for folder in ["", "statements"] {
            for entry in fs::read_dir(self.folder.path().join(folder)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    let name = entry.file_name().into_string().unwrap();
                    names.push(if folder.is_empty() { name } else { format!("{folder}/{name}") });
                }
            }
        }
        names.sort();
        names
    }

    /// A new list of digests, as anybody can write it.
    pub fn list_again(&self) {
        let line = |name: &String| {
            let digest = sha256(&fs::read(self.path(name)).unwrap());
            format!("{digest}  {name}\n")
        };
        let names = self.names();
        let listed = names.iter().filter(|name| !name.starts_with("SHA256SUMS"));
        self.write("SHA256SUMS", &listed.map(line).collect::<String>());
    }

    /// As a studio that lies would: chain list, checkpoint and list again over what lies here now, signed.
    pub fn sign_again(&self, key: &StudioKey) {
        let statements: Vec<String> = (1..)
            .map(|n| format!("statements/{n:06}.txt"))
            .take_while(|name| self.path(name).exists())
            .map(|name| sha256(&fs::read(self.path(&name)).unwrap()).to_string())
            .collect();
        let mut left = statements.iter();
        let line = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            match (words.len(), left.next_if_three(words.len())) {
                (3, Some(statement)) => format!("{} {} {statement}\n", words[0], words[1]),
                _ => format!("{} {}\n", words[0], words[1]),
            }
        };
        let chain: String = self.text("CHAIN").lines().map(line).collect();
        self.write("CHAIN", &chain);
        self.point_again(key, statements.len(), statements.last().map_or(ZEROS, String::as_str));
    }

    /// Checkpoint and list over the CHAIN that lies here.
    pub fn point_again(&self, key: &StudioKey, receipts: usize, last: &str) {
        let chain = self.text("CHAIN");
        let (entries, digest) = (chain.lines().count().to_string(), sha256(chain.as_bytes()).to_string());
        let text: String = self
            .text("checkpoint.txt")
            .lines()
            .map(|line| match line.split_once(": ") {
                Some(("entries", _)) => format!("entries: {entries}\n"),
                Some(("chain-sha256", _)) => format!("chain-sha256: {digest}\n"),
                Some(("receipts", _)) => format!("receipts: {receipts}\n"),
                Some(("last-statement", _)) => format!("last-statement: {last}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        self.write("checkpoint.txt", &text);
        self.write("checkpoint.txt.sig", &key.sign(CHECKPOINT, &text).unwrap().signature);
        self.seal_again(key);
    }

    /// The list alone, signed.
    pub fn seal_again(&self, key: &StudioKey) {
        self.list_again();
        self.write("SHA256SUMS.sig", &key.sign(CHECKPOINT, &self.text("SHA256SUMS")).unwrap().signature);
    }

    /// The script that came along, in a clean environment.
    pub fn verify(&self, more: &[&str]) -> (i32, String) {
        run(&self.path("verify.sh"), &["sh"], more)
    }

    /// A script that nobody touched, on this folder.
    pub fn verify_with(&self, script: &Path, more: &[&str]) -> (i32, String) {
        let folder = self.folder.path().to_str().unwrap();
        run(script, &["sh"], &[&["-d", folder], more].concat())
    }
}

trait NextIfThree<'a> {
    fn next_if_three(&mut self, words: usize) -> Option<&'a String>;
}

impl<'a> NextIfThree<'a> for std::slice::Iter<'a, String> {
    fn next_if_three(&mut self, words: usize) -> Option<&'a String> {
        if words == 3 { self.next() } else { None }
    }
}

/// The exit code and all that was said.
pub fn run(script: &Path, shell: &[&str], more: &[&str]) -> (i32, String) {
    let out = Command::new("env")
        .args(["-i", "PATH=/usr/bin:/bin"])
        .args(shell)
        .arg(script)
        .args(more)
        .current_dir("/")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    (out.status.code().unwrap_or(-1), said)
}
