//! The contract by its own descriptors: an answer of any type with the same words in every text, and honest messages with those words behind every text. What is
//! added to the contract is in it by itself. Never here: which words.

#![allow(dead_code, reason = "the suites that use it need different halves")]

use std::collections::HashMap;

use deadwax_proto::DESCRIPTORS;
use prost::Message as _;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto::Type};

/// How deep messages lie in one another; deeper ones are left out.
const DEPTH_MAX: usize = 8;

pub struct Call {
    /// `/deadwax.v1.Projects/Perform`
    pub path: String,
    pub output: String,
}

pub struct Contract {
    messages: HashMap<String, DescriptorProto>,
    pub services: Vec<String>,
    pub calls: Vec<Call>,
}

impl Contract {
    pub fn read() -> Contract {
        let set = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        let mut contract = Contract { messages: HashMap::new(), services: Vec::new(), calls: Vec::new() };
        for file in set.file {
            let package = format!(".{}", file.package());
            file.message_type.into_iter().for_each(|it| contract.take(&package, it));
            for service in file.service {
                let name = format!("{}.{}", &package[1..], service.name());
                contract.calls.extend(service.method.iter().map(|method| Call {
                    path: format!("/{name}/{}", method.name()),
                    output: method.output_type().to_owned(),
                }));
                contract.services.push(name);
            }
        }
        contract
    }

    fn take(&mut self, within: &str, message: DescriptorProto) {
        let name = format!("{within}.{}", message.name());
        message.nested_type.iter().cloned().for_each(|it| self.take(&name, it));
        self.messages.insert(name, message);
    }

    /// Every field of it is there: texts are `words`, numbers and flags one, lists hold one. Of a `oneof` the `choice`th member, counted round.
    pub fn filled(&self, name: &str, words: &str, choice: usize) -> Vec<u8> {
        self.at_depth(name, words, choice, 0)
    }

    /// How many members its largest `oneof` has.
    pub fn choices(&self, name: &str) -> usize {
        let Some(message) = self.messages.get(name) else { return 1 };
        let members = |one: i32| message.field.iter().filter(|it| it.oneof_index == Some(one)).count();
        (0..message.oneof_decl.len()).map(|one| members(one as i32)).max().unwrap_or(1).max(1)
    }

    fn at_depth(&self, name: &str, words: &str, choice: usize, depth: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(message) = self.messages.get(name).filter(|_| depth < DEPTH_MAX) else { return out };
        for field in &message.field {
            let is_optional = field.proto3_optional();
            let members: Vec<i32> = message
                .field
                .iter()
                .filter(|it| it.oneof_index.is_some() && it.oneof_index == field.oneof_index && !is_optional)
                .map(FieldDescriptorProto::number)
                .collect();
            if members.is_empty() || members[choice % members.len()] == field.number() {
                self.field(field, words, choice, depth, &mut out);
            }
        }
        out
    }

    fn field(
        &self,
        field: &FieldDescriptorProto,
        words: &str,
        choice: usize,
        depth: usize,
        out: &mut Vec<u8>,
    ) {
        let key = u64::try_from(field.number()).unwrap() << 3;
        let bytes = match field.r#type() {
            Type::String => Some(words.as_bytes().to_vec()),
            Type::Bytes => Some(words.as_bytes().to_vec()),
            Type::Message => Some(self.at_depth(field.type_name(), words, choice, depth + 1)),
            _ => None,
        };
        match (bytes, field.r#type()) {
            (Some(bytes), _) => {
                put_varint(out, key | 2);
                put_varint(out, bytes.len() as u64);
                out.extend(bytes);
            }
            (None, Type::Double) => {
                put_varint(out, key | 1);
                out.extend(1f64.to_le_bytes());
            }
            (None, Type::Float) => {
                put_varint(out, key | 5);
                out.extend(1f32.to_le_bytes());
            }
            // Of a list one, which need not be packed.
            (None, _) => {
                put_varint(out, key);
                put_varint(out, 1);
            }
        }
    }

    /// The same message with `words` behind every text, so that ids still name what they named. `name` is that of the message within the contract.
    pub fn change<M: prost::Message + Default>(&self, name: &str, message: &M, words: &str) -> M {
        let bytes = self.changed(&format!(".deadwax.v1.{name}"), &message.encode_to_vec(), words);
        M::decode(bytes.as_slice()).unwrap()
    }

    /// The same, of bytes.
    pub fn changed(&self, name: &str, mut bytes: &[u8], words: &str) -> Vec<u8> {
        let message = &self.messages[name];
        let mut out = Vec::new();
        while !bytes.is_empty() {
            let key = varint(&mut bytes);
            put_varint(&mut out, key);
            match key & 7 {
                0 => put_varint(&mut out, varint(&mut bytes)),
                1 => out.extend(cut(&mut bytes, 8)),
                5 => out.extend(cut(&mut bytes, 4)),
                _ => {
                    let length = usize::try_from(varint(&mut bytes)).unwrap();
                    let inner = cut(&mut bytes, length);
                    let number = i32::try_from(key >> 3).unwrap();
                    let field = message.field.iter().find(|it| it.number() == number).unwrap();
                    // Codes that the client compares; without them half of the screens would never open.
                    let kept = matches!((field.name(), inner), ("key", b"project") | ("action", _));
                    let changed = match field.r#type() {
                        Type::String if !kept => [inner, words.as_bytes()].concat(),
                        Type::Message => self.changed(field.type_name(), inner, words),
                        _ => inner.to_vec(),
                    };
                    put_varint(&mut out, changed.len() as u64);
                    out.extend(changed);
                }
            }
        }
        out
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..).step_by(7) {
        let (first, rest) = bytes.split_first().unwrap();
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            break;
        }
    }
    value
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(u8::try_from(value & 0x7f).unwrap() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap());
}

fn cut<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (cut, rest) = bytes.split_at(length);
    *bytes = rest;
    cut
}
