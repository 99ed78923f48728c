// What a policy concluded.

import type { Outcome as Raw } from "suture:policy/types@0.2.0";
import { Duration, type DurationLike } from "./duration.ts";
import { words } from "./text.ts";

/**
 * What a policy concluded. Each comes with a sentence for people: it stands in the timeline,
 * in the API, and in the alert that tells them.
 */
export class Outcome {
  /** Which of the four it is. */
  readonly tag: Raw["tag"];
  /** The sentence for people. */
  readonly summary: string;
  /** Of a retry: how long to wait. */
  readonly after: Duration | undefined;

  private constructor(tag: Raw["tag"], summary: string, after?: Duration) {
    this.tag = tag;
    this.summary = words(summary);
    this.after = after;
  }

  /** The repair is done. The host now watches that the alert clears. */
  static remediated(summary: string): Outcome {
    return new Outcome("remediated", summary);
  }

  /** There is nothing to repair. */
  static unnecessary(summary: string): Outcome {
    return new Outcome("unnecessary", summary);
  }

  /** Not now: the host starts another run after this long, or later. Counts as an attempt. */
  static retry(after: DurationLike, reason: string): Outcome {
    return new Outcome("retry", reason, Duration.of(after));
  }

  /** A person must look: what was seen, and what was not done because of it. */
  static escalate(summary: string): Outcome {
    return new Outcome("escalate", summary);
  }

  /** As the contract writes it. */
  raw(): Raw {
    if (this.tag !== "retry") return { tag: this.tag, val: this.summary };
    return { tag: "retry", val: { afterMs: this.after?.asMillis() ?? 0, reason: this.summary } };
  }
}
