// Amounts, as Kubernetes writes them.

const NANO = 1_000_000_000n;
const MOST = 9_223_372_036_854_775_807n * NANO;
const BINARY: [string, bigint][] = [["Ei", 60n], ["Pi", 50n], ["Ti", 40n], ["Gi", 30n], ["Mi", 20n], ["Ki", 10n]];
const DECIMAL: [string, number][] = [["n", -9], ["u", -6], ["m", -3], ["", 0], ["k", 3], ["M", 6], ["G", 9], ["T", 12], ["P", 15], ["E", 18]];
const WRITTEN = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([KMGTPE]i|[numkMGTPE]?|[eE][+-]?[0-9]{1,9})$/;
const LONGEST = 256;

/** An amount, or how it is written: `10Gi`, `0.5`. */
export type QuantityLike = Quantity | string | number;

type Form = "binary" | "decimal" | "exponent";

/**
 * An amount of memory, of CPU, of anything: `1Gi`, `500m`, `1e3`. It reads every form that
 * Kubernetes reads, and writes itself as Kubernetes does. Amounts compare with `<` and `>`, and with
 * {@link equals}, however they are written: `1024Mi` and `1Gi`. What is too much is as much as there
 * can be; nothing smaller than a billionth is kept.
 */
export class Quantity {
  /** A regular expression (ECMA 262) for what can be read, for JSON schemas. */
  static readonly PATTERN = "^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$";

  readonly #nanos: bigint;
  readonly #form: Form;

  private constructor(nanos: bigint, form: Form) {
    this.#nanos = nanos > MOST ? MOST : nanos < -MOST ? -MOST : nanos;
    this.#form = form;
  }

  /** So many bytes; written in `Ki`, `Mi`, … */
  static bytes(count: number): Quantity {
    return new Quantity(BigInt(Math.ceil(count)) * NANO, "binary");
  }

  /** So many thousandths: `500m` of CPU is half a core. */
  static millis(count: number): Quantity {
    return new Quantity(BigInt(Math.ceil(count)) * 1_000_000n, "decimal");
  }

  /** Reads `10Gi`, `500m`, `1.5`; undefined where it is no amount. */
  static parse(written: unknown): Quantity | undefined {
    if (typeof written !== "string" && typeof written !== "number") return undefined;
    const text = String(written);
    const [, sign = "", whole = "", fraction = "", suffix = ""] = (text.length <= LONGEST && WRITTEN.exec(text)) || [];
    if (whole + fraction === "") return undefined;
    const [form, factor, tens] = unit(suffix);
    const digits = BigInt(whole + fraction) * factor;
    const power = tens + 9 - fraction.length;
    let nanos: bigint;
    if (digits === 0n) nanos = 0n;
    else if (power > 40) nanos = MOST;
    else if (power >= 0) nanos = digits * 10n ** BigInt(power);
    else nanos = roundedUp(digits, 10n ** BigInt(Math.min(-power, 2 * LONGEST)));
    return new Quantity(sign === "-" ? -nanos : nanos, form);
  }

  /** The amount itself, or the one that is written so; throws where it is none. */
  static of(amount: QuantityLike): Quantity {
    if (amount instanceof Quantity) return amount;
    const read = Quantity.parse(amount);
    if (read === undefined) {
      throw new RangeError(`\`${String(amount).slice(0, 64)}\` is no amount; write it like \`10Gi\`, \`500m\` or \`1.5\``);
    }
    return read;
  }

  /** In whole units, a fraction counted as a whole one, as Kubernetes does. */
  whole(): number {
    return Number(roundedUp(this.#nanos, NANO));
  }

  /** In thousandths, a fraction of one counted as one. */
  asMillis(): number {
    return Number(roundedUp(this.#nanos, 1_000_000n));
  }

  /** This and another one. */
  plus(other: QuantityLike): Quantity {
    return new Quantity(this.#nanos + Quantity.of(other).#nanos, this.#form);
  }

  /** This without another one. */
  minus(other: QuantityLike): Quantity {
    return new Quantity(this.#nanos - Quantity.of(other).#nanos, this.#form);
  }

  /** Whether it is the same amount. */
  equals(other: QuantityLike): boolean {
    return this.#nanos === Quantity.of(other).#nanos;
  }

  toString(): string {
    if (this.#nanos === 0n) return "0";
    const [whole, rest] = [this.#nanos / NANO, this.#nanos % NANO];
    // As Kubernetes does: less than a Ki, or a fraction, is written as a plain number.
    if (this.#form === "binary" && rest === 0n && (whole >= 1024n || whole <= -1024n)) {
      const [name, bits] = BINARY.find(([, bits]) => whole % (1n << bits) === 0n) ?? ["", 0n];
      return `${whole >> bits}${name}`;
    }
    let [amount, tens] = [this.#nanos, -9];
    for (; tens < 18 && amount % 1000n === 0n; tens += 3) amount /= 1000n;
    if (this.#form === "exponent") return tens === 0 ? `${amount}` : `${amount}e${tens}`;
    return `${amount}${DECIMAL.find(([, power]) => power === tens)?.[0] ?? ""}`;
  }

  toJSON(): string {
    return this.toString();
  }

  /** What `<` and `>` compare. */
  valueOf(): bigint {
    return this.#nanos;
  }
}

function unit(suffix: string): [Form, bigint, number] {
  const binary = BINARY.find(([name]) => name === suffix);
  if (binary) return ["binary", 1n << binary[1], 0];
  const decimal = DECIMAL.find(([name]) => name === suffix);
  return decimal ? ["decimal", 1n, decimal[1]] : ["exponent", 1n, Number(suffix.slice(1))];
}

/** The quotient, away from zero where there is a rest. */
function roundedUp(nanos: bigint, unit: bigint): bigint {
  const rest = nanos % unit;
  return nanos / unit + (rest > 0n ? 1n : rest < 0n ? -1n : 0n);
}
