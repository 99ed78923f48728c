//! `suture.yaml`: what a host is made of.

mod address;
mod cluster;
mod confirm;
mod error;
mod grants;
mod people;
mod places;
mod rules;
mod sweep;
mod telemetry;
mod transport;
mod upstream;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;
use serde_saphyr::{Location, Spanned};
use suture_cluster::Contacts;
use suture_core::{Bytes, Expression, Grant, HumanDuration, Limits, Matchers, Mode};
use suture_engine::{Approval, BackTest, Budgets, Retry, Telling};
use suture_registry::OciSource;

pub use address::Address;
pub use cluster::{ClusterConfig, LeaseConfig, Live, SimulatedConfig};
pub use confirm::ConfirmBy;
pub use error::ConfigError;
use error::Source as Text;
pub use people::{Person, Role};
pub use sweep::{Schedule, Sweep, Zone};
pub use telemetry::{OtlpConfig, TelemetryConfig};
pub use transport::{BasicAuth, TlsConfig};
pub use upstream::{AlertmanagerConfig, ClientCertificate, PrometheusConfig};

/// The configuration of a host.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Config {
    /// Where the webhook listens.
    #[schemars(with = "Address")]
    pub listen: Spanned<Address>,
    /// The API, metrics and health.
    #[serde(default)]
    pub admin: Admin,
    /// Who may ask what of the API, with tokens of their own.
    #[serde(default)]
    pub people: Vec<Person>,
    /// The webhook.
    #[serde(default)]
    pub webhook: Webhook,
    /// Where the journal and compiled modules are kept.
    pub storage: Storage,
    /// What effects act on.
    #[schemars(with = "ClusterConfig")]
    pub cluster: Spanned<ClusterConfig>,
    /// The Prometheus that confirms alerts.
    pub prometheus: Option<PrometheusConfig>,
    /// The Alertmanager through which people are told.
    pub alertmanager: Option<AlertmanagerConfig>,
    /// Several of them, where they are a cluster: each is told, as each Prometheus does it.
    #[serde(default)]
    pub alertmanagers: Vec<AlertmanagerConfig>,
    /// What this cluster is called, in what people are told.
    pub cluster_name: Option<String>,
    /// Where people reach the API of this host: links in what they are told begin so.
    #[schemars(with = "Option<String>")]
    pub external_url: Option<Spanned<String>>,
    /// Whether people are told of repairs that worked, too.
    #[serde(default)]
    pub tell_repaired: bool,
    /// How much is done at once.
    #[schemars(with = "Option<Budgets>")]
    pub budgets: Option<Spanned<Budgets>>,
    /// Where traces are sent.
    #[serde(default)]
    pub telemetry: TelemetryConfig,
    /// The policies.
    #[serde(default)]
    #[schemars(with = "Vec<PolicyEntry>")]
    pub policies: Vec<Spanned<PolicyEntry>>,
}

/// `admin`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Admin {
    /// Where it listens. Anything but loopback needs a token, or `people`.
    #[schemars(with = "Address")]
    pub listen: Spanned<Address>,
    /// A file with a bearer token: who has it is called `admin`, and may do everything.
    #[schemars(with = "Option<PathBuf>")]
    pub token_file: Option<Spanned<PathBuf>>,
    /// A file with a bearer token that is good for `/metrics` and nothing else.
    #[schemars(with = "Option<PathBuf>")]
    pub metrics_token_file: Option<Spanned<PathBuf>>,
    /// A name and a password that are as good as the token.
    pub basic_auth: Option<BasicAuth>,
    /// TLS, and clients' certificates.
    pub tls: Option<TlsConfig>,
    /// Names under which the API is asked, beside localhost and the Service's. A web page that
    /// gives this host a name of its own is refused.
    #[schemars(with = "Vec<String>")]
    pub hosts: Vec<Spanned<String>>,
}

impl Default for Admin {
    fn default() -> Self {
        Self {
            listen: unplaced(Address(([127, 0, 0, 1], 8081).into())),
            token_file: None,
            metrics_token_file: None,
            basic_auth: None,
            tls: None,
            hosts: Vec::new(),
        }
    }
}

/// A default: it stands nowhere in the file.
fn unplaced<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Location::UNKNOWN, Location::UNKNOWN)
}

/// `webhook`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Webhook {
    /// A file with the bearer token.
    #[schemars(with = "Option<PathBuf>")]
    pub token_file: Option<Spanned<PathBuf>>,
    /// The largest body that is read: from 1Ki to 64Mi.
    #[schemars(with = "Bytes")]
    pub max_body: Spanned<Bytes>,
    /// How many notifications may wait to be routed.
    #[schemars(with = "usize")]
    pub max_pending: Spanned<usize>,
    /// A name and a password that are as good as the token.
    pub basic_auth: Option<BasicAuth>,
    /// TLS, and clients' certificates.
    pub tls: Option<TlsConfig>,
    /// How many bytes their bodies may have together; never more than a quarter of
    /// `storage.maxSize`.
    #[schemars(with = "Bytes")]
    pub max_pending_bytes: Spanned<Bytes>,
    /// How often Alertmanager is asked for alerts that it has for this host and never posted:
    /// from 30s; 0s for never.
    #[schemars(with = "HumanDuration")]
    pub reconcile_every: Spanned<HumanDuration>,
}

impl Webhook {
    /// The least that `maxBody` can be, in bytes.
    pub const MIN_BODY: u64 = 1 << 10;
    /// The most that `maxBody` can be, in bytes.
    pub const MAX_BODY: u64 = 64 << 20;
}

impl Default for Webhook {
    fn default() -> Self {
        Self {
            token_file: None,
            max_body: unplaced(Bytes(4 << 20)),
            max_pending: unplaced(10_000),
            basic_auth: None,
            tls: None,
            max_pending_bytes: unplaced(Bytes(128 << 20)),
            reconcile_every: unplaced(HumanDuration::from_secs(300)),
        }
    }
}

/// `storage`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Storage {
    /// A folder; made where it is missing.
    pub path: PathBuf,
    /// How long runs and incidents that are over are kept.
    #[serde(default = "thirty_days")]
    pub retention: HumanDuration,
    /// How long rows of the audit trail are kept: from 1d. There are never more than 100,000.
    #[serde(default = "one_year")]
    #[schemars(with = "HumanDuration")]
    pub audit_retention: Spanned<HumanDuration>,
    /// How large the journal may become: from 64Mi. From 80 % of it on the log warns; from 85 %
    /// on the oldest closed runs are removed, those of the policy that holds the most first;
    /// from 90 % on nothing new is taken, and runs at work go on. Compiled modules beside it
    /// don't count.
    #[serde(default = "one_gibibyte")]
    #[schemars(with = "Bytes")]
    pub max_size: Spanned<Bytes>,
}

impl Storage {
    /// The least that `maxSize` can be, in bytes.
    pub const MIN_SIZE: u64 = 64 << 20;
}

/// A run takes about 20 KiB: this is fifty thousand of them, and fits beside compiled modules on
/// the volume of 2Gi that the shipped installation asks for.
fn one_gibibyte() -> Spanned<Bytes> {
    unplaced(Bytes(1 << 30))
}

fn one_year() -> Spanned<HumanDuration> {
    unplaced(HumanDuration::from_secs(365 * 86_400))
}

fn thirty_days() -> HumanDuration {
    HumanDuration::from_secs(30 * 86_400)
}

/// One of `policies`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PolicyEntry {
    /// Its name in this host.
    #[schemars(with = "String")]
    pub name: Spanned<String>,
    /// Where its component comes from.
    #[schemars(with = "Source")]
    pub source: Spanned<Source>,
    /// Whether it acts.
    #[serde(default)]
    pub mode: Mode,
    /// The alerts it gets, on top of its manifest's own matchers.
    #[serde(default, rename = "match")]
    pub matchers: Matchers,
    /// What takes the place of its manifest's own matchers: for rules that have other names than
    /// its author's. That the policy can make sense of those alerts is up to you.
    #[serde(rename = "matchers")]
    pub instead_of_manifest: Option<Matchers>,
    /// Whether an alert must fire in Prometheus before anything is changed.
    #[serde(default, deserialize_with = "confirm::short_or_long")]
    #[schemars(with = "confirm::Written")]
    pub confirm: ConfirmBy,
    /// CEL over `alert` that must hold.
    pub trust: Option<Expression>,
    /// Its settings.
    #[schemars(with = "Option<Value>")]
    pub settings: Option<Spanned<Value>>,
    /// What it is allowed.
    #[serde(default)]
    #[schemars(with = "Vec<Grant>")]
    pub grants: Vec<Spanned<Grant>>,
    /// What one run may use.
    #[serde(default)]
    pub limits: Limits,
    /// How often it is tried.
    #[serde(default)]
    pub retry: Retry,
    /// How its plans are approved, in mode `approve`.
    #[serde(default = "approval")]
    #[schemars(with = "Approval")]
    pub approval: Spanned<Approval>,
    /// Whether a newer module is first asked again for what was done in runs on record.
    #[schemars(with = "Option<BackTest>")]
    pub backtest: Option<Spanned<BackTest>>,
    /// When Prometheus is asked for what is firing.
    #[schemars(with = "Option<Sweep>")]
    pub sweep: Option<Spanned<Sweep>>,
}

fn approval() -> Spanned<Approval> {
    unplaced(Approval::default())
}

/// `source`.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Source {
    /// A component file.
    File(PathBuf),
    /// A folder of components: the one whose manifest has the policy's name.
    Folder(PathBuf),
    /// An artifact in a registry.
    Oci(OciSource),
}

/// A configuration that was read and found right.
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What looks wrong, but is allowed.
    pub warnings: Vec<ConfigError>,
    /// The folder that its relative paths are relative to.
    pub base: PathBuf,
    /// When the servers that it names answered last.
    pub(crate) contacts: Contacts,
    file: PathBuf,
    text: String,
}

impl Config {
    /// All Alertmanagers.
    pub(crate) fn alertmanagers(&self) -> impl Iterator<Item = &AlertmanagerConfig> {
        self.alertmanager.iter().chain(&self.alertmanagers)
    }

    /// What is said in all that people are told.
    pub(crate) fn telling(&self) -> Telling {
        Telling {
            cluster: self.cluster_name.clone().filter(|name| !name.is_empty()),
            external_url: self.external_url.as_ref().map(|url| url.value.clone()),
            repaired: self.tell_repaired,
        }
    }

    /// Whether people decide about plans by Approvals in the cluster, too.
    pub(crate) fn decides_in_cluster(&self) -> bool {
        match &self.cluster.value {
            ClusterConfig::Live(live) => live.approvals,
            ClusterConfig::Simulated(_) => false,
        }
    }

    /// How often Alertmanager is asked for what never arrived, if it is.
    pub(crate) fn reconcile_every(&self) -> Option<Duration> {
        let every = self.webhook.reconcile_every.value.get();
        (!every.is_zero()).then_some(every)
    }

    /// How many bytes of notifications may wait to be routed.
    pub(crate) fn max_pending_bytes(&self) -> u64 {
        self.webhook.max_pending_bytes.value.0.min(self.storage.max_size.value.0 / 4)
    }

    /// The largest file that is read, in bytes.
    pub const MAX_BYTES: u64 = 1 << 20;

    /// The JSON schema of the file, for editors. It says what may be written where; what makes
    /// sense together only [`load`](Self::load) says.
    pub fn schema() -> Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12();
        settings.into_generator().into_root_schema_for::<Self>().into()
    }

    /// Read and check a configuration. Offline: nothing but the file is opened.
    ///
    /// # Errors
    /// All that is wrong with it; where it is not YAML of the right form, the first.
    pub fn load(file: &Path) -> Result<Loaded, Vec<ConfigError>> {
        let unreadable = |message: String| vec![Text { file, text: "" }.error(Location::UNKNOWN, message)];
        let text = suture_core::file::read_text(file, Self::MAX_BYTES)
            .map_err(|error| unreadable(error.to_string()))?;
        let base = file.parent().unwrap_or(Path::new("")).to_owned();
        Self::parse(text, file, base)
    }

    /// Read and check a text, as if it stood in `file`; its relative paths are relative to `base`.
    /// Nothing is opened.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn parse(text: String, file: &Path, base: PathBuf) -> Result<Loaded, Vec<ConfigError>> {
        let source = Text { file, text: &text };
        let size = text.len() as u64;
        if size > Self::MAX_BYTES {
            return Err(vec![source.error(Location::UNKNOWN, too_large(size))]);
        }
        let config: Self = serde_saphyr::from_str_with_options(&text, options())
            .map_err(|error| vec![source.of_yaml(&error)])?;
        let (errors, warnings) = rules::check(&config, &source);
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Loaded { config, warnings, base, contacts: Contacts::default(), file: file.to_owned(), text })
    }
}

impl Loaded {
    /// The same, which knows of servers what was known before.
    pub(crate) fn noting(self, contacts: Contacts) -> Self {
        Self { contacts, ..self }
    }

    /// The file that it was read from.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// A path of the configuration, seen from where the host runs.
    pub fn path(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    /// The file as plain values, without places: to compare it with another.
    pub fn plain(&self) -> Value {
        // It was read as a configuration, so it is YAML.
        serde_saphyr::from_str_with_options(&self.text, options()).unwrap_or_default()
    }

    /// Where a setting of a policy stands, or would stand, by a JSON pointer.
    pub(crate) fn place_of_setting(&self, policy: &PolicyEntry, pointer: &str) -> Location {
        let given = policy.settings.as_ref().map_or(policy.name.referenced, |given| given.referenced);
        places::of_setting(&self.text, &policy.name.value, pointer).unwrap_or(given)
    }

    /// An error at a place of the file.
    pub fn error(&self, location: Location, message: impl Into<String>) -> ConfigError {
        Text { file: &self.file, text: &self.text }.error(location, message)
    }
}

fn too_large(size: u64) -> String {
    format!("the file has {size} bytes, at most {} are read", Config::MAX_BYTES)
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_nodes: 100_000,
            max_events: 300_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_documents: 1,
        },
        with_snippet: false,
        strict_booleans: true,
    }
}

#[cfg(test)]
mod tests;
