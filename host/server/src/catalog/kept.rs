//! Modules that were put to work, kept by digest: a run goes on with its own after a restart,
//! whatever its source holds by then; and where a source gives nothing good at the start, the
//! last good one works on.
//!
//! A folder a policy: `DIGEST.wasm` for each module, and `slot.json`, which says which of them
//! is in force. All files are written beside their place, synced, and moved there.

mod slot;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use suture_core::Digest;
use suture_runtime::MAX_COMPONENT_BYTES;

pub(crate) use slot::Slot;

use super::module::Module;

/// The name of the folder, under that of the compiled modules.
const FOLDER: &str = "kept";
/// Modules of a policy that are kept beside those that unfinished runs need.
const RECENT: usize = 5;
/// How the names of files begin that are being written.
const HALF: &str = ".half-";

/// The folder.
#[derive(Clone, Debug)]
pub(crate) struct Kept(PathBuf);

impl Kept {
    /// In the folder of the compiled modules, which nobody else can write to: see
    /// [`ModuleCache`](suture_runtime::ModuleCache).
    pub fn inside(modules: &Path) -> Self {
        Self(modules.join(FOLDER))
    }

    fn folder(&self, policy: &str) -> PathBuf {
        // The name is a DNS label: no path.
        self.0.join(policy)
    }

    /// Where a module stands, if it is kept; none where the digest is none.
    pub fn file(&self, policy: &str, digest: &str) -> Option<PathBuf> {
        let digest: Digest = digest.parse().ok()?;
        Some(self.folder(policy).join(format!("{}.wasm", digest.hex())))
    }

    /// What is known of a policy.
    pub fn slot(&self, policy: &str) -> Slot {
        let read = match fs::read(self.folder(policy).join(slot::FILE)) {
            Ok(bytes) => Slot::read(&bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Slot::default()),
            Err(error) => Err(error.to_string()),
        };
        read.unwrap_or_else(|error| {
            tracing::warn!(policy, error, "what was kept of a policy can't be read, and is forgotten");
            Slot::damaged()
        })
    }

    /// Write down what is known of a policy.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn write_slot(&self, policy: &str, slot: &Slot) -> io::Result<()> {
        self.write(&self.folder(policy).join(slot::FILE), &slot.write())
    }

    /// Keep a module, if it is not kept yet.
    ///
    /// # Errors
    /// Where it can't be written.
    pub fn keep(&self, policy: &str, module: &Module) -> io::Result<()> {
        let Some(file) = self.file(policy, module.digest()) else { return Ok(()) };
        let is_there = fs::metadata(&file).is_ok_and(|found| found.len() == module.bytes.len() as u64);
        if is_there {
            return Ok(());
        }
        self.write(&file, &module.bytes)
    }

    /// The bytes of a module; none where they are not there, or not those any more.
    pub fn bytes(&self, policy: &str, digest: &str) -> Option<Arc<[u8]>> {
        let file = self.file(policy, digest)?;
        let found = fs::metadata(&file).ok()?;
        if !found.is_file() || found.len() > MAX_COMPONENT_BYTES as u64 {
            return None;
        }
        let bytes = fs::read(&file).ok()?;
        (Digest::of(&bytes).to_string() == digest).then(|| bytes.into())
    }

    /// Remove the modules of a policy that nobody needs: all but those given, and the few that
    /// were kept last. What a host was writing when it died goes, too.
    pub fn prune(&self, policy: &str, needed: &[String]) {
        let Ok(entries) = fs::read_dir(self.folder(policy)) else { return };
        let needed: Vec<_> = needed.iter().filter_map(|digest| self.file(policy, digest)).collect();
        let (files, others): (Vec<_>, Vec<_>) =
            entries.flatten().partition(|entry| entry.path().extension().is_some_and(|is| is == "wasm"));
        let halves =
            others.iter().filter(|entry| entry.file_name().as_encoded_bytes().starts_with(HALF.as_bytes()));
        let mut files: Vec<_> = files
            .into_iter()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .filter(|(_, file)| !needed.contains(file))
            .collect();
        files.sort();
        let too_many = files.len().saturating_sub(RECENT);
        let old = files.into_iter().take(too_many).map(|(_, file)| file);
        for file in old.chain(halves.map(fs::DirEntry::path)) {
            if let Err(error) = fs::remove_file(&file) {
                tracing::warn!(policy, file = %file.display(), %error, "a module that nobody needs can't be removed");
            }
        }
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = file.parent().unwrap_or(&self.0);
        fs::create_dir_all(folder)?;
        let mut beside = tempfile::Builder::new().prefix(HALF).tempfile_in(folder)?;
        io::Write::write_all(&mut beside, bytes)?;
        beside.as_file().sync_all()?;
        beside.persist(file)?;
        fs::File::open(folder)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(bytes: &[u8]) -> String {
        Digest::of(bytes).to_string()
    }

    fn put(kept: &Kept, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        kept.write(&kept.file("demo", &digest).unwrap(), bytes).unwrap();
        digest
    }

    #[test]
    fn what_was_kept_is_found_by_its_digest_and_only_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::inside(dir.path());
        let digest = put(&kept, b"one");
        assert_eq!(kept.bytes("demo", &digest).as_deref(), Some(&b"one"[..]));
        assert_eq!(kept.bytes("other", &digest), None);
        fs::write(kept.file("demo", &digest).unwrap(), "two").unwrap();
        assert_eq!(kept.bytes("demo", &digest), None);
    }

    #[test]
    fn a_storage_that_is_named_relative_to_where_the_host_runs_is_one_folder() {
        let dir = tempfile::tempdir_in(".").unwrap();
        let relative = Path::new(dir.path().file_name().unwrap());
        let kept = Kept::inside(relative);
        let digest = put(&kept, b"one");
        kept.write_slot("demo", &Slot::default()).unwrap();
        assert!(kept.bytes("demo", &digest).is_some());
        assert_eq!(fs::read_dir(relative.join(FOLDER).join("demo")).unwrap().count(), 2);
    }

    #[test]
    fn a_digest_is_never_a_path() {
        let kept = Kept::inside(Path::new("/nowhere"));
        for digest in
            ["sha256:../../../etc/passwd", "sha256:", "md5:00", &format!("sha256:{}", "/".repeat(64))]
        {
            assert_eq!(kept.file("demo", digest), None, "{digest}");
        }
    }

    #[test]
    fn what_a_run_needs_is_not_removed_and_of_the_rest_the_last_few_stay() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::inside(dir.path());
        let digests: Vec<_> = (0..10_u8).map(|number| put(&kept, &[number])).collect();
        kept.prune("demo", &digests[..1]);
        assert!(kept.bytes("demo", &digests[0]).is_some());
        let left = digests.iter().filter(|digest| kept.bytes("demo", digest).is_some()).count();
        assert_eq!(left, 1 + RECENT);
    }

    #[test]
    fn what_a_host_was_writing_when_it_died_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::inside(dir.path());
        put(&kept, b"one");
        kept.write_slot("demo", &Slot::default()).unwrap();
        fs::write(kept.folder("demo").join(".half-x1y2z3"), "tw").unwrap();
        kept.prune("demo", &[]);
        assert_eq!(fs::read_dir(kept.folder("demo")).unwrap().count(), 2);
    }

    #[test]
    fn a_slot_that_was_cut_off_is_forgotten_and_known_to_be() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::inside(dir.path());
        let slot = Slot { in_force: Some(digest(b"one")), ..Slot::default() };
        kept.write_slot("demo", &slot).unwrap();
        assert_eq!(kept.slot("demo"), slot);
        fs::write(kept.folder("demo").join(slot::FILE), "{\"inFo").unwrap();
        assert_eq!(kept.slot("demo"), Slot::damaged());
        assert_ne!(kept.slot("demo"), kept.slot("another"));
        let mut slot = kept.slot("demo");
        slot.put_to_work(&digest(b"two"), "1.0.0", None);
        assert!(!slot.is_damaged);
    }
}
