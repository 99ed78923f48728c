//! Whether the host may do what its policies need, asked of the API server at the start
//! and again and again: a policy that lacks a right is held back, and goes to work once
//! it is granted.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use suture_cluster::live::{Connection, access};
use suture_core::Clock;
use suture_core::rbac::{Needs, Purpose, Right};
use suture_engine::{Engine, Hold, Policy};
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
const ALL_WELL: Duration = Duration::from_secs(30);
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
    /// How that command is run where the host is; none outside of a cluster.
    pod: Option<String>,
    /// Policies that are held back, or in some namespaces, and why.
    held: BTreeMap<String, Hold>,
    /// What people were told that it is missing, and holds nothing back.
    told: BTreeSet<Right>,
    /// Whether the last round was answered.
    answered: bool,
}

/// What one round of questions found.
struct Found {
    missing: BTreeSet<Right>,
    /// Of the namespaces in which something is missing, those that do not exist.
    gone: BTreeSet<String>,
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
            pod: in_pod(&connection.namespace),
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
    pub async fn first(&mut self) -> BTreeMap<String, Hold> {
        match self.ask().await {
            Ok(found) => self.held = self.judge(&found),
            Err(error) => {
                let why = format!(
                    "the API server at {} can't be asked whether this host has the rights that the policy needs \
                     ({error}); it is asked again every {} s",
                    self.connection.url,
                    UNANSWERED.as_secs()
                );
                let all = self.policies.iter();
                self.held = all.map(|policy| (policy.clone(), Hold::all(why.clone()))).collect();
            }
        }
        self.held.iter().for_each(|(policy, hold)| tell(policy, hold));
        self.held.clone()
    }

    /// Ask once. What is missing of which policy, or of the host itself; a sentence each.
    pub async fn examine(mut self) -> Result<Vec<(Option<String>, String)>, String> {
        let found = self.ask().await?;
        let mut missing: Vec<(Option<String>, String)> = self
            .judge(&found)
            .into_iter()
            .filter_map(|(policy, hold)| Some((Some(policy), hold.why()?)))
            .collect();
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
        gone.for_each(|policy| engine.hold(policy, Hold::default()));
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
                (before, Some(hold)) if before != Some(hold) => {
                    tell(policy, hold);
                    engine.hold(policy, hold.clone());
                }
                (Some(_), None) => {
                    tracing::info!(policy, "no longer held back: it has all the rights that it needs");
                    engine.hold(policy, Hold::default());
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
            if missing.is_empty() {
                return Ok(Found { missing: BTreeSet::new(), gone: BTreeSet::new(), user: String::new() });
            }
            let user = access::who_am_i(client).await.map_err(|error| error.to_string())?;
            let namespaces: BTreeSet<&str> =
                missing.iter().filter_map(|right| right.reach.namespace()).collect();
            let mut gone = BTreeSet::new();
            for namespace in namespaces {
                if access::is_gone(client, namespace).await.map_err(|error| error.to_string())? {
                    gone.insert(namespace.to_owned());
                }
            }
            Ok(Found { missing: missing.into_iter().collect(), gone, user })
        };
        let answer = match self.clock.timeout(PATIENCE, questions).await {
            Some(answer) => answer,
            None => Err(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        self.answered = answer.is_ok();
        answer
    }

    /// Whom the missing rights hold back. What is missing beside is told once.
    fn judge(&mut self, found: &Found) -> BTreeMap<String, Hold> {
        let mut held = BTreeMap::new();
        for policy in &self.policies {
            let hold = self.hold(policy, found);
            if !hold.is_none() {
                held.insert(policy.clone(), hold);
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

    /// What the missing rights hold a policy back from. Where it has all that it needs in one of
    /// its namespaces, it works there.
    fn hold(&self, policy: &str, found: &Found) -> Hold {
        let of_policy = |purpose: &Purpose| matches!(purpose, Purpose::Policy(name) if name == policy);
        let needed = self.needs.rights(of_policy);
        let missing: Vec<Right> =
            needed.iter().filter(|right| found.missing.contains(right)).cloned().collect();
        let mut by_namespace: BTreeMap<&str, Vec<Right>> = BTreeMap::new();
        let mut is_elsewhere = false;
        for right in &missing {
            match right.reach.namespace() {
                Some(namespace) => by_namespace.entry(namespace).or_default().push(right.clone()),
                None => is_elsewhere = true,
            }
        }
        let namespaces: BTreeSet<&str> = needed.iter().filter_map(|right| right.reach.namespace()).collect();
        let works_somewhere = namespaces.iter().any(|namespace| !by_namespace.contains_key(namespace));
        if missing.is_empty() {
            return Hold::default();
        }
        if is_elsewhere || !works_somewhere {
            let why = self.sentences(&missing, found);
            return Hold::all(format!("{why}. Until then the policy's alerts wait"));
        }
        let namespaces = by_namespace.into_iter().map(|(namespace, missing)| {
            let why = self.sentences(&missing, found);
            (namespace.to_owned(), format!("{why}. Until then alerts about namespace `{namespace}` wait"))
        });
        Hold { all: None, namespaces: namespaces.collect() }
    }

    /// What is missing, and what helps: a namespace that does not exist is none in which a right
    /// could be granted.
    fn sentences(&self, missing: &[Right], found: &Found) -> String {
        let is_gone =
            |right: &&Right| right.reach.namespace().is_some_and(|namespace| found.gone.contains(namespace));
        let (gone, there): (Vec<&Right>, Vec<&Right>) = missing.iter().partition(is_gone);
        let gone: BTreeSet<&str> = gone.iter().filter_map(|right| right.reach.namespace()).collect();
        let gone = gone.into_iter().map(|namespace| {
            format!(
                "namespace `{namespace}` does not exist, and with it went the rights that it held; take it out of the \
                 policy's `grants`, or, once it is there again, {}",
                self.remedy(&found.user)
            )
        });
        let there: Vec<Right> = there.into_iter().cloned().collect();
        let lacks = (!there.is_empty()).then(|| self.sentence(&there, &found.user));
        gone.chain(lacks).collect::<Vec<_>>().join(". ")
    }

    /// What is missing, and the command that grants it.
    fn sentence(&self, missing: &[Right], user: &str) -> String {
        let named: Vec<String> = missing.iter().take(NAMED).map(ToString::to_string).collect();
        let more = match missing.len() - named.len() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        format!("{user} may not {}{more}; {} allows it", named.join(", "), self.remedy(user))
    }

    /// The command that grants what is missing. In a pod it reads the configuration where the host
    /// itself reads it: nobody else may have that file under this name.
    fn remedy(&self, user: &str) -> String {
        let account = user.strip_prefix("system:serviceaccount:").and_then(|account| account.split_once(':'));
        let whose = account.map_or_else(String::new, |(namespace, name)| {
            format!(" --namespace {namespace} --service-account {name}")
        });
        let (run, file) = (self.pod.as_deref().unwrap_or("suture"), &self.file);
        let command = format!("`{run} rbac --config {file}{whose} | kubectl apply -f -`");
        match account {
            Some(_) => command,
            // It binds ServiceAccounts, and this is none.
            None => format!("{command}, with `{user}` in the place of its bindings' ServiceAccount,"),
        }
    }
}

fn tell(policy: &str, hold: &Hold) {
    if let Some(why) = &hold.all {
        tracing::error!(policy, "held back: {why}");
    }
    for (namespace, why) in &hold.namespaces {
        tracing::error!(policy, namespace, "held back in one namespace: {why}");
    }
}

/// How a command is run in the pod that this host is; none where it is in none.
fn in_pod(namespace: &str) -> Option<String> {
    std::env::var_os("KUBERNETES_SERVICE_HOST")?;
    let (pod, program) = (std::env::var("HOSTNAME").ok()?, std::env::current_exe().ok()?);
    Some(format!("kubectl -n {namespace} exec {pod} -- {}", program.display()))
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
