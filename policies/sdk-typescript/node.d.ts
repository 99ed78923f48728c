// The few words of Node that unit tests use, so that an editor knows them before anything is
// installed. With @types/node there are more.

declare module "node:test" {
  /** One test: fails when it throws. */
  export function test(name: string, work: () => void): void;
  /** Tests that belong together. */
  export function describe(name: string, work: () => void): void;
}

declare module "node:assert/strict" {
  /** What must hold. */
  const assert: {
    /** It is true, or something. */
    ok(value: unknown, message?: string): asserts value;
    /** They are the same. */
    equal<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
    /** They are not the same. */
    notEqual(actual: unknown, expected: unknown, message?: string): void;
    /** They hold the same. */
    deepEqual<T>(actual: unknown, expected: T, message?: string): asserts actual is T;
    /** The text fits the expression. */
    match(text: string, expression: RegExp, message?: string): void;
    /** The text does not fit the expression. */
    doesNotMatch(text: string, expression: RegExp, message?: string): void;
    /** It throws; where given, something like this. */
    throws(work: () => unknown, expected?: RegExp | object, message?: string): void;
  };
  export default assert;
}
