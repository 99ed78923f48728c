//! How many bytes a policy handed over in one call.
//!
//! Asked before anything is made of them, so that a huge argument ends the run with a
//! limit of its own and not with whatever would have choked on it.

use super::bindings::kube::{
    ApplyOp, CreateOp, DeleteOp, Kind, Mutation, PatchOp, Predicate, Query, Target, Test,
};
use crate::call::Size;

impl Size for Kind {
    fn size(&self) -> usize {
        self.api_version.size() + self.kind.size()
    }
}

impl Size for Target {
    fn size(&self) -> usize {
        let Self { kind, namespace, name, uid, subresource } = self;
        kind.size() + namespace.size() + name.size() + uid.size() + subresource.size()
    }
}

impl Size for Query {
    fn size(&self) -> usize {
        let Self { kind, namespace, labels, fields, limit: _, next, metadata_only: _ } = self;
        kind.size() + namespace.size() + labels.size() + fields.size() + next.size()
    }
}

impl Size for Mutation {
    fn size(&self) -> usize {
        match self {
            Self::Create(CreateOp { kind, namespace, object, subresource }) => {
                kind.size() + namespace.size() + object.size() + subresource.size()
            }
            Self::Patch(PatchOp { target, type_: _, body, resource_version }) => {
                target.size() + body.size() + resource_version.size()
            }
            Self::Apply(ApplyOp { target, object, force: _ }) => target.size() + object.size(),
            Self::Delete(DeleteOp { target, propagation: _, resource_version }) => {
                target.size() + resource_version.size()
            }
        }
    }
}

impl Size for Test {
    fn size(&self) -> usize {
        self.pointer.size() + self.value.size()
    }
}

impl Size for Predicate {
    fn size(&self) -> usize {
        match self {
            Self::Deleted => 0,
            Self::All(tests) | Self::Any(tests) => tests.size(),
        }
    }
}
