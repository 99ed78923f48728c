//! Expectations that can never match, found before anything runs.

use suture_core::grant::{Grant, Verb};
use suture_core::handler::{Discovery, Resource};
use suture_core::{Glob, Permission};

use crate::format::{Expected, Located, ObjectPattern, Then};

/// What is wrong with an expectation, and its line.
pub(crate) type Impossible = (u64, String);

/// Check that every mutation of `effects` and `never` could take place in this cluster,
/// and that those of `effects` would be allowed.
pub(crate) async fn check(
    then: &Then,
    discovery: &dyn Discovery,
    requested: &[Permission],
    grants: &[Grant],
) -> Result<(), Impossible> {
    for never in &then.never {
        resource(never, discovery).await?;
    }
    for effect in &then.effects {
        let resource = resource(effect, discovery).await?;
        allowed(effect, resource.as_ref(), requested, grants)?;
    }
    Ok(())
}

/// The resource of an expectation's kind; none for `*`.
async fn resource(
    expected: &Located<Expected>,
    discovery: &dyn Discovery,
) -> Result<Option<Resource>, Impossible> {
    let Located { value: Expected { object, .. }, line, .. } = expected;
    let ObjectPattern::Of { kind, namespace, .. } = object else { return Ok(None) };
    let resource = discovery.resource(kind).await.map_err(|error| {
        (
            *line,
            format!("`{object}` can never match: {} (a typo? or give an object of that kind)", error.message),
        )
    })?;
    match (resource.namespaced, namespace) {
        (true, None) => Err((
            *line,
            format!("`{object}` can never match: {kind} lives in a namespace; write NAMESPACE/NAME"),
        )),
        (false, Some(_)) => {
            Err((*line, format!("`{object}` can never match: {kind} has no namespaces; write NAME alone")))
        }
        _ => Ok(Some(resource)),
    }
}

fn allowed(
    expected: &Located<Expected>,
    resource: Option<&Resource>,
    asked: &[Permission],
    grants: &[Grant],
) -> Result<(), Impossible> {
    let Located { value: Expected { mutation, object, .. }, line, .. } = expected;
    let access = Access {
        group: object.kind().map(suture_core::object::Kind::group),
        resource: resource.map(|resource| resource.plural.as_str()),
        verb: mutation.verb(),
    };
    let requested = |permission: &Permission| {
        access.is_covered(&permission.groups, &permission.resources, &permission.verbs)
    };
    if !asked.iter().any(requested) {
        let message = format!(
            "`{mutation} {object}` can never happen: the policy's manifest does not request it (under these settings)"
        );
        return Err((*line, message));
    }
    let granted = |grant: &Grant| {
        access.is_covered(&grant.groups, &grant.resources, &grant.verbs) && reaches(grant, object)
    };
    if grants.iter().any(granted) {
        return Ok(());
    }
    let message = format!(
        "`{mutation} {object}` can never happen: no grant allows it (without `grants`, a scenario grants what the \
         manifest requests, in the namespaces of its objects, logs and alerts)"
    );
    Err((*line, message))
}

/// What an expectation needs; what it leaves open is `None`.
struct Access<'a> {
    group: Option<&'a str>,
    resource: Option<&'a str>,
    verb: Verb,
}

impl Access<'_> {
    fn is_covered(&self, groups: &[String], resources: &[String], verbs: &[Verb]) -> bool {
        // A subresource is enough: a patch of `jobs/status` is a patch of the Job.
        let fits = |resource: &String, wanted: &str| resource.split('/').next() == Some(wanted);
        verbs.contains(&self.verb)
            && self.group.is_none_or(|wanted| groups.iter().any(|group| group == wanted || group == "*"))
            && self.resource.is_none_or(|wanted| resources.iter().any(|resource| fits(resource, wanted)))
    }
}

/// Whether a grant can reach an object that is meant. Where the expectation has a
/// pattern itself, it is not decided here.
fn reaches(grant: &Grant, object: &ObjectPattern) -> bool {
    let ObjectPattern::Of { namespace, name, .. } = object else { return true };
    let is_pattern = |glob: &Glob| glob.as_str().contains(['*', '?', '[', '{']);
    let any = |globs: &[Glob], wanted: &Glob| {
        is_pattern(wanted) || globs.iter().any(|glob| glob.matches(wanted.as_str()))
    };
    namespace.as_ref().is_none_or(|namespace| {
        // Which labels a namespace has then can't be told here.
        grant.namespace_selector.is_some() || any(&grant.namespaces, namespace)
    }) && any(&grant.names, name)
}
