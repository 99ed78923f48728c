//! Watches that waiters share: one for each resource and namespace, for as long as anybody
//! waits. Nothing is kept of what passes by but what a waiter has not looked at yet.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::future::select;
use http::Method;
use http_body_util::BodyExt;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use suture_core::object::Object;
use suture_core::{Error, Reason};
use tokio::sync::Notify;

use super::answer::{Answer, of_status};
use super::path;
use super::tries::backoff;
use super::wire::{Wire, all};

/// How long the API server keeps a watch open, in seconds; then it is asked for anew.
const OPEN_FOR: &str = "290";
/// A watch on which nothing comes for so long, not even a bookmark (they come about every
/// minute), is dead.
const SILENCE: Duration = Duration::from_secs(150);
/// The longest event, in bytes; etcd takes objects of 1.5 MiB.
const LONGEST_EVENT: usize = 8 << 20;
/// The longest refusal, in bytes.
const LONGEST_REFUSAL: usize = 1 << 20;
/// The longest pause before it is opened again.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What is watched: a path of the API, and of its objects one or all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Scope {
    pub path: String,
    pub name: Option<String>,
}

/// What a waiter is told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen {
    /// The object as it is now.
    Object(Object),
    /// An object of that name is gone; this is what was left of it.
    Gone(Object),
    /// Something may have been missed: look for yourself.
    LookAgain,
    /// There is no such watch, and why.
    Refused(Error),
}

/// All watches.
#[derive(Default)]
pub(super) struct Watches(Mutex<HashMap<Scope, Weak<Watch>>>);

/// One watch and those who wait on it. It ends with the last of them.
#[derive(Default)]
pub(super) struct Watch {
    /// By namespace and name.
    waiters: Mutex<HashMap<String, Vec<Weak<Waiter>>>>,
    /// Told when nobody waits any more: the connection may be silent for a long time.
    ended: Arc<Notify>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.notify_one();
    }
}

/// One who waits for an object.
pub(super) struct Waiter {
    watch: Arc<Watch>,
    key: String,
    seen: Mutex<Option<Seen>>,
    told: Notify,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut waiters = self.watch.waiters.lock();
        let Some(beside) = waiters.get_mut(&self.key) else { return };
        beside.retain(|waiter| waiter.strong_count() > 0);
        if beside.is_empty() {
            waiters.remove(&self.key);
        }
    }
}

impl Waiter {
    /// What is new since the last time, the latest only.
    pub async fn next(&self) -> Seen {
        loop {
            if let Some(seen) = self.seen.lock().take() {
                return seen;
            }
            self.told.notified().await;
        }
    }

    fn tell(&self, seen: Seen) {
        let mut latest = self.seen.lock();
        // That something was missed is not made good by what comes later.
        if !matches!(*latest, Some(Seen::LookAgain | Seen::Refused(_))) || matches!(seen, Seen::Refused(_)) {
            *latest = Some(seen);
        }
        drop(latest);
        self.told.notify_one();
    }
}

impl Watches {
    /// Wait for an object in a scope. Whoever comes later must look at the object after
    /// this, not before.
    pub fn wait(&self, wire: &Wire, scope: &Scope, namespace: Option<&str>, name: &str) -> Arc<Waiter> {
        let watch = {
            let mut watches = self.0.lock();
            watches.get(scope).and_then(Weak::upgrade).unwrap_or_else(|| {
                watches.retain(|_, watch| watch.strong_count() > 0);
                let watch = Arc::new(Watch::default());
                watches.insert(scope.clone(), Arc::downgrade(&watch));
                let (ended, goes_on) = (watch.ended.clone(), Arc::downgrade(&watch));
                let (wire, scope) = (wire.clone(), scope.clone());
                tokio::spawn(async move {
                    let running = std::pin::pin!(run(wire, scope, goes_on));
                    select(running, std::pin::pin!(ended.notified())).await;
                });
                watch
            })
        };
        watch.wait(key(namespace, name))
    }
}

fn key(namespace: Option<&str>, name: &str) -> String {
    format!("{}/{name}", namespace.unwrap_or_default())
}

impl Watch {
    fn wait(self: Arc<Self>, key: String) -> Arc<Waiter> {
        let (seen, told) = (Mutex::new(None), Notify::new());
        let waiter = Arc::new(Waiter { watch: self.clone(), key: key.clone(), seen, told });
        self.waiters.lock().entry(key).or_default().push(Arc::downgrade(&waiter));
        waiter
    }

    /// Whether anybody waits for an object. Most of what passes by concerns nobody.
    fn concerns(&self, key: &str) -> bool {
        self.waiters.lock().contains_key(key)
    }

    // Those who wait are told after the lock is let go: one whose owner has just gone takes it
    // again when it is dropped.
    fn tell(&self, key: &str, seen: &Seen) {
        let interested: Vec<_> =
            self.waiters.lock().get(key).into_iter().flatten().filter_map(Weak::upgrade).collect();
        interested.iter().for_each(|waiter| waiter.tell(seen.clone()));
    }

    fn tell_all(&self, seen: &Seen) {
        let all: Vec<_> = self.waiters.lock().values().flatten().filter_map(Weak::upgrade).collect();
        all.iter().for_each(|waiter| waiter.tell(seen.clone()));
    }
}

/// An event, as the API server writes it: all of its object, or no more than says whose it
/// is.
#[derive(Deserialize)]
struct Event<O> {
    #[serde(rename = "type")]
    kind: String,
    object: O,
}

/// Whose an object is.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    metadata: HeadMetadata,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct HeadMetadata {
    namespace: Option<String>,
    name: String,
    resource_version: Option<String>,
}

/// How a connection ended.
enum Ended {
    /// It can be taken up where it was.
    Closed,
    /// The same, but not now.
    Busy(Error),
    /// It must be begun anew.
    Expired,
    /// It is not to be had.
    Refused(Error),
}

/// Watch, until nobody waits any more.
async fn run(wire: Wire, scope: Scope, watch: Weak<Watch>) {
    // Unset: the state of things first, then what changes.
    let mut version = String::new();
    let mut backoff = backoff(&wire, LONGEST_PAUSE);
    let mut was_ready = false;
    while watch.strong_count() > 0 {
        let before = version.clone();
        let ended = connection(&wire, &scope, &watch, &mut version).await;
        let Some(waiting) = watch.upgrade() else { return };
        let mut asked = None;
        match &ended {
            // One that has just started may not know yet who may watch.
            Ended::Refused(error) if error.status == Some(403) && !was_ready => {
                was_ready = wire.is_ready().await;
            }
            Ended::Refused(error) => return waiting.tell_all(&Seen::Refused(error.clone())),
            Ended::Expired => {
                version.clear();
                waiting.tell_all(&Seen::LookAgain);
            }
            Ended::Closed => {}
            Ended::Busy(error) => asked = error.retry_after(),
        }
        // Else nothing was missed: it is known up to where everything was seen.
        if matches!(ended, Ended::Closed | Ended::Busy(_)) && version.is_empty() {
            waiting.tell_all(&Seen::LookAgain);
        }
        drop(waiting);
        if version != before {
            backoff.reset();
        }
        wire.clock.sleep(backoff.next(asked)).await;
    }
}

async fn connection(wire: &Wire, scope: &Scope, watch: &Weak<Watch>, version: &mut String) -> Ended {
    let one = scope.name.as_ref().map(|name| format!("metadata.name={name}"));
    let mut query = vec![("watch", "true"), ("allowWatchBookmarks", "true"), ("timeoutSeconds", OPEN_FOR)];
    query.extend(one.as_deref().map(|selector| ("fieldSelector", selector)));
    if !version.is_empty() {
        query.push(("resourceVersion", version.as_str()));
    }
    let request = match path::request(Method::GET, &scope.path, &query, None, Vec::new()) {
        Ok(request) => request,
        Err(error) => return Ended::Refused(error),
    };
    wire.turn().await;
    let sent = wire.clock.timeout(SILENCE, wire.open(request)).await;
    let response = match sent {
        Some(Ok(response)) => response,
        Some(Err(error)) => {
            tracing::debug!(path = scope.path, error = %error.error(), "a watch can't be opened");
            return Ended::Closed;
        }
        None => return Ended::Closed,
    };
    let status = response.status().as_u16();
    let retry_after = wire.asked_pause(&response);
    let mut body = response.into_body();
    if status != 200 {
        let body = all(body, LONGEST_REFUSAL).await.unwrap_or_default();
        let answer = Answer { status, retry_after, body };
        let Err(error) = answer.json() else { return Ended::Closed };
        return match status {
            410 => Ended::Expired,
            403 | 404 | 405 | 400 => Ended::Refused(error),
            _ => Ended::Busy(error),
        };
    }
    let mut line = Vec::new();
    loop {
        let Some(Some(Ok(frame))) = wire.clock.timeout(SILENCE, body.frame()).await else {
            return Ended::Closed;
        };
        let Ok(data) = frame.into_data() else { continue };
        for part in data.split_inclusive(|byte| *byte == b'\n') {
            line.extend_from_slice(part);
            if line.len() > LONGEST_EVENT {
                return Ended::Expired;
            }
            if line.ends_with(b"\n") {
                let Some(watch) = watch.upgrade() else { return Ended::Closed };
                if let Some(ended) = event(&watch, &line, version) {
                    return ended;
                }
                line.clear();
            }
        }
        if watch.strong_count() == 0 {
            return Ended::Closed;
        }
    }
}

/// Pass an event on. What it ends with, where it is the last.
fn event(watch: &Watch, line: &[u8], version: &mut String) -> Option<Ended> {
    let Ok(Event { kind, object: Head { metadata } }) = serde_json::from_slice(line) else {
        return Some(Ended::Expired);
    };
    let whole = || serde_json::from_slice(line).ok().map(|Event { object, .. }: Event<Value>| object);
    if kind == "ERROR" {
        let Some(status) = whole() else { return Some(Ended::Expired) };
        let error = of_status(&status, 500, None);
        let is_over = error.reason == Reason::EXPIRED || error.status == Some(410);
        return Some(if is_over { Ended::Expired } else { Ended::Closed });
    }
    let key = key(metadata.namespace.as_deref(), &metadata.name);
    if ["ADDED", "MODIFIED", "DELETED"].contains(&kind.as_str()) && watch.concerns(&key) {
        let Some(object) = whole().map(Arc::new) else { return Some(Ended::Expired) };
        watch.tell(&key, &if kind == "DELETED" { Seen::Gone(object) } else { Seen::Object(object) });
    }
    if let Some(now) = metadata.resource_version {
        *version = now;
    }
    None
}
