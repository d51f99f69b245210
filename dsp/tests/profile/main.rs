//! Delivery profiles: the shipped ones are whole, errors name their line, plans list every file as it will be, every rule holds at its limit.

#![allow(clippy::unwrap_used)] // a test that cannot make its files may panic

mod forms;
mod label;
#[path = "../label_kit/mod.rs"]
mod label_kit;
mod made;
mod plans;
mod reading;
mod rules;
mod sample;
