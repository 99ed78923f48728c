//! How full a volume is, and how fast it fills, as its kubelet measures it.

use suture_policy::prometheus::{self, Sample};
use suture_policy::stop::{Stop, escalate, unnecessary};
use suture_policy::{Incident, Labels, Result, info};

use crate::claim::{Name, PersistentVolumeClaim};
use crate::manifest::Settings;
use crate::quantity::Quantity;

/// Labels that tell clusters apart, where one Prometheus knows several.
const CLUSTER: &str = "cluster";

/// What was measured.
#[derive(Clone, Debug)]
pub struct Usage {
    pub name: Name,
    pub free: Quantity,
    /// The file system's size: a little less than the volume's.
    pub size: Quantity,
    /// How many bytes are added in an hour, by the last six hours. None where that is not known.
    pub per_hour: Option<f64>,
}

impl Usage {
    /// Measure it. A volume of which nothing is known is not grown.
    pub fn of(incident: &Incident, name: &Name) -> Result<Self, Stop> {
        let selector = selector(name);
        let query = |metric: &str| -> Result<Vec<Sample>> {
            let mut samples = prometheus::query(&format!("kubelet_volume_stats_{metric}{selector}"))?;
            samples.retain(|sample| is_of_the_same_cluster(sample, incident));
            Ok(samples)
        };
        let (free, sizes) = (query("available_bytes")?, query("capacity_bytes")?);
        // A volume that several nodes have mounted is measured by each of them.
        let pairs = free.iter().filter_map(|free| {
            let size = sizes.iter().find(|size| same_series(&size.labels, &free.labels))?;
            Some((amount(free.value)?, amount(size.value).filter(|size| size.as_bytes() > 0)?))
        });
        let Some((free, size)) = pairs.min_by_key(|(free, size)| per_mille(*free, *size)) else {
            return escalate(format!(
                "Prometheus has no measurement of claim {name} (`kubelet_volume_stats_available_bytes{selector}`), though \
                 the alert fires; it was not grown unseen"
            ));
        };
        Ok(Self { name: name.clone(), free, size, per_hour: per_hour(&selector, incident) })
    }

    /// How many percent are free.
    pub fn percent_free(&self) -> u64 {
        per_mille(self.free, self.size) / 10
    }

    /// That there is little room left.
    pub fn must_need_room(&self, settings: &Settings) -> Result<(), Stop> {
        if per_mille(self.free, self.size) < u64::from(settings.grow_below) * 10 {
            return Ok(());
        }
        unnecessary(format!(
            "{} of {} ({}%) of claim {} are free, and `growBelow` is {}%: there is room",
            self.free,
            self.size,
            self.percent_free(),
            self.name,
            settings.grow_below
        ))
    }

    /// That what was measured is the claim's own volume, as large as it: a folder on a disk that it shares
    /// with others is measured as that disk, and a file system that has not grown with its volume does not
    /// grow by a larger one.
    pub fn must_be_of_the_volume_alone(&self, claim: &PersistentVolumeClaim) -> Result<(), Stop> {
        let (name, size) = (&self.name, claim.size()?);
        if self.size > size.plus(size.percent(30)) {
            return escalate(format!(
                "claim {name} is of {size}, but what is filling up is a file system of {}, of which {} are free: it is \
                 shared with others (a folder on a node's disk or an NFS server), and growing the claim would give it no \
                 room. Make room there: `kubectl get pv -o wide` says where the volume is",
                self.size, self.free
            ));
        }
        if self.size < size.percent(90) {
            return escalate(format!(
                "the volume of claim {name} is of {size}, but its file system was measured as only {}: it has not grown \
                 with its volume (or only after it was measured), and a larger one would not help. If that stays so, restart \
                 the pod that mounts it, so that the node grows it: `kubectl -n {} describe pvc {}` names it",
                self.size, name.namespace, name.name
            ));
        }
        Ok(())
    }
}

/// The labels of a claim, as PromQL selects them. Both are valid names: there is nothing to escape.
pub fn selector(name: &Name) -> String {
    format!("{{namespace=\"{}\",persistentvolumeclaim=\"{}\"}}", name.namespace, name.name)
}

pub fn is_of_the_same_cluster(sample: &Sample, incident: &Incident) -> bool {
    match (sample.labels.get(CLUSTER), incident.label(CLUSTER)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

fn same_series(one: &Labels, other: &Labels) -> bool {
    let without_name = |labels: &Labels| -> Labels {
        labels.iter().filter(|(name, _)| *name != "__name__").map(|(k, v)| (k.clone(), v.clone())).collect()
    };
    without_name(one) == without_name(other)
}

/// How fast it fills: good to know, and in nobody's way where it is not known.
fn per_hour(selector: &str, incident: &Incident) -> Option<f64> {
    let samples = match prometheus::query(&format!("deriv(kubelet_volume_stats_used_bytes{selector}[6h])")) {
        Ok(samples) => samples,
        Err(error) => {
            info!("how fast it fills is not known: {error}");
            return None;
        }
    };
    let of_ours = samples.iter().filter(|sample| is_of_the_same_cluster(sample, incident));
    of_ours.map(|sample| sample.value * 3_600.0).filter(|rate| rate.is_finite()).max_by(f64::total_cmp)
}

fn amount(value: f64) -> Option<Quantity> {
    (0.0..9e18).contains(&value).then_some(Quantity::bytes(value as u64))
}

fn per_mille(part: Quantity, whole: Quantity) -> u64 {
    let per_mille = u128::from(part.as_bytes()) * 1_000 / u128::from(whole.as_bytes().max(1));
    u64::try_from(per_mille).unwrap_or(u64::MAX)
}
