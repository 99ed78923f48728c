//! Certificates that are exchanged while a listener serves them.

use std::sync::Arc;

use suture_core::{Clock, RealClock};
use suture_engine::Metrics;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::files::{Contents, Identity, TlsError, TlsFiles};
use crate::catalog::watch::Watch;

/// What a listener serves, as long as this is kept.
pub(crate) struct Served {
    current: watch::Receiver<Arc<Identity>>,
    task: JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Served {
    /// Serve what was read, and what stands in the files later on.
    pub fn start(files: TlsFiles, first: Identity, listener: &'static str, metrics: Metrics) -> Self {
        metrics.certificate_expires(listener, first.expires);
        let (sender, current) = watch::channel(Arc::new(first));
        let reloading = Reloading { files, listener, metrics, sender, refused: None };
        Self { current, task: tokio::spawn(reloading.run()) }
    }

    /// What is served; changes whenever it is another.
    pub fn identity(&self) -> watch::Receiver<Arc<Identity>> {
        self.current.clone()
    }
}

struct Reloading {
    files: TlsFiles,
    listener: &'static str,
    metrics: Metrics,
    sender: watch::Sender<Arc<Identity>>,
    /// What was refused last: it is said once.
    refused: Option<(Option<Contents>, TlsError)>,
}

impl Reloading {
    async fn run(mut self) {
        let changed = Arc::new(Notify::new());
        let tell = changed.clone();
        let mut watch = Watch::new(move || tell.notify_one());
        loop {
            watch.follow(self.files.paths());
            self.look();
            changed.notified().await;
        }
    }

    /// Put in force what the files hold, if it is right and not what is in force.
    fn look(&mut self) {
        let contents = match self.files.read() {
            Ok(contents) => contents,
            Err(error) => return self.refuse(None, error),
        };
        if contents == self.sender.borrow().contents {
            self.refused = None;
            return;
        }
        let identity = self.files.identity(contents.clone()).and_then(|identity| {
            identity.check_expiry(&self.files, RealClock.now())?;
            Ok(identity)
        });
        match identity {
            Ok(identity) => {
                tracing::info!(listener = self.listener, expires = %identity.expires, "another certificate is served");
                self.metrics.tls_reloaded(self.listener, true);
                self.metrics.certificate_expires(self.listener, identity.expires);
                self.refused = None;
                drop(self.sender.send_replace(Arc::new(identity)));
            }
            Err(error) => self.refuse(Some(contents), error),
        }
    }

    fn refuse(&mut self, contents: Option<Contents>, error: TlsError) {
        let refused = Some((contents, error));
        if refused == self.refused {
            return;
        }
        if let Some((_, error)) = &refused {
            tracing::error!(listener = self.listener, %error, "what was in force stays");
            self.metrics.tls_reloaded(self.listener, false);
        }
        self.refused = refused;
    }
}
