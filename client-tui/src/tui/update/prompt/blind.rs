//! Listening without knowing to what: which of two X is, or all mixes that compete, ranked under letters. Always level-matched: the louder one would win.
//! Chance comes from the model's own generator. Nothing tells what sounds until it is over.

use crossterm::event::{KeyCode, KeyEvent};
use deadwax_proto::v1::VersionRow;

use super::Next;
use crate::{
    play::{Deck, Level, Order, Track},
    tui::{
        ask::Hidden,
        keys::Verb,
        model::{Ask, BlindAsk, BlindKind, Model, Notice, Prompt, Screen},
        msg::Effect,
        player::{self, frame_of},
        rows::{May, Project},
        update::{act, listen, read},
    },
};

/// How far `<` and `>` go.
const STEP_US: u64 = 5_000_000;
/// More mixes have no key of their own.
const MIXES_MAX: usize = 9;

pub(in crate::tui::update) fn open(model: &mut Model) -> Vec<Effect> {
    let (project, song) = match model.top() {
        Screen::Song(view) => (view.project.clone(), view.song.clone()),
        Screen::Compare(view) => (view.project.clone(), view.song.clone()),
        _ => return read::tell(model, "Blind listening begins on a song: open it first."),
    };
    let Some(rows) = model.projects.get(&project) else { return Vec::new() };
    let mixes = player::competing(rows, &song);
    if mixes.len() >= 2 && matches!(model.top(), Screen::Song(_)) {
        let tracks: Vec<Track> = mixes.iter().filter_map(|it| main(&project, it)).take(MIXES_MAX).collect();
        if tracks.len() >= 2 {
            return rank(model, project, song, tracks);
        }
    }
    match two(model) {
        Some(tracks) if tracks[0] != tracks[1] => abx(model, project, song, tracks),
        _ => read::tell(
            model,
            "Two are needed: hear one, choose another version (Tab, ↓) or alternate (.), then press b.",
        ),
    }
}

fn main(project: &str, version: &VersionRow) -> Option<Track> {
    player::track(project, version, version.files.first()?)
}

/// What is looked at, and what was heard before it; else the version before.
fn two(model: &Model) -> Option<[Track; 2]> {
    match model.top() {
        Screen::Compare(view) => {
            let rows = model.projects.get(&view.project)?;
            let track = |chosen: &crate::tui::model::Chosen| {
                let version = rows.version(&chosen.version)?;
                player::track(&view.project, version, player::file_of(version, &chosen.alternate)?)
            };
            Some([track(&view.a)?, track(&view.b)?])
        }
        Screen::Song(view) => {
            let rows: &Project = model.projects.get(&view.project)?;
            let version = view.version(rows)?;
            let here = player::track(&view.project, version, view.file(version)?)?;
            let mine = model.player.is_on(&view.project, &view.song);
            let heard = [model.player.track(), model.player.before.as_ref()];
            let before = heard.into_iter().flatten().find(|it| mine && **it != here).cloned();
            let older = || read::before(rows, version).and_then(|it| main(&view.project, it));
            Some([before.or_else(older)?, here])
        }
        _ => None,
    }
}

/// Where listening begins: where the sound is, else the cursor.
fn begin_us(model: &Model, project: &str, song: &str) -> u64 {
    let at = model.player.at_us().filter(|_| model.player.is_on(project, song));
    at.unwrap_or_else(|| match model.top() {
        Screen::Song(view) => {
            view.range().map_or_else(|| view.cursor(), |(start, _)| start.saturating_mul(1000))
        }
        Screen::Compare(view) => view.cursor_us,
        _ => 0,
    })
}

fn start(
    model: &mut Model,
    project: String,
    song: String,
    tracks: Vec<Track>,
    how: BlindKind,
) -> Vec<Effect> {
    let level = std::mem::replace(&mut model.player.level, Level::Matched);
    let looped = model.player.status.as_ref().and_then(|it| it.looped);
    let at_us = begin_us(model, &project, &song);
    let ask = BlindAsk {
        project: project.clone(),
        song: song.clone(),
        tracks: (0..tracks.len()).collect(),
        how,
        heard: 0,
        level,
        problem: None,
    };
    let mut effects = vec![listen::order(Order::Level(Level::Matched))];
    let deck = Deck::Side { tracks, heard: 0 };
    effects.extend(listen::load(model, Some(deck), (project, song), at_us, true));
    // A range that was looped stays so: a short stretch is where ears tell best.
    effects.extend(looped.map(|it| listen::order(Order::Loop(Some(it)))));
    model.prompt = Some(Prompt { ask: Ask::Blind(Box::new(ask)), shown: false });
    effects
}

fn abx(model: &mut Model, project: String, song: String, tracks: [Track; 2]) -> Vec<Effect> {
    let how = BlindKind::Abx {
        names: [tracks[0].label.clone(), tracks[1].label.clone()],
        x: coin(model),
        right: 0,
        rounds: 0,
        told: None,
        listened: false,
    };
    start(model, project, song, tracks.into(), how)
}

fn coin(model: &mut Model) -> usize {
    // The highest bit of the generator is its best.
    usize::from(model.ids.draw() >> 63 == 1)
}

/// Fisher and Yates.
fn rank(model: &mut Model, project: String, song: String, mut tracks: Vec<Track>) -> Vec<Effect> {
    for last in (1..tracks.len()).rev() {
        let to = model.ids.draw() % (last as u64 + 1);
        tracks.swap(last, usize::try_from(to).unwrap_or(0));
    }
    let levels = tracks.iter().map(|it| it.lufs).filter(|it| it.is_finite());
    let matched_lufs = levels.fold(f64::INFINITY, f64::min);
    let hidden = Hidden {
        versions: tracks.iter().map(|it| it.version_id.clone()).collect(),
        matched_lufs: if matched_lufs.is_finite() { matched_lufs } else { 0.0 },
    };
    let mut heard = vec![false; tracks.len()];
    heard[0] = true;
    let how = BlindKind::Rank { order: (0..tracks.len()).collect(), at: 0, hidden, heard };
    start(model, project, song, tracks, how)
}

/// Back to how it was; the sound stops, since it would now be told what it is.
fn ended(model: &mut Model, level: Level) -> Vec<Effect> {
    model.player.level = level;
    model.player.playing = false;
    vec![listen::order(Order::Pause), listen::order(Order::Level(level))]
}

pub(super) fn key(model: &mut Model, mut ask: Box<BlindAsk>, event: KeyEvent) -> Next {
    ask.problem = None;
    match event.code {
        KeyCode::Esc | KeyCode::Char('q') => {
            let effects = ended(model, ask.level);
            if let BlindKind::Abx { right, rounds: rounds @ 1.., .. } = ask.how {
                model.notice = Some(Notice::Tell(format!("Blind: {}.", verdict(right, rounds))));
            }
            return Next::All(None, effects);
        }
        KeyCode::Char(' ') => {
            model.player.playing = !model.player.playing;
            let order = if model.player.playing { Order::Play } else { Order::Pause };
            return Next::All(Some(Ask::Blind(ask)), vec![listen::order(order)]);
        }
        KeyCode::Char(c @ ('<' | '>')) => {
            let here = model.player.at_us().unwrap_or(0);
            let us = if c == '<' { here.saturating_sub(STEP_US) } else { here.saturating_add(STEP_US) };
            let at = frame_of(us, model.player.rate());
            let effects = listen::seek(model, at);
            return Next::All(Some(Ask::Blind(ask)), effects);
        }
        _ => {}
    }
    match ask.how {
        BlindKind::Abx { .. } => abx_key(model, ask, event),
        BlindKind::Rank { .. } => rank_key(model, ask, event),
    }
}

fn abx_key(model: &mut Model, mut ask: Box<BlindAsk>, event: KeyEvent) -> Next {
    let BlindKind::Abx { x, right, rounds, told, listened, .. } = &mut ask.how else { return Next::Close };
    let mut hear = None;
    match event.code {
        KeyCode::Char('a') => hear = Some((0, 0)),
        KeyCode::Char('b') => hear = Some((1, 1)),
        KeyCode::Char('x') => {
            *listened = true;
            hear = Some((2, *x));
        }
        KeyCode::Char('1' | '2') if !*listened => {
            ask.problem = Some("Listen to X first: x.".into());
        }
        KeyCode::Char(answer @ ('1' | '2')) => {
            let says = usize::from(answer == '2');
            let is = says == *x;
            *rounds += 1;
            *right += u32::from(is);
            *told = Some(is);
            *listened = false;
            *x = coin(model);
            // Always the same one next: going on with X would tell whether it is another now.
            hear = Some((0, 0));
        }
        _ => {}
    }
    let mut effects = Vec::new();
    if let Some((button, track)) = hear {
        ask.heard = button;
        effects.extend(listen::hear(model, track));
    }
    Next::All(Some(Ask::Blind(ask)), effects)
}

fn rank_key(model: &mut Model, mut ask: Box<BlindAsk>, event: KeyEvent) -> Next {
    let BlindKind::Rank { order, at, heard, .. } = &mut ask.how else { return Next::Close };
    let last = order.len().saturating_sub(1);
    let mut hear = None;
    match event.code {
        KeyCode::Char(c @ '1'..='9') => {
            let track = usize::from(c as u8 - b'1');
            hear = (track <= last).then_some(track);
        }
        KeyCode::Up | KeyCode::Char('k') => *at = at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => *at = (*at + 1).min(last),
        KeyCode::Char('x') => hear = order.get(*at).copied(),
        KeyCode::Char('+' | 'K') if *at > 0 => {
            order.swap(*at, *at - 1);
            *at -= 1;
        }
        KeyCode::Char('-' | 'J') if *at < last => {
            order.swap(*at, *at + 1);
            *at += 1;
        }
        KeyCode::Enter => {
            if let Some(missing) = heard.iter().position(|it| !it) {
                ask.problem = Some(format!("X{} was not heard yet: {}.", missing + 1, missing + 1));
                return Next::Keep(Ask::Blind(ask));
            }
            return vote(model, ask);
        }
        _ => {}
    }
    let mut effects = Vec::new();
    if let Some(track) = hear {
        if let Some(it) = heard.get_mut(track) {
            *it = true;
        }
        ask.heard = track;
        effects.extend(listen::hear(model, track));
    }
    Next::All(Some(Ask::Blind(ask)), effects)
}

/// On to the vote, with the order that was found blind.
fn vote(model: &mut Model, mut ask: Box<BlindAsk>) -> Next {
    let subject = act::subject(model);
    let refused = match act::may(model, subject.as_ref(), Verb::Vote) {
        May::No(no) => Some(format!("{} {}", no.text, no.hint)),
        May::Yes | May::Unsaid => None,
    };
    if let Some(why) = refused {
        ask.problem = Some(why);
        return Next::Keep(Ask::Blind(ask));
    }
    let prepared =
        subject.ok_or("The song is not here any more.").and_then(|it| super::shootout::vote(model, &it));
    let BlindKind::Rank { order, hidden, .. } = &ask.how else { return Next::Close };
    match prepared {
        Ok(Ask::Vote(mut vote)) => {
            let found: Vec<String> =
                order.iter().filter_map(|at| hidden.versions.get(*at)).cloned().collect();
            // What came meanwhile was not heard, and is not ranked.
            vote.order.retain(|id| found.contains(id));
            vote.order.sort_by_key(|id| found.iter().position(|it| it == id));
            vote.blind = Some(hidden.clone());
            vote.replaces_blind = false;
            vote.writing = true;
            let effects = ended(model, ask.level);
            Next::All(Some(Ask::Vote(vote)), effects)
        }
        Ok(_) => Next::Close,
        Err(why) => {
            ask.problem = Some(why.to_owned());
            Next::Keep(Ask::Blind(ask))
        }
    }
}

/// "9 of 10 right, p = 0.011: hardly chance".
pub fn verdict(right: u32, rounds: u32) -> String {
    let p = chance(right, rounds);
    let means = match p {
        _ if rounds < 5 => "too few to tell",
        it if it < 0.05 => "hardly chance",
        _ => "as chance would have it",
    };
    let figure = if p < 0.001 { "under 0.001".to_owned() } else { format!("{p:.3}") };
    let sign = if p < 0.001 { "p" } else { "p =" };
    format!("{right} of {rounds} right, {sign} {figure}: {means}")
}

/// How likely it is to be right at least so often by tossing a coin.
pub fn chance(right: u32, rounds: u32) -> f64 {
    // Terms of the binomial series from the top down, as logarithms: 2^-rounds alone would vanish.
    let mut log_term = -f64::from(rounds) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for k in (right..=rounds).rev() {
        if k < rounds {
            // C(n, k) from C(n, k + 1).
            log_term += f64::from(k + 1).ln() - f64::from(rounds - k).ln();
        }
        sum += log_term.exp();
    }
    if right == 0 { 1.0 } else { f64::min(sum, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_the_tail_of_a_tossed_coin() {
        assert_eq!(chance(0, 0), 1.0);
        assert_eq!(chance(0, 7), 1.0);
        assert!((chance(1, 1) - 0.5).abs() < 1e-12);
        assert!((chance(5, 5) - 1.0 / 32.0).abs() < 1e-12);
        // The tables of ABX: 12 of 16 is the classic line.
        assert!((chance(12, 16) - 0.038_406_372).abs() < 1e-6);
        assert!((chance(9, 10) - 0.010_742_187).abs() < 1e-6);
        assert!((chance(1000, 2000) - 0.508_92).abs() < 1e-3);
    }

    #[test]
    fn the_verdict_says_what_the_figure_means() {
        assert_eq!(verdict(9, 10), "9 of 10 right, p = 0.011: hardly chance");
        assert_eq!(verdict(5, 10), "5 of 10 right, p = 0.623: as chance would have it");
        assert_eq!(verdict(3, 3), "3 of 3 right, p = 0.125: too few to tell");
        assert_eq!(verdict(20, 20), "20 of 20 right, p under 0.001: hardly chance");
    }
}
