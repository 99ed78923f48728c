// What the operator may set.

import { Duration } from "./duration.ts";

/** A part of a JSON Schema (draft 2020-12). */
export type Schema = { [keyword: string]: unknown };

/** A setting: its schema, and how its value is read. */
export class Setting<T> {
  /** Its schema, with default and description. */
  readonly schema: Schema;
  /** Makes what the policy sees of the JSON value. */
  readonly read: (value: unknown) => T;

  constructor(schema: Schema, read: (value: unknown) => T) {
    this.schema = schema;
    this.read = read;
  }
}

/** The settings of a policy, by name. */
export type Settings = { [name: string]: Setting<any> };

/** What `remediate` gets of them: each setting's value. */
export type SettingsOf<S extends Settings> = { readonly [name in keyof S]: S[name] extends Setting<infer T> ? T : never };

/** What a default's type makes of a setting's type: `false` is a boolean, `3` a number. */
type Widened<T> = T extends boolean ? boolean : T extends number ? number : T extends string ? string : T;

/**
 * A setting that the operator may change: its default, from which its type follows, and what it
 * means. Where that does not say enough, more of its JSON Schema (`{ minimum: 1, maximum: 10 }`);
 * bound every number.
 *
 * ```ts
 * settings: {
 *   patience: setting(Duration.minutes(10), "How long to wait for it."),
 *   attempts: setting(3, "How often to try.", { minimum: 1, maximum: 10 }),
 *   labels: setting<Record<string, string>>({}, "Labels to add.", { additionalProperties: { type: "string" } }),
 * }
 * ```
 */
export function setting<T>(fallback: T, description: string, more: Schema = {}): Setting<Widened<T>> {
  if (fallback instanceof Duration) {
    const schema = { type: "string", pattern: Duration.PATTERN, default: String(fallback), description, ...more };
    return new Setting(schema, (value) => Duration.parse(String(value)) as Widened<T>);
  }
  const schema = { ...shape(fallback), default: fallback, description, ...more };
  return new Setting(schema, (value) => value as Widened<T>);
}

/** A setting that is one of some words; the first is the default. */
export function choice<const C extends string>(choices: readonly C[], description: string): Setting<C> {
  return new Setting({ type: "string", enum: choices, default: choices[0], description }, (value) => value as C);
}

/**
 * A setting without a default: the operator must choose. Its JSON Schema says what it may be:
 * `required<string>({ type: "string", pattern: "^https://" }, "Where it is asked.")`.
 */
export function required<T>(schema: Schema, description: string): Setting<T> {
  return new Setting({ ...schema, description }, (value) => value as T);
}

function shape(fallback: unknown): Schema {
  if (typeof fallback === "boolean" || typeof fallback === "string") return { type: typeof fallback };
  if (Array.isArray(fallback)) return { type: "array" };
  if (typeof fallback === "object" && fallback !== null) return { type: "object" };
  if (typeof fallback !== "number") throw new TypeError(`${String(fallback)} can't be the default of a setting`);
  const whole = Number.isInteger(fallback) && fallback >= 0;
  return whole ? { type: "integer", minimum: 0, maximum: 4_294_967_295 } : { type: "number" };
}
