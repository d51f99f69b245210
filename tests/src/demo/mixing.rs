//! From the take to the handoff: what the artist, the mix engineer and the label do. Each function is one step, with its checks.
//! Never here: the studio's rules; a step asks, the server answers.

use std::{collections::BTreeMap, ffi::OsString, path::PathBuf};

use anyhow::{Context as _, Result};
use deadwax_client::{name, net::new_id};
use deadwax_proto::v1::{self, action::Action};
use serde_json::Value;

use super::{
    cast::{self, file, of_kind, rows, song, version},
    material::{Material, Printed},
    print::short,
    sound,
    studio::{Studio, levels, shape, text},
};
use crate::harness::{Said, Seat};

/// Three files of 24 bits, each off by half a step at most, differ from their sum by less than this: 1.5 / 2^23 is -134.9 dBFS.
const SUM_RESIDUAL_DBFS: f64 = -134.0;

/// "2:03.4", as people write it.
fn clock(ms: u64) -> String {
    format!("{}:{:06.3}", ms / 60_000, (ms % 60_000) as f64 / 1000.0)
}

pub fn effects(said: &Said) -> String {
    let all = said.lines.iter().filter_map(|line| line["effects"].as_array()).flatten();
    all.filter_map(Value::as_str).collect::<Vec<_>>().join(" ")
}

/// What a refusal said, without its code.
fn why(said: &Said) -> String {
    let told = said.stderr.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
    told.map(|told| format!("{}: {}", text(&told, "error"), text(&told, "text"))).unwrap_or_default()
}

pub fn take(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("A take: Mara Lind (artist) pushes it, Teo Brandt (mix engineer) says that it can be mixed");
    let path = on.material.take(&on.folder("files")?)?;
    cast.artist.verb([
        "push".into(),
        path.clone().into_os_string(),
        "--stage".into(),
        "take".into(),
        "--alternate".into(),
        "main".into(),
        "--note".into(),
        "Third evening, all of it in one go.".into(),
        OsString::from("--yes"),
    ])?;
    let take = version(&cast.artist, "take", 1)?;
    let facts = &file(&take, "main")?["facts"];
    log.say(&format!(
        "Take 1  {}  {}  fingerprint {}",
        shape(facts),
        levels(facts),
        short(text(&take, "fingerprint"))
    ));
    log.same(
        &text(file(&take, "main")?, "sha256").to_owned(),
        &super::studio::digest(&path)?,
        "the server holds the file to the bit",
    )?;
    let said = cast.artist.refused("SELF_APPROVAL", ["approve", "--role", "artist", "--yes"])?;
    log.check(true, format!("the artist cannot wave her own take through: {}", why(&said)))?;
    let said = cast.mixer.verb(["approve", "--role", "mix-engineer", "--yes"])?;
    log.say(&effects(&said));
    log.same(&text(&song(&cast.artist)?, "stage"), &"mixing", "the song stands in mixing")
}

/// Pushes Mix 1 or Mix 2 as its files, without a word on which file is what.
fn push_mix(on: &Studio, number: u32, note: &str) -> Result<Vec<Printed>> {
    let printed = on.material.mix(number, &on.folder("files")?)?;
    let mut args: Vec<OsString> = vec!["push".into()];
    args.extend(printed.iter().map(|file| file.path.clone().into_os_string()));
    args.extend(["--note".into(), note.into(), "--yes".into()]);
    on.cast.mixer.verb(args)?;
    Ok(printed)
}

fn show_files(on: &Studio, mix: &Value) {
    for file in mix["files"].as_array().into_iter().flatten() {
        let facts = &file["facts"];
        on.log.say(&format!(
            "{:<15} {}  {}  {}",
            text(file, "alternate"),
            shape(facts),
            levels(facts),
            short(text(file, "sha256"))
        ));
    }
    let mut found: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
    for finding in mix["preflight"].as_array().into_iter().flatten() {
        found
            .entry((finding["block"] == true, text(finding, "text")))
            .or_default()
            .push(text(finding, "alternate"));
    }
    for ((blocks, what), files) in found {
        on.log.say(&format!(
            "preflight {}: {what} ({})",
            if blocks { "blocks" } else { "warns" },
            files.join(", ")
        ));
    }
}

pub fn first_mix(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("Mix 1 with its alternates: Teo Brandt pushes files, their names say what each one is");
    let printed = push_mix(on, 1, "First balance.")?;
    let mix = version(&cast.mixer, "mix", 1)?;
    show_files(on, &mix);
    check_names(on, &printed, &mix)?;
    let blocks =
        mix["preflight"].as_array().is_some_and(|all| all.iter().any(|finding| finding["block"] == true));
    log.check(!blocks, "preflight finds nothing that blocks")?;
    if matches!(on.material, Material::Song(_)) {
        let folder = pulled(on, &cast.mixer, 1)?;
        let of = |word: &str| folder.join(format!("MaraLind_NightDrive_{word}_v01_48k24b.wav"));
        let residual = sound::residual_dbfs(&of("Main"), &of("Inst"), &of("Acap"))?;
        log.check(
            residual < SUM_RESIDUAL_DBFS,
            format!("instrumental + a cappella = main, from the files that the server gives back: residual {residual:.1} dBFS"),
        )?;
    }
    Ok(())
}

fn pulled(on: &Studio, seat: &Seat, number: u32) -> Result<PathBuf> {
    let folder = on.folder("files")?.join(format!("from the server, mix {number}"));
    let mix = format!("mix {number}");
    seat.verb(["pull".into(), folder.clone().into_os_string(), "--version".into(), OsString::from(mix)])?;
    Ok(folder)
}

fn check_names(on: &Studio, printed: &[Printed], mix: &Value) -> Result<()> {
    let mut read = Vec::new();
    for Printed { alternate, path } in printed {
        let guess = name::parse(&path.to_string_lossy());
        let stored = file(mix, alternate)?;
        let same = guess.alternate == *alternate && text(stored, "sha256") == super::studio::digest(path)?;
        if !same {
            on.log.check(false, format!("{} is read as {alternate}", text(stored, "name")))?;
        }
        read.push(text(stored, "name").split('_').nth(2).unwrap_or_default());
    }
    on.log.check(true, format!("read from the names: {}", read.join(", ")))?;
    on.log.same(
        &mix["files"].as_array().map_or(0, Vec::len),
        &read.len(),
        "each file is what was pushed, and there are no others",
    )
}

pub fn notes(on: &Studio) -> Result<()> {
    let Studio { log, cast, material, .. } = on;
    log.step("Notes: Mara Lind on a place, Lena Ruiz (label) on the whole, one among the engineers only");
    let (from, to) = material.place_ms();
    cast.artist.verb(["note", material.artists_note(), "--at", &clock(from), "--to", &clock(to)])?;
    log.say(&format!("{} to {}  {}", clock(from), clock(to), material.artists_note()));
    let note_id = labels_note(on)?;
    let secret = "Bus compressor at 2:1, mind the release when you print.";
    cast.mixer.verb(["note", secret, "--internal"])?;
    for (seat, sees) in [(&cast.masterer, true), (&cast.artist, false), (&cast.label, false)] {
        let everything = format!("{:?}", cast::exported(seat)?);
        let (who, verb) = (cast_name(seat), if sees { "reads" } else { "does not see" });
        log.check(
            everything.contains(secret) == sees,
            format!("{who} {verb} the engineers' note, in rows and history"),
        )?;
    }
    log.check(
        rows(&cast.artist)?.contains_key(&format!("note/{note_id}")),
        "the artist sees the label's note",
    )?;
    let said = cast.mixer.refused("NOT_ASKED_BY_GATE", ["approve", "--role", "mix-engineer", "--yes"])?;
    log.check(true, format!("Teo Brandt cannot approve his own mix: {}", why(&said)))
}

/// The label's note is asked for twice with one command id, as a client does whose line was cut before the answer came (L-3).
fn labels_note(on: &Studio) -> Result<String> {
    let (project_id, note_id, command_id) = (on.project_id()?, new_id(), new_id());
    let mix = version(&on.cast.label, "mix", 1)?;
    let words = "Radio comes first: the vocal has to carry from the first line.";
    let action = |text: &str| {
        Action::AddNote(v1::AddNote {
            note_id: note_id.clone(),
            version_id: mix["version_id"].as_str().unwrap_or_default().to_owned(),
            text: text.to_owned(),
            ..v1::AddNote::default()
        })
    };
    let (first, again, other, before, after) = on.runtime.block_on(async {
        let client = cast::client(&on.cast.label).await?;
        let first = client.perform_as(&command_id, &project_id, None, action(words)).await?;
        let before = client.get(&project_id).await?;
        let again = client.perform_as(&command_id, &project_id, None, action(words)).await?;
        let other = client.perform_as(&command_id, &project_id, None, action("Something else.")).await;
        let after = client.get(&project_id).await?;
        anyhow::Ok((first, again, other, before, after))
    })?;
    on.log.say(&format!("the whole song  {words}"));
    on.log.check(
        first == again && before == after,
        "the label's note sent twice with one command id: one note, the first answer again",
    )?;
    let reason = other.err().map(|error| error.reason().to_owned()).unwrap_or_default();
    on.log.same(&reason.as_str(), &"COMMAND_ID_REUSED", "the same id with other words is refused")?;
    Ok(note_id)
}

pub fn revision(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("Mara Lind asks for a revision");
    let said = cast.artist.verb([
        "request-revision",
        "--all-open",
        "--message",
        "Nearly there.",
        "--role",
        "artist",
        "--yes",
    ])?;
    log.say(&effects(&said));
    let rows = rows(&cast.mixer)?;
    let request = of_kind(&rows, "request").next().context("the request is not there")?;
    let terms = rows.get("project").map_or(0, |project| project["rounds_included"].as_u64().unwrap_or(0));
    log.same(&request["round"].as_u64(), &Some(1), &format!("it is round 1 of {terms} that are included"))?;
    log.same(
        &request["note_ids"].as_array().map(Vec::len),
        &Some(2),
        "with both notes, and without the engineers' own",
    )?;
    let shut = of_kind(&rows, "gate").any(|gate| gate["met"] == false);
    log.check(shut, "the gate of mixing is shut")
}

pub fn second_mix(on: &Studio) -> Result<()> {
    let Studio { log, cast, material, .. } = on;
    log.step("Mix 2: Teo Brandt answers the notes, their authors accept");
    let printed = push_mix(on, 2, material.changelog())?;
    let mix = version(&cast.mixer, "mix", 2)?;
    log.say(&format!("{}  fingerprint {}", material.changelog(), short(text(&mix, "fingerprint"))));
    show_files(on, &mix);
    check_names(on, &printed, &mix)?;
    if let Material::Song(stems) = material {
        let level = |number: u32| -> Result<f64> {
            let folder = pulled(on, &cast.mixer, number)?;
            sound::rms_dbfs(
                &folder.join(format!("MaraLind_NightDrive_Acap_v{number:02}_48k24b.wav")),
                stems.last_chorus.clone(),
            )
        };
        let (before, after) = (level(1)?, level(2)?);
        log.check(
            after > before + 0.5,
            format!("the voices in the last chorus: {before:.1} dBFS before, {after:.1} dBFS now"),
        )?;
    }
    let open: Vec<Value> = of_kind(&rows(&cast.mixer)?, "note").cloned().collect();
    for note in &open {
        cast.mixer.verb(["notes", "address", text(note, "note_id")])?;
    }
    for note in open.iter().filter(|note| note["internal"] == false) {
        let author = if text(note, "author") == cast_name(&cast.label) { &cast.label } else { &cast.artist };
        author.verb(["notes", "accept", text(note, "note_id")])?;
    }
    let rows = rows(&cast.artist)?;
    log.check(
        of_kind(&rows, "note").all(|note| note["state"] == "accepted"),
        "every note is accepted by its author",
    )?;
    let request = of_kind(&rows, "request").next().context("the request is gone")?;
    log.same(
        &text(request, "answered_by_version_id"),
        &text(&mix, "version_id"),
        "Mix 2 answers the request",
    )?;
    let said = cast
        .label
        .refused("VERSION_SUPERSEDED", ["approve", "--version", "mix 1", "--role", "label", "--yes"])?;
    log.check(true, format!("Lena Ruiz cannot approve Mix 1 any more: {}", why(&said)))
}

/// The name in the studio of whoever sits there.
fn cast_name(seat: &Seat) -> String {
    cast::profile(seat).map(|profile| profile.person).unwrap_or_default()
}

pub fn mix_approvals(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("Artist and label sign Mix 2: the gate opens, the handoff is made, a render is queued");
    let said = sign(on, "mix", 2)?;
    log.check(said.contains("render"), "the last signature queues the render in the same breath")?;
    let song = song(&cast.masterer)?;
    log.same(&text(&song, "stage"), &"mastering", "the song stands in mastering")?;
    log.same(&text(&song["handoff"], "state"), &"offered", "the handoff waits for the mastering engineer")
}

/// Waits until the house has looked at a version: its gate waits for that too.
pub fn examined(on: &Studio, kind: &str, number: u64) -> Result<()> {
    for _ in 0..1200 {
        let row = version(&on.cast.label, kind, number)?;
        if row["examination"]["state"] != "pending" {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    anyhow::bail!("{kind} {number} was not examined within four minutes")
}

/// Artist and label sign a version, each quoting its fingerprint. Answers what the last signature did.
pub fn sign(on: &Studio, kind: &str, number: u64) -> Result<String> {
    let (log, cast) = (&on.log, &on.cast);
    examined(on, kind, number)?;
    let mut did = String::new();
    for (seat, role) in [(&cast.artist, "artist"), (&cast.label, "label")] {
        let fingerprint = text(&version(seat, kind, number)?, "fingerprint").to_owned();
        let name = format!("{kind} {number}");
        let said = seat.verb([
            "approve",
            "--version",
            &name,
            "--role",
            role,
            "--fingerprint",
            &fingerprint[..16],
            "--yes",
        ])?;
        did = effects(&said);
        log.say(&format!("{} as {role} on {}  {did}", cast_name(seat), short(&fingerprint)));
        log.same(
            &text(said.first(), "fingerprint"),
            &fingerprint.as_str(),
            "the signature names exactly these bytes",
        )?;
    }
    Ok(did)
}
