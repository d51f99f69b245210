//! The brief: what a mastering engineer reads before the first play. One page, drawn twice (`brief.txt`, `brief.html`). Every member but a listener may fetch
//! the package, so nothing is told here that one of them must not see (V-1): notes among engineers stay in the studio, and the page says where.

use deadwax_domain::{
    Alternate, AudioFacts, Note, NoteState, Recipe, RevisionKind, Role, Says, SpacingItem, Stage,
    VersionKind, preflight,
};

use super::{
    page::{Item, Page},
    story::{Story, clock, moment},
};

/// Of those who may fetch a package, one who sees the least: what this role does not see is not in it.
const SEES_LEAST: Role = Role::Artist;

pub fn brief(story: &Story<'_>) -> Page {
    let mut page = Page::new(format!("{} by {}", story.song.title, story.project.artist));
    head(story, &mut page);
    files(story, &mut page);
    signed(story, &mut page);
    asked(story, &mut page);
    preflight(story, &mut page);
    notes(story, &mut page);
    rounds(story, &mut page);
    record(story, &mut page);
    about(story, &mut page);
    page
}

fn head(story: &Story<'_>, page: &mut Page) {
    let (project, song, version) = (story.project, story.song, story.version);
    let position = project.position(song.id).unwrap_or_default();
    let isrc = if song.isrc.is_empty() { "not given yet".to_owned() } else { song.isrc.clone() };
    let due = project.gate(Stage::Mastering).and_then(|rule| rule.due);
    let title = if version.title.is_empty() { String::new() } else { format!(" ({})", version.title) };
    page.pairs(vec![
        ("Project", project.title.clone()),
        ("Artist", project.artist.clone()),
        ("Song", song.title.clone()),
        ("ISRC", isrc),
        ("Place", format!("{position} of {}", project.running_order.len())),
        ("Version", format!("{}{title}, mixed by {}", version.name(), story.person(project.maker(version)))),
        ("Fingerprint", version.fingerprint.to_string()),
        ("Handed over", format!("{}, handoff {} of this song", moment(story.found.at), story.found.number)),
        ("Master due", due.map_or_else(|| "no date is set".to_owned(), moment)),
    ]);
    let came_back = story.found.earlier.iter().map(|it| {
        let what = if it.swapped { "the mix was swapped" } else { "mastering returned it" };
        let items = it.items.iter().map(|item| {
            let of = item.alternate.map_or_else(|| "as a whole".to_owned(), Alternate::words);
            Item::new(of, &item.reason)
        });
        let lead = format!("{}, {what}, {}", moment(it.at), story.person(it.by));
        Item::new(lead, &it.reason).with(items.collect())
    });
    let came_back: Vec<Item> = came_back.collect();
    if !came_back.is_empty() {
        page.part("It came back before");
        page.items(came_back, "");
    }
}

fn files(story: &Story<'_>, page: &mut Page) {
    page.part("The files");
    let row = |(file, name): (&deadwax_domain::File, &String)| {
        let facts = &file.facts;
        vec![
            name.clone(),
            file.alternate.words(),
            clock(length_ms(facts)),
            facts.sample_rate_hz.to_string(),
            depth(facts),
            level(facts.integrated_lufs),
            level(facts.loudness_range_lu),
            level(facts.true_peak_dbtp),
            level(facts.sample_peak_dbfs),
        ]
    };
    let rows = story.version.files.iter().zip(&story.files).map(row).collect();
    page.table(
        vec!["file", "what it is", "length", "Hz", "bits", "LUFS", "LU range", "dBTP", "dBFS peak"],
        rows,
    );
    page.line(
        "The files are as the mix engineer sent them, bit for bit; only their names are new. Levels were measured by the studio.",
    );
    let loud =
        story.version.files.iter().zip(&story.files).find(|(file, _)| file.alternate == Alternate::Limited);
    if let Some((file, name)) = loud {
        let text = format!(
            "{name} is the loud reference that people listened to ({} LUFS, {} dBTP): master the main, not this one.",
            level(file.facts.integrated_lufs),
            level(file.facts.true_peak_dbtp)
        );
        page.line(text);
    }
    if !story.version.changelog.is_empty() {
        let lead = format!("The mix engineer on {}", story.version.name());
        page.items(vec![Item::new(lead, &story.version.changelog)], "");
    }
}

fn signed(story: &Story<'_>, page: &mut Page) {
    let (project, version) = (story.project, story.version);
    page.part("Who signed this mix");
    let mut signed: Vec<_> = project
        .approvals_of(story.song.id)
        .filter(|(approval, _)| approval.stage == Stage::Mixing && approval.ended.is_none())
        .filter_map(|(approval, _)| {
            let Says::Yes { version: of, fingerprint } = &approval.says else { return None };
            let who = format!("{} as {}", story.person(Some(approval.person)), approval.role);
            if *of == version.id && *fingerprint == version.fingerprint {
                return Some((approval.at, Item::new(who, moment(approval.at))));
            }
            let carried = approval.carried.iter().rev().find(|carried| carried.to == version.id)?;
            let signed = format!("signed {}, {}", project.version_name(*of), moment(approval.at));
            Some((approval.at, Item::new(who, format!("{signed}; it counts on: {}", carried.why))))
        })
        .collect();
    signed.sort_by_key(|(at, _)| *at);
    page.items(signed.into_iter().map(|(_, item)| item).collect(), "Nobody.");
    let opened = story.song.overrides.iter();
    for opened in opened.filter(|it| it.stage == Stage::Mixing && it.version == version.id) {
        let lead = format!("OPENED WITHOUT ITS GATE by {}, {}", story.person(opened.by), moment(opened.at));
        let unmet = opened.unmet.iter().map(|line| Item::new("", line)).collect();
        page.items(vec![Item::new(lead, &opened.reason).with(unmet)], "");
    }
    let picked = story.song.shootouts.iter().filter_map(|shootout| shootout.picked.as_ref());
    for picked in
        picked.filter(|picked| project.versions.get(picked.version).is_some_and(|it| it.line == version.line))
    {
        let who = format!("{} as {}, {}", story.person(Some(picked.by)), picked.role, moment(picked.at));
        let text = format!(
            "picked {} among competing mixes. {}",
            project.version_name(picked.version),
            picked.reason
        );
        page.items(vec![Item::new(who, text)], "");
    }
    page.part("Who signs the master");
    let needs = project.gate(Stage::Mastering).map(|rule| rule.needs).unwrap_or_default();
    let need = |need: &deadwax_domain::Need| {
        let roles: Vec<String> = need.any_of.iter().map(ToString::to_string).collect();
        let people =
            project.members.iter().filter(|(_, it)| it.roles.iter().any(|role| need.any_of.contains(role)));
        let mut people: Vec<String> = people.map(|(id, _)| story.person(Some(id))).collect();
        people.sort();
        let people =
            if people.is_empty() { "nobody holds that role yet".to_owned() } else { people.join(", ") };
        Item::new(format!("{} of {}", need.count, roles.join(" or ")), people)
    };
    page.items(needs.iter().map(need).collect(), "No approval is asked for.");
}

fn asked(story: &Story<'_>, page: &mut Page) {
    page.part("What is asked of the master");
    let Some(recipe) = story.project.recipe_of(story.song.id) else {
        page.line("No recipe was set for the song or the project; the studio's own default is what its automatic render uses.");
        return;
    };
    let Ok(read) = deadwax_dsp::recipe::Recipe::parse(&recipe.toml) else {
        page.line("A recipe was set that this server cannot read; it lies beside this page as recipe.toml.");
        return;
    };
    page.line(format!(
        "The recipe \u{201c}{}\u{201d} lies beside this page as recipe.toml. In words:",
        read.name
    ));
    let said = read.explain().into_iter().map(|step| {
        let off = if step.bypassed { " (switched off)" } else { "" };
        Item::new(format!("{}{off}", step.title), step.text)
    });
    page.items(said.collect(), "");
    let references = references(&read);
    if !references.is_empty() {
        page.line(format!(
            "Reference: {}. The recipe holds its measured profile, not its sound.",
            references.join(", ")
        ));
    }
}

/// The records that a match step was made from.
fn references(recipe: &deadwax_dsp::recipe::Recipe) -> Vec<String> {
    use deadwax_dsp::recipe::Work;
    let matched = recipe.steps.iter().filter_map(|step| match &step.work {
        Work::Match(settings) => Some(settings),
        _ => None,
    });
    matched.flat_map(|settings| &settings.reference).map(|reference| reference.file.clone()).collect()
}

fn preflight(story: &Story<'_>, page: &mut Page) {
    page.part("Preflight");
    let found = preflight::findings(story.project, story.version).into_iter().map(|finding| {
        let weight = if finding.block { "BLOCK" } else { "warning" };
        let lead = format!("{weight}, {}, {}", finding.code, finding.alternate.words());
        let more = [("to mend it", finding.mend), ("the limit is from", finding.source)];
        let more = more.into_iter().filter(|(_, text)| !text.is_empty());
        Item::new(lead, finding.text).with(more.map(|(lead, text)| Item::new(lead, text)).collect())
    });
    page.items(found.collect(), "Nothing was found.");
}

fn notes(story: &Story<'_>, page: &mut Page) {
    let least = [SEES_LEAST].into();
    let all: Vec<&Note> = story
        .project
        .notes_of(story.song.id)
        .filter(|note| deadwax_domain::audience::sees_note(&least, note))
        .collect();
    let threads = |wanted: fn(&NoteState) -> bool| {
        let mut heads: Vec<&&Note> =
            all.iter().filter(|note| note.parent.is_none() && wanted(&note.state)).collect();
        heads.sort_by_key(|note| (place(story, note).map(|span| span.start_ms), note.at));
        heads.into_iter().map(|note| thread(story, &all, note)).collect::<Vec<_>>()
    };
    page.part("Notes that are open");
    page.items(threads(|state| *state == NoteState::Open), "None.");
    page.part("Notes that are done");
    page.items(threads(|state| matches!(state, NoteState::Addressed(_) | NoteState::Accepted)), "None.");
    let declined = threads(|state| *state == NoteState::Declined);
    if !declined.is_empty() {
        page.part("Notes that were declined");
        page.items(declined, "");
    }
    page.line(
        "Every member of the project may fetch this package, so notes that the engineers keep among themselves are not in it. \
         Producers, mix and mastering engineers find them in the studio: deadwax notes.",
    );
}

fn place(story: &Story<'_>, note: &Note) -> Option<deadwax_domain::Span> {
    note.span_in(story.version.id)
}

fn thread(story: &Story<'_>, all: &[&Note], note: &Note) -> Item {
    let project = story.project;
    let mut under: Vec<Item> = note
        .checklist
        .iter()
        .map(|item| Item::new(if item.done { "[x]" } else { "[ ]" }, &item.text))
        .collect();
    let placed = place(story, note);
    if placed != note.span
        && let Some(written) = note.span
    {
        under.push(Item::new(
            "",
            format!("written at {} of {}", span(written), project.version_name(note.version)),
        ));
    }
    let verdict = note.verdicts.iter().rev().find(|verdict| verdict.version == story.version.id);
    if let Some(verdict) = verdict.filter(|verdict| !verdict.text.is_empty()) {
        under.push(Item::new("the studio", &verdict.text));
    }
    match note.state {
        NoteState::Addressed(version) => {
            under.push(Item::new(
                "",
                format!("done in {}, as the engineer says", project.version_name(version)),
            ));
        }
        NoteState::Declined => under.push(Item::new("declined", &note.reason)),
        NoteState::Open | NoteState::Accepted => {}
    }
    let replies = all.iter().filter(|reply| reply.parent == Some(note.id));
    under.extend(replies.map(|reply| {
        let lead = format!("{} as {}, {}", story.person(Some(reply.author)), reply.role, moment(reply.at));
        Item::new(lead, &reply.text)
    }));
    let at = placed.map_or_else(|| "the whole song".to_owned(), span);
    let on = note.alternate.map(|alternate| format!(", {}", alternate.words())).unwrap_or_default();
    let who = format!("{} as {}", story.person(Some(note.author)), note.role);
    let lead = format!("{at}{on}, {who}, {}", moment(note.at));
    Item::new(lead, &note.text).with(under)
}

fn span(span: deadwax_domain::Span) -> String {
    let start = clock(span.start_ms);
    span.end_ms.map_or(start.clone(), |end| format!("{start} to {}", clock(end)))
}

fn rounds(story: &Story<'_>, page: &mut Page) {
    let project = story.project;
    page.part("How it came here");
    let mixes = project.versions_of(story.song.id).filter(|version| {
        version.kind == VersionKind::Mix && (version.line.is_none() || version.line == story.version.line)
    });
    let mut told: Vec<_> = mixes
        .map(|version| {
            let lead = format!(
                "{}, {}, {}",
                moment(version.at),
                version.name(),
                story.person(project.maker(version))
            );
            let examined = project.examinations.get(version.id);
            let changes = examined.map(|examined| examined.changes.as_slice()).unwrap_or_default();
            let heard = changes.iter().map(|change| Item::new("the studio heard", change));
            (version.at, Item::new(lead, &version.changelog).with(heard.collect()))
        })
        .collect();
    told.extend(project.requests_of(story.song.id).map(|request| {
        let round = match (request.kind, request.free) {
            (RevisionKind::Correction, true) => "a correction, which counts as no round".to_owned(),
            (RevisionKind::Correction, false) => format!("a correction, round {}", request.round),
            (RevisionKind::Change, _) => format!("round {}", request.round),
        };
        let beyond = if request.beyond_terms { ", beyond the terms" } else { "" };
        let who = format!("{} as {}", story.person(Some(request.by)), request.role);
        let of = project.version_name(request.version);
        let lead = format!("{}, revision of {of} asked by {who}: {round}{beyond}", moment(request.at));
        (request.at, Item::new(lead, &request.message))
    }));
    told.sort_by_key(|(at, _)| *at);
    page.items(told.into_iter().map(|(_, item)| item).collect(), "Nothing is told.");
    let (used, included) = (project.rounds_used(story.song.id), project.terms.rounds_included);
    page.line(format!("Rounds: {used} used, {included} included."));
}

fn record(story: &Story<'_>, page: &mut Page) {
    let project = story.project;
    if project.running_order.len() < 2 {
        return;
    }
    page.part("The record");
    let spacing = project.spacings.last();
    let order: Vec<_> = match spacing {
        Some(spacing) => spacing.items.iter().map(|item| (item.song, Some(item))).collect(),
        None => project.running_order.iter().map(|song| (*song, None)).collect(),
    };
    let row = |(at, (song, item)): (usize, (deadwax_domain::SongId, Option<&SpacingItem>))| {
        let title = project.songs.get(song).map_or("a song", |song| song.title.as_str());
        let here = if song == story.song.id { " (this song)" } else { "" };
        // A gap is what mostly stands there: its number is enough.
        let before = item.map_or("-".to_owned(), |item| match item.crossfade_ms {
            0 => format!("{:.2} s", f64::from(item.gap_ms) / 1000.0),
            _ => item.joint(),
        });
        let done = item.map(SpacingItem::treatment).unwrap_or_default();
        vec![format!("{}.", at + 1), format!("{title}{here}"), before, done]
    };
    page.table(
        vec!["", "song", "gap before", "fades and level"],
        order.into_iter().enumerate().map(row).collect(),
    );
    match spacing {
        None => page.line("No spacing is set yet."),
        Some(spacing) => {
            let signed = project.spacing_approvals.iter().filter(|it| it.number == spacing.number);
            let signed: Vec<String> =
                signed.map(|it| format!("{} as {}", story.person(Some(it.person)), it.role)).collect();
            let signed = if signed.is_empty() { "nobody yet".to_owned() } else { signed.join(", ") };
            page.line(format!("Spacing {}, approved by: {signed}.", spacing.number));
        }
    }
}

fn about(story: &Story<'_>, page: &mut Page) {
    page.part("About this package");
    page.line(format!(
        "{}.zip tells the handoff as it stood at {}. It was made once and is never changed; what happened since then stands in the studio.",
        story.name,
        moment(story.found.at)
    ));
    page.items(
        vec![
            Item::new("to check it", "sha256sum -c SHA256SUMS, or deadwax handoff check FILE.zip"),
            Item::new("to take it", "deadwax handoff accept"),
            Item::new("to send it back with reasons", "deadwax handoff return"),
        ],
        "",
    );
}

/// The recipe that goes along.
pub fn recipe<'a>(story: &Story<'a>) -> Option<&'a Recipe> {
    story.project.recipe_of(story.song.id)
}

fn length_ms(facts: &AudioFacts) -> u64 {
    let rate = u128::from(facts.sample_rate_hz.max(1));
    u64::try_from(u128::from(facts.frames) * 1000 / rate).unwrap_or(u64::MAX)
}

fn depth(facts: &AudioFacts) -> String {
    match (facts.bits, facts.float) {
        (0, _) => "-".to_owned(),
        (bits, true) => format!("{bits} float"),
        (bits, false) => bits.to_string(),
    }
}

/// Silence has no level.
fn level(value: f64) -> String {
    if value.is_finite() { format!("{value:.1}") } else { "-".to_owned() }
}
