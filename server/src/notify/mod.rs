//! News that leave the studio: webhooks and mail. Two tasks over the ledger that read and never write it; whatever they speak to may hang or be
//! gone, and nothing here waits for it but its own next try. See DESIGN: only what its reader may see goes out (V-1).

pub mod address;
mod digest;
pub mod hooks;
mod kept;
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
use crate::studio::Studio;

/// Nothing here is so urgent that a second matters.
const TICK: Duration = Duration::from_secs(1);

/// Both tasks of one server.
pub struct Notifier {
    hooks: Hooks,
    mailer: Option<Mailer>,
}

impl Notifier {
    /// Reads what the settings name (authorities, the password), so that a mistake there is told before the server is open.
    pub fn of(studio: &Arc<Studio>) -> anyhow::Result<Self> {
        let config = &studio.config;
        let roots = Some(&config.webhooks.roots).filter(|roots| !roots.as_os_str().is_empty());
        let roots = roots.map(|roots| studio.folder.join(roots));
        let poster = Poster::new(config.webhooks.allow_private, roots.as_deref(), Arc::new(SystemResolver))?;
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
            shutdown: studio.closing.clone(),
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
            shutdown: studio.closing.clone(),
        });
        Ok(Self { hooks, mailer })
    }

    /// Runs until the server stops.
    pub async fn run(self) {
        let mail = async {
            if let Some(mailer) = self.mailer {
                mailer.run().await;
            }
        };
        tokio::join!(Box::pin(self.hooks.run()), Box::pin(mail));
    }
}
