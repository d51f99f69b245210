//! The door: every request passes here before any service sees it. Puts the `Caller` into the request's extensions or answers
//! UNAUTHENTICATED. Never here: what a caller may do (the domain decides).

use std::{
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{
    FutureExt as _,
    future::{BoxFuture, Either, ready},
};
use http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use super::{Caller, People};
use crate::{door::line::Line, page, status};

/// What other sites can make a browser send without being asked first is no call of gRPC: it would be counted as a try of whoever sits there.
fn is_call<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(http::header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Callable by anyone: meeting the studio, signing in, opening a link, what operators and generic clients ask, and the page, which holds nothing of anybody's.
fn open_to_anyone(method: &http::Method, path: &str) -> bool {
    if page::is_asked_for(method, path) {
        return true;
    }
    let sessions = path.strip_prefix("/deadwax.v1.Sessions/");
    sessions.is_some_and(|call| matches!(call, "GetServerInfo" | "Login" | "Challenge" | "SignIn"))
        || path == "/deadwax.v1.Links/Open"
        || path.starts_with("/grpc.health.v1.Health/")
        || path.starts_with("/grpc.reflection.v1.ServerReflection/")
        || path.starts_with("/grpc.reflection.v1alpha.ServerReflection/")
}

/// Callable by the guest of a link, beside what anyone may call. Whatever is not named here is closed to them, a call that is added later too; what these calls
/// tell them is the domain's affair (`audience`).
fn open_to_guests(path: &str) -> bool {
    let Some((service, call)) = path.strip_prefix("/deadwax.v1.").and_then(|path| path.split_once('/'))
    else {
        return false;
    };
    match service {
        "Sessions" => matches!(call, "WhoAmI" | "Logout"),
        "Projects" => matches!(call, "List" | "Get" | "Watch" | "History" | "Perform"),
        "Media" => matches!(call, "Listen" | "Waveform" | "ReportHeard" | "Download"),
        "Records" => matches!(call, "GetRecord" | "Fetch"),
        "Presence" => call == "Attend",
        _ => false,
    }
}

fn is_closed_to<B>(caller: &Caller, request: &Request<B>) -> bool {
    let (method, path) = (request.method(), request.uri().path());
    caller.person.is_guest() && !open_to_guests(path) && !open_to_anyone(method, path)
}

/// Of whoever is at the other end; `None` where there is no connection, as in a test that calls a service by itself.
pub fn address(extensions: &http::Extensions) -> Option<IpAddr> {
    Some(extensions.get::<Line>()?.peer().ip().to_canonical())
}

#[derive(Clone)]
pub struct AccessLayer {
    people: Arc<People>,
    trust: Duration,
}

impl AccessLayer {
    /// `trust`: so long what this server knew of sessions counts while it hears nothing of the others.
    pub fn new(people: Arc<People>, trust: Duration) -> Self {
        Self { people, trust }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Access<S>;
    fn layer(&self, inner: S) -> Access<S> {
        Access { people: Arc::clone(&self.people), trust: self.trust, inner }
    }
}

#[derive(Clone)]
pub struct Access<S> {
    people: Arc<People>,
    trust: Duration,
    inner: S,
}

impl<S> Service<Request<Body>> for Access<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, BoxFuture<'static, Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let token = request
            .headers()
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        match token.and_then(|token| self.people.caller(token)) {
            Some(caller) if self.people.is_sure(self.trust) => {
                if is_closed_to(&caller, &request) {
                    return Either::Right(ready(Ok(turned_away(&request, &caller))).boxed());
                }
                enter(&mut request, caller);
            }
            // Another server may have ended the session: it is looked for before anybody is let in.
            Some(_) => {
                let token = token.unwrap_or_default().to_owned();
                return Either::Right(self.look_and_call(token, request).boxed());
            }
            None if open_to_anyone(request.method(), request.uri().path())
                && (is_call(&request) || page::is_asked_for(request.method(), request.uri().path())) => {}
            // Nobody's session ended: a client comes again, here or at another server.
            None if self.people.is_closing() => {
                return Either::Right(ready(Ok(status::closing().into_http())).boxed());
            }
            None => match token.filter(|token| self.people.may_be_new(token)).map(str::to_owned) {
                Some(token) => return Either::Right(self.look_and_call(token, request).boxed()),
                None => return Either::Right(ready(Ok(refused(&request))).boxed()),
            },
        }
        // The token has done its work: nothing behind this door can print it.
        request.headers_mut().remove(http::header::AUTHORIZATION);
        Either::Left(self.inner.call(request))
    }
}

impl<S> Access<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
{
    /// A token that is not known here, or not surely: of another server over the same store, perhaps, or ended there.
    fn look_and_call(
        &mut self,
        token: String,
        mut request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, S::Error>> + use<S> {
        let people = Arc::clone(&self.people);
        // The one that was asked whether it is ready goes; a copy stays.
        let copy = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, copy);
        async move {
            match people.caller_anew(&token).await {
                Ok(Some(caller)) if is_closed_to(&caller, &request) => {
                    return Ok(turned_away(&request, &caller));
                }
                Ok(Some(caller)) => enter(&mut request, caller),
                Ok(None) if people.is_closing() => return Ok(status::closing().into_http()),
                Ok(None) => return Ok(refused(&request)),
                Err(error) => return Ok(status::auth(error).into_http()),
            }
            request.headers_mut().remove(http::header::AUTHORIZATION);
            inner.call(request).await
        }
    }
}

fn see(request: &Request<Body>, caller: &Caller) {
    if let Some(seen) = request.extensions().get::<crate::telemetry::Seen>() {
        seen.person(caller.person.id, caller.session_id);
    }
}

/// A guest at a call of members.
fn turned_away(request: &Request<Body>, caller: &Caller) -> Response<Body> {
    see(request, caller);
    status::not_for_guests().into_http()
}

fn enter(request: &mut Request<Body>, mut caller: Caller) {
    caller.address = address(request.extensions());
    see(request, &caller);
    request.extensions_mut().insert(caller);
}

fn refused(request: &Request<Body>) -> Response<Body> {
    if let Some(line) = request.extensions().get::<Line>() {
        line.refuse();
    }
    status::unauthenticated().into_http()
}
