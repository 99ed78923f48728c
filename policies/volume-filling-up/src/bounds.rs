//! How far a claim may grow: the operator's maximum and budget, the claim's own maximum, and what the
//! namespace's LimitRanges and ResourceQuotas leave.

use std::collections::BTreeMap;

use serde::Deserialize;
use suture_policy::kube::{self, Metadata, Resource};
use suture_policy::stop::{Stop, escalate};
use suture_policy::{Result, Value, clock, info};

use crate::claim::{Name, PersistentVolumeClaim};
use crate::evidence::Evidence;
use crate::growth::Growth;
use crate::manifest::Settings;
use crate::mark::{self, Mark};
use crate::quantity::Quantity;
use crate::tell;

/// So many at a time.
const PAGE: u32 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResourceQuota {
    metadata: Metadata,
    spec: QuotaSpec,
    status: QuotaStatus,
}

suture_policy::resource!("v1", ResourceQuota);

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct QuotaSpec {
    scopes: Vec<Value>,
    scope_selector: Option<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct QuotaStatus {
    hard: BTreeMap<String, Value>,
    used: BTreeMap<String, Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LimitRange {
    metadata: Metadata,
    spec: LimitRangeSpec,
}

suture_policy::resource!("v1", LimitRange);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LimitRangeSpec {
    limits: Vec<Limit>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Limit {
    #[serde(rename = "type")]
    of: String,
    max: BTreeMap<String, Value>,
}

/// What bounds a growth.
pub struct Bounds {
    /// The largest that it may become.
    pub largest: Quantity,
    /// Who says so.
    pub said_by: String,
    quotas: Vec<Quota>,
    spent: Quantity,
    budget: Quantity,
}

/// What a ResourceQuota leaves of something.
struct Quota {
    name: String,
    of: String,
    left: Quantity,
}

/// Look at all of them. Those of Kubernetes that are not granted are left to the API server, which holds
/// everybody to them.
pub fn of(claim: &PersistentVolumeClaim, settings: &Settings) -> Result<Bounds, Stop> {
    let name = claim.name();
    let mut largest = (settings.maximum, "the setting `maximum`".to_owned());
    if let Some(own) = claim.metadata.annotations.get(mark::MAXIMUM) {
        let Some(own) = Quantity::parse(own) else {
            return escalate(format!(
                "the annotation `{}` of claim {name} is not a size; it was not grown",
                mark::MAXIMUM
            ));
        };
        largest = smaller(largest, (own, format!("its annotation `{}`", mark::MAXIMUM)));
    }
    for range in readable::<LimitRange>(&name)? {
        let limits = range.spec.limits.iter().filter(|limit| limit.of == "PersistentVolumeClaim");
        for max in limits.filter_map(|limit| amount(&limit.max, "storage")) {
            largest = smaller(largest, (max, format!("the LimitRange {}", range.metadata.name)));
        }
    }
    let class = format!("{}.storageclass.storage.k8s.io/requests.storage", claim.spec.storage_class_name);
    let mut quotas = Vec::new();
    for quota in readable::<ResourceQuota>(&name)? {
        // What a scope selects is the API server's to judge.
        if !quota.spec.scopes.is_empty() || quota.spec.scope_selector.is_some() {
            continue;
        }
        for of in ["requests.storage", class.as_str()] {
            if let Some(hard) = amount(&quota.status.hard, of) {
                let left = hard.minus(amount(&quota.status.used, of).unwrap_or_default());
                quotas.push(Quota { name: quota.metadata.name.clone(), of: of.to_owned(), left });
            }
        }
    }
    let spent = spent(&name)?;
    Ok(Bounds { largest: largest.0, said_by: largest.1, quotas, spent, budget: settings.budget })
}

impl Bounds {
    /// That quotas and budget leave room for it.
    pub fn must_allow(&self, growth: &Growth, evidence: &Evidence) -> Result<(), Stop> {
        let (by, name) = (growth.by(), growth.name());
        if let Some(Quota { name: quota, of, left }) = self.quotas.iter().find(|quota| quota.left < by) {
            return tell(
                &format!(
                    "the ResourceQuota {quota} leaves {left} of `{of}` in namespace {}, and claim {name} would grow by {by}; it was not grown",
                    name.namespace
                ),
                evidence,
            );
        }
        if self.spent.plus(by) > self.budget {
            return tell(
                &format!(
                    "claims of namespace {} were grown by {} in the last 24 hours, and {by} more for claim {name} would exceed \
                     the budget of {} (`budget`); it was not grown",
                    name.namespace, self.spent, self.budget
                ),
                evidence,
            );
        }
        Ok(())
    }
}

/// By how much this policy has grown claims of the namespace in the last day.
fn spent(name: &Name) -> Result<Quantity, Stop> {
    let grown = kube::list::<PersistentVolumeClaim>()
        .in_namespace(&name.namespace)
        .with_label(mark::GROWN, "true")
        .pages_of(PAGE)
        .read()?;
    let now = clock::now();
    let mut spent = Quantity::default();
    for claim in grown {
        match Mark::of(&claim.metadata) {
            Ok(Some(mark)) if mark.is_recent(now) => spent = spent.plus(mark.to.minus(mark.from)),
            Ok(_) => {}
            Err(why) => {
                return escalate(format!(
                    "how much was grown in namespace {} today is not known ({why} on claim {}); claim {name} was not grown",
                    name.namespace,
                    claim.name()
                ));
            }
        }
    }
    Ok(spent)
}

/// All of a kind in the namespace; none where the operator does not grant them. (Where the API server refuses, that
/// may pass: nothing is concluded from it.)
fn readable<T: Resource>(name: &Name) -> Result<Vec<T>> {
    match kube::list::<T>().in_namespace(&name.namespace).pages_of(PAGE).read() {
        Err(error) if error.is_denied() => {
            info!("{}s are not granted ({error}); the API server holds the growth to them", T::KIND);
            Ok(Vec::new())
        }
        read => read,
    }
}

fn amount(of: &BTreeMap<String, Value>, name: &str) -> Option<Quantity> {
    serde_json::from_value(of.get(name)?.clone()).ok()
}

fn smaller(one: (Quantity, String), other: (Quantity, String)) -> (Quantity, String) {
    if other.0 < one.0 { other } else { one }
}
