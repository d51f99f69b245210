//! Behind the access layer: how often this caller may call, and over how many connections. Whoever is turned away hears how long to wait. Never here: who the
//! caller is (`auth::layer` has put it there), and what a call costs.

use std::{
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use deadwax_domain::PersonId;
use futures::future::{Either, Ready, ready};
use http::{Request, Response};
use tokio::time::Instant;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::{line::Line, rates::Rate, settings::Door};
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
    figures: Lines,
}

impl DoorLayer {
    pub fn new(settings: &Door, figures: Lines) -> Self {
        Self { rate: Arc::new(Rate::new(settings.calls_per_s, settings.calls_burst)), figures }
    }

    /// From now on.
    pub fn set(&self, settings: &Door) {
        self.rate.set(settings.calls_per_s, settings.calls_burst);
    }
}

impl<S> Layer<S> for DoorLayer {
    type Service = AtTheDoor<S>;
    fn layer(&self, inner: S) -> AtTheDoor<S> {
        AtTheDoor { rate: Arc::clone(&self.rate), figures: self.figures.clone(), inner }
    }
}

#[derive(Clone)]
pub struct AtTheDoor<S> {
    rate: Arc<Rate<Key>>,
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
}

impl<S> Service<Request<Body>> for AtTheDoor<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Either<S::Future, Ready<Result<Response<Body>, S::Error>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        // Every connection of `listen` has one.
        if let Some(line) = request.extensions().get::<Line>().cloned() {
            let person = request.extensions().get::<Caller>().map(|caller| caller.person.id);
            if let Err(no) = self.admit(&line, person) {
                line.refuse();
                return Either::Right(ready(Ok(no.into_http())));
            }
        }
        Either::Left(self.inner.call(request))
    }
}
