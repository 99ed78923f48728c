//! What is trusted of what is on disk.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use suture_core::Program;

use crate::testing::{Guest, RUNTIME};
use crate::{CacheError, ModuleCache};

fn folder() -> (tempfile::TempDir, ModuleCache) {
    let dir = tempfile::tempdir().unwrap();
    let cache = ModuleCache::open(dir.path().join("modules")).unwrap();
    (dir, cache)
}

fn files(cache: &ModuleCache) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(cache.dir()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

async fn load(guest: &Guest, cache: &ModuleCache) -> String {
    RUNTIME.load(&guest.component(), Some(cache)).await.unwrap().manifest().name.clone()
}

#[tokio::test]
async fn a_folder_is_made_for_its_owner_alone() {
    let (_dir, cache) = folder();
    assert_eq!(fs::metadata(cache.dir()).unwrap().permissions().mode() & 0o7777, 0o700);
    load(&Guest::default(), &cache).await;
    assert_eq!(files(&cache).len(), 1);
    assert!(ModuleCache::open(cache.dir()).is_ok());
}

#[test]
fn a_folder_that_others_can_write_is_refused() {
    let (_dir, cache) = folder();
    for mode in [0o770, 0o702, 0o777] {
        fs::set_permissions(cache.dir(), Permissions::from_mode(mode)).unwrap();
        let error = ModuleCache::open(cache.dir()).unwrap_err();
        assert!(matches!(error, CacheError::Writable { .. }), "{error}");
        assert!(error.to_string().contains(&format!("{mode:04o}")), "{error}");
    }
}

#[test]
fn a_folder_of_somebody_else_is_refused() {
    let (_dir, cache) = folder();
    let foreign = match chown(cache.dir(), Some(65534), None) {
        Ok(()) => cache.dir(),
        // Only root can give a folder away; and only to others does it belong to others.
        Err(_) => std::path::Path::new("/"),
    };
    let error = ModuleCache::open(foreign).unwrap_err();
    assert!(matches!(error, CacheError::ForeignOwner { .. }), "{error}");
}

#[test]
fn a_file_is_no_folder() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = ModuleCache::open(file.path()).unwrap_err();
    assert!(matches!(error, CacheError::NotAFolder { .. }), "{error}");
    assert!(matches!(ModuleCache::open(file.path().join("x")).unwrap_err(), CacheError::Io { .. }));
}

#[tokio::test]
async fn a_damaged_file_is_not_trusted_and_is_replaced() {
    let (_dir, cache) = folder();
    let guest = Guest::default();
    load(&guest, &cache).await;
    let file = files(&cache).remove(0);
    let good = fs::read(&file).unwrap();
    let middle = good.len() / 2;
    let damage: [fn(&mut Vec<u8>, usize); 6] = [
        |bytes, middle| bytes[middle] ^= 1,
        |bytes, _| bytes[0] ^= 1,
        |bytes, _| bytes[20] ^= 0x80,
        |bytes, _| *bytes.last_mut().unwrap() ^= 1,
        |bytes, middle| bytes.truncate(middle),
        |bytes, _| bytes.clear(),
    ];
    for (index, damage) in damage.into_iter().enumerate() {
        let mut bytes = good.clone();
        damage(&mut bytes, middle);
        fs::write(&file, &bytes).unwrap();
        assert_eq!(load(&guest, &cache).await, "demo");
        assert_ne!(fs::read(&file).unwrap(), bytes, "{index}");
    }
}

#[tokio::test]
async fn a_sound_file_is_used_and_left_alone() {
    let (_dir, cache) = folder();
    load(&Guest::default(), &cache).await;
    let file = files(&cache).remove(0);
    let before = fs::metadata(&file).unwrap();
    load(&Guest::default(), &cache).await;
    let after = fs::metadata(&file).unwrap();
    use std::os::unix::fs::MetadataExt;
    assert_eq!(before.ino(), after.ino());
}

#[tokio::test]
async fn another_modules_file_is_not_taken_for_this_ones() {
    let (_dir, cache) = folder();
    let (one, two) = (Guest { name: "one", ..Guest::default() }, Guest { name: "two", ..Guest::default() });
    load(&one, &cache).await;
    let first = files(&cache).remove(0);
    load(&two, &cache).await;
    let second = files(&cache).into_iter().find(|file| *file != first).unwrap();
    fs::copy(&first, &second).unwrap();
    assert_eq!(load(&two, &cache).await, "two");
}

#[tokio::test]
async fn a_cache_that_fails_costs_only_time() {
    let (dir, cache) = folder();
    fs::remove_dir_all(dir.path()).unwrap();
    assert_eq!(load(&Guest::default(), &cache).await, "demo");
}

#[tokio::test]
async fn old_files_are_removed_and_others_left() {
    let (_dir, cache) = folder();
    for index in 0..70 {
        fs::write(cache.dir().join(format!("{index}.module")), "old").unwrap();
    }
    fs::write(cache.dir().join("README"), "not ours").unwrap();
    load(&Guest::default(), &cache).await;
    let files = files(&cache);
    assert_eq!(files.len(), 65);
    assert!(files.iter().any(|file| file.ends_with("README")));
    assert_eq!(load(&Guest::default(), &cache).await, "demo");
}
