//! Export and import: projects drawn by lot travel as files and become a studio again with the same root, the same entries and the same audio; whatever is
//! changed, missing or too much on the way is named, and nothing is written.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use bytes::Bytes;
use deadwax_domain::{Digest, ProjectId};
use deadwax_proto::ledger::v1::Fact;
use deadwax_server::{
    blob::Blobs,
    config::Config,
    evidence::Chains,
    keep::{
        travel::{export::export, import},
        verify::{self, Sample},
    },
    ledger::Ledger,
    store::{EmbeddedStore, Store, StreamId, embedded::Options},
    studio::SystemClock,
};
use prost::Message as _;

use crate::{
    Dice, append,
    checked::{run, studio},
    copy_folder, cover, files_below, flip, folder, is_long, seed, titled,
};

fn options(root: &Path) -> Options {
    Options { reserve_bytes: 0, segment_bytes: 5000, ..Options::new(root) }
}

/// A few projects of facts, files and erased entries, by lot.
async fn fill(root: &Path, dice: &mut Dice, projects: u64) {
    let store = EmbeddedStore::open(options(root)).unwrap();
    let blobs = Blobs::open_with(root.to_owned(), 0).await.unwrap();
    let mut heads = BTreeMap::new();
    for project in 0..projects {
        let stream = (u128::from(dice.next()) << 64) | u128::from(project) | 1;
        heads.insert(stream, 0);
        let mut entries = vec![titled(&format!("Night {project}"), 5)];
        for _ in 0..1 + dice.below(12) {
            let command = u128::from(dice.next()) << 32;
            let count = entries.len() as u64;
            store
                .append(append(stream, heads[&stream], command, std::mem::take(&mut entries)))
                .await
                .unwrap();
            *heads.get_mut(&stream).unwrap() += count;
            for _ in 0..=dice.below(3) {
                entries.push(match dice.below(3) {
                    0 => {
                        let length = 1 + dice.below(40_000) as usize;
                        let bytes = dice.bytes(length);
                        cover(blobs.put(bytes).await.unwrap(), length as u64, 7)
                    }
                    1 => titled(&"na \u{1f3b5} ".repeat(dice.below(200) as usize), 8),
                    _ => newer(dice),
                });
            }
            if dice.below(4) == 0 && heads[&stream] > 1 {
                store.redact(StreamId(stream), 2 + dice.below(heads[&stream] - 1)).await.unwrap();
            }
        }
    }
}

/// A fact of a server that knows more than this one.
fn newer(dice: &mut Dice) -> Bytes {
    let mut bytes = Fact { at_ms: 8, ..Fact::default() }.encode_to_vec();
    let length = dice.below(100) as usize;
    prost::encoding::encode_key(1999, prost::encoding::WireType::LengthDelimited, &mut bytes);
    prost::encoding::encode_varint(length as u64, &mut bytes);
    bytes.extend(dice.bytes(length));
    bytes.into()
}

type Entries = BTreeMap<(u128, u64), (Option<Bytes>, [u8; 32])>;

/// Everything that projects are made of.
async fn all(root: &Path) -> (Entries, BTreeMap<u128, Digest>, String) {
    let report = verify::verify(root, Sample::All).unwrap();
    assert!(report.damage.is_empty(), "{}", report.text());
    let store: Arc<dyn Store> = Arc::new(EmbeddedStore::open(options(root)).unwrap());
    let ledger = Ledger::open(Arc::clone(&store), Arc::new(SystemClock)).await.unwrap();
    let chains = Chains::new(Arc::clone(&ledger), Arc::clone(&store));
    let (mut entries, mut heads) = (BTreeMap::new(), BTreeMap::new());
    for (stream, _) in store.heads().await.unwrap().into_iter().filter(|(stream, _)| stream.0 != 0) {
        let marks = store.marks(stream, 0, usize::MAX).await.unwrap();
        for (entry, mark) in store.read(stream, 0, usize::MAX).await.unwrap().into_iter().zip(marks) {
            entries.insert((stream.0, entry.seq), (entry.payload, mark.sha256));
        }
        // What checkpoints are over.
        if let Ok(Some((_, chain))) = chains.now(ProjectId(stream.0)).await {
            heads.insert(stream.0, chain.digest);
        }
    }
    (entries, heads, hex::encode(report.journal.unwrap().projects))
}

fn blobs_of(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    // A studio may have no audio at all.
    let blobs = root.join("blobs");
    let files = if blobs.exists() { files_below(&blobs) } else { Vec::new() };
    files.iter().map(|path| (name(path), fs::read(path).unwrap())).collect()
}

async fn exported(root: &Path, to: &Path) -> String {
    let config = Config { name: "Gold Room".into(), ..Config::default() };
    export(root, &config, None, to).await.unwrap().page.root
}

/// Gate EXPORT.
#[tokio::test]
async fn projects_travel_and_come_back_byte_for_byte() {
    let times = if is_long() { 100 } else { 3 };
    let (mut projects, mut entries, mut files) = (0, 0, 0);
    for number in 0..times {
        let mut dice = Dice(seed() * 1000 + number);
        let home = folder();
        let [root, to, back, again] =
            ["studio", "export", "back", "again"].map(|name| home.path().join(name));
        studio(&root);
        projects += 1 + number % 3;
        fill(&root, &mut dice, 1 + number % 3).await;
        let told = exported(&root, &to).await;
        let [from, into] = [&to, &back].map(|path| path.to_str().unwrap());
        let made = run(&["import", from, "--to", into, "--email", "olga@example.org", "--owner", "Olga"]);
        assert_eq!(made.code, 0, "{}{}", made.out, made.err);
        let (then, now) = (all(&root).await, all(&back).await);
        assert_eq!((&now.0, &now.1), (&then.0, &then.1), "the entries of draw {number}");
        assert_eq!((&now.2, &then.2), (&told, &told));
        // What no entry names any more stays behind.
        let strangers = verify::verify(&root, Sample::Share(0.0)).unwrap().strangers;
        let mut named = blobs_of(&root);
        named.retain(|name, _| !strangers.contains(&name.replace("blobs/", "").replace('/', "")));
        assert_eq!(blobs_of(&back), named, "the audio of draw {number}");
        // And once more: the same files.
        assert_eq!(exported(&back, &again).await, told);
        let same = |path: &Path, home: &Path| {
            let name = path.strip_prefix(home).unwrap().to_owned();
            let made = ["export.json", "people.jsonl", "SHA256SUMS"].iter().any(|it| name.ends_with(it));
            (!made).then(|| (name, fs::read(path).unwrap()))
        };
        let read = |home: &Path| files_below(home).iter().filter_map(|it| same(it, home)).collect::<Vec<_>>();
        assert!(read(&to) == read(&again), "draw {number}: a second export has other bytes");
        entries += then.0.len();
        files += named.len();
        // A store that goes on.
        let store = EmbeddedStore::open(options(&back)).unwrap();
        let (stream, seq) = *then.0.keys().next_back().unwrap();
        store.append(append(stream, seq, 1, vec![titled("on", 9)])).await.unwrap();
    }
    println!(
        "#gate EXPORT held {times} studios of {projects} projects, {entries} entries and {files} files went out and came back: equal roots, chain lists, entries and files, 0 otherwise"
    );
}

#[tokio::test]
async fn whatever_is_changed_missing_or_too_much_is_named_and_nothing_is_written() {
    let (home, mut dice) = (folder(), Dice(seed() + 5));
    let [root, to, bad, into] = ["studio", "export", "bad", "into"].map(|name| home.path().join(name));
    studio(&root);
    fill(&root, &mut dice, 3).await;
    exported(&root, &to).await;
    import::check(&to).unwrap();
    let refused = |what: &str| {
        let error = format!("{:#}", import::check(&bad).err().unwrap_or_else(|| panic!("{what} was taken")));
        assert!(error.contains(what), "{what}: {error}");
    };
    let mut changed = 0;
    for file in files_below(&to) {
        let name = file.strip_prefix(&to).unwrap().to_str().unwrap().to_owned();
        let length = fs::metadata(&file).unwrap().len();
        copy_folder(&to, &bad);
        // A flip in the list is told of the line or of the file that it names.
        let told = if name == "SHA256SUMS" { "" } else { &name };
        if length > 0 {
            flip(&bad.join(&name), dice.below(length), dice.next());
            refused(told);
            changed += 1;
        }
        fs::remove_file(bad.join(&name)).unwrap();
        refused(&name);
        fs::remove_dir_all(&bad).unwrap();
    }
    copy_folder(&to, &bad);
    fs::write(bad.join("more.txt"), "x").unwrap();
    refused("more.txt is not in SHA256SUMS");
    fs::remove_file(bad.join("more.txt")).unwrap();
    // Whoever writes the sums anew as well is found by the hashes of the entries, or by the chain.
    let lines = files_below(&bad).into_iter().find(|it| it.ends_with("entries.jsonl")).unwrap();
    let text = fs::read_to_string(&lines).unwrap();
    let sums = fs::read_to_string(bad.join("SHA256SUMS")).unwrap();
    let forge = |now: &str| {
        let sha256 = |text: &str| crate::sha256(text.as_bytes()).to_string();
        fs::write(&lines, now).unwrap();
        fs::write(bad.join("SHA256SUMS"), sums.replace(&sha256(&text), &sha256(now))).unwrap();
    };
    let at = text.find("\"salted\":\"").unwrap() + 50;
    let other = if text.as_bytes()[at] == b'0' { "1" } else { "0" };
    forge(&format!("{}{other}{}", &text[..at], &text[at + 1..]));
    refused("does not match its hash");
    forge(&text.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>());
    refused("line 1 says that it is entry 2");
    let last = text.trim_end().rfind('\n').map_or(0, |at| at + 1);
    forge(&text[..last]);
    refused("the chain of the entries is not the one");
    let [bad, target, good] = [&bad, &into, &to].map(|path| path.to_str().unwrap());
    let more = ["--email", "olga@example.org", "--owner", "Olga"];
    assert_eq!(run(&[&["import", bad, "--to", target], &more[..]].concat()).code, 1);
    assert!(!into.exists(), "nothing is written before all was read");
    // A studio that is there is left alone.
    let there = run(&[&["import", good, "--to", root.to_str().unwrap()], &more[..]].concat());
    assert!(there.code == 1 && there.err.contains("is a studio already"), "{}", there.err);
    println!("{changed} changed files refused");
}

/// The people of the record keep their ids and their names, and none of their ways in.
#[tokio::test]
async fn people_are_known_by_name_and_come_in_by_invitation() {
    use deadwax_domain::{Event, Fact, PersonId, Role, Time};
    let home = folder();
    let [root, to, back] = ["studio", "export", "back"].map(|name| home.path().join(name));
    let dir = studio(&root);
    assert_eq!(run(&["invite", &dir, "--email", "eva@example.org", "--name", "Eva"]).code, 0);
    assert_eq!(run(&["invite", &dir, "--email", "otto@example.org", "--name", "Otto"]).code, 0);
    let listed = |dir: &str| {
        let said = run(&["user", dir, "list", "--json"]).out;
        let person = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        said.lines().map(person).collect::<Vec<_>>()
    };
    let people = listed(&dir);
    let id = |name: &str| people.iter().find(|it| it["name"] == name).unwrap()["person_id"].clone();
    let number = |name: &str| PersonId(uuid::Uuid::parse_str(id(name).as_str().unwrap()).unwrap().as_u128());
    {
        let store = EmbeddedStore::open(options(&root)).unwrap();
        let fact = |fact| {
            let event = Event { at: Time(5), by: Some(number("Ana")), fact };
            deadwax_server::wire::ledger::encode(&event, 7)
        };
        let roles = [Role::Label].into();
        let entries = vec![
            fact(Fact::ProjectCreated { title: "Night".into(), artist: "Ana".into() }),
            fact(Fact::MemberAdded { person: number("Eva"), roles }),
        ];
        store.append(append(9, 0, 7, entries)).await.unwrap();
    }
    let [export, import] = [&to, &back].map(|path| path.to_str().unwrap());
    assert_eq!(run(&["export", &dir, "--to", export, "--project", "nobody's"]).code, 1);
    let made = run(&["export", &dir, "--to", export, "--project", "night"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let history = fs::read_to_string(to.join("001_Night/history.txt")).unwrap();
    assert!(history.contains("Eva"), "{history}");
    let made = run(&["import", export, "--to", import, "--email", "ana@example.org"]);
    assert_eq!(made.code, 0, "{}", made.err);
    let now = listed(import);
    let of = |name: &str| now.iter().find(|it| it["name"] == name);
    assert_eq!(now.len(), 2, "Otto is in no project: {now:?}");
    for (name, owner) in [("Ana", true), ("Eva", false)] {
        let person = of(name).unwrap();
        assert_eq!((&person["person_id"], &person["studio_owner"]), (&id(name), &owner.into()));
        assert_eq!(person["sessions"], 0);
    }
    assert_eq!(run(&["invite", import, "--email", "eva@example.org"]).code, 0);
    let secrets = files_below(&to).iter().map(|it| fs::read(it).unwrap()).collect::<Vec<_>>().concat();
    assert!(!String::from_utf8_lossy(&secrets).contains("PRIVATE KEY"));
}
