// Flux's objects, as far as this policy looks at them.

import { isNotServed, kube, stop } from "suture-policy";
import { shown, type Target } from "./target.ts";

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
export function find(target: Target): FluxObject | undefined {
  return served(VERSIONS[target.kind], target.kind, (kind: kube.Kind<FluxObject>) => kube.find(kind, target.namespace, target.name), () =>
    stop.escalate(`the cluster serves no ${target.kind} (${VERSIONS[target.kind].join(", ")}): ${shown(target)} can't be looked at; is Flux installed?`),
  );
}

/** A source, if it is there. */
export function findSource(kind: string, namespace: string, name: string): Source | undefined {
  const versions = ["source.toolkit.fluxcd.io/v1", "source.toolkit.fluxcd.io/v1beta2"];
  return served(versions, kind, (of: kube.Kind<Source>) => kube.find(of, namespace, name), () => undefined);
}

function served<T extends kube.KubeObject>(versions: string[], kind: string, read: (kind: kube.Kind<T>) => T | undefined, otherwise: () => T | undefined): T | undefined {
  for (const version of versions) {
    try {
      return read(kube.kind<T>(version, kind));
    } catch (error) {
      if (!isNotServed(error)) throw error;
    }
  }
  return otherwise();
}
