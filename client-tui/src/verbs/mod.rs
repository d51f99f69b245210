//! The verbs: one file for each kind of work. A verb reads its arguments, asks the server, prints through `out`. No rules of the studio here.

mod account;
mod archive;
mod config;
pub mod dates;
mod ddp;
mod error;
mod forget;
mod gate;
mod gate_rule;
pub(crate) mod handoff;
mod hearing;
pub mod house;
mod json;
pub(crate) mod key;
mod label_copy;
mod link;
mod man;
mod markers;
mod mastering;
mod offline;
mod out;
mod package;
pub mod pages;
mod paper;
pub(crate) mod place;
mod play;
pub(crate) mod pull;
pub(crate) mod push;
mod receipts;
mod received;
mod recipe;
pub(crate) mod record;
mod review;
mod rounds;
mod sections;
mod shootout;
mod sign_in;
mod spacing;
mod standing;
mod studio;
mod turnaround;
mod watch_folder;
pub mod words;

use std::{ffi::OsString, io::Write as _, process::ExitCode, sync::OnceLock};

use clap::{CommandFactory as _, Parser as _};
use deadwax_proto::v1::{PerformResponse, action::Action};
use serde_json::json;

pub(crate) use self::gate::is_only_told;
pub(crate) use self::label_copy::{picture_of, place_cover};
pub use self::{error::VerbError, out::Out};
use crate::{
    cache::rows::Kept,
    cli::{Cli, HandoffArgs, HandoffWork, Verb, Who},
    net::Client,
    profile::{Home, Profile},
    scrub,
};

/// What every verb gets.
pub struct Context {
    pub out: Out,
    pub home: Home,
    /// `--profile` before the verb.
    profile: Option<String>,
    /// What goes on in the studio when this program is stopped: told to whoever stops it.
    goes_on: OnceLock<[String; 2]>,
    /// Who the verb spoke for.
    used: OnceLock<Profile>,
}

impl Context {
    pub fn profile(&self, who: &Who) -> Result<Profile, VerbError> {
        let name = who.as_whom.as_deref().or(self.profile.as_deref());
        let profile = self.home.load(name)?;
        forget::when_due(self, &profile);
        if profile.token.is_none() {
            return Err(VerbError::no(
                "SIGNED_OUT",
                format!("The profile {:?} is signed out.", profile.name),
                "Sign in again with `deadwax login LINK`.",
            ));
        }
        drop(self.used.set(profile.clone()));
        Ok(profile)
    }

    pub fn profile_name(&self, who: &Who) -> Option<String> {
        who.as_whom.clone().or_else(|| self.profile.clone())
    }

    pub async fn client(&self, who: &Who) -> Result<Client, VerbError> {
        Ok(Client::connect(&self.profile(who)?).await?)
    }

    /// From here on a stop of this program stops nothing but the looking: what goes on, and the next step.
    pub fn goes_on(&self, what: String, hint: String) {
        // The first is what was begun; nothing later takes its place.
        drop(self.goes_on.set([what, hint]));
    }

    fn stopped(&self) -> VerbError {
        match self.goes_on.get() {
            Some([what, hint]) => VerbError::no("STOPPED", what.clone(), hint.clone()),
            None => VerbError::no("STOPPED", "Stopped.", ""),
        }
    }

    /// Asks for one change and tells its effects.
    pub async fn perform(
        &self,
        client: &Client,
        project_id: &str,
        action: Action,
    ) -> Result<PerformResponse, VerbError> {
        let done = client.perform(project_id, action).await?;
        self.tell(&done, json!({}))?;
        Ok(done)
    }

    /// The effects as sentences, or one object with `more` in it.
    pub fn tell(&self, done: &PerformResponse, more: serde_json::Value) -> Result<(), VerbError> {
        let mut object = json!({ "done": true, "seq": done.seq, "effects": done.effects });
        if let (Some(object), serde_json::Value::Object(more)) = (object.as_object_mut(), more) {
            object.extend(more);
        }
        let text = if done.effects.is_empty() { "Done.".to_owned() } else { done.effects.join("\n") };
        self.out.both(&text, &object)
    }
}

/// The whole program with the arguments given (the first is its name): for `main` and for another program that offers the same client.
pub fn main_with(args: Vec<OsString>) -> ExitCode {
    crate::fault::install();
    // Of arguments that could not be read it is not known which belong together; a program that asks for JSON writes this word.
    let in_json = args.iter().take_while(|arg| *arg != "--").any(|arg| arg == "--json");
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(e) => {
            // It quotes the arguments, and those may be names that somebody else gave a file (S-1).
            let text = scrub::block(e.render().to_string().trim_end());
            // A reader that went away is no error of ours.
            if e.use_stderr() && in_json {
                report(Out { json: true }, &VerbError::Usage(text));
            } else if e.use_stderr() {
                drop(writeln!(std::io::stderr(), "{text}"));
            } else {
                drop(writeln!(std::io::stdout(), "{text}"));
            }
            return ExitCode::from(u8::try_from(e.exit_code()).unwrap_or(2));
        }
    };
    let out = Out { json: cli.json };
    match run(cli, out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report(out, &error);
            ExitCode::from(error.exit_code())
        }
    }
}

fn report(out: Out, error: &VerbError) {
    if matches!(error, VerbError::Pipe | VerbError::Said(_)) {
        return;
    }
    let mut text = format!("deadwax: {error}");
    if !error.hint().is_empty() {
        text += &format!("\n{}", error.hint());
    }
    if out.json {
        let object = json!({
            "error": error.reason(), "text": error.to_string(), "hint": error.next_step(), "exit_code": error.exit_code(),
        });
        out.aside(&object.to_string());
    } else {
        out.aside(&text);
    }
}

fn run(cli: Cli, out: Out) -> Result<(), VerbError> {
    let context = Context {
        out,
        home: Home::find()?,
        profile: cli.profile,
        goes_on: OnceLock::new(),
        used: OnceLock::new(),
    };
    let done = match cli.verb {
        Some(verb) => run_verb(&context, verb),
        None => screens(&context),
    };
    forget::after(&context, &done);
    done
}

fn run_verb(context: &Context, verb: Verb) -> Result<(), VerbError> {
    // The offline verbs need no runtime; a stop by the terminal leaves their unfinished files unnamed.
    match verb {
        Verb::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "deadwax", &mut text);
            Out { json: false }.text(String::from_utf8_lossy(&text).trim_end())
        }
        Verb::Measure { files } => offline::measure(context, &files),
        Verb::Check { files, profile } => offline::check(context, &files, &profile),
        Verb::Master(master) => offline::master(context, &master),
        Verb::Compare { a, b, stem } => offline::compare(context, &a, &b, &stem),
        Verb::Sheet { before, after, report } => offline::sheet(context, &before, &after, report.as_deref()),
        Verb::Waveform { file, width } => offline::waveform(context, &file, width),
        Verb::Ddp { verb } => ddp::ddp(context, &verb),
        Verb::Config { verb } => config::config(context, verb),
        Verb::Man(asked) => man::man(context, &asked),
        Verb::Verify(asked) => receipts::verify(context, &asked),
        Verb::Play(asked) => play::play(context, &asked),
        Verb::Handoff(HandoffArgs { work: Some(HandoffWork::Check { file }), .. }) => {
            handoff::check(context, &file)
        }
        online => {
            let runtime = tokio::runtime::Runtime::new().map_err(VerbError::Out)?;
            // Whoever watches a folder ends it so: that is no failure.
            let until_stopped = matches!(online, Verb::WatchFolder(_));
            let ended = runtime.block_on(async {
                tokio::select! {
                    ended = Box::pin(go(context, online)) => ended,
                    _ = tokio::signal::ctrl_c() => match until_stopped {
                        true => Ok(()),
                        false => Err(context.stopped()),
                    },
                }
            });
            // A file that is still being read must not hold up the end.
            runtime.shutdown_background();
            ended
        }
    }
}

/// Without a verb. The server need not be there: the screens say so and try again.
fn screens(context: &Context) -> Result<(), VerbError> {
    if context.out.json {
        return Err(VerbError::Usage("--json goes with a verb; see `deadwax --help`".into()));
    }
    let profile = context.profile(&Who::default())?;
    // One thread for the line beside that of the screens: what decodes or hashes has threads of its own, and each further one would keep memory of its own.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().map_err(VerbError::Out)?;
    let ended = runtime.block_on(async {
        let client = Client::connect_lazy(&profile)?;
        let kept = Kept::of(&context.home, &profile);
        let own = crate::tui::Own { home: context.home.clone(), profile: profile.name.clone() };
        let is_over = crate::tui::run(client.clone(), None, own, Some(kept)).await;
        if is_over.map_err(|e| VerbError::Usage(format!("{e:#}")))? && profile.forget {
            // Asked once more: the screens end for other reasons too.
            if let Err(over) = client.who_am_i().await.map_err(VerbError::from)
                && over.reason() == forget::ENDED
            {
                forget::now(context, &profile);
            }
        }
        Ok(())
    });
    runtime.shutdown_background();
    ended
}

async fn go(c: &Context, verb: Verb) -> Result<(), VerbError> {
    match verb {
        Verb::Login { url, trust, files, device, passphrase_file, who } => {
            sign_in::login(c, sign_in::Asked { url, trust, files, device, passphrase_file }, &who).await
        }
        Verb::Passphrase { current_file, new_file, end_others, who } => {
            sign_in::passphrase(c, sign_in::Wanted { current_file, new_file, end_others }, &who).await
        }
        Verb::EndAccess { email, leave_projects, yes, who } => {
            sign_in::end_access(c, &email, leave_projects, yes, &who).await
        }
        Verb::Mail { choice, who } => account::mail(c, choice, &who).await,
        Verb::Logout { here_only, who } => account::logout(c, here_only, &who).await,
        Verb::Status { place } => account::status(c, &place).await,
        Verb::Desk { who } => account::desk(c, &who).await,
        Verb::Project { verb } => account::project(c, verb).await,
        Verb::Song { verb } => account::song(c, verb).await,
        Verb::Invite { name, email, roles, project, who } => {
            account::invite(c, name, email, &roles, project, &who).await
        }
        Verb::Link { verb } => link::link(c, verb).await,
        Verb::Push(push) => push::push(c, push).await,
        Verb::Pull(pull) => pull::pull(c, pull).await,
        verb @ Verb::Note { .. } => review::note(c, verb).await,
        Verb::Sections { verb } => sections::sections(c, verb).await,
        Verb::Notes { verb } => review::notes(c, verb).await,
        Verb::Approve { role, fingerprint, yes, no_key, which } => {
            review::approve(c, role, fingerprint, (yes, no_key), &which).await
        }
        Verb::Withdraw { place } => review::withdraw(c, &place).await,
        Verb::Hold { reason, role, place } => review::hold(c, reason, role, &place).await,
        Verb::Lift { place } => review::lift(c, &place).await,
        Verb::RequestRevision(asked) => rounds::request_revision(c, asked).await,
        Verb::Swap(asked) => rounds::swap(c, asked).await,
        Verb::PutForward { version, reason, yes, place } => {
            rounds::put_forward(c, &version, reason, yes, &place).await
        }
        Verb::Gate { verb } => gate::gate(c, verb).await,
        Verb::Shootout { verb } => shootout::shootout(c, verb).await,
        Verb::Preflight { verb } => studio::preflight(c, verb).await,
        // Boxed: the largest of all, and every verb would be as large as it.
        Verb::Spacing { verb } => Box::pin(spacing::spacing(c, verb)).await,
        Verb::LabelCopy { verb } => label_copy::label_copy(c, verb).await,
        Verb::Heard(asked) => hearing::heard(c, asked).await,
        Verb::Follow(asked) => hearing::follow(c, asked).await,
        Verb::Webhook { verb } => hearing::webhook(c, verb).await,
        Verb::Member { verb } => studio::member(c, verb).await,
        Verb::Turnaround { at } => turnaround::turnaround(c, &at).await,
        Verb::Received(asked) => received::received(c, asked).await,
        Verb::Handoff(asked) => handoff::handoff(c, asked).await,
        Verb::Render { verb } => mastering::render(c, verb).await,
        Verb::Changes(asked) => pages::changes(c, &asked).await,
        Verb::Recipe { verb } => recipe::recipe(c, verb).await,
        Verb::Deliver { place } => mastering::deliver(c, &place).await,
        Verb::Record { verb } => record::record(c, verb).await,
        Verb::Export { folder, no_audio, place } => archive::export(c, folder, no_audio, &place).await,
        Verb::Key { verb } => key::key(c, verb).await,
        Verb::Receipts { of } => receipts::receipts(c, of).await,
        Verb::Evidence(asked) => receipts::evidence(c, asked).await,
        Verb::History { limit, place } => archive::history(c, limit, &place).await,
        Verb::WatchFolder(asked) => watch_folder::watch_folder(c, asked).await,
        Verb::Watch { place } => archive::watch(c, &place).await,
        Verb::Completions { .. }
        | Verb::Measure { .. }
        | Verb::Check { .. }
        | Verb::Man(_)
        | Verb::Verify(_)
        | Verb::Play(_)
        | Verb::Master(_)
        | Verb::Compare { .. }
        | Verb::Sheet { .. }
        | Verb::Waveform { .. }
        | Verb::Ddp { .. }
        | Verb::Config { .. } => Ok(()),
    }
}
