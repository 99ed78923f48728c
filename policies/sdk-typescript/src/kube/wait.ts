// What to wait for, and how it ended.

import type { Op, Predicate, Test } from "suture:policy/kube@0.2.0";
import { write } from "./json.ts";

export type { Predicate, Test };

/** How a wait ended. */
export type Waited<T> =
  /** The object was as described: as it was then. */
  | { tag: "met"; object: T }
  /** The object is gone. For {@link deleted} this is success. */
  | { tag: "deleted" }
  /** It did not happen in time. */
  | { tag: "timeout" };

/** A field of an object that is about to be compared. */
export interface Field {
  /** It is there, and not null. */
  exists(): Test;
  /** It is not there, or null. */
  absent(): Test;
  /** It is this. */
  equals(value: unknown): Test;
  /** It is not this; perhaps it is not there. */
  differsFrom(value: unknown): Test;
}

/** A field of the object, by its JSON pointer: `/status/phase`. */
export function field(pointer: string): Field {
  const test = (op: Op, value: string): Test => ({ pointer, op, value });
  return {
    exists: () => test("exists", ""),
    absent: () => test("absent", ""),
    equals: (value) => test("equals", write(value)),
    differsFrom: (value) => test("not-equals", write(value)),
  };
}

/** The object is gone, or replaced by another of its name. */
export function deleted(): Predicate {
  return { tag: "deleted" };
}

/** All of these hold. */
export function all(tests: Test[]): Predicate {
  return { tag: "all", val: tests };
}

/** At least one of these holds. */
export function any(tests: Test[]): Predicate {
  return { tag: "any", val: tests };
}

/** @internal */
export function predicate(until: Predicate | Test): Predicate {
  return "tag" in until ? until : all([until]);
}
