/**
 * Ending a run in the middle of it, from however deep inside.
 *
 * ```ts
 * function mustBeSome(backups: number) {
 *   if (backups === 0) stop.escalate("there is no backup");
 * }
 * ```
 *
 * What is thrown is a {@link Stop}: a `catch` that means something else must let it pass
 * (`if (!isDenied(error)) throw error`).
 *
 * @module
 */

import type { DurationLike } from "./duration.ts";
import { Outcome } from "./outcome.ts";

/** A run goes no further: it has come to a conclusion. */
export class Stop extends Error {
  /** The conclusion. */
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super(`the run has ended: ${outcome.tag}: ${outcome.summary}`);
    this.name = "Stop";
    this.outcome = outcome;
  }
}

/** Stop: there is nothing to repair. */
export function unnecessary(why: string): never {
  throw new Stop(Outcome.unnecessary(why));
}

/** Stop: a person must look. */
export function escalate(why: string): never {
  throw new Stop(Outcome.escalate(why));
}

/** Stop, and look again after so long, or later. */
export function retry(after: DurationLike, why: string): never {
  throw new Stop(Outcome.retry(after, why));
}
