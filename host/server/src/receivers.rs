//! The receivers of Alertmanager that post here. Their names come with each notification, and
//! are kept beside the journal: what Alertmanager has for one of them is for this host.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use suture_core::{Clock, RealClock, Timestamp};
use suture_engine::Receiver;

/// In the folder of the journal.
const FILE: &str = "receivers.json";
/// The most that are remembered; then the one goes that has not posted for the longest: whoever may
/// post can call himself anything. An installation has one or two.
const MOST: usize = 64;

/// Those that have posted here.
pub(crate) struct Receivers {
    file: PathBuf,
    /// Who posted last is last.
    known: Mutex<Vec<Receiver>>,
    posts: Mutex<Posts>,
}

/// What was posted since the start.
#[derive(Clone, Debug, Default)]
pub(crate) struct Posts {
    /// When the last came that was accepted.
    pub accepted_at: Option<Timestamp>,
    /// Those that were refused since then.
    pub refused: u64,
    /// The last of them: when, and why.
    pub last_refused: Option<(Timestamp, String)>,
}

impl Receivers {
    /// Those that an earlier host has heard of. Where that can't be read, they are heard of again.
    pub fn load(folder: &Path) -> Self {
        let file = folder.join(FILE);
        let known = match std::fs::read(&file) {
            Ok(text) => serde_json::from_slice(&text).unwrap_or_else(|error| {
                tracing::warn!(file = %file.display(), %error, "the names of receivers can't be read; they are learned anew");
                Vec::new()
            }),
            Err(_) => Vec::new(),
        };
        Self { file, known: Mutex::new(known), posts: Mutex::default() }
    }

    /// A post was refused: whoever sent it may be a receiver that is not set up rightly.
    pub fn refused(&self, why: &str) {
        let mut posts = self.posts.lock();
        posts.refused += 1;
        posts.last_refused = Some((RealClock.now(), why.to_owned()));
    }

    /// What was posted since the start.
    pub fn posts(&self) -> Posts {
        self.posts.lock().clone()
    }

    /// A receiver has posted.
    pub fn heard(&self, receiver: Receiver) {
        *self.posts.lock() = Posts { accepted_at: Some(RealClock.now()), ..Posts::default() };
        let mut known = self.known.lock();
        if receiver.name.is_empty() {
            return;
        }
        if let Some(place) = known.iter().position(|one| *one == receiver) {
            let receiver = known.remove(place);
            return known.push(receiver);
        }
        if known.len() >= MOST {
            // Somebody makes names up: of that many nothing is written down.
            known.remove(0);
            return known.push(receiver);
        }
        tracing::info!(
            receiver = receiver.name,
            policy = receiver.policy,
            "a receiver of Alertmanager posts here"
        );
        known.push(receiver);
        if let Err(error) = self.write(&known) {
            tracing::warn!(file = %self.file.display(), %error, "the names of receivers can't be kept");
        }
    }

    /// All of them.
    pub fn all(&self) -> BTreeSet<Receiver> {
        self.known.lock().iter().cloned().collect()
    }

    /// The names of those that post for a policy.
    pub fn names_for(&self, policy: &str) -> BTreeSet<String> {
        let known = self.known.lock();
        let posts_for = |one: &&Receiver| one.policy.as_deref().is_none_or(|of| of == policy);
        known.iter().filter(posts_for).map(|one| one.name.clone()).collect()
    }

    /// Whole, or not at all.
    fn write(&self, known: &[Receiver]) -> std::io::Result<()> {
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec(known)?)?;
        file.persist(&self.file).map(drop).map_err(std::io::Error::from)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// Counts the lines of the log.
    #[derive(Clone, Default)]
    struct Lines(Arc<AtomicUsize>);

    impl Subscriber for Lines {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    fn receiver(name: &str, policy: Option<&str>) -> Receiver {
        Receiver { name: name.to_owned(), policy: policy.map(str::to_owned) }
    }

    #[test]
    fn who_has_posted_is_known_after_a_restart_and_not_without_bound() {
        let dir = tempfile::tempdir().unwrap();
        let receivers = Receivers::load(dir.path());
        receivers.heard(receiver("suture", None));
        receivers.heard(receiver("suture", None));
        receivers.heard(receiver("", None));
        receivers.heard(receiver("backups", Some("volsync")));
        let again = Receivers::load(dir.path()).all();
        assert_eq!(again, [receiver("backups", Some("volsync")), receiver("suture", None)].into());
        for number in 0..200 {
            receivers.heard(receiver(&number.to_string(), None));
            receivers.heard(receiver("suture", None));
        }
        assert_eq!(receivers.all().len(), MOST);
        assert!(receivers.all().contains(&receiver("suture", None)), "who posts is known among any others");
        assert!(!receivers.all().contains(&receiver("backups", Some("volsync"))));
        receivers.refused("the token is unknown");
        receivers.refused("the token is unknown");
        let posts = receivers.posts();
        assert!(posts.accepted_at.is_some() && posts.refused == 2 && posts.last_refused.is_some());
        receivers.heard(receiver("suture", None));
        assert_eq!(receivers.posts().refused, 0, "it works again");
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(Receivers::load(dir.path()).all().is_empty());
    }

    #[test]
    fn names_that_somebody_makes_up_fill_no_log_and_are_not_written_down() {
        let dir = tempfile::tempdir().unwrap();
        let receivers = Receivers::load(dir.path());
        let hear = |numbers: Range<usize>| {
            numbers.for_each(|number| receivers.heard(receiver(&number.to_string(), None)));
        };
        hear(0..MOST);
        let file = dir.path().join(FILE);
        std::fs::remove_file(&file).unwrap();
        let lines = Lines::default();
        tracing::subscriber::with_default(lines.clone(), || {
            hear(MOST..100 * MOST);
            tracing::info!("the only line");
        });
        assert_eq!(lines.0.load(Ordering::SeqCst), 1);
        assert!(!file.exists(), "it is written again");
        assert_eq!(receivers.all().len(), MOST);
    }
}
