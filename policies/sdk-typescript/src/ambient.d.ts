// What the language has and a policy has not, for editors: they strike it through.

interface DateConstructor {
  /** @deprecated A policy has no clock of its own: use `clock.now()`. */
  now(): never;
}

interface Math {
  /** @deprecated A policy has no randomness: take names from `incident.id`, or let the host choose one with `metadata.generateName`. */
  random(): never;
}

/** In a policy, what is written to the console goes into the run's timeline. */
interface Console {
  /** A line for the policy's author: as `log.debug`. */
  debug(...words: any[]): void;
  /** A line in the timeline: as `log.info`. */
  log(...words: any[]): void;
  /** A line in the timeline: as `log.info`. */
  info(...words: any[]): void;
  /** A warning in the timeline: as `log.warn`. */
  warn(...words: any[]): void;
  /** An error in the timeline: as `log.error`. */
  error(...words: any[]): void;
}

declare var console: Console;
