//! Telling where one is and hearing who else is here: one stream, opened again after cuts with growing waits; of places that come quickly the newest is told.
//! Dropping it leaves the room. Never here: which place is worth telling.

use deadwax_proto::v1::{self, presence_client::PresenceClient};
use futures::{Stream, stream};
use tokio::sync::watch;
use tonic::Streaming;

use super::{Backoff, Clean, Client, Followed, NetError, Wire, follow::is_final};

impl Client {
    pub fn presence(&self) -> PresenceClient<Wire> {
        PresenceClient::new(self.wire.clone())
            .max_decoding_message_size(super::ANSWER_BYTES_MAX)
            .max_encoding_message_size(super::QUESTION_BYTES_MAX)
    }
}

/// Who is here, at once and at each change. `places` names the project; each new value is told. Ends as `follow` does, and when `places` is dropped.
pub fn attend(
    client: Client,
    places: watch::Receiver<v1::Attending>,
) -> impl Stream<Item = Followed<v1::Attendance>> + Send + 'static {
    let room = Room { client, places, line: None, backoff: Backoff::default(), ended: false };
    stream::unfold(room, |mut room| async move {
        let item = room.next().await?;
        Some((item, room))
    })
}

struct Room {
    client: Client,
    places: watch::Receiver<v1::Attending>,
    line: Option<Streaming<v1::Attendance>>,
    backoff: Backoff,
    ended: bool,
}

impl Room {
    async fn next(&mut self) -> Option<Followed<v1::Attendance>> {
        if self.ended {
            return None;
        }
        let Some(line) = &mut self.line else {
            return Some(match self.open().await {
                Ok(line) => {
                    self.line = Some(line);
                    Followed::Live
                }
                Err(error) => self.lost(error).await,
            });
        };
        // Nobody may come or go for hours: a dead line is noticed by the pings of the connection.
        match line.message().await {
            Ok(Some(mut message)) => {
                self.backoff.reset();
                message.clean();
                Some(Followed::Row(message))
            }
            // Nobody tells any more: the stream was ended from here.
            Ok(None) if self.places.has_changed().is_err() => None,
            Ok(None) => {
                let what = "the server closed the stream".to_owned();
                let url = self.client.url().to_owned();
                Some(self.lost(NetError::Unreachable { url, what }).await)
            }
            Err(status) => {
                let error = self.client.fault(&status);
                Some(self.lost(error).await)
            }
        }
    }

    async fn open(&self) -> Result<Streaming<v1::Attendance>, NetError> {
        let mut places = self.places.clone();
        // What is true now goes first.
        places.mark_changed();
        let told = stream::unfold(places, |mut places| async move {
            places.changed().await.ok()?;
            let place = places.borrow_and_update().clone();
            Some((place, places))
        });
        let opened = self.client.presence().attend(told).await;
        opened.map(tonic::Response::into_inner).map_err(|status| self.client.fault(&status))
    }

    async fn lost(&mut self, error: NetError) -> Followed<v1::Attendance> {
        self.line = None;
        if is_final(&error) {
            self.ended = true;
            return Followed::Ended(error);
        }
        let wait = self.backoff.wait_after(&error);
        tokio::time::sleep(wait).await;
        Followed::Lost { error, wait }
    }
}
