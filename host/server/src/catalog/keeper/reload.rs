//! Reading the configuration again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use futures::future::join_all;
use suture_core::{Clock, RealClock};
use suture_engine::Policy;

use super::{Event, Keeper, Place, beside};
use crate::catalog::changes::{self, Change};
use crate::catalog::{Catalog, Considered, Subject};
use crate::config::{Config, ConfigError, Loaded};

/// A configuration that is found right, and what came of its policies.
pub(super) struct Reloaded {
    loaded: Loaded,
    considered: Vec<Considered>,
}

impl Keeper {
    /// Read the configuration again, beside all else.
    pub(super) fn reload(&mut self) {
        if self.reloading || self.places.iter().any(|place| place.busy) {
            self.reload_again = true;
            return;
        }
        self.reloading = true;
        self.reload_again = false;
        self.refused = false;
        let (catalog, file, sender) =
            (self.catalog.clone(), self.loaded.file().to_owned(), self.sender.clone());
        let (journal, contacts) = (self.engine.journal().clone(), self.loaded.contacts.clone());
        let current: HashMap<String, Arc<Policy>> =
            self.places.iter().map(|place| (place.name().to_owned(), place.policy.clone())).collect();
        tokio::spawn(async move {
            let failed = |why: String| vec![ConfigError::whole(&file, why)];
            let path = file.clone();
            let read = tokio::task::spawn_blocking(move || Config::load(&path)).await;
            let result = match read.unwrap_or_else(|error| Err(failed(error.to_string()))) {
                Ok(loaded) => {
                    let loaded = loaded.noting(contacts);
                    let considering = async move { consider(&catalog, loaded, &current, &journal).await };
                    beside(considering).await.unwrap_or_else(|why| Err(failed(why)))
                }
                Err(errors) => Err(errors),
            };
            let _ = sender.send(Event::Reloaded(Box::new(result)));
        });
    }

    /// It was read: all of it is put in force at once, or nothing.
    pub(super) async fn reloaded(&mut self, result: Result<Reloaded, Vec<ConfigError>>) {
        self.reloading = false;
        self.engine.metrics().reloaded(result.is_ok());
        match result {
            Ok(reloaded) => self.put_in_force(reloaded).await,
            Err(errors) => {
                self.refused = true;
                let errors: Vec<String> = errors.iter().map(ConfigError::in_a_line).collect();
                if self.status.read().errors != errors {
                    for error in &errors {
                        tracing::error!(
                            "the changed configuration is refused, and what was in force stays: {error}"
                        );
                    }
                }
                self.status.write().errors = errors;
            }
        }
        // What was asked for meanwhile.
        let again: Vec<usize> = (0..self.places.len())
            .filter(|index| {
                self.places
                    .get_mut(*index)
                    .is_some_and(|place| !place.busy && std::mem::take(&mut place.again))
            })
            .collect();
        again.into_iter().for_each(|index| self.trigger(index));
        self.look();
        if self.reload_again {
            self.reload();
        }
    }

    async fn put_in_force(&mut self, reloaded: Reloaded) {
        let Reloaded { mut loaded, considered } = reloaded;
        let changes = changes::between(&self.loaded.plain(), &loaded.plain());
        let since_start = changes::between(&self.began_with, &loaded.plain());
        let waiting = since_start.into_iter().filter(|change| !change.is_live());
        let waiting: BTreeSet<String> = waiting.map(|change| change.at).collect();
        let warnings = std::mem::take(&mut loaded.warnings);
        self.loaded = Arc::new(loaded);
        for considered in &considered {
            self.remember(considered).await;
        }
        let mut old: HashMap<String, Place> = std::mem::take(&mut self.places)
            .into_iter()
            .map(|place| (place.name().to_owned(), place))
            .collect();
        for Considered { policy, .. } in considered {
            let name = policy.config.name.clone();
            let is_new = !old.contains_key(&name);
            let place = old.remove(&name).unwrap_or_else(|| Place::new(Arc::new(policy.clone())));
            self.places.push(place);
            let index = self.places.len() - 1;
            self.put(index, policy);
            let poll = self.next_poll(&name);
            if let Some(place) = self.places.get_mut(index) {
                place.poll = poll;
                // Its source may be another now; it was looked at just now.
                if is_new || poll.is_some() {
                    place.stamp = None;
                }
            }
        }
        self.publish();
        self.on_reload.iter().for_each(|hear| hear(&self.loaded));
        tell(&changes, &waiting, &warnings);
        let mut status = self.status.write();
        status.loaded_at = RealClock.now();
        status.errors.clear();
        status.after_restart = waiting.into_iter().collect();
    }
}

/// Look at all policies of a configuration. Where the settings of one fit no module that
/// there is, nothing of it is put in force.
async fn consider(
    catalog: &Catalog,
    loaded: Loaded,
    current: &HashMap<String, Arc<Policy>>,
    journal: &suture_journal::Journal,
) -> Result<Reloaded, Vec<ConfigError>> {
    let looks = loaded.config.policies.iter().map(|entry| {
        let current = current.get(&entry.value.name.value).map(Arc::as_ref);
        catalog.consider(Subject { loaded: &loaded, entry: &entry.value, current, journal: Some(journal) })
    });
    let (mut considered, mut errors) = (Vec::new(), Vec::new());
    for look in join_all(looks).await {
        match look {
            Ok(Considered { unfit: Some(error), .. }) | Err(error) => errors.push(error),
            Ok(found) => considered.push(found),
        }
    }
    if errors.is_empty() { Ok(Reloaded { loaded, considered }) } else { Err(errors) }
}

fn tell(changes: &[Change], waiting: &BTreeSet<String>, warnings: &[ConfigError]) {
    if changes.is_empty() {
        return;
    }
    for change in changes {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "nothing".to_owned());
        let (from, to) = (shown(&change.from), shown(&change.to));
        if change.is_live() || waiting.is_empty() {
            tracing::info!(at = change.at, from, to, "the configuration is changed");
        } else {
            tracing::warn!(
                at = change.at,
                from,
                to,
                "the configuration is changed; this counts from the next start on"
            );
        }
    }
    warnings.iter().for_each(|warning| tracing::warn!("{}", warning.in_a_line()));
}
