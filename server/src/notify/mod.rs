//! News that leave the studio: webhooks and mail.

pub mod address;
pub mod hooks;
mod kept;
pub mod letter;
pub mod mail;
pub mod pause;
pub mod post;
pub mod secret;
pub mod settings;
