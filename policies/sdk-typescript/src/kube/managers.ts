// Who owns which fields of an object.

import type { KubeObject, ManagedFields } from "./object.ts";

/**
 * Who owns the field at a JSON pointer: whoever applies it, or wrote it last. Nobody is known of
 * an object that was not read by `get` or `find`.
 */
export function managersOf(object: KubeObject, pointer: string): ManagedFields[] {
  return (object.metadata.managedFields ?? []).filter((managed) => owns(managed, pointer));
}

function owns(managed: ManagedFields, pointer: string): boolean {
  let fields: { [field: string]: any } = managed.fieldsV1 ?? {};
  for (const part of pointer.split("/").slice(1)) {
    const below = fields[`f:${part.replaceAll("~1", "/").replaceAll("~0", "~")}`];
    if (below === undefined) return false;
    if (typeof below !== "object" || below === null || Object.keys(below).length === 0) return true;
    fields = below;
  }
  // Something in it is owned, and so is it where it stands itself.
  return "." in fields;
}

/**
 * The GitOps controller that an object says it comes from, and what it is there (`Flux
 * (Kustomization flux-system/apps)`): Flux by labels, Argo CD by its tracking.
 */
export function gitops(object: KubeObject): string | undefined {
  const { labels = {}, annotations = {} } = object.metadata;
  for (const [kind, prefix] of [["Kustomization", "kustomize"], ["HelmRelease", "helm"]] as const) {
    const name = labels[`${prefix}.toolkit.fluxcd.io/name`];
    if (name) return `Flux (${kind} ${labels[`${prefix}.toolkit.fluxcd.io/namespace`] ?? ""}/${name})`;
  }
  const tracked = annotations["argocd.argoproj.io/tracking-id"]?.split(":")[0];
  const application = tracked ?? labels["argocd.argoproj.io/instance"];
  return application ? `Argo CD (application ${application})` : undefined;
}
