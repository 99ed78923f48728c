// The objects of a fake host.

import type { Mutation, Query, Target } from "suture:policy/kube@0.2.0";

/** The objects' own "no". */
export class Refused extends Error {
  /** The contract's reason. */
  readonly reason: string;

  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** Objects by kind, namespace and name. */
export class Objects {
  readonly #objects = new Map<string, any>();
  #made = 0;

  put(object: any): any {
    const copy = JSON.parse(JSON.stringify(object));
    const { kind, metadata } = copy;
    metadata.uid ??= `uid-${++this.#made}`;
    this.#objects.set(key(kind, metadata.namespace ?? null, metadata.name), copy);
    return copy;
  }

  remove(kind: string, namespace: string | null, name: string): void {
    this.#objects.delete(key(kind, namespace, name));
  }

  find(kind: string, namespace: string | null, name: string): any {
    return this.#objects.get(key(kind, namespace, name));
  }

  /** The object that is meant, where it is there. */
  peek({ kind, namespace, name, uid }: Target): any {
    const object = this.find(kind.kind, namespace, name);
    return uid === null || object?.metadata.uid === uid ? object : undefined;
  }

  get(target: Target): any {
    const object = this.peek(target);
    if (!object) throw new Refused("NotFound", `${target.kind.kind} ${target.name} not found`);
    return object;
  }

  list({ kind, namespace, labels, fields }: Query): any[] {
    const all = [...this.#objects.values()].filter((object) => object.kind === kind.kind);
    return all.filter(
      ({ metadata, ...rest }) =>
        (namespace === null || metadata.namespace === namespace) &&
        selected(labels, (name) => metadata.labels?.[name]) &&
        selected(fields, (path) => path.split(".").reduce((at: any, part: string) => at?.[part], { metadata, ...rest })),
    );
  }

  change(mutation: Mutation): any {
    switch (mutation.tag) {
      case "create": {
        const { kind, namespace, object } = mutation.val;
        const made = JSON.parse(object);
        const metadata = (made.metadata ??= {});
        metadata.name ??= `${metadata.generateName}${++this.#made}`;
        if (namespace !== null) metadata.namespace = namespace;
        if (this.find(kind.kind, namespace, metadata.name)) throw new Refused("AlreadyExists", `${kind.kind} ${metadata.name} exists`);
        return this.put(made);
      }
      case "patch": {
        const { target, type, body } = mutation.val;
        const object = this.get(target);
        return this.put(type === "merge" ? merged(object, JSON.parse(body)) : edited(object, JSON.parse(body)));
      }
      case "apply": {
        const { target, object } = mutation.val;
        const now = this.peek(target) ?? { metadata: { namespace: target.namespace ?? undefined } };
        return this.put(merged(now, JSON.parse(object)));
      }
      case "delete": {
        const object = this.get(mutation.val.target);
        this.remove(object.kind, object.metadata.namespace ?? null, object.metadata.name);
        return object;
      }
    }
  }
}

function key(kind: string, namespace: string | null, name: string): string {
  return `${kind} ${namespace ?? ""}/${name}`;
}

/** Whether the simple selectors (`a=b`, `a!=b`, `a`) hold; others select everything. */
function selected(selector: string, value: (name: string) => unknown): boolean {
  return selector.split(",").filter((part) => part !== "").every((part) => {
    const [, name = "", op = "", wanted = ""] = /^([^=!]+)(==|=|!=)?(.*)$/.exec(part) ?? [];
    if (op === "") return value(name) !== undefined;
    return (String(value(name) ?? "") === wanted) === (op !== "!=");
  });
}

function merged(object: any, patch: any): any {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: any = typeof object === "object" && object !== null && !Array.isArray(object) ? { ...object } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = merged(result[name], value);
  }
  return result;
}

function edited(object: any, operations: { op: string; path: string; value?: unknown }[]): any {
  const whole = JSON.parse(JSON.stringify(object));
  for (const { op, path, value } of operations) {
    const parts = path.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = parts.pop() ?? "";
    const holder = parts.reduce((at: any, part) => at?.[part], whole);
    const missing = holder?.[last] === undefined;
    if (!holder || (missing && op !== "add")) throw new Refused("Invalid", `${op} ${path}: there is no such field`);
    if (op === "test") {
      if (JSON.stringify(holder[last]) !== JSON.stringify(value)) throw new Refused("Invalid", `test ${path}: another value`);
    } else if (Array.isArray(holder)) {
      const index = last === "-" ? holder.length : Number(last);
      holder.splice(index, op === "add" ? 0 : 1, ...(op === "remove" ? [] : [value]));
    } else if (op === "remove") delete holder[last];
    else holder[last] = value;
  }
  return whole;
}
