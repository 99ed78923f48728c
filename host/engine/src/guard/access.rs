//! Whether an access is requested, granted, and named sensibly.

use suture_core::effect::Mutation;
use suture_core::grant::{Access, PodGrant, covers};
use suture_core::object::{Kind, ObjectRef};
use suture_core::{Error, Fault, Reason, Verb, names};

use super::{Guard, NO_GRANT, denied};

/// Subresources through which more could be done than a grant says: tokens, commands in
/// containers, connections.
const NEVER: [&str; 7] = ["token", "exec", "attach", "portforward", "proxy", "approval", "finalize"];

impl Guard {
    /// Check one access.
    ///
    /// # Errors
    /// `Denied`, with what is missing; `BadRequest` where the target makes no sense;
    /// what discovery says of a kind that the cluster does not know.
    pub(super) async fn check(
        &self,
        verb: Verb,
        kind: &Kind,
        namespace: Option<&str>,
        name: Option<&str>,
        subresource: Option<&str>,
    ) -> Result<(), Fault> {
        sensible(kind, namespace, name, subresource)?;
        let resource = self.discovery.resource(kind).await?;
        if !resource.namespaced && namespace.is_some() {
            let message = format!("{kind} has no namespaces, and one was given");
            return Err(Error::new(Reason::BAD_REQUEST, message).into());
        }
        if resource.namespaced && namespace.is_none() && name.is_some() {
            let message = format!("{kind} lives in a namespace, and none was given");
            return Err(Error::new(Reason::BAD_REQUEST, message).into());
        }
        let access = Access {
            group: kind.group(),
            resource: &resource.plural,
            subresource,
            verb,
            namespace,
            namespaced: resource.namespaced,
            name,
        };
        if subresource.is_some_and(|subresource| NEVER.contains(&subresource)) {
            return Err(denied(format!("{access}: no policy may use this subresource")));
        }
        let requested = self
            .requested
            .iter()
            .any(|permission| covers(&permission.groups, &permission.resources, &permission.verbs, &access));
        if !requested {
            return Err(denied(format!("{access}: the policy's manifest does not request it")));
        }
        if !self.grants.iter().any(|grant| grant.allows(&access)) {
            return Err(denied(format!("{access}: {NO_GRANT}")));
        }
        Ok(())
    }

    /// What the grants that allow a mutation say of pods.
    pub(super) async fn granting(
        &self,
        object: &ObjectRef,
        mutation: &Mutation,
    ) -> Result<Vec<&PodGrant>, Fault> {
        let resource = self.discovery.resource(&object.kind).await?;
        let verb = if matches!(mutation, Mutation::Create(_)) { Verb::Create } else { Verb::Patch };
        let access = Access {
            group: object.kind.group(),
            resource: &resource.plural,
            subresource: mutation.subresource(),
            verb,
            namespace: object.namespace.as_deref(),
            namespaced: resource.namespaced,
            name: Some(&object.name),
        };
        Ok(self.grants.iter().filter(|grant| grant.allows(&access)).map(|grant| &grant.pods).collect())
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
