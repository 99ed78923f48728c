// Flux's objects, as far as this policy looks at them.

import { isNotServed, kube, stop } from "suture-policy";
import type { Target } from "./target.ts";

/** A HelmRelease or a Kustomization. */
export interface FluxObject extends kube.KubeObject {
  spec?: {
    suspend?: boolean;
    timeout?: string;
    dependsOn?: { name?: string; namespace?: string }[];
    /** Of a Kustomization. */
    sourceRef?: SourceRef;
    /** Of a HelmRelease that names its chart. */
    chartRef?: SourceRef;
    install?: Action;
    upgrade?: Action;
  };
  status?: {
    conditions?: kube.Condition[];
    lastHandledReconcileAt?: string;
    /** Of a HelmRelease: `NAMESPACE/NAME` of the HelmChart that was made for it. */
    helmChart?: string;
    /** Of a HelmRelease: what Helm has done, the newest first. */
    history?: { status?: string }[];
  };
}

/** What helm-controller does to install or upgrade, and when that fails. */
export interface Action {
  remediation?: { retries?: number; remediateLastFailure?: boolean; strategy?: string };
  strategy?: { name?: string };
}

/** What an object is made from. */
export interface SourceRef {
  kind?: string;
  name?: string;
  namespace?: string;
}

/** A source, as far as this policy looks at it. */
export interface Source extends kube.KubeObject {
  status?: { conditions?: kube.Condition[]; artifact?: object };
}

/** Asks for a reconciliation: any value that the controller has not handled yet. */
export const REQUESTED = "reconcile.fluxcd.io/requestedAt";
/** Asks helm-controller to forget its failures, where it has the same value. */
export const RESET = "reconcile.fluxcd.io/resetAt";
/** When this policy has resumed the object last. */
export const RESUMED = "flux-stuck.suture.dev/resumedAt";

/** The versions that are in use, newest first. */
const VERSIONS = {
  HelmRelease: ["helm.toolkit.fluxcd.io/v2", "helm.toolkit.fluxcd.io/v2beta2"],
  Kustomization: ["kustomize.toolkit.fluxcd.io/v1", "kustomize.toolkit.fluxcd.io/v1beta2"],
};

/** The object, if it is there. */
export function find({ kind, namespace, name }: Target): FluxObject | undefined {
  for (const version of VERSIONS[kind]) {
    try {
      return kube.find(kube.kind<FluxObject>(version, kind), namespace, name);
    } catch (error) {
      if (!isNotServed(error)) throw error;
    }
  }
  const versions = VERSIONS[kind].join(", ");
  return stop.escalate(`the cluster serves no ${kind} (${versions}): ${kind} ${namespace}/${name} can't be looked at; is Flux installed?`);
}

/** The kinds of sources that this policy looks at; there may be others. */
export function isSourceKind(kind: string | undefined): kind is string {
  return ["GitRepository", "OCIRepository", "Bucket", "HelmChart", "HelmRepository"].includes(kind ?? "");
}

/** A source, if it is there. */
export function findSource(kind: string, namespace: string, name: string): Source | undefined {
  const read = (version: string) => kube.find(kube.kind<Source>(version, kind), namespace, name);
  try {
    return read("source.toolkit.fluxcd.io/v1");
  } catch (error) {
    if (!isNotServed(error)) throw error;
    return read("source.toolkit.fluxcd.io/v1beta2");
  }
}
