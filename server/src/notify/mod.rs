//! News that leave the studio: webhooks and mail. Two tasks over the ledger that read and never write it; whatever they speak to may hang or be
//! gone, and nothing here waits for it but its own next try. See DESIGN: only what its reader may see goes out (V-1).

pub mod address;
mod digest;
pub mod hooks;
pub mod kept;
pub mod letter;
pub mod mail;
pub mod mailer;
mod outbox;
pub mod pause;
pub mod post;
pub mod secret;
pub mod settings;

use std::{sync::Arc, time::Duration};

use self::{
    hooks::Hooks,
    mail::PostOffice,
    mailer::Mailer,
    post::{Poster, SystemResolver},
};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, studio::Studio};

/// Nothing here is so urgent that a second matters.
const TICK: Duration = Duration::from_secs(1);

/// Both tasks of one server.
pub struct Notifier {
    hooks: Hooks,
    mailer: Option<Mailer>,
}

impl Notifier {
    /// Reads what the settings name (authorities, the password), so that a mistake there is told before they count. Runs until `shutdown`.
    pub fn of(studio: &Arc<Studio>, config: &Config, shutdown: &CancellationToken) -> anyhow::Result<Self> {
        let roots = Some(&config.webhooks.roots).filter(|roots| !roots.as_os_str().is_empty());
        let roots = roots.map(|roots| studio.folder.join(roots));
        let poster = Poster::new(config.webhooks.bounds(), roots.as_deref(), Arc::new(SystemResolver))?;
        let people = Arc::clone(&studio.people);
        let hooks = Hooks {
            ledger: Arc::clone(&studio.ledger),
            clock: Arc::clone(&studio.clock),
            names: Arc::new(move || people.directory()),
            studio: config.name.clone(),
            folder: studio.folder.clone(),
            secrets: Arc::clone(&studio.webhook_secrets),
            poster,
            dice: pause::dice(),
            enabled: config.webhooks.enabled,
            tick: TICK,
            shutdown: shutdown.clone(),
            figures: studio.metrics.news.clone(),
        };
        let office = PostOffice::open(&config.mail, &studio.folder, &config.name)?;
        let mailer = office.map(|office| Mailer {
            ledger: Arc::clone(&studio.ledger),
            clock: Arc::clone(&studio.clock),
            people: Arc::clone(&studio.people),
            egress: Arc::clone(&studio.egress),
            studio: config.name.clone(),
            folder: studio.folder.clone(),
            office: Arc::new(office),
            digest_hour: config.mail.digest_hour,
            dice: pause::dice(),
            tick: TICK,
            shutdown: shutdown.clone(),
            figures: studio.metrics.news.clone(),
        });
        Ok(Self { hooks, mailer })
    }

    /// Runs until it is told to stop.
    pub async fn run(self) {
        let mail = async {
            if let Some(mailer) = self.mailer {
                mailer.run().await;
            }
        };
        tokio::join!(Box::pin(self.hooks.run()), Box::pin(mail));
    }
}

/// Until the server stops, each time with the settings that hold. Both tasks keep what they told in files, so that the next ones go on there.
pub async fn run(studio: Arc<Studio>, first: Notifier, first_stop: CancellationToken) {
    let mut settings = studio.current.watch();
    let (mut running, mut stop) = (tokio::spawn(first.run()), first_stop);
    loop {
        tokio::select! {
            () = studio.closing.cancelled() => break,
            changed = settings.changed() => if changed.is_err() { break },
        }
        let config = Arc::clone(&settings.borrow_and_update());
        let next = studio.closing.child_token();
        match Notifier::of(&studio, &config, &next) {
            Ok(notifier) => {
                stop.cancel();
                let _ended = running.await;
                (running, stop) = (tokio::spawn(notifier.run()), next);
            }
            // It could be used a moment ago, when the settings were read.
            Err(error) => {
                let error = format!("{error:#}");
                tracing::error!(error, "webhooks and mail go on with the settings from before");
            }
        }
    }
    let _ended = running.await;
}
