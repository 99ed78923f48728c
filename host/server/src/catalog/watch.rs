//! What tells that files may have changed.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use suture_core::{Clock, RealClock};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long it must be still before files are looked at: who writes one writes more.
const QUIET: Duration = Duration::from_millis(15);
/// How long that is waited for at most.
const PATIENCE: Duration = Duration::from_millis(150);
/// How often files are looked at unasked: network file systems tell nobody, and the kernel
/// only has so many watches.
const EVERY: Duration = Duration::from_secs(5);
/// The most links that are followed, as in the kernel.
const MAX_LINKS: usize = 40;

/// Watches the folders that files stand in. A ConfigMap's files are links to `..data/FILE`,
/// and `..data` is a link that is exchanged: whatever folder has a part in where a path
/// leads is watched.
pub(crate) struct Watch {
    /// None where the kernel gives none: then files are looked at every few seconds.
    watcher: Option<RecommendedWatcher>,
    folders: HashSet<PathBuf>,
    listening: JoinHandle<()>,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl Watch {
    /// Watch nothing yet. `hear` is called whenever files may have changed, and are written.
    pub fn new(hear: impl Fn() + Send + 'static) -> Self {
        let changed = Arc::new(Notify::new());
        let tell = changed.clone();
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // To be opened and read changes nothing; an overflow is an error, and may be anything.
            if event.is_ok_and(
                |event| matches!(event.kind, notify::EventKind::Access(access) if !is_end_of_writing(access)),
            ) {
                return;
            }
            tell.notify_one();
        });
        let watcher = watcher
            .inspect_err(|error| {
                tracing::warn!(%error, "files can't be watched here; they are looked at every {} s", EVERY.as_secs());
            })
            .ok();
        let listening = tokio::spawn(async move {
            loop {
                settle(&changed).await;
                hear();
            }
        });
        Self { watcher, folders: HashSet::new(), listening }
    }

    /// Watch what these paths lead through, and nothing else any more.
    pub fn follow<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) {
        let Some(watcher) = &mut self.watcher else { return };
        let wanted: HashSet<PathBuf> = paths.flat_map(folders).collect();
        for gone in self.folders.difference(&wanted) {
            // It may have been removed, and its watch with it.
            let _ = watcher.unwatch(gone);
        }
        let mut watched = HashSet::new();
        for folder in wanted {
            let is_new = !self.folders.contains(&folder);
            match is_new.then(|| watcher.watch(&folder, RecursiveMode::NonRecursive)) {
                Some(Err(error)) => {
                    tracing::debug!(folder = %folder.display(), %error, "a folder can't be watched")
                }
                _ => drop(watched.insert(folder)),
            }
        }
        self.folders = watched;
    }
}

/// Wait until files may have changed, and are written.
async fn settle(changed: &Notify) {
    let real: &dyn Clock = &RealClock;
    if real.timeout(EVERY, changed.notified()).await.is_none() {
        return;
    }
    let quiet = async { while real.timeout(QUIET, changed.notified()).await.is_some() {} };
    let _ = real.timeout(PATIENCE, quiet).await;
}

fn is_end_of_writing(access: notify::event::AccessKind) -> bool {
    use notify::event::{AccessKind, AccessMode};
    matches!(access, AccessKind::Close(AccessMode::Write))
}

/// The folders in which a change may lead a path elsewhere: that of each link on its way, that
/// of the file in the end, and the path itself where it is a folder.
fn folders(path: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    for _ in 0..MAX_LINKS {
        let Some((link, target, rest)) = first_link(&path) else { break };
        let folder = link.parent().unwrap_or(Path::new("/"));
        found.insert(folder.to_owned());
        path = folder.join(target).join(rest);
    }
    if path.is_dir() {
        found.insert(path.clone());
    }
    // The nearest folder that is there: the file may still come.
    found.extend(path.ancestors().skip(1).find(|folder| folder.is_dir()).map(Path::to_owned));
    found
}

/// The first link in a path: it, where it leads, and what of the path comes after it.
fn first_link(path: &Path) -> Option<(PathBuf, PathBuf, PathBuf)> {
    let mut walked = PathBuf::new();
    let mut parts = path.components();
    while let Some(part) = parts.next() {
        walked.push(part);
        if let Ok(target) = walked.read_link() {
            return Some((walked, target, parts.as_path().to_owned()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_of_a_configmap_is_watched_where_its_links_stand_and_where_they_lead() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir(root.join("..2026_11_23")).unwrap();
        std::fs::write(root.join("..2026_11_23/a.wasm"), "").unwrap();
        symlink("..2026_11_23", root.join("..data")).unwrap();
        symlink("..data/a.wasm", root.join("a.wasm")).unwrap();
        let found = folders(&root.join("a.wasm"));
        assert_eq!(found, [root.clone(), root.join("..2026_11_23")].into());
    }

    #[test]
    fn a_file_that_is_not_there_yet_is_watched_from_the_nearest_folder_that_is() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        assert_eq!(folders(&root.join("x/y/a.wasm")), [root].into());
    }

    #[test]
    fn links_in_a_circle_end() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        symlink("b", root.join("a")).unwrap();
        symlink("a", root.join("b")).unwrap();
        assert!(folders(&root.join("a")).contains(&root));
    }
}
