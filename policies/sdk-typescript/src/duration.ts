// Lengths of time, as settings write them.

const UNITS: [string, number][] = [["d", 86_400_000], ["h", 3_600_000], ["m", 60_000], ["s", 1_000], ["ms", 1]];

/** A length of time, or how it is written: `10m`. */
export type DurationLike = Duration | string;

/**
 * A length of time, to the millisecond. Reads and writes itself like `500ms`, `4s`, `10m` or
 * `1h30m`. Durations compare with `<` and `>`.
 */
export class Duration {
  /** A regular expression (ECMA 262) for what can be read, for JSON schemas. */
  static readonly PATTERN = "^([0-9]+(d|h|m|s|ms))+$";

  readonly #millis: number;

  private constructor(millis: number) {
    if (!(millis >= 0)) throw new RangeError(`${millis} ms is not a duration: it can't be negative`);
    this.#millis = Math.min(Math.round(millis), Number.MAX_SAFE_INTEGER);
  }

  /** Milliseconds. */
  static millis(millis: number): Duration {
    return new Duration(millis);
  }

  /** Seconds. */
  static seconds(seconds: number): Duration {
    return new Duration(seconds * 1_000);
  }

  /** Minutes. */
  static minutes(minutes: number): Duration {
    return new Duration(minutes * 60_000);
  }

  /** Hours. */
  static hours(hours: number): Duration {
    return new Duration(hours * 3_600_000);
  }

  /** Reads `30s`, `10m`, `1h30m`; throws where the text is no duration. */
  static parse(text: string): Duration {
    if (!new RegExp(Duration.PATTERN).test(text)) {
      throw new RangeError(`\`${text}\` is not a duration; write it like \`30s\`, \`10m\` or \`1h30m\``);
    }
    let millis = 0;
    for (const [, number, unit] of text.matchAll(/([0-9]+)(d|h|ms|m|s)/g)) {
      millis += Number(number) * (UNITS.find(([name]) => name === unit)?.[1] ?? 0);
    }
    return new Duration(millis);
  }

  /** The duration itself, or the one that is written so. */
  static of(duration: DurationLike): Duration {
    return typeof duration === "string" ? Duration.parse(duration) : duration;
  }

  /** How many milliseconds that is. */
  asMillis(): number {
    return this.#millis;
  }

  /** This and another one. */
  plus(other: DurationLike): Duration {
    return new Duration(this.#millis + Duration.of(other).#millis);
  }

  /** So many times as long. */
  times(factor: number): Duration {
    return new Duration(this.#millis * factor);
  }

  /** The same, cut to whole seconds. */
  wholeSeconds(): Duration {
    return new Duration(this.#millis - (this.#millis % 1_000));
  }

  toString(): string {
    let rest = this.#millis;
    let text = "";
    for (const [unit, factor] of UNITS) {
      if (rest >= factor) text += `${Math.floor(rest / factor)}${unit}`;
      rest %= factor;
    }
    return text || "0s";
  }

  toJSON(): string {
    return this.toString();
  }

  /** Milliseconds: what `<` and `>` compare. */
  valueOf(): number {
    return this.#millis;
  }
}
