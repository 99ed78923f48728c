// Whether what is waited for holds at once.

import type { Predicate, Test, Waited } from "suture:policy/kube@0.2.0";

export function holds(object: any, until: Predicate): Waited {
  if (until.tag === "deleted") return object ? { tag: "timeout" } : { tag: "deleted" };
  if (!object) return { tag: "timeout" };
  const test = (each: Test) => passes(object, each);
  const met = until.tag === "all" ? until.val.every(test) : until.val.some(test);
  return met ? { tag: "met", val: JSON.stringify(object) } : { tag: "timeout" };
}

function passes(object: any, { pointer, op, value }: Test): boolean {
  const parts = pointer.split("/").slice(1).map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const found = parts.reduce((at: any, part) => at?.[part], object) ?? null;
  switch (op) {
    case "exists":
      return found !== null;
    case "absent":
      return found === null;
    case "equals":
      return JSON.stringify(found) === JSON.stringify(JSON.parse(value));
    case "not-equals":
      return JSON.stringify(found) !== JSON.stringify(JSON.parse(value));
  }
}
