//! Answers with the page where it is asked for, and hands everything else on. Behind the access layer and the door, which count it as any other call. Never here: what is in it.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use futures::future::{Either, Ready, ready};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, header};
use tonic::body::Body;
use tower::{Layer, Service};

use super::{Page, Shown, is_asked_for, page};

#[derive(Clone, Copy)]
pub struct PageLayer;

impl<S> Layer<S> for PageLayer {
    type Service = Paged<S>;
    fn layer(&self, inner: S) -> Paged<S> {
        Paged { inner }
    }
}

#[derive(Clone)]
pub struct Paged<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for Paged<S>
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
        if is_asked_for(request.method(), request.uri().path()) {
            return Either::Right(ready(Ok(answer(page(), takes_gzip(request.headers())))));
        }
        Either::Left(self.inner.call(request))
    }
}

/// Nothing of it may be kept by a browser that belongs to somebody else tomorrow, framed, guessed to be something else, or told to another site.
fn said() -> [(HeaderName, HeaderValue); 8] {
    let own = |name: &'static str, value| (HeaderName::from_static(name), HeaderValue::from_static(value));
    [
        own("content-type", "text/html; charset=utf-8"),
        own("cache-control", "no-store"),
        own("referrer-policy", "no-referrer"),
        own("x-content-type-options", "nosniff"),
        own("x-frame-options", "DENY"),
        own("cross-origin-opener-policy", "same-origin"),
        own("cross-origin-resource-policy", "same-origin"),
        own("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    ]
}

fn takes_gzip(head: &HeaderMap) -> bool {
    let said = head.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    said.split(',').any(|one| one.trim() == "gzip")
}

fn answer(page: &Page, takes_gzip: bool) -> Response<Body> {
    let packed = page.gzip.as_ref().filter(|_| takes_gzip);
    let mut answer = Response::new(Body::new(Whole(Some(packed.unwrap_or(&page.html).clone()))));
    answer.headers_mut().extend(said());
    if packed.is_some() {
        answer.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    if let Ok(policy) = HeaderValue::from_str(&page.policy) {
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    answer.extensions_mut().insert(Shown);
    answer
}

/// The bytes of the page, in one piece.
struct Whole(Option<bytes::Bytes>);

impl http_body::Body for Whole {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(http_body::Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_goes_out_under_its_policy_and_nothing_of_it_is_kept() {
        let answer = answer(page(), false);
        let head = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(head("content-security-policy"), page().policy);
        assert_eq!(
            (head("cache-control"), head("referrer-policy")),
            ("no-store".into(), "no-referrer".into())
        );
        assert_eq!(head("x-content-type-options"), "nosniff");
        assert!(!answer.headers().contains_key("set-cookie"));
        assert!(!answer.headers().contains_key("access-control-allow-origin"));
        assert!(answer.extensions().get::<Shown>().is_some());
    }

    #[test]
    fn who_takes_it_packed_gets_it_packed() {
        use std::io::Read as _;
        let packed = page().gzip.clone().unwrap();
        assert!(packed.len() * 3 < page().html.len());
        let mut html = Vec::new();
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut html).unwrap();
        assert!(html == page().html);
        for (said, takes) in [("gzip, deflate, br", true), ("br,gzip", true), ("", false), ("x-gzip", false)]
        {
            let head = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(said))]);
            assert_eq!(takes_gzip(&head), takes, "{said}");
        }
        assert_eq!(answer(page(), true).headers()[header::CONTENT_ENCODING], "gzip");
    }
}
