//! Putting to work what came of looking at a policy.

use std::sync::Arc;

use suture_engine::Policy;
use tokio::sync::oneshot;

use super::{AcceptError, Keeper};
use crate::catalog::Considered;
use crate::config::ConfigError;

impl Keeper {
    /// A policy was looked at.
    pub(super) async fn considered(&mut self, policy: &str, result: Result<Considered, ConfigError>) {
        let Some(index) = self.index(policy) else { return };
        let poll = self.next_poll(policy);
        let Some(place) = self.places.get_mut(index) else { return };
        place.busy = false;
        place.poll = poll;
        let is_old = std::mem::take(&mut place.again);
        match result {
            Ok(considered) => {
                self.remember(&considered).await;
                if self.put(index, considered.policy) {
                    self.publish();
                    self.forget(policy).await;
                }
            }
            Err(error) => tracing::error!(policy, "{}", error.in_a_line()),
        }
        if is_old {
            // The next look begins from what this one has put to work.
            self.trigger(index);
        }
        self.answer(index);
        if self.refused || self.reload_again {
            // What the settings on disk did not fit may be there now.
            self.reload();
        }
    }

    /// Tell those who wait for a digest whether it works.
    fn answer(&mut self, index: usize) {
        let Some(place) = self.places.get_mut(index).filter(|place| !place.busy) else { return };
        for (digest, reply) in std::mem::take(&mut place.waiting) {
            let policy = &place.policy;
            let _ = reply.send(match (&policy.candidate, &policy.trouble) {
                _ if policy.digest() == Some(&digest) => Ok(()),
                (Some(candidate), _) => Err(AcceptError::OtherDigest(candidate.digest.clone())),
                (None, Some(trouble)) => Err(AcceptError::Failed(trouble.clone())),
                (None, None) => Err(AcceptError::NothingWaits(policy.config.name.clone())),
            });
        }
    }

    /// Put a policy in its place, and tell what is new of it. Whether anything is.
    pub(super) fn put(&mut self, index: usize, policy: Policy) -> bool {
        let Some(place) = self.places.get_mut(index) else { return false };
        let old = std::mem::replace(&mut place.policy, Arc::new(policy));
        let new = &place.policy;
        tell(&old, new, self.engine.metrics());
        let is_same = old.digest() == new.digest()
            && old.status() == new.status()
            && old.config.settings == new.config.settings
            && old.config.grants == new.config.grants;
        !is_same
    }

    /// Give the engine what is in force now, and ask for the rights that this needs.
    pub(super) fn publish(&mut self) {
        let policies: Vec<_> = self.places.iter().map(|place| place.policy.clone()).collect();
        self.engine.replace(policies.clone());
        if let Some(rights) = &self.rights {
            rights.renew(&self.loaded, &policies);
        }
    }

    /// Keep a module that is put to work, before it is: a run that it begins may have to go on
    /// after a restart.
    pub(super) async fn remember(&self, considered: &Considered) {
        let Some(module) = considered.module.clone() else { return };
        let (kept, policy) = (self.catalog.kept.clone(), considered.policy.config.name.clone());
        let name = policy.clone();
        let written = tokio::task::spawn_blocking(move || {
            let mut slot = kept.slot(&policy);
            let before = slot.clone();
            let version = &module.program.manifest().version;
            slot.put_to_work(module.digest(), version, module.key.clone());
            kept.keep(&policy, &module)?;
            if slot != before { kept.write_slot(&policy, &slot) } else { Ok(()) }
        });
        if let Err(error) = written.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            tracing::error!(
                policy = name,
                %error,
                "the module could not be kept: after a restart, unfinished runs of it are undone and not gone on with"
            );
        }
    }

    /// Remove modules that no run needs any more.
    async fn forget(&self, policy: &str) {
        let Ok(unfinished) = self.engine.journal().unfinished_runs().await else { return };
        let ours = unfinished.into_iter().filter(|run| run.policy == policy).map(|run| run.digest);
        let in_force = self.engine.policy(policy).and_then(|policy| policy.digest().map(str::to_owned));
        let needed: Vec<String> = ours.chain(in_force).collect();
        let (kept, policy) = (self.catalog.kept.clone(), policy.to_owned());
        let _ = tokio::task::spawn_blocking(move || kept.prune(&policy, &needed)).await;
    }

    /// A person accepts a module that waits.
    pub(super) async fn accept(
        &mut self,
        policy: &str,
        digest: String,
        reply: oneshot::Sender<Result<(), AcceptError>>,
    ) {
        let refused = match self.index(policy).and_then(|index| self.places.get(index)) {
            None => Some(AcceptError::UnknownPolicy(policy.to_owned())),
            Some(place) => match &place.policy.candidate {
                None => Some(AcceptError::NothingWaits(policy.to_owned())),
                Some(waiting) if waiting.digest != digest => {
                    Some(AcceptError::OtherDigest(waiting.digest.clone()))
                }
                Some(_) => None,
            },
        };
        if let Some(error) = refused {
            let _ = reply.send(Err(error));
            return;
        }
        let (kept, name, accepted) = (self.catalog.kept.clone(), policy.to_owned(), digest.clone());
        let written = tokio::task::spawn_blocking(move || {
            let mut slot = kept.slot(&name);
            slot.accepted.insert(accepted);
            kept.write_slot(&name, &slot)
        });
        if let Err(error) = written.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            let what = format!("that {digest} is accepted can't be written down: {error}");
            let _ = reply.send(Err(AcceptError::Failed(what)));
            return;
        }
        tracing::info!(policy, digest, "a module is accepted");
        let Some(index) = self.index(policy) else { return };
        if let Some(place) = self.places.get_mut(index) {
            place.waiting.push((digest, reply));
        }
        self.trigger(index);
    }
}

/// Say what is new of a policy.
fn tell(old: &Policy, new: &Policy, metrics: &suture_engine::Metrics) {
    let policy = &new.config.name;
    let (before, now) = (old.status(), new.status());
    if let (Some(digest), Some(version)) = (&now.digest, &now.version)
        && before.digest.as_ref() != Some(digest)
    {
        let from = before.digest.as_deref().unwrap_or("none");
        tracing::info!(policy, version, digest, from, source = now.source, "a module is put to work");
        metrics.swapped(policy);
        let more: Vec<_> =
            now.not_granted.iter().filter(|right| !before.not_granted.contains(right)).collect();
        if !more.is_empty() {
            let more = more.iter().map(|right| right.as_str()).collect::<Vec<_>>().join(", ");
            tracing::warn!(
                policy,
                digest,
                "it requests more than is granted, and is denied when it tries: {more}"
            );
        }
    }
    if let Some(error) = now.error
        && before.error.as_ref() != Some(&error)
    {
        metrics.load_failure(policy);
        match &now.digest {
            Some(digest) => {
                tracing::error!(
                    policy,
                    digest,
                    "the newer module can't be used, and this one goes on: {error}"
                );
            }
            None => tracing::error!(policy, "a policy can't be loaded: {error}"),
        }
    }
    if let Some(candidate) = &now.candidate
        && before.candidate.as_ref().is_none_or(|before| before.digest != candidate.digest)
    {
        tracing::warn!(policy, digest = candidate.digest, "a module waits to be accepted: {}", candidate.why);
    }
}
