//! Mixes that compete: open, compare blind, vote, pick. What may be seen and who may decide only the server says; that a comparison is blind is
//! seen to here.

mod key;
mod matched;

use std::path::PathBuf;

use deadwax_proto::v1::{self, Line, Role, Shootout, SongRow, VersionFile, action::Action};
use serde_json::json;

use self::{
    key::Key,
    matched::{Common, Heard},
};
use super::{
    Context, VerbError,
    house::{House, ask_allowed},
    json as row_json,
    out::Bar,
    place::{Wanted, failed, make_folder, place_download, place_file},
    review::enter,
    rounds::{agree, own_role},
    words,
};
use crate::{
    cli::{ShootoutVerb, Where},
    name,
    net::{Client, new_id},
};

pub async fn shootout(c: &Context, verb: ShootoutVerb) -> Result<(), VerbError> {
    match verb {
        ShootoutVerb::Open { entrants, open, of } => begin(c, &entrants, !open, &of.place()).await,
        ShootoutVerb::Show { of } => show(c, &of.place()).await,
        ShootoutVerb::Fetch { out, of } => fetch(c, out, &of.place()).await,
        ShootoutVerb::Vote { words, reason, role, yes, place } => {
            let (place, ranking) = named(words, place);
            vote(c, &ranking, reason, role.as_deref(), yes, &place).await
        }
        ShootoutVerb::Reveal { of } => reveal(c, &of.place()).await,
        ShootoutVerb::Pick { words, reason, role, yes, place } => {
            let (place, mixes) = named(words, place);
            let [mix] = mixes.as_slice() else {
                return Err(VerbError::Usage(
                    "say the song and the one mix that you pick, as X2 or B".into(),
                ));
            };
            pick(c, mix, reason, role.as_deref(), yes, &place).await
        }
    }
}

/// The song comes first, unless it was said behind --song.
fn named(mut words: Vec<String>, place: Where) -> (Where, Vec<String>) {
    if place.song.is_some() || words.is_empty() {
        return (place, words);
    }
    let song = Some(words.remove(0));
    (Where { song, ..place }, words)
}

/// The song's shootout, or that there is none.
fn of_song(song: &SongRow) -> Result<&Shootout, VerbError> {
    song.shootout.as_ref().ok_or_else(|| {
        VerbError::no(
            "NO_SHOOTOUT",
            format!("No mixes compete for {}.", song.title),
            "Open a shootout with `deadwax shootout open SONG --entrant NAME --entrant NAME`.",
        )
    })
}

async fn begin(c: &Context, entrants: &[String], blind: bool, place: &Where) -> Result<(), VerbError> {
    let (client, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    ask_allowed(&song.allowed, "open_shootout")?;
    let entrant_ids: Vec<String> =
        entrants.iter().map(|e| house.member(e).map(|m| m.person_id.clone())).collect::<Result<_, _>>()?;
    let shootout_id = new_id();
    let action = Action::OpenShootout(v1::OpenShootout {
        shootout_id: shootout_id.clone(),
        song_id: song.song_id.clone(),
        entrant_ids,
        blind,
    });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(&done, json!({ "shootout_id": shootout_id, "blind": blind }))
}

async fn show(c: &Context, place: &Where) -> Result<(), VerbError> {
    let (_, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let shootout = of_song(song)?;
    c.out.both(&told(&house, song, shootout), &row_json::shootout(shootout))
}

fn told(house: &House, song: &SongRow, shootout: &Shootout) -> String {
    let name =
        |id: &str| house.version_by_id(id).map_or_else(|| "a mix that you cannot see".into(), words::version);
    let state = if shootout.picked_version_id.is_empty() { "open" } else { "decided" };
    let blind = if shootout.blind { "blind" } else { "not blind" };
    let mut text = format!(
        "{}: {} mixes compete ({blind}, {state}), opened by {}",
        song.title,
        shootout.lines.len(),
        shootout.opened_by
    );
    for line in &shootout.lines {
        let engineer = if line.engineer.is_empty() { "hidden until the pick" } else { &line.engineer };
        let newest = if line.newest_version_id.is_empty() {
            let own = house.project.your_roles.contains(&(Role::MixEngineer as i32));
            let judges = ["cast_vote", "pick_mix"].iter().any(|it| ask_allowed(&song.allowed, it).is_ok());
            let hidden = own && !judges && shootout.picked_version_id.is_empty();
            if hidden { "nothing yet, or hidden until the pick".into() } else { "nothing yet".into() }
        } else {
            name(&line.newest_version_id)
        };
        let closed = if line.closed_with_thanks { " | closed with thanks" } else { "" };
        text += &format!("\n  {}: {engineer} | {newest}{closed}", line.letter);
    }
    text += &format!("\n  {} vote(s)", shootout.votes_cast);
    for vote in &shootout.votes {
        let ranking: Vec<String> = vote.ranking.iter().map(|id| name(id)).collect();
        let how = match (vote.blind, vote.matched_lufs) {
            (true, level) => format!("blind at {} LUFS", words::level(level)),
            (false, level) if level != 0.0 => format!("knowing which, at {} LUFS", words::level(level)),
            (false, _) => "knowing which".into(),
        };
        text +=
            &format!("\n  {} as {}: {} ({how})", vote.by, words::role(vote.role), ranking.join(" before "));
        if !vote.reason.is_empty() {
            text += &format!(": {}", crate::scrub::line(&vote.reason));
        }
    }
    if !shootout.picked_version_id.is_empty() {
        text += &format!("\n  {} picked {}", shootout.picked_by, name(&shootout.picked_version_id));
    }
    text
}

async fn fetch(c: &Context, out: Option<PathBuf>, place: &Where) -> Result<(), VerbError> {
    let profile = c.profile(&place.who)?;
    let (client, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let shootout = of_song(song)?;
    let lines: Vec<&Line> = shootout.lines.iter().filter(|l| !l.newest_version_id.is_empty()).collect();
    if lines.len() < 2 {
        // Whoever competes is not shown the others before the pick: waiting would not help.
        ask_allowed(&song.allowed, "cast_vote")
            .or_else(|no| ask_allowed(&song.allowed, "pick_mix").map_err(|_| no))?;
        return Err(VerbError::no(
            "NOTHING_TO_COMPARE",
            format!(
                "{} of {} lines of {} hold a mix that you may hear.",
                lines.len(),
                shootout.lines.len(),
                song.title
            ),
            "Wait until two engineers have uploaded theirs; see `deadwax shootout show`.",
        ));
    }
    // The same mixes keep their names: files that are there already stay right. Once it was told which is which, they are drawn anew.
    let kept = Key::load(&c.home, &profile, shootout)?.filter(|key| !key.revealed && key.is_of(&lines));
    let mut key = match kept {
        Some(key) => key,
        None => Key::draw(&shootout.shootout_id, &lines)?,
    };
    let folder = out.unwrap_or_else(|| {
        let plain = name::key(&song.title);
        PathBuf::from(format!("{}_Shootout", if plain.is_empty() { "Song" } else { &plain }))
    });
    make_folder(&folder)?;
    // What came from the server has names and lengths that would tell: it lies apart, and is gone at the end.
    let apart =
        tempfile::Builder::new().prefix(".deadwax-").tempdir_in(&folder).map_err(failed(&folder, "used"))?;
    let mut sources = Vec::new();
    for (index, mix) in key.mixes.iter().enumerate() {
        let file = main_of(&house, &mix.version_id)?;
        let of = (index + 1, key.mixes.len());
        sources.push(download(&client, &house, &mix.version_id, file, apart.path(), of).await?);
    }
    let made = apart.path().to_owned();
    let work = tokio::task::spawn_blocking(move || {
        let heard =
            sources.iter().map(|p| matched::listen(p).map_err(sound)).collect::<Result<Vec<Heard>, _>>()?;
        let common = matched::common(&heard)?;
        for (index, mix) in heard.iter().enumerate() {
            let bar = Bar::share(&format!("match X{}", index + 1));
            bar.step("", index as f64 / heard.len() as f64);
            matched::write(mix, &common, &made.join(format!("X{}.wav", index + 1))).map_err(sound)?;
        }
        Ok::<Common, VerbError>(common)
    });
    let common = work.await.map_err(|_| VerbError::Input("matching was cut short".into()))??;
    key.matched_lufs = common.lufs;
    // Kept before the files have their names: a name without its meaning would be worth nothing.
    key.save(&c.home, &profile)?;
    for mix in &key.mixes {
        let file = format!("{}.wav", mix.name);
        place_file(&folder, &file, &apart.path().join(&file))?;
        let path = folder.join(&file);
        c.out.both(
            &path.display().to_string(),
            &json!({
                "row": "blind_mix", "name": mix.name, "file": path.to_string_lossy(), "matched_lufs": common.lufs,
                "sample_rate": common.rate, "frames": common.frames,
            }),
        )?;
    }
    c.out.text(&format!(
        "Equally loud ({} LUFS) and equally long. Vote with `deadwax shootout vote {} X1 X2`, the best first.",
        words::level(common.lufs),
        song.position
    ))
}

fn sound(error: deadwax_dsp::DspError) -> VerbError {
    // Its path would name the file of the server; the sentence behind it says enough.
    let text = error.to_string();
    let told = text.rsplit_once(": ").map_or(text.as_str(), |(_, what)| what);
    VerbError::Input(format!("one of the mixes cannot be used: {told}"))
}

fn main_of<'a>(house: &'a House, version_id: &str) -> Result<&'a VersionFile, VerbError> {
    let version = house.version_by_id(version_id);
    let file = version.and_then(|v| v.files.iter().find(|f| f.alternate == "main"));
    match file {
        Some(file) if file.may_fetch => Ok(file),
        Some(_) => Err(VerbError::no(
            "ORIGINALS_CLOSED",
            "You may hear the mixes but not fetch them.",
            "Compare them in the client, or ask a manager for another role.",
        )),
        None => Err(VerbError::no(
            "NO_SUCH_VERSION",
            "One of the mixes is hidden from you.",
            "See `deadwax shootout show`.",
        )),
    }
}

async fn download(
    client: &Client,
    house: &House,
    version_id: &str,
    file: &VersionFile,
    folder: &std::path::Path,
    (index, count): (usize, usize),
) -> Result<PathBuf, VerbError> {
    let bytes = file.facts.as_ref().map_or(0, |f| f.bytes);
    let name = format!("source{index}");
    let wanted = Wanted {
        project_id: &house.project.project_id,
        version_id,
        sha256: &file.sha256,
        bytes,
        name: name.clone(),
    };
    let bar = Bar::bytes(&format!("mix {index} of {count}"), bytes);
    place_download(client, folder, &wanted, &|done, _| bar.set(done)).await?;
    Ok(folder.join(name))
}

/// The versions that were meant, by the names of the last fetch or by the letters of the lines; and whether it was blind.
struct Meant {
    version_ids: Vec<String>,
    by_names: bool,
}

fn meant(shootout: &Shootout, key: Option<&Key>, said: &[String]) -> Result<Meant, VerbError> {
    let is_name = |word: &str| {
        let word = word.trim();
        word.len() > 1 && word.starts_with(['X', 'x']) && word[1..].bytes().all(|b| b.is_ascii_digit())
    };
    let by_names = said.iter().any(|word| is_name(word));
    if by_names && !said.iter().all(|word| is_name(word)) {
        return Err(VerbError::Usage(
            "say all of them as they were fetched (X2 X1), or all by their lines (B A)".into(),
        ));
    }
    let mut version_ids: Vec<String> = Vec::new();
    for word in said {
        let id = if by_names {
            let key = key.ok_or_else(|| {
                VerbError::Usage("nothing was fetched here yet; see `deadwax shootout fetch`".into())
            })?;
            let list: Vec<&str> = key.mixes.iter().map(|m| m.name.as_str()).collect();
            let mix = key.mix(word).ok_or_else(|| {
                VerbError::Usage(format!("there is no {word:?}; what was fetched is {}", list.join(", ")))
            })?;
            mix.version_id.clone()
        } else {
            let fits = |l: &&Line| l.letter.eq_ignore_ascii_case(word.trim());
            let line = shootout.lines.iter().find(fits).ok_or_else(|| {
                let list: Vec<&str> = shootout.lines.iter().map(|l| l.letter.as_str()).collect();
                VerbError::Usage(format!("there is no line {word:?}; the lines are {}", list.join(", ")))
            })?;
            if line.newest_version_id.is_empty() {
                return Err(VerbError::no(
                    "NO_SUCH_VERSION",
                    format!("Line {} holds no mix that you can see.", line.letter),
                    "See `deadwax shootout show`.",
                ));
            }
            line.newest_version_id.clone()
        };
        if version_ids.contains(&id) {
            return Err(VerbError::Usage(format!("{word:?} stands there twice")));
        }
        version_ids.push(id);
    }
    Ok(Meant { version_ids, by_names })
}

async fn vote(
    c: &Context,
    said: &[String],
    reason: String,
    role: Option<&str>,
    yes: bool,
    place: &Where,
) -> Result<(), VerbError> {
    if said.is_empty() {
        return Err(VerbError::Usage("say the song, then the mixes, the best first: X2 X1".into()));
    }
    let profile = c.profile(&place.who)?;
    let (client, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let shootout = of_song(song)?;
    ask_allowed(&song.allowed, "cast_vote")?;
    let key = Key::load(&c.home, &profile, shootout)?;
    let meant = meant(shootout, key.as_ref(), said)?;
    let role = own_role(&house, role, &[Role::Artist, Role::Producer, Role::Label])?;
    let compared = key.filter(|_| meant.by_names);
    // An earlier vote is shown by the names of versions: whoever votes again may have looked.
    let blind = shootout.votes.is_empty() && compared.as_ref().is_some_and(|key| !key.revealed);
    if shootout.votes.iter().any(|it| it.blind) {
        let question = "You voted blind already; this vote is not blind. Replace the blind one?";
        c.out.confirm(question, yes).await?;
    }
    let action = Action::CastVote(v1::CastVote {
        song_id: song.song_id.clone(),
        role: role as i32,
        ranking: meant.version_ids,
        blind,
        matched_lufs: compared.map_or(0.0, |key| key.matched_lufs),
        reason,
    });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(&done, json!({ "ranking": said, "blind": blind, "role": words::role(role as i32) }))?;
    if blind {
        c.out.text("Which was which: `deadwax shootout reveal`.")?;
    }
    Ok(())
}

async fn reveal(c: &Context, place: &Where) -> Result<(), VerbError> {
    let profile = c.profile(&place.who)?;
    let (_, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let shootout = of_song(song)?;
    let Some(mut key) = Key::load(&c.home, &profile, shootout)? else {
        return Err(VerbError::no(
            "NOTHING_FETCHED",
            format!("Nothing of {} was fetched here to be compared.", song.title),
            "Fetch it with `deadwax shootout fetch`.",
        ));
    };
    // While it is open the server shows nobody's votes but one's own.
    if shootout.votes.is_empty() && shootout.picked_version_id.is_empty() {
        return Err(VerbError::no(
            "NOT_VOTED_YET",
            "You have not voted: once you know which is which, your vote is not blind.",
            "Vote first with `deadwax shootout vote SONG X2 X1`.",
        ));
    }
    key.revealed = true;
    key.save(&c.home, &profile)?;
    for mix in &key.mixes {
        let line = shootout.lines.iter().find(|l| l.letter == mix.letter);
        let engineer = line.map(|l| l.engineer.as_str()).filter(|e| !e.is_empty());
        let version = house.version_by_id(&mix.version_id).map(words::version);
        let by = engineer.map(|e| format!(" by {e}")).unwrap_or_default();
        c.out.both(
            &format!("{} was line {}, {}{by}", mix.name, mix.letter, version.as_deref().unwrap_or("a mix")),
            &json!({
                "row": "revealed", "name": mix.name, "letter": mix.letter, "version_id": mix.version_id, "engineer": engineer,
            }),
        )?;
    }
    Ok(())
}

async fn pick(
    c: &Context,
    mix: &str,
    reason: String,
    role: Option<&str>,
    yes: bool,
    place: &Where,
) -> Result<(), VerbError> {
    let profile = c.profile(&place.who)?;
    let (client, house) = enter(c, place).await?;
    let song = house.song(place.song.as_deref())?;
    let shootout = of_song(song)?;
    let key = Key::load(&c.home, &profile, shootout)?;
    let said = [mix.to_owned()];
    let meant = meant(shootout, key.as_ref(), &said)?;
    let Some(version) = meant.version_ids.first().and_then(|id| house.version_by_id(id)) else {
        return Err(VerbError::no(
            "NO_SUCH_VERSION",
            format!("{mix} is not here any more."),
            "Fetch the mixes again.",
        ));
    };
    let role = pick_role(&house, role)?;
    let question = format!("Pick {mix} for {}? The others are closed with thanks.", song.title);
    agree(c, &song.allowed, "pick_mix", &question, yes).await?;
    let action = Action::PickMix(v1::PickMix {
        song_id: song.song_id.clone(),
        version_id: version.version_id.clone(),
        role: role as i32,
        fingerprint: version.fingerprint.clone(),
        reason,
    });
    let done = client.perform(&house.project.project_id, action).await?;
    c.tell(&done, json!({ "version_id": version.version_id, "fingerprint": version.fingerprint }))
}

/// Whoever is of the label picks as the label.
fn pick_role(house: &House, said: Option<&str>) -> Result<Role, VerbError> {
    if said.is_none() && house.project.your_roles.contains(&(Role::Label as i32)) {
        return Ok(Role::Label);
    }
    own_role(house, said, &[Role::Label, Role::Producer, Role::Artist, Role::Manager])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shootout() -> Shootout {
        let line = |letter: &str, version: &str| Line {
            letter: letter.into(),
            newest_version_id: version.into(),
            ..Line::default()
        };
        Shootout {
            shootout_id: "s".into(),
            lines: vec![line("A", "va"), line("B", "vb"), line("C", "")],
            ..Shootout::default()
        }
    }

    fn words_of(said: &[&str]) -> Vec<String> {
        said.iter().map(|s| (*s).to_owned()).collect()
    }

    #[test]
    fn names_of_the_fetch_and_letters_of_the_lines_are_told_apart() {
        let shootout = shootout();
        let key: Key = toml::from_str(
            "shootout_id = \"s\"\nmatched_lufs = -18.5\nrevealed = false\n\
             [[mixes]]\nname = \"X1\"\nletter = \"B\"\nversion_id = \"vb\"\n\
             [[mixes]]\nname = \"X2\"\nletter = \"A\"\nversion_id = \"va\"\n",
        )
        .unwrap();
        let got = meant(&shootout, Some(&key), &words_of(&["x2", "X1"])).unwrap();
        assert!(got.by_names);
        assert_eq!(got.version_ids, ["va", "vb"]);
        let got = meant(&shootout, Some(&key), &words_of(&["b", "A"])).unwrap();
        assert!(!got.by_names);
        assert_eq!(got.version_ids, ["vb", "va"]);
        for wrong in [&["X1", "A"][..], &["X3"], &["D"], &["C"], &["A", "a"], &["X1", "x1"], &["Mix 2"]] {
            assert!(meant(&shootout, Some(&key), &words_of(wrong)).is_err(), "{wrong:?}");
        }
        assert!(meant(&shootout, None, &words_of(&["X1"])).is_err());
    }
}
