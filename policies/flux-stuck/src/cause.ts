// What an object waits for that is not its own: dependencies and its source.

import { isDenied, isNotServed, kube, text } from "suture-policy";
import { type FluxObject, find, findSource, isSourceKind, type SourceRef } from "./flux.ts";
import type { Target } from "./target.ts";

/** So many dependencies are looked at. */
const MOST = 10;
/** How much of another object's message is shown, in characters. */
const SHOWN = 300;

/** What must be put right first, and where to look; undefined where nothing of the kind is seen. */
export function blockerOf(target: Target, object: FluxObject): string | undefined {
  return dependency(target, object) ?? source(target, object);
}

function dependency(target: Target, object: FluxObject): string | undefined {
  // Only where the controller says so: one that is not ready now may have been when it counted.
  if (kube.condition(object, "Ready")?.reason !== "DependencyNotReady") return undefined;
  for (const { name, namespace = target.namespace } of (object.spec?.dependsOn ?? []).slice(0, MOST)) {
    if (!name) continue;
    const what = `${target.kind} ${namespace}/${name}`;
    const seen = look(() => find({ kind: target.kind, namespace, name }));
    if (seen === "hidden") continue;
    if (!seen) return `it depends on ${what}, which is not there`;
    const why = unready(seen);
    if (why) return `it depends on ${what}, which ${why}`;
  }
  return undefined;
}

function source(target: Target, object: FluxObject): string | undefined {
  const { kind, name, namespace = target.namespace } = sourceOf(object) ?? {};
  if (!name || !isSourceKind(kind)) return undefined;
  const what = `${kind} ${namespace}/${name}`;
  try {
    const seen = look(() => findSource(kind, namespace, name));
    // What can't be looked at, and what is there, is no reason to leave the object alone.
    if (seen === "hidden" || seen?.status?.artifact) return undefined;
    if (!seen) return `its source ${what} is not there`;
    return `its source ${what} has nothing to apply: it ${unready(seen) ?? "has no artifact"}`;
  } catch (error) {
    if (isNotServed(error)) return `its source ${what} is of a kind that the cluster does not serve`;
    throw error;
  }
}

function sourceOf(object: FluxObject): SourceRef | undefined {
  const { sourceRef, chartRef } = object.spec ?? {};
  if (sourceRef ?? chartRef) return sourceRef ?? chartRef;
  const [namespace, name] = (object.status?.helmChart ?? "").split("/");
  return namespace && name ? { kind: "HelmChart", namespace, name } : undefined;
}

/** Why an object is not ready; undefined where it is. */
function unready(object: FluxObject): string | undefined {
  if (object.spec?.suspend === true) return "is suspended";
  const ready = kube.condition(object, "Ready");
  if (ready?.status === "True") return undefined;
  const message = text.start(text.oneLine(ready?.message ?? ""), SHOWN);
  return ready ? `is not ready: ${ready.reason ?? "?"}${message && `: ${message}`}` : "has no status yet";
}

/** What a look gives, or that it is not granted. Another error says nothing of the object, and ends the run. */
function look<T>(read: () => T): T | "hidden" {
  try {
    return read();
  } catch (error) {
    if (isDenied(error)) return "hidden";
    throw error;
  }
}
