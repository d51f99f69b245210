//! The contract, read from its descriptors: every call, and a message of any type with whatever somebody puts into its fields. A new call or field is in it by
//! itself. Messages are written byte by byte, so that they may hold what no generated type can. Never here: what a call does.

use std::collections::{BTreeSet, HashMap};

use bytes::{Buf as _, BufMut as _, Bytes};
use prost::Message as _;
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};
use tokio_stream::StreamExt as _;
use tonic::{
    Request, Status,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

use crate::lot::Lot;

pub struct Call {
    /// `/deadwax.v1.Projects/Perform`
    pub path: String,
    pub input: String,
    pub sends_many: bool,
}

pub struct Contract {
    messages: HashMap<String, DescriptorProto>,
    enums: HashMap<String, EnumDescriptorProto>,
    pub calls: Vec<Call>,
}

impl Call {
    /// It may end the session that it is called with, and everything after it would be told that alone.
    pub fn ends_access(&self) -> bool {
        ["/Logout", "/RevokeSession", "/EndAccess"].iter().any(|name| self.path.ends_with(name))
    }
}

/// How deep messages lie in one another; deeper ones are left out.
const DEPTH_MAX: usize = 6;

impl Contract {
    pub fn read() -> Contract {
        let set = FileDescriptorSet::decode(deadwax_proto::DESCRIPTORS).unwrap();
        let mut contract = Contract { messages: HashMap::new(), enums: HashMap::new(), calls: Vec::new() };
        for file in set.file {
            let package = format!(".{}", file.package());
            for it in file.message_type {
                contract.add(&package, it);
            }
            for it in file.enum_type {
                contract.enums.insert(format!("{package}.{}", it.name()), it);
            }
            for service in file.service {
                let name = format!("{}.{}", package.trim_start_matches('.'), service.name());
                contract.calls.extend(service.method.into_iter().map(|method| Call {
                    path: format!("/{name}/{}", method.name()),
                    input: method.input_type().to_owned(),
                    sends_many: method.client_streaming(),
                }));
            }
        }
        assert!(contract.calls.len() > 30, "{}", contract.calls.len());
        contract
    }

    fn add(&mut self, prefix: &str, message: DescriptorProto) {
        let name = format!("{prefix}.{}", message.name());
        for it in message.nested_type.clone() {
            self.add(&name, it);
        }
        for it in message.enum_type.clone() {
            self.enums.insert(format!("{name}.{}", it.name()), it);
        }
        self.messages.insert(name, message);
    }

    /// Every field of text that a client can fill, as `.deadwax.v1.AddNote.text`.
    pub fn texts(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<String> = self.calls.iter().map(|call| call.input.clone()).collect();
        while let Some(name) = waiting.pop() {
            let Some(message) = self.messages.get(&name).filter(|_| seen.insert(name.clone())) else {
                continue;
            };
            for field in &message.field {
                match field.r#type() {
                    Type::String => drop(found.insert(format!("{name}.{}", field.name()))),
                    Type::Message => waiting.push(field.type_name().to_owned()),
                    _ => {}
                }
            }
        }
        found
    }

    /// A message of type `name`, as bytes; of each `oneof` at most one member.
    pub fn message(&self, name: &str, lot: &mut Lot, fill: &mut dyn Fill) -> Vec<u8> {
        self.at_depth(name, lot, fill, 0)
    }

    fn at_depth(&self, name: &str, lot: &mut Lot, fill: &mut dyn Fill, depth: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let Some(message) = self.messages.get(name) else { return out };
        let chosen: Vec<Option<usize>> = (0..message.oneof_decl.len())
            .map(|one| {
                let members: Vec<usize> = (0..message.field.len())
                    .filter(|at| message.field[*at].oneof_index == Some(one as i32))
                    .collect();
                fill.chooses(&members, lot)
            })
            .collect();
        for (at, field) in message.field.iter().enumerate() {
            let wanted = match field.oneof_index {
                Some(one) => chosen[one as usize] == Some(at),
                None => !lot.one_in(fill.leaves_out()),
            };
            let times = match field.label() {
                Label::Repeated => fill.repeats(lot),
                _ => 1,
            };
            for _ in 0..if wanted { times } else { 0 } {
                self.field(name, field, lot, fill, depth, &mut out);
            }
        }
        out
    }

    fn field(
        &self,
        of: &str,
        field: &FieldDescriptorProto,
        lot: &mut Lot,
        fill: &mut dyn Fill,
        depth: usize,
        out: &mut Vec<u8>,
    ) {
        let number = field.number() as u32;
        let mut delimited = |bytes: &[u8]| {
            varint(out, u64::from(number << 3 | 2));
            varint(out, bytes.len() as u64);
            out.extend(bytes);
        };
        match field.r#type() {
            Type::Message if depth < DEPTH_MAX => {
                delimited(&self.at_depth(field.type_name(), lot, fill, depth + 1));
            }
            Type::Message => {}
            Type::String => delimited(&fill.text(&format!("{of}.{}", field.name()), lot)),
            Type::Bytes => delimited(&fill.bytes(lot)),
            Type::Double | Type::Fixed64 | Type::Sfixed64 => {
                varint(out, u64::from(number << 3 | 1));
                out.extend(if lot.one_in(2) { lot.number(64) } else { 1.5f64.to_bits() }.to_le_bytes());
            }
            Type::Float | Type::Fixed32 | Type::Sfixed32 => {
                varint(out, u64::from(number << 3 | 5));
                out.extend((lot.number(64) as u32).to_le_bytes());
            }
            Type::Bool => {
                varint(out, u64::from(number << 3));
                out.push(lot.under(2) as u8);
            }
            Type::Enum => {
                let known = self.enums.get(field.type_name()).map_or(1, |it| it.value.len());
                varint(out, u64::from(number << 3));
                varint(out, if lot.one_in(8) { lot.number(9) } else { lot.under(known) as u64 });
            }
            _ => {
                varint(out, u64::from(number << 3));
                varint(out, fill.number(lot));
            }
        }
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What stands in the fields.
pub trait Fill {
    /// `field`: `.deadwax.v1.AddNote.text`.
    fn text(&mut self, field: &str, lot: &mut Lot) -> Vec<u8>;

    fn bytes(&mut self, lot: &mut Lot) -> Vec<u8> {
        (0..lot.under(40)).map(|_| lot.next() as u8).collect()
    }

    fn number(&mut self, lot: &mut Lot) -> u64 {
        if lot.one_in(3) { lot.number(100) } else { lot.under(100) as u64 }
    }

    /// Which member of a `oneof` is there.
    fn chooses(&mut self, members: &[usize], lot: &mut Lot) -> Option<usize> {
        (!lot.one_in(20)).then(|| *lot.of(members))
    }

    fn repeats(&mut self, lot: &mut Lot) -> usize {
        lot.under(3)
    }

    /// One field in so many is not there.
    fn leaves_out(&self) -> usize {
        8
    }
}

/// Sends these messages and reads a few answers. `Ok`: how many came before the end, or before `patience` was over.
pub async fn call(
    channel: Channel,
    call: &Call,
    token: Option<&str>,
    messages: Vec<Vec<u8>>,
    patience: std::time::Duration,
) -> Result<usize, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    let ready = client.ready().await;
    ready.map_err(|error| Status::unavailable(error.to_string()))?;
    let mut request = Request::new(tokio_stream::iter(messages.into_iter().map(Bytes::from)));
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let path = call.path.parse::<http::uri::PathAndQuery>().unwrap();
    let asked = async {
        let mut answers = client.streaming(request, path, Raw).await?.into_inner();
        let mut came = 0;
        while came < 3
            && let Some(answer) = answers.next().await
        {
            answer?;
            came += 1;
        }
        Ok(came)
    };
    tokio::time::timeout(patience, asked).await.unwrap_or(Ok(0))
}

/// Bytes as they are.
#[derive(Clone, Copy, Default)]
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Raw;
    type Decoder = Raw;

    fn encoder(&mut self) -> Raw {
        Raw
    }

    fn decoder(&mut self) -> Raw {
        Raw
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        let length = from.remaining();
        Ok(Some(from.copy_to_bytes(length)))
    }
}
