//! Pages that the studio tells of versions: the sheet of a master, and what changed from one version to another. Never here: how sound is heard.

use deadwax_dsp::sheet::Sheet;
use deadwax_proto::v1::{self, ProjectRow, RenderRow, SongRow, VersionRow};
use serde_json::{Value, json};

use super::{Context, VerbError, house::House, paper, review::enter, words};
use crate::cli::{Changes, SheetOf};

/// What a render cannot know of its own sheet: whose it is, which version, when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Head {
    title: String,
    artist: String,
    version: Option<String>,
    made: String,
    /// The main of the mix, as it was pushed.
    source: Option<String>,
}

impl Head {
    /// `[master, source]`: what was made, and from what.
    pub fn of(
        song: &SongRow,
        project: &ProjectRow,
        render: &RenderRow,
        [master, source]: [Option<&VersionRow>; 2],
    ) -> Head {
        let main = source.and_then(|it| it.files.iter().find(|file| file.alternate == "main"));
        Head {
            title: song.title.clone(),
            artist: project.artist.clone(),
            version: master
                .zip(source)
                .map(|(m, s)| format!("{} of {}", words::version(m), words::version(s))),
            made: words::moment(render.at_ms),
            source: main.map(|file| file.name.clone()),
        }
    }

    pub fn put_on(&self, page: &mut Sheet) {
        page.title.clone_from(&self.title);
        page.artist = Some(self.artist.clone()).filter(|it| !it.is_empty());
        page.version.clone_from(&self.version);
        page.made = Some(self.made.clone());
        if let Some(source) = &self.source {
            page.before.file.clone_from(source);
        }
    }
}

/// The page of a render: of the named master, else of the newest one that was rendered.
pub async fn sheet(c: &Context, asked: &SheetOf) -> Result<(), VerbError> {
    asked.report.as_deref().map_or(Ok(()), paper::must_be_drawable)?;
    let (client, house) = enter(c, &asked.which.place).await?;
    let song = house.song(asked.which.place.song.as_deref())?;
    let master = asked.which.version.as_deref().map(|it| house.version(song, Some(it))).transpose()?;
    let mut renders = house.renders.iter().rev().filter(|it| it.song_id == song.song_id && it.has_sheet);
    let render: &RenderRow = renders
        .find(|it| master.is_none_or(|master| master.version_id == it.master_version_id))
        .ok_or_else(|| match master {
            Some(master) => VerbError::no(
                "NO_SUCH_SHEET",
                format!("{} was not rendered here: it has no sheet.", words::version(master)),
                "Make one of the two files with `deadwax sheet BEFORE AFTER`.",
            ),
            None => VerbError::no(
                "NO_SUCH_SHEET",
                format!("{} has no render with a sheet.", song.title),
                "Start one with `deadwax render start`.",
            ),
        })?;
    let json = client.sheet(&house.project.project_id, &render.render_id).await?;
    let mut page: Sheet = serde_json::from_str(&json)
        .map_err(|e| VerbError::Input(format!("the sheet of this studio cannot be read here: {e}")))?;
    let master = house.version_by_id(&render.master_version_id);
    let source = house.version_by_id(&render.source_version_id);
    Head::of(song, &house.project, render, [master, source]).put_on(&mut page);
    paper::show(c, &page, asked.report.as_deref())
}

/// From one version to another, by default from the one before to the one that the gate looks at.
pub async fn changes(c: &Context, asked: &Changes) -> Result<(), VerbError> {
    let (client, house) = enter(c, &asked.place).await?;
    let song = house.song(asked.place.song.as_deref())?;
    let (to, alternate_b) = asked.to.as_deref().map_or((None, ""), named);
    let is = house.version(song, to)?;
    // Without a word on what was: the same alternate of the version before.
    let (from, alternate_a) = asked.from.as_deref().map_or((None, alternate_b), named);
    let was = match from {
        Some(from) => house.version(song, Some(from))?,
        None if asked.from.is_some() => is,
        None => before(&house, is).or_else(|| source_of(&house, is)).ok_or_else(|| {
            VerbError::no(
                "NO_VERSION",
                format!("{} is the first of its kind: there is nothing before it.", words::version(is)),
                "Name another with --from.",
            )
        })?,
    };
    let answer = client
        .compare(v1::CompareRequest {
            project_id: house.project.project_id.clone(),
            version_a: was.version_id.clone(),
            version_b: is.version_id.clone(),
            alternate_a: alternate_a.to_owned(),
            alternate_b: alternate_b.to_owned(),
        })
        .await?;
    let mut page: Value = serde_json::from_str(&answer)
        .map_err(|e| VerbError::Input(format!("the answer of this studio cannot be read here: {e}")))?;
    let list = page.get("words").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let shown = |version: &VersionRow, alternate: &str| match alternate {
        "" => words::version(version),
        alternate => format!("{}, {alternate}", words::version(version)),
    };
    let mut text = format!("From {} to {}:", shown(was, alternate_a), shown(is, alternate_b));
    for line in list.iter().filter_map(Value::as_str) {
        text += &format!("\n  {line}");
    }
    if let Some(object) = page.as_object_mut() {
        object.insert("from_version_id".into(), json!(was.version_id));
        object.insert("to_version_id".into(), json!(is.version_id));
    }
    c.out.both(&text, &page)
}

/// "mix 1:instrumental" is a version and its alternate; ":tv" is an alternate of the same version.
fn named(text: &str) -> (Option<&str>, &str) {
    let (version, alternate) = text.split_once(':').unwrap_or((text, ""));
    (Some(version.trim()).filter(|it| !it.is_empty()), alternate.trim())
}

/// The mix that a first master was rendered from.
fn source_of<'a>(house: &'a House, master: &VersionRow) -> Option<&'a VersionRow> {
    let render = house.renders.iter().find(|it| it.master_version_id == master.version_id)?;
    house.version_by_id(&render.source_version_id)
}

fn before<'a>(house: &'a House, version: &VersionRow) -> Option<&'a VersionRow> {
    house
        .versions
        .iter()
        .filter(|it| it.song_id == version.song_id && it.kind == version.kind && it.number < version.number)
        .max_by_key(|it| it.number)
}
