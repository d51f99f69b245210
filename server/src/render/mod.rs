//! Work on sound, always in a child process with limits of memory and time: bytes from outside may make a decoder abort, and an abort must
//! cost one job, not the server.

pub mod inspect;
