// Where in the policy's sources an error comes from.
//
// `suture build` bundles the policy to one file, and puts the bundle's source map in its first
// line, as `globalThis.__sutureSourceMap = {…};`. In Node there is none: the stack is right as
// it is.

interface SourceMap {
  sources: string[];
  mappings: string;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** A frame of QuickJS's stack: `    at follow (/bundle.js:120:5)`. */
const FRAME = /at (?:(\S+) \()?[^()\s]*?:(\d+):(\d+)\)?$/;
/** This library's own frames say nothing to a policy's author. */
const OWN = /(^|\/)(sdk-typescript|suture-policy)\/src\//;

const HINTS: [RegExp, string][] = [
  [/\bprocess\b/, "a policy has no environment: what the operator may choose is a setting"],
  [/\b(Buffer|TextDecoder|TextEncoder|URL|structuredClone)\b/, "a policy runs in no browser and not in Node: it has ECMAScript alone"],
  [/\b(XMLHttpRequest|WebSocket)\b/, "a policy has no network: it asks the host (`kube`, `prometheus`)"],
];

/** The error that the host is to show: what was thrown, and where. */
export function explain(thrown: unknown): Error {
  const error = thrown instanceof Error ? thrown : new Error(`${shown(thrown)} was thrown; throw an Error`);
  const place = places(error.stack ?? "");
  const map = globalThis as { __sutureSourceMap?: SourceMap };
  if (!map.__sutureSourceMap) return error;
  const plain = error.name === "Error" || error.name === "HostError";
  const hint = error instanceof ReferenceError ? HINTS.find(([name]) => name.test(error.message))?.[1] : undefined;
  const what = `${plain ? "" : `${error.name}: `}${error.message}${hint ? ` (${hint})` : ""}`;
  return new Error(place.length > 0 ? `${what} (at ${place.join(", called from ")})` : what);
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

/** The places in the policy that lead to an error, innermost first: `policy.ts:31`. */
function places(stack: string): string[] {
  const { __sutureSourceMap: map } = globalThis as { __sutureSourceMap?: SourceMap };
  if (!map) return [];
  const found: string[] = [];
  for (const frame of stack.split("\n")) {
    const [, , line, column] = FRAME.exec(frame.trim()) ?? [];
    const place = line && original(map, Number(line), Number(column));
    if (place && !OWN.test(place) && found.at(-1) !== place) found.push(place);
  }
  return found.slice(0, 4);
}

/** The place in the sources for one in the bundle; lines and columns count from 1. */
function original(map: SourceMap, line: number, column: number): string | undefined {
  let source = 0;
  let sourceLine = 0;
  const lines = map.mappings.split(";");
  for (let at = 0; at < line; at++) {
    let generated = 0;
    let best: string | undefined;
    for (const segment of (lines[at] ?? "").split(",")) {
      const [step, sourceStep, lineStep] = numbers(segment);
      if (step === undefined || sourceStep === undefined || lineStep === undefined) continue;
      generated += step;
      source += sourceStep;
      sourceLine += lineStep;
      if (generated < column || best === undefined) best = `${map.sources[source]}:${sourceLine + 1}`;
    }
    if (at === line - 1) return best;
  }
  return undefined;
}

/** The numbers of a segment, in base64 VLQ. */
function numbers(segment: string): number[] {
  const found: number[] = [];
  let value = 0;
  let shift = 0;
  for (const character of segment) {
    const digit = DIGITS.indexOf(character);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit & 32) continue;
    found.push(value & 1 ? -(value >> 1) : value >> 1);
    value = 0;
    shift = 0;
  }
  return found;
}
