//! What there is: profiles, the list of records, and one record with its files, signatures and what it waits for. Tables fit 80 columns.

use deadwax_proto::v1::{ApprovalView, ProfileInfo, RecordRow};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::{balance, enter, report as reports, told};
use crate::{
    cli::{WhichRecord, Who},
    scrub,
    verbs::{Context, VerbError, dates, house::House, json as row_json, studio, words},
};

pub async fn profiles(c: &Context, name: Option<&str>, who: &Who) -> Result<(), VerbError> {
    let client = c.client(who).await?;
    let all = client.list_profiles().await?;
    let object = |it: &ProfileInfo| {
        json!({
            "row": "profile", "name": it.name, "dated": it.dated, "about": it.about, "of_the_studio": it.of_the_studio,
            "toml": it.toml,
        })
    };
    if let Some(name) = name {
        let found = all.iter().find(|it| it.name == name).ok_or_else(|| {
            let names: Vec<&str> = all.iter().map(|it| it.name.as_str()).collect();
            VerbError::Usage(format!("there is no profile {name:?}; there are {}", names.join(", ")))
        })?;
        return c.out.both(found.toml.trim_end(), &object(found));
    }
    let wide = all.iter().map(|it| it.name.width()).max().unwrap_or(0).min(28);
    for it in &all {
        let whose = if it.of_the_studio { "studio's, " } else { "" };
        let text = format!("{}  {}  {whose}{}", fit(&it.name, wide), it.dated, scrub::line(&it.about));
        c.out.both(&scrub::cut(&text, 80), &object(it))?;
    }
    if all.is_empty() {
        c.out.text("The studio lists no profile. Say --file F.toml with one of your own.")?;
    }
    Ok(())
}

/// Cut or filled to exactly so many columns.
pub fn fit(text: &str, columns: usize) -> String {
    let cut = scrub::cut(&scrub::line(text), columns);
    let used = cut.width();
    cut + &" ".repeat(columns.saturating_sub(used))
}

pub async fn show(c: &Context, which: &WhichRecord) -> Result<(), VerbError> {
    if which.number.is_some() {
        let (_, house, at) = enter(c, which).await?;
        let row = &house.records[at];
        return c.out.both(&in_full(&house, row), &row_json::record(row));
    }
    let (_, house) = studio::enter(c, &which.at).await?;
    for row in house.records.iter().rev() {
        c.out.both(&line(row), &row_json::record(row))?;
    }
    if house.records.is_empty() {
        c.out.text("No record was made yet. See what one would be with `deadwax record plan --for NAME`.")?;
    }
    Ok(())
}

/// What was measured and found when its files were made.
pub async fn report(c: &Context, which: &WhichRecord) -> Result<(), VerbError> {
    let (client, house, at) = enter(c, which).await?;
    let row = &house.records[at];
    let json = client.record_report(&house.project.project_id, &row.record_id).await?;
    let text = match reports::lines(&json, &row.files) {
        Some(lines) => format!("Report of Record {}\n{}", row.number, reports::wrapped(&lines)),
        None => format!("The report of Record {} cannot be read by this client; update it.", row.number),
    };
    let read: Value = serde_json::from_str(&json).unwrap_or(Value::Null);
    c.out.both(
        &text,
        &json!({ "row": "report", "record_id": row.record_id, "number": row.number, "report": read }),
    )
}

/// "Record 2  made  42 files  1.30 GB  2026-11-21 20:15 by Iris Lund: Record 2 waits for ..."
fn line(row: &RecordRow) -> String {
    let files = match told::files(row) {
        0 => String::new(),
        files => format!("{}, {}", told::count(files, "file", "files"), told::size(told::bytes(row))),
    };
    let outdated = if row.outdated { "! outdated. " } else { "" };
    let rest = if row.reason.is_empty() { &row.waits_for } else { &row.reason };
    let text = format!(
        "{} {} {} {}  {outdated}{}",
        fit(&format!("Record {}", row.number), 10),
        fit(&words::record_state(row.state), 9),
        fit(&files, 20),
        words::moment(row.at_ms),
        scrub::line(rest)
    );
    scrub::cut(&text, 80).trim_end().to_owned()
}

/// "Lena Ruiz as label (counts), receipt #5"
pub fn approval(it: &ApprovalView) -> String {
    let receipt = match it.receipt_sequence {
        0 => "no receipt".to_owned(),
        sequence => format!("receipt #{sequence}"),
    };
    let state = words::approval_state(it.state);
    format!("{} as {} ({state}), {receipt}", it.name, words::role(it.role))
}

/// The signed masters in their order: what the files were made from.
pub fn masters(house: &House, row: &RecordRow) -> Vec<String> {
    let of = |(at, it): (usize, &deadwax_proto::v1::RecordSource)| {
        let song = house.songs.iter().find(|song| song.song_id == it.song_id);
        let title = song.map_or("a song that you cannot see", |song| song.title.as_str());
        let version = house.version_by_id(&it.version_id).map_or_else(|| "Master".into(), words::version);
        let print = crate::receipt::short(&it.fingerprint);
        format!("{:>3}. {} {} {print}", at + 1, fit(title, 44), fit(&version, 14))
    };
    row.sources.iter().enumerate().map(of).collect()
}

/// Everything but the files.
pub fn head(house: &House, row: &RecordRow) -> String {
    let mut text = format!(
        "Record {}: {}, with spacing {}, by {}, {}",
        row.number,
        words::record_state(row.state),
        row.spacing,
        row.by,
        dates::shown(row.at_ms)
    );
    let mut say = |line: String| {
        if !line.is_empty() {
            text += &format!("\n  {line}");
        }
    };
    say(row.waits_for.clone());
    if !row.reason.is_empty() {
        say(format!("why: {}", row.reason));
    }
    if row.outdated {
        let none = vec!["what it was made of is another by now".to_owned()];
        let by = if row.outdated_by.is_empty() { &none } else { &row.outdated_by };
        by.iter().for_each(|it| say(format!("! outdated: {it}")));
    }
    row.cautions.iter().for_each(|it| say(format!("! {it}")));
    let on = if row.medium.is_empty() { String::new() } else { format!(" on {}", row.medium) };
    say(format!("for {}{on}", row.profiles.join(", ")));
    if let Some(lufs) = row.loudest_track_lufs {
        say(format!("all songs moved together, so that the loudest plays at {lufs:.1} LUFS"));
    }
    if told::files(row) > 0 {
        let files = told::count(told::files(row), "file", "files");
        say(format!("{files}, {}", told::size(told::bytes(row))));
        say(format!("fingerprint {}", row.fingerprint));
    }
    for it in &row.approvals {
        say(format!("approved by {}", approval(it)));
    }
    if row.delivered_ms != 0 {
        say(format!("delivered by {}, {}", row.delivered_by, dates::shown(row.delivered_ms)));
    }
    for (at, it) in row.differs.iter().enumerate() {
        // The first says what it is compared with.
        let is_head = at == 0 && row.differs.len() > 1;
        say(if is_head { it.clone() } else { format!("differs: {it}") });
    }
    text += "\nMade from";
    for it in masters(house, row) {
        text += &format!("\n  {it}");
    }
    text
}

fn in_full(house: &House, row: &RecordRow) -> String {
    let mut text = head(house, row);
    let mut place = ("", "");
    for file in &row.files {
        if place != (file.profile.as_str(), file.folder.as_str()) {
            place = (file.profile.as_str(), file.folder.as_str());
            text += &format!("\n{}", scrub::line(&file.folder));
        }
        text += &format!(
            "\n  {} {} {} {:>9} {}",
            fit(&file.name, 39),
            fit(&file.kind, 11),
            fit(&told::sound(file), 7),
            told::size(file.bytes),
            file.sha256.get(..8).unwrap_or_default()
        );
        text.extend(told::cut_off(file).map(|it| format!("\n    ! {it}")));
    }
    if !row.files.is_empty() {
        text += &format!("\nLevels and warnings: deadwax record show {} --report", row.number);
    }
    text
}

/// The dry run for programs.
pub fn plan_object(plan: &deadwax_proto::v1::PlanResponse) -> Value {
    let files: Vec<Value> = plan
        .files
        .iter()
        .map(|f| {
            json!({
                "profile": f.profile, "folder": f.folder, "name": f.name, "kind": f.kind, "format": f.format,
                "sample_rate": f.sample_rate, "frames": f.frames, "bytes": f.bytes, "estimated": f.estimated, "exact": f.exact,
                "songs": f.song_ids,
            })
        })
        .collect();
    let findings: Vec<Value> = plan
        .findings
        .iter()
        .map(|f| {
            json!({
                "block": f.block, "code": f.code, "text": f.text, "source": f.source, "mend": f.mend, "profile": f.profile,
                "song": f.song_id,
            })
        })
        .collect();
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or(Value::Null);
    json!({
        "row": "plan", "files": files, "findings": findings, "bytes": plan.bytes, "spacing": plan.spacing,
        "ready": told::blocks(plan) == 0 && plan.spacing > 0, "penalties": read(&plan.penalties_json),
        "consistency": read(&plan.consistency_json),
    })
}

/// The dry run for people.
pub fn plan_text(house: &House, plan: &deadwax_proto::v1::PlanResponse) -> String {
    let mut text = String::new();
    let mut place = ("", "");
    for file in &plan.files {
        if place.0 != file.profile {
            let of = || plan.files.iter().filter(|it| it.profile == file.profile);
            let bytes = of().fold(0u64, |sum, it| sum.saturating_add(it.bytes));
            let files = told::count(of().count(), "file", "files");
            text += &format!("{}: {files}, {}\n", scrub::line(&file.profile), told::size(bytes));
        }
        let inner = told::inner(&file.profile, &file.folder);
        if place != (file.profile.as_str(), inner) {
            place = (file.profile.as_str(), inner);
            if !inner.is_empty() {
                text += &format!("  {}/\n", scrub::line(inner));
            }
        }
        let line = format!(
            "  {} {} {:>8} {:>10}",
            fit(&file.name, 38),
            fit(&file.format, 19),
            told::length(file.frames, file.sample_rate),
            told::planned_size(file)
        );
        text += &format!("{}\n", line.trim_end());
    }
    text += &findings_text(house, plan);
    match told::penalties(&plan.penalties_json) {
        Some(all) if all.is_empty() => {}
        Some(all) => {
            text += "What the services do to its level\n";
            all.iter().for_each(|it| text += &format!("  {}\n", told::penalty(it)));
        }
        None => text += "The studio's report on levels cannot be read by this client; update it.\n",
    }
    match balance::table(&plan.consistency_json) {
        Some(table) => balance::lines(&table).iter().for_each(|it| text += &format!("{it}\n")),
        None => text += "The studio's report on the songs cannot be read by this client; update it.\n",
    }
    let outliers = told::outliers(&plan.consistency_json);
    if !outliers.is_empty() {
        text += "What stands out among the songs\n";
        outliers.iter().for_each(|it| text += &format!("  {it}\n"));
    }
    text += &told::sum(plan);
    text
}

pub fn findings_text(house: &House, plan: &deadwax_proto::v1::PlanResponse) -> String {
    let mut text = String::new();
    for it in &plan.findings {
        let song = house.songs.iter().find(|song| !it.song_id.is_empty() && song.song_id == it.song_id);
        let line = told::finding(it, song.map_or("", |song| song.title.as_str()));
        text += &format!("{}\n", scrub::line(&line));
        for (word, said) in [("mend", &it.mend), ("from", &it.source)] {
            if !said.is_empty() {
                text += &format!("    {word}: {}\n", scrub::line(said));
            }
        }
    }
    text
}
