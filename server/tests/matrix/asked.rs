//! One call as bytes over the wire, whatever service it belongs to, and its answer as far as somebody could learn from it. Never here: what it should be.

use std::{collections::BTreeMap, time::Duration};

use bytes::{Buf, BufMut as _, Bytes};
use deadwax_server::status;
use futures::stream;
use tonic::{
    Code, Status,
    client::Grpc,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};
use tonic_types::StatusExt as _;

use crate::common::Seat;

/// Messages as they are.
#[derive(Clone, Copy, Default)]
pub struct Raw;

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
    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

/// What a caller learns from a refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct No {
    pub code: Code,
    pub reason: String,
    pub text: String,
    pub more: BTreeMap<String, String>,
}

pub type Answer = Result<Vec<Bytes>, No>;

/// Goes on until the caller goes away: the first message is answer enough.
fn endless(path: &str) -> bool {
    path.contains("/Watch") || path.ends_with("/Attend")
}

pub async fn ask(seat: &Seat, path: &str, messages: Vec<Bytes>) -> Answer {
    let mut grpc = Grpc::new(seat.channel.clone()).max_decoding_message_size(32 << 20);
    grpc.ready().await.expect("the server answers");
    let mut request = tonic::Request::new(stream::iter(messages));
    if !seat.token.is_empty() {
        let token = format!("Bearer {}", seat.token).parse().expect("a token is ASCII");
        request.metadata_mut().insert("authorization", token);
    }
    let route = format!("/{path}").parse().expect("a path");
    let mut answers = grpc.streaming(request, route, Raw).await.map_err(no)?.into_inner();
    let mut all = Vec::new();
    if endless(path) {
        let first = tokio::time::timeout(Duration::from_millis(200), answers.message()).await;
        all.extend(first.unwrap_or(Ok(None)).map_err(no)?);
        return Ok(all);
    }
    while let Some(message) = answers.message().await.map_err(no)? {
        all.push(message);
    }
    Ok(all)
}

fn no(status: Status) -> No {
    let details = status.get_error_details();
    let more = details.error_info().map(|info| info.metadata.clone()).unwrap_or_default();
    No {
        code: status.code(),
        reason: status::reason_of(&status).unwrap_or_default(),
        text: status.message().to_owned(),
        more: more.into_iter().collect(),
    }
}
