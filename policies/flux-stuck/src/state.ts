// How an object of Flux is, by what its controller says.

import { kube, text, Time } from "suture-policy";
import type { FluxObject } from "./flux.ts";

/** How an object is. */
export type State =
  | { is: "ready" }
  | { is: "suspended" }
  | { is: "terminating" }
  /** Its controller is at work, or has not seen its newest form. */
  | { is: "working"; since: Time | undefined }
  | { is: "failing"; reason: string; message: string; stalled: string | undefined };

/** How much of a controller's message is shown, in characters. */
const SHOWN = 600;

/** How an object is. `Ready` counts where it is about the object's newest form. */
export function stateOf(object: FluxObject): State {
  const { deletionTimestamp, generation = 0 } = object.metadata;
  if (deletionTimestamp) return { is: "terminating" };
  if (object.spec?.suspend === true) return { is: "suspended" };
  const ready = kube.condition(object, "Ready");
  const since = Time.parse(ready?.lastTransitionTime);
  const current = (ready?.observedGeneration ?? generation) >= generation;
  if (!ready || !current || ready.status === "Unknown") return { is: "working", since };
  if (ready.status === "True") return { is: "ready" };
  const stalled = kube.condition(object, "Stalled");
  return {
    is: "failing",
    reason: ready.reason ?? "it does not say why",
    message: text.start(text.oneLine(ready.message ?? ""), SHOWN),
    stalled: stalled?.status === "True" ? (stalled.reason ?? "Stalled") : undefined,
  };
}

/** What the controller says of a failure. */
export function saying(state: State): string {
  if (state.is !== "failing") return "";
  const words = state.message === "" ? state.reason : `${state.reason}: ${state.message}`;
  return state.stalled ? `${words} (and its controller tries no more: ${state.stalled})` : words;
}
