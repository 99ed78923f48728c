//! The files that a configuration names for its listeners: read at the start, and by `check`.

use std::path::PathBuf;

use serde_saphyr::{Location, Spanned};
use suture_core::{Clock, RealClock};

use crate::admission::Admission;
use crate::basic::Basic;
use crate::config::{Admin, BasicAuth, ConfigError, Loaded, TlsConfig, Webhook};
use crate::tls::{Identity, TlsFiles, Which};
use crate::token::Token;
use crate::webhook::Access;

/// Something about a file.
pub(crate) struct Finding {
    pub matter: Matter,
    pub error: ConfigError,
}

/// What is the matter with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matter {
    /// It can't be read at all: no host starts, and maybe it is elsewhere.
    Missing,
    /// It does not hold what it must: no host starts.
    Wrong,
    /// A certificate has expired. It is served all the same, since a host that does not start
    /// takes up no runs.
    Expired,
    /// Everybody on the machine can read it.
    Open,
}

impl Matter {
    /// Whether no host starts with it.
    fn stops(self) -> bool {
        match self {
            Self::Missing | Self::Wrong => true,
            Self::Expired | Self::Open => false,
        }
    }
}

/// Who is let in by the listeners, and as whom they answer.
pub(crate) struct Doors {
    pub webhook: Access,
    pub webhook_tls: Option<(TlsFiles, Identity)>,
    pub admission: Admission,
    pub admin_tls: Option<(TlsFiles, Identity)>,
}

/// Read all that the listeners need, and say everything that there is to say about the files.
/// There are doors if none of that stops a host.
pub(crate) fn open(loaded: &Loaded) -> (Option<Doors>, Vec<Finding>) {
    let mut reader = Reader { loaded, findings: Vec::new() };
    let doors = reader.doors();
    (doors, reader.findings)
}

/// The same, for a host that starts, with what it is warned about.
///
/// # Errors
/// All that stops it.
pub(crate) fn open_or_stop(loaded: &Loaded) -> Result<(Doors, Vec<ConfigError>), Vec<ConfigError>> {
    let (doors, findings) = open(loaded);
    let (errors, warnings): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.matter.stops());
    let errors_of = |findings: Vec<Finding>| findings.into_iter().map(|finding| finding.error).collect();
    match doors {
        Some(doors) => Ok((doors, errors_of(warnings))),
        None => Err(errors_of(errors)),
    }
}

struct Reader<'a> {
    loaded: &'a Loaded,
    findings: Vec<Finding>,
}

/// That something could not be read, which is among the findings.
struct Unread;

impl Reader<'_> {
    fn doors(&mut self) -> Option<Doors> {
        let loaded = self.loaded;
        let config = &loaded.config;
        let Webhook { token_file, basic_auth, tls, .. } = &config.webhook;
        let webhook = (self.token(token_file.as_ref()), self.basic(basic_auth.as_ref()));
        let webhook_tls = self.tls(tls.as_ref());
        let Admin { token_file, metrics_token_file, basic_auth, tls, .. } = &config.admin;
        let admin = (self.token(token_file.as_ref()), self.basic(basic_auth.as_ref()));
        let metrics = self.token(metrics_token_file.as_ref());
        let admin_tls = self.tls(tls.as_ref());
        let people = &config.people;
        // All are read before any is missed: whoever mends files wants to know of each.
        let all = || -> Result<Doors, Unread> {
            Ok(Doors {
                webhook: Access { token: webhook.0?, basic: webhook.1? },
                webhook_tls: webhook_tls?,
                admission: Admission::new(admin.0?, admin.1?, metrics?, people),
                admin_tls: admin_tls?,
            })
        };
        all().ok()
    }

    fn find(&mut self, matter: Matter, at: Location, message: impl Into<String>) {
        self.findings.push(Finding { matter, error: self.loaded.error(at, message) });
    }

    fn fail(&mut self, is_missing: bool, at: Location, message: String) -> Unread {
        self.find(if is_missing { Matter::Missing } else { Matter::Wrong }, at, message);
        Unread
    }

    fn token(&mut self, file: Option<&Spanned<PathBuf>>) -> Result<Option<Token>, Unread> {
        let Some(Spanned { value: file, referenced: at, .. }) = file else { return Ok(None) };
        let token = Token::load(self.loaded.path(file))
            .map_err(|error| self.fail(error.is_missing, *at, error.message))?;
        if let Some(doubt) = token.open_to_others() {
            self.find(Matter::Open, *at, doubt);
        }
        Ok(Some(token))
    }

    fn basic(&mut self, config: Option<&BasicAuth>) -> Result<Option<Basic>, Unread> {
        let Some(config) = config else { return Ok(None) };
        let Spanned { value: file, referenced: at, .. } = &config.password_file;
        let basic = Basic::load(&config.username.value, self.loaded.path(file))
            .map_err(|error| self.fail(error.is_missing, *at, error.message))?;
        if let Some(doubt) = basic.open_to_others() {
            self.find(Matter::Open, *at, doubt);
        }
        Ok(Some(basic))
    }

    fn tls(&mut self, config: Option<&TlsConfig>) -> Result<Option<(TlsFiles, Identity)>, Unread> {
        let Some(config) = config else { return Ok(None) };
        let files = TlsFiles {
            certificate: self.loaded.path(&config.cert_file.value),
            key: self.loaded.path(&config.key_file.value),
            client_ca: config.client_ca_file.as_ref().map(|file| self.loaded.path(&file.value)),
        };
        let identity = files
            .load()
            .map_err(|error| self.fail(error.is_missing, place(config, error.which), error.message))?;
        if let Err(error) = identity.check_expiry(&files, RealClock.now()) {
            self.find(Matter::Expired, place(config, error.which), error.message);
        }
        Ok(Some((files, identity)))
    }
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
