//! What a change would leave, judged against the grants.

use std::borrow::Cow;

use serde_json::Value;
use suture_core::effect::{ApiRequest, Apply};
use suture_core::grant::fields::{self, Path, pointer};
use suture_core::grant::{FieldPattern, Grant, Instead, NamedField, Shortfall, closed_kind, closed_object};
use suture_core::object::{self, Kind};
use suture_core::{Effect, Error, Fault, Mutation, Prepared, Reply, Verb};

use super::access::nearest;
use super::copies::Copied;
use super::written::{MARK, Written, after_patch};
use super::{Guard, deleting, denied, kinds, pods, templates};

impl Guard {
    /// Judge a change that is prepared. An apply is pinned to the version that it was judged
    /// on, and what a person must approve says so.
    ///
    /// # Errors
    /// `Denied` where the grants do not allow what it would leave, or where that can't be
    /// told; what the cluster says of one that it would refuse.
    pub(super) async fn judge(&self, prepared: &mut Prepared) -> Result<(), Fault> {
        let Effect::Mutate { mutation, undo } = &prepared.effect else { return Ok(()) };
        let (mutation, undo) = (mutation.clone(), undo.clone());
        let written = self.written(&mutation, prepared).await?;
        if let (Effect::Mutate { mutation: Mutation::Apply(apply), .. }, Some(before)) =
            (&mut prepared.effect, &written.before)
        {
            pin_version(apply, before);
        }
        let needs_approval = self.judge_written(&mutation, &written).await?;
        prepared.needs_approval = needs_approval;
        let Some(undo) = &undo else { return Ok(()) };
        let Some(undone) = written.undone(undo) else {
            prepared.needs_approval = needs_approval || self.access_needs_approval(undo, &mutation).await?;
            return Ok(());
        };
        // What may be done and not taken back would stay where it was only for the run.
        let undo_needs_approval = self.judge_written(undo, &undone).await.map_err(|fault| match fault {
            Fault::Error(error) => {
                let message = format!("what would take it back is not allowed: {}", error.message);
                Fault::Error(Error { message, ..error })
            }
            halt @ Fault::Halt(_) => halt,
        })?;
        prepared.needs_approval = needs_approval || undo_needs_approval;
        Ok(())
    }

    /// Judge what a change leaves: whether a person must approve it.
    async fn judge_written(&self, mutation: &Mutation, written: &Written) -> Result<bool, Fault> {
        let reference = mutation.reference();
        let kind = &reference.kind;
        if let Some(after) = &written.after {
            check_identity(kind, &reference, after)?;
            if let Some(why) = closed_kind(kind.group(), &kind.kind) {
                return Err(denied(format!("no policy may write a {kind}: {why}")));
            }
        }
        if let Some(why) = closed_object(&reference) {
            return Err(denied(format!("no policy may write {reference}: {why}")));
        }
        let (before, after) = (written.before.as_deref(), written.after.as_ref());
        kinds::check_namespace(kind, before, after).map_err(denied)?;
        kinds::check_job(kind, before, after).map_err(denied)?;
        kinds::check_adoption(kind, before, after).map_err(denied)?;
        kinds::check_owners(kind, before, after).map_err(denied)?;
        kinds::check_rollback(kind, before, after).map_err(denied)?;
        kinds::check_claim(kind, before, after).map_err(denied)?;
        kinds::check_secret(kind, before, after).map_err(denied)?;
        kinds::check_service(kind, before, after).map_err(denied)?;
        check_marks(mutation, before, after)?;
        self.check_selected(kind, before, after).await?;
        let mut requests = mutation.requests(written.before.is_none());
        let or_delete = |field: &&NamedField| field.instead == Instead::Delete;
        let mut taken: Vec<_> = written.named.iter().filter(or_delete).cloned().collect();
        if mutation.subresource() == Some("status") {
            taken.extend(deleting::status_feigned(kind, before, after));
        }
        let lets_go =
            !taken.is_empty() && !self.names(&taken, &mutation.request(Verb::Patch), written).await?;
        if lets_go || deleting::is_deleted_by(kind, before, after) {
            requests.push(mutation.request(Verb::Delete));
        }
        let mut allowing = Vec::with_capacity(requests.len());
        for request in &requests {
            let mut found = self.allowing(request, written).await;
            // Where a patch takes such a field, the grant that names it is the one that allows it.
            if let (Ok(grants), false, Verb::Patch) = (&mut found, lets_go, request.verb)
                && grants.iter().any(|grant| taken.iter().all(|field| field.is_allowed_by(grant)))
            {
                grants.retain(|grant| taken.iter().all(|field| field.is_allowed_by(grant)));
            }
            allowing.push(match taken.first() {
                Some(field) if lets_go && request.verb == Verb::Delete => {
                    found.map_err(|fault| or_named(fault, field))?
                }
                Some(_) | None => found?,
            });
        }
        let mut needs_approval = false;
        for grants in &allowing {
            needs_approval |= self.needs_approval(kind, mutation, written, grants).await?;
        }
        Ok(needs_approval)
    }

    /// Whether what takes a change back needs a person's approval, where what it would leave is not known yet:
    /// unless a grant allows it that asks for nothing.
    async fn access_needs_approval(&self, undo: &Mutation, change: &Mutation) -> Result<bool, Fault> {
        if !self.grants.iter().any(|grant| grant.approve) {
            return Ok(false);
        }
        let mut undo = undo.clone();
        if let Some(target) = undo.target_mut().filter(|target| target.name.is_empty()) {
            target.name = change.reference().name;
        }
        for request in undo.requests(false) {
            let resource = self.checked(&request).await?;
            let access = resource.access(&request);
            let labels = self.labels_for(&access).await?;
            let is_free =
                |grant: &Grant| !grant.approve && grant.fields.is_empty() && grant.condition.is_none();
            let mut allowing =
                self.grants.iter().filter(|grant| grant.shortfall(&access, labels.as_ref()).is_none());
            if !allowing.any(is_free) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a change is allowed by no grant that does without a person's approval.
    async fn needs_approval(
        &self,
        kind: &Kind,
        mutation: &Mutation,
        written: &Written,
        allowing: &[&Grant],
    ) -> Result<bool, Fault> {
        let (asking, free): (Vec<&Grant>, Vec<&Grant>) = allowing.iter().partition(|grant| grant.approve);
        if asking.is_empty() {
            return self.check_pods(kind, mutation, written, &free).await.map(|()| false);
        }
        if !free.is_empty() {
            match self.check_pods(kind, mutation, written, &free).await {
                Ok(()) => return Ok(false),
                Err(Fault::Halt(halt)) => return Err(halt.into()),
                Err(Fault::Error(_)) => {}
            }
        }
        self.check_pods(kind, mutation, written, allowing).await.map(|()| true)
    }

    /// What a mutation would leave. A patch that does not apply here is not performed: the API
    /// server reads some that are none to us (`/containers/00/image`), and nobody would judge it.
    async fn written(&self, mutation: &Mutation, prepared: &Prepared) -> Result<Written, Fault> {
        let before = prepared.before.clone();
        let unknown = || {
            denied(format!(
                "what {} looks like now is not known, so what would become of it can't be checked",
                mutation.reference()
            ))
        };
        let (before, after, set) = match mutation {
            Mutation::Create(create) => (None, Some(create.object.clone()), Vec::new()),
            Mutation::Patch(patch) => {
                let before = before.ok_or_else(unknown)?;
                let after = after_patch(&before, patch)?;
                (Some(before), Some(after), Vec::new())
            }
            // As a create: nothing is there that it could be merged with.
            Mutation::Apply(apply) if before.is_none() => (None, Some(apply.object.clone()), set_by(apply)),
            Mutation::Apply(apply) => {
                let after = self.dry_run(prepared).await?;
                (before, Some(Value::clone(&after)), set_by(apply))
            }
            Mutation::Delete(_) => (Some(before.ok_or_else(unknown)?), None, Vec::new()),
        };
        Ok(Written::new(&mutation.reference().kind, before, after, set))
    }

    /// What the API server would make of an apply: nobody else knows what it merges.
    async fn dry_run(&self, prepared: &Prepared) -> Result<object::Object, Fault> {
        let trial = Prepared { dry_run: true, ..prepared.clone() };
        match self.cluster.perform(&trial).await {
            Ok(Reply::Mutated(object)) => Ok(object),
            Ok(_) => {
                Err(denied("what the apply would leave can't be told, so it can't be checked".to_owned()))
            }
            Err(fault) => Err(super::secrets::covered(&prepared.effect, fault)),
        }
    }

    /// Whether a grant that allows a patch names these among its `fields`.
    async fn names(
        &self,
        named: &[NamedField],
        asked: &ApiRequest<'_>,
        written: &Written,
    ) -> Result<bool, Fault> {
        let allowing = self.allowing(asked, written).await?;
        Ok(allowing.iter().any(|grant| named.iter().all(|field| field.is_allowed_by(grant))))
    }

    /// The grants that allow a change with all that they say of it.
    async fn allowing(&self, asked: &ApiRequest<'_>, written: &Written) -> Result<Vec<&Grant>, Fault> {
        let resource = self.checked(asked).await?;
        let access = resource.access(asked);
        let labels = self.labels_for(&access).await?;
        let mut allowing = Vec::new();
        let mut shortfalls = Vec::new();
        for (index, grant) in self.grants.iter().enumerate() {
            let shortfall =
                grant.shortfall(&access, labels.as_ref()).or_else(|| self.falls_short(grant, written));
            match shortfall {
                None => allowing.push(grant),
                Some(shortfall) => shortfalls.push((index, shortfall)),
            }
        }
        if allowing.is_empty() { Err(denied(nearest(&access, &shortfalls))) } else { Ok(allowing) }
    }

    /// What a grant that allows an access lacks to allow what it would leave.
    fn falls_short(&self, grant: &Grant, written: &Written) -> Option<Shortfall> {
        if !grant.fields.is_empty()
            && let Some(path) = written.touched().iter().find(|path| !covered(&grant.fields, path))
        {
            let allowed: Vec<_> = grant.fields.iter().map(ToString::to_string).collect();
            return Some(Shortfall::Field(format!("`{}` (they are {})", pointer(path), allowed.join(", "))));
        }
        let must_be = |field: &&NamedField| field.instead != Instead::Delete;
        if let Some(field) = written.named.iter().filter(must_be).find(|field| !field.is_allowed_by(grant)) {
            return Some(Shortfall::Named(field.to_string()));
        }
        let condition = grant.condition.as_ref()?;
        let incident = match condition.reads("incident") {
            true => serde_json::to_value(&*self.incident).unwrap_or_default(),
            false => Value::Null,
        };
        let variables = [
            ("object", written.after.as_ref().unwrap_or(&Value::Null)),
            ("oldObject", written.before.as_deref().unwrap_or(&Value::Null)),
            ("incident", &incident),
            ("settings", &self.incident.settings),
        ];
        match condition.test(&variables) {
            Ok(true) => None,
            Ok(false) => Some(Shortfall::Condition(condition.source().to_owned())),
            Err(error) => Some(Shortfall::Condition(error.to_string())),
        }
    }

    /// That one of the grants alone allows the pods that a change makes: two grants together
    /// could allow what neither does.
    async fn check_pods(
        &self,
        kind: &Kind,
        mutation: &Mutation,
        written: &Written,
        allowing: &[&Grant],
    ) -> Result<(), Fault> {
        let Some(after) = &written.after else { return Ok(()) };
        // A scale is an object of its own, which holds no pod.
        let holds_pods = mutation.subresource().is_none_or(|subresource| subresource == "status");
        let mut refused = None;
        // The grant that says something of pods says best what is missing.
        let (saying, silent): (Vec<&Grant>, Vec<&Grant>) =
            allowing.iter().copied().partition(|grant| !grant.pods.is_empty());
        for grant in saying.into_iter().chain(silent) {
            let allowed = match pods::check_count(written.before.as_deref(), after, grant.pods.replicas) {
                Ok(()) if holds_pods => self.pods_allowed(kind, written, after, grant).await,
                counted => counted.map_err(denied),
            };
            match allowed {
                Ok(()) => return Ok(()),
                Err(Fault::Halt(halt)) => return Err(halt.into()),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    async fn pods_allowed(
        &self,
        kind: &Kind,
        written: &Written,
        after: &Value,
        grant: &Grant,
    ) -> Result<(), Fault> {
        let named: Vec<&FieldPattern> = grant.pod_templates.iter().collect();
        let before = written.before.as_deref();
        let changed = templates::changed(kind, before, after, &named).map_err(denied)?;
        let grants = [&grant.pods];
        let rules = pods::Rules::of(&grants);
        pods::check_claim_templates(kind, before, after, &rules).map_err(denied)?;
        for template in changed {
            let why = match pods::check_change(template.before.as_ref(), &template.pod, &rules) {
                Ok(()) => match self.chosen_by_others(kind, before, after, &template, &rules).await? {
                    None => continue,
                    Some(why) => why,
                },
                Err(why) => why,
            };
            match self.is_a_copy(&rules, after, &template.pod).await? {
                Copied::Yes => {}
                Copied::NotAllowed | Copied::Differs(_)
                    if self.runs_already(kind, grant, written.before.as_ref(), after, &template).await? => {}
                Copied::NotAllowed => return Err(denied(format!("{}{why}", within(&template.at)))),
                Copied::Differs(names) => {
                    return Err(denied(format!(
                        "{}{why}; nor is it the template of {names}, which `pods.from` of the grant names",
                        within(&template.at)
                    )));
                }
            }
        }
        Ok(())
    }
}

/// That a policy leaves the marks alone by which the host knows what it has done.
fn check_marks(mutation: &Mutation, before: Option<&Value>, after: Option<&Value>) -> Result<(), Fault> {
    let marks = |object: Option<&Value>, with_run: bool| {
        let annotations = object.and_then(|object| object.pointer("/metadata/annotations")?.as_object());
        let marks = annotations
            .into_iter()
            .flatten()
            .filter(|(name, _)| name.starts_with(MARK) || (with_run && *name == object::RUN_ANNOTATION));
        marks.map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>()
    };
    let is_forged = match mutation {
        // The host has put its own into what is created.
        Mutation::Create(create) => !marks(Some(&create.object), false).is_empty(),
        Mutation::Apply(apply) => !marks(Some(&apply.object), true).is_empty(),
        Mutation::Patch(_) => marks(before, true) != marks(after, true),
        Mutation::Delete(_) => false,
    };
    if is_forged {
        return Err(denied(format!(
            "annotations `{MARK}*` and `{}` are the host's own marks",
            object::RUN_ANNOTATION
        )));
    }
    Ok(())
}

/// A denial of what needs the right to delete, with what would do in its place.
fn or_named(fault: Fault, field: &NamedField) -> Fault {
    match fault {
        Fault::Error(error) => {
            let message = format!("{}; or, of one that allows to patch it, {field}", error.message);
            Fault::Error(Error { message, ..error })
        }
        halt @ Fault::Halt(_) => halt,
    }
}

fn covered(patterns: &[FieldPattern], path: &[String]) -> bool {
    patterns.iter().any(|pattern| pattern.covers(path))
}

fn set_by(apply: &Apply) -> Vec<Path> {
    fields::set(&apply.object)
}

/// The version that an apply was judged on is the one that it is made to.
fn pin_version(apply: &mut Apply, before: &Value) {
    let Some(version) = object::resource_version(before) else { return };
    if let Some(metadata) = apply.object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("resourceVersion".to_owned(), version.into());
    }
}

/// That what a change leaves is the object that the target names. A body that says otherwise
/// was refused before; this holds whatever form a patch has.
fn check_identity(kind: &Kind, reference: &suture_core::ObjectRef, after: &Value) -> Result<(), Fault> {
    let text = |pointer: &str| after.pointer(pointer).and_then(Value::as_str).map(Cow::from);
    let is_kind = text("/kind").as_deref() == Some(&kind.kind)
        && text("/apiVersion").as_deref() == Some(&kind.api_version);
    let is_named = text("/metadata/name").as_deref() == Some(&reference.name)
        && text("/metadata/namespace").as_deref() == reference.namespace.as_deref();
    // Subresources are objects of their own: a Scale, an Eviction.
    let is_subresource = matches!(text("/kind").as_deref(), Some("Scale" | "Eviction"));
    if is_named && (is_kind || is_subresource) {
        return Ok(());
    }
    Err(denied(format!("what would be written is not {reference}, which the target names")))
}

fn within(at: &str) -> String {
    if at.is_empty() { String::new() } else { format!("at `{at}`: ") }
}
