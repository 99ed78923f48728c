// What the compiler leaves out of dist/: declarations that were written, and what refers to them.

import { copyFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
for (const name of ["contract.d.ts", "ambient.d.ts"]) {
  copyFileSync(join(root, "src", name), join(root, "dist", name));
}
