//! From TOML to structs with the line of every mistake: a reader for serde that knows where each key stands, calls tables by their names in the text,
//! and has the keys of a table from the struct that reads it, so that a misspelt one is answered with the nearest. Never here: what a key means.

use std::{fmt, ops::Range};

use serde::de::{self, DeserializeOwned, IntoDeserializer, Visitor};
use toml::{
    Spanned,
    de::{DeString, DeTable, DeValue},
};

use super::nearest::nearest;
use crate::error::DspError;

/// Name of the struct that stands for a step: its table is called by its kind.
pub(super) const STEP: &str = "Step";
/// Read before all other keys of its table, because it decides what they are.
const KIND: &str = "kind";

/// The table of a whole text.
pub(super) fn table(text: &str) -> Result<Spanned<DeTable<'_>>, DspError> {
    parsed(text).map_err(|fault| fault.in_text(text))
}

/// The same, with the fault as it is.
pub(crate) fn parsed(text: &str) -> Result<Spanned<DeTable<'_>>, Fault> {
    DeTable::parse(text).map_err(|e| Fault {
        span: e.span(),
        key: None,
        what: What::Said(e.message().into()),
    })
}

/// Reads `T` from a table; `more` are keys that were taken out of it before.
pub(super) fn read<T: DeserializeOwned>(
    root: Spanned<DeTable<'_>>,
    more: &'static [&'static str],
) -> Result<T, Fault> {
    read_as(root, WHOLE).map_err(|fault| fault.among(more))
}

/// Reads `T` from a table that is called `whole`: "a recipe", "a profile".
pub(crate) fn read_as<T: DeserializeOwned>(
    root: Spanned<DeTable<'_>>,
    whole: &'static str,
) -> Result<T, Fault> {
    let span = root.span();
    let value =
        Value { value: DeValue::Table(root.into_inner()), span, path: String::new(), listed: false, whole };
    T::deserialize(value)
}

/// What is wrong, and where in the text.
#[derive(Debug)]
pub(crate) struct Fault {
    span: Option<Range<usize>>,
    /// The key whose value is wrong.
    key: Option<String>,
    what: What,
}

#[derive(Debug)]
enum What {
    Said(String),
    /// A key that its table does not have; `of` is how the table is called.
    Key {
        word: String,
        known: Vec<&'static str>,
        of: Option<String>,
    },
    /// A word that is none of those that may stand there.
    Word {
        word: String,
        known: Vec<&'static str>,
    },
    Missing {
        key: &'static str,
        of: Option<String>,
    },
}

impl Fault {
    pub(crate) fn at(span: Range<usize>, what: impl Into<String>) -> Self {
        Fault { span: Some(span), key: None, what: What::Said(what.into()) }
    }

    /// As an error that names the line.
    pub(super) fn in_text(self, text: &str) -> DspError {
        let (line, what) = self.in_line(text);
        DspError::Recipe { line, what }
    }

    /// The line, from 1, and what is wrong there.
    pub(crate) fn in_line(self, text: &str) -> (usize, String) {
        let at = self.span.as_ref().map_or(0, |s| s.start.min(text.len()));
        let line = 1 + text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
        (line, self.to_string())
    }

    fn new(what: What) -> Self {
        Fault { span: None, key: None, what }
    }

    /// Places it, unless it is placed already.
    fn or_at(mut self, span: &Range<usize>) -> Self {
        self.span.get_or_insert_with(|| span.clone());
        self
    }

    fn or_key(mut self, word: &str) -> Self {
        if matches!(self.what, What::Said(_) | What::Word { .. }) {
            self.key.get_or_insert_with(|| word.into());
        }
        self
    }

    /// Says in what table it is, unless that is said already. `keys` are keys of that table too.
    fn or_of(mut self, name: &str, keys: &[&'static str]) -> Self {
        match &mut self.what {
            What::Key { known, of: of @ None, .. } => {
                known.extend(keys.iter().filter(|k| !known.contains(k)).copied().collect::<Vec<_>>());
                *of = Some(name.into());
            }
            What::Missing { of: of @ None, .. } => *of = Some(name.into()),
            _ => {}
        }
        self
    }

    /// Keys of the outermost table that its struct does not know.
    fn among(mut self, keys: &[&'static str]) -> Self {
        if let What::Key { known, of: Some(of), .. } = &mut self.what
            && of == WHOLE
        {
            known.extend(keys);
        }
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let meant =
            |f: &mut fmt::Formatter<'_>, word: &str, known: &[&'static str]| match nearest(word, known) {
                Some(near) => write!(f, "; did you mean {near}?"),
                None if known.is_empty() => Ok(()),
                None => write!(f, "; there are {}", known.join(", ")),
            };
        if let Some(key) = &self.key {
            write!(f, "{key}: ")?;
        }
        match &self.what {
            What::Said(what) => f.write_str(what),
            What::Key { word, known, of } => {
                write!(f, "{word} is no key of {}", of.as_deref().unwrap_or("this table"))?;
                meant(f, word, known)
            }
            What::Word { word, known } => {
                write!(f, "there is no {word:?}")?;
                meant(f, word, known)
            }
            What::Missing { key, of } => write!(f, "{} needs {key}", of.as_deref().unwrap_or("this table")),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Fault::new(What::Said(what.to_string()))
    }

    fn invalid_type(found: de::Unexpected<'_>, wanted: &dyn de::Expected) -> Self {
        let wanted = match wanted.to_string().as_str() {
            "f64" => "a number".into(),
            "u32" | "u64" | "usize" | "i64" => "a whole number".into(),
            "a boolean" => "true or false".into(),
            other => other.to_string(),
        };
        Fault::custom(format!("found {found} where {wanted} is wanted"))
    }

    fn unknown_field(word: &str, known: &'static [&'static str]) -> Self {
        Fault::new(What::Key { word: word.into(), known: known.to_vec(), of: None })
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Self {
        Fault::new(What::Word { word: word.into(), known: known.to_vec() })
    }

    fn missing_field(key: &'static str) -> Self {
        Fault::new(What::Missing { key, of: None })
    }
}

/// The outermost table.
const WHOLE: &str = "a recipe";

/// One value of the text, with its place.
struct Value<'i> {
    value: DeValue<'i>,
    span: Range<usize>,
    /// Keys from the outermost table to here, with dots.
    path: String,
    /// One of an array.
    listed: bool,
    /// How the outermost table is called.
    whole: &'static str,
}

impl Value<'_> {
    /// How its table is called: as it is headed in the text; a step by its kind.
    fn name(&self, of_type: &str) -> String {
        let kind = match &self.value {
            DeValue::Table(table) => table.get(KIND).and_then(|k| k.get_ref().as_str()),
            _ => None,
        };
        match kind {
            Some(kind) if of_type == STEP => {
                let vowel = kind.starts_with(['a', 'e', 'i', 'o', 'u']);
                format!("{} {kind} step", if vowel { "an" } else { "a" })
            }
            _ if self.path.is_empty() => self.whole.into(),
            _ if self.listed => format!("[[{}]]", self.path),
            _ => format!("[{}]", self.path),
        }
    }
}

impl<'de> de::Deserializer<'de> for Value<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_struct("", &[], visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let (title, span) = (self.name(name), self.span.clone());
        match self.value {
            DeValue::String(word) => match word {
                DeString::Owned(word) => visitor.visit_string(word),
                DeString::Borrowed(word) => visitor.visit_borrowed_str(word),
            },
            DeValue::Integer(n) => match i64::from_str_radix(n.as_str(), n.radix()) {
                Ok(n) => visitor.visit_i64(n),
                Err(_) => Err(Fault::at(span.clone(), "this whole number is too large")),
            },
            DeValue::Float(x) => match x.as_str().parse::<f64>() {
                Ok(x) => visitor.visit_f64(x),
                Err(_) => Err(Fault::at(span.clone(), "this is not a number")),
            },
            DeValue::Boolean(yes) => visitor.visit_bool(yes),
            DeValue::Datetime(_) => Err(Fault::at(
                span.clone(),
                format!("no key of {} is a date; write it in quotes", self.whole),
            )),
            DeValue::Array(items) => visitor.visit_seq(Items {
                items: items.into_iter(),
                path: self.path,
                listed: true,
                whole: self.whole,
            }),
            DeValue::Table(table) => visitor
                .visit_map(Entries::new(table, self.path, self.whole))
                .map_err(|fault| fault.or_of(&title, fields)),
        }
        .map_err(|fault| fault.or_at(&span))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let span = self.span;
        match self.value {
            DeValue::String(word) => visitor
                .visit_enum(IntoDeserializer::<Fault>::into_deserializer(word))
                .map_err(|fault| fault.or_at(&span)),
            _ => Err(Fault::at(span, "a word in quotes is wanted here")),
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

struct Items<'i> {
    items: <toml::de::DeArray<'i> as IntoIterator>::IntoIter,
    path: String,
    listed: bool,
    whole: &'static str,
}

impl<'de> de::SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Fault> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let span = item.span();
        let value = Value {
            value: item.into_inner(),
            span: span.clone(),
            path: self.path.clone(),
            listed: self.listed,
            whole: self.whole,
        };
        seed.deserialize(value).map(Some).map_err(|fault| fault.or_at(&span))
    }
}

type Entry<'i> = (Spanned<DeString<'i>>, Spanned<DeValue<'i>>);

struct Entries<'i> {
    entries: std::vec::IntoIter<Entry<'i>>,
    path: String,
    value: Option<Entry<'i>>,
    whole: &'static str,
}

impl<'i> Entries<'i> {
    fn new(table: DeTable<'i>, path: String, whole: &'static str) -> Self {
        let mut entries: Vec<Entry<'i>> = table.into_iter().collect();
        // As they stand in the text, so that the first mistake is the one that is told; the kind before all.
        entries.sort_by_key(|(key, _)| (key.get_ref() != KIND, key.span().start));
        Entries { entries: entries.into_iter(), path, value: None, whole }
    }
}

impl<'de> de::MapAccess<'de> for Entries<'de> {
    type Error = Fault;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Fault> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        let span = key.span();
        let read = seed.deserialize(IntoDeserializer::<Fault>::into_deserializer(key.get_ref().clone()));
        self.value = Some((key, value));
        read.map(Some).map_err(|fault| fault.or_at(&span))
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some((key, value)) = self.value.take() else {
            return Err(de::Error::custom("a value was asked for before its key"));
        };
        let (word, span) = (key.into_inner(), value.span());
        let path = if self.path.is_empty() { word.to_string() } else { format!("{}.{word}", self.path) };
        let whole = self.whole;
        seed.deserialize(Value { value: value.into_inner(), span: span.clone(), path, listed: false, whole })
            .map_err(|fault| fault.or_at(&span).or_key(&word))
    }
}
