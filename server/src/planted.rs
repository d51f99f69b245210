//! What the planted bugs of the server need beyond their one line (docs/PLANTED.md). The rooms take `planted!` from here, so that those which know nothing of
//! the domain go on knowing nothing of it. Never here: a bug's own line, or a test.

pub(crate) use deadwax_domain::planted;

/// A watcher's updates, where `on` is chosen pulled for it and queued without an end, whether it reads or not.
#[cfg(feature = "planted")]
pub(crate) fn queued<T: Send + 'static>(
    on: bool,
    updates: impl futures::Stream<Item = T> + Send + 'static,
) -> futures::stream::BoxStream<'static, T> {
    use futures::StreamExt as _;

    if !on {
        return updates.boxed();
    }
    let (push, queue) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        let mut updates = std::pin::pin!(updates);
        while let Some(update) = updates.next().await {
            if push.send(update).is_err() {
                return;
            }
        }
    });
    tokio_stream::wrappers::UnboundedReceiverStream::new(queue).boxed()
}
