//! Who owns which fields of an object.

use serde::Deserialize;
use serde_json::Value;

use super::Metadata;
use crate::Time;

/// Fields of an object that somebody wrote last.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ManagedFields {
    /// Who: `argocd-controller`, `kubectl-edit`.
    pub manager: String,
    /// `Apply`, or `Update` for every other way to write.
    pub operation: String,
    /// The subresource by which it was written, if it was.
    pub subresource: String,
    /// When that was.
    pub time: Option<Time>,
    /// Which fields, as the API server writes them (`{"f:spec": {"f:unlock": {}}}`).
    pub fields_v1: Value,
}

impl ManagedFields {
    /// Whether the field at a JSON pointer is among them, alone or with all that it stands in.
    pub fn owns(&self, pointer: &str) -> bool {
        let mut fields = &self.fields_v1;
        for part in pointer.split('/').skip(1) {
            let name = format!("f:{}", part.replace("~1", "/").replace("~0", "~"));
            match fields.get(&name) {
                Some(below) if below.as_object().is_none_or(serde_json::Map::is_empty) => return true,
                Some(below) => fields = below,
                None => return false,
            }
        }
        // Something in it is owned, and so is it where it stands itself.
        fields.get(".").is_some()
    }

    /// The GitOps controller that this is, by the name that it goes by.
    pub fn gitops(&self) -> Option<&'static str> {
        match self.manager.as_str() {
            "kustomize-controller" | "helm-controller" => Some("Flux"),
            manager if manager.starts_with("argocd") => Some("Argo CD"),
            "fleet-agent" | "fleetagent" => Some("Fleet"),
            _ => None,
        }
    }
}

impl Metadata {
    /// Who owns the field at a JSON pointer: whoever applies it, or wrote it last. Nobody is
    /// known of an object that was not read by [`get`](super::get).
    pub fn managers_of(&self, pointer: &str) -> impl Iterator<Item = &ManagedFields> {
        self.managed_fields.iter().filter(move |managed| managed.owns(pointer))
    }

    /// The GitOps controller that an object says it comes from, and what it is there: Flux by
    /// labels, Argo CD by its tracking.
    pub fn gitops(&self) -> Option<String> {
        for (kind, prefix) in [("Kustomization", "kustomize"), ("HelmRelease", "helm")] {
            let label = |what: &str| self.label(&format!("{prefix}.toolkit.fluxcd.io/{what}"));
            if let Some(name) = label("name") {
                return Some(format!("Flux ({kind} {}/{name})", label("namespace").unwrap_or_default()));
            }
        }
        let tracked = self.annotations.get("argocd.argoproj.io/tracking-id").map(String::as_str);
        let tracked = tracked.and_then(|id| id.split(':').next());
        let application = tracked.or_else(|| self.label("argocd.argoproj.io/instance"))?;
        Some(format!("Argo CD (application {application})"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_owned_alone_or_with_what_it_stands_in() {
        let metadata: Metadata = serde_json::from_value(json!({"managedFields": [
            {"manager": "argocd-controller", "operation": "Apply", "fieldsType": "FieldsV1",
             "fieldsV1": {"f:spec": {"f:restic": {".": {}, "f:unlock": {}}, "f:trigger": {}}}},
            {"manager": "manager", "operation": "Update", "subresource": "status",
             "fieldsV1": {"f:status": {"f:restic": {"f:lastUnlocked": {}}}}},
            {"manager": "x", "operation": "Update", "fieldsV1": {"f:metadata": {"f:annotations": {"f:a/b": {}}}}}]}))
        .unwrap();
        let of = |pointer: &str| {
            metadata.managers_of(pointer).map(|managed| managed.manager.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(of("/spec/restic/unlock"), ["argocd-controller"]);
        assert_eq!(of("/spec/trigger/manual"), ["argocd-controller"]);
        assert_eq!(of("/spec/restic"), ["argocd-controller"]);
        assert_eq!(of("/metadata/annotations/a~1b"), ["x"]);
        assert!(of("/spec/restic/repository").is_empty() && of("/spec").is_empty());
        assert_eq!(metadata.managed_fields[0].gitops(), Some("Argo CD"));
        assert_eq!(metadata.managed_fields[1].gitops(), None);
    }

    #[test]
    fn an_object_says_which_gitops_controller_it_comes_from() {
        let of = |metadata: Value| serde_json::from_value::<Metadata>(metadata).unwrap().gitops();
        let flux = json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps",
            "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}});
        assert_eq!(of(flux).as_deref(), Some("Flux (Kustomization flux-system/apps)"));
        let argo = json!({"annotations": {"argocd.argoproj.io/tracking-id":
            "media:volsync.backube/ReplicationSource:media/plex"}});
        assert_eq!(of(argo).as_deref(), Some("Argo CD (application media)"));
        assert_eq!(of(json!({"labels": {"app.kubernetes.io/instance": "x"}})), None);
    }
}
