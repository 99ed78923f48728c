//! Random changes and grants: each kind of body and patch, odd kinds, odd pointers.

use fastrand::Rng;
use serde_json::{Value, json};
use suture_core::effect::{Apply, Create, Delete, Patch, PatchType, Propagation, Target};
use suture_core::object::Kind;
use suture_core::{Grant, Mutation};
use suture_envtest::ControlPlane;

pub const SECRET_VALUE: &str = "aHVudGVyMjI=";

const KINDS: [(&str, &str, &str); 6] = [
    ("v1", "ConfigMap", "configmaps"),
    ("v1", "Secret", "secrets"),
    ("v1", "Pod", "pods"),
    ("batch/v1", "Job", "jobs"),
    ("batch/v1", "CronJob", "cronjobs"),
    ("apps/v1", "Deployment", "deployments"),
];

/// A pod that satisfies the standard `restricted`.
fn pod() -> Value {
    json!({"automountServiceAccountToken": false, "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "x", "image": "ghcr.io/good/tool:1",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]})
}

/// An object of a kind, without what says what it is.
fn object(kind: &str, mut spec: Value) -> Value {
    let labels = json!({"app": "x"});
    if kind == "Deployment" {
        spec["restartPolicy"] = json!("Always");
    }
    match kind {
        "Pod" => json!({"spec": spec}),
        "Job" => json!({"spec": {"template": {"spec": spec}}}),
        "CronJob" => {
            json!({"spec": {"schedule": "0 0 31 2 *", "jobTemplate": {"spec": {"template": {"spec": spec}}}}})
        }
        "Deployment" => {
            json!({"spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}})
        }
        "Secret" => json!({"data": {"password": SECRET_VALUE}}),
        _ => json!({"data": {"state": "broken", "owner": "me"}}),
    }
}

/// Put one object of each kind there, named `x`, and whom pods run as.
pub async fn objects(plane: &ControlPlane, namespace: &str) -> anyhow::Result<()> {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "admin", "namespace": namespace}});
    plane.apply(&account.to_string()).await?;
    for (version, kind, _) in KINDS {
        let mut there = object(kind, pod());
        there["apiVersion"] = json!(version);
        there["kind"] = json!(kind);
        there["metadata"] =
            json!({"name": "x", "namespace": namespace, "labels": {"a": "b"}, "annotations": {"a": "b"}});
        plane.apply(&there.to_string()).await?;
    }
    Ok(())
}

/// What is drawn.
pub struct Dice<'a> {
    rng: Rng,
    namespace: &'a str,
    kind: (&'static str, &'static str, &'static str),
}

impl<'a> Dice<'a> {
    pub fn new(seed: u64, namespace: &'a str) -> Self {
        let mut rng = Rng::with_seed(seed);
        let kind = KINDS[rng.usize(..KINDS.len())];
        Self { rng, namespace, kind }
    }

    fn one<'b, T: ?Sized>(&mut self, of: &[&'b T]) -> &'b T {
        of[self.rng.usize(..of.len())]
    }

    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(..n) == 0
    }

    /// A grant that allows the kind, and more or less of it.
    pub fn grant(&mut self) -> Grant {
        let (version, _, plural) = self.kind;
        let group = version.split_once('/').map_or("", |(group, _)| group);
        let mut grant = json!({"groups": [group], "resources": [plural], "verbs": ["create", "patch", "delete"],
            "namespaces": [self.namespace], "pods": {"images": ["ghcr.io/good/*"]}});
        if self.one_in(3) {
            grant["verbs"] = json!(["patch"]);
            let fields = [
                json!(["/data/state"]),
                json!(["/metadata/labels"]),
                json!(["/spec/replicas", "/metadata/annotations/a"]),
                json!(["/spec/template/spec/containers/*/image"]),
            ];
            grant["fields"] = fields[self.rng.usize(..fields.len())].clone();
        }
        if self.one_in(4) {
            grant["names"] = json!(["x"]);
        }
        if self.one_in(3) {
            grant["pods"]["level"] = json!("baseline");
        }
        if self.one_in(4) {
            grant["pods"]["serviceAccounts"] = json!(["default"]);
        }
        serde_json::from_value(grant).unwrap_or_else(|error| panic!("{error}"))
    }

    fn target(&mut self) -> Target {
        let (version, kind, _) = self.kind;
        let namespace = if self.one_in(12) { "kube-system" } else { self.namespace };
        let subresource = self
            .one_in(10)
            .then(|| self.one(&["status", "scale", "ephemeralcontainers", "resize", "token"]).to_owned());
        Target {
            kind: Kind::new(version, kind),
            namespace: Some(namespace.to_owned()),
            name: if self.one_in(6) { "new".to_owned() } else { "x".to_owned() },
            uid: None,
            subresource,
        }
    }

    /// A change of the kind.
    pub fn mutation(&mut self) -> Mutation {
        let mut target = self.target();
        match self.rng.u32(..10) {
            0..3 => {
                let mut object = self.body(&target);
                let name = if self.one_in(8) { json!(null) } else { json!(format!("n{}", self.rng.u16(..))) };
                object["metadata"]["name"] = name;
                target.subresource = target.subresource.filter(|_| self.one_in(2));
                Mutation::Create(Create {
                    kind: target.kind,
                    namespace: target.namespace,
                    object,
                    subresource: target.subresource,
                })
            }
            3..6 => Mutation::Patch(Patch {
                body: self.merge(),
                target,
                patch_type: PatchType::Merge,
                resource_version: None,
            }),
            6..8 => {
                let count = 1 + self.rng.usize(..3);
                let body = (0..count).map(|_| self.operation()).collect();
                Mutation::Patch(Patch { target, patch_type: PatchType::Json, body, resource_version: None })
            }
            8 => {
                let mut object = self.body(&target);
                if self.one_in(2) {
                    object = self.merge();
                }
                Mutation::Apply(Apply { target, object, force: self.rng.bool() })
            }
            _ => Mutation::Delete(Delete {
                target,
                propagation: Propagation::Background,
                resource_version: None,
            }),
        }
    }

    /// A whole object, with something wrong with it more often than not.
    fn body(&mut self, target: &Target) -> Value {
        let (_, kind, _) = self.kind;
        let mut spec = pod();
        if self.rng.bool() {
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
        match self.rng.u32(..10) {
            0 => object["metadata"]["namespace"] = json!("kube-system"),
            1 => object["metadata"]["ownerReferences"] = json!([]),
            2 => object["metadata"]["annotations"] = json!({"é\u{202e}": "\u{202e}"}),
            _ => {}
        }
        object
    }

    /// Something that a pod must not, or may, have.
    fn taint(&mut self, spec: &mut Value) {
        let values = taints();
        let (pointer, value) = &values[self.rng.usize(..values.len())];
        put(spec, pointer, value.clone());
    }

    fn merge(&mut self) -> Value {
        let at = match self.kind.1 {
            "Pod" => "/spec",
            "CronJob" => "/spec/jobTemplate/spec/template/spec",
            "Job" | "Deployment" => "/spec/template/spec",
            _ => "/data",
        };
        let mut body = json!({});
        for _ in 0..=self.rng.usize(..2) {
            match self.rng.u32(..9) {
                0 => body["kind"] = if self.rng.bool() { json!(null) } else { json!(self.kind.1) },
                1 => put(&mut body, "/metadata/labels/a", json!("c")),
                2 => put(&mut body, "/metadata/annotations/a", json!(null)),
                3 => put(&mut body, "/metadata/namespace", json!("kube-system")),
                4 => put(&mut body, "/metadata/resourceVersion", json!(null)),
                5 => put(&mut body, "/spec/replicas", json!(3)),
                6 => put(&mut body, "/data/state", json!("ok")),
                7 => put(&mut body, "/data/owner", json!("you")),
                _ => {
                    let mut spec = json!({});
                    self.taint(&mut spec);
                    put(&mut body, at, spec);
                }
            }
        }
        body
    }

    fn operation(&mut self) -> Value {
        let pointers = [
            "",
            "/",
            "/kind",
            "/metadata",
            "/metadata/name",
            "/metadata/labels",
            "/metadata/labels/a",
            "/metadata/annotations/leak",
            "/metadata/annotations/a~1b~0c",
            "/metadata/finalizers",
            "/metadata/managedFields",
            "/data",
            "/data/state",
            "/data/password",
            "/spec",
            "/spec/replicas",
            "/spec/hostPID",
            "/spec/template/spec/hostNetwork",
            "/spec/template/spec/containers/0/image",
            "/spec/template/spec/containers/-",
            "/spec/template/spec/containers/-1",
            "/spec/template/spec/containers/00/image",
            "/spec/template/spec/volumes",
            "/spec/template/spec/serviceAccount",
            "/spec/jobTemplate/spec/template/spec/hostIPC",
            "/spec/suspend",
            "/spec/\u{202e}",
        ];
        let op = self.one(&["add", "replace", "remove", "copy", "move", "test", "ADD"]).to_owned();
        let (path, from) = (self.one(&pointers).to_owned(), self.one(&pointers).to_owned());
        let values = [
            json!(true),
            json!("x"),
            json!(null),
            json!({}),
            json!([]),
            json!(3),
            json!("evil.example/root"),
            json!([{"name": "h", "hostPath": {"path": "/"}}]),
            json!({"name": "e", "image": "evil", "securityContext": {"privileged": true}}),
        ];
        json!({"op": op, "path": path, "from": from, "value": values[self.rng.usize(..values.len())]})
    }
}

fn put(object: &mut Value, pointer: &str, value: Value) {
    let mut place = object;
    for token in pointer.split('/').skip(1) {
        place = match token.parse::<usize>() {
            Ok(index) if place.get(index).is_some() => &mut place[index],
            _ => {
                if !place.is_object() {
                    *place = json!({});
                }
                &mut place[token]
            }
        };
    }
    *place = value;
}

/// Fields of a pod's `spec`, and what they could be.
fn taints() -> Vec<(&'static str, Value)> {
    vec![
        ("/hostPID", json!(true)),
        ("/hostNetwork", json!(true)),
        ("/hostIPC", json!(true)),
        ("/hostUsers", json!(true)),
        ("/nodeName", json!("control-plane")),
        ("/serviceAccountName", json!("admin")),
        ("/serviceAccount", json!("admin")),
        ("/automountServiceAccountToken", json!(true)),
        ("/priorityClassName", json!("system-node-critical")),
        ("/tolerations", json!([{"operator": "Exists"}])),
        ("/nodeSelector", json!({"kubernetes.io/hostname": "a"})),
        ("/shareProcessNamespace", json!(true)),
        ("/activeDeadlineSeconds", json!(60)),
        ("/terminationGracePeriodSeconds", json!(5)),
        ("/volumes", json!([{"name": "h", "hostPath": {"path": "/"}}])),
        ("/volumes", json!([{"name": "h", "nfs": {"server": "10.0.0.1", "path": "/"}}])),
        ("/volumes", json!([{"name": "h", "csi": {"driver": "x"}}])),
        ("/volumes", json!([{"name": "h", "image": {"reference": "x"}}])),
        ("/volumes", json!([{"name": "h", "secret": {"secretName": "x"}}])),
        ("/volumes", json!([{"name": "h", "emptyDir": {}}])),
        ("/volumes", json!([{"name": "h"}])),
        (
            "/volumes",
            json!([{"name": "h", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]),
        ),
        ("/securityContext", json!({"runAsUser": 0})),
        ("/securityContext", json!({"seLinuxOptions": {"type": "spc_t"}})),
        ("/securityContext", json!({"sysctls": [{"name": "kernel.msgmax", "value": "1"}]})),
        ("/securityContext", json!({"runAsNonRoot": true, "seccompProfile": {"type": "Unconfined"}})),
        ("/securityContext/fsGroup", json!(1000)),
        ("/containers/0/image", json!("evil.example/root")),
        ("/containers/0/securityContext/privileged", json!(true)),
        ("/containers/0/securityContext/allowPrivilegeEscalation", json!(true)),
        ("/containers/0/securityContext/capabilities", json!({"drop": ["ALL"], "add": ["SYS_ADMIN"]})),
        ("/containers/0/securityContext/capabilities", json!({"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]})),
        ("/containers/0/securityContext/procMount", json!("Unmasked")),
        ("/containers/0/ports", json!([{"containerPort": 80, "hostPort": 80}])),
        ("/containers/0/env", json!([{"name": "A", "value": "b"}])),
        ("/containers/0/envFrom", json!([{"secretRef": {"name": "x"}}])),
        ("/containers/0/command", json!(["sh"])),
        ("/containers/0/livenessProbe", json!({"httpGet": {"host": "169.254.169.254", "port": 80}})),
        ("/initContainers", json!([{"name": "i", "image": "evil.example/root"}])),
        ("/ephemeralContainers", json!([{"name": "e", "image": "evil.example/root"}])),
    ]
}
