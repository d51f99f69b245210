//! A row as bytes, small: the protobuf encoding with two private wire types, which protobuf leaves unused. What many rows say alike
//! (permissions, names, recipes, lines of a gate) stands once in `Words` and is referred to; a UUID takes 16 bytes instead of 36.
//! Never here: which row is where, and what it means.

use std::{borrow::Cow, collections::HashMap, sync::Arc};

use deadwax_proto::v1::{
    DeliveryRow, GateRow, Handoff, MemberRow, NoteRow, ProjectRow, RecipeRow, RecordRow, RenderRow,
    RequestRow, SongRow, Stage, VersionFile, VersionRow, row::Row as Of,
};
use prost::Message as _;

/// The number of a word follows; 0 stands for the id in the row's own key.
const WIRE_WORD: u64 = 6;
/// 16 bytes follow: a UUID in its usual writing.
const WIRE_UUID: u64 = 7;
const UUID_CHARS: usize = 36;
/// `VersionRow.files`
const FILES: u64 = 12;

/// The kinds of rows, as `Row.row` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Project,
    Member,
    Song,
    Gate,
    Version,
    Note,
    Request,
    Render,
    Delivery,
    Recipe,
    Record,
}

pub(super) const KINDS: [Kind; 11] = [
    Kind::Project,
    Kind::Member,
    Kind::Song,
    Kind::Gate,
    Kind::Version,
    Kind::Note,
    Kind::Request,
    Kind::Render,
    Kind::Delivery,
    Kind::Recipe,
    Kind::Record,
];

impl Kind {
    pub(super) fn of(row: &Of) -> Kind {
        match row {
            Of::Project(_) => Kind::Project,
            Of::Member(_) => Kind::Member,
            Of::Song(_) => Kind::Song,
            Of::Gate(_) => Kind::Gate,
            Of::Version(_) => Kind::Version,
            Of::Note(_) => Kind::Note,
            Of::Request(_) => Kind::Request,
            Of::Render(_) => Kind::Render,
            Of::Delivery(_) => Kind::Delivery,
            Of::Recipe(_) => Kind::Recipe,
            Of::Record(_) => Kind::Record,
        }
    }

    /// How its key begins.
    fn prefix(self) -> &'static str {
        match self {
            Kind::Project => "project",
            Kind::Member => "member/",
            Kind::Song => "song/",
            Kind::Gate => "gate/",
            Kind::Version => "version/",
            Kind::Note => "note/",
            Kind::Request => "request/",
            Kind::Render => "render/",
            Kind::Delivery => "delivery/",
            Kind::Recipe => "recipe/",
            Kind::Record => "record/",
        }
    }

    /// The fields whose content many rows share, by their numbers in view.proto.
    fn shared(self) -> &'static [u64] {
        match self {
            Kind::Project => &[7],
            Kind::Member => &[4],
            // waits_for, recipe_toml, allowed
            Kind::Song => &[9, 10, 12],
            Kind::Gate => &[4],
            // uploaded_by, uploaded_by_id, preflight, allowed
            Kind::Version => &[7, 8, 13, 15],
            // author, author_id, addressee, addressee_id, allowed
            Kind::Note => &[6, 7, 14, 15, 20],
            Kind::Request => &[4],
            // recipe_toml, recipe_hash, engine, requested_by, allowed
            Kind::Render => &[4, 5, 6, 13, 14],
            Kind::Delivery => &[4],
            Kind::Recipe => &[5],
            Kind::Record => &[7],
        }
    }
}

/// Texts and messages that rows share, each with how many rows refer to it.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    /// Word n stands at n - 1.
    all: Vec<Option<(Arc<[u8]>, u32)>>,
    by_bytes: HashMap<Arc<[u8]>, u32>,
    free: Vec<u32>,
}

impl Words {
    fn take(&mut self, bytes: &[u8]) -> u32 {
        if let Some(&number) = self.by_bytes.get(bytes) {
            if let Some(Some((_, uses))) = self.all.get_mut(number as usize - 1) {
                *uses += 1;
            }
            return number;
        }
        let word: Arc<[u8]> = bytes.into();
        let entry = Some((Arc::clone(&word), 1));
        let number = match self.free.pop() {
            Some(number) => {
                self.all[number as usize - 1] = entry;
                number
            }
            None => {
                self.all.push(entry);
                u32::try_from(self.all.len())
                    .expect("fewer words than rows, and those are numbered in 32 bits")
            }
        };
        self.by_bytes.insert(word, number);
        number
    }

    fn get(&self, number: u64) -> Option<&[u8]> {
        let at = usize::try_from(number.checked_sub(1)?).ok()?;
        self.all.get(at)?.as_ref().map(|(word, _)| &**word)
    }

    fn drop_one(&mut self, number: u64) {
        let at = number.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        let Some(entry) = at.and_then(|at| self.all.get_mut(at)) else { return };
        let Some((word, uses)) = entry else { return };
        *uses = uses.saturating_sub(1);
        if *uses == 0 {
            self.by_bytes.remove(word);
            *entry = None;
            self.free.extend(u32::try_from(number));
        }
    }

    /// Each under its number; nothing where no row uses it.
    pub(super) fn list(&self) -> Vec<Option<Arc<[u8]>>> {
        self.all.iter().map(|entry| entry.as_ref().map(|(word, _)| Arc::clone(word))).collect()
    }

    /// Words that no row uses yet.
    pub(super) fn from_list(list: Vec<Option<Arc<[u8]>>>) -> Words {
        let numbered = (1u32..).zip(&list);
        let by_bytes = numbered.filter_map(|(at, word)| Some((Arc::clone(word.as_ref()?), at))).collect();
        let all = list.into_iter().map(|word| word.map(|word| (word, 0))).collect();
        Words { all, by_bytes, free: Vec::new() }
    }

    fn add_one(&mut self, number: u64) {
        let at = number.checked_sub(1).and_then(|at| usize::try_from(at).ok());
        if let Some(Some((_, uses))) = at.and_then(|at| self.all.get_mut(at)) {
            *uses += 1;
        }
    }

    pub(super) fn forget_unused(&mut self) {
        for (number, entry) in (1u32..).zip(&mut self.all) {
            // Of two alike in a damaged list only one is found by its bytes.
            if let Some((word, _)) = entry.take_if(|(_, uses)| *uses == 0)
                && self.by_bytes.get(&word) == Some(&number)
            {
                self.by_bytes.remove(&word);
            }
            if entry.is_none() {
                self.free.push(number);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.by_bytes.len()
    }
}

/// Appends the packed row. `id` is what stands behind the slash of its key.
pub(super) fn pack(row: &Of, id: &str, words: &mut Words, out: &mut Vec<u8>) {
    let mut plain = Vec::new();
    encode(row, &mut plain);
    let kind = Kind::of(row);
    let mut rest = plain.as_slice();
    while let Some(field) = Field::read(&mut rest) {
        match field.body {
            Body::Bytes(bytes) if !id.is_empty() && bytes == id.as_bytes() => {
                put_varint(out, field.number << 3 | WIRE_WORD);
                put_varint(out, 0);
            }
            Body::Bytes(bytes) if kind.shared().contains(&field.number) && bytes.len() > 1 => {
                put_varint(out, field.number << 3 | WIRE_WORD);
                put_varint(out, words.take(bytes).into());
            }
            Body::Bytes(bytes) => match uuid_of(bytes) {
                Some(uuid) => {
                    put_varint(out, field.number << 3 | WIRE_UUID);
                    out.extend_from_slice(&uuid);
                }
                None => field.copy(out),
            },
            _ => field.copy(out),
        }
    }
}

/// The row again. `None` where the bytes are none of `pack`'s, as a damaged file on disk may give.
pub(super) fn unpack(kind: Kind, packed: &[u8], id: &str, words: &Words) -> Option<Of> {
    let mut plain = Vec::with_capacity(packed.len() * 2);
    let mut rest = packed;
    while !rest.is_empty() {
        let field = Field::read(&mut rest)?;
        let mut uuid = [0; UUID_CHARS];
        let bytes = match field.body {
            Body::Word(0) => id.as_bytes(),
            Body::Word(number) => words.get(number)?,
            Body::Uuid(bytes) => {
                uuid::Uuid::from_slice(bytes).ok()?.hyphenated().encode_lower(&mut uuid);
                &uuid
            }
            _ => {
                field.copy(&mut plain);
                continue;
            }
        };
        put_varint(&mut plain, field.number << 3 | 2);
        put_varint(&mut plain, bytes.len() as u64);
        plain.extend_from_slice(bytes);
    }
    decode(kind, &plain)
}

/// What a list of songs is searched for, read from the packed row: nothing else of it is unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief<'a> {
    pub title: Cow<'a, str>,
    pub stage: Stage,
    pub waits_for: Cow<'a, str>,
}

/// `key` is its key as `pack_key` made it.
pub(super) fn brief<'a>(packed: &'a [u8], key: &[u8], words: &'a Words) -> Brief<'a> {
    let mut brief = Brief { title: "".into(), stage: Stage::Unspecified, waits_for: "".into() };
    let mut rest = packed;
    while let Some(field) = Field::read(&mut rest) {
        match (field.number, &field.body) {
            (2, body) => brief.title = text_of(body, key, words).unwrap_or_default(),
            (9, body) => brief.waits_for = text_of(body, key, words).unwrap_or_default(),
            (5, Body::Varint(number)) => {
                let stage = i32::try_from(*number).ok().and_then(|it| Stage::try_from(it).ok());
                brief.stage = stage.unwrap_or_default();
            }
            _ => {}
        }
    }
    brief
}

/// What a song hands to the record: the id of its candidate, and of what was handed to mastering. Read from the packed row; `key` as for [`brief`].
pub(super) fn on_record(packed: &[u8], key: &[u8], words: &Words) -> [Option<String>; 2] {
    let mut found = [None, None];
    let mut rest = packed;
    while let Some(field) = Field::read(&mut rest) {
        match (field.number, &field.body) {
            (6, body) => found[0] = text_of(body, key, words).map(Cow::into_owned),
            (11, Body::Bytes(bytes)) => found[1] = Handoff::decode(*bytes).ok().map(|it| it.version_id),
            _ => {}
        }
    }
    found
}

/// The text of a field, whichever way it was packed.
fn text_of<'a>(body: &Body<'a>, key: &[u8], words: &'a Words) -> Option<Cow<'a, str>> {
    match *body {
        Body::Bytes(bytes) => std::str::from_utf8(bytes).ok().map(Cow::from),
        Body::Word(0) => Some(id_of(&unpack_key(key)?).to_owned().into()),
        Body::Word(number) => std::str::from_utf8(words.get(number)?).ok().map(Cow::from),
        Body::Uuid(bytes) => Some(uuid::Uuid::from_slice(bytes).ok()?.to_string().into()),
        Body::Varint(_) | Body::Fixed64(_) | Body::Fixed32(_) => None,
    }
}

/// The first file of a version, read from the packed row.
pub(super) fn main_file(packed: &[u8]) -> Option<VersionFile> {
    let mut rest = packed;
    while let Some(field) = Field::read(&mut rest) {
        if let (FILES, Body::Bytes(bytes)) = (field.number, field.body) {
            return VersionFile::decode(bytes).ok();
        }
    }
    None
}

/// The row is gone: its words are used by one fewer.
pub(super) fn release(packed: &[u8], words: &mut Words) {
    let mut rest = packed;
    while let Some(field) = Field::read(&mut rest) {
        if let Body::Word(number) = field.body {
            words.drop_one(number);
        }
    }
}

/// The row is there again, as it was packed.
pub(super) fn claim(packed: &[u8], words: &mut Words) {
    let mut rest = packed;
    while let Some(field) = Field::read(&mut rest) {
        if let Body::Word(number) = field.body {
            words.add_one(number);
        }
    }
}

/// A key in few bytes: the kind and the UUID; any other key as it is written.
pub(super) fn pack_key(key: &str) -> Vec<u8> {
    for (number, kind) in (1..).zip(KINDS) {
        if let Some(uuid) = key.strip_prefix(kind.prefix()).and_then(|id| uuid_of(id.as_bytes())) {
            let mut out = Vec::with_capacity(17);
            out.push(number);
            out.extend_from_slice(&uuid);
            return out;
        }
    }
    let mut out = Vec::with_capacity(key.len() + 1);
    out.push(0);
    out.extend_from_slice(key.as_bytes());
    out
}

/// An id in few bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Id {
    Uuid([u8; 16]),
    Other(Box<str>),
}

impl Id {
    pub(super) fn of(id: &str) -> Id {
        uuid_of(id.as_bytes()).map_or_else(|| Id::Other(id.into()), Id::Uuid)
    }
}

pub(super) fn unpack_key(packed: &[u8]) -> Option<String> {
    let (&number, rest) = packed.split_first()?;
    if number == 0 {
        return String::from_utf8(rest.to_vec()).ok();
    }
    let kind = KINDS.get(usize::from(number) - 1)?;
    let uuid = uuid::Uuid::from_slice(rest).ok()?;
    Some(format!("{}{}", kind.prefix(), uuid.hyphenated()))
}

/// What stands behind the first slash.
pub(super) fn id_of(key: &str) -> &str {
    key.split_once('/').map_or("", |(_, id)| id)
}

/// Only in the one writing that comes out again: small letters, with hyphens.
fn uuid_of(text: &[u8]) -> Option<[u8; 16]> {
    if text.len() != UUID_CHARS {
        return None;
    }
    let uuid = uuid::Uuid::try_parse_ascii(text).ok()?;
    let mut again = [0; UUID_CHARS];
    (uuid.hyphenated().encode_lower(&mut again).as_bytes() == text).then(|| uuid.into_bytes())
}

struct Field<'a> {
    number: u64,
    body: Body<'a>,
}

enum Body<'a> {
    Varint(u64),
    Fixed64(&'a [u8]),
    Fixed32(&'a [u8]),
    Bytes(&'a [u8]),
    Word(u64),
    Uuid(&'a [u8]),
}

impl<'a> Field<'a> {
    /// `None` at the end, and where the bytes make no sense.
    fn read(rest: &mut &'a [u8]) -> Option<Field<'a>> {
        if rest.is_empty() {
            return None;
        }
        let tag = take_varint(rest)?;
        let body = match tag & 7 {
            0 => Body::Varint(take_varint(rest)?),
            1 => Body::Fixed64(take(rest, 8)?),
            2 => {
                let len = usize::try_from(take_varint(rest)?).ok()?;
                Body::Bytes(take(rest, len)?)
            }
            5 => Body::Fixed32(take(rest, 4)?),
            WIRE_WORD => Body::Word(take_varint(rest)?),
            WIRE_UUID => Body::Uuid(take(rest, 16)?),
            _ => return None,
        };
        Some(Field { number: tag >> 3, body })
    }

    /// As protobuf writes it.
    fn copy(&self, out: &mut Vec<u8>) {
        let (wire, bytes) = match self.body {
            Body::Varint(value) => {
                put_varint(out, self.number << 3);
                return put_varint(out, value);
            }
            Body::Word(_) | Body::Uuid(_) => return,
            Body::Fixed64(bytes) => (1, bytes),
            Body::Fixed32(bytes) => (5, bytes),
            Body::Bytes(bytes) => (2, bytes),
        };
        put_varint(out, self.number << 3 | wire);
        if wire == 2 {
            put_varint(out, bytes.len() as u64);
        }
        out.extend_from_slice(bytes);
    }
}

fn take<'a>(rest: &mut &'a [u8], len: usize) -> Option<&'a [u8]> {
    let (head, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    Some(head)
}

/// How long something is that lies in bytes of this machine.
pub(super) fn put_len(len: usize, out: &mut Vec<u8>) {
    put_varint(out, len as u64);
}

pub(super) fn take_len(rest: &mut &[u8]) -> Option<usize> {
    usize::try_from(take_varint(rest)?).ok()
}

fn take_varint(rest: &mut &[u8]) -> Option<u64> {
    prost::encoding::decode_varint(rest).ok()
}

fn put_varint(out: &mut Vec<u8>, value: u64) {
    prost::encoding::encode_varint(value, out);
}

fn encode(row: &Of, out: &mut Vec<u8>) {
    let done = match row {
        Of::Project(it) => it.encode(out),
        Of::Member(it) => it.encode(out),
        Of::Song(it) => it.encode(out),
        Of::Gate(it) => it.encode(out),
        Of::Version(it) => it.encode(out),
        Of::Note(it) => it.encode(out),
        Of::Request(it) => it.encode(out),
        Of::Render(it) => it.encode(out),
        Of::Delivery(it) => it.encode(out),
        Of::Recipe(it) => it.encode(out),
        Of::Record(it) => it.encode(out),
    };
    done.expect("a Vec grows as far as is needed");
}

fn decode(kind: Kind, plain: &[u8]) -> Option<Of> {
    let row = match kind {
        Kind::Project => ProjectRow::decode(plain).map(Of::Project),
        Kind::Member => MemberRow::decode(plain).map(Of::Member),
        Kind::Song => SongRow::decode(plain).map(Of::Song),
        Kind::Gate => GateRow::decode(plain).map(Of::Gate),
        Kind::Version => VersionRow::decode(plain).map(Of::Version),
        Kind::Note => NoteRow::decode(plain).map(Of::Note),
        Kind::Request => RequestRow::decode(plain).map(Of::Request),
        Kind::Render => RenderRow::decode(plain).map(Of::Render),
        Kind::Delivery => DeliveryRow::decode(plain).map(Of::Delivery),
        Kind::Recipe => RecipeRow::decode(plain).map(Of::Recipe),
        Kind::Record => RecordRow::decode(plain).map(Of::Record),
    };
    row.ok()
}
