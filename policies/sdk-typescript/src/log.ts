/**
 * Words for the people who read a run's timeline.
 *
 * @module
 */

import type { Level } from "suture:policy/log@0.2.0";
import { call } from "./host.ts";
import { words } from "./text.ts";

function line(level: Level, message: string): void {
  call(`log.${level}`, (host) => host.log.log(level, words(message)));
}

/** Say what comes next ("unlocking the repository"): the headings of the timeline. */
export function step(title: string): void {
  call("log.step", (host) => host.log.step(words(title)));
}

/** Write a line into the timeline. The host cuts it at 4 KiB. */
export function info(message: string): void {
  line("info", message);
}

/** Write a warning into the timeline. */
export function warn(message: string): void {
  line("warn", message);
}

/** Write an error into the timeline. The run goes on. */
export function error(message: string): void {
  line("error", message);
}

/** Write a line for the policy's author. */
export function debug(message: string): void {
  line("debug", message);
}
