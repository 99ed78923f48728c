// Objects travel as JSON text.

import { HostError } from "../error.ts";
import { words } from "../text.ts";
import type { Kind } from "./kind.ts";
import type { KubeObject } from "./object.ts";

/** An object from its JSON, with the kind that was asked for (items of a list don't say theirs). */
export function read<T extends KubeObject>(json: string, { apiVersion, kind }: Kind<T>): T {
  let object: unknown;
  try {
    object = JSON.parse(json);
  } catch (error) {
    throw new HostError("Unreadable", `${kind}: ${(error as Error).message}`);
  }
  return { apiVersion, kind, ...(object as T) };
}

/** A value as JSON that every reader takes. */
export function write(value: unknown): string {
  const text = JSON.stringify(value);
  if (text === undefined) throw new TypeError(`${String(value)} can't be written as JSON`);
  // Half of a character (a text that was cut in the middle of one).
  if (!/\\ud[89a-f]/i.test(text)) return text;
  return JSON.stringify(value, (_, part) => (typeof part === "string" ? words(part) : part));
}

/** A text that must be there: a label that an alert lacks is undefined in JavaScript. */
export function given(value: unknown, what: string): string {
  if (typeof value === "string" && value !== "") return words(value);
  throw new TypeError(`${what} is ${value === "" ? "empty" : String(value)}`);
}
