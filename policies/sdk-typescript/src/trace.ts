// Where in the policy's sources an error comes from.

import { places } from "./sources.ts";

const HINTS: [RegExp, string][] = [
  [/\bprocess\b/, "a policy has no environment: what the operator may choose is a setting"],
  [/\b(Buffer|TextDecoder|TextEncoder|URL|structuredClone)\b/, "a policy runs in no browser and not in Node: it has ECMAScript alone"],
  [/\b(XMLHttpRequest|WebSocket)\b/, "a policy has no network: it asks the host (`kube`, `prometheus`)"],
];

/** The error that the host is to show: what was thrown, and where. */
export function explain(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(typeof thrown === "string" ? thrown : `${shown(thrown)} was thrown; throw an Error`);
  const place = places(error.stack ?? "");
  // In Node the stack is right as it is.
  if (!place) return error;
  const plain = error.name === "Error" || error.name === "HostError";
  const hint = error instanceof ReferenceError ? HINTS.find(([name]) => name.test(error.message))?.[1] : undefined;
  const what = `${plain ? "" : `${error.name}: `}${error.message}${hint ? ` (${hint})` : ""}`;
  return new Error(place.length > 0 ? `${what} (at ${place.join(", called from ")})` : what);
}

function shown(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
