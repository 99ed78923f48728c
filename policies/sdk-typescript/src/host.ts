// The calls that a policy makes. A component calls its host; in Node, as in unit tests, the
// same code calls whatever `run` puts in its place. Policies themselves never need this module.

import { HostError } from "./error.ts";

/** Answers a policy's calls, one object an interface of the contract (see `wit/*.wit`). */
export interface Host {
  /** The Kubernetes API. */
  kube: typeof import("suture:policy/kube@0.2.0");
  /** Prometheus. */
  prometheus: typeof import("suture:policy/prometheus@0.2.0");
  /** The host's clock. */
  clock: typeof import("suture:policy/clock@0.2.0");
  /** The timeline. */
  log: typeof import("suture:policy/log@0.2.0");
}

let component: Host | undefined;
let running: Host | undefined;

/** Says who answers in a component; nobody is asked before `remediate` is called. */
export function install(host: Host): void {
  component = host;
}

/** Whether a run is under way: then there is a host to ask. */
export function isRunning(): boolean {
  return running !== undefined;
}

/** Let `host` answer the calls that `work` makes: by default the one at work (a test's), or the component's. */
export function run<T>(work: () => T, host: Host | undefined = running ?? component): T {
  const before = running;
  if (!host) throw new Error("no host answers here: run the policy with `play` of suture-policy/testing");
  running = host;
  try {
    return work();
  } finally {
    running = before;
  }
}

/** Ask the host. `what` is the call's name, for errors. */
export function call<T>(what: string, ask: (host: Host) => T): T {
  if (!running) {
    throw new Error(
      `${what} was called while the policy is loaded. The host answers only in a run: call it in \`remediate\``,
    );
  }
  try {
    return ask(running);
  } catch (error) {
    throw HostError.from(error);
  }
}
