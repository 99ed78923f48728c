//! A host that listens.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_saphyr::Spanned;
use suture_core::{Clock, RealClock};
use suture_engine::{Budgets, Engine, EngineConfig, Metrics};
use suture_journal::Journal;
use suture_runtime::{ModuleCache, Runtime};

use crate::assemble::{self, Assembled, ServeOptions};
use crate::config::{Config, ConfigError};
use crate::listener::Listener;
use crate::token::Token;
use crate::webhook::Webhook;
use crate::{api, webhook};

/// How long the API goes on answering once the runs are over.
const LAST_ANSWERS: Duration = Duration::from_secs(1);

/// A host at work.
pub struct Server {
    engine: Engine,
    webhook: Listener,
    admin: Listener,
    warnings: Vec<ConfigError>,
}

/// Why a host does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration is wrong.
    #[error("{}", joined(.0))]
    Config(Vec<ConfigError>),
    /// Something that it needs is not to be had: the journal, an address, a token.
    #[error("{0}")]
    Start(String),
}

fn joined(errors: &[ConfigError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl From<ConfigError> for ServeError {
    fn from(error: ConfigError) -> Self {
        Self::Config(vec![error])
    }
}

fn start_error(error: impl std::fmt::Display) -> ServeError {
    ServeError::Start(error.to_string())
}

impl Server {
    /// Read a configuration, take up what an earlier host left, and listen.
    ///
    /// # Errors
    /// Why it does not start. A policy that can't be loaded does not keep the others from
    /// their work: its status says what is wrong.
    pub async fn start(file: &Path, options: ServeOptions) -> Result<Self, ServeError> {
        let mut loaded = Config::load(file).map_err(ServeError::Config)?;
        let mut warnings = std::mem::take(&mut loaded.warnings);
        let host = assemble::cluster(&loaded, &options)?;
        let pager = assemble::pager(&loaded)?;
        let mut token = |file: &Option<Spanned<PathBuf>>| {
            let Some(file) = file else { return Ok(None) };
            let token = Token::load(loaded.path(&file.value))
                .map_err(|error| ServeError::from(loaded.error(file.referenced, error)))?;
            warnings.extend(token.open_to_others().map(|doubt| loaded.error(file.referenced, doubt)));
            Ok::<_, ServeError>(Some(token))
        };
        let webhook_token = token(&loaded.config.webhook.token_file)?;
        let admin_token = token(&loaded.config.admin.token_file)?;
        let storage = loaded.path(&loaded.config.storage.path);
        let journal = Journal::open(&storage, host.clock.clone()).map_err(start_error)?;
        let metrics = Metrics::new(env!("CARGO_PKG_VERSION"));
        let counted = metrics.clone();
        journal.on_commit(Arc::new(move |took| counted.commit(took)));
        let runtime = Runtime::new().map_err(start_error)?;
        let cache = ModuleCache::open(storage.join("modules"))
            .inspect_err(|error| tracing::warn!(%error, "modules are compiled at every start"))
            .ok();
        let mut policies = Vec::new();
        for entry in &loaded.config.policies {
            let Assembled { policy, .. } =
                assemble::policy(&loaded, &entry.value, &runtime, cache.as_ref(), &*host.clock).await?;
            match &policy.program {
                Ok(program) => tracing::info!(
                    policy = policy.config.name,
                    version = program.manifest().version,
                    digest = program.digest(),
                    mode = policy.config.mode.as_str(),
                    "a policy is loaded"
                ),
                Err(error) => tracing::error!(policy = policy.config.name, error, "a policy can't be loaded"),
            }
            policies.push(Arc::new(policy));
        }
        let engine = Engine::start(EngineConfig {
            policies,
            journal,
            cluster: host.cluster,
            clock: host.clock,
            pager,
            metrics,
            budgets: loaded
                .config
                .budgets
                .as_ref()
                .map_or_else(Budgets::default, |given| given.value.clone()),
            max_pending: loaded.config.webhook.max_pending.value,
            retention: loaded.config.storage.retention.get(),
            listeners: options.listeners,
        })
        .await
        .map_err(start_error)?;
        // HTTP lives in real time, whatever the cluster's clock shows.
        let real: Arc<dyn Clock> = Arc::new(RealClock);
        let max_body = usize::try_from(loaded.config.webhook.max_body.value.0).unwrap_or(usize::MAX);
        let hooks = webhook::router(Webhook::new(engine.clone(), real.clone(), webhook_token, max_body));
        let webhook =
            Listener::start(*loaded.config.listen.value, hooks, real.clone()).await.map_err(start_error)?;
        let questions = api::router(engine.clone(), admin_token);
        let admin =
            Listener::start(*loaded.config.admin.listen.value, questions, real).await.map_err(start_error)?;
        tracing::info!(webhook = %webhook.address, admin = %admin.address, "listening");
        Ok(Self { engine, webhook, admin, warnings })
    }

    /// Where the webhook listens.
    pub fn webhook_addr(&self) -> SocketAddr {
        self.webhook.address
    }

    /// Where the API, metrics and health listen.
    pub fn admin_addr(&self) -> SocketAddr {
        self.admin.address
    }

    /// The host itself.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What looks wrong in the configuration, but is allowed.
    pub fn warnings(&self) -> &[ConfigError] {
        &self.warnings
    }

    /// Accept no more, give runs a time of grace, and end. What is unfinished then is
    /// picked up at the next start. The API answers until the runs are over, and then
    /// for a second at most: a client that does not go holds up nobody.
    pub async fn stop(self, grace: Duration) {
        // What is still being received is refused with 503, and sent again.
        tokio::join!(self.webhook.stop(grace), self.engine.shutdown(grace));
        self.admin.stop(LAST_ANSWERS).await;
        if let Err(error) = self.engine.journal().close().await {
            tracing::error!(%error, "the journal could not be closed in good order");
        }
    }
}
