//! The sections of a song in a version: shown, set, read from the markers of a workstation. Which are allowed only the server says.

use deadwax_proto::v1::{self, Section, VersionRow, action::Action};
use serde_json::json;

use super::{
    Context, VerbError,
    house::{House, ask_allowed},
    json as row_json,
    markers::{content, rate_of, said},
    words,
};
use crate::{
    cli::{SectionsImport, SectionsVerb, WhichVersion},
    markers::{self, Reading},
    net::Client,
    scrub,
};

pub async fn sections(c: &Context, verb: SectionsVerb) -> Result<(), VerbError> {
    match verb {
        SectionsVerb::Show { which } => {
            let (_, house) = enter(c, &which).await?;
            show(c, version(&house, &which)?)
        }
        SectionsVerb::Set { sections, which } => {
            let sections = sections.iter().map(|text| section(text)).collect::<Result<Vec<_>, _>>()?;
            let (client, house) = enter(c, &which).await?;
            set(c, &client, &house, version(&house, &which)?, sections).await
        }
        SectionsVerb::Import(asked) => import(c, asked).await,
    }
}

async fn enter(c: &Context, which: &WhichVersion) -> Result<(Client, House), VerbError> {
    let client = c.client(&which.place.who).await?;
    let house = House::find(&client, which.place.project.as_deref()).await?;
    Ok((client, house))
}

fn version<'a>(house: &'a House, which: &WhichVersion) -> Result<&'a VersionRow, VerbError> {
    let song = house.song(which.place.song.as_deref())?;
    house.version(song, which.version.as_deref())
}

fn show(c: &Context, version: &VersionRow) -> Result<(), VerbError> {
    let name = words::version(version);
    let sections: Vec<_> = version.sections.iter().map(row_json::section).collect();
    let text = if version.sections.is_empty() {
        format!(
            "Nobody marked the sections of {name}. Mark them with `deadwax sections set \"0:00 Intro\" ...`."
        )
    } else {
        format!("Sections of {name}{}", listed(&version.sections))
    };
    c.out.both(
        &text,
        &json!({ "row": "sections", "version_id": version.version_id, "name": name, "sections": sections }),
    )
}

fn listed(sections: &[Section]) -> String {
    sections.iter().map(|it| format!("\n  {:>10}  {}", markers::clock(it.start_ms), it.name)).collect()
}

async fn set(
    c: &Context,
    client: &Client,
    house: &House,
    version: &VersionRow,
    sections: Vec<Section>,
) -> Result<(), VerbError> {
    ask_allowed(&version.allowed, "set_sections")?;
    let action = Action::SetSections(v1::SetSections { version_id: version.version_id.clone(), sections });
    c.perform(client, &house.project.project_id, action).await.map(|_| ())
}

/// "0:32 Verse 1".
fn section(text: &str) -> Result<Section, VerbError> {
    let wrong =
        || VerbError::Usage(format!("{text:?} is no section; write its time and its name: \"0:32 Verse 1\""));
    let (time, name) = text.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
    let start_ms = words::parse_time(time).map_err(|_| wrong())?;
    Ok(Section { start_ms, name: name.trim().to_owned() })
}

async fn import(c: &Context, asked: SectionsImport) -> Result<(), VerbError> {
    let bytes = content(&asked.file)?;
    let (client, house) = enter(c, &asked.which).await?;
    let version = version(&house, &asked.which)?;
    let reading = Reading {
        dialect: asked.format,
        rate_hz: asked.rate.unwrap_or_else(|| rate_of(version)),
        fps: asked.fps,
        counts: asked.times,
        begins: asked.offset.clone(),
    };
    let shown = scrub::line(&asked.file.to_string_lossy());
    let read = markers::read(&bytes, &reading).map_err(|error| match said(&error) {
        VerbError::Input(text) => VerbError::Input(format!("{shown}: {text}\nNothing was set.")),
        other => other,
    })?;
    // Half of a song's parts would be taken for all of them.
    if let Some(fault) = read.faults.first() {
        let (counted, line, more) = (read.dialect.counted(), fault.line, read.faults.len() - 1);
        let more = if more == 0 { String::new() } else { format!(" ({more} more)") };
        let text = format!("{shown}: {counted} {line}: {}{more}\nNothing was set.", fault.text);
        return Err(VerbError::Input(text));
    }
    read.assumed.iter().for_each(|text| c.out.aside(text));
    let sections = from_markers(&read);
    if sections.is_empty() {
        return Err(VerbError::Input(format!(
            "{shown} has no marker with a time and a name.\nNothing was set."
        )));
    }
    if asked.dry_run {
        let objects: Vec<_> = sections.iter().map(row_json::section).collect();
        let text = format!("Would be the sections of {}{}", words::version(version), listed(&sections));
        return c.out.both(
            &text,
            &json!({ "row": "sections", "version_id": version.version_id, "dry_run": true, "sections": objects }),
        );
    }
    set(c, &client, &house, version, sections).await
}

/// In the order of time, by the first line of their name; of several at one place the first.
fn from_markers(read: &markers::Read) -> Vec<Section> {
    let named = read.markers.iter().filter_map(|found| {
        let name = markers::one_line(&found.marker.name);
        let start_ms = found.marker.start_ms.filter(|_| !name.trim().is_empty())?;
        Some(Section { start_ms, name: name.trim().to_owned() })
    });
    let mut sections: Vec<Section> = named.collect();
    sections.sort_by_key(|it| it.start_ms);
    sections.dedup_by_key(|it| it.start_ms);
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_is_a_time_and_a_name() {
        let told = |text: &str| section(text).map(|it| (it.start_ms, it.name));
        assert_eq!(told("0:32 Verse 1").unwrap(), (32_000, "Verse 1".to_owned()));
        assert_eq!(told(" 83.4   Chorus ").unwrap(), (83_400, "Chorus".to_owned()));
        for wrong in ["Verse 1", "0:32", "", "0:99 Verse"] {
            assert_eq!(told(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn markers_of_a_workstation_become_sections() {
        let text =
            "#,Name,Start,End,Length\nM2,Verse 1,0:32.000,,\nM1,Intro,0:00.000,,\nM3,Double,0:32.000,,\n";
        let read =
            markers::read(text.as_bytes(), &Reading { rate_hz: 48_000, ..Reading::default() }).unwrap();
        let sections = from_markers(&read);
        let told: Vec<_> = sections.iter().map(|it| (it.start_ms, it.name.as_str())).collect();
        assert_eq!(told, [(0, "Intro"), (32_000, "Verse 1")]);
    }
}
