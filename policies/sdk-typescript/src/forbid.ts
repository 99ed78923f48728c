// What would make two runs differ, or does nothing in a component: each says what to use instead.

import { isRunning } from "./host.ts";
import * as log from "./log.ts";

const CLOCK = "a policy has no clock of its own: use `clock.now()`";
const TIMER = "a policy has no timers: use `clock.sleep(Duration)`, or wait for an object with `kube`";
const NETWORK = "a policy has no network: it asks the host (`kube`, `prometheus`)";
const RANDOM = "a policy has no randomness: derive names from `incident.id`, or let the host choose one (`metadata.generateName`)";
const PROMISE = "a policy is blocking code: leave out `async`, `await` and promises, calls return what they have to say";

const no = (what: string, why: string) => () => {
  throw new Error(`${what}: ${why}`);
};

/** Replace what a policy must not use. */
export function forbid(): void {
  const globals = globalThis as any;
  globals.Date = dateWithoutNow(Date);
  Math.random = no("Math.random", RANDOM);
  globals.performance = { now: no("performance.now", CLOCK) };
  globals.crypto = {
    randomUUID: no("crypto.randomUUID", RANDOM),
    getRandomValues: no("crypto.getRandomValues", RANDOM),
  };
  globals.fetch = no("fetch", NETWORK);
  for (const timer of ["setTimeout", "setInterval", "setImmediate"]) globals[timer] = no(timer, TIMER);
  globals.queueMicrotask = no("queueMicrotask", PROMISE);
  globals.Promise = promiseOutsideRuns(Promise);
  globals.console = timelineConsole();
}

/** A moment that is given is the same each time; the present one is not. */
function dateWithoutNow(original: DateConstructor): DateConstructor {
  original.now = no("Date.now", CLOCK);
  return new Proxy(original, {
    construct(target, given: [], as) {
      if (given.length === 0) throw new Error(`new Date(): ${CLOCK}`);
      return Reflect.construct(target, given, as);
    },
    apply: no("Date()", CLOCK),
  });
}

/** While a policy is loaded, libraries may make promises. In a run nothing would ever settle one. */
function promiseOutsideRuns(original: PromiseConstructor): PromiseConstructor {
  const then = original.prototype.then;
  original.prototype.then = function (this: Promise<any>, ...handlers: any[]) {
    if (isRunning()) throw new Error(PROMISE);
    return then.apply(this, handlers as any);
  } as typeof then;
  return new Proxy(original, {
    construct(target, given: any, as) {
      if (isRunning()) throw new Error(PROMISE);
      return Reflect.construct(target, given, as);
    },
  });
}

/** The console is the run's timeline. While a policy is loaded nobody reads it. */
function timelineConsole(): Console {
  const write = (line: (message: string) => void) => (...anything: unknown[]) => {
    if (isRunning()) line(anything.map(shown).join(" "));
  };
  return {
    debug: write(log.debug),
    log: write(log.info),
    info: write(log.info),
    warn: write(log.warn),
    error: write(log.error),
  } as Console;
}

function shown(value: unknown): string {
  if (typeof value !== "object" || value === null || value instanceof Error) return String(value);
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
