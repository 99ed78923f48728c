//! What fills a volume: the pods that mount it, how fast they do, and where to look.

use std::fmt;

use serde::Deserialize;
use suture_policy::kube::{Metadata, Ref};
use suture_policy::{Duration, info, prometheus};

use crate::claim::Name;
use crate::quantity::Quantity;
use crate::usage::{Usage, selector};

/// So many pods are looked at.
const MOST_PODS: usize = 3;

/// What is told to a person.
pub struct Evidence {
    usage: Usage,
    pods: Vec<Mount>,
    /// How many more there are.
    others: usize,
}

/// A pod that mounts the volume.
struct Mount {
    pod: String,
    /// `StatefulSet db`; empty where that is not known.
    owner: String,
    /// The container, and where it is mounted there.
    place: Option<(String, String)>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pod {
    metadata: Metadata,
    spec: PodSpec,
}

suture_policy::resource!("v1", Pod);

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodSpec {
    volumes: Vec<Volume>,
    containers: Vec<Container>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Volume {
    name: String,
    persistent_volume_claim: Option<ClaimSource>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ClaimSource {
    claim_name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    name: String,
    volume_mounts: Vec<VolumeMount>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct VolumeMount {
    name: String,
    mount_path: String,
}

impl Evidence {
    /// Ask Prometheus which pods mount it, for a list of all pods can be long. What can't be read is
    /// left out: it is in no growth's way.
    pub fn of(name: &Name, usage: &Usage) -> Self {
        let query = format!("kube_pod_spec_volumes_persistentvolumeclaims_info{}", selector(name));
        let mut names: Vec<String> = match prometheus::query(&query) {
            Ok(samples) => samples
                .into_iter()
                .filter_map(|sample| sample.labels.get("pod").cloned())
                .filter(|text| is_plain(text))
                .collect(),
            Err(error) => {
                info!("which pods mount it is not known: {error}");
                Vec::new()
            }
        };
        names.sort();
        names.dedup();
        let others = names.len().saturating_sub(MOST_PODS);
        let pods = names.into_iter().take(MOST_PODS).map(|pod| Mount::of(name, pod)).collect();
        Self { usage: usage.clone(), pods, others }
    }

    /// The StatefulSet whose template the claim was made from, if one of its pods mounts it.
    pub fn stateful_set(&self) -> Option<&str> {
        self.pods.iter().find_map(|pod| pod.owner.strip_prefix("StatefulSet "))
    }

    /// For how long so much room lasts at the present rate; None where it does not fill.
    pub fn lasts(&self, room: Quantity) -> Option<Duration> {
        let per_hour = self.usage.per_hour.filter(|rate| *rate >= 1.0)?;
        let minutes = (room.as_bytes() as f64 / per_hour * 60.0).clamp(1.0, 1e9) as u64;
        // After a day the minutes say nothing.
        Some(if minutes < 24 * 60 { Duration::minutes(minutes) } else { Duration::hours(minutes / 60) })
    }
}

impl Mount {
    fn of(claim: &Name, pod: String) -> Self {
        let unknown = |pod: String| Self { pod, owner: String::new(), place: None };
        let found = match Ref::<Pod>::new(&claim.namespace, &pod).find() {
            Ok(Some(found)) => found,
            Ok(None) => return unknown(pod),
            Err(error) => {
                info!("pod {pod} can't be read: {error}");
                return unknown(pod);
            }
        };
        let owner = found.metadata.owner_references.first();
        let owner = owner.map(|owner| format!("{} {}", owner.kind, owner.name)).unwrap_or_default();
        let is_ours = |volume: &&Volume| {
            volume.persistent_volume_claim.as_ref().is_some_and(|source| source.claim_name == claim.name)
        };
        let volume = found.spec.volumes.iter().find(is_ours).map(|volume| &volume.name);
        let place = found.spec.containers.iter().find_map(|container| {
            let mount = container.volume_mounts.iter().find(|mount| Some(&mount.name) == volume)?;
            Some((container.name.clone(), mount.mount_path.clone()))
        });
        // They become part of a command that a person types.
        let place = place.filter(|(container, path)| is_plain(container) && is_plain(path));
        Self { pod, owner, place }
    }
}

/// Whether a shell takes a text for one word and nothing else.
fn is_plain(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    !text.is_empty() && text.len() <= 253 && text.bytes().all(fits)
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { usage, pods, others } = self;
        write!(f, "{} of {} ({}%) are free", usage.free, usage.size, usage.percent_free())?;
        match (usage.per_hour, self.lasts(usage.free)) {
            (Some(rate), Some(lasts)) => {
                write!(f, "; it fills by {} an hour: full in {lasts}", Quantity::bytes(rate as u64))?;
            }
            (Some(_), None) => f.write_str("; it has not filled further in the last six hours")?,
            (None, _) => f.write_str("; how fast it fills is not known")?,
        }
        if pods.is_empty() {
            return write!(
                f,
                "; which pod mounts it is not known: `kubectl -n {} describe pvc {}`",
                usage.name.namespace, usage.name.name
            );
        }
        f.write_str("; mounted by ")?;
        for (index, pod) in pods.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            match pod.owner.as_str() {
                "" => write!(f, "{comma}pod {}", pod.pod)?,
                owner => write!(f, "{comma}pod {} of {owner}", pod.pod)?,
            }
        }
        if *others > 0 {
            write!(f, " and {others} more")?;
        }
        let Some((pod, (container, path))) =
            pods.iter().find_map(|pod| Some((&pod.pod, pod.place.as_ref()?)))
        else {
            return Ok(());
        };
        write!(
            f,
            ". What is large there: `kubectl -n {} exec {pod} -c {container} -- du -xk {path} | sort -n | tail`",
            usage.name.namespace
        )
    }
}
