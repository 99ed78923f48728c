//! Changes.

use serde_json::{Value, json};
use suture_core::Mutation;
use suture_core::effect::{Apply, Create, Delete, Patch, PatchType, Propagation, Target};
use suture_core::object::Kind;

use super::pod::put;
use super::{Dice, template_of};

impl Dice<'_> {
    fn target(&mut self) -> Target {
        let (version, kind, _) = self.kind;
        // A Namespace has none, and is called what the others are in.
        let is_namespace = kind == "Namespace";
        let namespace = if self.one_in(12) { "kube-system" } else { self.namespace };
        let subresource = self
            .one_in(10)
            .then(|| self.one(&["status", "scale", "ephemeralcontainers", "resize", "token"]).to_owned());
        Target {
            kind: Kind::new(version, kind),
            namespace: (!is_namespace || self.one_in(8)).then(|| namespace.to_owned()),
            name: match self.rng.u32(..6) {
                0 => "new".to_owned(),
                _ if is_namespace => namespace.to_owned(),
                _ => "x".to_owned(),
            },
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

    fn merge(&mut self) -> Value {
        let template = template_of(self.kind.1);
        let at = template.map_or("/data".to_owned(), |template| format!("{template}/spec"));
        let mut body = json!({});
        for _ in 0..=self.rng.usize(..2) {
            match self.rng.u32(..12) {
                0 => body["kind"] = if self.rng.bool() { json!(null) } else { json!(self.kind.1) },
                1 => put(&mut body, "/metadata/labels/a", json!("c")),
                2 => put(&mut body, "/metadata/annotations/a", json!(null)),
                3 => put(&mut body, "/metadata/namespace", json!("kube-system")),
                4 => put(&mut body, "/metadata/resourceVersion", json!(null)),
                5 => put(&mut body, "/spec/replicas", json!(3)),
                6 => put(&mut body, "/data/state", json!("ok")),
                7 => put(&mut body, "/data/owner", json!("you")),
                8 => {
                    let (name, value) = self.annotation();
                    let template = template.unwrap_or_default();
                    put(&mut body, &format!("{template}/metadata/annotations"), json!({name: value}));
                }
                9 => put(
                    &mut body,
                    "/metadata/labels",
                    json!({"pod-security.kubernetes.io/enforce": "privileged"}),
                ),
                10 if self.kind.1 == "StatefulSet" => {
                    let (field, value) = self.claim_field();
                    put(&mut body, field, value);
                }
                _ => {
                    let mut spec = json!({});
                    self.taint(&mut spec);
                    put(&mut body, &at, spec);
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
            "/metadata/labels/pod-security.kubernetes.io~1enforce",
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
            "/spec/template/metadata/annotations/sidecar.istio.io~1inject",
            "/spec/template/metadata/annotations/k8s.v1.cni.cncf.io~1networks",
            "/spec/persistentVolumeClaimRetentionPolicy/whenDeleted",
            "/spec/ordinals",
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
            json!("Delete"),
            json!({"start": 2}),
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
