// Following a controller at its work.

import { clock, Duration, kube } from "suture-policy";
import type { FluxObject } from "./flux.ts";
import type { Settings } from "./settings.ts";
import { type State, stateOf } from "./state.ts";

/** How the following ended. */
export type Followed =
  /** The controller has done what it was asked, with this result. */
  | { how: "done"; object: FluxObject; state: State }
  /** It has not begun in time. */
  | { how: "silent" }
  /** It has begun, and is not done in time. */
  | { how: "slow"; object: FluxObject }
  | { how: "gone" };

/** So many changes are looked at: a status that changes all the time does not use up the run. */
const CHANGES = 60;

/**
 * Follow the object until its controller has handled the request and is done, or (without a
 * request) until it is no longer at work.
 */
export function follow(object: FluxObject, request: string | undefined, settings: Settings): Followed {
  const begun = clock.now();
  const give = begun.plus(patienceFor(object, settings));
  let answered = request === undefined;
  for (let change = 0; change < CHANGES; change++) {
    const state = stateOf(object);
    const handled = request === undefined || object.status?.lastHandledReconcileAt === request;
    if (state.is === "suspended" || state.is === "terminating" || (handled && state.is !== "working")) return { how: "done", object, state };
    answered ||= handled || state.is === "working";
    const until = answered ? give : begun.plus(settings.answer);
    const changed = kube.field("/metadata/resourceVersion").differsFrom(object.metadata.resourceVersion ?? "");
    const waited = kube.of(object).wait(changed, until.since(clock.now()));
    if (waited.tag === "deleted") return { how: "gone" };
    if (waited.tag === "timeout") return answered ? { how: "slow", object } : { how: "silent" };
    object = waited.object;
  }
  return answered ? { how: "slow", object } : { how: "silent" };
}

/** As long as the operator says, and at least what the object itself may take; never more than an hour. */
function patienceFor(object: FluxObject, { patience }: Settings): Duration {
  const own = /^([0-9]+(h|m|s|ms))+$/.test(object.spec?.timeout ?? "") ? Duration.parse(object.spec?.timeout ?? "") : Duration.minutes(5);
  const wanted = own.plus("1m") > patience ? own.plus("1m") : patience;
  const most = patience > Duration.hours(1) ? patience : Duration.hours(1);
  return wanted > most ? most : wanted;
}
