//! What this server offers, as it tells any client that asks: every call of every service, every action of Perform, and which answers carry bytes. Never here:
//! a list by hand.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Buf as _;
use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorProto, field_descriptor_proto::Type};
use tonic::transport::Channel;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

pub struct Services {
    /// "package.Service/Method" and the type of its answer.
    pub calls: BTreeMap<String, String>,
    pub actions: Vec<String>,
    messages: BTreeMap<String, DescriptorProto>,
}

async fn told(channel: &Channel, asked: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(asked) };
    let mut client = ServerReflectionClient::new(channel.clone());
    let answers = client.server_reflection_info(futures::stream::iter([request])).await;
    let answer = answers.unwrap().into_inner().message().await.unwrap().unwrap();
    answer.message_response.unwrap()
}

impl Services {
    pub async fn of(channel: &Channel) -> Services {
        let MessageResponse::ListServicesResponse(list) =
            told(channel, MessageRequest::ListServices(String::new())).await
        else {
            panic!("the services were not listed");
        };
        let mut services =
            Services { calls: BTreeMap::new(), actions: Vec::new(), messages: BTreeMap::new() };
        let mut seen = BTreeSet::new();
        for service in list.service {
            let asked = MessageRequest::FileContainingSymbol(service.name.clone());
            services.take(channel, asked, &service.name, &mut seen).await;
        }
        let action = &services.messages[".deadwax.v1.Action"];
        services.actions = action.field.iter().map(|field| field.name().to_owned()).collect();
        services
    }

    /// One file, and what it imports.
    async fn take(
        &mut self,
        channel: &Channel,
        asked: MessageRequest,
        service: &str,
        seen: &mut BTreeSet<String>,
    ) {
        let mut asked = vec![asked];
        while let Some(next) = asked.pop() {
            let MessageResponse::FileDescriptorResponse(files) = told(channel, next).await else {
                panic!("{service} is not described");
            };
            for bytes in files.file_descriptor_proto {
                let file = FileDescriptorProto::decode(bytes.as_slice()).unwrap();
                self.read(&file, service);
                if seen.insert(file.name().to_owned()) {
                    asked.extend(file.dependency.iter().cloned().map(MessageRequest::FileByFilename));
                }
            }
        }
    }

    fn read(&mut self, file: &FileDescriptorProto, wanted: &str) {
        for message in &file.message_type {
            self.messages.insert(format!(".{}.{}", file.package(), message.name()), message.clone());
        }
        for service in &file.service {
            let name = format!("{}.{}", file.package(), service.name());
            if name == wanted {
                let methods = service.method.iter();
                self.calls
                    .extend(methods.map(|it| (format!("{name}/{}", it.name()), it.output_type().to_owned())));
            }
        }
    }

    /// The number of the field that carries bytes in the answers of this call.
    pub fn bytes_field(&self, path: &str) -> Option<u32> {
        let message = self.messages.get(self.calls.get(path)?)?;
        let found = message.field.iter().find(|field| field.r#type() == Type::Bytes)?;
        u32::try_from(found.number()).ok()
    }
}

/// How many bytes that field has in a message.
pub fn bytes_in(mut message: &[u8], field: u32) -> usize {
    use prost::encoding::{WireType, decode_key, decode_varint};
    let mut found = 0;
    while !message.is_empty() {
        let (number, kind) = decode_key(&mut message).unwrap();
        match kind {
            WireType::Varint => drop(decode_varint(&mut message).unwrap()),
            WireType::SixtyFourBit => message.advance(8),
            WireType::ThirtyTwoBit => message.advance(4),
            WireType::LengthDelimited => {
                let length = decode_varint(&mut message).unwrap() as usize;
                found += if number == field { length } else { 0 };
                message.advance(length);
            }
            other => panic!("{other:?} is of no message of ours"),
        }
    }
    found
}
