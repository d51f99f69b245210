//! An evidence by hand: three statements of two people, the chain list, the checkpoint. Written from docs/RECEIPTS.md and nothing else.

use std::{collections::BTreeMap, path::Path};

use ssh_key::{HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};

pub use super::kit::sha;

pub const PROJECT: &str = "01980000-0000-7000-8000-000000000001";
pub const SONG: &str = "01980000-0000-7000-8000-000000000002";
pub const VERSION: &str = "01980000-0000-7000-8000-000000000003";
pub const RECORD: &str = "01980000-0000-7000-8000-000000000004";
pub const ANA: &str = "01980000-0000-7000-8000-00000000000a";
pub const LENA: &str = "01980000-0000-7000-8000-00000000000b";

pub fn key(seed: u8) -> PrivateKey {
    PrivateKey::from(Ed25519Keypair::from_seed(&[seed; 32]))
}

pub fn public(key: &PrivateKey) -> String {
    key.public_key().to_openssh().unwrap().trim().to_owned()
}

pub fn fingerprint(key: &PrivateKey) -> String {
    sha(key.public_key().to_bytes().unwrap())
}

pub fn signed(key: &PrivateKey, namespace: &str, text: &str) -> String {
    key.sign(namespace, HashAlg::Sha512, text.as_bytes()).unwrap().to_pem(LineEnding::LF).unwrap()
}

pub type Files = BTreeMap<String, Vec<u8>>;

/// What the files of sound hold.
pub const MAIN: &[u8] = b"the main of the master";
pub const TRACK: &[u8] = b"a track of the record!";

/// Keys of Ana (1), Lena (2) and the studio (9).
pub struct Set {
    pub ana: PrivateKey,
    pub lena: PrivateKey,
    pub studio: PrivateKey,
    pub statements: Vec<(String, String)>,
    pub allowed: String,
}

pub fn head(role: &str, name: &str, object: &str, id: &str) -> String {
    let song = match object {
        "version" => format!("song: {SONG}\nsong-title: Night Drive\nstage: mastering\n"),
        _ => String::new(),
    };
    format!(
        "deadwax-statement/1\nproject: {PROJECT}\nproject-title: Night Drive EP\ndecision: approve\nobject: {object}\nobject-id: {id}\nname: {name}\n{song}role: {role}\n"
    )
}

pub fn tail(previous: &str, sequence: usize, time: &str) -> String {
    format!("previous: {previous}\nsequence: {sequence}\ntime: {time}\n")
}

impl Set {
    pub fn new() -> Set {
        let (ana, lena, studio) = (key(1), key(2), key(9));
        let mut set = Set { ana, lena, studio, statements: Vec::new(), allowed: String::new() };
        set.allowed = format!(
            "{ANA} namespaces=\"statement@deadwax\",valid-after=\"20261101000000Z\" {}\n{LENA} namespaces=\"statement@deadwax\",valid-after=\"20261101000000Z\",valid-before=\"20261201000000Z\" {}\n",
            public(&set.ana),
            public(&set.lena)
        );
        let lines = format!("main {}\n", sha(MAIN));
        let version = format!(
            "{}signer: {ANA}\nkey: {}\napproval: 01980000-0000-7000-8000-000000000011\nfingerprint: {}\nfile: {} {} main\n",
            head("artist", "Master 2", "version", VERSION),
            fingerprint(&set.ana),
            sha(format!("deadwax-fingerprint-1\n{lines}")),
            sha(MAIN),
            MAIN.len(),
        );
        set.add(&version, "2026-11-21T20:15:00Z", 1);
        let item = format!(
            "item: {SONG} gap=2000 crossfade=0 fade-in=0 fade-out=0 shape=equal-power gain=-150 trim-in=0 trim-out=0 hidden=no side=no\n"
        );
        let spacing = format!(
            "{}signer: {LENA}\nkey: {}\napproval: 01980000-0000-7000-8000-000000000012\nfingerprint: {}\n{item}",
            head("label", "Spacing 3", "spacing", PROJECT),
            fingerprint(&set.lena),
            sha(&item),
        );
        set.add(&spacing, "2026-11-21T20:20:00Z", 2);
        let record = format!(
            "{}signer: {LENA}\nkey: {}\napproval: 01980000-0000-7000-8000-000000000013\nfingerprint: {}\nfile: {} {} hi-res/01 Night Drive.wav\n",
            head("label", "Record 2", "record", RECORD),
            fingerprint(&set.lena),
            sha(format!("hi-res/01 Night Drive.wav {}\n", sha(TRACK))),
            sha(TRACK),
            TRACK.len(),
        );
        set.add(&record, "2026-11-21T20:30:00Z", 2);
        set
    }

    fn add(&mut self, text: &str, time: &str, by: u8) {
        let previous = self.statements.last().map_or("0".repeat(64), |(text, _)| sha(text));
        let text = format!("{text}{}", tail(&previous, self.statements.len() + 1, time));
        let key = if by == 1 { &self.ana } else { &self.lena };
        let signature = signed(key, "statement@deadwax", &text);
        self.statements.push((text, signature));
    }

    /// The list as a studio would write it now: some other entries, and one for each statement.
    pub fn chain(&self) -> String {
        let mut lines = String::new();
        let mut seq = 0;
        for (text, _) in &self.statements {
            seq += 1;
            lines += &format!("{seq} {}\n", sha(format!("something else {seq}")));
            seq += 1;
            lines += &format!("{seq} {} {}\n", sha(format!("kept {seq}")), sha(text));
        }
        lines
    }

    pub fn checkpoint(&self, chain: &str) -> String {
        let last = self.statements.last().map_or("0".repeat(64), |(text, _)| sha(text));
        format!(
            "deadwax-checkpoint/1\nstudio: House Studio\nproject: {PROJECT}\nentries: {}\nchain-sha256: {}\nreceipts: {}\nlast-statement: {last}\ntime: 2026-11-21T20:31:00Z\n",
            chain.lines().count(),
            sha(chain),
            self.statements.len(),
        )
    }

    /// All files, consistent with each other whatever was done to the statements.
    pub fn files(&self) -> Files {
        let mut files = Files::new();
        let mut put = |name: &str, text: &str| {
            files.insert(name.to_owned(), text.as_bytes().to_vec());
        };
        put("README.txt", "How to check this.\n");
        put("verify.sh", "#!/bin/sh\nexit 0\n");
        put("names.csv", &format!("person,name\n{ANA},Ana\n{LENA},Lena Ruiz\n"));
        put("allowed_signers", &self.allowed);
        put(
            "studio_signers",
            &format!("HouseStudio namespaces=\"checkpoint@deadwax\" {}\n", public(&self.studio)),
        );
        let chain = self.chain();
        let checkpoint = self.checkpoint(&chain);
        put("CHAIN", &chain);
        put("checkpoint.txt.sig", &signed(&self.studio, "checkpoint@deadwax", &checkpoint));
        put("checkpoint.txt", &checkpoint);
        put(
            "FILES",
            &format!(
                "{}  Night Drive/main.wav\n{}  Record 2/hi-res/01 Night Drive.wav\n",
                sha(MAIN),
                sha(TRACK)
            ),
        );
        for (at, (text, signature)) in self.statements.iter().enumerate() {
            put(&format!("statements/{:06}.txt", at + 1), text);
            put(&format!("statements/{:06}.txt.sig", at + 1), signature);
        }
        sum(&mut files);
        files
    }
}

/// Lists every file anew and signs the list, as a studio that tampers could: the lists alone must not be what finds it.
pub fn sum(files: &mut Files) {
    files.remove("SHA256SUMS");
    files.remove("SHA256SUMS.sig");
    let text: String = files.iter().map(|(name, bytes)| format!("{}  {name}\n", sha(bytes))).collect();
    files.insert("SHA256SUMS.sig".into(), signed(&key(9), "checkpoint@deadwax", &text).into_bytes());
    files.insert("SHA256SUMS".into(), text.into_bytes());
}

pub fn write(files: &Files, folder: &Path) {
    std::fs::create_dir_all(folder.join("statements")).unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// A zip whose entries are stored as they are, with the folder in front.
pub fn zip(files: &Files, folder: &str) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, bytes) in files {
        zip.start_file(format!("{folder}/{name}"), options).unwrap();
        std::io::Write::write_all(&mut zip, bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}
