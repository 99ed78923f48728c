// Waiting for Jobs.

import { any, field, type Predicate } from "./wait.ts";

/**
 * How many conditions a Job has at most: `Suspended`, then `FailureTarget` and `Failed` or
 * `SuccessCriteriaMet` and `Complete`; and one of somebody else.
 */
const MOST_CONDITIONS = 4;

/**
 * For waiting: the Job has one of these conditions. A Job's conditions are true once they are
 * there; only `Suspended` can become false.
 */
export function hasCondition(...names: string[]): Predicate {
  const places = Array.from({ length: MOST_CONDITIONS }, (_, index) => `/status/conditions/${index}/type`);
  return any(places.flatMap((pointer) => names.map((name) => field(pointer).equals(name))));
}

/** For waiting: the Job is over, well or badly. */
export function finished(): Predicate {
  return hasCondition("Complete", "Failed");
}
