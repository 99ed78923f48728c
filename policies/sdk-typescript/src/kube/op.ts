/**
 * The operations of a JSON patch (RFC 6902).
 *
 * @module
 */

/** One operation of a JSON patch. */
export type Operation =
  | { op: "test" | "add" | "replace"; path: string; value: unknown }
  | { op: "remove"; path: string };

/** Go on only if this is the value at the pointer. */
export function test(pointer: string, value: unknown): Operation {
  return { op: "test", path: pointer, value };
}

/** Add a value, or replace the one that is there. */
export function add(pointer: string, value: unknown): Operation {
  return { op: "add", path: pointer, value };
}

/** Replace the value that is there. */
export function replace(pointer: string, value: unknown): Operation {
  return { op: "replace", path: pointer, value };
}

/** Remove the value that is there. */
export function remove(pointer: string): Operation {
  return { op: "remove", path: pointer };
}

/** A name as a part of a pointer: `/` and `~` are written `~1` and `~0` there. */
export function escaped(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}
