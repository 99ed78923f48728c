// A policy as what the contract wants exported.

import type { Incident as RawIncident, Manifest, Outcome as RawOutcome } from "suture:policy/types@0.2.0";
import { run } from "./host.ts";
import { Incident } from "./incident.ts";
import { check } from "./manifest.ts";
import { Outcome } from "./outcome.ts";
import type { Permission } from "./permission.ts";
import type { Schema, Settings, SettingsOf } from "./setting.ts";
import { Stop } from "./stop.ts";
import { explain } from "./trace.ts";

/** A policy, as its author writes it. */
export interface Definition<S extends Settings> {
  /** Its name: a DNS label (RFC 1123), as the operator will write it. */
  name: string;
  /** Its version: semantic versioning 2.0. */
  version: string;
  /** What it does, in one or two sentences. */
  description: string;
  /** The alerts it is for: Alertmanager matchers (`alertname="X"`, `role=~"a|b"`), all of which must match. */
  matchers?: string[];
  /**
   * The labels whose values identify what is broken. Alerts that agree in these belong to one
   * incident; runs of one key never overlap. None: each alert is an incident of its own.
   */
  key?: string[];
  /** What it asks to be allowed. It may do what is both requested and granted. */
  permissions?: Permission[];
  /** What the operator may set: each with its default and what it means. */
  settings?: S;
  /**
   * More of the settings' JSON Schema, for what lies between settings (`{ anyOf: [{ required:
   * ["url"] }, { required: ["name"] }] }`).
   */
  settingsSchema?: Schema;
  /**
   * Repair one incident: blocking code, never `async`. What it returns, or a `stop` from deep
   * inside, is the conclusion. What it throws says that the policy could not conclude: the host
   * takes back what was not kept, and retries as the operator's settings say.
   */
  remediate(incident: Incident, settings: SettingsOf<S>): Outcome;
}

/** A policy, as the contract wants it: export both. */
export interface Policy {
  /** What it says of itself. */
  manifest(): Manifest;
  /** Repair one incident. The host calls this, and tests play it. */
  remediate(incident: RawIncident): RawOutcome;
}

/**
 * Makes a policy. Export what it returns, once:
 *
 * ```ts
 * export const { manifest, remediate } = policy({ name: "restart", … });
 * ```
 *
 * What is wrong in the manifest is an error right here, when the policy is built.
 */
export function policy<S extends Settings = {}>(definition: Definition<S>): Policy {
  const manifest = explained(() => check(definition));
  return {
    manifest: () => manifest,
    remediate: (incident) => explained(() => run(() => remediate(definition, incident))),
  };
}

function remediate<S extends Settings>(definition: Definition<S>, raw: RawIncident): RawOutcome {
  const given = JSON.parse(raw.settings) as Record<string, unknown>;
  const read = ([name, setting]: [string, Settings[string]]) => (name in given ? [[name, setting.read(given[name])]] : []);
  const settings = Object.fromEntries(Object.entries(definition.settings ?? {}).flatMap(read));
  try {
    const outcome = definition.remediate(new Incident(raw), settings as SettingsOf<S>);
    if (outcome instanceof Outcome) return outcome.raw();
    throw new TypeError(`\`remediate\` returned ${shown(outcome)}: ${advice(outcome)}`);
  } catch (error) {
    if (error instanceof Stop) return error.outcome.raw();
    throw error;
  }
}

function shown(value: unknown): string {
  if (value instanceof Promise) return "a promise";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

function advice(value: unknown): string {
  if (value instanceof Promise) return "a policy is blocking code; leave out `async` and `await`";
  return "return what it concluded, like `Outcome.remediated(\"…\")`";
}

/** Work whose errors say where in the policy they come from. */
function explained<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explain(error);
  }
}
