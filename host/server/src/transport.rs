//! The files that a configuration names for its listeners: read at the start, and by `check`.

use serde_saphyr::{Location, Spanned};
use suture_core::{Clock, RealClock};

use crate::basic::Basic;
use crate::config::{BasicAuth, ConfigError, Loaded, TlsConfig};
use crate::tls::{Identity, TlsError, TlsFiles, Which};

/// Something about a file.
pub(crate) struct Finding {
    pub error: ConfigError,
    /// The file can't be read at all: a configuration is often checked where its secrets are not.
    pub is_missing: bool,
}

/// A name and a password, with a warning where others can read it.
///
/// # Errors
/// Why the password can't be read.
pub(crate) fn basic(
    loaded: &Loaded,
    config: &BasicAuth,
) -> Result<(Basic, Option<ConfigError>), ConfigError> {
    let Spanned { value: file, referenced: at, .. } = &config.password_file;
    let basic =
        Basic::load(&config.username.value, loaded.path(file)).map_err(|error| loaded.error(*at, error))?;
    let doubt = basic.open_to_others().map(|doubt| loaded.error(*at, doubt));
    Ok((basic, doubt))
}

/// Where the files of a listener's TLS are.
pub(crate) fn files(loaded: &Loaded, config: &TlsConfig) -> TlsFiles {
    TlsFiles {
        certificate: loaded.path(&config.cert_file.value),
        key: loaded.path(&config.key_file.value),
        client_ca: config.client_ca_file.as_ref().map(|file| loaded.path(&file.value)),
    }
}

/// A listener's certificate, with a warning where it has expired: then it is served all the
/// same, since a host that does not start takes up no runs.
///
/// # Errors
/// What is wrong with the files.
pub(crate) fn identity(
    loaded: &Loaded,
    config: &TlsConfig,
) -> Result<(TlsFiles, Identity, Option<ConfigError>), Finding> {
    let files = files(loaded, config);
    let finding = |error: &TlsError| Finding {
        error: loaded.error(place(config, error.which), error.message.clone()),
        is_missing: error.is_missing,
    };
    let identity = files.load().map_err(|error| finding(&error))?;
    let doubt = identity.check_expiry(&files, RealClock.now()).err().map(|error| finding(&error).error);
    Ok((files, identity, doubt))
}

fn place(config: &TlsConfig, which: Which) -> Location {
    match which {
        Which::Certificate => config.cert_file.referenced,
        Which::Key => config.key_file.referenced,
        Which::ClientCa => {
            config.client_ca_file.as_ref().map_or(config.cert_file.referenced, |file| file.referenced)
        }
    }
}

/// What `check` says of the files: errors, and warnings where they are elsewhere.
pub(crate) fn check(loaded: &Loaded) -> (Vec<ConfigError>, Vec<ConfigError>) {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let (webhook, admin) = (&loaded.config.webhook, &loaded.config.admin);
    for config in [&webhook.basic_auth, &admin.basic_auth].into_iter().flatten() {
        warnings.extend(match basic(loaded, config) {
            Ok((_, doubt)) => doubt,
            Err(error) => Some(error),
        });
    }
    for config in [&webhook.tls, &admin.tls].into_iter().flatten() {
        match identity(loaded, config) {
            Ok((_, _, expired)) => errors.extend(expired),
            Err(Finding { error, is_missing: true }) => warnings.push(error),
            Err(Finding { error, is_missing: false }) => errors.push(error),
        }
    }
    (errors, warnings)
}
