/// <reference path="./contract.d.ts" preserve="true" />
/// <reference path="./ambient.d.ts" preserve="true" />
/**
 * The library that Suture policies are written with, in TypeScript or JavaScript.
 *
 * A policy is a module that exports what {@link policy} makes; `suture build` makes a
 * component of it. This is a whole one: it restarts what does not become ready after its
 * configuration was replaced.
 *
 * ```ts
 * import { Duration, Outcome, kube, log, permission, policy, setting } from "suture-policy";
 *
 * const Deployment = kube.kind("apps/v1", "Deployment");
 *
 * export const { manifest, remediate } = policy({
 *   name: "restart",
 *   version: "0.1.0",
 *   description: "Restarts a Deployment, once.",
 *   matchers: ['alertname="DeploymentUnavailable"'],
 *   key: ["namespace", "deployment"],
 *   permissions: [permission("apps", ["deployments"], ["get", "patch"], "to restart it")],
 *   settings: { patience: setting(Duration.minutes(10), "How long it may take to come back.") },
 *
 *   remediate(incident, settings) {
 *     const [namespace, name] = [incident.key("namespace"), incident.key("deployment")];
 *     const deployment = kube.find(Deployment, namespace, name);
 *     if (!deployment) return Outcome.unnecessary(`${name} is gone`);
 *     log.step(`restarting ${name}`);
 *     const stamp = { "example.org/restarted-by": incident.id };
 *     const it = kube.of(deployment);
 *     it.mergePatch({ spec: { template: { metadata: { annotations: stamp } } } }).send();
 *     const waited = it.wait(kube.field("/status/unavailableReplicas").absent(), settings.patience);
 *     return waited.tag === "met"
 *       ? Outcome.remediated(`${name} was restarted and is available`)
 *       : Outcome.escalate(`${name} was restarted and is still not available`);
 *   },
 * });
 * ```
 *
 * What an author must know: a policy is **deterministic** (the same incident and the same
 * answers lead to the same calls; after a crash the host feeds the recorded answers into a
 * fresh instance), and it keeps **nothing between runs**. Otherwise it is ordinary, blocking
 * code, without `async`, `await` or promises: a wait may last hours and costs nothing.
 *
 * A change that must not outlive the run is sent with what takes it back (`undo`); the host
 * sees to that, however the run ends.
 *
 * For unit tests the same code runs in Node, against the fake host of `suture-policy/testing`.
 *
 * @module
 */

export * as clock from "./clock.ts";
export { Duration, type DurationLike } from "./duration.ts";
export {
  type Because,
  HostError,
  isAlreadyExists,
  isConflict,
  isDenied,
  isExpired,
  isForbidden,
  isHostError,
  isInvalid,
  isNotFound,
  isNotServed,
  isTimeout,
  isUnavailable,
  isUnknown,
} from "./error.ts";
export { type Alert, Incident, type Labels } from "./incident.ts";
export * as kube from "./kube.ts";
export * as log from "./log.ts";
export { metrics, Permission, permission, type Verb } from "./permission.ts";
export { Outcome } from "./outcome.ts";
export { type Definition, policy, type Policy } from "./policy.ts";
export * as prometheus from "./prometheus.ts";
export { Quantity, type QuantityLike } from "./quantity.ts";
export { choice, required, Setting, setting, type Settings, type SettingsOf } from "./setting.ts";
export * as stop from "./stop.ts";
export { Stop } from "./stop.ts";
export * as text from "./text.ts";
export { Time } from "./time.ts";
