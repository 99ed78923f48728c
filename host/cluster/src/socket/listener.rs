//! A socket's place in the file system.

use std::fs::{File, Permissions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use super::SocketError;

/// A socket that is listened at. Only its owner can connect. Its file goes when this is
/// dropped.
pub struct Listener {
    pub(super) socket: UnixListener,
    path: PathBuf,
    /// Held, so that two that begin at the same time don't take each other's place.
    _lock: File,
}

impl Listener {
    /// Listen at a path. What a server that was killed left there is replaced.
    ///
    /// # Errors
    /// Where a server is at work there, something else stands there, or it can't be made.
    pub async fn bind(path: &Path) -> Result<Self, SocketError> {
        let wrong = |message: String| SocketError::new(path, message);
        let lock = lock(path)?;
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(error.to_string())),
            Ok(there) if !there.file_type().is_socket() => {
                return Err(wrong("something that is no socket stands there; name another path".to_owned()));
            }
            Ok(_) => match UnixStream::connect(path).await {
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => {
                    return Err(wrong(format!("whether anybody answers there can't be told: {error}")));
                }
                Ok(_) => return Err(at_work(path)),
            },
        }
        // At its place only once nobody else can connect.
        let aside = with_suffix(path, ".new");
        let failed = |what: &str, error: std::io::Error| wrong(format!("{what}: {error}"));
        remove(&aside).map_err(|error| failed("an earlier attempt can't be removed", error))?;
        let socket =
            UnixListener::bind(&aside).map_err(|error| failed("a socket can't be made here", error))?;
        let placed = std::fs::set_permissions(&aside, Permissions::from_mode(0o600))
            .and_then(|()| std::fs::rename(&aside, path));
        if let Err(error) = placed {
            // What matters is the first error.
            let _ = remove(&aside);
            return Err(failed("the socket can't be put in its place", error));
        }
        Ok(Self { socket, path: path.to_owned(), _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // A file that is left says nothing wrong: nobody answers there.
        let _ = remove(&self.path);
    }
}

/// Take the path. The lock's file stays: whoever removed it would let two have it.
fn lock(path: &Path) -> Result<File, SocketError> {
    let file = with_suffix(path, ".lock");
    let wrong = |error: std::io::Error| SocketError::new(path, format!("{}: {error}", file.display()));
    let mut options = File::options();
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.create(true).truncate(false).write(true).open(&file).map_err(wrong)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(at_work(path)),
        Err(TryLockError::Error(error)) => Err(wrong(error)),
    }
}

fn at_work(path: &Path) -> SocketError {
    SocketError::new(path, "another simulator is at work there; end it first, or name another path")
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove(file: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
