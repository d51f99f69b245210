//! The keys of the room of deliveries: of single songs, and of the record. Never here: what they do.

use crossterm::event::KeyCode;

use super::{
    Binding,
    Key::{Char, Code, Ctrl},
    Verb,
};

pub(super) const DELIVERY: &[Binding] = bind! {
    MakeDelivery, [Char('D')], "deliver", "Make the delivery of exactly what was signed";
    Record, [Char('v'), Char('7')], "record", "The record: its dry run, files, approval, delivery";
    NextPane, [Code(KeyCode::Tab)], "files", "Songs or files: where up and down move";
    Fetch, [Char('f'), Ctrl('f')], "fetch", "Fetch the delivery into a folder of this machine";
    Checks, [Char('c')], "checks", "What the profiles say of every file, with the sources";
    Manifest, [Char('e')], "manifest", "The manifest, who signed which bytes, deliveries before";
    Open, [Code(KeyCode::Enter)], "open", "Open the song in the version that is delivered";
    Copy, [Char('y')], "copy", "Copy the fingerprint; in the files the SHA-256 of one";
    Gate, [Char('g')], "", "The gate line by line, who signed, how to mend preflight";
    History, [Char('i')], "", "Who did what";
};

pub(super) const RECORD: &[Binding] = bind! {
    StartRecord, [Char('s')], "make", "Choose profiles, see every file in a dry run, start from there";
    ApproveRecord, [Char('a')], "approve", "Approve the record: sign its exact files";
    DeliverRecord, [Char('D')], "deliver", "Deliver the record: frozen, with its manifest";
    CancelRecord, [Char('x')], "cancel", "Stop the record that is being made";
    Songs, [Char('v')], "songs", "The other half of the room: deliveries of single songs";
    NextPane, [Code(KeyCode::Tab)], "files", "Records or files: where up and down move";
    Open, [Code(KeyCode::Enter)], "open", "Open or close a profile; all about a file or a record";
    Fetch, [Char('f'), Ctrl('f')], "fetch", "Fetch files of the record into a folder of this machine";
    Manifest, [Char('e')], "manifest", "The manifest of the record as it was frozen";
    Checks, [Char('c')], "", "The report: levels of every file, warnings, how even the songs are";
    About, [Char('I')], "", "Masters, signatures, what differs from the record before";
    Copy, [Char('y')], "copy", "Copy the fingerprint; in the files the SHA-256 of one";
    History, [Char('i')], "", "Who did what";
};
