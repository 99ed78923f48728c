// What else can be tried: resetting the failure count, or suspending and resuming.

import { clock, type Duration, isConflict, kube, log, stop, Time } from "suture-policy";
import { type Action, type FluxObject, REQUESTED, RESET, RESUMED } from "./flux.ts";
import type { Settings } from "./settings.ts";
import { shown, type Target } from "./target.ts";

/** How long an object stays suspended: long enough for its controller to see it. */
const SUSPENDED = "10s";

/** Ask for a reconciliation. It has no undo: a request that was handled means nothing any more. */
export function reconcile(target: Target, object: FluxObject): { object: FluxObject; request: string } {
  log.step(`asking for a reconciliation of ${shown(target)}`);
  const request = newRequest(object);
  const asked = kube.of(object).mergePatch({ metadata: { annotations: { [REQUESTED]: request } } }).send();
  return { object: asked, request };
}

/** Reset the failure count of a HelmRelease, and have it reconciled. */
export function reset(target: Target, object: FluxObject, settings: Settings): { object: FluxObject; request: string } {
  mayTryAgain(target, object, settings, RESET);
  log.step(`resetting the failure count of ${shown(target)}`);
  const request = newRequest(object);
  const asked = kube.of(object).mergePatch({ metadata: { annotations: { [REQUESTED]: request, [RESET]: request } } }).send();
  return { object: asked, request };
}

/** Suspend an object, and resume it: to its controller it is a new one. */
export function resume(target: Target, object: FluxObject, settings: Settings): { object: FluxObject; request: string } {
  mayTryAgain(target, object, settings, RESUMED);
  const declared = object.spec?.suspend;
  const it = kube.of(object);
  log.step(`suspending ${shown(target)} for ${SUSPENDED}`);
  const { test, remove, replace } = kube.op;
  // What it was before, nothing or `false`, and only while it still is what this run has made of it.
  const back = declared === undefined ? remove("/spec/suspend") : replace("/spec/suspend", declared);
  const suspended = attempt(target, () =>
    it
      .mergePatch({ spec: { suspend: true } })
      .atVersion(object.metadata.resourceVersion ?? "")
      .undo(it.jsonPatch([test("/spec/suspend", true), back]))
      .send(),
  );
  clock.sleep(SUSPENDED);
  log.step(`resuming ${shown(target)}`);
  suspended.undo();
  const now = it.find() ?? stop.unnecessary(`${shown(target)} was deleted meanwhile`);
  if (now.spec?.suspend === true) stop.escalate(`${shown(target)} was suspended by somebody else meanwhile: it is left suspended`);
  const request = newRequest(now);
  const asked = it.mergePatch({ metadata: { annotations: { [REQUESTED]: request, [RESUMED]: request } } }).send();
  return { object: asked, request };
}

function attempt<T>(target: Target, change: () => T): T {
  try {
    return change();
  } catch (error) {
    if (isConflict(error)) stop.retry("1m", `${shown(target)} changed while it was looked at: nothing was done`);
    throw error;
  }
}

/** A value that the controller has not handled yet; as `flux` writes it. */
function newRequest(object: FluxObject): string {
  const now = clock.now();
  const request = String(now);
  const taken = [object.status?.lastHandledReconcileAt, object.metadata.annotations?.[REQUESTED]];
  return taken.includes(request) ? String(now.plus("1s")) : request;
}

function mayTryAgain(target: Target, object: FluxObject, settings: Settings, mark: string): void {
  const last = Time.parse(object.metadata.annotations?.[mark]);
  const since: Duration | undefined = last && clock.now().since(last);
  if (since && since < settings.every) {
    stop.escalate(`${shown(target)} was given another try ${since.wholeSeconds()} ago, and is not ready; there is one every ${settings.every}`);
  }
  const would = target.kind === "HelmRelease" && settings.remediation === "leave" ? remediationOf(object) : undefined;
  if (would) {
    stop.escalate(`${shown(target)} is given no other try: after another failure helm-controller would ${would}, by the release's own settings (\`remediation: accept\` allows that)`);
  }
}

/** What helm-controller would do after another failure, by the release's own settings. */
export function remediationOf({ spec, status }: FluxObject): string | undefined {
  const isInstalled = (status?.history ?? []).some(({ status: how }) => how === "deployed" || how === "superseded");
  if (!isInstalled && remediates(spec?.install)) return "uninstall it";
  if (!remediates(spec?.upgrade)) return undefined;
  return spec?.upgrade?.remediation?.strategy === "uninstall" ? "uninstall it" : "roll it back";
}

function remediates(action: Action | undefined): boolean {
  if (action?.strategy?.name === "RetryOnFailure") return false;
  const { retries = 0, remediateLastFailure = false } = action?.remediation ?? {};
  return retries !== 0 || remediateLastFailure;
}
