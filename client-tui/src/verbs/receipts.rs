//! Receipts at the command line: the list of them, the evidence as a file, and checking one without any server. What counts is what `receipt::verify` finds;
//! nothing of an evidence is believed before. Never here: how it is checked.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use deadwax_proto::v1::SongRow;
use serde_json::json;

use super::{
    Context, VerbError,
    house::House,
    place::{self, failed},
    review::enter,
};
use crate::{
    cli::{EvidenceArgs, Of, VerifyArgs},
    net::Client,
    receipt::{
        chain, short,
        verify::{self, Read, Report},
    },
    scrub,
};

/// Texts and signatures alone: far beyond any project.
const EVIDENCE_BYTES_MAX: u64 = 256 << 20;

/// The evidence in a file of its own, checked, and its record held against what this machine saw before.
async fn fetch(
    c: &Context,
    client: &Client,
    house: &House,
    song: Option<&SongRow>,
) -> Result<(tempfile::NamedTempFile, Report), VerbError> {
    let mut file = tempfile::Builder::new()
        .prefix(".deadwax-evidence-")
        .suffix(".zip")
        .tempfile()
        .map_err(|e| VerbError::Input(format!("the evidence could not be written: {e}")))?;
    let project_id = &house.project.project_id;
    let song_id = song.map_or("", |it| it.song_id.as_str());
    client.evidence(project_id, song_id, EVIDENCE_BYTES_MAX, &mut file).await?;
    file.flush().map_err(|e| VerbError::Input(format!("the evidence could not be written: {e}")))?;
    let mut report = verify::evidence(file.path(), &[])?;
    if report.checkpoint.as_ref().is_some_and(|it| it.project != *project_id) {
        report.findings.push(verify::Finding {
            file: "checkpoint.txt".into(),
            text: "it is of another project than was asked for".into(),
        });
    }
    // What is shown here now must go on from what the evidence holds, and from all that was seen before.
    if let Some(now) = chain::follow(client, &c.home, project_id).await?
        && !now.lines.starts_with(&report.chain)
    {
        report.findings.push(verify::Finding {
            file: "CHAIN".into(),
            text: "the record in the evidence is another than the studio shows".into(),
        });
    }
    Ok((file, report))
}

fn must_be_sound(c: &Context, report: &Report, what: &str) -> Result<(), VerbError> {
    if report.is_sound() {
        return Ok(());
    }
    for finding in &report.findings {
        c.out.aside(&format!("  {}: {}", finding.file, finding.text));
    }
    let first = &report.findings[0];
    Err(VerbError::no(
        "EVIDENCE_INVALID",
        format!("{what} does not hold: {}: {}.", first.file, first.text),
        "Do not rely on it. Tell the others in the project what stands above.",
    ))
}

/// "Label  Lena Ruiz  Master 2 of Night Drive"
fn line(report: &Report, read: &Read) -> String {
    let of = read.song.as_ref().map_or_else(String::new, |(_, title, _)| format!(" of {title}"));
    format!(
        "#{:<4} {}  {} as {}: {}{of}  key {}",
        read.sequence,
        read.time,
        report.name(&read.signer),
        read.role,
        read.name,
        short(&read.key)
    )
}

fn object(report: &Report, read: &Read) -> serde_json::Value {
    let (song_id, song) = read.song.as_ref().map_or((None, None), |(id, title, _)| (Some(id), Some(title)));
    json!({
        "row": "receipt", "sequence": read.sequence, "time": read.time, "person_id": read.signer, "person": report.name(&read.signer),
        "role": read.role, "object": read.object, "object_id": read.object_id, "name": read.name, "song_id": song_id, "song": song,
        "fingerprint": read.fingerprint, "key": read.key, "approval_id": read.approval, "statement_sha256": read.digest,
        "files": read.files.iter().map(|it| json!({ "sha256": it.sha256, "bytes": it.bytes, "name": it.name })).collect::<Vec<_>>(),
    })
}

pub async fn receipts(c: &Context, of: Of) -> Result<(), VerbError> {
    let place = of.place();
    let (client, house) = enter(c, &place).await?;
    let song = place.song.as_deref().map(|it| house.song(Some(it))).transpose()?;
    let (_file, report) = match fetch(c, &client, &house, song).await {
        Err(error) if error.reason() == "NO_RECEIPTS" => {
            return c.out.text("Nothing was signed with a key yet.");
        }
        other => other?,
    };
    must_be_sound(c, &report, "The list of receipts")?;
    let wanted =
        |read: &&Read| song.is_none_or(|song| read.song.as_ref().is_some_and(|(id, ..)| *id == song.song_id));
    for read in report.statements.iter().filter(wanted) {
        c.out.both(&line(&report, read), &object(&report, read))?;
    }
    Ok(())
}

/// "evidence-NightDriveEP-12"
fn name_for(house: &House, report: &Report) -> String {
    let title: String = house.project.title.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    let title = if title.is_empty() { "project".to_owned() } else { title };
    format!("evidence-{title}-{}", report.statements.len())
}

pub async fn evidence(c: &Context, asked: EvidenceArgs) -> Result<(), VerbError> {
    let place = asked.of.place();
    let (client, house) = enter(c, &place).await?;
    let song = place.song.as_deref().map(|it| house.song(Some(it))).transpose()?;
    let (file, report) = fetch(c, &client, &house, song).await?;
    must_be_sound(c, &report, "The evidence that came")?;
    let name = name_for(&house, &report);
    let target = asked.out.unwrap_or_else(|| PathBuf::from(format!("{name}.zip")));
    let path = match target.extension().is_some_and(|it| it.eq_ignore_ascii_case("zip")) && !target.is_dir() {
        true => put(file.path(), &target)?,
        false => unpack(file.path(), &target.join(&name))?,
    };
    c.out.both(
        &format!("{}: {} statement(s), every signature checked.", path.display(), report.statements.len()),
        &json!({ "file": path.to_string_lossy(), "statements": report.statements.len(), "studio_key": report.studio_key }),
    )
}

fn put(made: &Path, target: &Path) -> Result<PathBuf, VerbError> {
    let folder = target.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    place::make_folder(folder)?;
    let name = target.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    let bytes = fs::read(made).map_err(failed(made, "read"))?;
    place::place_bytes(folder, &name, &bytes)
}

/// Names were checked as plain ones when it was read.
fn unpack(made: &Path, folder: &Path) -> Result<PathBuf, VerbError> {
    let (_, files) = verify::folder::read(made)?;
    place::make_own_folder(folder)?;
    place::make_own_folder(&folder.join("statements"))?;
    for (name, bytes) in &files {
        let (inner, name) = name
            .rsplit_once('/')
            .map_or((folder.to_owned(), name.as_str()), |(inner, name)| (folder.join(inner), name));
        place::place_bytes(&inner, name, bytes)?;
    }
    Ok(folder.to_owned())
}

/// Offline.
pub fn verify(c: &Context, asked: &VerifyArgs) -> Result<(), VerbError> {
    let shown = scrub::line(&asked.receipt.to_string_lossy());
    let is_statement = asked.receipt.extension().is_some_and(|it| it == "txt") && asked.receipt.is_file();
    let report = match (&asked.key, is_statement) {
        (Some(key), true) => verify::single(&asked.receipt, key, &asked.files)?,
        (None, true) => {
            return Err(VerbError::Usage(
                "whose key signed it? Say --key FILE: the signer's .pub, or allowed_signers of an evidence"
                    .into(),
            ));
        }
        (Some(_), false) => {
            return Err(VerbError::Usage(
                "--key goes with one statement; an evidence brings its keys".into(),
            ));
        }
        (None, false) => verify::evidence(&asked.receipt, &asked.files)?,
    };
    for read in &report.statements {
        c.out.both(&line(&report, read), &object(&report, read))?;
    }
    for finding in &report.findings {
        c.out.both(
            &format!("{}: {}", finding.file, finding.text),
            &json!({ "row": "finding", "file": finding.file, "text": finding.text }),
        )?;
    }
    let sound = report.is_sound();
    let text = match sound {
        true => format!("{shown} holds: {}.", told(&report)),
        false => format!("{shown} DOES NOT HOLD."),
    };
    c.out.both(
        &text,
        &json!({ "holds": sound, "statements": report.statements.len(), "sound_files": report.heard, "studio_key": report.studio_key }),
    )?;
    if sound { Ok(()) } else { Err(VerbError::Said(1)) }
}

fn told(report: &Report) -> String {
    let mut parts = vec![format!("{} statement(s)", report.statements.len())];
    if report.heard > 0 {
        parts.push(format!("{} file(s) of sound are those that were signed", report.heard));
    }
    if let Some(checkpoint) = &report.checkpoint {
        parts.push(format!(
            "the record of {} signed at {} with the key {}",
            checkpoint.studio,
            checkpoint.time,
            short(&report.studio_key)
        ));
    }
    parts.join("; ")
}
