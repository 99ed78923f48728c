// Many objects of a kind.

import type { Query } from "suture:policy/kube@0.2.0";
import { isExpired } from "../error.ts";
import { call } from "../host.ts";
import { words } from "../text.ts";
import { given, read } from "./json.ts";
import type { Kind } from "./kind.ts";
import type { KubeObject } from "./object.ts";

/** How often a list is begun that expires before it is read. */
const TRIES = 5;

/** Some objects of a kind, in all namespaces that the grants allow unless `inNamespace` says which. */
export function list<T extends KubeObject>(kind: Kind<T>): List<T> {
  const { apiVersion, kind: called } = kind;
  return new List<T>({
    kind: { apiVersion, kind: called },
    namespace: null,
    labels: "",
    fields: "",
    limit: 0,
    next: null,
    metadataOnly: false,
  });
}

/** A list that has not been read yet. */
export class List<T extends KubeObject = KubeObject> {
  /** As the contract writes it. */
  readonly query: Query;

  /** @internal */
  constructor(query: Query) {
    this.query = query;
  }

  /** Only in this namespace. */
  inNamespace(namespace: string): List<T> {
    return this.#with({ namespace: given(namespace, "the namespace of a list") });
  }

  /** Only those with this label. Said again: with all of them. */
  withLabel(name: string, value: string): List<T> {
    return this.labels(`${name}=${value}`);
  }

  /** Only those that a label selector selects, as kubectl takes it. */
  labels(selector: string): List<T> {
    return this.#with({ labels: joined(this.query.labels, selector) });
  }

  /** Only those that a field selector selects (`metadata.name=x`). */
  fields(selector: string): List<T> {
    return this.#with({ fields: joined(this.query.fields, selector) });
  }

  /** Ask for so many at a time: of large objects, a page may be larger than one call is allowed to be. */
  pagesOf(objects: number): List<T> {
    return this.#with({ limit: objects });
  }

  /** Only `apiVersion`, `kind` and `metadata` of each. */
  metadataOnly(): List<T> {
    return this.#with({ metadataOnly: true });
  }

  /**
   * Read them, page after page, to the last, or to as many as `atMost`. Where so much has changed
   * meanwhile that the list can't be continued, it is begun anew.
   *
   * @throws HostError What the host says of any page; `Expired` where it expires again and again.
   */
  read(atMost = Infinity): T[] {
    for (let begun = 1; ; begun += 1) {
      try {
        return this.#pages(atMost);
      } catch (error) {
        if (!isExpired(error) || begun >= TRIES) throw error;
      }
    }
  }

  #pages(atMost: number): T[] {
    const objects: T[] = [];
    let query: Query = this.query;
    for (;;) {
      const page = call("kube.list", (host) => host.kube.list(query));
      for (const item of page.items) objects.push(read<T>(item, query.kind as Kind<T>));
      if (page.next === null || objects.length >= atMost) return objects.slice(0, atMost);
      query = { ...query, next: page.next };
    }
  }

  #with(changed: Partial<Query>): List<T> {
    return new List({ ...this.query, ...changed });
  }
}

function joined(selector: string, more: string): string {
  return words(selector === "" ? more : `${selector},${more}`);
}
