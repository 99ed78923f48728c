//! Work that takes a processor for a while, beside the async workers: webhooks are answered meanwhile.

use tokio::sync::Semaphore;

/// One at a time: however much of it there is, it takes one processor.
static PLACES: Semaphore = Semaphore::const_new(1);

/// Do it on a thread of its own.
///
/// # Errors
/// It panicked, or the host ends.
pub(crate) async fn beside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let _place = PLACES.acquire().await.map_err(|error| error.to_string())?;
    tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())
}
