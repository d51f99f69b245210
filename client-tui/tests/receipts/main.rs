//! Receipts on the client's side: keys beside OpenSSH's own tools, the text that is signed, what is refused before and after a signature, and an evidence that somebody
//! tampered with. Evidence is made here by hand from its description; nothing of the server is asked.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

#[path = "../kit/mod.rs"]
mod kit;
#[path = "../net_fake/mod.rs"]
mod net_fake;

mod evidence;
mod keys;
mod set;
mod signing;
mod statements;
mod verbs;
