//! Pods: one that may be, what could be wrong with it, and copies of a CronJob's.

use serde_json::{Value, json};

use super::Dice;

/// The CronJob whose template may be copied.
pub const COPIED: &str = "heal";

/// A pod that satisfies the standard `restricted`.
pub(super) fn pod() -> Value {
    json!({"automountServiceAccountToken": false, "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [{"name": "x", "image": "ghcr.io/good/tool:1",
            "securityContext": {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}}]})
}

/// The pod of the CronJob that may be copied: no rule but that one lets it pass.
pub(super) fn copied() -> Value {
    json!({"hostPID": true, "restartPolicy": "Never", "containers": [{"name": "heal", "image": "elsewhere.example/heal:1",
        "env": [{"name": "A", "value": "1"},
            {"name": "S", "valueFrom": {"secretKeyRef": {"name": "x", "key": "password"}}}]}]})
}

/// Put a value into an object, which gets what leads to it.
pub(super) fn put(object: &mut Value, pointer: &str, value: Value) {
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

impl Dice<'_> {
    /// Something that a pod must not, or may, have.
    pub(super) fn taint(&mut self, spec: &mut Value) {
        let values = taints();
        let (pointer, value) = &values[self.rng.usize(..values.len())];
        put(spec, pointer, value.clone());
    }

    /// The pod of the CronJob, with something else about it more often than not.
    pub(super) fn copy(&mut self) -> Value {
        let mut spec = copied();
        let variable = match self.rng.u32(..18) {
            0 => json!({"name": "A", "value": "2"}),
            1 => json!({"name": "B", "value": "2"}),
            2 => json!({"name": "B", "value": "$(S)"}),
            3 => json!({"name": "B", "value": "$$(S)"}),
            4 => json!({"name": "B", "value": "$$$(S)"}),
            5 => json!({"name": "S", "value": "x"}),
            6 => json!({"name": "LD_PRELOAD", "value": "/x"}),
            7 => json!({"name": "https_proxy", "value": "evil.example"}),
            8 => json!({"name": "BASH_ENV", "value": "/x"}),
            9 => json!({"name": "PATH", "value": "/x"}),
            10 => json!({"name": "NODE_OPTIONS", "value": "--require /x"}),
            11 => json!({"name": "B", "valueFrom": {"secretKeyRef": {"name": "other", "key": "k"}}}),
            12 => {
                spec["containers"][0]["env"] = json!([{"name": "A", "value": "1"}]);
                return spec;
            }
            13 => {
                self.taint(&mut spec);
                return spec;
            }
            14 => {
                spec["containers"][0]["args"] = json!(["x"]);
                return spec;
            }
            _ => return spec,
        };
        let variables = spec["containers"][0]["env"].as_array_mut();
        if let Some(variables) = variables {
            if self.rng.bool() {
                variables.retain(|other| other["name"] != variable["name"]);
            }
            variables.insert(self.rng.usize(..=variables.len()), variable);
        }
        spec
    }
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
        ("/tolerations", json!([{"key": "dedicated", "operator": "Exists"}])),
        ("/nodeSelector", json!({"kubernetes.io/hostname": "a"})),
        ("/nodeSelector", json!({"kubernetes.io/os": "linux", "zone": "a"})),
        ("/shareProcessNamespace", json!(true)),
        ("/activeDeadlineSeconds", json!(60)),
        ("/terminationGracePeriodSeconds", json!(5)),
        ("/volumes", json!([{"name": "h", "hostPath": {"path": "/"}}])),
        ("/volumes", json!([{"name": "h", "nfs": {"server": "10.0.0.1", "path": "/"}}])),
        ("/volumes", json!([{"name": "h", "csi": {"driver": "x"}}])),
        ("/volumes", json!([{"name": "h", "image": {"reference": "x"}}])),
        ("/volumes", json!([{"name": "h", "secret": {"secretName": "x"}}])),
        ("/volumes", json!([{"name": "h", "secret": {"secretName": "other"}}])),
        ("/volumes", json!([{"name": "h", "persistentVolumeClaim": {"claimName": "data-x-0"}}])),
        ("/volumes", json!([{"name": "h", "persistentVolumeClaim": {"claimName": "shared"}}])),
        ("/volumes", json!([{"name": "h", "emptyDir": {}}])),
        ("/volumes", json!([{"name": "h"}])),
        (
            "/volumes",
            json!([{"name": "h", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}]),
        ),
        ("/volumes", json!([{"name": "h", "projected": {"sources": [{"secret": {"name": "other"}}]}}])),
        ("/imagePullSecrets", json!([{"name": "other"}])),
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
