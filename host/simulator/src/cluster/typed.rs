//! Kubernetes' own kinds, as their Go types would read them.
//!
//! The types of `k8s-openapi` are made from Kubernetes' OpenAPI document. What they can't
//! read has a wrong type; what they read and don't write again is a field that no schema
//! knows. What a field's value may be (an enum, a range, what is immutable) they don't
//! say, and nor does this.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use k8s_openapi::api::{
    admissionregistration::v1 as admission, apps::v1 as apps, autoscaling::v2 as autoscaling,
    batch::v1 as batch, coordination::v1 as coordination, core::v1 as core, discovery::v1 as discovery,
    events::v1 as events, networking::v1 as networking, policy::v1 as policy, rbac::v1 as rbac,
    scheduling::v1 as scheduling, storage::v1 as storage,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use suture_core::names::shortened;
use suture_core::object::Kind;

/// What is wrong with the shape of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misshapen {
    /// It has a field that no schema knows.
    Unknown(String),
    /// A value has the wrong type.
    Type(String),
}

impl Misshapen {
    /// What people read.
    pub fn message(self) -> String {
        match self {
            Self::Unknown(path) => format!("unknown field `{path}`"),
            Self::Type(message) => message,
        }
    }
}

type Check = fn(&Value) -> Result<(), Misshapen>;

/// Kinds and their types.
macro_rules! kinds {
    ($($version:literal: $module:ident { $($kind:ident),+ $(,)? })+) => {
        fn find(kind: &Kind) -> Option<Check> {
            match (kind.api_version.as_str(), kind.kind.as_str()) {
                $($(($version, stringify!($kind)) => Some(check::<$module::$kind>),)+)+
                _ => None,
            }
        }
    };
}

kinds! {
    "v1": core {
        ConfigMap, Endpoints, Event, LimitRange, Namespace, Node, PersistentVolume, PersistentVolumeClaim, Pod,
        ReplicationController, ResourceQuota, Secret, Service, ServiceAccount,
    }
    "admissionregistration.k8s.io/v1": admission {
        MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
    }
    "apps/v1": apps { ControllerRevision, DaemonSet, Deployment, ReplicaSet, StatefulSet }
    "autoscaling/v2": autoscaling { HorizontalPodAutoscaler }
    "batch/v1": batch { CronJob, Job }
    "coordination.k8s.io/v1": coordination { Lease }
    "discovery.k8s.io/v1": discovery { EndpointSlice }
    "events.k8s.io/v1": events { Event }
    "networking.k8s.io/v1": networking { Ingress, IngressClass, NetworkPolicy }
    "policy/v1": policy { PodDisruptionBudget }
    "rbac.authorization.k8s.io/v1": rbac { ClusterRole, ClusterRoleBinding, Role, RoleBinding }
    "scheduling.k8s.io/v1": scheduling { PriorityClass }
    "storage.k8s.io/v1": storage { CSIDriver, CSINode, StorageClass, VolumeAttachment }
}

/// Whether a kind is one of Kubernetes' own, with a type.
pub fn is_known(kind: &Kind) -> bool {
    find(kind).is_some()
}

/// Whether an object of one of Kubernetes' own kinds has the shape of its type; of other
/// kinds, whether its metadata has.
pub fn check_object(kind: &Kind, object: &Value) -> Result<(), Misshapen> {
    let (check, shaped): (Check, &Value) = match (find(kind), object.get("metadata")) {
        (Some(check), _) => (check, object),
        (None, Some(metadata)) => (check_metadata, metadata),
        (None, None) => return Ok(()),
    };
    let is_known = |fitting: &Fitting| fitting.get(kind).is_some_and(|known| known.contains(shaped));
    if FITTING.with_borrow(is_known) {
        return Ok(());
    }
    check(shaped)?;
    FITTING.with_borrow_mut(|fitting| {
        if fitting.values().map(HashSet::len).sum::<usize>() >= MOST_FITTING {
            fitting.clear();
        }
        fitting.entry(kind.clone()).or_default().insert(shaped.clone());
    });
    Ok(())
}

/// What was found to fit, by the kind. Going through a type takes longer than all else that a patch
/// is, and whoever plays a scenario again and again makes the same objects.
type Fitting = HashMap<Kind, HashSet<Value>>;

/// How much of it is kept.
const MOST_FITTING: usize = 512;

thread_local! {
    static FITTING: RefCell<Fitting> = RefCell::default();
}

fn check_metadata(metadata: &Value) -> Result<(), Misshapen> {
    check::<ObjectMeta>(metadata).map_err(|error| match error {
        Misshapen::Unknown(path) => Misshapen::Unknown(format!("metadata.{path}")),
        other @ Misshapen::Type(_) => other,
    })
}

fn check<T: DeserializeOwned + Serialize>(value: &Value) -> Result<(), Misshapen> {
    let given = as_go_reads_it(value.clone());
    let wrong = |error: serde_json::Error| Misshapen::Type(shortened(&error.to_string()));
    let typed: T = T::deserialize(&given).map_err(wrong)?;
    let known = serde_json::to_value(typed).map_err(wrong)?;
    match lost(&given, &known) {
        None => Ok(()),
        Some(path) => Err(Misshapen::Unknown(path)),
    }
}

/// Where quantities stand, which Go also reads from numbers.
const QUANTITIES: [&str; 9] = [
    "allocatable",
    "allocated",
    "capacity",
    "default",
    "defaultRequest",
    "hard",
    "limits",
    "requests",
    "used",
];

/// Go ignores nulls, and reads quantities from numbers.
fn as_go_reads_it(mut value: Value) -> Value {
    match &mut value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            for (name, field) in fields {
                *field = as_go_reads_it(field.take());
                if QUANTITIES.contains(&name.as_str())
                    && let Some(quantities) = field.as_object_mut()
                {
                    for quantity in quantities.values_mut().filter(|quantity| quantity.is_number()) {
                        *quantity = quantity.to_string().into();
                    }
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| *item = as_go_reads_it(item.take())),
        _ => {}
    }
    value
}

/// The first field that was given and is not known.
fn lost(given: &Value, known: &Value) -> Option<String> {
    match (given, known) {
        (Value::Object(given), Value::Object(known)) => given.iter().find_map(|(name, value)| {
            let shown = shortened(name);
            match known.get(name) {
                None => Some(shown),
                Some(known) => lost(value, known).map(|path| format!("{shown}.{path}")),
            }
        }),
        (Value::Array(given), Value::Array(known)) => {
            given.iter().zip(known).enumerate().find_map(|(index, (given, known))| {
                lost(given, known).map(|path| format!("[{index}].{path}"))
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(api_version: &str, kind: &str, rest: Value) -> Result<(), Misshapen> {
        let mut object = json!({"apiVersion": api_version, "kind": kind});
        object.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        check_object(&Kind::new(api_version, kind), &object)
    }

    #[test]
    fn a_field_that_no_type_knows_is_named_with_its_path() {
        let job = |pod: Value| json!({"spec": {"template": {"spec": {"containers": [pod]}}}});
        let wrong = checked("batch/v1", "Job", job(json!({"name": "a", "imagee": "x"})));
        assert_eq!(wrong, Err(Misshapen::Unknown("spec.template.spec.containers.[0].imagee".into())));
        let limits = json!({"name": "a", "resources": {"limits": {"cpu": 1, "memory": "1Gi"}}, "args": []});
        assert_eq!(checked("batch/v1", "Job", job(limits)), Ok(()));
        assert_eq!(checked("v1", "ConfigMap", json!({"data": {"a": "b"}, "binaryData": null})), Ok(()));
    }

    #[test]
    fn a_wrong_type_is_told_from_an_unknown_field() {
        let wrong = checked("v1", "ConfigMap", json!({"data": {"a": 1}}));
        assert!(matches!(wrong, Err(Misshapen::Type(_))), "{wrong:?}");
        let wrong = checked("zoo.io/v1", "Cat", json!({"metadata": {"labels": {"a": 1}}, "spec": 7}));
        assert!(matches!(wrong, Err(Misshapen::Type(_))), "{wrong:?}");
        let wrong = checked("zoo.io/v1", "Cat", json!({"metadata": {"nmae": "x"}}));
        assert_eq!(wrong, Err(Misshapen::Unknown("metadata.nmae".into())));
        assert_eq!(checked("zoo.io/v1", "Cat", json!({"spec": {"anything": [1, "a"]}})), Ok(()));
    }
}
