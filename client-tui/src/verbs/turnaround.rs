//! Where the time went: a table and a bar for each song. The figures are the server's; drawing them is all that is done here.

use deadwax_proto::v1::{SongTurnaround, Stage, StageTime};
use serde_json::json;
use unicode_width::UnicodeWidthStr as _;

use super::{Context, VerbError, dates, studio, words};
use crate::{cli::InProject, scrub};

const TITLE_COLUMNS: usize = 22;
const BAR_COLUMNS: usize = 56;
/// The stages in which a song can stand and wait, each with the sign that its time is drawn with.
const STAGES: [(Stage, char); 3] = [(Stage::Recording, '.'), (Stage::Mixing, '#'), (Stage::Mastering, '=')];

pub async fn turnaround(c: &Context, at: &InProject) -> Result<(), VerbError> {
    let (client, house) = studio::enter(c, at).await?;
    let songs = client.turnaround(&house.project.project_id).await?;
    let now_ms = dates::now_ms();
    for song in &songs {
        c.out.object(&object(song))?;
    }
    if songs.is_empty() {
        return c.out.text("There is no song yet.");
    }
    c.out.text(&table(&songs, now_ms))?;
    c.out.text("")?;
    c.out.text(&chart(&songs, now_ms))
}

fn object(song: &SongTurnaround) -> serde_json::Value {
    let stages: Vec<_> = song
        .stages
        .iter()
        .map(|s| json!({ "stage": words::stage(s.stage), "from_ms": s.from_ms, "until_ms": s.until_ms }))
        .collect();
    json!({
        "row": "turnaround", "song_id": song.song_id, "title": song.title, "stages": stages, "rounds": song.rounds,
        "rounds_beyond_terms": song.rounds_beyond_terms, "versions": song.versions, "returns": song.returns,
        "waited_for_engineers_ms": song.waited_for_engineers_ms, "waited_for_reviewers_ms": song.waited_for_reviewers_ms,
    })
}

/// How long a song stood in a stage, all its stays together; where it still stands there, until now.
fn time_in(song: &SongTurnaround, stage: Stage, now_ms: i64) -> i64 {
    song.stages.iter().filter(|s| s.stage == stage as i32).map(|s| stay(s, now_ms)).sum()
}

fn stay(stay: &StageTime, now_ms: i64) -> i64 {
    let until_ms = if stay.until_ms == 0 { now_ms } else { stay.until_ms };
    until_ms.saturating_sub(stay.from_ms).max(0)
}

/// Cut and filled up to so many columns of the terminal, whatever the script.
fn column(text: &str, columns: usize) -> String {
    let text = scrub::cut(&scrub::line(text), columns);
    let fill = columns.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(fill))
}

/// Two figures at most: what is longer than a day needs no minutes.
fn table(songs: &[SongTurnaround], now_ms: i64) -> String {
    let mut text = format!(
        "{} {:>10} {:>10} {:>10} {:>6} {:>4} {:>4}",
        column("", TITLE_COLUMNS),
        "recording",
        "mixing",
        "mastering",
        "rounds",
        "vers",
        "back"
    );
    for song in songs {
        let rounds = match song.rounds_beyond_terms {
            0 => song.rounds.to_string(),
            beyond => format!("{} ({beyond})", song.rounds),
        };
        text += &format!("\n{}", column(&song.title, TITLE_COLUMNS));
        for (stage, _) in STAGES {
            text += &format!(" {:>10}", dates::span(time_in(song, stage, now_ms)));
        }
        text += &format!(" {rounds:>6} {:>4} {:>4}", song.versions, song.returns);
        text += &format!(
            "\n  waited for engineers {}, for reviewers {}",
            dates::span(song.waited_for_engineers_ms),
            dates::span(song.waited_for_reviewers_ms)
        );
    }
    if songs.iter().any(|s| s.rounds_beyond_terms > 0) {
        text += "\nIn brackets: rounds beyond the terms.";
    }
    text
}

/// One bar a song in the order in which it came to the stages, all on the same scale.
fn chart(songs: &[SongTurnaround], now_ms: i64) -> String {
    let sign = |value: i32| STAGES.iter().find(|(stage, _)| *stage as i32 == value).map(|(_, sign)| *sign);
    let total = |song: &SongTurnaround| -> i64 {
        song.stages.iter().filter(|s| sign(s.stage).is_some()).map(|s| stay(s, now_ms)).sum()
    };
    let longest = songs.iter().map(total).max().unwrap_or(0).max(1);
    let mut text = String::new();
    for song in songs {
        let mut bar = String::new();
        let mut done: i64 = 0;
        for (time, sign) in song.stages.iter().filter_map(|s| Some((stay(s, now_ms), sign(s.stage)?))) {
            done += time;
            // Where the stay ends on the scale; each that took time is seen, however short.
            let end = (done as f64 / longest as f64 * BAR_COLUMNS as f64).round() as usize;
            let end = end.max(bar.len() + usize::from(time > 0)).min(BAR_COLUMNS);
            while bar.len() < end {
                bar.push(sign);
            }
        }
        text += &format!("{} {bar}\n", column(&song.title, TITLE_COLUMNS));
    }
    let legend: Vec<String> =
        STAGES.iter().map(|(s, sign)| format!("{sign} {}", words::stage(*s as i32))).collect();
    text + &format!("{}; the longest bar is {}", legend.join("  "), dates::span(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn song(title: &str, stages: &[(Stage, i64, i64)]) -> SongTurnaround {
        SongTurnaround {
            title: title.into(),
            stages: stages
                .iter()
                .map(|(stage, from, until)| StageTime {
                    stage: *stage as i32,
                    from_ms: from * HOUR,
                    until_ms: until * HOUR,
                })
                .collect(),
            rounds: 3,
            rounds_beyond_terms: 1,
            ..SongTurnaround::default()
        }
    }

    fn songs() -> Vec<SongTurnaround> {
        vec![
            song(
                "夜のドライブ、とても長い題名のもう一つの例",
                &[
                    (Stage::Recording, 1, 25),
                    (Stage::Mixing, 25, 73),
                    (Stage::Mastering, 73, 79),
                    (Stage::Mixing, 79, 80),
                    (Stage::Mastering, 80, 97),
                    (Stage::Delivered, 97, 0),
                ],
            ),
            song("Lamps", &[(Stage::Recording, 1, 2), (Stage::Mixing, 2, 0)]),
        ]
    }

    #[test]
    fn stays_in_a_stage_add_up_and_the_last_one_lasts_until_now() {
        let songs = songs();
        assert_eq!(time_in(&songs[0], Stage::Mixing, 200 * HOUR), 49 * HOUR);
        assert_eq!(time_in(&songs[1], Stage::Mixing, 50 * HOUR), 48 * HOUR);
        assert_eq!(
            time_in(&songs[1], Stage::Mixing, HOUR),
            0,
            "a clock that runs behind shows no negative time"
        );
        let table = table(&songs, 50 * HOUR);
        assert!(table.contains("2 d 1 h") && table.contains("3 (1)"), "{table}");
    }

    #[test]
    fn it_fits_eighty_columns_and_delivered_songs_do_not_grow() {
        let at = |now| (table(&songs(), now * HOUR), chart(&songs(), now * HOUR));
        for text in [&at(97).0, &at(97).1, &at(5000).0, &at(5000).1] {
            for line in text.lines() {
                assert!(line.width() <= 80, "{} columns: {line}", line.width());
            }
        }
        let bar = |chart: &str| chart.lines().next().unwrap().trim_end().to_owned();
        assert_eq!(bar(&at(97).1), bar(&at(97).1));
        let chart = at(97).1;
        let first = chart.lines().next().unwrap();
        assert_eq!(
            first.matches(['.', '#', '=']).count(),
            BAR_COLUMNS,
            "the longest fills the scale: {first}"
        );
        let order: String = first.chars().filter(|c| ".#=".contains(*c)).collect();
        let mut runs: Vec<char> = order.chars().collect();
        runs.dedup();
        assert_eq!(runs, ['.', '#', '=', '#', '='], "a stage that it came back to stands there again");
    }

    #[test]
    fn a_song_without_time_draws_no_bar_and_divides_by_nothing() {
        let text = chart(&[song("New", &[])], 5 * HOUR);
        assert!(!text.lines().next().unwrap().contains(['.', '#', '=']), "{text}");
    }
}
