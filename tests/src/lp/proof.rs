//! Who signed which bytes, for a third person: the evidence of the record with the delivered files beside it, by our reader and by the script with ssh-keygen
//! and sha256sum; then every way of touching it, refused by both. Never here: how an evidence is made.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::{Lp, pressing::Made, tools};
use crate::{demo::studio::text, ep::Ep, evidence};

type Touch = fn(&Path) -> Result<()>;

const STATEMENT: &str = "statements/000003.txt";

/// What is done to a copy, and to which file.
const TOUCHES: [(&str, Touch); 12] = [
    ("a changed byte in a statement", |it| evidence::flipped(&it.join(STATEMENT), 0.5)),
    ("a changed byte in a signature", |it| evidence::flipped(&it.join("statements/000002.txt.sig"), 0.4)),
    ("a changed role", |it| evidence::replaced(it, STATEMENT, "role: artist", "role: label")),
    ("another digest of a file", |it| {
        evidence::relined(it, STATEMENT, |lines| {
            if let Some(line) = lines.iter_mut().find(|line| line.starts_with("file: ")) {
                let end = line.split_off(12);
                *line = format!("file: 000000{end}");
            }
        })
    }),
    ("two statements swapped", |it| {
        evidence::swapped(it, "statements/000001.txt", STATEMENT)?;
        evidence::swapped(it, "statements/000001.txt.sig", "statements/000003.txt.sig")
    }),
    ("the signature of another statement", |it| {
        evidence::swapped(it, "statements/000001.txt.sig", "statements/000003.txt.sig")
    }),
    ("a statement left out", |it| {
        fs::remove_file(it.join(STATEMENT))?;
        Ok(fs::remove_file(it.join("statements/000003.txt.sig"))?)
    }),
    ("two entries of the chain list in the other order", |it| {
        evidence::relined(it, "CHAIN", |lines| lines.swap(4, 5))
    }),
    ("an entry of the chain list dropped", |it| {
        evidence::relined(it, "CHAIN", |lines| drop(lines.remove(6)))
    }),
    ("the last entry of the chain list dropped", |it| {
        evidence::relined(it, "CHAIN", |lines| drop(lines.pop()))
    }),
    ("a checkpoint of fewer statements", |it| {
        evidence::relined(it, "checkpoint.txt", |lines| {
            for line in lines.iter_mut().filter(|line| line.starts_with("receipts: ")) {
                "receipts: 1".clone_into(line);
            }
        })
    }),
    ("a changed byte in the list of keys", |it| evidence::flipped(&it.join("allowed_signers"), 0.5)),
];

pub fn evidence(lp: &Lp, first: &Made) -> Result<()> {
    let Ep { lena, owner, root, log, .. } = &lp.ep;
    log.step(
        "The evidence: every signature, from the masters to the records, and the delivered bytes beside it",
    );
    let zip = root.join("evidence.zip");
    lena.verb(["evidence", "-o", &zip.to_string_lossy()])?;
    let folder = root.join("evidence");
    owner.verb(["evidence", "-o", &folder.to_string_lossy()])?;
    let folder = fs::read_dir(&folder)?.flatten().next().context("nothing was unpacked")?.path();
    let statements = fs::read_dir(folder.join("statements"))?.count() / 2;
    // Ten masters and the one that came late signed by one hand, two spacings, two records.
    log.check(statements >= lp.pieces.len() + 3, format!("{statements} statements"))?;
    let named = fs::read_to_string(folder.join("FILES"))?;
    let delivered: BTreeSet<&str> = first.files().map(|file| text(file, "sha256")).collect();
    let listed = delivered.iter().filter(|digest| named.contains(**digest)).count();
    log.same(&listed, &delivered.len(), "every delivered file stands in FILES by its digest")?;

    let audio: Vec<PathBuf> = first.files().map(|file| first.path(file)).collect();
    log.check(ours(lp, &zip, &audio)?, format!("our reader accepts it with {} files", audio.len()))?;
    match evidence::script(&folder, &audio)? {
        Some((accepted, said)) => {
            log.say(said.trim());
            log.check(accepted, "verify.sh accepts it: ssh-keygen and sha256sum alone")?;
        }
        None => lp.bench.left_out("verify.sh was not run: it looks for ssh-keygen and sha256sum in /usr/bin"),
    }
    one_by_hand(lp, &folder)?;
    touched(lp, &folder)?;
    touched_audio(lp, &folder, first)?;
    foreign_key(lp, &folder)
}

fn ours(lp: &Lp, evidence: &Path, audio: &[PathBuf]) -> Result<bool> {
    let files = audio.iter().map(|path| path.as_os_str().to_owned());
    let said =
        lp.ep.lena.try_verb(["verify".into(), evidence.as_os_str().to_owned()].into_iter().chain(files))?;
    Ok(said.code == 0)
}

/// Neither reader takes the copy. `foreign`: its own key is in it, so that only who knows the studio's key can tell.
fn refused_by_both(lp: &Lp, copy: &Path, audio: &[PathBuf], what: &str) -> Result<()> {
    lp.ep.log.check(!ours(lp, copy, audio)?, format!("our reader refuses {what}"))?;
    if let Some((accepted, said)) = evidence::script(copy, audio)? {
        let said = said.trim().rsplit('/').next().unwrap_or_default().to_owned();
        lp.ep.log.check(!accepted, format!("verify.sh refuses it: {said}"))?;
    }
    Ok(())
}

/// The newest statement of the label by the commands that the manual gives to a lawyer.
fn one_by_hand(lp: &Lp, folder: &Path) -> Result<()> {
    let log = &lp.ep.log;
    if !lp.bench.has(log, "ssh-keygen") {
        return Ok(());
    }
    let statement = fs::read_to_string(folder.join(STATEMENT))?;
    let of = |key: &str| {
        let line = statement.lines().find_map(|line| line.strip_prefix(&format!("{key}: ")));
        line.map(ToOwned::to_owned).with_context(|| format!("no {key} in a statement"))
    };
    let time: String = of("time")?.chars().filter(|c| c.is_ascii_digit()).collect::<String>() + "Z";
    let words = format!(
        "ssh-keygen -Y verify -f allowed_signers -n statement@deadwax -I {} -O verify-time={time} -s {STATEMENT}.sig < {STATEMENT}",
        of("signer")?
    );
    let answer = tools::ask("sh", ["-c", &words], folder)?;
    log.check(answer.ok && answer.out.contains("Good"), answer.out.trim())?;
    let sums = tools::ask("sha256sum", ["--strict", "--quiet", "-c", "SHA256SUMS"], folder)?;
    log.check(sums.ok, "sha256sum -c holds for every paper")
}

fn touched(lp: &Lp, folder: &Path) -> Result<()> {
    lp.ep.log.step("Every touched copy of the evidence is refused, by both readers");
    for (what, touch) in TOUCHES {
        let copy = evidence::copy(folder)?;
        touch(copy.path()).with_context(|| what.to_owned())?;
        refused_by_both(lp, copy.path(), &[], what)?;
    }
    Ok(())
}

/// The papers are whole; the sound beside them is not what was signed.
fn touched_audio(lp: &Lp, folder: &Path, first: &Made) -> Result<()> {
    let room = tempfile::Builder::new().prefix("touched-").tempdir()?;
    let file = first.files().find(|file| text(file, "kind") == "track").context("no track")?;
    let copy = room.path().join(text(file, "name"));
    for (what, place) in [("one bit of a header", 0.0), ("one bit of a sample", 0.6), ("the last bit", 1.0)] {
        fs::copy(first.path(file), &copy)?;
        evidence::flipped(&copy, place)?;
        refused_by_both(
            lp,
            folder,
            std::slice::from_ref(&copy),
            &format!("a delivered file with {what} changed"),
        )?;
    }
    let stranger = lp.pieces[0].take.clone();
    refused_by_both(lp, folder, &[stranger], "sound that nobody signed")
}

/// Somebody else's key: under a statement, and in the list in the place of the label's.
fn foreign_key(lp: &Lp, folder: &Path) -> Result<()> {
    let log = &lp.ep.log;
    if !lp.bench.has(log, "ssh-keygen") {
        return Ok(());
    }
    let room = tempfile::Builder::new().prefix("foreign-").tempdir()?;
    tools::must("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", "key"], room.path())?;
    let public = fs::read_to_string(room.path().join("key.pub"))?;
    let foreign = public.split_whitespace().nth(1).context("no key was made")?.to_owned();

    let copy = evidence::copy(folder)?;
    let key = room.path().join("key");
    let statement = copy.path().join(STATEMENT);
    fs::remove_file(copy.path().join("statements/000003.txt.sig"))?;
    let sign = [
        "-Y",
        "sign",
        "-q",
        "-f",
        &key.to_string_lossy(),
        "-n",
        "statement@deadwax",
        &statement.to_string_lossy(),
    ];
    tools::must("ssh-keygen", sign, room.path())?;
    refused_by_both(lp, copy.path(), &[], "a statement signed with a foreign key")?;

    // The foreign key listed as the signer's own, with sums to match: only the studio's signature tells.
    evidence::relined(copy.path(), "allowed_signers", |lines| {
        for line in lines.iter_mut() {
            let own = line.rsplit(' ').next().unwrap_or_default().to_owned();
            *line = line.replace(&own, &foreign);
        }
    })?;
    resealed(copy.path())?;
    refused_by_both(lp, copy.path(), &[], "a foreign key in the list of keys, with sums to match")
}

/// SHA256SUMS over the papers as they are now; nobody but the studio can sign it.
fn resealed(folder: &Path) -> Result<()> {
    evidence::relined(folder, "SHA256SUMS", |lines| {
        for line in lines.iter_mut() {
            let name = line.get(66..).unwrap_or_default().to_owned();
            if let Ok(digest) = crate::demo::studio::digest(&folder.join(&name)) {
                *line = format!("{digest}  {name}");
            }
        }
    })
}
