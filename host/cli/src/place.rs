//! Which host is meant, where it is not said each time: by the environment, by the user's own
//! configuration file, or by the configuration of a host.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use suture_server::Config;
use suture_server::config::{ConfigError, Loaded};

use crate::args::{ServerArgs, TlsArgs};
use crate::error::CliError;
use crate::module::DEFAULT_CONFIG;

/// The address of a host.
const SERVER: &str = "SUTURE_SERVER";
/// The file with a token for it.
const TOKEN_FILE: &str = "SUTURE_TOKEN_FILE";
/// The largest configuration file of a user, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// A host, and what it is asked with.
#[derive(Debug)]
pub struct Place {
    pub url: String,
    pub token_file: Option<PathBuf>,
    pub tls: TlsArgs,
}

impl Place {
    /// The host that is meant: the flags win, then the environment, then the user's file, then the
    /// configuration in this folder.
    ///
    /// # Errors
    /// Where there is none of these, or one can't be read.
    pub fn of(args: &ServerArgs) -> Result<Self, CliError> {
        if let Some(file) = &args.config {
            return Self::configured(&load(file)?, args, environment(TOKEN_FILE).map(PathBuf::from));
        }
        if let Some(place) = Self::known(args.server.as_deref(), args.token_file.as_deref(), &args.tls)? {
            return Ok(place);
        }
        let file = Path::new(DEFAULT_CONFIG);
        if file.exists() {
            let loaded = load(file)?;
            // Nobody chose this file: it may have come with a checkout. A token goes to no other machine
            // on its word.
            let address = address(&loaded);
            if !address.ip().is_loopback() {
                return Err(CliError::usage(format!(
                    "the configuration in this folder is of a host at {address}, which is not this machine"
                ))
                .help(format!("where that host is meant: --config {DEFAULT_CONFIG}, or --server URL")));
            }
            let of_host = loaded.config.admin.token_file.as_ref().map(|token| loaded.path(&token.value));
            if let Some(token) = of_host.filter(|token| args.token_file.is_none() && !is_beside(token, file))
            {
                return Err(CliError::usage(format!(
                    "the configuration in this folder names a token elsewhere: {}",
                    token.display()
                ))
                .help(format!("where that is meant: --config {DEFAULT_CONFIG}, or --token-file FILE")));
            }
            return Self::configured(&loaded, args, None);
        }
        Err(CliError::usage("name the host").help(format!(
            "--server URL; or set {SERVER}; or write `server: URL` into {}; or --config FILE with the configuration \
             of the host",
            user_file().map_or_else(|| "~/.config/suture/config.yaml".to_owned(), |file| file.display().to_string())
        )))
    }

    /// The host that is meant without a look at any configuration of one; none where nothing says
    /// which.
    ///
    /// # Errors
    /// Where the user's file can't be read.
    pub fn known(
        server: Option<&str>,
        token_file: Option<&Path>,
        tls: &TlsArgs,
    ) -> Result<Option<Self>, CliError> {
        let user = UserConfig::load()?;
        let of_user = user.as_ref().and_then(|user| user.server.clone());
        let named = server.map(str::to_owned).or_else(|| environment(SERVER)).or_else(|| of_user.clone());
        let Some(url) = named else { return Ok(None) };
        let same = |url: &str| url.trim_end_matches('/').to_owned();
        // What belongs to one host is not shown to another one.
        let user = user.filter(|_| of_user.is_some_and(|of_user| same(&of_user) == same(&url)));
        // The environment's token is for the environment's host, where that names one.
        let is_of_environment = environment(SERVER).is_none_or(|named| same(&named) == same(&url));
        let of_environment = || environment(TOKEN_FILE).filter(|_| is_of_environment).map(PathBuf::from);
        let token_file = token_file.map(Path::to_owned).or_else(of_environment);
        let ca_file = tls.ca_file.clone().or_else(|| user.as_ref().and_then(UserConfig::ca));
        Ok(Some(Self {
            url,
            token_file: token_file.or_else(|| user.as_ref().and_then(UserConfig::token_file)),
            tls: TlsArgs { ca_file, identity_file: tls.identity_file.clone() },
        }))
    }

    /// The host that a configuration is of.
    fn configured(
        loaded: &Loaded,
        args: &ServerArgs,
        of_environment: Option<PathBuf>,
    ) -> Result<Self, CliError> {
        let (admin, address) = (&loaded.config.admin, address(loaded));
        let scheme = if admin.tls.is_some() { "https" } else { "http" };
        let of_admin = admin.token_file.as_ref().map(|file| loaded.path(&file.value));
        let token_file = args.token_file.clone().or(of_admin);
        let tls =
            TlsArgs { ca_file: args.tls.ca_file.clone(), identity_file: args.tls.identity_file.clone() };
        Ok(Self { url: format!("{scheme}://{address}"), token_file: token_file.or(of_environment), tls })
    }
}

/// Whether a file stands in the folder of another, or below.
fn is_beside(file: &Path, other: &Path) -> bool {
    let folder = other.canonicalize().ok().and_then(|other| other.parent().map(Path::to_owned));
    let file = file.canonicalize().ok();
    file.zip(folder).is_none_or(|(file, folder)| file.starts_with(folder))
}

/// Where a host's admin API is: on this machine where it listens everywhere.
fn address(loaded: &Loaded) -> SocketAddr {
    let mut address = loaded.config.admin.listen.value.0;
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    address
}

/// Read the configuration of a host.
///
/// # Errors
/// What is wrong with it.
pub fn load(file: &Path) -> Result<Loaded, CliError> {
    Config::load(file).map_err(|errors| {
        let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
        CliError::usage(all.join("\n"))
    })
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What a user writes once: `~/.config/suture/config.yaml`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UserConfig {
    /// The admin address of a host.
    server: Option<String>,
    /// A file with a token for it.
    token_file: Option<PathBuf>,
    /// A PEM file with the authority of its certificate.
    ca: Option<PathBuf>,
    #[serde(skip)]
    folder: PathBuf,
}

/// Where it stands.
fn user_file() -> Option<PathBuf> {
    let configuration = environment("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || environment("HOME").map(|home| Path::new(&home).join(".config"));
    Some(configuration.or_else(home)?.join("suture/config.yaml"))
}

impl UserConfig {
    fn load() -> Result<Option<Self>, CliError> {
        let Some(file) = user_file() else { return Ok(None) };
        let unreadable = |error: std::io::Error| CliError::usage(error.to_string()).at(file.display());
        let text = match suture_core::file::read_text(&file, MAX_BYTES) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unreadable(error)),
        };
        if text.trim().is_empty() {
            return Ok(None);
        }
        let read = serde_saphyr::from_str::<Self>(&text).map_err(|error| {
            CliError::usage(ConfigError::of_yaml(&file, &text, &error).to_string())
                .help("it may have: `server: URL`, `tokenFile: FILE`, `ca: FILE`")
        })?;
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        Ok(Some(Self { folder, ..read }))
    }

    fn token_file(&self) -> Option<PathBuf> {
        self.token_file.as_deref().map(|file| self.path(file))
    }

    fn ca(&self) -> Option<PathBuf> {
        self.ca.as_deref().map(|file| self.path(file))
    }

    /// A path as it is written there: `~/` is the home, and what is relative stands beside the file.
    fn path(&self, file: &Path) -> PathBuf {
        match (file.strip_prefix("~"), environment("HOME")) {
            (Ok(rest), Some(home)) => Path::new(&home).join(rest),
            _ => self.folder.join(file),
        }
    }
}
