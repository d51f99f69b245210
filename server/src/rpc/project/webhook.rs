//! What the wire asks about webhooks beyond the rules: whether an address may be called from this studio, and a webhook's secret. Never here: the
//! key itself, and sending.

use std::sync::Arc;

use deadwax_domain::{Command, Reason, Refusal, Role, Roles, WebhookId};
use deadwax_proto::v1;
use sha2::{Digest as _, Sha256};
use tonic::Status;

use super::Service;
use crate::{
    notify::{address, secret::Secrets},
    status,
    studio::Studio,
    wire,
};

/// What a studio lets its webhooks do.
#[derive(Clone)]
pub struct Webhooks {
    secrets: Arc<Secrets>,
    bounds: address::Bounds,
}

impl Webhooks {
    pub fn of(studio: &Studio) -> Self {
        let bounds = studio.config().webhooks.bounds();
        Self { secrets: Arc::clone(&studio.webhook_secrets), bounds }
    }

    /// The shape of an address, before the rules are asked: what is set here is called by this machine.
    pub fn check(&self, command: &Command) -> Result<(), Refusal> {
        match command {
            Command::SetWebhook { url, .. } => address::check(url, &self.bounds).map(drop),
            _ => Ok(()),
        }
    }
}

/// The order in which a blind shootout names its engineers is the order of its lines: whoever opens it must not know it. Drawn from the studio's secret,
/// so that the same request gives the same order.
pub fn shuffled(secrets: Option<&Webhooks>, command: &mut Command) -> anyhow::Result<()> {
    let (Some(studio), Command::OpenShootout { shootout, entrants, blind: true, .. }) = (secrets, command)
    else {
        return Ok(());
    };
    let secret = studio.secrets.secret(shootout.0)?;
    entrants.sort_by_cached_key(|person| {
        let mut hash = Sha256::new();
        hash.update(b"deadwax-line-1\n");
        hash.update(secret.as_bytes());
        hash.update(person.0.to_be_bytes());
        <[u8; 32]>::from(hash.finalize())
    });
    Ok(())
}

impl Service {
    pub(super) async fn secret_of_webhook(
        &self,
        person: deadwax_domain::PersonId,
        asked: &v1::WebhookSecretRequest,
    ) -> Result<v1::WebhookSecretResponse, Status> {
        let project = super::project_id(&asked.project_id)?;
        let id =
            wire::action::id("webhook_id", &asked.webhook_id).map(WebhookId).map_err(super::malformed)?;
        let (snapshot, roles) = self.project_for(project, person).await?;
        may_see(&roles).map_err(status::refusal)?;
        if !snapshot.project.webhooks.contains(id) {
            return Err(status::refusal(Refusal {
                reason: Reason::NoSuchWebhook,
                text: "There is no such webhook in this project.".to_owned(),
                hint: "Look at the list of webhooks.".to_owned(),
            }));
        }
        let webhooks = self.webhooks.as_ref().ok_or_else(|| Status::unimplemented("no webhooks here"))?;
        let secret =
            webhooks.secrets.secret(id.0).map_err(|error| status::internal(&format!("{error:#}")))?;
        Ok(v1::WebhookSecretResponse { secret })
    }
}

fn may_see(roles: &Roles) -> Result<(), Refusal> {
    if roles.contains(&Role::Manager) {
        return Ok(());
    }
    Err(Refusal {
        reason: Reason::NotYourRole,
        text: "The secret of a webhook is for the manager.".to_owned(),
        hint: "Ask the manager.".to_owned(),
    })
}
