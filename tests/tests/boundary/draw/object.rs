//! Objects: those that are there, and bodies of those that are made.

use serde_json::{Value, json};
use suture_core::effect::Target;
use suture_envtest::ControlPlane;

use super::pod::{COPIED, copied, pod, put};
use super::{Dice, KINDS};

pub const SECRET_VALUE: &str = "aHVudGVyMjI=";

/// Where a kind keeps its pod.
pub fn template_of(kind: &str) -> Option<&'static str> {
    match kind {
        "Pod" => Some(""),
        "Job" | "Deployment" | "StatefulSet" => Some("/spec/template"),
        "CronJob" => Some("/spec/jobTemplate/spec/template"),
        _ => None,
    }
}

/// An object of a kind, without what says what it is.
pub(super) fn object(kind: &str, mut spec: Value) -> Value {
    let labels = json!({"app": "x"});
    if matches!(kind, "Deployment" | "StatefulSet") {
        spec["restartPolicy"] = json!("Always");
    }
    let template = json!({"metadata": {"labels": labels}, "spec": spec});
    match kind {
        "Pod" => json!({"spec": spec}),
        "Job" => json!({"spec": {"template": {"spec": spec}}}),
        "CronJob" => {
            json!({"spec": {"schedule": "0 0 31 2 *", "jobTemplate": {"spec": {"template": {"spec": spec}}}}})
        }
        "Deployment" => json!({"spec": {"selector": {"matchLabels": labels}, "template": template}}),
        "StatefulSet" => json!({"spec": {"selector": {"matchLabels": labels}, "serviceName": "x",
            "template": template, "volumeClaimTemplates": [claim_template("data")]}}),
        "Secret" => json!({"data": {"password": SECRET_VALUE}}),
        "Namespace" => json!({}),
        _ => json!({"data": {"state": "broken", "owner": "me"}}),
    }
}

fn claim_template(name: &str) -> Value {
    json!({"metadata": {"name": name},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}})
}

/// Put one object of each kind there, named `x`, whom pods run as, and a CronJob whose template
/// no rule of pods allows.
pub async fn objects(plane: &ControlPlane, namespace: &str) -> anyhow::Result<()> {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "admin", "namespace": namespace}});
    plane.apply(&account.to_string()).await?;
    let put = async |version: &str, kind: &str, name: &str, spec: Value| {
        let mut there = object(kind, spec);
        there["apiVersion"] = json!(version);
        there["kind"] = json!(kind);
        there["metadata"] =
            json!({"name": name, "namespace": namespace, "labels": {"a": "b"}, "annotations": {"a": "b"}});
        plane.apply(&there.to_string()).await
    };
    for (version, kind, _) in KINDS.into_iter().filter(|(_, kind, _)| *kind != "Namespace") {
        put(version, kind, "x", pod()).await?;
    }
    put("batch/v1", "CronJob", COPIED, copied()).await
}

impl Dice<'_> {
    /// A whole object, with something wrong with it more often than not.
    pub(super) fn body(&mut self, target: &Target) -> Value {
        let (_, kind, _) = self.kind;
        let mut spec = pod();
        if matches!(kind, "Job" | "CronJob" | "Deployment") && self.one_in(3) {
            spec = self.copy();
        } else if self.rng.bool() {
            self.taint(&mut spec);
        }
        let mut object = object(kind, spec);
        if kind == "Secret" && self.rng.bool() {
            object = json!({});
        }
        object["metadata"] = json!({});
        for (field, value) in [("apiVersion", &target.kind.api_version), ("kind", &target.kind.kind)] {
            match self.rng.u32(..12) {
                0..4 => {}
                4 => object[field] = json!(null),
                5 => object[field] = json!(""),
                6 => object[field] = json!("ConfigMap"),
                _ => object[field] = json!(value),
            }
        }
        if let Some(template) = template_of(kind).filter(|_| self.one_in(4)) {
            let (name, value) = self.annotation();
            put(&mut object, &format!("{template}/metadata/annotations"), json!({name: value}));
        }
        match kind {
            "Job" if self.one_in(8) => {
                put(&mut object, "/spec/manualSelector", json!(self.rng.bool()));
                put(&mut object, "/spec/selector/matchLabels/app", json!("x"));
                put(&mut object, "/spec/template/metadata/labels/app", json!("x"));
            }
            "StatefulSet" => self.claims(&mut object),
            _ => {}
        }
        match self.rng.u32(..10) {
            0 => object["metadata"]["namespace"] = json!("kube-system"),
            1 => object["metadata"]["ownerReferences"] = json!([]),
            2 => object["metadata"]["annotations"] = json!({"é\u{202e}": "\u{202e}"}),
            3 => object["metadata"]["labels"] = json!({"pod-security.kubernetes.io/enforce": "privileged"}),
            4 => object["metadata"]["labels"] = json!({"suture.dev/managed": "true"}),
            _ => {}
        }
        object
    }

    /// Which claims a StatefulSet takes for its pods.
    fn claims(&mut self, object: &mut Value) {
        match self.rng.u32(..6) {
            0 => put(object, "/spec/volumeClaimTemplates", json!([])),
            1 => put(object, "/spec/volumeClaimTemplates", json!([claim_template("other")])),
            2 => {
                put(
                    object,
                    "/spec/volumeClaimTemplates",
                    json!([claim_template("data"), claim_template("more")]),
                );
            }
            _ => {}
        }
        if self.one_in(4) {
            let (field, value) = self.claim_field();
            put(object, field, value);
        }
    }

    /// A field of a StatefulSet that says something of its claims, or seems to.
    pub(super) fn claim_field(&mut self) -> (&'static str, Value) {
        match self.rng.u32(..5) {
            0 => ("/spec/persistentVolumeClaimRetentionPolicy", json!({"whenDeleted": "Delete"})),
            1 => (
                "/spec/persistentVolumeClaimRetentionPolicy",
                json!({"whenDeleted": "Retain", "whenScaled": "Delete"}),
            ),
            2 => ("/spec/persistentVolumeClaimRetentionPolicy", json!({"whenScaled": "Retain"})),
            3 => ("/spec/ordinals/start", json!(self.rng.u32(..3))),
            _ => ("/spec/replicas", json!(self.rng.u32(..3))),
        }
    }

    /// An annotation of a pod.
    pub(super) fn annotation(&mut self) -> (&'static str, &'static str) {
        *self.one(&[
            &("sidecar.istio.io/inject", "false"),
            &("sidecar.istio.io/proxyImage", "evil.example/root"),
            &("k8s.v1.cni.cncf.io/networks", "host"),
            &("io.kubernetes.cri-o.Devices", "/dev/sda"),
            &("container.apparmor.security.beta.kubernetes.io/x", "unconfined"),
            &("container.apparmor.security.beta.kubernetes.io/x", "runtime/default"),
            &("kubectl.kubernetes.io/restartedAt", "2026-11-22T04:10:00Z"),
            &("kubectl.kubernetes.io/default-container", "x"),
            &("kubectl.kubernetes.io/last-applied-configuration", "{}"),
            &("checksum/config", "x"),
            &("suture.dev/x", "y"),
            &("evil-suture.dev/x", "y"),
            &("team", "storage"),
        ])
    }
}
