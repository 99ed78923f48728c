//! A text file that a person wrote, changed in place: in one piece, or not at all.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};

use similar::{ChangeTag, TextDiff};

use crate::error::CliError;
use crate::output::{BAD, DIM, GOOD, HEADING, Output};

/// Unchanged lines that a diff shows around each change.
const CONTEXT: usize = 3;
/// The most lines of a diff that are shown.
const MAX_LINES: usize = 400;

/// A file, as it was read.
pub struct TextFile {
    /// The file itself, behind all links.
    real: PathBuf,
    /// As it was named.
    named: PathBuf,
    /// What stands in it.
    pub text: String,
}

impl TextFile {
    /// Read a file of at most so many bytes.
    ///
    /// # Errors
    /// Where it is not there, no regular file, or can't be read.
    pub fn read(file: &Path, most: u64) -> Result<Self, CliError> {
        let wrong =
            |error: io::Error| CliError::usage(format!("it can't be read: {error}")).at(file.display());
        // A link is not replaced by a file: what it leads to is changed.
        let real = file.canonicalize().map_err(wrong)?;
        if !real.metadata().map_err(wrong)?.is_file() {
            return Err(CliError::usage("it is no regular file").at(file.display()));
        }
        let text = suture_core::file::read_text(&real, most).map_err(wrong)?;
        Ok(Self { real, named: file.to_owned(), text })
    }

    /// Put another text in its place.
    ///
    /// # Errors
    /// Where it may not be written, or was changed since it was read.
    pub fn replace(&self, text: &str) -> Result<(), CliError> {
        let at = |error: CliError| error.at(self.named.display());
        let before = self.real.metadata().map_err(|error| at(unwritable(&error)))?;
        if before.permissions().readonly() {
            return Err(at(CliError::usage("the file is read only, and is left as it is")
                .help("make it writable (`chmod u+w`), or change it where it comes from")));
        }
        let now = suture_core::file::read_text(&self.real, self.text.len() as u64);
        if now.ok().as_deref() != Some(&self.text) {
            return Err(at(CliError::usage("somebody has changed the file meanwhile").help("try again")));
        }
        self.write(text, &before).map_err(|error| at(unwritable(&error)))
    }

    /// Beside its place, then moved there; it stays with whom it belongs to.
    fn write(&self, text: &str, before: &Metadata) -> io::Result<()> {
        let folder = self.real.parent().unwrap_or(Path::new("/"));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        let new = file.as_file().metadata()?;
        if (new.uid(), new.gid()) != (before.uid(), before.gid()) {
            chown(file.path(), Some(before.uid()), Some(before.gid()))?;
        }
        fs::set_permissions(file.path(), before.permissions())?;
        file.as_file().sync_all()?;
        file.persist(&self.real)?;
        Ok(())
    }
}

fn unwritable(error: &io::Error) -> CliError {
    let plain = CliError::usage(format!("the file can't be written: {error}"));
    match error.kind() {
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            plain.help("nothing was changed; change it where it comes from")
        }
        _ => plain,
    }
}

/// Show what changes between two texts.
pub fn show(file: &Path, before: &str, after: &str, output: &Output) {
    let diff = TextDiff::from_lines(before, after);
    output.line(format!("{HEADING}{}{HEADING:#}", file.display()));
    let mut left = MAX_LINES;
    for (number, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if number > 0 {
            output.line(format!("{DIM}   ⋮{DIM:#}"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            if left == 0 {
                output.line(format!("{DIM}   and more{DIM:#}"));
                return;
            }
            left -= 1;
            let line = change.value().trim_end_matches(['\r', '\n']);
            output.line(match change.tag() {
                ChangeTag::Equal => format!("{DIM}   {line}{DIM:#}").trim_end().to_owned(),
                ChangeTag::Insert => format!("{GOOD} + {GOOD:#}{line}"),
                ChangeTag::Delete => format!("{BAD} - {BAD:#}{line}"),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_link_stays_a_link_and_the_file_keeps_its_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.yaml"), folder.path().join("link.yaml"));
        fs::write(&real, "a: 1\n").unwrap();
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("real.yaml", &link).unwrap();
        TextFile::read(&link, 100).unwrap().replace("a: 2\n").unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&real).unwrap(), "a: 2\n");
        assert_eq!(real.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn what_is_read_only_changed_meanwhile_or_a_loop_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.yaml");
        fs::write(&path, "a: 1\n").unwrap();
        let file = TextFile::read(&path, 100).unwrap();
        fs::write(&path, "a: 3\n").unwrap();
        assert!(file.replace("a: 2\n").unwrap_err().what.contains("meanwhile"));
        let file = TextFile::read(&path, 100).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert!(file.replace("a: 2\n").unwrap_err().what.contains("read only"));
        assert_eq!(fs::read_to_string(&path).unwrap(), "a: 3\n");
        let round = folder.path().join("round");
        symlink("round", &round).unwrap();
        assert!(TextFile::read(&round, 100).is_err());
        assert!(TextFile::read(folder.path(), 100).is_err());
        assert!(TextFile::read(&path, 2).is_err());
    }
}
