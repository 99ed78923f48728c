/**
 * Unit tests of policies, in Node, without WebAssembly: a fake host that holds a few objects and
 * answers as it was told. Whole stories (controllers, grants, crashes) are told by scenarios,
 * which `suture test` plays; this is for the small questions.
 *
 * ```ts
 * const host = new FakeHost().object({ apiVersion: "v1", kind: "Pod", metadata: { namespace: "a", name: "b" } });
 * const { outcome } = play(policy, { labels: { namespace: "a", pod: "b" }, host });
 * assert.equal(outcome.tag, "unnecessary");
 * assert.deepEqual(host.calls.map(String), ["get Pod a/b"]);
 * ```
 *
 * @module
 */

import type { Outcome } from "suture:policy/types@0.2.0";
import { run } from "./host.ts";
import type { Policy } from "./policy.ts";
import type { FakeHost } from "./testing/host.ts";

export { type Answer, Call, FakeHost } from "./testing/host.ts";

/** What to play. */
export interface Play {
  /** The labels of the alert. Those that the manifest names in `key` must be there. */
  labels: { [name: string]: string };
  /** Its annotations. */
  annotations?: { [name: string]: string };
  /** The operator's settings; the manifest's defaults are filled in. */
  settings?: { [name: string]: unknown };
  /** Which attempt of its incident it is: 1, where it is not said. */
  attempt?: number;
  /** Who answers. */
  host: FakeHost;
}

/** How it ended. */
export interface Played {
  /** What the policy concluded, as the contract writes it. */
  outcome: Outcome;
  /** The sentence for people that stands in it. */
  summary: string;
}

/**
 * Plays a policy once; `policy` is the module, or what {@link policy} returned. What it throws,
 * as an operator would see it, is thrown on.
 */
export function play(policy: Policy, { labels, annotations, settings, attempt, host }: Play): Played {
  const manifest = policy.manifest();
  const pairs = (map: { [name: string]: string } = {}) => Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const key = manifest.key.map((name): [string, string] => {
    const value = labels[name];
    if (value === undefined) throw new Error(`the alert lacks the key label \`${name}\``);
    return [name, value];
  });
  const schema = JSON.parse(manifest.settingsSchema) as { properties?: { [name: string]: { default?: unknown } } };
  const defaults = Object.entries(schema.properties ?? {}).flatMap(([name, { default: value }]) =>
    value === undefined ? [] : [[name, value]],
  );
  const incident = {
    id: "incident-1",
    attempt: attempt ?? 1,
    key: key.sort(([a], [b]) => (a < b ? -1 : 1)),
    alert: {
      status: "firing" as const,
      labels: pairs(labels),
      annotations: pairs(annotations),
      startsAt: new Date(host.now).toISOString(),
      endsAt: null,
      generatorUrl: "",
      fingerprint: "0000000000000000",
    },
    settings: JSON.stringify({ ...Object.fromEntries(defaults), ...settings }),
  };
  const outcome = withHost(host, () => policy.remediate(incident));
  return { outcome, summary: outcome.tag === "retry" ? outcome.val.reason : outcome.val };
}

/** Runs a part of a policy with a host that answers: for tests of single functions. */
export function withHost<T>(host: FakeHost, work: () => T): T {
  return run(work, host.contract());
}
