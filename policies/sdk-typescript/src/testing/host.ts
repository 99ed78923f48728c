// A host for unit tests.

import type { Error as RawError, Mutation, Target } from "suture:policy/kube@0.2.0";
import { Duration, type DurationLike } from "../duration.ts";
import { HostError } from "../error.ts";
import type { Host } from "../host.ts";
import { Objects, Refused } from "./objects.ts";
import { holds } from "./wait.ts";

/** What is called, as scenarios and timelines name it. */
export type Verb = "get" | "list" | "create" | "patch" | "apply" | "delete" | "undo" | "keep" | "wait" | "logs" | "exclusive" | "query" | "queryRange" | "alerts" | "sleep";

/** One call that the policy made. */
export class Call {
  /** Which. */
  readonly verb: Verb;
  /** What about: `Job media/plex`, an expression, the name of a lock. */
  readonly what: string;
  /** The rest: an object or patch as it was sent, what is waited for, the container of a log. */
  readonly body: any;
  /** What takes the change back, where it was sent with an undo. */
  readonly undo: Call | undefined;

  constructor(verb: Verb, what: string, body?: unknown, undo?: Call) {
    this.verb = verb;
    this.what = what;
    this.body = body;
    this.undo = undo;
  }

  /** `get Job media/plex`. */
  toString(): string {
    return `${this.verb} ${this.what}`;
  }
}

/**
 * What a call gets instead of what the fake host would say: a value as the contract writes it, or
 * a {@link HostError} to fail with. Undefined for the usual answer. It may also change what the
 * host holds (`host.object(…)`) and return undefined: somebody else who acts in between.
 */
export type Answer = (call: Call) => unknown;

/**
 * A host for unit tests. It holds objects, and changes them as it is asked to; it knows no
 * grants, no controllers and no versions. A wait that does not hold at once times out; a query
 * finds nothing: `answer` says otherwise.
 */
export class FakeHost {
  /** What the policy has called, in order; what it said apart. */
  readonly calls: Call[] = [];
  /** What the policy has said: steps (`# …`) and log lines. */
  readonly lines: string[] = [];
  /** The present moment, in milliseconds since the Unix epoch. */
  now = Date.parse("2026-11-22T04:10:00Z");
  readonly #objects = new Objects();
  readonly #logs = new Map<string, string>();
  readonly #answers: Answer[] = [];
  readonly #undos = new Map<string, Mutation>();

  /** Adds an object, or replaces the one of its name. */
  object(object: object): this {
    this.#objects.put(object);
    return this;
  }

  /** Removes an object. */
  remove(kind: string, namespace: string | null, name: string): this {
    this.#objects.remove(kind, namespace, name);
    return this;
  }

  /** The object of this kind as it is now; undefined where there is none. */
  find(kind: string, namespace: string | null, name: string): any {
    return this.#objects.find(kind, namespace, name);
  }

  /** What a container has written. `pod` is `NAMESPACE/NAME`. */
  log(pod: string, container: string, text: string): this {
    this.#logs.set(`${pod} ${container}`, text);
    return this;
  }

  /** Answers calls. Of several, the one that was given last is asked first. */
  answer(answer: Answer): this {
    this.#answers.unshift(answer);
    return this;
  }

  /** Lets calls fail whose words (`get Job media/plex`) begin like this. */
  fail(words: string, reason: string, message = "as the test says"): this {
    return this.answer((call) => (String(call).startsWith(words) ? new HostError(reason, message) : undefined));
  }

  /** The changes that were made, and are still to be taken back at the end of the run. */
  get armed(): number {
    return this.#undos.size;
  }

  /** What policy code calls. */
  contract(): Host {
    const log = (level: string, message: string) => void this.lines.push(`${level}: ${message}`);
    return {
      kube: {
        get: (target) => this.#ask(new Call("get", named(target)), () => JSON.stringify(this.#objects.get(target))),
        list: (query) => {
          const call = new Call("list", `${query.kind.kind} ${query.namespace ?? "*"}`, { labels: query.labels, fields: query.fields });
          const items = () => this.#objects.list(query).map((object) => JSON.stringify(object));
          return this.#ask(call, () => ({ items: items(), next: null, resourceVersion: "1" }));
        },
        mutate: (mutation, undo) => this.#mutate(mutation, undo),
        settle: (step, now) => this.#settle(step, now),
        wait: (target, until, timeoutMs) =>
          this.#ask(new Call("wait", named(target), { until, timeoutMs }), () => {
            const waited = holds(this.#objects.peek(target), until);
            if (waited.tag === "timeout") this.now += timeoutMs;
            return waited;
          }),
        logs: (pod, container) =>
          this.#ask(new Call("logs", named(pod), { container }), () => this.#logs.get(`${pod.namespace}/${pod.name} ${container}`) ?? ""),
        exclusive: (name, timeoutMs) => this.#ask(new Call("exclusive", name, { timeoutMs }), () => undefined),
      },
      prometheus: {
        query: (expression) => this.#ask(new Call("query", expression), () => []),
        queryRange: (expression) => this.#ask(new Call("queryRange", expression), () => []),
        alerts: () => this.#ask(new Call("alerts", ""), () => []),
      },
      clock: {
        now: () => this.now,
        sleep: (millis) => this.#ask(new Call("sleep", String(Duration.millis(millis))), () => void (this.now += millis)),
      },
      log: { log, step: (title) => void this.lines.push(`# ${title}`) },
    };
  }

  /** Lets time pass. */
  pass(duration: DurationLike): this {
    this.now += Duration.of(duration).asMillis();
    return this;
  }

  #ask<T>(call: Call, usual: () => T): T {
    this.calls.push(call);
    for (const answer of this.#answers) {
      const said = answer(call);
      if (said instanceof HostError) throw payload(said.reason, said.detail, said.status, said.retryAfter);
      if (said !== undefined) return said as T;
    }
    try {
      return usual();
    } catch (error) {
      throw error instanceof Refused ? payload(error.reason, error.message) : error;
    }
  }

  #mutate(mutation: Mutation, undo: Mutation | null) {
    const call = changing(mutation, undo ? changing(undo) : undefined);
    return this.#ask(call, () => {
      const object = this.#objects.change(mutation);
      const step = String(this.calls.length);
      if (undo) this.#undos.set(step, aimed(undo, object));
      return { step, object: JSON.stringify(object) };
    });
  }

  #settle(step: string, now: boolean): void {
    this.#ask(new Call(now ? "undo" : "keep", step), () => {
      const undo = this.#undos.get(step);
      this.#undos.delete(step);
      if (undo && now) this.#objects.change(undo);
    });
  }
}

function named({ kind, namespace, name, subresource }: Target): string {
  return `${kind.kind} ${namespace === null ? "" : `${namespace}/`}${name}${subresource === null ? "" : `/${subresource}`}`;
}

function changing(mutation: Mutation, undo?: Call): Call {
  switch (mutation.tag) {
    case "create": {
      const { kind, namespace, object } = mutation.val;
      const body = JSON.parse(object);
      const name = body.metadata?.name ?? `${body.metadata?.generateName ?? ""}…`;
      return new Call("create", `${kind.kind} ${namespace === null ? "" : `${namespace}/`}${name}`, body, undo);
    }
    case "patch":
      return new Call("patch", named(mutation.val.target), JSON.parse(mutation.val.body), undo);
    case "apply":
      return new Call("apply", named(mutation.val.target), JSON.parse(mutation.val.object), undo);
    case "delete":
      return new Call("delete", named(mutation.val.target), { propagation: mutation.val.propagation }, undo);
  }
}

/** An undo without a name means the object that the change made. */
function aimed(undo: Mutation, object: any): Mutation {
  if (undo.tag === "create" || undo.val.target.name !== "") return undo;
  const target = { ...undo.val.target, name: object.metadata.name as string };
  return { ...undo, val: { ...undo.val, target } } as Mutation;
}

/** An error as the contract's imports throw it. */
function payload(reason: string, message: string, status?: number, retryAfter?: Duration): Error {
  const raw: RawError = { reason, message, status: status ?? null, retryAfterMs: retryAfter?.asMillis() ?? null };
  return Object.assign(new Error(message), { payload: raw });
}
