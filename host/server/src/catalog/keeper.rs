//! The one task that exchanges modules and configuration while the host is at work. It owns
//! what is in force; all else sends it events.

mod apply;
mod reload;
mod status;

use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;
use serde_json::Value;
use suture_core::{Clock, RealClock, Timestamp};
use suture_engine::{Engine, Policy};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub(crate) use status::{AcceptError, ConfigStatus};

use super::watch::Watch;
use super::{Catalog, Considered, Stamp, Subject, stamp};
use crate::config::{ConfigError, Loaded, Source};
use crate::rights::Asking;
use reload::Reloaded;

/// Hears of each configuration that is put in force.
pub(crate) type OnReload = Box<dyn Fn(&Loaded) + Send + Sync>;

/// What the keeper is told.
enum Event {
    /// Files may have changed.
    Files,
    /// A policy was looked at. Boxed, as the rest is small.
    Considered { policy: String, result: Box<Result<Considered, ConfigError>> },
    /// The configuration was read again.
    Reloaded(Box<Result<Reloaded, Vec<ConfigError>>>),
    /// A person accepts a module that waits.
    Accept { policy: String, digest: String, reply: oneshot::Sender<Result<(), AcceptError>> },
    /// Read the configuration again, changed or not.
    Reload,
}

/// A policy's place.
struct Place {
    policy: Arc<Policy>,
    /// What was looked at last; none where its source is no file.
    stamp: Option<Stamp>,
    /// When its registry is asked next.
    poll: Option<Timestamp>,
    /// It is being looked at.
    busy: bool,
    /// It must be looked at once more after that.
    again: bool,
    /// Who waits for a digest to come to work.
    waiting: Vec<(String, oneshot::Sender<Result<(), AcceptError>>)>,
}

impl Place {
    fn new(policy: Arc<Policy>) -> Self {
        Self { policy, stamp: None, poll: None, busy: false, again: false, waiting: Vec::new() }
    }

    fn name(&self) -> &str {
        &self.policy.config.name
    }
}

/// Exchanges modules and configuration.
pub(crate) struct Keeper {
    catalog: Arc<Catalog>,
    engine: Engine,
    loaded: Arc<Loaded>,
    /// What the host began with, and what runs of it until a restart.
    began_with: Value,
    /// The configuration file, as it was read last.
    stamp: Stamp,
    places: Vec<Place>,
    /// The configuration is being read. Nothing else is looked at meanwhile, and it begins when
    /// nothing is: what comes of a look counts from what is in force when it ends.
    reloading: bool,
    /// It must be read once nothing is being looked at.
    reload_again: bool,
    /// Whether the configuration on disk was refused: a newer module may be what it waits for.
    refused: bool,
    watch: Watch,
    rights: Option<Asking>,
    on_reload: Vec<OnReload>,
    status: Arc<RwLock<ConfigStatus>>,
    sender: mpsc::UnboundedSender<Event>,
    events: mpsc::UnboundedReceiver<Event>,
}

/// A keeper at work. It ends when this is dropped.
pub(crate) struct Keeping {
    handle: Handle,
    task: JoinHandle<()>,
}

/// Speaks to a keeper. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Handle {
    sender: mpsc::UnboundedSender<Event>,
    status: Arc<RwLock<ConfigStatus>>,
}

/// What a keeper begins with.
pub(crate) struct Beginning {
    pub catalog: Arc<Catalog>,
    pub engine: Engine,
    pub loaded: Arc<Loaded>,
    /// What came of the policies while the host stood by.
    pub considered: Vec<Considered>,
    pub rights: Option<Asking>,
    pub on_reload: Vec<OnReload>,
}

impl Keeper {
    /// Begin: remember what is in force, and look at everything once more, now that there
    /// are runs on record.
    pub fn start(beginning: Beginning) -> Keeping {
        let Beginning { catalog, engine, loaded, considered, rights, on_reload } = beginning;
        let (sender, events) = mpsc::unbounded_channel();
        let tell = sender.clone();
        let watch = Watch::new(move || drop(tell.send(Event::Files)));
        let status = Arc::new(RwLock::new(ConfigStatus::of(loaded.file(), RealClock.now())));
        let handle = Handle { sender: sender.clone(), status: status.clone() };
        let mut keeper = Self {
            stamp: Stamp::of_file(loaded.file()),
            began_with: loaded.plain(),
            places: considered
                .iter()
                .map(|considered| Place::new(Arc::new(considered.policy.clone())))
                .collect(),
            reloading: false,
            reload_again: false,
            refused: false,
            catalog,
            engine,
            loaded,
            watch,
            rights,
            on_reload,
            status,
            sender,
            events,
        };
        let task = tokio::spawn(async move {
            for considered in considered {
                keeper.remember(&considered).await;
            }
            // Between the first look and the first watch something may have changed.
            keeper.look();
            keeper.run().await;
        });
        Keeping { handle, task }
    }

    async fn run(mut self) {
        let real: &dyn Clock = &RealClock;
        loop {
            let poll = self.places.iter().filter_map(|place| place.poll).min();
            let polled = async {
                match poll {
                    Some(at) => real.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                event = self.events.recv() => match event {
                    Some(event) => self.handle(event).await,
                    None => return,
                },
                () = polled => self.poll(),
            }
        }
    }

    async fn handle(&mut self, event: Event) {
        match event {
            Event::Files => self.look(),
            Event::Considered { policy, result } => self.considered(&policy, *result).await,
            Event::Reload => self.reload(),
            Event::Reloaded(result) => self.reloaded(*result).await,
            Event::Accept { policy, digest, reply } => self.accept(&policy, digest, reply).await,
        }
    }

    /// Look which files have changed, and consider what stands in them.
    fn look(&mut self) {
        let loaded = self.loaded.clone();
        for entry in &loaded.config.policies {
            let Some(now) = stamp(&loaded, &entry.value) else { continue };
            let Some(index) = self.index(&entry.value.name.value) else { continue };
            if let Some(place) = self.places.get_mut(index)
                && place.stamp.as_ref() != Some(&now)
            {
                place.stamp = Some(now);
                self.trigger(index);
            }
        }
        let oci = |place: &Place| place.stamp.is_none() && place.poll.is_none() && !place.busy;
        for index in (0..self.places.len())
            .filter(|index| self.places.get(*index).is_some_and(oci))
            .collect::<Vec<_>>()
        {
            self.trigger(index);
        }
        // What changes while it is being read is seen after that.
        let now = Stamp::of_file(self.loaded.file());
        if !self.reloading && self.stamp != now {
            self.stamp = now;
            self.reload();
        }
        self.follow();
    }

    /// Watch what the configuration names.
    fn follow(&mut self) {
        let loaded = &self.loaded;
        let sources = loaded.config.policies.iter().filter_map(|entry| match &entry.value.source.value {
            Source::File(path) | Source::Folder(path) => Some(loaded.path(path)),
            Source::Oci(_) => None,
        });
        let paths: Vec<PathBuf> = sources.chain([loaded.file().to_owned()]).collect();
        self.watch.follow(paths.iter().map(PathBuf::as_path));
    }

    /// Ask the registries whose time has come.
    fn poll(&mut self) {
        let now = RealClock.now();
        for index in 0..self.places.len() {
            if let Some(place) = self.places.get_mut(index)
                && place.poll.is_some_and(|at| at <= now)
            {
                place.poll = None;
                self.trigger(index);
            }
        }
    }

    fn index(&self, policy: &str) -> Option<usize> {
        self.places.iter().position(|place| place.name() == policy)
    }

    /// Consider a policy, beside all else. One that is being considered is so again after.
    fn trigger(&mut self, index: usize) {
        let Some(place) = self.places.get_mut(index) else { return };
        if place.busy || self.reloading || self.reload_again {
            place.again = true;
            return;
        }
        place.busy = true;
        let (catalog, loaded, journal) =
            (self.catalog.clone(), self.loaded.clone(), self.engine.journal().clone());
        let (current, sender) = (place.policy.clone(), self.sender.clone());
        let (policy, file) = (place.name().to_owned(), self.loaded.file().to_owned());
        tokio::spawn(async move {
            let look = async move {
                let name = &current.config.name;
                let gone = || ConfigError::whole(loaded.file(), format!("there is no policy `{name}`"));
                let entry = entry(&loaded, name).ok_or_else(gone)?;
                let subject =
                    Subject { loaded: &loaded, entry, current: Some(&current), journal: Some(&journal) };
                catalog.consider(subject).await
            };
            let result = beside(look).await.unwrap_or_else(|why| Err(ConfigError::whole(&file, why)));
            let _ = sender.send(Event::Considered { policy, result: Box::new(result) });
        });
    }

    /// When the registry of a policy is asked next, where its module comes from one.
    fn next_poll(&self, policy: &str) -> Option<Timestamp> {
        let Source::Oci(source) = &entry(&self.loaded, policy)?.source.value else { return None };
        let real: &dyn Clock = &RealClock;
        Some(real.after(source.poll.get()))
    }
}

/// Do something beside all else. That it panics is an error: nobody else would hear that it is
/// over.
async fn beside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Result<T, String> {
    tokio::spawn(work).await.map_err(|error| format!("the host failed at it: {error}"))
}

fn entry<'a>(loaded: &'a Loaded, policy: &str) -> Option<&'a crate::config::PolicyEntry> {
    loaded.config.policies.iter().map(|entry| &entry.value).find(|entry| entry.name.value == policy)
}

impl Keeping {
    /// What speaks to it.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Handle {
    /// Accept a module that waits: it takes the place of the one at work. It works when this returns.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn accept(&self, policy: &str, digest: &str) -> Result<(), AcceptError> {
        let (reply, answer) = oneshot::channel();
        let event = Event::Accept { policy: policy.to_owned(), digest: digest.to_owned(), reply };
        self.sender.send(event).map_err(|_| AcceptError::Stopping)?;
        answer.await.map_err(|_| AcceptError::Stopping)?
    }

    /// Read the configuration again, as if it had changed.
    pub fn reload(&self) {
        let _ = self.sender.send(Event::Reload);
    }

    /// What became of the configuration on disk.
    pub fn config(&self) -> ConfigStatus {
        self.status.read().clone()
    }
}
