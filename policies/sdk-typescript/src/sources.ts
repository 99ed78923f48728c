// Which line of the policy's sources a line of the component's one file comes from.
//
// `suture build` bundles the policy to one file, and puts the bundle's source map in its first
// line, as `globalThis.__sutureSourceMap = {…};`. It is read once, while the component is built:
// a run only looks up lines.

interface SourceMap {
  sources: string[];
  mappings: string;
}

/** From this line of the bundle on, lines come from these lines of a source; none of a policy's without one. */
interface Stretch {
  from: number;
  source: string | undefined;
  line: number;
}

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** A frame of a stack: `    at follow (/bundle.js:120:5)`. */
const FRAME = /:(\d+):\d+\)?$/;
/** This library's own lines say nothing to a policy's author. */
const OWN = /(^|\/)(sdk-typescript|suture-policy)\/(src|dist)\//;
/** How many places are told of one error. */
const TOLD = 4;

let stretches: Stretch[] | undefined;

/** Read the source map of this component, where there is one. */
export function readSourceMap(): void {
  const holder = globalThis as { __sutureSourceMap?: SourceMap };
  const map = holder.__sutureSourceMap;
  delete holder.__sutureSourceMap;
  if (!map) return;
  const found: Stretch[] = [];
  let source = 0;
  let line = 0;
  map.mappings.split(";").forEach((segments, at) => {
    const stretch = (): Stretch => {
      const name = map.sources[source] ?? "";
      return { from: at + 1, source: OWN.test(name) ? undefined : name, line: line + 1 };
    };
    const starts = (segments === "" ? [] : segments.split(",")).map((segment) => {
      const [, sourceStep = 0, lineStep = 0] = numbers(segment);
      source += sourceStep;
      line += lineStep;
      return stretch();
    });
    // esbuild lets an indented line begin with what the line before it ended with.
    const first = starts[1] ?? starts[0];
    const before = found.at(-1);
    const next = first ?? { from: at + 1, source: undefined, line: 0 };
    const follows = before?.source === next.source && (!next.source || next.line - next.from === before!.line - before!.from);
    if (!follows) found.push(next);
  });
  stretches = found;
}

/**
 * The places in the policy that lead to an error, innermost first (`src/policy.ts:31`);
 * undefined where no source map was read.
 */
export function places(stack: string): string[] | undefined {
  if (!stretches) return undefined;
  const found: string[] = [];
  for (const frame of stack.split("\n")) {
    const line = Number(FRAME.exec(frame)?.[1]);
    const stretch = line > 0 ? stretches.findLast(({ from }) => from <= line) : undefined;
    if (!stretch?.source) continue;
    const place = `${stretch.source}:${stretch.line + line - stretch.from}`;
    if (found.at(-1) !== place) found.push(place);
    if (found.length === TOLD) break;
  }
  return found;
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
