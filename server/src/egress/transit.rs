//! The last step of an answer that is written into the book: its bytes are handed to the connection in pieces of one frame, the next one when the one before has
//! been written to the line or was dropped with it. So what the book tells of a download that was cut is what left, and at most one frame more: nothing else can
//! stand in a queue of this program. Never here: what is sent, the book.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures::{FutureExt as _, future::Map, task::AtomicWaker};
use http::{Request, Response};
use http_body::Frame;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use crate::auth::Caller;

/// What HTTP/2 takes as one frame where nobody asked for longer ones.
pub const FRAME_BYTES: usize = 16 << 10;

/// More than stands around the bytes of a file in one message: they are the last field of it. What is counted as held must not be more than is.
const AROUND_BYTES: usize = 64;
/// Before each message: whether it is compressed, and its length.
const HEAD_BYTES: usize = 5;

/// Of one call: whether its bytes are counted, and how many of those that were counted have not been handed on.
#[derive(Clone, Debug, Default)]
pub struct Transit(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    counted: AtomicBool,
    held: AtomicU64,
}

impl Transit {
    /// Called before the answer has a body.
    pub fn count(&self) {
        self.0.counted.store(true, Ordering::SeqCst);
    }

    pub fn held(&self) -> u64 {
        self.0.held.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
pub struct TransitLayer;

impl<S> Layer<S> for TransitLayer {
    type Service = InTransit<S>;
    fn layer(&self, inner: S) -> InTransit<S> {
        InTransit { inner }
    }
}

#[derive(Clone)]
pub struct InTransit<S> {
    inner: S,
}

type Paced<E> = Box<dyn FnOnce(Result<Response<Body>, E>) -> Result<Response<Body>, E> + Send>;

impl<S> Service<Request<Body>> for InTransit<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Error: 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Map<S::Future, Paced<S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let transit = request.extensions().get::<Caller>().map(|caller| caller.transit.clone());
        let paced = move |answer: Result<Response<Body>, S::Error>| {
            let transit = transit.filter(|transit| transit.0.counted.load(Ordering::SeqCst));
            Ok(match transit {
                Some(transit) => answer?.map(|body| Body::new(Pieces::of(body, transit))),
                None => answer?,
            })
        };
        self.inner.call(request).map(Box::new(paced))
    }
}

struct Pieces {
    body: Body,
    transit: Transit,
    /// Of the last chunk, what has not been handed on, and how far from its end messages begin in it.
    rest: Bytes,
    begin: Vec<usize>,
    before: Option<Arc<OnTheWay>>,
}

/// One piece that the connection has.
#[derive(Default)]
struct OnTheWay {
    gone: AtomicBool,
    waker: AtomicWaker,
}

struct Piece {
    bytes: Bytes,
    way: Arc<OnTheWay>,
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.way.gone.store(true, Ordering::SeqCst);
        self.way.waker.wake();
    }
}

impl Pieces {
    fn of(body: Body, transit: Transit) -> Self {
        Self { body, transit, rest: Bytes::new(), begin: Vec::new(), before: None }
    }

    fn poll_before(&mut self, context: &Context<'_>) -> Poll<()> {
        let Some(way) = &self.before else { return Poll::Ready(()) };
        if !way.gone.load(Ordering::SeqCst) {
            way.waker.register(context.waker());
            // It may have gone between the two.
            if !way.gone.load(Ordering::SeqCst) {
                return Poll::Pending;
            }
        }
        self.before = None;
        Poll::Ready(())
    }

    fn next(&mut self) -> Bytes {
        let bytes = self.rest.split_to(self.rest.len().min(FRAME_BYTES));
        self.begin.retain(|from_end| *from_end <= self.rest.len());
        let held = self.rest.len().saturating_sub(self.begin.len() * AROUND_BYTES);
        self.transit.0.held.store(held as u64, Ordering::SeqCst);
        let way = Arc::<OnTheWay>::default();
        self.before = Some(Arc::clone(&way));
        Bytes::from_owner(Piece { bytes, way })
    }
}

/// Where the messages of a chunk begin, as the distance from its end.
fn beginnings(chunk: &[u8]) -> Vec<usize> {
    let (mut all, mut rest) = (Vec::new(), chunk);
    while let Some((head, after)) = rest.split_at_checked(HEAD_BYTES) {
        all.push(rest.len());
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        rest = after.get(length..).unwrap_or_default();
    }
    all
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        ready!(this.poll_before(context));
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) if data.is_empty() => return Poll::Ready(Some(Ok(Frame::data(data)))),
                    Ok(data) => {
                        this.begin = beginnings(&data);
                        this.rest = data;
                    }
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                end => return Poll::Ready(end),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(this.next()))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::default()
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, future::poll_fn};

    use http_body::Body as _;

    use super::*;

    struct Chunks(VecDeque<Vec<u8>>);

    impl http_body::Body for Chunks {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Ready(self.0.pop_front().map(|chunk| Ok(Frame::data(chunk.into()))))
        }
    }

    fn pieces(chunk: Vec<u8>, transit: &Transit) -> Pieces {
        Pieces::of(Body::new(Chunks([chunk].into())), transit.clone())
    }

    async fn next(pieces: &mut Pieces) -> Option<Bytes> {
        let frame = poll_fn(|context| Pin::new(&mut *pieces).poll_frame(context)).await;
        frame.map(|frame| frame.unwrap().into_data().unwrap())
    }

    fn waits(pieces: &mut Pieces) -> bool {
        let mut context = Context::from_waker(std::task::Waker::noop());
        Pin::new(pieces).poll_frame(&mut context).is_pending()
    }

    /// One message with so many bytes in it.
    fn message(length: usize) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend((length as u32).to_be_bytes());
        bytes.resize(HEAD_BYTES + length, 7);
        bytes
    }

    #[tokio::test]
    async fn the_next_piece_comes_when_the_one_before_is_gone() {
        let transit = Transit::default();
        let mut pieces = pieces(message(40_000), &transit);
        let first = next(&mut pieces).await.unwrap();
        assert_eq!((first.len(), transit.held()), (FRAME_BYTES, 40_005 - FRAME_BYTES as u64));
        assert!(waits(&mut pieces), "the first piece is still on its way");
        let part = first.slice(100..);
        drop(first);
        assert!(waits(&mut pieces), "a part of it is");
        drop(part);
        drop(next(&mut pieces).await.unwrap());
        let third = next(&mut pieces).await.unwrap();
        assert_eq!((third.len(), transit.held()), (40_005 - 2 * FRAME_BYTES, 0));
        drop(third);
        assert!(next(&mut pieces).await.is_none());
    }

    #[tokio::test]
    async fn nothing_is_changed_and_what_is_held_is_never_too_much() {
        let chunk: Vec<u8> = [message(9_000), message(20_000), message(9_000)].concat();
        assert_eq!(beginnings(&chunk), [38_015, 29_010, 9_005]);
        let transit = Transit::default();
        let mut pieces = pieces(chunk.clone(), &transit);
        let first = next(&mut pieces).await.unwrap();
        // Behind the first piece lie the rest of the second message, of which 7,374 bytes are in it, and the third.
        let behind = 38_000 - 9_000 - 7_374;
        assert!(transit.held() <= behind && transit.held() > behind - 200, "{}", transit.held());
        let mut all = first.to_vec();
        drop(first);
        while let Some(piece) = next(&mut pieces).await {
            all.extend_from_slice(&piece);
        }
        assert_eq!((all, transit.held()), (chunk, 0));
    }
}
