//! An answer whose bytes are counted as they are taken for the connection; `transit` tells what of them was not handed on. Outermost of all that is laid around
//! an answer: what a session's end or a lost right keeps back did not leave. Never here: what is sent.

use std::task::Poll;

use deadwax_proto::v1;
use futures::{StreamExt as _, stream};

use super::Giving;
use crate::rpc::until::Answers;

/// A message with a part of a file in it.
pub trait Carried {
    fn carried(&self) -> usize;
}

macro_rules! carried {
    ($($message:ident)*) => {
        $(impl Carried for v1::$message {
            fn carried(&self) -> usize {
                self.data.len()
            }
        })*
    };
}

carried! { DownloadChunk HandoffChunk CoverChunk EvidenceChunk }

/// However it ends, the book learns how much of it went.
pub fn counted<T: Carried + 'static>(mut giving: Giving, mut answers: Answers<T>) -> Answers<T> {
    Box::pin(stream::poll_fn(move |context| {
        let next = answers.poll_next_unpin(context);
        if let Poll::Ready(Some(Ok(message))) = &next {
            giving.sent(message.carried());
        }
        next
    }))
}
