// Changes, and how they are taken back.

import type { Mutation, Propagation, Target } from "suture:policy/kube@0.2.0";
import { call } from "../host.ts";
import { read, write } from "./json.ts";
import type { Kind } from "./kind.ts";
import type { KubeObject } from "./object.ts";

/** A change that has not been made yet: `send` makes it. */
export class Change<T extends KubeObject = KubeObject> {
  /** As the contract writes it. */
  readonly mutation: Mutation;
  readonly #kind: Kind<T>;

  /** @internal */
  constructor(kind: Kind<T>, mutation: Mutation) {
    this.#kind = kind;
    this.mutation = mutation;
  }

  /**
   * Only if the object is still at this version (`metadata.resourceVersion`); otherwise the error
   * is `Conflict`. Does nothing to a create or an apply, which name no version.
   */
  atVersion(resourceVersion: string): Change<T> {
    const { mutation } = this;
    if (mutation.tag === "patch") return this.#with({ tag: "patch", val: { ...mutation.val, resourceVersion } });
    if (mutation.tag === "delete") return this.#with({ tag: "delete", val: { ...mutation.val, resourceVersion } });
    return this;
  }

  /** Of an apply: take fields that another manager owns. */
  force(): Change<T> {
    const { mutation } = this;
    return mutation.tag === "apply" ? this.#with({ tag: "apply", val: { ...mutation.val, force: true } }) : this;
  }

  /** Of a delete: what becomes of the objects that this one owns. In the background, where it is not said. */
  propagation(propagation: Propagation): Change<T> {
    const { mutation } = this;
    return mutation.tag === "delete" ? this.#with({ tag: "delete", val: { ...mutation.val, propagation } }) : this;
  }

  /**
   * Arm a change that takes this one back. The host makes it at the end of the run, however the
   * run ends, unless it was settled before.
   */
  undo(undo: Change<any>): Undoable<T> {
    return new Undoable(this.#kind, this.mutation, undo.mutation);
  }

  /**
   * Of a create: arm the deletion of what is made. The host deletes it at the end of the run,
   * however the run ends, unless it was settled before.
   */
  undoByDeleting(): Undoable<T> {
    const { mutation } = this;
    if (mutation.tag !== "create") throw new TypeError("only what is created is undone by deleting it");
    const { kind, namespace } = mutation.val;
    // An empty name means what this very call has made.
    const target = { kind, namespace, name: "", uid: null, subresource: null };
    return new Undoable(this.#kind, mutation, { tag: "delete", val: { target, propagation: "background", resourceVersion: null } });
  }

  /**
   * Make the change, for good. Returns the object after it.
   *
   * @throws HostError What the host says; then the change was not made, unless the reason is `Unknown`.
   */
  send(): T {
    const { object } = call("kube.mutate", (host) => host.kube.mutate(this.mutation, null));
    return read(object, this.#kind);
  }

  #with(mutation: Mutation): Change<T> {
    return new Change(this.#kind, mutation);
  }
}

/** A change with what takes it back. */
export class Undoable<T extends KubeObject = KubeObject> {
  readonly #kind: Kind<T>;
  readonly #change: Mutation;
  readonly #undo: Mutation;

  /** @internal */
  constructor(kind: Kind<T>, change: Mutation, undo: Mutation) {
    this.#kind = kind;
    this.#change = change;
    this.#undo = undo;
  }

  /**
   * Make the change. From now on the host sees to it that it is taken back.
   *
   * @throws HostError What the host says; then the change was not made, unless the reason is `Unknown`.
   */
  send(): Undo<T> {
    const { step, object } = call("kube.mutate", (host) => host.kube.mutate(this.#change, this.#undo));
    return new Undo(step, read(object, this.#kind));
  }
}

/**
 * A change that was made and will be taken back at the end of the run: earlier with `undo`,
 * never with `keep`.
 */
export class Undo<T extends KubeObject = KubeObject> {
  /** The object after the change. */
  readonly object: T;
  readonly #step: string;

  /** @internal */
  constructor(step: string, object: T) {
    this.#step = step;
    this.object = object;
  }

  /**
   * Take the change back now.
   *
   * @throws HostError What the host says. It tries again at the end of the run.
   */
  undo(): void {
    call("kube.settle", (host) => host.kube.settle(this.#step, true));
  }

  /**
   * The change is to stay.
   *
   * @throws HostError What the host says.
   */
  keep(): void {
    call("kube.settle", (host) => host.kube.settle(this.#step, false));
  }
}

/** @internal */
export function created<T extends KubeObject>(kind: Kind<T>, namespace: string | null, object: object): Change<T> {
  const { apiVersion, kind: called } = kind;
  const whole = write({ ...object, apiVersion, kind: called });
  return new Change(kind, { tag: "create", val: { kind: { apiVersion, kind: called }, namespace, object: whole, subresource: null } });
}

/** @internal */
export function applied<T extends KubeObject>(target: Target, object: object): Change<T> {
  const { apiVersion, kind } = target.kind;
  const metadata = { ...(object as Partial<KubeObject>).metadata, name: target.name };
  const whole = write({ ...object, apiVersion, kind, metadata });
  return new Change(target.kind as Kind<T>, { tag: "apply", val: { target, object: whole, force: false } });
}
