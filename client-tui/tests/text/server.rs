//! A server that means harm: it knows the contract by its descriptors and answers every call with messages whose every text attacks, or with refusals that do.
//! Never here: rules, sound, and what becomes of the answers.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf as _, BufMut as _, Bytes};
use deadwax_proto::v1;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use prost::Message as _;
use tonic::{
    Code, Request, Response, Status, Streaming,
    body::Body,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, NamedService, StreamingService},
    transport::Server,
};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    contract::Contract,
    sample::{self, PLAIN},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// Answers whatever is asked.
    Answers,
    /// The same, and streams stay open: what a screen needs.
    Stays,
    /// Refuses whatever is asked.
    Refuses,
}

struct Harm {
    contract: Contract,
    mood: Mood,
    words: String,
}

/// The `N`th service of the contract, all of them alike.
#[derive(Clone)]
struct Service<const N: usize>(Arc<Harm>);

const NAMES: [&str; 8] = [
    "deadwax.v1.Audit",
    "deadwax.v1.Links",
    "deadwax.v1.Mastering",
    "deadwax.v1.Media",
    "deadwax.v1.Presence",
    "deadwax.v1.Projects",
    "deadwax.v1.Records",
    "deadwax.v1.Sessions",
];

impl<const N: usize> NamedService for Service<N> {
    const NAME: &'static str = NAMES[N];
}

/// Serves until the runtime ends. Every text that leaves holds `words`.
pub async fn serve(mood: Mood, words: &str) -> SocketAddr {
    let contract = Contract::read();
    let mut known = contract.services.clone();
    known.sort();
    assert_eq!(known, NAMES, "a service is missing here");
    let harm = Arc::new(Harm { contract, mood, words: words.to_owned() });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Server::builder()
        .add_service(Service::<0>(harm.clone()))
        .add_service(Service::<1>(harm.clone()))
        .add_service(Service::<2>(harm.clone()))
        .add_service(Service::<3>(harm.clone()))
        .add_service(Service::<4>(harm.clone()))
        .add_service(Service::<5>(harm.clone()))
        .add_service(Service::<6>(harm.clone()))
        .add_service(Service::<7>(harm));
    tokio::spawn(router.serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)));
    address
}

impl<const N: usize> tower::Service<http::Request<Body>> for Service<N> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let harm = self.0.clone();
        let path = request.uri().path().to_owned();
        async move { Ok(Grpc::new(Raw).streaming(Answer { harm, path }, request).await) }.boxed()
    }
}

struct Answer {
    harm: Arc<Harm>,
    path: String,
}

impl StreamingService<Bytes> for Answer {
    type Response = Bytes;
    type ResponseStream = stream::BoxStream<'static, Result<Bytes, Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        let (harm, path) = (self.harm.clone(), self.path.clone());
        async move {
            // Somebody who is refused before they were heard out would tell of the line instead.
            let mut asked = request.into_inner();
            let _first = asked.next().await;
            let messages = harm.messages(&path)?;
            let watched = ["/Watch", "/WatchDesk", "/Attend"].iter().any(|it| path.ends_with(it));
            let messages = stream::iter(messages.into_iter().map(Ok));
            if watched && harm.mood == Mood::Stays {
                return Ok(Response::new(messages.chain(stream::pending()).boxed()));
            }
            Ok(Response::new(messages.boxed()))
        }
        .boxed()
    }
}

impl Harm {
    fn messages(&self, path: &str) -> Result<Vec<Bytes>, Status> {
        let name = path.rsplit('/').next().unwrap_or_default();
        // Otherwise nobody would come as far as to ask for anything else.
        if name == "GetServerInfo" {
            let info = v1::ServerInfo {
                api_min: 1,
                api_max: 1,
                max_upload_bytes: 1 << 30,
                ..v1::ServerInfo::default()
            };
            return Ok(vec![self.changed(
                "ServerInfo",
                &v1::ServerInfo { studio: "S".into(), version: "1".into(), ..info },
            )]);
        }
        if self.mood == Mood::Refuses {
            return Err(self.refusal());
        }
        Ok(match name {
            "WhoAmI" => vec![self.changed("Person", &sample::person(1, PLAIN))],
            "List" => {
                let projects = vec![sample::summary(1, PLAIN)];
                vec![self.changed("ListResponse", &v1::ListResponse { projects })]
            }
            "Get" | "Watch" => vec![self.rows()],
            "Desk" | "WatchDesk" => {
                vec![self.changed("DeskResponse", &v1::DeskResponse { rows: sample::desk(PLAIN) })]
            }
            _ => {
                let call = self.contract.calls.iter().find(|it| it.path == path);
                let call = call.ok_or_else(|| Status::unimplemented(self.words.clone()))?;
                vec![self.contract.filled(&call.output, &self.words, 0).into()]
            }
        })
    }

    fn changed<M: prost::Message>(&self, name: &str, message: &M) -> Bytes {
        self.contract.changed(&format!(".deadwax.v1.{name}"), &message.encode_to_vec(), &self.words).into()
    }

    /// An honest project with words behind every text, and a row of every kind that is nothing but words.
    fn rows(&self) -> Bytes {
        let update =
            v1::Update { seq: 7, snapshot: true, upserts: sample::rows(1, PLAIN), removals: Vec::new() };
        let mut bytes = self.changed("Update", &update).to_vec();
        for choice in 0..self.contract.choices(".deadwax.v1.Row") {
            let row = self.contract.filled(".deadwax.v1.Row", &self.words, choice);
            let row = v1::Row::decode(&row[..]).unwrap();
            // A second project in a project would hide the first.
            if !matches!(row.row, None | Some(v1::row::Row::Project(_))) {
                let row = v1::Row { key: format!("more/{choice}{}", self.words), ..row };
                let more = v1::Update { upserts: vec![row], ..v1::Update::default() };
                bytes.extend(more.encode_to_vec());
            }
        }
        bytes.into()
    }

    fn refusal(&self) -> Status {
        let hint = HashMap::from([("hint".to_owned(), format!("Do {}", self.words))]);
        let details = ErrorDetails::with_error_info(format!("NO_{}", self.words), "deadwax", hint);
        Status::with_error_details(Code::FailedPrecondition, format!("No: {}", self.words), details)
    }
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
