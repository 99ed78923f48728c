/**
 * The host's clock. The only one: a policy has none of its own.
 *
 * @module
 */

import { Duration, type DurationLike } from "./duration.ts";
import { call } from "./host.ts";
import { Time } from "./time.ts";

/** The present moment. */
export function now(): Time {
  return Time.fromMillis(call("clock.now", (host) => host.clock.now()));
}

/** Pause the run. It may last hours: a waiting run costs next to nothing. */
export function sleep(duration: DurationLike): void {
  const millis = Duration.of(duration).asMillis();
  call("clock.sleep", (host) => host.clock.sleep(millis));
}
