//! Volumes, and whatever else brings something from outside into a pod.

use serde_json::Value;
use suture_core::object::Kind;

use super::rules::{Fields, Rules, absent, fields_of, inner, items, only, text};

pub(super) fn check(spec: &Fields, rules: &Rules<'_>) -> Result<(), String> {
    for secret in items(spec, "imagePullSecrets", "the pod")? {
        let name = text(fields_of(secret, "a pull secret")?, "name")?.unwrap_or_default();
        secret_is_listed(name, rules)?;
    }
    for volume in items(spec, "volumes", "the pod")? {
        let volume = fields_of(volume, "a volume")?;
        let name = text(volume, "name")?.unwrap_or("?");
        // An empty object chooses a type too: `emptyDir: {}`.
        let mut kinds = volume.iter().filter(|(field, value)| *field != "name" && !value.is_null());
        match (kinds.next(), kinds.next()) {
            (Some((kind, source)), None) => check_source(name, kind, source, rules)?,
            _ => return Err(format!("volume `{name}` has not exactly one type")),
        }
    }
    Ok(())
}

fn check_source(name: &str, kind: &str, source: &Value, rules: &Rules<'_>) -> Result<(), String> {
    let what = format!("volume `{name}`");
    let source = fields_of(source, &what)?;
    match kind {
        "emptyDir" => only(source, &["medium", "sizeLimit"], &what),
        "configMap" => only(source, &["name", "items", "defaultMode", "optional"], &what),
        "downwardAPI" => only(source, &["items", "defaultMode"], &what),
        "secret" => {
            only(source, &["secretName", "items", "defaultMode", "optional"], &what)?;
            secret_is_listed(text(source, "secretName")?.unwrap_or_default(), rules)
        }
        "persistentVolumeClaim" => {
            only(source, &["claimName", "readOnly"], &what)?;
            let claim = text(source, "claimName")?.unwrap_or_default();
            rules.require(|grant| &grant.claims, claim, "the claim", "claims")
        }
        "projected" => {
            only(source, &["sources", "defaultMode"], &what)?;
            items(source, "sources", &what)?
                .iter()
                .try_for_each(|source| check_projected(source, &what, rules))
        }
        other => {
            Err(format!("the pod mounts a `{}`, which no policy may", suture_core::names::shortened(other)))
        }
    }
}

fn check_projected(source: &Value, what: &str, rules: &Rules<'_>) -> Result<(), String> {
    let source = fields_of(source, what)?;
    only(source, &["configMap", "downwardAPI", "secret", "serviceAccountToken", "clusterTrustBundle"], what)?;
    // Whose token it is, the service account says.
    match inner(source, "secret", what)? {
        Some(secret) => secret_is_listed(text(secret, "name")?.unwrap_or_default(), rules),
        None => Ok(()),
    }
}

/// As good as any number of replicas: who lists this one's claim lists them all.
const MANY_REPLICAS: u64 = 98_765;

/// The claims that a StatefulSet's pods get by their names, which may be there already.
pub(in super::super) fn check_claim_templates(
    kind: &Kind,
    before: Option<&Value>,
    after: &Value,
    rules: &Rules<'_>,
) -> Result<(), String> {
    if !(kind.group() == "apps" && kind.kind == "StatefulSet") {
        return Ok(());
    }
    let part = |object: &Value| {
        ["volumeClaimTemplates", "ordinals", "persistentVolumeClaimRetentionPolicy"]
            .map(|field| object.get("spec").and_then(|spec| spec.get(field)).cloned())
    };
    if before.map(part) == Some(part(after)) {
        return Ok(());
    }
    let [templates, ordinals, retention] = part(after);
    let first = ordinals.as_ref().and_then(|ordinals| ordinals.get("start")?.as_u64()).unwrap_or_default();
    let name = suture_core::object::name(after).unwrap_or_default();
    for template in templates.as_ref().and_then(Value::as_array).into_iter().flatten() {
        for field in super::super::kinds::CLAIM_SOURCES {
            if template.get("spec").is_some_and(|spec| !absent(spec.get(field))) {
                return Err(format!(
                    "a claim that is made from something else (`{field}`) is none that a grant can list"
                ));
            }
        }
        let template = suture_core::object::name(template).unwrap_or_default();
        // It can be scaled later: whatever the number, each of its claims is listed.
        for ordinal in [first, first.saturating_add(1), first.saturating_add(MANY_REPLICAS)] {
            rules.require(
                |grant| &grant.claims,
                &format!("{template}-{name}-{ordinal}"),
                "the claim (of `volumeClaimTemplates`)",
                "claims",
            )?;
        }
    }
    let policies = retention.as_ref().and_then(Value::as_object).into_iter().flatten();
    let deletes = policies.into_iter().any(|(_, policy)| policy != "Retain" && !policy.is_null());
    if deletes {
        return Err("a StatefulSet that deletes its claims could delete those that were there before; no policy may make one".to_owned());
    }
    Ok(())
}

/// Whether a projected volume holds a token of the pod's service account.
pub(super) fn projects_token(spec: &Fields) -> bool {
    let volumes = spec.get("volumes").and_then(Value::as_array).into_iter().flatten();
    let sources = volumes.filter_map(|volume| volume.pointer("/projected/sources")?.as_array()).flatten();
    sources.into_iter().any(|source| !source.get("serviceAccountToken").is_none_or(Value::is_null))
}

/// Variables of a container that come from elsewhere.
pub(super) fn check_environment(container: &Fields, what: &str, rules: &Rules<'_>) -> Result<(), String> {
    for variable in items(container, "env", what)? {
        let variable = fields_of(variable, "a variable")?;
        only(variable, &["name", "value", "valueFrom"], &format!("a variable of {what}"))?;
        let Some(source) = inner(variable, "valueFrom", what)? else { continue };
        only(
            source,
            &["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"],
            what,
        )?;
        if let Some(secret) = inner(source, "secretKeyRef", what)? {
            secret_is_listed(text(secret, "name")?.unwrap_or_default(), rules)?;
        }
    }
    for source in items(container, "envFrom", what)? {
        let source = fields_of(source, "a source of variables")?;
        only(source, &["prefix", "configMapRef", "secretRef"], &format!("`envFrom` of {what}"))?;
        if let Some(secret) = inner(source, "secretRef", what)? {
            secret_is_listed(text(secret, "name")?.unwrap_or_default(), rules)?;
        }
    }
    Ok(())
}

/// Mounts that would come back to the host.
pub(super) fn check_mounts(container: &Fields, what: &str) -> Result<(), String> {
    for mount in items(container, "volumeMounts", what)? {
        let mount = fields_of(mount, "a mount")?;
        if !absent(mount.get("mountPropagation")) && text(mount, "mountPropagation")? != Some("None") {
            return Err(format!("{what} mounts with `mountPropagation`, which no policy may"));
        }
    }
    Ok(())
}

fn secret_is_listed(name: &str, rules: &Rules<'_>) -> Result<(), String> {
    rules.require(|grant| &grant.secrets, name, "Secret", "secrets")
}
