//! Keys of the screen "Label copy". Never here: what they do.

use crossterm::event::KeyCode;

use super::{
    Binding,
    Key::{Char, Code, Ctrl},
    Verb,
};

pub(super) const KEYS: &[Binding] = bind! {
    EditCopy, [Code(KeyCode::Enter), Char('e')], "edit", "Fill in what the line shows: the release, or a song";
    EditOutside, [Char('E')], "all in $EDITOR", "All of it as JSON in $EDITOR, as `label-copy set` takes it";
    Cover, [Char('c')], "cover", "Set the cover: a JPEG or PNG of this machine";
    FetchCover, [Char('f'), Ctrl('f')], "", "Fetch the cover into a file of this machine";
    RemoveCover, [Char('x')], "", "Take the cover away";
    Copy, [Char('y')], "", "Copy the line: a code, the digest of the cover, a song as JSON";
    History, [Char('i')], "", "Who did what";
};
