//! What people decide about plans by making Approvals in the cluster, with `kubectl` and whatever their
//! kubeconfig authenticates with. The API server is the judge of who they are and whether they may, by an
//! admission policy; while that is not there as it is shipped, no Approval counts.

mod admission;
mod object;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use suture_core::effect::{Patch, PatchType, Query, Target};
use suture_core::object::{Kind, Object};
use suture_core::{Clock, Effect, Error, Fault, Mutation, Prepared, Reason, Reply, RunId, Step, Timestamp};
use suture_engine::{Cluster, DecideError, Decision, Engine};
use suture_journal::{Act, ActOutcome, Credential, Filter, IncidentState};
use tokio::task::JoinHandle;

use crate::audit::Trail;
use object::Approval;

/// How often it is looked for Approvals while a plan waits for them, and otherwise: who comes too late is told so.
const EVERY: Duration = Duration::from_secs(2);
const SELDOM: Duration = Duration::from_secs(20);
/// The most pages of Approvals that are read.
const MOST_PAGES: usize = 20;
/// The field manager of what the host says of an Approval.
const MANAGER: &str = "suture";
/// The most answers that are kept until they can be told.
const MOST_UNSAID: usize = 1000;
/// The longest message in a status, in characters.
const MESSAGE: usize = 500;

/// Looks for Approvals until it is dropped.
pub(crate) struct Approvals {
    task: JoinHandle<()>,
}

impl Approvals {
    /// Look for those in the host's namespace.
    pub fn start(
        engine: Engine,
        cluster: Arc<dyn Cluster>,
        clock: Arc<dyn Clock>,
        trail: Arc<Trail>,
        namespace: String,
    ) -> Self {
        let looking =
            Looking { engine, cluster, clock, trail, namespace, told: None, unsaid: HashMap::new() };
        Self { task: tokio::spawn(looking.forever()) }
    }
}

impl Drop for Approvals {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Looking {
    engine: Engine,
    cluster: Arc<dyn Cluster>,
    clock: Arc<dyn Clock>,
    trail: Arc<Trail>,
    namespace: String,
    /// What went wrong when it was looked last, which is not said again.
    told: Option<String>,
    /// What came of Approvals that could not be told so, by their uids.
    unsaid: HashMap<String, Said>,
}

/// What the host says of an Approval.
struct Said {
    result: &'static str,
    message: String,
}

impl Looking {
    async fn forever(mut self) {
        let mut looked_at = self.clock.monotonic();
        loop {
            self.clock.sleep(EVERY).await;
            let now = self.clock.monotonic();
            if now.saturating_sub(looked_at) < SELDOM && !self.is_anybody_asked().await {
                continue;
            }
            looked_at = now;
            let trouble = self.look().await.err().map(|fault| fault.to_string());
            if let Some(trouble) = &trouble
                && self.told.as_ref() != Some(trouble)
            {
                tracing::warn!(namespace = self.namespace, trouble, "Approvals in the cluster can't be read");
            }
            self.told = trouble;
        }
    }

    async fn look(&mut self) -> Result<(), Fault> {
        let guarded = self.guarded_since().await?;
        let mut trouble = Ok(());
        for object in self.undecided().await? {
            // One that can't be answered keeps none of the others waiting.
            trouble = self.take(&object, &guarded).await.and(trouble);
        }
        trouble
    }

    async fn is_anybody_asked(&self) -> bool {
        let state = Some(IncidentState::AwaitingApproval.as_str().to_owned());
        let filter = Filter { state, limit: Some(1), ..Filter::default() };
        self.engine.journal().incidents(filter).await.is_ok_and(|page| !page.items.is_empty())
    }

    /// Since when the API server lets nobody make an Approval in another's name or without the right; or
    /// why it may not.
    async fn guarded_since(&self) -> Result<Result<Timestamp, String>, Fault> {
        let mut since = None;
        for shipped in admission::SHIPPED {
            let target = Target {
                kind: Kind::new("admissionregistration.k8s.io/v1", shipped.kind),
                namespace: None,
                name: admission::NAME.to_owned(),
                uid: None,
                subresource: None,
            };
            let object = match self.perform(Effect::Get { target }).await {
                Ok(Reply::Object(object)) => object,
                Ok(_) => return Ok(Err(shipped.missing())),
                Err(Fault::Error(error)) if error.reason == Reason::NOT_FOUND => {
                    return Ok(Err(shipped.missing()));
                }
                Err(fault) => return Err(fault),
            };
            match shipped.in_force_since(&object) {
                Ok(at) => since = since.max(Some(at)),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(since.ok_or_else(|| "nothing guards Approvals".to_owned()))
    }

    /// The Approvals of which the host has said nothing.
    async fn undecided(&self) -> Result<Vec<Object>, Fault> {
        let mut query = Query {
            kind: object::kind(),
            namespace: Some(self.namespace.clone()),
            labels: String::new(),
            fields: String::new(),
            limit: Query::DEFAULT_LIMIT,
            next: None,
            metadata_only: false,
        };
        let mut found = Vec::new();
        for _ in 0..MOST_PAGES {
            let Reply::Page(page) = self.perform(Effect::List(query.clone())).await? else { break };
            found.extend(page.items.into_iter().filter(|object| object.pointer("/status/result").is_none()));
            query.next = page.next;
            if query.next.is_none() {
                return Ok(found);
            }
        }
        tracing::warn!(
            namespace = self.namespace,
            "there are too many Approvals, and the rest is not read; delete old ones: kubectl delete approvals --all -n {}",
            self.namespace
        );
        Ok(found)
    }

    async fn take(&mut self, object: &Object, guarded: &Result<Timestamp, String>) -> Result<(), Fault> {
        let uid = object.pointer("/metadata/uid").and_then(|uid| uid.as_str()).unwrap_or_default().to_owned();
        let said = match self.unsaid.remove(&uid) {
            Some(said) => said,
            None => self.decided(object, guarded).await?,
        };
        let told = self.answer(object, said.result, &said.message).await;
        if told.is_err() && self.unsaid.len() < MOST_UNSAID {
            self.unsaid.insert(uid, said);
        }
        told
    }

    async fn decided(&self, object: &Object, guarded: &Result<Timestamp, String>) -> Result<Said, Fault> {
        let refused = |message| Said { result: "Refused", message };
        Ok(match Approval::read(object) {
            Ok(approval) => match self.decide(approval, guarded).await {
                Ok(message) => Said { result: "Counted", message },
                Err(Refused::Later(why)) => return Err(Error::new(Reason::UNAVAILABLE, why).into()),
                Err(Refused::Because(why)) => refused(why),
            },
            Err(why) => refused(why),
        })
    }

    async fn decide(
        &self,
        approval: Approval,
        guarded: &Result<Timestamp, String>,
    ) -> Result<String, Refused> {
        let since = guarded.as_ref().map_err(|why| Refused::Because(why.clone()))?;
        if !admission::was_guarded(*since, approval.made_at) {
            let why = format!(
                "it was made before the admission policy `{}` was in force ({since}): make another one",
                admission::NAME
            );
            return Err(Refused::Because(why));
        }
        let Approval { name, run, digest, asked, message, decided_by, .. } = approval;
        let run = RunId::new(run);
        let what = asked.verb();
        let act = Act {
            run: Some(run.as_str().to_owned()),
            object: Some(digest.to_string()),
            reason: Some(message.clone()).filter(|message| !message.is_empty()),
            ..Act::new(&decided_by, Credential::ApiServer, what)
        };
        let begun = self.trail.begin(act.clone()).await.map_err(|error| Refused::Later(error.to_string()))?;
        let decision = Decision { who: decided_by.clone(), digest, message, asked };
        match self.engine.decide(&run, decision).await {
            Ok(decided) => {
                let incident = Some(decided.incident.as_str().to_owned());
                self.trail.conclude(begun, Act { incident, ..act }).await;
                tracing::info!(who = decided_by, what, %run, incident = %decided.incident, approval = name, "done by hand");
                Ok(match decided.rejected {
                    true => "the plan is rejected".to_owned(),
                    false => format!("{} of {} people have approved the plan", decided.given, decided.needed),
                })
            }
            Err(error) => {
                let (outcome, why) = match &error {
                    DecideError::Unavailable(_) => (ActOutcome::Failed, Refused::Later(error.to_string())),
                    DecideError::NotFound
                    | DecideError::Over
                    | DecideError::NotAsked(_)
                    | DecideError::AnotherRun(_)
                    | DecideError::Stale(_)
                    | DecideError::Expired(_)
                    | DecideError::Own
                    | DecideError::Twice
                    | DecideError::Changed => (ActOutcome::Refused, Refused::Because(error.to_string())),
                };
                let act = Act { outcome, message: Some(error.to_string()), ..act };
                self.trail.conclude(begun, act).await;
                Err(why)
            }
        }
    }

    /// Say on an Approval what became of it.
    async fn answer(&self, object: &Object, result: &str, message: &str) -> Result<(), Fault> {
        let text = |at: &str| object.pointer(at).and_then(|value| value.as_str()).map(str::to_owned);
        let target = Target {
            kind: object::kind(),
            namespace: Some(self.namespace.clone()),
            name: text("/metadata/name").unwrap_or_default(),
            uid: text("/metadata/uid"),
            subresource: Some("status".to_owned()),
        };
        let message: String = message.chars().take(MESSAGE).collect();
        let at = self.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let body = json!({"status": {"result": result, "message": message, "decidedAt": at}});
        let patch = Patch { target, patch_type: PatchType::Merge, body, resource_version: None };
        let effect = Effect::Mutate { mutation: Mutation::Patch(patch), undo: None };
        match self.perform(effect).await {
            Ok(_) => Ok(()),
            Err(Fault::Error(error)) if error.reason == Reason::NOT_FOUND => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    async fn perform(&self, effect: Effect) -> Result<Reply, Fault> {
        let step = Step { run: RunId::new("approvals"), number: 0 };
        let prepared = self.cluster.prepare(&step, &effect).await?;
        self.cluster.perform(&Prepared { manager: MANAGER.to_owned(), ..prepared }).await
    }
}

/// Why an Approval does not count.
enum Refused {
    /// It can't be told now.
    Later(String),
    /// It never will.
    Because(String),
}
