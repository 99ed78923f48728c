// Kinds of objects.

import { given } from "./json.ts";
import type { KubeObject } from "./object.ts";

/** A kind of object, and the type of its objects. */
export interface Kind<T extends KubeObject = KubeObject> {
  /** `v1`, `batch/v1`. */
  readonly apiVersion: string;
  /** `Pod`, `Job`. */
  readonly kind: string;
  /** Only for the compiler. */
  readonly objects?: T;
}

/**
 * A kind of object: `kube.kind("apps/v1", "Deployment")`. Its objects' fields are not checked;
 * give a type for that:
 *
 * ```ts
 * interface Deployment extends kube.KubeObject {
 *   spec: { replicas?: number };
 * }
 * const Deployment = kube.kind<Deployment>("apps/v1", "Deployment");
 * ```
 */
export function kind<T extends KubeObject = KubeObject & { [field: string]: any }>(apiVersion: string, kind: string): Kind<T> {
  return { apiVersion: given(apiVersion, "a kind's apiVersion"), kind: given(kind, "a kind") };
}
