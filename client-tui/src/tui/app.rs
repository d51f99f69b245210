//! The loop: one bounded channel in, drain, then draw, only when something changed: after a key at once, for news at most every 16 ms. Ends with the person's
//! word, a signal, a terminal that went away or a panic; `terminal` gives back what was taken. Nothing is decided here.

use std::{
    io::{IsTerminal as _, Write as _, stdout},
    mem::ManuallyDrop,
    time::Duration,
};

use anyhow::Context as _;
use crossterm::event::{Event, EventStream};
use futures::StreamExt as _;
use ratatui::DefaultTerminal;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc::{self, Receiver, Sender},
    time::Instant,
};
use tokio_util::{
    sync::{CancellationToken, DropGuard},
    task::AbortOnDropHandle,
};

use super::{
    answers::{ASK_GROUND, Answers},
    clipboard, draw,
    effects::Runner,
    hands::Draft,
    model::{Link, Model, Notice},
    msg::{Effect, Msg},
    settings::{Colours, FILE, Settings, WaveStyle},
    terminal::{self, Taken, enter, is_lost, leave},
    update::{at_end, begin, update, wake_ms},
};
use crate::{cache::rows::Kept, net::Client, profile::Home};

/// The reader drains at once, so this fills only when the machine is overloaded; then the network waits instead of growing a queue.
const CHANNEL: usize = 256;
const FRAME: Duration = Duration::from_millis(16);
/// A message finds the clock of the model this close to the world's.
const CLOCK_MS: u64 = 100;
/// However the world's clock jumps, it is looked at this often.
const LOOK_MS: i64 = 60_000;
/// A text from an editor beyond this is not a note and not a recipe.
const EDITED_BYTES_MAX: u64 = 1 << 20;

/// The folder in which a text lives that was not sent.
const DRAFTS: &str = "drafts";

/// What this person keeps on this machine.
#[derive(Clone, Debug)]
pub struct Own {
    pub home: Home,
    /// The name of the profile.
    pub profile: String,
}

impl Own {
    fn draft(&self) -> Option<Draft> {
        let text = self.home.kept(DRAFTS, &self.profile).ok()??;
        toml::from_str(&text).ok()
    }

    /// Where it cannot be kept the text is still on the screen: nothing is told.
    fn keep(&self, draft: Option<&Draft>) {
        let text = draft.and_then(|it| toml::to_string(it).ok()).unwrap_or_default();
        drop(self.home.keep(DRAFTS, &self.profile, &text));
    }
}

/// Settings of the person's file, or the defaults and what is wrong in it.
fn settle(model: &mut Model, own: &Own) {
    let (settings, faults) = Settings::load(own.home.folder());
    model.settings = settings.in_environment(|name| std::env::var(name).ok());
    model.colour = model.settings.colours != Colours::None;
    if let Some(first) = faults.first() {
        let path = own.home.folder().join(FILE);
        let more = if faults.len() > 1 { format!(" And {} more.", faults.len() - 1) } else { String::new() };
        let text = format!("{}, line {}: {}{more}", path.display(), first.line, first.text);
        model.notice = Some(Notice::Refused {
            text: crate::scrub::line(&text),
            hint: format!("The defaults hold until it is mended: deadwax config check. {}", first.hint),
        });
    }
}

/// Runs the terminal client until the person leaves. `start` names a project by id or title. Answers whether the studio had ended the line for good.
///
/// # Errors
/// Where there is no terminal, or it cannot be drawn on. Trouble with the network is shown on the screen, never returned.
pub async fn run(
    client: Client,
    start: Option<String>,
    own: Own,
    kept: Option<Kept>,
) -> anyhow::Result<bool> {
    anyhow::ensure!(
        stdout().is_terminal() && std::io::stdin().is_terminal(),
        "the screens need a terminal; in a script use the verbs, for example `deadwax status`"
    );
    let (out, inbox) = mpsc::channel(CHANNEL);
    let mut model = Model::new((80, 24), now_ms(), uuid::Uuid::now_v7().as_u64_pair().1);
    settle(&mut model, &own);
    terminal::want_mouse(model.settings.mouse);
    // Never dropped: its own end complains aloud where the terminal is gone, and whoever complains to a terminal that is gone panics.
    let mut terminal = ManuallyDrop::new(enter().context("failed to take over the terminal")?);
    let taken = Taken;
    model.size = terminal.size().map(|it| (it.width, it.height)).unwrap_or((80, 24));
    model.zone = jiff::tz::TimeZone::system();
    if model.settings.wave == WaveStyle::Auto {
        model.settings.dots = terminal::dots();
    }
    if matches!(model.settings.wave, WaveStyle::Auto | WaveStyle::Pixels) {
        model.settings.pixels = terminal::pixels();
    }
    model.start = start;
    if model.colour && !model.settings.says_ground && terminal::answers() {
        // Nobody waits: the answer comes among the keys, or never.
        drop(terminal::say(ASK_GROUND));
    }
    let mut first = begin();
    if let Some(kept) = &kept {
        let told = Msg::Kept { start: kept.start().map(Box::new), unsent: kept.unsent() };
        first.extend(update(&mut model, told));
    }
    if let Some(draft) = own.draft() {
        first.extend(update(&mut model, Msg::Draft(Box::new(draft))));
    }
    let mut runner = Runner::new(client, out.clone(), kept);
    runner.signs(own.home.clone());
    first.push(Effect::Signing(super::signing::Order::Look));
    runner.listens(&model.settings);
    let ended = turn(&mut terminal, &mut model, (runner, first), (out, inbox), &own).await;
    drop(taken);
    match ended {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(error).context("failed to draw on the terminal")
        }
        _ => Ok(matches!(model.link, Link::Ended { .. })),
    }
}

async fn turn(
    terminal: &mut ManuallyDrop<DefaultTerminal>,
    model: &mut Model,
    (mut runner, mut waiting): (Runner, Vec<Effect>),
    (out, mut inbox): (Sender<Msg>, Receiver<Msg>),
    own: &Own,
) -> std::io::Result<()> {
    let mut keys = Some(listen(out.clone())?);
    let _others = signals(out.clone())?;
    let mut interrupts = Some(interrupts(out.clone())?);
    let mut next_frame = Instant::now();
    loop {
        for effect in std::mem::take(&mut waiting) {
            match effect {
                Effect::Edit { text, suffix } => {
                    // Two readers on one terminal would share its keys between them.
                    drop(keys.take());
                    leave();
                    // Ctrl-C belongs to the editor now. The handler stays, so nobody dies of it; one that listens anew hears only later ones.
                    drop(interrupts.take());
                    let outcome = edit(text, suffix).await;
                    interrupts = Some(self::interrupts(out.clone())?);
                    *terminal = ManuallyDrop::new(again()?);
                    keys = Some(listen(out.clone())?);
                    waiting.extend(update(model, Msg::Edited(outcome)));
                }
                Effect::Suspend => {
                    drop(keys.take());
                    leave();
                    asleep().await?;
                    *terminal = ManuallyDrop::new(again()?);
                    keys = Some(listen(out.clone())?);
                    let size = terminal.size()?;
                    waiting.extend(update(model, Msg::Tick(now_ms())));
                    waiting.extend(update(model, Msg::Resize(size.width, size.height)));
                }
                // A terminal that takes no clipboard drops it; that is not worth the session.
                Effect::Copy(text) => {
                    drop(terminal::say(&clipboard::sequence(&text, std::env::var_os("TMUX").is_some())));
                }
                Effect::Keep(draft) => own.keep(draft.as_ref()),
                other => runner.run(other),
            }
        }
        if model.quit {
            at_end(model).into_iter().for_each(|effect| runner.run(effect));
            runner.finish();
            return Ok(());
        }
        if is_lost() {
            return Err(std::io::Error::other("a part of the client failed; its message stands above"));
        }
        if model.dirty && Instant::now() >= next_frame {
            waiting.extend(show(terminal, model)?);
            next_frame = Instant::now() + FRAME;
        }
        let wake = Instant::now() + Duration::from_millis(left_ms(model));
        let until = if model.dirty { next_frame.min(wake) } else { wake };
        let first = tokio::time::timeout_at(until, inbox.recv()).await.unwrap_or(None);
        if first.is_some() || Instant::now() >= wake {
            let now_ms = now_ms();
            if now_ms.abs_diff(model.now_ms) >= CLOCK_MS {
                waiting.extend(update(model, Msg::Tick(now_ms)));
            }
        }
        let mut next = first;
        // At most one channel's worth, so that a flood of news cannot keep the screen from being drawn.
        for _ in 0..CHANNEL {
            let Some(msg) = next else { break };
            // Whoever presses a key sees it at once; only news waits for its frame.
            if matches!(msg, Msg::Key(_) | Msg::Mouse(_) | Msg::Paste(_) | Msg::Resize(..)) {
                next_frame = Instant::now();
            }
            waiting.extend(update(model, msg));
            next = inbox.try_recv().ok();
        }
    }
}

/// How long nothing happens by itself. Whoever sits idle is woken once a minute.
fn left_ms(model: &Model) -> u64 {
    wake_ms(model).saturating_sub(now_ms()).clamp(0, LOOK_MS).unsigned_abs()
}

/// The newest model onto the terminal.
fn show(terminal: &mut DefaultTerminal, model: &mut Model) -> std::io::Result<Vec<Effect>> {
    let mut drawn = (0, 0);
    terminal.draw(|frame| {
        drawn = (frame.area().width, frame.area().height);
        draw(model, frame);
    })?;
    model.dirty = false;
    // A window that changed since the model heard of it shows something else than the model knows; its news is on the way.
    Ok(if drawn == model.size { update(model, Msg::Shown) } else { Vec::new() })
}

/// Takes the terminal back. Not `Terminal::clear`: it asks the terminal where its cursor is, and one that went away meanwhile never answers. A new terminal
/// redraws everything on a blank screen.
fn again() -> std::io::Result<DefaultTerminal> {
    let terminal = enter()?;
    crossterm::execute!(stdout(), crossterm::terminal::Clear(crossterm::terminal::ClearType::All))?;
    Ok(terminal)
}

/// How long the own stop is waited for. Where it is refused the client goes on as if it had been brought back at once.
const STOP: Duration = Duration::from_millis(500);

/// Stops, and is back once somebody says so. Another thread may take the signal while this one still runs: what comes next waits for the word to go on, or the
/// terminal would be taken again under the hands of the shell.
async fn asleep() -> std::io::Result<()> {
    use rustix::process::Signal;
    let mut on = signal(SignalKind::from_raw(Signal::CONT.as_raw()))?;
    // The whole group, as the terminal itself would have done it: a shell script that started us stops too.
    let _ = rustix::process::kill_current_process_group(Signal::TSTP);
    let _ = tokio::time::timeout(STOP, on.recv()).await;
    Ok(())
}

fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// What comes from the terminal, on a thread of its own: of one that went away the library reads nothing for ever without giving the thread back, and the signal
/// that tells of it must be heard all the same. Dropped it stops; a thread that reads for ever goes with the program.
fn listen(out: Sender<Msg>) -> std::io::Result<DropGuard> {
    let stop = CancellationToken::new();
    let (stopped, quit) = (stop.clone(), out.clone());
    let reads = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(async {
            tokio::select! {
                biased;
                () = stopped.cancelled() => {}
                () = read(out) => {}
            }
        });
        Ok(())
    };
    std::thread::Builder::new().name("keys".into()).spawn(move || {
        let read: std::io::Result<()> = reads();
        if read.is_err() {
            drop(quit.blocking_send(Msg::Quit));
        }
    })?;
    Ok(stop.drop_guard())
}

async fn read(out: Sender<Msg>) {
    let mut events = EventStream::new();
    let mut answers = Answers::default();
    loop {
        let msg = match events.next().await {
            Some(Ok(Event::Key(key))) => {
                let heard = answers.take(key);
                let told = heard.keys.into_iter().map(Msg::Key).chain(heard.ground.map(Msg::Ground));
                for msg in told {
                    if out.send(msg).await.is_err() {
                        return;
                    }
                }
                continue;
            }
            Some(Ok(Event::Mouse(event))) => Msg::Mouse(event),
            Some(Ok(Event::Paste(text))) => Msg::Paste(text),
            Some(Ok(Event::Resize(columns, rows))) => Msg::Resize(columns, rows),
            Some(Ok(_)) => continue,
            // The terminal is gone.
            Some(Err(_)) | None => Msg::Quit,
        };
        let last = msg == Msg::Quit;
        if out.send(msg).await.is_err() || last {
            return;
        }
    }
}

/// SIGTERM and SIGHUP end the client as q does.
fn signals(out: Sender<Msg>) -> std::io::Result<AbortOnDropHandle<()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
        drop(out.send(Msg::Quit).await);
    })))
}

/// SIGINT comes only from outside, since Ctrl-C is a key here; it ends the client too, unless an editor has the terminal.
fn interrupts(out: Sender<Msg>) -> std::io::Result<AbortOnDropHandle<()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(AbortOnDropHandle::new(tokio::spawn(async move {
        interrupt.recv().await;
        drop(out.send(Msg::Quit).await);
    })))
}

/// The person's editor on a file that only they can read, removed afterwards.
async fn edit(text: String, suffix: &str) -> Result<String, String> {
    let file = tempfile::Builder::new().prefix("deadwax-").suffix(suffix).tempfile();
    let mut file = file.map_err(|error| error.to_string())?;
    file.write_all(text.as_bytes()).and_then(|()| file.flush()).map_err(|error| error.to_string())?;
    let named = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|it| !it.is_empty()));
    let command = named.unwrap_or_else(|| "vi".into());
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or("vi");
    let status = tokio::process::Command::new(program).args(words).arg(file.path()).status().await;
    let status = status.map_err(|error| format!("{program}: {error}"))?;
    if !status.success() {
        return Err(format!("{program} ended with {status}"));
    }
    let size = std::fs::metadata(file.path()).map_err(|error| error.to_string())?.len();
    if size > EDITED_BYTES_MAX {
        return Err("the text is longer than 1 MiB".into());
    }
    // Read by name: many editors replace the file instead of writing into it.
    std::fs::read_to_string(file.path()).map_err(|error| error.to_string())
}
