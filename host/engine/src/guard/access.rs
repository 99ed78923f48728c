//! Whether an access is requested, granted, and named sensibly.

use std::collections::BTreeMap;

use serde_json::Value;
use suture_core::effect::{ApiRequest, Target};
use suture_core::grant::{Access, Shortfall, covers};
use suture_core::handler::Resource;
use suture_core::object::{Kind, Object};
use suture_core::{Effect, Error, Fault, Reason, Reply, RunId, Step, names};

use super::{Guard, NO_GRANT, denied, kinds};

/// The labels of a namespace.
pub(super) type NamespaceLabels = BTreeMap<String, String>;

impl Guard {
    /// Check one access.
    ///
    /// # Errors
    /// As [`checked`](Self::checked), and `Denied` where no grant allows it.
    pub(super) async fn check(&self, asked: &ApiRequest<'_>) -> Result<(), Fault> {
        let resource = self.checked(asked).await?;
        let access = resource.access(asked);
        let labels = self.labels_for(&access).await?;
        let mut shortfalls = Vec::new();
        for (index, grant) in self.grants.iter().enumerate() {
            match grant.shortfall(&access, labels.as_ref()) {
                None => return Ok(()),
                Some(shortfall) => shortfalls.push((index, shortfall)),
            }
        }
        Err(denied(nearest(&access, &shortfalls)))
    }

    /// Check what an access is, whatever the grants say. The resource that it is about.
    ///
    /// # Errors
    /// `Denied` where no policy may do it, or the manifest does not request it; `BadRequest`
    /// where the target makes no sense; what discovery says of a kind that the cluster does
    /// not know.
    pub(super) async fn checked(&self, asked: &ApiRequest<'_>) -> Result<Resource, Fault> {
        let ApiRequest { verb, kind, namespace, name, subresource } = *asked;
        sensible(kind, namespace, name, subresource)?;
        let resource = self.cluster.resource(kind).await?;
        if !resource.namespaced && namespace.is_some() {
            let message = format!("{kind} has no namespaces, and one was given");
            return Err(Error::new(Reason::BAD_REQUEST, message).into());
        }
        if resource.namespaced && namespace.is_none() && name.is_some() {
            let message = format!("{kind} lives in a namespace, and none was given");
            return Err(Error::new(Reason::BAD_REQUEST, message).into());
        }
        let access = resource.access(asked);
        if subresource.is_some_and(|subresource| !kinds::subresource_is_usable(subresource, verb)) {
            return Err(denied(format!("{access}: no policy may use this subresource")));
        }
        let requested = self
            .requested
            .iter()
            .any(|permission| covers(&permission.groups, &permission.resources, &permission.verbs, &access));
        if !requested {
            return Err(denied(format!("{access}: the policy's manifest does not request it")));
        }
        Ok(resource)
    }

    /// The labels of the namespace of an access, where a grant selects namespaces by them and
    /// no other allows it.
    ///
    /// # Errors
    /// Why the namespace can't be read.
    pub(super) async fn labels_for(&self, access: &Access<'_>) -> Result<Option<NamespaceLabels>, Fault> {
        let Some(namespace) = access.namespace else { return Ok(None) };
        let is_selected = self.grants.iter().any(|grant| {
            grant.namespace_selector.is_some()
                && matches!(grant.shortfall(access, None), Some(Shortfall::Namespace(_)))
        });
        if !is_selected {
            return Ok(None);
        }
        let target = Target {
            kind: Kind::new("v1", "Namespace"),
            namespace: None,
            name: namespace.to_owned(),
            uid: None,
            subresource: None,
        };
        let found = match self.read(target).await {
            Ok(found) => found,
            // In a namespace that is not there nothing can be allowed.
            Err(Fault::Error(error)) if error.reason == Reason::NOT_FOUND => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let labels = found.pointer("/metadata/labels").and_then(Value::as_object);
        let pair = |(name, value): (&String, &Value)| Some((name.clone(), value.as_str()?.to_owned()));
        Ok(Some(labels.into_iter().flatten().filter_map(pair).collect()))
    }

    /// Read what the guard itself must know.
    pub(super) async fn read(&self, target: Target) -> Result<Object, Fault> {
        let step = Step { run: RunId::new("guard"), number: 0 };
        let prepared = self.cluster.prepare(&step, &Effect::Get { target: target.clone() }).await?;
        let Reply::Object(object) = self.cluster.perform(&prepared).await? else {
            let message = format!("{} can't be read, so nothing can be checked by it", target.reference());
            return Err(denied(message));
        };
        Ok(object)
    }
}

/// The sentence of a denial: what was asked, and the grant that comes nearest to it.
pub(super) fn nearest(access: &Access<'_>, shortfalls: &[(usize, Shortfall)]) -> String {
    let near = shortfalls.iter().max_by(|one, other| one.1.cmp(&other.1).then(other.0.cmp(&one.0)));
    match near {
        Some((index, shortfall)) if *shortfall > Shortfall::Resource => {
            format!("{access}: {NO_GRANT}; `grants[{index}]` comes nearest, but {shortfall}")
        }
        _ => {
            let namespaces =
                access.namespace.map_or_else(String::new, |namespace| format!(", namespaces: [{namespace}]"));
            format!(
                "{access}: {NO_GRANT}; this one would: {{groups: [\"{}\"], resources: [{}], verbs: [{}]{namespaces}}}",
                access.group,
                access.full_resource(),
                access.verb
            )
        }
    }
}
/// Names become parts of a URL: nothing may be able to lead elsewhere.
fn sensible(
    kind: &Kind,
    namespace: Option<&str>,
    name: Option<&str>,
    subresource: Option<&str>,
) -> Result<(), Fault> {
    let bad = |what: &str, text: &str| -> Result<(), Fault> {
        let message = format!("`{}` is no {what}", names::shortened(text));
        Err(Error::new(Reason::BAD_REQUEST, message).into())
    };
    let word = |text: &str| {
        (1..=253).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte))
    };
    if !word(kind.version())
        || !(kind.group().is_empty() || word(kind.group()))
        || kind.version().contains('.')
    {
        return bad("API version", &kind.api_version);
    }
    if !word(&kind.kind) {
        return bad("kind", &kind.kind);
    }
    if let Some(namespace) = namespace
        && names::dns_label(namespace).is_err()
    {
        return bad("namespace", namespace);
    }
    if let Some(name) = name {
        // Some kinds allow more than DNS names (RBAC has colons); none allows these.
        let fits = (1..=253).contains(&name.len())
            && !matches!(name, "." | "..")
            && !name.contains(['/', '%', '?', '#'])
            && !name.contains(char::is_control)
            && !name.contains(char::is_whitespace);
        if !fits {
            return bad("name of an object", name);
        }
    }
    match subresource {
        Some(subresource) if !word(subresource) || subresource.contains('.') => {
            bad("subresource", subresource)
        }
        _ => Ok(()),
    }
}
