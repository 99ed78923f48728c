// Runs a policy's unit tests (test/**/*.test.ts and .js) with Node's own test runner:
// `node vendor/suture-policy/unit.mjs [FILE…]` in the policy's folder.
//
// Node reads TypeScript itself from 22.18 on. Before that esbuild translates it: the one in
// node_modules, or in the folder that SUTURE_NODE_MODULES names (`suture build` has one).

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const TEST = /\.test\.[cm]?[jt]s$/;

function* testFiles(path) {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory()) yield path;
  else for (const name of readdirSync(path).sort()) {
    const inside = join(path, name);
    if (statSync(inside).isDirectory() || TEST.test(name)) yield* testFiles(inside);
  }
}

function node(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  return status ?? 1;
}

function esbuild() {
  // `suture build` keeps one in its environment.
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "suture", "environments");
  const built = existsSync(cache) ? readdirSync(cache).filter((name) => /^javascript-[0-9a-f]+$/.test(name)) : [];
  const folders = [process.env.SUTURE_NODE_MODULES, "node_modules"].filter(Boolean);
  folders.push(...built.map((name) => join(cache, name, "node_modules")));
  return folders.map((folder) => resolve(folder, ".bin/esbuild")).find(existsSync);
}

/** Each test file with all that it imports, in one file that this Node reads. */
function translated(files, run) {
  const tool = esbuild();
  if (!tool) {
    console.error(`Node ${process.versions.node} reads no TypeScript: take Node 22.18 or newer, or run \`suture build\` once, whose esbuild is used then`);
    return 2;
  }
  const output = mkdtempSync(join(tmpdir(), "suture-unit-"));
  try {
    const options = ["--bundle", "--platform=node", "--format=esm", "--sourcemap=inline", "--out-extension:.js=.mjs", `--outdir=${output}`, "--outbase=.", "--log-level=warning", `--alias:suture-policy=${join(here, "src")}`];
    const { status } = spawnSync(tool, [...files, ...options], { stdio: "inherit" });
    if (status !== 0) return status ?? 1;
    return run(files.map((file) => join(output, relative(".", file).replace(/[cm]?[jt]s$/, "mjs"))));
  } finally {
    rmSync(output, { recursive: true });
  }
}

const wanted = process.argv.slice(2);
const files = (wanted.length > 0 ? wanted : ["test"]).flatMap((path) => [...testFiles(path)]);
if (files.length === 0) {
  console.error(`there is no unit test: write one, as test/${basename(resolve("."))}.test.ts`);
  process.exit(2);
}
const register = pathToFileURL(join(here, "resolve.mjs")).href;
process.exitCode = process.features.typescript
  ? node("--import", register, "--test", "--test-reporter=spec", ...files)
  : translated(files, (built) => node("--enable-source-maps", "--test", "--test-reporter=spec", ...built));
