//! Live rows that survive cuts: the stream is opened again with growing waits, from the last seq seen, and says so in between.
//! Dropping the stream cancels everything. Ends by itself only where trying again cannot help (signed out, no longer a member).

use std::{collections::VecDeque, time::Duration};

use deadwax_proto::v1;
use futures::{Stream, stream};
use tonic::{Code, Streaming};

use super::{Backoff, Clean, Client, NetError};

/// Longer than the server's heartbeat; a line that is silent for so long is as good as cut.
const SILENCE_MAX: Duration = Duration::from_secs(90);

#[derive(Clone, Debug)]
pub enum Followed<T> {
    /// The line stands (again).
    Live,
    Row(T),
    /// The line is cut; the next try comes after `wait`.
    Lost {
        error: NetError,
        wait: Duration,
    },
    /// Trying again cannot help. The last item.
    Ended(NetError),
}

/// The rows of one project, from the seq given (0: a snapshot first). Heartbeats are swallowed.
pub fn follow(
    client: Client,
    project_id: String,
    from: u64,
) -> impl Stream<Item = Followed<v1::Update>> + Send + 'static {
    let url = client.url().to_owned();
    let open = move |from: u64| {
        let (client, project_id) = (client.clone(), project_id.clone());
        async move {
            let request = v1::WatchRequest { project_id, from };
            let opened = client.projects().watch(request).await;
            opened.map(|r| r.into_inner()).map_err(|s| client.fault(&s))
        }
    };
    run(url, open, from, |update: &v1::Update, from: &mut u64| {
        *from = update.seq;
        update.snapshot || !update.upserts.is_empty() || !update.removals.is_empty()
    })
}

/// What waits on this person; each item is the whole list.
pub fn follow_desk(client: Client) -> impl Stream<Item = Followed<v1::DeskResponse>> + Send + 'static {
    let url = client.url().to_owned();
    let open = move |_| {
        let client = client.clone();
        async move {
            let opened = client.projects().watch_desk(v1::DeskRequest {}).await;
            opened.map(|r| r.into_inner()).map_err(|s| client.fault(&s))
        }
    };
    run(url, open, 0, |_: &v1::DeskResponse, _: &mut u64| true)
}

struct State<T, O> {
    url: String,
    open: O,
    line: Option<Streaming<T>>,
    from: u64,
    backoff: Backoff,
    wait: Option<Duration>,
    queued: VecDeque<Followed<T>>,
    ended: bool,
}

pub(super) fn run<T, O, F>(
    url: String,
    open: O,
    from: u64,
    take: impl Fn(&T, &mut u64) -> bool + Send + Sync + 'static,
) -> impl Stream<Item = Followed<T>> + Send + 'static
where
    T: Clean + Send + 'static,
    O: Fn(u64) -> F + Send + 'static,
    F: Future<Output = Result<Streaming<T>, NetError>> + Send,
{
    let state = State {
        url,
        open,
        line: None,
        from,
        backoff: Backoff::default(),
        wait: None,
        queued: VecDeque::new(),
        ended: false,
    };
    stream::unfold((state, take), |(mut state, take)| async move {
        let item = state.next(&take).await?;
        Some((item, (state, take)))
    })
}

impl<T, O, F> State<T, O>
where
    T: Clean,
    O: Fn(u64) -> F,
    F: Future<Output = Result<Streaming<T>, NetError>>,
{
    async fn next(&mut self, take: &impl Fn(&T, &mut u64) -> bool) -> Option<Followed<T>> {
        loop {
            if let Some(item) = self.queued.pop_front() {
                return Some(item);
            }
            if self.ended {
                return None;
            }
            if let Some(wait) = self.wait.take() {
                tokio::time::sleep(wait).await;
            }
            let Some(line) = &mut self.line else {
                match (self.open)(self.from).await {
                    Ok(line) => {
                        self.line = Some(line);
                        return Some(Followed::Live);
                    }
                    Err(error) => return Some(self.lost(error)),
                }
            };
            let heard = tokio::time::timeout(SILENCE_MAX, line.message()).await;
            match heard {
                Ok(Ok(Some(mut message))) => {
                    self.backoff.reset();
                    message.clean();
                    if take(&message, &mut self.from) {
                        self.queued.push_back(Followed::Row(message));
                    }
                }
                Ok(Ok(None)) => {
                    let what = "the server closed the stream".to_owned();
                    return Some(self.lost(NetError::Unreachable { url: self.url.clone(), what }));
                }
                Ok(Err(status)) => return Some(self.lost(NetError::from_status(&self.url, &status))),
                Err(_) => return Some(self.lost(NetError::TimedOut { seconds: SILENCE_MAX.as_secs() })),
            }
        }
    }

    fn lost(&mut self, error: NetError) -> Followed<T> {
        self.line = None;
        if is_final(&error) {
            self.ended = true;
            return Followed::Ended(error);
        }
        let wait = self.backoff.wait_after(&error);
        self.wait = Some(wait);
        Followed::Lost { error, wait }
    }
}

pub(super) fn is_final(error: &NetError) -> bool {
    match error {
        NetError::Refused { code, .. } => {
            matches!(
                code,
                Code::Unauthenticated | Code::NotFound | Code::PermissionDenied | Code::Unimplemented
            )
        }
        NetError::PinDiffers { .. } | NetError::ApiVersion(_) | NetError::Handshake { .. } => true,
        _ => false,
    }
}
