// What a run works on.

import type { Alert as RawAlert, Incident as Raw, Label } from "suture:policy/types@0.2.0";
import { Time } from "./time.ts";

/** Label or annotation names and values, sorted by name. */
export type Labels = Readonly<Record<string, string>>;

/**
 * One alert. Everything in it was chosen by whoever can write a rule or post to the webhook: a
 * hint, not a proof.
 */
export interface Alert {
  /** Whether it fires; false where Alertmanager said that it is resolved. */
  readonly firing: boolean;
  /** Its labels. */
  readonly labels: Labels;
  /** Its annotations. */
  readonly annotations: Labels;
  /** When it began to fire. */
  readonly startsAt: Time | undefined;
  /** When it was resolved, if it was. */
  readonly endsAt: Time | undefined;
  /** A link to the expression that fires. */
  readonly generatorUrl: string;
  /** Alertmanager's hash of the labels. */
  readonly fingerprint: string;
}

/**
 * What a run works on: one policy and one key, from the first firing alert until it is
 * resolved.
 */
export class Incident {
  /** Unique, and the same for all attempts. */
  readonly id: string;
  /** 1 for the first run, 2 for its first retry, … */
  readonly attempt: number;
  /**
   * The labels that the manifest names in `key`. The host has checked that each value is a
   * valid Kubernetes name.
   */
  readonly keys: Labels;
  /** The alert that opened the incident, in its latest form. */
  readonly alert: Alert;

  constructor(raw: Omit<Raw, "settings">) {
    this.id = raw.id;
    this.attempt = raw.attempt;
    this.keys = labels(raw.key);
    this.alert = alert(raw.alert);
  }

  /** The value of a key label. Throws where the manifest does not name the label in `key`. */
  key(label: string): string {
    const value = this.keys[label];
    if (value === undefined) throw new Error(`\`${label}\` is not among the manifest's key labels`);
    return value;
  }

  /** The value of any label of the alert, where it has it. */
  label(name: string): string | undefined {
    return this.alert.labels[name];
  }
}

function alert(raw: RawAlert): Alert {
  return {
    firing: raw.status === "firing",
    labels: labels(raw.labels),
    annotations: labels(raw.annotations),
    startsAt: Time.parse(raw.startsAt),
    endsAt: Time.parse(raw.endsAt),
    generatorUrl: raw.generatorUrl,
    fingerprint: raw.fingerprint,
  };
}

/** Names and values from the contract's pairs: without a prototype, whose names a label could have. */
export function labels(pairs: Label[]): Labels {
  return Object.assign(Object.create(null), Object.fromEntries(pairs));
}
