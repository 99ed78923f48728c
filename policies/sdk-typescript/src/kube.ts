/**
 * The Kubernetes API, as far as the operator's grants reach.
 *
 * ```ts
 * const Backup = kube.kind("example.org/v1", "Backup");
 * const backup = kube.find(Backup, "media", "plex");
 * if (!backup) return Outcome.unnecessary("it is gone");
 * const it = kube.of(backup);
 * const trigger = it
 *   .mergePatch({ spec: { trigger: "now" } })
 *   .undo(it.jsonPatch([kube.op.test("/spec/trigger", "now"), kube.op.remove("/spec/trigger")]))
 *   .send();
 * it.wait(kube.field("/status/done").equals("now"), Duration.hours(1));
 * trigger.undo();
 * ```
 *
 * @module
 */

import { Duration, type DurationLike } from "./duration.ts";
import { call } from "./host.ts";
import type { Change } from "./kube/change.ts";
import { created } from "./kube/change.ts";
import type { Kind } from "./kube/kind.ts";
import { given } from "./kube/json.ts";
import type { KubeObject } from "./kube/object.ts";
import { Ref } from "./kube/reference.ts";

export { Change, type Undo, Undoable } from "./kube/change.ts";
export { CronJob, Event, Job, Pod } from "./kube/kinds.ts";
export type { Container, ContainerState, ContainerStatus, PodSpec } from "./kube/kinds.ts";
export { lastWarning } from "./kube/event.ts";
export { finished, hasCondition } from "./kube/job.ts";
export { kind, type Kind } from "./kube/kind.ts";
export { list, List } from "./kube/list.ts";
export { gitops, managersOf } from "./kube/managers.ts";
export { condition, type Condition, type KubeObject, type ManagedFields, type Metadata, type OwnerReference } from "./kube/object.ts";
export * as op from "./kube/op.ts";
export { Ref } from "./kube/reference.ts";
export { all, any, deleted, type Field, field, type Predicate, type Test, type Waited } from "./kube/wait.ts";

/**
 * Read one object.
 *
 * @throws HostError `NotFound` where there is none; what the host says.
 */
export function get<T extends KubeObject>(kind: Kind<T>, namespace: string, name: string): T {
  return ref(kind, namespace, name).get();
}

/**
 * Read one object that may not be there.
 *
 * @throws HostError As {@link get}, but for `NotFound`. (`NotServed` is one: where the whole kind
 * is not there, nothing is known of the object.)
 */
export function find<T extends KubeObject>(kind: Kind<T>, namespace: string, name: string): T | undefined {
  return ref(kind, namespace, name).find();
}

/** An object in a namespace, by name. Nothing is read or changed before a method says so. */
export function ref<T extends KubeObject>(kind: Kind<T>, namespace: string, name: string): Ref<T> {
  return new Ref(kind, given(namespace, `the namespace of ${kind.kind}`), given(name, `the name of ${kind.kind}`));
}

/** An object of a kind that has no namespaces, by name. */
export function cluster<T extends KubeObject>(kind: Kind<T>, name: string): Ref<T> {
  return new Ref(kind, null, given(name, `the name of ${kind.kind}`));
}

/** The object that was read: with its uid, so never another of the same name. */
export function of<T extends KubeObject>(object: T): Ref<T> {
  const { apiVersion, kind, metadata } = object;
  const what = { apiVersion: given(apiVersion, "an object's apiVersion"), kind: given(kind, "an object's kind") };
  return new Ref<T>(what as Kind<T>, metadata?.namespace ?? null, given(metadata?.name, `the name of ${kind}`), metadata?.uid ?? null);
}

/**
 * Create an object in a namespace (null for a kind that has none). `apiVersion` and `kind` are
 * filled in; with `metadata.generateName` the host chooses the name.
 */
export function create<T extends KubeObject>(kind: Kind<T>, namespace: string | null, object: object): Change<T> {
  return created(kind, namespace, object);
}

/**
 * Take the lock `name` until this run ends: of all runs of this policy, one at a time has it.
 *
 * @throws HostError `Timeout` where it stays taken for so long.
 */
export function exclusive(name: string, timeout: DurationLike): void {
  const millis = Duration.of(timeout).asMillis();
  call("kube.exclusive", (host) => host.kube.exclusive(given(name, "the name of a lock"), millis));
}
