// For Node: `import … from "suture-policy"` finds the library that this file stands in.

import { register } from "node:module";
import { isMainThread } from "node:worker_threads";

const NAME = /^suture-policy(?:\/([a-z]+))?$/;

export async function resolve(specifier, context, next) {
  const [found, part = "index"] = NAME.exec(specifier) ?? [];
  return next(found ? new URL(`./src/${part}.ts`, import.meta.url).href : specifier, context);
}

if (isMainThread && !globalThis.__sutureResolves) {
  globalThis.__sutureResolves = true;
  register(import.meta.url);
}
