// Made from wit/*.wit by scripts/contract.mjs: change those, and run it again.

/** The host's clock. The only one: a policy has none of its own. */
declare module "suture:policy/clock@0.2.0" {
  /** Milliseconds since the Unix epoch. */
  export function now(): number;

  /**
   * Pause the run. It may last hours: a waiting run costs next to nothing and
   * survives a restart of the host.
   */
  export function sleep(durationMs: number): void;
}

/** The Kubernetes API, as far as the operator's grants reach. */
declare module "suture:policy/kube@0.2.0" {
  /**
   * Why a call failed. `reason` is what code should look at; new reasons may
   * be added, so treat one you don't know as a failure.
   *
   * Kubernetes' own: `NotFound`, `AlreadyExists`, `Conflict`, `Forbidden`,
   * `Invalid`, `BadRequest`, `MethodNotAllowed`, `Gone`, `TooManyRequests`, …
   *
   * The host's:
   * - `NotServed`: the API server has no such kind (its definition is not
   *   installed, or the version is gone). That is not `NotFound`: nothing is
   *   known of the object.
   * - `Denied`: the operator's grants, or a built-in rule, do not allow it.
   * - `Timeout`: it did not happen within the time that was given.
   * - `Unavailable`: the cluster or Prometheus could not be reached.
   * - `Unknown`: a mutation may or may not have taken place (the host died in
   *   between, and reading could not tell).
   * - `Unsupported`: this cluster can't do that (the simulated one only).
   */
  export interface Error {
    reason: string;
    /** For people. Never parse it. */
    message: string;
    /** The HTTP status code, where there was one. */
    status: number | null;
    /** How long to wait before another try, where the server said so. */
    retryAfterMs: number | null;
  }

  /** A kind of object: `v1`/`Pod`, `batch/v1`/`Job`. */
  export interface Kind {
    apiVersion: string;
    kind: string;
  }

  /** One object. */
  export interface Target {
    kind: Kind;
    /** None for objects that have no namespace. */
    namespace: string | null;
    name: string;
    /** Where given: only the object with this uid, not another of that name. */
    uid: string | null;
    /** `status`, `scale`, …; none for the object itself. */
    subresource: string | null;
  }

  /** Some objects of a kind. */
  export interface Query {
    kind: Kind;
    /** None for all namespaces (which the grants must allow). */
    namespace: string | null;
    /** A label selector, as kubectl takes it; empty for all. */
    labels: string;
    /** A field selector (`metadata.name=x,status.phase!=Running`); empty for all. */
    fields: string;
    /** The most objects to return; 0 for the host's own limit (500). */
    limit: number;
    /** `page.next` of the page before; none for the first. */
    next: string | null;
    /** Only `apiVersion`, `kind` and `metadata` of each. */
    metadataOnly: boolean;
  }

  /** One page of a list. */
  export interface Page {
    /** Objects, as JSON. */
    items: string[];
    /** Where the next page begins; none on the last. */
    next: string | null;
    resourceVersion: string;
  }

  /**
   * How a patch is written.
   *
   * - `merge`: JSON merge patch, RFC 7386.
   * - `json`: JSON patch, RFC 6902.
   */
  export type PatchType = "merge" | "json";

  /** What becomes of the objects that the deleted one owns. */
  export type Propagation = "background" | "foreground" | "orphan";

  /**
   * Create an object. With `metadata.generateName` the host chooses the name
   * before it acts, so that a crash never makes two.
   */
  export interface CreateOp {
    kind: Kind;
    namespace: string | null;
    /** The object, as JSON. */
    object: string;
    subresource: string | null;
  }

  /**
   * Change an object that exists. The host pins the version that it saw; when
   * somebody else wrote in between, it looks again and repeats, a bounded
   * number of times.
   */
  export interface PatchOp {
    target: Target;
    type: PatchType;
    /** The patch, as JSON. */
    body: string;
    /** Where given: only this version of the object, else `Conflict`. */
    resourceVersion: string | null;
  }

  /** Server-side apply under the policy's own field manager. */
  export interface ApplyOp {
    target: Target;
    /** The fields to own, as JSON. */
    object: string;
    /** Take fields that another manager owns. */
    force: boolean;
  }

  /**
   * Delete an object. It may live on, terminating, while it has finalizers:
   * `wait` for `deleted` to know.
   */
  export interface DeleteOp {
    target: Target;
    propagation: Propagation;
    /** Where given: only this version of the object, else `Conflict`. */
    resourceVersion: string | null;
  }

  /** One change to the cluster. */
  export type Mutation =
    | { tag: "create"; val: CreateOp }
    | { tag: "patch"; val: PatchOp }
    | { tag: "apply"; val: ApplyOp }
    | { tag: "delete"; val: DeleteOp };

  /** A change that was made. */
  export interface Mutated {
    /** Names this step of the run; hand it to `settle`. */
    step: string;
    /** The object as it is now, as JSON. Of a delete, as it was last seen. */
    object: string;
  }

  /**
   * A comparison in a `test`.
   *
   * - `exists`: There is a value at the pointer (null counts as none).
   * - `absent`: There is none.
   * - `equals`: The value is equal, as JSON values are.
   * - `not-equals`: It is there and different, or it is not there.
   */
  export type Op = "exists" | "absent" | "equals" | "not-equals";

  /** One question about an object. */
  export interface Test {
    /** A JSON pointer (RFC 6901): `/status/phase`. */
    pointer: string;
    op: Op;
    /** A JSON value (`"Ready"`, `true`, `3`); empty for `exists` and `absent`. */
    value: string;
  }

  /** What to wait for. */
  export type Predicate =
    /** The object is gone, or replaced by another of the same name. */
    | { tag: "deleted" }
    /** All tests hold. */
    | { tag: "all"; val: Test[] }
    /** At least one holds. */
    | { tag: "any"; val: Test[] };

  /** How a wait ended. */
  export type Waited =
    /** The predicate held: the object as it was then, as JSON. */
    | { tag: "met"; val: string }
    /** The object is gone. For the predicate `deleted` this is success. */
    | { tag: "deleted" }
    /** It did not happen in time. */
    | { tag: "timeout" };

  /**
   * Read one object. Only here it has its `metadata.managedFields`, which say who
   * wrote what; a Secret has none.
   */
  export function get(target: Target): string;

  /** Read some objects. */
  export function list(query: Query): Page;

  /**
   * Change the cluster.
   *
   * `undo` is a change that takes this one back. The host runs it at the end of
   * the run, however the run ends (error, trap, limit, cancellation, crash),
   * unless it was settled before. Undos run newest first. Two conveniences: an
   * undo whose target has an empty name means the object that this call made or
   * changed, and an undo never touches another object of the same name (the
   * host pins the uid). An undo that finds its object gone, or a JSON-patch undo
   * whose own `test` fails, has nothing left to do and counts as done.
   */
  export function mutate(mutation: Mutation, undo: Mutation | null): Mutated;

  /**
   * Settle the undo of a step: run it now (`run-undo`), or drop it because the
   * change is to stay.
   */
  export function settle(step: string, runUndo: boolean): void;

  /**
   * Wait until an object is as described, or gone, or the time is up. An object
   * that does not exist yet is waited for, unless the target has a uid or the
   * predicate is `deleted`: then it is gone.
   */
  export function wait(target: Target, until: Predicate, timeoutMs: number): Waited;

  /**
   * The end of a container's log. `container` may be empty where the pod has
   * one. The host caps `limit-bytes` at 1 MiB; 0 means that.
   */
  export function logs(pod: Target, container: string, tailLines: number, limitBytes: number): string;

  /**
   * Take the lock `name`, held by the host until this run ends: of all runs of
   * this policy, one at a time has it. `Timeout` if it stays taken.
   */
  export function exclusive(name: string, timeoutMs: number): void;
}

/** Words for the people who read a run's timeline. Never compared on replay. */
declare module "suture:policy/log@0.2.0" {
  export type Level = "debug" | "info" | "warn" | "error";

  /** A line in the timeline, and in the host's log. The host cuts it at 4 KiB. */
  export function log(level: Level, message: string): void;

  /**
   * Says what comes next ("unlocking the repository"): the headings of the
   * timeline.
   */
  export function step(title: string): void;
}

/**
 * Prometheus, read only: the metrics that the manifest requests and the operator
 * grants, by name. Everything else ends in `Denied`.
 *
 * The host reads an expression before Prometheus does. Each selector in it needs
 * one literal metric name: `up`, `up{job="x"}`, `{__name__="up"}`. A pattern for
 * the name, a selector without one, `info()`, more than 4 KiB, or syntax that the
 * host does not know is denied, for what it reads can't be told.
 */
declare module "suture:policy/prometheus@0.2.0" {
  import type { Error } from "suture:policy/kube@0.2.0";

  import type { Label } from "suture:policy/types@0.2.0";

  /** A value of a series at a time. */
  export interface Sample {
    /** Sorted by name. */
    labels: Label[];
    /** Milliseconds since the Unix epoch. */
    atMs: number;
    value: number;
  }

  /** A series over a range of time. */
  export interface Series {
    /** Sorted by name. */
    labels: Label[];
    /** Milliseconds since the Unix epoch, and the value, oldest first. */
    points: [number, number][];
  }

  /** An alert that Prometheus knows of. */
  export interface ActiveAlert {
    /** Sorted by name. */
    labels: Label[];
    /** Sorted by name. */
    annotations: Label[];
    /** False while it is pending. */
    firing: boolean;
    /** Since when its expression holds: RFC 3339, UTC. */
    activeAt: string;
  }

  /** Evaluate an expression now. A scalar is one sample without labels. */
  export function query(expression: string): Sample[];

  /**
   * Evaluate an expression over a range: `start-ms` to `end-ms` (milliseconds
   * since the Unix epoch) in steps of `step-ms`; at most 11,000 points a series.
   */
  export function queryRange(expression: string, startMs: number, endMs: number, stepMs: number): Series[];

  /**
   * The alerts that are pending or firing: those of this run's incident, by the
   * alert's name and the key labels; all of them where the policy may query the
   * metric `ALERTS`.
   */
  export function alerts(): ActiveAlert[];
}

/** The nouns that a policy and its host share. No functions. */
declare module "suture:policy/types@0.2.0" {
  /** A label or annotation: its name and its value. */
  export type Label = [string, string];

  /** Whether an alert fires, as Alertmanager says it. */
  export type AlertStatus = "firing" | "resolved";

  /**
   * One alert, as Alertmanager delivered it. Everything in it was chosen by
   * whoever can write a rule or post to the webhook: a hint, not a proof.
   */
  export interface Alert {
    status: AlertStatus;
    /** Sorted by name. */
    labels: Label[];
    /** Sorted by name. */
    annotations: Label[];
    /** When it began to fire: RFC 3339, UTC. */
    startsAt: string;
    /** When it was resolved, if it was: RFC 3339, UTC. */
    endsAt: string | null;
    /** A link to the expression that fires, as Prometheus gave it. */
    generatorUrl: string;
    /** Alertmanager's hash of the labels. */
    fingerprint: string;
  }

  /**
   * What a run works on: one policy and one key, from the first firing alert
   * until it is resolved.
   */
  export interface Incident {
    /** Unique, and the same for all attempts. */
    id: string;
    /**
     * The labels that the manifest names in `key`, with their values. The host
     * has checked that each value is a valid Kubernetes name.
     */
    key: Label[];
    /** The alert that opened the incident, in its latest form. */
    alert: Alert;
    /** 1 for the first run of this incident, 2 for its first retry, … */
    attempt: number;
    /**
     * The operator's settings: a JSON object that satisfies the manifest's
     * `settings-schema`, with the schema's defaults filled in.
     */
    settings: string;
  }

  /**
   * What the policy concluded. Each comes with a sentence for people: it stands
   * in the timeline, in the API, and in the alert that tells them.
   */
  export type Outcome =
    /**
     * The repair is done. The host now watches that the alert clears, and
     * retries or escalates if it does not.
     */
    | { tag: "remediated"; val: string }
    /** There is nothing to repair. */
    | { tag: "unnecessary"; val: string }
    /** Not now: start another run later. Counts as an attempt. */
    | { tag: "retry"; val: Retry }
    /** A person must look: what was seen, and what was not done because of it. */
    | { tag: "escalate"; val: string };

  /** A wish for another run. */
  export interface Retry {
    /** How long to wait before it, in milliseconds. The host may wait longer. */
    afterMs: number;
    /** Why, for people. */
    reason: string;
  }

  /** What a policy says of itself. */
  export interface Manifest {
    /** Its name: a DNS label (RFC 1123), as the operator will write it. */
    name: string;
    /** Its version: semantic versioning 2.0. */
    version: string;
    /** What it does, in one or two sentences. */
    description: string;
    /**
     * The alerts it is for: Alertmanager matchers (`alertname="X"`,
     * `role=~"a|b"`), all of which must match.
     */
    matchers: string[];
    /**
     * The labels whose values identify what is broken. Alerts that agree in
     * these belong to one incident; runs of one key never overlap. None: each
     * alert is an incident of its own, and its key is `fingerprint`.
     */
    key: string[];
    /**
     * What it asks to be allowed. The operator's grants decide; the policy may
     * do what is both requested and granted.
     */
    permissions: Permission[];
    /**
     * A JSON Schema (draft 2020-12) of its settings: an object, each property
     * with a `default` unless the operator must choose.
     */
    settingsSchema: string;
  }

  /**
   * One request for rights: verbs on resources, in the terms of Kubernetes
   * RBAC, or metrics to query in Prometheus. A permission has one or the other.
   */
  export interface Permission {
    /** API groups; the core group is the empty string. */
    groups: string[];
    /** Plural resource names; a subresource is `pods/log`, `jobs/status`. */
    resources: string[];
    /**
     * `get` (reading, and waiting on, one object; `pods/log` for logs),
     * `list`, `create`, `patch` (apply too), `delete`.
     */
    verbs: string[];
    /**
     * The names of the metrics that the policy's queries select; `*` stands for
     * any characters, `?` for one: `volsync_*`. Only what stands here *and* in a
     * grant is queried: see `prometheus`.
     */
    metrics: string[];
    /**
     * The settings that turn this request on, each `SETTING=VALUE`: `unlock=job`,
     * or `unlockJob.retry=true` for a setting inside another. All must hold, once
     * the defaults are filled in; what is needed under one setting *or* another
     * is two permissions. A string is compared as it is, anything else as JSON.
     * Empty: the policy asks for it always.
     *
     * Under other settings the operator is not asked for it, and it is denied.
     */
    when: string[];
    /** Why the policy needs it, for the operator who decides. */
    reason: string;
  }
}
