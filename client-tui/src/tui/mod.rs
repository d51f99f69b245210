//! The terminal client. Elm shape: keys and network become a [`Msg`]; [`update()`] is pure and answers effects as data; [`draw()`] reads the
//! model and never changes it; `effects`, `app` and `terminal` are the only places with IO. No rules of the studio in here: what a person
//! may do stands in the rows that the server sent.

pub mod album;
mod answers;
mod app;
mod ask;
mod clipboard;
pub mod compare;
mod covers;
pub mod delivery;
pub mod draw;
mod effects;
pub mod filter;
pub mod form;
pub mod hands;
pub mod history;
mod keeper;
pub mod keys;
pub mod label_copy;
pub mod lists;
pub mod master;
pub mod model;
pub mod mover;
pub mod msg;
pub mod offline;
pub mod people;
pub mod player;
pub mod presence;
mod press;
pub mod record;
pub mod rows;
pub mod settings;
mod sign;
pub mod signing;
pub mod terminal;
pub mod transfers;
pub mod update;
pub mod words;

pub use app::{Own, run};
pub use draw::draw;
pub use model::Model;
pub use msg::{Effect, Failure, Msg};
pub use update::update;
