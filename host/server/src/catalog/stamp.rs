//! Whether a file or a folder is still what it was.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What tells one state of a file or a folder from another, short of its content: which file
/// it is in the end, whatever links lead there, and when it was written last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(Vec<Of>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Of {
    path: PathBuf,
    /// None where there is nothing.
    is: Option<Is>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Is {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// Of a file.
    pub fn of_file(file: &Path) -> Self {
        Self(vec![Of::now(file.to_owned())])
    }

    /// Of a folder and the components in it.
    pub fn of_folder(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "wasm"));
        files.sort();
        Self(std::iter::once(folder.to_owned()).chain(files).map(Of::now).collect())
    }
}

impl Of {
    fn now(path: PathBuf) -> Self {
        let is = fs::metadata(&path).ok().map(|found| Is {
            device: found.dev(),
            inode: found.ino(),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        });
        Self { path, is }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_elsewhere_is_a_change() {
        let dir = tempfile::tempdir().unwrap();
        for version in ["1", "2"] {
            fs::create_dir(dir.path().join(version)).unwrap();
            fs::write(dir.path().join(version).join("a.wasm"), version).unwrap();
        }
        let link = |to: &str| {
            let new = dir.path().join("new");
            std::os::unix::fs::symlink(to, &new).unwrap();
            fs::rename(new, dir.path().join("..data")).unwrap();
        };
        link("1");
        std::os::unix::fs::symlink("..data/a.wasm", dir.path().join("a.wasm")).unwrap();
        let file = dir.path().join("a.wasm");
        let before = Stamp::of_file(&file);
        assert_eq!(before, Stamp::of_file(&file));
        link("2");
        assert_ne!(before, Stamp::of_file(&file));
    }

    #[test]
    fn a_file_that_goes_or_comes_is_a_change_of_its_folder() {
        let dir = tempfile::tempdir().unwrap();
        let before = Stamp::of_folder(dir.path());
        fs::write(dir.path().join("a.wasm"), "").unwrap();
        let with = Stamp::of_folder(dir.path());
        assert_ne!(before, with);
        fs::write(dir.path().join("a.wasm"), "longer").unwrap();
        assert_ne!(with, Stamp::of_folder(dir.path()));
        assert_ne!(before, Stamp::of_folder(&dir.path().join("nowhere")));
    }
}
