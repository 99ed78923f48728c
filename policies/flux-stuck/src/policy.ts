// Brings a HelmRelease or a Kustomization of Flux that is not ready to its controller's
// attention, and says what it says. Why it does what it does stands in README.md.

import { type Incident, isDenied, isTimeout, kube, log, Outcome, permission, policy, stop } from "suture-policy";
import { reconcile, reset, resume } from "./again.ts";
import { blockerOf } from "./cause.ts";
import { find, type FluxObject } from "./flux.ts";
import { follow } from "./follow.ts";
import { type Settings, settings } from "./settings.ts";
import { saying, stateOf } from "./state.ts";
import { command, shown, type Target, targetOf } from "./target.ts";

export const { manifest, remediate } = policy({
  name: "flux-stuck",
  version: "0.1.0",
  description:
    "Asks Flux to reconcile a HelmRelease or a Kustomization that is not ready, waits for the result, and says what holds it up. By setting it resets a HelmRelease's failure count, or suspends and resumes.",
  // Whatever the operator's `match` selects; never what Suture itself tells people.
  matchers: ['alertname!~"Suture.*"'],
  permissions: [
    permission("helm.toolkit.fluxcd.io", ["helmreleases"], ["get", "patch"], "to see why a HelmRelease is not ready, and to annotate it so that it is reconciled; with `ifNotReady=resume` also to suspend and resume it"),
    permission("kustomize.toolkit.fluxcd.io", ["kustomizations"], ["get", "patch"], "the same for Kustomizations"),
    permission("source.toolkit.fluxcd.io", ["gitrepositories", "ocirepositories", "buckets", "helmcharts", "helmrepositories"], ["get"], "to say where the source is what is not ready"),
  ],
  settings,

  remediate(incident, settings) {
    const target = targetOf(incident, settings);
    try {
      return repair(incident, target, settings);
    } catch (error) {
      // What the operator does not allow today is not allowed at the next attempt either.
      if (!isDenied(error)) throw error;
      return Outcome.escalate(`the host does not allow it: ${error.detail}. \`suture grants\` prints what this policy asks for`);
    }
  },
});

function repair(incident: Incident, target: Target, settings: Settings): Outcome {
  hold(target, settings);
  log.step(`looking at ${shown(target)}`);
  const object = find(target);
  if (!object) return Outcome.unnecessary(`there is no ${shown(target)}: nothing is to be reconciled`);

  // Its controller may be at it already.
  const seen = stateOf(object).is === "working" ? idle(target, object, settings) : object;
  conclude(target, seen, "is ready");
  const blocker = blockerOf(target, seen);
  if (blocker) return Outcome.escalate(`${shown(target)} can't become ready by itself: ${blocker}`);

  const first = result(target, reconcile(target, seen), settings);
  const ready = conclude(target, first, "was reconciled and is ready", Outcome.remediated);
  if (ready) return ready;

  const asked = again(target, first, settings);
  if (!asked) return Outcome.escalate(`${failing(target, first)}. ${next(target, first)}`);
  const second = result(target, asked, settings);
  const how = settings.ifNotReady === "reset" ? "its failure count was reset" : "it was suspended and resumed";
  const done = conclude(target, second, `is ready, after ${how} (attempt ${incident.attempt})`, Outcome.remediated);
  return done ?? Outcome.escalate(`${failing(target, second)}, also after ${how}. ${next(target, second)}`);
}

/** Whatever alert it is for: one run of an object at a time. */
function hold(target: Target, settings: Settings): void {
  try {
    kube.exclusive(shown(target), settings.turn);
  } catch (error) {
    if (isTimeout(error)) stop.retry(settings.retryAfter, `another run is about ${shown(target)}; nothing was done beside it`);
    throw error;
  }
}

/** The object, once its controller is done with what it is at. */
function idle(target: Target, object: FluxObject, settings: Settings): FluxObject {
  log.step(`waiting until its controller is done with ${shown(target)}`);
  const followed = follow(object, undefined, settings);
  switch (followed.how) {
    case "done":
      return followed.object;
    case "gone":
      return stop.unnecessary(`${shown(target)} was deleted meanwhile`);
    default:
      return stop.escalate(`${shown(target)} is being reconciled and not done after ${settings.patience}: it is left alone. ${next(target, object)}`);
  }
}

/** What came of what was asked. */
function result(target: Target, asked: { object: FluxObject; request: string }, settings: Settings): FluxObject {
  const followed = follow(asked.object, asked.request, settings);
  switch (followed.how) {
    case "done":
      return followed.object;
    case "gone":
      return stop.unnecessary(`${shown(target)} was deleted meanwhile`);
    case "slow":
      return stop.retry(settings.retryAfter, `${shown(target)} is being reconciled, and not done yet`);
    case "silent": {
      const controller = target.kind === "HelmRelease" ? "helm-controller" : "kustomize-controller";
      return stop.escalate(`${controller} has not begun to reconcile ${shown(target)} within ${settings.answer}: does it run? \`kubectl -n flux-system logs deploy/${controller}\``);
    }
  }
}

/** Ends the run where the object is not failing; where it is ready, with what `say` makes of it. */
function conclude(target: Target, object: FluxObject, ready: string, say?: (summary: string) => Outcome): Outcome | undefined {
  const state = stateOf(object);
  switch (state.is) {
    case "ready":
      return say ? say(`${shown(target)} ${ready}`) : stop.unnecessary(`${shown(target)} ${ready}`);
    case "suspended":
      return stop.unnecessary(`${shown(target)} is suspended${by(object)}: it is left alone`);
    case "terminating":
      return stop.escalate(`${shown(target)} is being deleted since ${object.metadata.deletionTimestamp}${held(object)}: it is left alone`);
    case "working":
      return stop.retry("5m", `${shown(target)} is being reconciled`);
    case "failing":
      return undefined;
  }
}

function by(object: FluxObject): string {
  const managers = kube.managersOf(object, "/spec/suspend").map(({ manager }) => manager ?? "");
  return managers[0] ? ` (by ${managers[0]})` : "";
}

function held(object: FluxObject): string {
  const finalizers = object.metadata.finalizers ?? [];
  return finalizers.length > 0 ? `, and held by ${finalizers.join(", ")}` : "";
}

/** What the operator wants tried where a reconciliation has not helped. */
function again(target: Target, object: FluxObject, settings: Settings): { object: FluxObject; request: string } | undefined {
  const state = stateOf(object);
  if (settings.ifNotReady === "resume") return resume(target, object, settings);
  const usedUp = state.is === "failing" && state.stalled === "RetriesExceeded";
  if (settings.ifNotReady === "reset" && target.kind === "HelmRelease" && usedUp) return reset(target, object, settings);
  return undefined;
}

function failing(target: Target, object: FluxObject): string {
  return `${shown(target)} was reconciled and is not ready: ${saying(stateOf(object))}`;
}

/** What to type next. */
function next(target: Target, object: FluxObject): string {
  const state = stateOf(object);
  const name = `-n ${target.namespace} ${target.name}`;
  if (state.is === "failing" && state.stalled === "RetriesExceeded") return `Once the cause is put right: \`flux reconcile ${command(target)} ${name} --reset\``;
  return `\`flux events -n ${target.namespace} --for ${target.kind}/${target.name}\` says more`;
}
