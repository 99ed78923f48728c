//! Changes by which a policy could give itself, or others, more than any grant says.

use serde_json::{Map, Value, json};
use suture_core::object::{Kind, is_own_annotation};
use suture_core::{Verb, names};

use super::pods::absent;

/// Subresources that a change may be of; every other gives more than a grant says: tokens,
/// commands in containers, connections, a node for a pod.
const CHANGED: [&str; 2] = ["status", "scale"];
/// Subresources that are read.
const READ: [&str; 3] = ["status", "scale", "log"];

/// Whether a policy may use a subresource at all.
pub(super) fn subresource_is_usable(subresource: &str, verb: Verb) -> bool {
    match verb {
        Verb::Get | Verb::List | Verb::Watch => READ.contains(&subresource),
        Verb::Create => false,
        Verb::Patch | Verb::Delete => CHANGED.contains(&subresource),
    }
}

/// That a change of a Namespace leaves its labels and annotations alone: they choose who may do
/// what in it (Pod Security admission, the `namespaceSelector` of grants, many an operator).
pub(super) fn check_namespace(
    kind: &Kind,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), String> {
    if !(kind.group().is_empty() && kind.kind == "Namespace") {
        return Ok(());
    }
    let Some(after) = after else { return Ok(()) };
    let part = |object: &Value, pointer: &str| {
        object.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let said = |object: &Value| {
        let mut annotations = part(object, "/metadata/annotations");
        // The host's own marks say nothing to others. Of labels none is exempt: a grant's
        // `namespaceSelector` may ask for any.
        annotations.retain(|key, _| !is_own_annotation(key));
        [part(object, "/metadata/labels"), annotations]
    };
    match before {
        None => Err("no policy may make a Namespace".to_owned()),
        Some(before) if said(before) != said(after) => Err(format!(
            "the labels and annotations of Namespace `{}` say who may do what in it; no policy may change them",
            names::shortened(suture_core::object::name(after).unwrap_or_default())
        )),
        Some(_) => Ok(()),
    }
}

/// That a change leaves the owners of an object alone: one whose owner is not there is deleted
/// by the garbage collector, and to change is not to delete. And that no pod is made that its
/// controller would take for one of its own, and delete one of those in its place.
pub(super) fn check_owners(kind: &Kind, before: Option<&Value>, after: Option<&Value>) -> Result<(), String> {
    let Some(after) = after else { return Ok(()) };
    let controlled = |owner: &Value| owner.get("controller") == Some(&Value::Bool(true));
    let Some(before) = before else {
        let owners = after.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        let is_pod = kind.group().is_empty() && kind.kind == "Pod";
        if is_pod && owners.into_iter().flatten().any(controlled) {
            return Err(
                "a pod with a controller is that controller's to make; no policy may make one".to_owned()
            );
        }
        return Ok(());
    };
    let owners = |object: &Value| {
        object.pointer("/metadata/ownerReferences").and_then(Value::as_array).cloned().unwrap_or_default()
    };
    if owners(before) == owners(after) {
        return Ok(());
    }
    Err("`metadata.ownerReferences` say with whom an object is deleted; no policy may change them".to_owned())
}

/// That nothing is made, or changed so, that it takes pods of others for its own, and deletes those
/// that are too many.
pub(super) fn check_adoption(
    kind: &Kind,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), String> {
    let Some(after) = after else { return Ok(()) };
    let is_controller = matches!(
        (kind.group(), kind.kind.as_str()),
        ("apps", "ReplicaSet" | "DaemonSet") | ("", "ReplicationController")
    );
    let selects = |object: &Value| object.pointer("/spec/selector").cloned();
    match before {
        None if is_controller => Err(format!(
            "a {} takes whatever pods have its labels, and deletes those that are too many; make a Deployment",
            kind.kind
        )),
        Some(before) if is_controller && selects(before) != selects(after) => Err(format!(
            "`spec.selector` of a {} says which pods are its own; no policy may change it",
            kind.kind
        )),
        None | Some(_) => Ok(()),
    }
}

/// By this annotation the controller of Deployments brings an older pod template back
/// (`getRollbackTo` of kube-controller-manager), which nobody has looked at.
const ROLLBACK: &str = "/metadata/annotations/deprecated.deployment.rollback.to";

/// That no older pod template is brought back.
pub(super) fn check_rollback(
    kind: &Kind,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), String> {
    let asks = |object: Option<&Value>| object.and_then(|object| object.pointer(ROLLBACK)).cloned();
    let is_deployment = kind.group() == "apps" && kind.kind == "Deployment";
    if is_deployment && asks(after).is_some() && asks(after) != asks(before) {
        return Err("`deprecated.deployment.rollback.to` brings back a pod template that no grant was held against; no policy may set it".to_owned());
    }
    Ok(())
}

/// How a claim comes to something that is there: a snapshot, a volume.
pub(super) const CLAIM_SOURCES: [&str; 4] = ["dataSource", "dataSourceRef", "volumeName", "selector"];

/// That no claim is made of what belongs to others, or bound to it: under a name that a grant lists
/// it would be mounted.
pub(super) fn check_claim(kind: &Kind, before: Option<&Value>, after: Option<&Value>) -> Result<(), String> {
    let Some(after) = after else { return Ok(()) };
    if !(kind.group().is_empty() && kind.kind == "PersistentVolumeClaim") {
        return Ok(());
    }
    let said = |object: &Value, field: &str| {
        object.get("spec").and_then(|spec| spec.get(field)).filter(|value| !value.is_null()).cloned()
    };
    let given = |field: &&str| {
        let now = said(after, field);
        now.is_some() && now != before.and_then(|before| said(before, field))
    };
    match CLAIM_SOURCES.into_iter().find(given) {
        Some(field) => Err(format!(
            "a claim that says what it is made from or bound to (`spec.{field}`) may hold what is others'; no policy may \
             make one"
        )),
        None => Ok(()),
    }
}

/// That a change of a Secret sets no label or annotation by which other programs act, by copying
/// its values elsewhere, say: only keys without a domain, and our own.
pub(super) fn check_secret(kind: &Kind, before: Option<&Value>, after: Option<&Value>) -> Result<(), String> {
    if !(kind.group().is_empty() && kind.kind == "Secret") {
        return Ok(());
    }
    match steering_mark(before, after) {
        Some(name) => Err(format!(
            "by `{name}` of a Secret other programs may act, and copy its values; no policy may set it"
        )),
        None => Ok(()),
    }
}

/// What a policy may change in the `spec` of a Service: which of its namespace's pods answer, and how.
const SERVICE_FIELDS: [&str; 9] = [
    "selector",
    "ports",
    "sessionAffinity",
    "sessionAffinityConfig",
    "publishNotReadyAddresses",
    "internalTrafficPolicy",
    "trafficDistribution",
    "ipFamilies",
    "ipFamilyPolicy",
];

/// That a Service takes no addresses, and is reached and leads where it did: its own namespace is all that a grant is about, and by these a
/// Service takes what the whole cluster sends there (CVE-2020-8554).
pub(super) fn check_service(
    kind: &Kind,
    before: Option<&Value>,
    after: Option<&Value>,
) -> Result<(), String> {
    if !(kind.group().is_empty() && kind.kind == "Service") {
        return Ok(());
    }
    let fields = |object: Option<&Value>, part: &str| {
        let part = object.and_then(|object| object.get(part)?.as_object()).cloned().unwrap_or_default();
        part.into_iter().filter(|(_, value)| !absent(Some(value))).collect::<Map<_, _>>()
    };
    let (was, is) = (fields(before, "spec"), fields(after, "spec"));
    let free = |field: &str| SERVICE_FIELDS.contains(&field);
    // These choose nothing, and the API server writes them itself.
    let chooses =
        |value: &Value| !matches!(value.as_str(), Some("None" | "ClusterIP")) && *value != json!(["None"]);
    let differs = |field: &&String| {
        let chosen = |spec: &Map<String, Value>| spec.get(*field).filter(|value| chooses(value)).cloned();
        chosen(&was) != chosen(&is)
    };
    if let Some(field) = was.keys().chain(is.keys()).filter(|field| !free(field)).find(differs) {
        return Err(format!(
            "`/spec/{}` says at which addresses a Service is reached, from where, or where it leads; no policy may \
             change it",
            names::shortened(field)
        ));
    }
    let reached =
        was.get("type").and_then(Value::as_str).filter(|one| matches!(*one, "NodePort" | "LoadBalancer"));
    let is_led = |field: &&str| was.get(*field) != is.get(*field);
    if let (Some(reached), Some(field)) =
        (reached, ["ports", "selector"].iter().copied().find(|field| is_led(field)))
    {
        return Err(format!(
            "by `/spec/{field}` a Service of type {reached} opens something to the outside; no policy may change it"
        ));
    }
    let (was, is) = (fields(before, "status"), fields(after, "status"));
    if was.get("loadBalancer") != is.get("loadBalancer") {
        return Err("by `/status/loadBalancer` a Service takes traffic of the whole cluster; no policy may \
                    change it"
            .to_owned());
    }
    let ports = |object: Option<&Value>| {
        let ports = object.and_then(|object| object.pointer("/spec/ports")?.as_array());
        let ports = ports.cloned().unwrap_or_default();
        ports.iter().filter_map(|port| port.get("nodePort").and_then(Value::as_u64)).collect::<Vec<_>>()
    };
    let there = ports(before);
    if ports(after).iter().any(|port| *port != 0 && !there.contains(port)) {
        return Err("`nodePort` opens a port on every node; no policy may choose it".to_owned());
    }
    match steering_mark(before, after) {
        Some(name) => Err(format!(
            "by `{name}` of a Service load balancers and name servers may act; no policy may set it"
        )),
        None => Ok(()),
    }
}

/// A label or annotation that is new, or has another value, by which other programs may act: all
/// with a domain but our own.
fn steering_mark(before: Option<&Value>, after: Option<&Value>) -> Option<String> {
    ["labels", "annotations"].into_iter().find_map(|map| {
        let of = |object: Option<&Value>| {
            let map = object.and_then(|object| object.get("metadata")?.get(map)?.as_object());
            map.cloned().unwrap_or_default()
        };
        let there = of(before);
        let set = of(after);
        let mut new = set.iter().filter(|(name, value)| there.get(*name) != Some(value));
        let found = new.find(|(name, _)| name.contains(['/', '.']) && !is_own_annotation(name));
        found.map(|(name, _)| names::shortened(name))
    })
}

/// That no Job takes pods of others for its own, and no CronJob makes one that does.
pub(super) fn check_job(kind: &Kind, before: Option<&Value>, after: Option<&Value>) -> Result<(), String> {
    let Some(after) = after else { return Ok(()) };
    let spec = match (kind.group(), kind.kind.as_str()) {
        // What chooses for a Job that is there can't be changed.
        ("batch", "Job") if before.is_none() => "/spec",
        ("batch", "CronJob") => "/spec/jobTemplate/spec",
        _ => return Ok(()),
    };
    let says = |field: &str| {
        let value = after.pointer(spec).and_then(|spec| spec.get(field));
        value.is_some_and(|value| !matches!(value, Value::Null | Value::Bool(false)))
    };
    if says("manualSelector") || says("selector") {
        return Err("a Job that chooses its pods itself (`manualSelector`, `selector`) could take those of others; no policy may make one".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_are_left_alone_and_nothing_is_made_that_adopts_pods() {
        let owned = |uid: &str| json!({"metadata": {"ownerReferences": [{"uid": uid}]}});
        let plain = json!({"metadata": {"ownerReferences": []}});
        let pod = Kind::new("v1", "Pod");
        let check = |before: Option<&Value>, after: Option<&Value>| check_owners(&pod, before, after);
        assert!(check(Some(&plain), Some(&owned("gone"))).is_err());
        assert!(check(Some(&owned("a")), Some(&json!({"metadata": {}}))).is_err());
        assert_eq!(check(Some(&plain), Some(&json!({"metadata": {}}))), Ok(()));
        assert_eq!(check(None, Some(&owned("a"))), Ok(()), "what is made may go with another");
        assert_eq!(check(Some(&owned("a")), None), Ok(()));
        let controlled = json!({"metadata": {"ownerReferences": [{"uid": "a", "controller": true}]}});
        assert!(check(None, Some(&controlled)).is_err(), "it would be counted as the controller's own");
        let job = Kind::new("batch/v1", "Job");
        assert_eq!(check_owners(&job, None, Some(&controlled)), Ok(()), "as `kubectl create job --from`");
        for (version, kind) in
            [("apps/v1", "ReplicaSet"), ("apps/v1", "DaemonSet"), ("v1", "ReplicationController")]
        {
            let kind = Kind::new(version, kind);
            assert!(check_adoption(&kind, None, Some(&plain)).is_err());
            assert_eq!(check_adoption(&kind, Some(&plain), Some(&plain)), Ok(()));
            let other = json!({"spec": {"selector": {"app": "db"}}});
            assert!(check_adoption(&kind, Some(&plain), Some(&other)).is_err());
        }
    }

    #[test]
    fn no_older_template_is_brought_back_no_claim_is_made_of_others_and_no_secret_is_marked_to_be_copied() {
        let marked = |key: &str| json!({"metadata": {"annotations": {key: "1"}}});
        let plain = json!({"metadata": {}});
        let deployment = Kind::new("apps/v1", "Deployment");
        let rollback = marked("deprecated.deployment.rollback.to");
        for before in [None, Some(&plain)] {
            assert!(check_rollback(&deployment, before, Some(&rollback)).is_err());
            assert_eq!(check_rollback(&deployment, before, Some(&marked("a"))), Ok(()));
        }
        assert_eq!(check_rollback(&deployment, Some(&rollback), Some(&rollback)), Ok(()), "it was there");
        let claim = Kind::new("v1", "PersistentVolumeClaim");
        for field in CLAIM_SOURCES {
            let made = json!({"spec": {field: "others"}});
            assert!(check_claim(&claim, None, Some(&made)).is_err(), "{field}");
            assert_eq!(check_claim(&claim, Some(&made), Some(&made)), Ok(()));
            assert!(
                check_claim(&claim, Some(&json!({"spec": {}})), Some(&made)).is_err(),
                "it is bound later: {field}"
            );
        }
        assert_eq!(check_claim(&claim, None, Some(&json!({"spec": {}}))), Ok(()));
        let secret = Kind::new("v1", "Secret");
        let key = "replicator.v1.mittwald.de/replicate-to";
        assert!(check_secret(&secret, Some(&plain), Some(&marked(key))).is_err());
        assert_eq!(check_secret(&secret, Some(&marked(key)), Some(&marked(key))), Ok(()));
        assert_eq!(check_secret(&secret, Some(&marked(key)), Some(&plain)), Ok(()));
        for own in ["rotated", "suture.dev/seen"] {
            assert_eq!(check_secret(&secret, Some(&plain), Some(&marked(own))), Ok(()), "{own}");
        }
    }

    #[test]
    fn a_service_takes_no_address_of_the_cluster_for_its_own() {
        let service = Kind::new("v1", "Service");
        let plain = json!({"spec": {"selector": {"app": "a"}, "externalIPs": []}});
        let takes = json!({"spec": {"externalIPs": ["10.96.0.10"]}});
        assert!(check_service(&service, Some(&plain), Some(&takes)).is_err());
        assert!(check_service(&service, None, Some(&takes)).is_err());
        assert_eq!(check_service(&service, Some(&takes), Some(&takes)), Ok(()));
        for field in [
            "loadBalancerSourceRanges",
            "externalName",
            "externalIPs",
            "externalTrafficPolicy",
            "loadBalancerClass",
            "something-new",
        ] {
            let given = json!({"spec": {"selector": {"app": "a"}, field: "x"}});
            let other = json!({"spec": {"selector": {"app": "a"}, field: "y"}});
            assert!(check_service(&service, Some(&given), Some(&other)).is_err(), "{field}");
            assert!(check_service(&service, Some(&given), Some(&plain)).is_err(), "{field} is taken away");
            assert!(check_service(&service, Some(&plain), Some(&given)).is_err(), "{field}");
        }
        let selecting = json!({"spec": {"selector": {"app": "b"}, "publishNotReadyAddresses": true}});
        assert_eq!(check_service(&service, Some(&plain), Some(&selecting)), Ok(()));
        let status = json!({"status": {"loadBalancer": {"ingress": [{"ip": "10.96.0.10"}]}}});
        assert!(check_service(&service, Some(&plain), Some(&status)).is_err());
    }

    #[test]
    fn what_a_namespace_says_of_itself_is_out_of_reach_and_the_rest_of_it_is_not() {
        let namespace = Kind::new("v1", "Namespace");
        let of = |metadata: Value| json!({"metadata": metadata, "spec": {}});
        let plain = of(json!({"name": "media"}));
        let said = of(json!({"name": "media", "labels": {"a": "b"}, "annotations": {"c": "d"}}));
        let check = |before: &Value, after: &Value| check_namespace(&namespace, Some(before), Some(after));
        for (before, after) in [
            (
                &plain,
                of(json!({"name": "media", "labels": {"pod-security.kubernetes.io/enforce": "privileged"}})),
            ),
            (
                &plain,
                of(
                    json!({"name": "media", "annotations": {"scheduler.alpha.kubernetes.io/node-selector": "x=y"}}),
                ),
            ),
            (&said, of(json!({"name": "media", "labels": {"a": "b"}, "annotations": {"c": "e"}}))),
            (&said, of(json!({"name": "media", "labels": {"a": "b"}}))),
            (&said, of(json!({"name": "media", "labels": {}, "annotations": {"c": "d"}}))),
        ] {
            let refused = check(before, &after).unwrap_err();
            assert!(refused.contains("labels and annotations of Namespace `media`"), "{refused}");
        }
        assert_eq!(check(&plain, &of(json!({"name": "media", "labels": {}, "finalizers": ["x"]}))), Ok(()));
        assert_eq!(check_namespace(&namespace, Some(&said), None), Ok(()), "it is deleted");
        assert!(check_namespace(&namespace, None, Some(&plain)).is_err(), "none is made");
        let other = Kind::new("v1", "ConfigMap");
        assert_eq!(check_namespace(&other, Some(&plain), Some(&said)), Ok(()));
    }
}
