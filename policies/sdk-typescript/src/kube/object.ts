// What every object has.

/** An object, with as many of its fields as its type says. */
export interface KubeObject {
  /** `v1`, `batch/v1`. */
  apiVersion?: string;
  /** `Pod`, `Job`. */
  kind?: string;
  /** Its metadata. */
  metadata: Metadata;
}

/** What every object has. */
export interface Metadata {
  /** Its name. */
  name: string;
  /** Its namespace, where its kind has one. */
  namespace?: string;
  /** Identifies it among all that ever had its name. */
  uid?: string;
  /** Changes whenever it does. */
  resourceVersion?: string;
  /** Changes whenever what is wanted of it does. */
  generation?: number;
  /** Its labels. */
  labels?: { [name: string]: string };
  /** Its annotations. */
  annotations?: { [name: string]: string };
  /** When it was made: RFC 3339 (`Time.parse`). */
  creationTimestamp?: string;
  /** Since when it is being deleted, if it is: RFC 3339. */
  deletionTimestamp?: string;
  /** What must happen before it can go. */
  finalizers?: string[];
  /** Whose it is. */
  ownerReferences?: OwnerReference[];
  /** Who owns which of its fields. The host shows it where one object is read, and nowhere else. */
  managedFields?: ManagedFields[];
}

/** An object that owns another. */
export interface OwnerReference {
  /** Its API version. */
  apiVersion?: string;
  /** Its kind. */
  kind: string;
  /** Its name. */
  name: string;
  /** Its uid. */
  uid: string;
  /** Whether it manages the other one. */
  controller?: boolean;
}

/** Fields of an object that somebody wrote last. */
export interface ManagedFields {
  /** Who: `argocd-controller`, `kubectl-edit`. */
  manager?: string;
  /** `Apply`, or `Update` for every other way to write. */
  operation?: string;
  /** The subresource by which it was written, if it was. */
  subresource?: string;
  /** When that was: RFC 3339. */
  time?: string;
  /** Which fields, as the API server writes them (`{"f:spec": {"f:unlock": {}}}`). */
  fieldsV1?: { [field: string]: any };
}

/** Something that is so, or not, or not known. */
export interface Condition {
  /** What. */
  type: string;
  /** `True`, `False` or `Unknown`. */
  status: string;
  /** Why, in one word. */
  reason?: string;
  /** Why, for people. */
  message?: string;
  /** Since when the status is what it is: RFC 3339. A new reason alone does not move it. */
  lastTransitionTime?: string;
  /** The generation of the object that it is about. */
  observedGeneration?: number;
}

/** A condition of an object's status, whatever its status is; undefined where there is none. */
export function condition(object: KubeObject, type: string): Condition | undefined {
  const conditions: unknown = (object as { status?: { conditions?: unknown } }).status?.conditions;
  return Array.isArray(conditions) ? (conditions as Condition[]).find((each) => each?.type === type) : undefined;
}
