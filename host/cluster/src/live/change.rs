//! Changing objects: one definite act, done once.

use std::sync::Arc;

use serde_json::Value;
use suture_core::effect::{Apply, Create, Patch, PatchType, Target};
use suture_core::handler::Resolution;
use suture_core::object::{self, Object};
use suture_core::{Error, Mutation, Prepared, Reason, Reply, Step, Tried};

use super::LiveCluster;
use super::tries::Tries;
use super::wire::NoAnswer;
use crate::{pin, resolve};

/// How many generated names are tried before the last is taken as it is.
const NAMES_TRIED: u32 = 8;

impl LiveCluster {
    /// Make a mutation one definite act. What it is to change comes back as it is now.
    pub(super) async fn pin(&self, mutation: &mut Mutation, step: &Step) -> Result<Option<Object>, Error> {
        if let Mutation::Create(create) = mutation {
            self.find(&create.kind).await?;
            let name = self.free_name(create, step).await?;
            pin::create(create, step, name)?;
            return Ok(None);
        }
        let is_apply = matches!(mutation, Mutation::Apply(_));
        let Some(target) = mutation.target_mut() else { return Ok(None) };
        Self::named(target)?;
        // What was asked for stands in the mutation; its uid is compared below.
        let looked_at = as_read(target);
        let current = match self.get(&looked_at).await {
            // It is made.
            Err(error) if is_apply && error.reason == Reason::NOT_FOUND => {
                self.find(&looked_at.kind).await?;
                pin::absent(mutation);
                return Ok(None);
            }
            current => current?,
        };
        pin::change(mutation, &current)?;
        Ok(Some(current))
    }

    /// The first generated name that nobody else's object has.
    async fn free_name(&self, create: &Create, step: &Step) -> Result<Option<String>, Error> {
        let mut last = None;
        for attempt in 0..NAMES_TRIED {
            let Some(name) = pin::generated_name(create, step, attempt) else { return Ok(None) };
            let target = Target {
                kind: create.kind.clone(),
                namespace: create.namespace.clone(),
                name: name.clone(),
                uid: None,
                subresource: None,
            };
            last = Some(name);
            match self.get(&target).await {
                Ok(object) if pin::made_by(&object, step) => break,
                Ok(_) => {}
                // Who may create need not be allowed to read: the names are tried as they are.
                Err(error) if [Reason::NOT_FOUND, Reason::FORBIDDEN].contains(&error.reason) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(last)
    }

    /// Do what was prepared, once. A request whose answer was lost is looked up; what
    /// certainly did not happen is tried again.
    pub(super) async fn change(&self, prepared: &Prepared, mutation: &Mutation) -> Result<Reply, Error> {
        let marked = pin::marked(mutation, &prepared.manager, &prepared.step);
        let request = self.request(&marked, prepared).await?;
        let mut tries = Tries::new(&self.wire, Tried::Change);
        let mut was_lost = false;
        loop {
            let error = match self.wire.send(request.clone()).await {
                Ok(answer) => match answer.json() {
                    Ok(object) => return Ok(Reply::Mutated(self.shown(mutation, prepared, object))),
                    Err(error) => {
                        was_lost |= error.leaves_doubt();
                        error
                    }
                },
                Err(NoAnswer::NotSent(why)) => Error::new(Reason::UNAVAILABLE, why),
                Err(NoAnswer::Lost(error)) => {
                    was_lost = true;
                    error
                }
            };
            if was_lost
                && !prepared.dry_run
                && let Some(reply) = self.found_done(prepared, &error).await?
            {
                return Ok(reply);
            }
            // What answers in the API server's place is not asked again.
            let is_impostor = error.status.is_some_and(|status| status < 400);
            // Pinned as it is, it can't happen twice, however late the first request arrives.
            if is_impostor || !tries.again(&error).await {
                return Err(self.judged(mutation, prepared, error).await);
            }
        }
    }

    /// The reply of a mutation that was done although an error came back; none where it was
    /// not done. It is asked once: what is `Unknown` is looked up again by the recorder.
    async fn found_done(&self, prepared: &Prepared, error: &Error) -> Result<Option<Reply>, Error> {
        let unknown = |why: String| Error::new(Reason::UNKNOWN, format!("{why} (it was sent, and: {error})"));
        match self.asking_once().resolved(prepared).await {
            Ok(Resolution::Done(reply)) => Ok(Some(reply)),
            Ok(Resolution::NotDone) => Ok(None),
            Ok(Resolution::Unknown(why)) => Err(unknown(why)),
            Err(unread) => Err(unknown(format!("whether it was done can't be read: {unread}"))),
        }
    }

    /// Find out whether a mutation was done.
    pub(super) async fn resolved(&self, prepared: &Prepared) -> Result<Resolution, Error> {
        let suture_core::Effect::Mutate { mutation, .. } = &prepared.effect else {
            return Ok(Resolution::NotDone);
        };
        let reference = mutation.reference();
        let target = Target {
            kind: reference.kind,
            namespace: reference.namespace,
            name: reference.name,
            uid: None,
            subresource: None,
        };
        let current = match self.get(&target).await {
            Ok(object) => Some(object),
            Err(error) if error.is_absence() => None,
            Err(error) => return Err(error),
        };
        Ok(resolve::prepared(prepared, mutation, current))
    }

    /// What the API server calls `Invalid` may be a conflict, and worth another look: a JSON
    /// patch whose leading test of the version fails, an apply to an object that was
    /// replaced.
    async fn judged(&self, mutation: &Mutation, prepared: &Prepared, error: Error) -> Error {
        if error.reason != Reason::INVALID || prepared.before.is_none() {
            return error;
        }
        let (target, version) = match mutation {
            Mutation::Patch(Patch { target, patch_type: PatchType::Json, resource_version, .. }) => {
                (target, resource_version.as_deref())
            }
            Mutation::Apply(Apply { target, .. }) => (target, None),
            Mutation::Patch(_) | Mutation::Create(_) | Mutation::Delete(_) => return error,
        };
        let Ok(now) = self.get(&as_read(target)).await else { return error };
        let is_replaced = target.uid.is_some() && object::uid(&now) != target.uid.as_deref();
        if !is_replaced && (version.is_none() || object::resource_version(&now) == version) {
            return error;
        }
        let message = format!("{} was changed since it was read; look at it again", target.reference());
        Error::new(Reason::CONFLICT, message)
    }

    /// The object as it is after a mutation. Of a delete the API server may tell no more
    /// than that it is done.
    fn shown(&self, mutation: &Mutation, prepared: &Prepared, answer: Value) -> Object {
        if answer.get("kind").and_then(Value::as_str) != Some("Status") {
            return Arc::new(answer);
        }
        match (mutation, &prepared.before) {
            (Mutation::Delete(_), Some(before)) => before.clone(),
            (Mutation::Delete(delete), None) => Arc::new(resolve::remnant(delete)),
            (Mutation::Create(Create { object, .. }), _) => Arc::new(object.clone()),
            (Mutation::Patch(_) | Mutation::Apply(_), _) => Arc::new(answer),
        }
    }
}

/// What is read before a change. The status stands in the object, and need not be granted
/// by itself.
fn as_read(target: &Target) -> Target {
    let subresource = target.subresource.clone().filter(|subresource| subresource != "status");
    Target { uid: None, subresource, ..target.clone() }
}
