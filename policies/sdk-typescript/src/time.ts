// Moments in time, as Kubernetes writes them.

import { Duration, type DurationLike } from "./duration.ts";

const RFC3339 = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * A moment, to the millisecond. Reads and writes itself as RFC 3339, as in
 * `metadata.creationTimestamp`; `clock.now()` is the present one. Moments compare with `<`
 * and `>`.
 */
export class Time {
  readonly #millis: number;

  private constructor(millis: number) {
    this.#millis = millis;
  }

  /** A moment from the milliseconds since the Unix epoch. */
  static fromMillis(millis: number): Time {
    if (!Number.isFinite(millis)) throw new RangeError(`${millis} is no moment`);
    return new Time(Math.max(0, Math.round(millis)));
  }

  /**
   * Reads RFC 3339: `2026-11-22T04:10:00Z`, with a fraction or an offset too. Undefined where
   * the text is none, or is not there.
   */
  static parse(text: string | null | undefined): Time | undefined {
    if (typeof text !== "string" || !RFC3339.test(text)) return undefined;
    const millis = Date.parse(text.toUpperCase().replace(/(\.\d{3})\d+/, "$1"));
    return millis >= 0 ? new Time(millis) : undefined;
  }

  /** Milliseconds since the Unix epoch. */
  asMillis(): number {
    return this.#millis;
  }

  /** How long after `earlier` this is; nothing where it is before. */
  since(earlier: Time): Duration {
    return Duration.millis(Math.max(0, this.#millis - earlier.#millis));
  }

  /** The moment so much later. */
  plus(duration: DurationLike): Time {
    return new Time(this.#millis + Duration.of(duration).asMillis());
  }

  /** The moment so much earlier. */
  minus(duration: DurationLike): Time {
    return new Time(Math.max(0, this.#millis - Duration.of(duration).asMillis()));
  }

  /** RFC 3339 in UTC, to the second. */
  toString(): string {
    return new Date(this.#millis).toISOString().replace(/\.\d{3}Z$/, "Z");
  }

  toJSON(): string {
    return this.toString();
  }

  /** Milliseconds since the Unix epoch: what `<` and `>` compare. */
  valueOf(): number {
    return this.#millis;
  }
}
