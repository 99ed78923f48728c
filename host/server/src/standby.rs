//! A host that listens, and does not act yet: of several, one does.

mod routes;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use suture_core::{Clock, RealClock};
use suture_engine::{Metrics, Pager, Policy};

use crate::admission::Admission;
use crate::assemble::{self, Host, ServeOptions};
use crate::catalog::{Catalog, Considered};
use crate::config::{Config, ConfigError, Loaded};
use crate::gate::{Audience, Gate, Names, Refusals};
use crate::leadership::{self, Leadership};
use crate::listener::{Limits, Listener, Setup, raise_descriptors};
use crate::rights::Rights;
use crate::server::{ServeError, Server, start_error};
use crate::tls::{Identity, TlsFiles};
use crate::transport::{self, Doors};
use crate::webhook::Access;
pub(crate) use routes::Reason;

/// A host that listens and tells everybody to wait. Its configuration is read, its
/// policies are loaded; its journal is not opened: another host may be at work on it.
pub struct Standby {
    pub(crate) loaded: Arc<Loaded>,
    pub(crate) options: ServeOptions,
    pub(crate) host: Host,
    pub(crate) pager: Arc<dyn Pager>,
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) considered: Vec<Considered>,
    pub(crate) metrics: Metrics,
    pub(crate) webhook: Listener,
    pub(crate) webhook_access: Access,
    pub(crate) admin: Listener,
    pub(crate) admission: Arc<Admission>,
    pub(crate) warnings: Vec<ConfigError>,
    reason: Reason,
}

impl Standby {
    /// Read a configuration, and listen.
    ///
    /// # Errors
    /// Why it does not start. A policy that can't be loaded does not keep the others from
    /// their work: its status says what is wrong.
    pub async fn start(file: &Path, options: ServeOptions) -> Result<Self, ServeError> {
        let mut loaded = Config::load(file).map_err(ServeError::Config)?;
        let mut warnings = std::mem::take(&mut loaded.warnings);
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let host = assemble::cluster(&loaded, &options, &metrics).await?;
        let pager = assemble::pager(&loaded)?;
        let (doors, doubts) = transport::open_or_stop(&loaded).map_err(ServeError::Config)?;
        warnings.extend(doubts);
        let Doors { webhook: webhook_access, webhook_tls, admission, admin_tls } = doors;
        let admission = Arc::new(admission);
        let storage = loaded.path(&loaded.config.storage.path);
        let compiler = options.compiler.clone();
        let catalog =
            Catalog::open(&storage, compiler, host.clock.clone(), metrics.clone()).map_err(start_error)?;
        let considered = catalog.consider_all(&loaded).await?;
        considered.iter().for_each(|considered| tell(&considered.policy));
        let reason = Reason::new("the host is starting");
        // HTTP lives in real time, whatever the cluster's clock shows.
        let real: Arc<dyn Clock> = Arc::new(RealClock);
        let hooks = routes::webhook(reason.clone(), metrics.clone());
        raise_descriptors();
        let setup = |name, address, limits, audience, tls: Option<(TlsFiles, Identity)>| Setup {
            name,
            address,
            limits,
            gate: Gate {
                audience,
                names: Names::new(
                    host.connection.as_ref().map(|connection| connection.namespace.as_str()),
                    loaded.config.admin.hosts.iter().map(|host| host.value.as_str()),
                ),
                needs_certificate: tls.as_ref().is_some_and(|(files, _)| files.client_ca.is_some()),
                metrics: metrics.clone(),
                refusals: Refusals::new(name, real.clone(), metrics.clone()),
            },
            tls,
            clock: real.clone(),
            metrics: metrics.clone(),
        };
        let address = *loaded.config.listen.value;
        let webhook = setup("webhook", address, Limits::of_webhook(), Audience::Webhook, webhook_tls);
        let webhook = Listener::start(webhook, hooks).await.map_err(start_error)?;
        let questions = routes::admin(reason.clone(), metrics.clone(), admission.clone());
        let address = *loaded.config.admin.listen.value;
        let admin = setup("admin", address, Limits::of_admin(), Audience::Admin, admin_tls);
        let admin = Listener::start(admin, questions).await.map_err(start_error)?;
        tracing::info!(webhook = %webhook.address, admin = %admin.address, "listening");
        Ok(Self {
            loaded: Arc::new(loaded),
            options,
            host,
            pager,
            catalog: Arc::new(catalog),
            considered,
            metrics,
            webhook,
            webhook_access,
            admin,
            admission,
            warnings,
            reason,
        })
    }

    /// Where the webhook listens.
    pub fn webhook_addr(&self) -> SocketAddr {
        self.webhook.address
    }

    /// Where the API, metrics and health listen.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.address
    }

    /// What looks wrong in the configuration, but is allowed.
    pub fn warnings(&self) -> &[ConfigError] {
        &self.warnings
    }

    /// Wait until this host is the one that acts, which it is at once where there is no
    /// Lease; then take up what an earlier host left, and go to work. `tell` hears for
    /// whom or what it waits, whenever that changes.
    ///
    /// # Errors
    /// Why it does not go to work. Then the Lease is given back.
    pub async fn lead(self, tell: impl FnMut(&str)) -> Result<Server, ServeError> {
        let leadership = match leadership::candidate(&self.loaded, &self.host) {
            None => None,
            Some(candidate) => {
                // Whoever lacks the Lease's rights stands by for ever, and is told why.
                if let Some(connection) = self.host.connection.clone() {
                    let rights = Rights::new(&self.loaded, connection, &[], self.host.clock.clone());
                    tokio::spawn(rights.tell());
                }
                let acquired = candidate.acquire(&self.metrics, &self.reason, tell).await;
                self.reason.set("the host is starting");
                Some(acquired)
            }
        };
        let tenure = leadership.as_ref().map(Leadership::tenure);
        match Server::begin(self, tenure).await {
            Ok(begun) => Ok(Server::led(begun, leadership)),
            Err(error) => {
                if let Some(leadership) = leadership {
                    leadership.release().await;
                }
                Err(error)
            }
        }
    }
}

fn tell(policy: &Policy) {
    let name = &policy.config.name;
    match &policy.program {
        Ok(program) => tracing::info!(
            policy = name,
            version = program.manifest().version,
            digest = program.digest(),
            mode = policy.config.mode.as_str(),
            source = policy.source,
            "a policy is loaded"
        ),
        Err(error) => tracing::error!(policy = name, error, "a policy can't be loaded"),
    }
    if let Some(error) = &policy.trouble {
        tracing::error!(policy = name, "its source gives no module, and the last good one goes on: {error}");
    }
}
