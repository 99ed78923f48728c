// One object, by name.

import type { Target } from "suture:policy/kube@0.2.0";
import { Duration, type DurationLike } from "../duration.ts";
import { isNotFound } from "../error.ts";
import { call } from "../host.ts";
import { words } from "../text.ts";
import { applied, Change } from "./change.ts";
import { read, write } from "./json.ts";
import type { Kind } from "./kind.ts";
import type { KubeObject } from "./object.ts";
import type { Operation } from "./op.ts";
import { type Predicate, predicate, type Test, type Waited } from "./wait.ts";

/** One object of a kind, by name. Nothing is read or changed before a method says so. */
export class Ref<T extends KubeObject = KubeObject> {
  /** As the contract writes it. */
  readonly target: Target;

  /** @internal */
  constructor(kind: Kind<T>, namespace: string | null, name: string, uid: string | null = null, subresource: string | null = null) {
    const { apiVersion, kind: called } = kind;
    this.target = { kind: { apiVersion, kind: called }, namespace, name, uid, subresource };
  }

  /** A subresource of it: `status`, `scale`. */
  subresource(name: string): Ref<T> {
    const { kind, namespace, name: of, uid } = this.target;
    return new Ref<T>(kind as Kind<T>, namespace, of, uid, name);
  }

  /**
   * Read it.
   *
   * @throws HostError `NotFound` where it is not there; what the host says.
   */
  get(): T {
    return this.#read(call("kube.get", (host) => host.kube.get(this.target)));
  }

  /**
   * Read it, if it is there.
   *
   * @throws HostError As {@link get}, but for `NotFound`.
   */
  find(): T | undefined {
    try {
      return this.get();
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  /** Change it by a JSON merge patch (RFC 7386): what is null is removed. */
  mergePatch(body: object): Change<T> {
    return this.#patch("merge", body);
  }

  /** Change it by a JSON patch (RFC 6902), written with `kube.op`. */
  jsonPatch(operations: Operation[]): Change<T> {
    return this.#patch("json", operations);
  }

  /** Server-side apply: own these fields. `apiVersion`, `kind` and name are filled in. */
  apply(object: object): Change<T> {
    return applied<T>(this.target, object);
  }

  /** Delete it. It may live on, terminating, while it has finalizers: wait for `deleted()` to know. */
  delete(): Change<T> {
    return new Change<T>(this.#kind, { tag: "delete", val: { target: this.target, propagation: "background", resourceVersion: null } });
  }

  /**
   * Wait until it is as described, or gone, or the time is up. It may take hours and costs
   * nothing. An object that does not exist yet is waited for, unless it was read before (`of`).
   *
   * @throws HostError What the host says; that the time is up is no error.
   */
  wait(until: Predicate | Test, timeout: DurationLike): Waited<T> {
    const millis = Duration.of(timeout).asMillis();
    const waited = call("kube.wait", (host) => host.kube.wait(this.target, predicate(until), millis));
    return waited.tag === "met" ? { tag: "met", object: this.#read(waited.val) } : waited;
  }

  /**
   * Of a pod: the last lines that a container has written. `container` may be empty where the
   * pod has one.
   *
   * @throws HostError What the host says.
   */
  logs(container: string, lines: number, limitBytes = 0): string {
    return call("kube.logs", (host) => host.kube.logs(this.target, words(container), lines, limitBytes));
  }

  /** `Job media/plex`. */
  toString(): string {
    const { kind, namespace, name } = this.target;
    return `${kind.kind} ${namespace === null ? "" : `${namespace}/`}${name}`;
  }

  get #kind(): Kind<T> {
    return this.target.kind as Kind<T>;
  }

  #read(json: string): T {
    return read(json, this.#kind);
  }

  #patch(type: "merge" | "json", body: unknown): Change<T> {
    return new Change<T>(this.#kind, { tag: "patch", val: { target: this.target, type, body: write(body), resourceVersion: null } });
  }
}
