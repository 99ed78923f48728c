//! Whether the host may do what its policies need, asked of the API server at the start
//! and again and again: a policy that lacks a right is held back, and goes to work once
//! it is granted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use suture_cluster::live::{Connection, access};
use suture_core::Clock;
use suture_core::rbac::{Needs, Purpose, Right};
use suture_engine::{Engine, Policy};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::config::Loaded;
use crate::rbac;

/// How long all questions of one round may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before the next round: where nobody could be asked, where something is
/// missing, and where all is well.
const UNANSWERED: Duration = Duration::from_secs(5);
const MISSING: Duration = Duration::from_secs(15);
const ALL_WELL: Duration = Duration::from_secs(600);
/// The most rights that one message names.
const NAMED: usize = 10;

/// Asks for the rights of a host.
pub(crate) struct Rights {
    connection: Connection,
    clock: Arc<dyn Clock>,
    needs: Needs,
    policies: Vec<String>,
    /// The configuration file, for the command that grants what is missing.
    file: String,
    /// Policies that are held back, and why.
    held: BTreeMap<String, String>,
    /// What people were told that it is missing, and holds nothing back.
    told: BTreeSet<Right>,
    /// Whether the last round was answered.
    answered: bool,
}

/// What one round of questions found.
struct Found {
    missing: BTreeSet<Right>,
    /// Who the host is.
    user: String,
}

impl Rights {
    /// The rights that a host needs on a live cluster.
    pub fn new(
        loaded: &Loaded,
        connection: Connection,
        policies: &[Arc<Policy>],
        clock: Arc<dyn Clock>,
    ) -> Self {
        let installation = rbac::installation(loaded, Some(connection.namespace.clone()), None);
        let loaded_ones = policies.iter().filter(|policy| policy.program.is_ok());
        Self {
            needs: rbac::of_host(policies.iter().map(|policy| &**policy), &installation),
            policies: loaded_ones.map(|policy| policy.config.name.clone()).collect(),
            file: loaded.file().display().to_string(),
            connection,
            clock,
            held: BTreeMap::new(),
            told: BTreeSet::new(),
            answered: false,
        }
    }

    /// Ask once, and tell in the log what is missing.
    pub async fn tell(mut self) {
        self.first().await;
    }

    /// Ask for the first time. The policies that must not start yet, and why.
    pub async fn first(&mut self) -> BTreeMap<String, String> {
        match self.ask().await {
            Ok(found) => self.held = self.judge(&found),
            Err(error) => {
                let why = format!(
                    "the API server at {} can't be asked whether this host has the rights that the policy needs \
                     ({error}); it is asked again every {} s",
                    self.connection.url,
                    UNANSWERED.as_secs()
                );
                self.held = self.policies.iter().map(|policy| (policy.clone(), why.clone())).collect();
            }
        }
        for (policy, why) in &self.held {
            tracing::error!(policy, "held back: {why}");
        }
        self.held.clone()
    }

    /// Ask once. What is missing of which policy, or of the host itself; a sentence each.
    pub async fn examine(mut self) -> Result<Vec<(Option<String>, String)>, String> {
        let found = self.ask().await?;
        let mut missing: Vec<(Option<String>, String)> =
            self.judge(&found).into_iter().map(|(policy, why)| (Some(policy), why)).collect();
        let beside: Vec<Right> = self.told.iter().cloned().collect();
        if !beside.is_empty() {
            missing.push((None, self.sentence(&beside, &found.user)));
        }
        Ok(missing)
    }

    /// Go on asking, for as long as the result lives.
    pub fn keep_asking(mut self, engine: Engine) -> Asking {
        let (connection, clock) = (self.connection.clone(), self.clock.clone());
        let (news, mut newer) = mpsc::unbounded_channel::<Self>();
        let task = tokio::spawn(async move {
            loop {
                let pause = match (self.answered, self.held.is_empty() && self.told.is_empty()) {
                    (false, _) => UNANSWERED,
                    (true, false) => MISSING,
                    (true, true) => ALL_WELL,
                };
                tokio::select! {
                    () = self.clock.sleep(pause) => {}
                    news = newer.recv() => match news {
                        Some(news) => self.become_newer(news, &engine),
                        None => return,
                    },
                }
                self.again(&engine).await;
            }
        });
        Asking { task, connection, clock, news }
    }

    /// Other policies, or others' needs. Who is held back stays so until all is asked.
    fn become_newer(&mut self, newer: Self, engine: &Engine) {
        let gone = self.held.keys().filter(|policy| !newer.policies.contains(policy));
        gone.for_each(|policy| engine.hold(policy, None));
        let held = std::mem::take(&mut self.held);
        let told = std::mem::take(&mut self.told);
        *self = Self { told, answered: self.answered, held, ..newer };
        self.held.retain(|policy, _| self.policies.contains(policy));
    }

    /// Ask again, and tell the engine what has changed. Where nobody can be asked, all
    /// stays as it is.
    async fn again(&mut self, engine: &Engine) {
        let found = match self.ask().await {
            Ok(found) => found,
            Err(error) => {
                return tracing::warn!(error, "the API server can't be asked for the host's rights");
            }
        };
        let held = self.judge(&found);
        for policy in &self.policies {
            match (self.held.get(policy), held.get(policy)) {
                (before, Some(why)) if before != Some(why) => {
                    tracing::error!(policy, "held back: {why}");
                    engine.hold(policy, Some(why.clone()));
                }
                (Some(_), None) => {
                    tracing::info!(policy, "no longer held back: it has all the rights that it needs");
                    engine.hold(policy, None);
                }
                _ => {}
            }
        }
        self.held = held;
    }

    async fn ask(&mut self) -> Result<Found, String> {
        let client = &self.connection.client;
        let all = self.needs.rights(|_| true);
        let questions = async {
            let missing = access::missing(client, &all).await.map_err(|error| error.to_string())?;
            // Whom the rights are missing is only asked where somebody is to be told.
            let user = match missing.is_empty() {
                true => String::new(),
                false => access::who_am_i(client).await.map_err(|error| error.to_string())?,
            };
            Ok(Found { missing: missing.into_iter().collect(), user })
        };
        let answer = match self.clock.timeout(PATIENCE, questions).await {
            Some(answer) => answer,
            None => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        self.answered = answer.is_ok();
        answer
    }

    /// Whom the missing rights hold back. What is missing beside is told once.
    fn judge(&mut self, found: &Found) -> BTreeMap<String, String> {
        let mut held = BTreeMap::new();
        for policy in &self.policies {
            let of_policy = |purpose: &Purpose| matches!(purpose, Purpose::Policy(name) if name == policy);
            let missing: Vec<Right> = self
                .needs
                .rights(of_policy)
                .into_iter()
                .filter(|right| found.missing.contains(right))
                .collect();
            if !missing.is_empty() {
                let why =
                    format!("{}. Until then the policy's alerts wait", self.sentence(&missing, &found.user));
                held.insert(policy.clone(), why);
            }
        }
        let beside = self.needs.rights(|purpose| !matches!(purpose, Purpose::Policy(_)));
        let beside: BTreeSet<Right> =
            beside.into_iter().filter(|right| found.missing.contains(right)).collect();
        let news: Vec<Right> = beside.difference(&self.told).cloned().collect();
        if !news.is_empty() {
            tracing::warn!("{}", self.sentence(&news, &found.user));
        }
        self.told = beside;
        held
    }

    /// What is missing, and the command that grants it.
    fn sentence(&self, missing: &[Right], user: &str) -> String {
        let named: Vec<String> = missing.iter().take(NAMED).map(ToString::to_string).collect();
        let more = match missing.len() - named.len() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let account = user.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
        let whose = account.map_or_else(String::new, |(namespace, name)| {
            format!(" --namespace {namespace} --service-account {name}")
        });
        format!(
            "{user} may not {}{more}; `suture rbac --config {}{whose} | kubectl apply -f -` allows it",
            named.join(", "),
            self.file
        )
    }
}

/// The task that goes on asking. It ends when this is dropped.
pub(crate) struct Asking {
    task: JoinHandle<()>,
    connection: Connection,
    clock: Arc<dyn Clock>,
    news: mpsc::UnboundedSender<Rights>,
}

impl Asking {
    /// Ask at once for what other policies need, and for that from now on.
    pub fn renew(&self, loaded: &Loaded, policies: &[Arc<Policy>]) {
        let rights = Rights::new(loaded, self.connection.clone(), policies, self.clock.clone());
        let _ = self.news.send(rights);
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.task.abort();
    }
}
