//! Behind the access layer: how often this caller may call, over how many connections, and whether there is room for one more change. Whoever is turned away hears how long to wait. Never here: who the
//! caller is (`auth::layer` has put it there), and what a call costs.

use std::{
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use deadwax_domain::PersonId;
use futures::{
    FutureExt as _,
    future::{BoxFuture, Either, Ready, ready},
};
use http::{Request, Response};
use tokio::time::Instant;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::{
    crowd::{self, Crowd, Seat},
    line::Line,
    rates::Rate,
    settings::Door,
};
use crate::{
    auth::{Caller, tries::customer},
    metrics::lines::{Lines, TurnedAway},
    status,
};

/// Whose calls are counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Person(PersonId),
    /// Of somebody who has not signed in.
    Address(IpAddr),
}

#[derive(Clone)]
pub struct DoorLayer {
    rate: Arc<Rate<Key>>,
    crowd: Arc<Crowd>,
    figures: Lines,
}

impl DoorLayer {
    pub fn new(settings: &Door, figures: Lines) -> Self {
        let rate = Arc::new(Rate::new(settings.calls_per_s, settings.calls_burst));
        Self { rate, crowd: Crowd::new(settings.changes_at_once), figures }
    }

    /// From now on.
    pub fn set(&self, settings: &Door) {
        self.rate.set(settings.calls_per_s, settings.calls_burst);
        self.crowd.set(settings.changes_at_once);
    }
}

impl<S> Layer<S> for DoorLayer {
    type Service = AtTheDoor<S>;
    fn layer(&self, inner: S) -> AtTheDoor<S> {
        let (rate, crowd) = (Arc::clone(&self.rate), Arc::clone(&self.crowd));
        AtTheDoor { rate, crowd, figures: self.figures.clone(), inner }
    }
}

/// All that come by one link are one guest to the studio, and need not know of each other: each of their sessions is counted by itself.
fn counted_as(caller: &Caller) -> PersonId {
    if caller.person.is_guest() { PersonId(caller.session_id) } else { caller.person.id }
}

type Answer<S> = Result<Response<Body>, <S as Service<Request<Body>>>::Error>;

#[derive(Clone)]
pub struct AtTheDoor<S> {
    rate: Arc<Rate<Key>>,
    crowd: Arc<Crowd>,
    figures: Lines,
    inner: S,
}

impl<S> AtTheDoor<S> {
    fn admit(&self, line: &Line, person: Option<PersonId>) -> Result<(), Status> {
        let key = person.map_or_else(|| Key::Address(customer(line.peer().ip())), Key::Person);
        self.rate.take(key, Instant::now().into_std()).map_err(|wait| {
            self.figures.turn_away(TurnedAway::calls);
            status::too_many_calls(wait)
        })?;
        if person.is_some_and(|person| !line.seat(person)) {
            self.figures.turn_away(TurnedAway::connections);
            return Err(status::too_many_connections());
        }
        line.admit();
        Ok(())
    }

    /// Nobody's fault, so nobody's line is the worse for it.
    fn place(&self, path: &str) -> Result<Option<Seat>, Status> {
        self.crowd.enter(path).map_err(|crowd::Full| {
            self.figures.turn_away(TurnedAway::changes);
            status::studio_busy(crowd::WAIT)
        })
    }
}

impl<S> Service<Request<Body>> for AtTheDoor<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Either<Ready<Answer<S>>, BoxFuture<'static, Answer<S>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Every connection of `listen` has one.
        if let Some(line) = request.extensions().get::<Line>().cloned() {
            let person = request.extensions().get::<Caller>().map(counted_as);
            if let Err(no) = self.admit(&line, person) {
                line.refuse();
                return Either::Right(Either::Left(ready(Ok(no.into_http()))));
            }
        }
        match self.place(request.uri().path()) {
            Ok(None) => Either::Left(self.inner.call(request)),
            Ok(Some(seat)) => {
                let work = self.inner.call(request);
                Either::Right(Either::Right(seat.during(work).boxed()))
            }
            Err(no) => Either::Right(Either::Left(ready(Ok(no.into_http())))),
        }
    }
}
