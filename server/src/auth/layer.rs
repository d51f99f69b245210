//! The door: every request passes here before any service sees it. Puts the `Caller` into the request's extensions or answers
//! UNAUTHENTICATED. Never here: what a caller may do (the domain decides).

use std::{
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::{Either, Ready, ready};
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use super::People;
use crate::{door::line::Line, status};

/// Callable by anyone: meeting the studio, signing in, and what operators and generic clients ask.
fn open_to_anyone(path: &str) -> bool {
    let sessions = path.strip_prefix("/deadwax.v1.Sessions/");
    sessions.is_some_and(|call| matches!(call, "GetServerInfo" | "Login" | "Challenge" | "SignIn"))
        || path.starts_with("/grpc.health.v1.Health/")
        || path.starts_with("/grpc.reflection.v1.ServerReflection/")
        || path.starts_with("/grpc.reflection.v1alpha.ServerReflection/")
}

/// Of whoever is at the other end; `None` where there is no connection, as in a test that calls a service by itself.
pub fn address(extensions: &http::Extensions) -> Option<IpAddr> {
    Some(extensions.get::<Line>()?.peer().ip().to_canonical())
}

#[derive(Clone)]
pub struct AccessLayer {
    people: Arc<People>,
}

impl AccessLayer {
    pub fn new(people: Arc<People>) -> Self {
        Self { people }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Access<S>;
    fn layer(&self, inner: S) -> Access<S> {
        Access { people: Arc::clone(&self.people), inner }
    }
}

#[derive(Clone)]
pub struct Access<S> {
    people: Arc<People>,
    inner: S,
}

impl<S> Service<Request<Body>> for Access<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let token = request
            .headers()
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        let caller = token.and_then(|token| self.people.caller(token));
        match caller {
            Some(mut caller) => {
                caller.address = address(request.extensions());
                if let Some(seen) = request.extensions().get::<crate::telemetry::Seen>() {
                    seen.person(caller.person.id, caller.session_id);
                }
                request.extensions_mut().insert(caller);
            }
            None if open_to_anyone(request.uri().path()) => {}
            None => {
                if let Some(line) = request.extensions().get::<Line>() {
                    line.refuse();
                }
                return Either::Right(ready(Ok(status::unauthenticated().into_http())));
            }
        }
        // The token has done its work: nothing behind this door can print it.
        request.headers_mut().remove(http::header::AUTHORIZATION);
        Either::Left(self.inner.call(request))
    }
}
