//! News that leave the studio: webhooks and mail. Two tasks over the ledger that read and never write it; whatever they speak to may hang or be
//! gone, and nothing here waits for it but its own next try. Of several servers one at a time tells, by a lease for each, and what was told lies where the next one
//! finds it. Only what its reader may see goes out (V-1). Never here: what is told.

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

use std::{path::PathBuf, sync::Arc, time::Duration};

use self::{
    hooks::Hooks,
    kept::Place,
    mail::PostOffice,
    mailer::Mailer,
    post::{Poster, SystemResolver},
};
use tokio_util::sync::CancellationToken;

use crate::{config::Config, leases::Leasing, store::neighbours::Neighbours, studio::Studio};

/// Nothing here is so urgent that a second matters.
const TICK: Duration = Duration::from_secs(1);

const WEBHOOKS: &str = "news/webhooks";
const MAIL: &str = "news/mail";

/// Both tasks of one server.
pub struct Notifier {
    hooks: Hooks,
    mailer: Option<Mailer>,
    /// Where there may be other servers.
    among: Option<Among>,
}

/// How one of several servers tells at a time.
struct Among {
    leasing: Leasing,
    neighbours: Arc<dyn Neighbours>,
    folder: PathBuf,
}

impl Among {
    async fn alone<F: Future<Output = ()> + Send>(
        &self,
        key: &str,
        stop: &CancellationToken,
        begin: impl Fn(Place, CancellationToken) -> F,
    ) {
        let place = |lease| {
            let (neighbours, before) = (Arc::clone(&self.neighbours), self.folder.clone());
            Place::Shared { neighbours, lease, before }
        };
        self.leasing.one_at_a_time(key, stop, |lease, mine| begin(place(lease), mine)).await;
    }
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
            kept: Place::Folder(studio.folder.clone()),
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
            kept: Place::Folder(studio.folder.clone()),
            office: Arc::new(office),
            digest_hour: config.mail.digest_hour,
            dice: pause::dice(),
            tick: TICK,
            shutdown: shutdown.clone(),
            figures: studio.metrics.news.clone(),
        });
        let among = studio.store.neighbours().map(|neighbours| Among {
            leasing: studio.leasing.clone(),
            neighbours,
            folder: studio.folder.clone(),
        });
        Ok(Self { hooks, mailer, among })
    }

    /// Runs until it is told to stop.
    pub async fn run(self) {
        let Self { hooks, mailer, among } = self;
        let Some(among) = among else {
            let mail = async {
                if let Some(mailer) = mailer {
                    mailer.run().await;
                }
            };
            tokio::join!(Box::pin(hooks.run()), Box::pin(mail));
            return;
        };
        let told = among.alone(WEBHOOKS, &hooks.shutdown, |kept, shutdown| {
            let hooks = Hooks { kept, shutdown, ..hooks.clone() };
            async move {
                match hooks.enabled {
                    true => hooks.run().await,
                    // Given back at once: at another server they may be switched on.
                    false => hooks.skip().await,
                }
            }
        });
        let mailed = async {
            let Some(mailer) = &mailer else { return };
            let begin = |kept, shutdown| Mailer { kept, shutdown, ..mailer.clone() }.run();
            among.alone(MAIL, &mailer.shutdown, begin).await;
        };
        tokio::join!(Box::pin(told), Box::pin(mailed));
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
