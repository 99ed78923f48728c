//! A host at work.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use suture_cluster::live::lease::{Fenced, Lost, Tenure};
use suture_core::RealClock;
use suture_engine::{Budgets, Cluster, Engine, EngineConfig, KnownReceivers, Reconciler, Silences};
use suture_journal::{Filter, IncidentRecord, Journal};
use suture_telemetry::{Source, Telemetry};
use tokio::sync::broadcast;

use crate::approvals::Approvals;
use crate::assemble::{self, ServeOptions};
use crate::audit::{self, Publisher, Trail};
use crate::catalog::{Beginning, Keeper, Keeping, KeptByDigest, OnReload};
use crate::config::{ClusterConfig, ConfigError, Loaded, SimulatedConfig};
use crate::console::Console;
use crate::doctor::Doctor;
use crate::drills::Drills;
use crate::leadership::Leadership;
use crate::listener::Listener;
use crate::receivers::Receivers;
use crate::rights::Rights;
use crate::silences::AskedAlertmanagers;
use crate::standby::Standby;
use crate::sweep::{Schedules, Sweeper};
use crate::webhook::{Heard, Webhook};
use crate::{api, events, telemetry, webhook};

/// How long the API goes on answering once the runs are over.
const LAST_ANSWERS: Duration = Duration::from_secs(1);
/// How long the last spans may take.
const LAST_SPANS: Duration = Duration::from_secs(2);
/// What happens while a listener is busy: as much as is remembered for it.
const REMEMBERED: usize = 4096;

/// A host at work.
pub struct Server {
    engine: Engine,
    webhook: Listener,
    admin: Listener,
    warnings: Vec<ConfigError>,
    /// Exchanges modules and configuration until the host stops.
    keeping: Keeping,
    /// Sweep until the host stops.
    schedules: Schedules,
    /// Asks Alertmanager until the host stops.
    reconciler: Reconciler,
    /// Looks for what people decide in the cluster, until the host stops; none where they don't.
    approvals: Option<Approvals>,
    /// Says the head of the audit trail until the host stops.
    publisher: Publisher,
    /// None where no collector is configured.
    telemetry: Option<Telemetry>,
    /// None where there is no Lease.
    leadership: Option<Leadership>,
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

pub(crate) fn start_error(error: impl std::fmt::Display) -> ServeError {
    ServeError::Start(error.to_string())
}

impl Server {
    /// Read a configuration, wait for the Lease where there is one, take up what an
    /// earlier host left, and listen. [`Standby`] does the same in two steps.
    ///
    /// # Errors
    /// Why it does not start. A policy that can't be loaded does not keep the others from
    /// their work: its status says what is wrong.
    pub async fn start(file: &Path, options: ServeOptions) -> Result<Self, ServeError> {
        Standby::start(file, options).await?.lead(|_| {}).await
    }

    /// Go to work, within a tenure where there is one.
    pub(crate) async fn begin(standby: Standby, tenure: Option<Tenure>) -> Result<Self, ServeError> {
        let Standby { loaded, options, host, pager, catalog, considered, metrics, warnings, .. } = standby;
        let policies: Vec<_> =
            considered.iter().map(|considered| Arc::new(considered.policy.clone())).collect();
        let config = &loaded.config;
        let (storage, max_size) = (loaded.path(&config.storage.path), config.storage.max_size.value.0);
        let journal =
            Journal::open_bounded(&storage, host.clock.clone(), Some(max_size)).map_err(start_error)?;
        tell_of_another_cluster(&loaded, &journal).await;
        let counted = metrics.clone();
        journal.on_commit(Arc::new(move |took| counted.commit(took)));
        let mut rights = host
            .connection
            .clone()
            .map(|connection| Rights::new(&loaded, connection, &policies, host.clock.clone()));
        let held = match &mut rights {
            Some(rights) => rights.first().await,
            None => BTreeMap::new(),
        };
        let listeners = options.listeners.unwrap_or_else(|| broadcast::Sender::new(REMEMBERED));
        let source = Source { journal: journal.clone(), listeners: &listeners, clock: host.clock.clone() };
        let telemetry = telemetry::start(&loaded, source, &metrics).await?;
        if let Some(connection) = &host.connection {
            events::write(connection, host.clock.clone(), &listeners, tenure.clone());
        }
        let trail = Arc::new(Trail::new(journal.clone(), metrics.clone(), host.clock.clone()));
        let console = Console::new(
            standby.admission.clone(),
            trail.clone(),
            config.admin.tls.is_some(),
            listeners.clone(),
            Arc::new(RealClock),
        );
        let cluster: Arc<dyn Cluster> = match tenure {
            Some(tenure) => Arc::new(Fenced::new(host.cluster, tenure)),
            None => host.cluster,
        };
        let receivers = Arc::new(Receivers::load(&storage));
        let alertmanagers = assemble::alertmanagers(&loaded)?;
        let silences = AskedAlertmanagers::of(alertmanagers.clone(), &receivers);
        let counted = metrics.clone();
        let engine = Engine::start(EngineConfig {
            policies,
            kept: Some(Arc::new(KeptByDigest { catalog: catalog.clone(), loaded: loaded.clone() })),
            journal,
            cluster: cluster.clone(),
            clock: host.clock.clone(),
            pager,
            silences: silences.map(|asked| Arc::new(asked) as Arc<dyn Silences>),
            telling: config.telling(),
            metrics,
            budgets: config.budgets.as_ref().map_or_else(Budgets::default, |given| given.value.clone()),
            max_pending: config.webhook.max_pending.value,
            max_pending_bytes: config.max_pending_bytes(),
            retention: config.storage.retention.get(),
            listeners: Some(listeners),
            held,
        })
        .await
        .map_err(start_error)?;
        let clock = host.clock;
        let retention = config.storage.audit_retention.value.get();
        let publisher = Publisher::start(engine.journal().clone(), counted, clock.clone(), retention);
        let approvals = host.connection.as_ref().filter(|_| config.decides_in_cluster()).map(|connection| {
            let namespace = connection.namespace.clone();
            Approvals::start(engine.clone(), cluster, clock.clone(), trail.clone(), namespace)
        });
        let rights = rights.map(|rights| rights.keep_asking(engine.clone()));
        let sweeper = Arc::new(Sweeper::new(engine.clone(), alertmanagers, &receivers));
        let every = config.reconcile_every();
        let known = receivers.clone();
        let known: KnownReceivers = Arc::new(move || known.all());
        let reconciler = Reconciler::start(engine.clone(), sweeper.clone(), known, clock.clone(), every);
        let schedules = Schedules::start(sweeper.clone(), clock.clone());
        let tell = schedules.teller();
        tell(&loaded);
        let admission = standby.admission.clone();
        let know_people = move |loaded: &Loaded| admission.replace(&loaded.config.people);
        let on_reload: Vec<OnReload> = vec![Box::new(tell), Box::new(know_people)];
        let beginning = Beginning {
            catalog,
            engine: engine.clone(),
            loaded: loaded.clone(),
            considered,
            rights,
            on_reload,
        };
        let keeping = Keeper::start(beginning);
        let max_body = usize::try_from(config.webhook.max_body.value.0).unwrap_or(usize::MAX);
        let (webhook, admin) = (standby.webhook, standby.admin);
        let drills = Arc::<Drills>::default();
        let heard = Heard {
            receivers: receivers.clone(),
            reconciler: reconciler.asker(),
            drills: drills.clone(),
            truncated_told: Mutex::default(),
        };
        let doctor = Doctor::new(engine.clone(), loaded.clone(), host.connection, clock, receivers, drills)?;
        let doctor = Arc::new(doctor);
        tokio::spawn({
            let doctor = doctor.clone();
            async move { doctor.try_connections().await }
        });
        let hooks =
            Webhook::new(engine.clone(), Arc::new(RealClock), standby.webhook_access, max_body, heard);
        webhook.route(webhook::router(hooks));
        let contacts = loaded.contacts.clone();
        admin.route(api::router(
            engine.clone(),
            keeping.handle(),
            sweeper,
            doctor,
            standby.admission,
            contacts,
            &console,
        ));
        Ok(Self {
            engine,
            webhook,
            admin,
            warnings,
            keeping,
            schedules,
            reconciler,
            approvals,
            publisher,
            telemetry,
            leadership: None,
        })
    }

    /// The same, with the Lease in its hands.
    pub(crate) fn led(self, leadership: Option<Leadership>) -> Self {
        Self { leadership, ..self }
    }

    /// Wait until this host may act no more, because its Lease is lost; for ever where it
    /// acts without one. Nothing is performed from then on; what is left to do is
    /// [`stop`](Self::stop).
    pub async fn lost(&self) -> Lost {
        lost(self.leadership.as_ref()).await
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

    /// Read the configuration again and put it in force, if it is right; as it is done
    /// unasked whenever the file changes.
    pub fn reload(&self) {
        self.keeping.handle().reload();
    }

    /// Accept no more, give runs a time of grace, and end. What is unfinished then is
    /// picked up at the next start. The API answers until the runs are over, and then
    /// for a second at most: a client that does not go holds up nobody. The Lease is
    /// renewed until then and given back at last; where it is lost before, the time of
    /// grace is over.
    pub async fn stop(self, grace: Duration) {
        let Self {
            engine,
            webhook,
            admin,
            keeping,
            schedules,
            reconciler,
            approvals,
            publisher,
            mut telemetry,
            leadership,
            ..
        } = self;
        // What a run began with stays as it is from here on.
        drop((keeping, schedules, reconciler, approvals, publisher));
        let runs = async {
            tokio::select! {
                () = engine.shutdown(grace) => {}
                lost = lost(leadership.as_ref()) => {
                    tracing::error!(%lost, "no run may go on");
                    engine.shutdown(Duration::ZERO).await;
                }
            }
        };
        // What is still being received is refused with 503, and sent again.
        tokio::join!(webhook.stop(grace), runs);
        if let Some(telemetry) = &mut telemetry {
            telemetry.hear_out().await;
        }
        audit::tell_head(engine.journal()).await;
        if let Err(error) = engine.journal().close().await {
            tracing::error!(%error, "the journal could not be closed in good order");
        }
        if let Some(leadership) = leadership {
            leadership.release().await;
        }
        if let Some(telemetry) = telemetry {
            telemetry.stop(LAST_SPANS).await;
        }
        admin.stop(LAST_ANSWERS).await;
    }
}

/// Warn where the journal remembers what was done on a cluster that lived in a host's memory, and
/// died with it: this one is as its scenario has it.
async fn tell_of_another_cluster(loaded: &Loaded, journal: &Journal) {
    let ClusterConfig::Simulated(SimulatedConfig::Scenario { scenario, .. }) = &loaded.config.cluster.value
    else {
        return;
    };
    // What can't be read the engine speaks of.
    let newest = Filter { limit: Some(Filter::MAX_LIMIT), ..Filter::default() };
    let is_open = |incident: &&IncidentRecord| incident.closed_at.is_none();
    let incidents =
        journal.incidents(newest).await.map_or(0, |page| page.items.iter().filter(is_open).count());
    let runs = journal.unfinished_runs().await.map_or(0, |runs| runs.len());
    if incidents + runs == 0 {
        return;
    }
    tracing::warn!(
        journal = %journal.path().display(),
        scenario = %scenario.display(),
        incidents,
        runs,
        "the simulated cluster begins anew, as its scenario has it, and the journal goes on: what its open incidents and \
         unfinished runs have changed is not in this cluster. Use `cluster: {{simulated: {{socket: PATH}}}}` with `suture \
         simulate` for one that outlives its host, or begin with an empty `storage.path`"
    );
}

async fn lost(leadership: Option<&Leadership>) -> Lost {
    match leadership {
        Some(leadership) => leadership.tenure().lost().await,
        None => pending().await,
    }
}
