//! News that leave the studio: webhooks and mail.

pub mod address;
mod kept;
pub mod mail;
pub mod pause;
pub mod post;
pub mod secret;
pub mod settings;
