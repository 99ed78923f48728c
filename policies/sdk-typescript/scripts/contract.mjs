// Writes src/contract.d.ts from the WIT: `node scripts/contract.mjs` in this folder.
//
// What the WIT says becomes what componentize-qjs offers: one module an interface, records in
// camelCase, options as null, variants as {tag, val}, enums as texts, and results as what is
// returned or thrown. Only what the contract uses is known here; anything else is an error.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const folder = process.argv[2] ?? join(here, "../../../wit");
const output = process.argv[3] ?? join(here, "../src/contract.d.ts");

const NUMBERS = new Set(["u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "f32", "f64"]);
const TOKEN = /\/\/\/[^\n]*|\/\/[^\n]*|->|[A-Za-z%][A-Za-z0-9-]*|[0-9.]+|[{}()<>,;:=@/._]/g;

const camel = (name) => name.replace("%", "").replace(/-(.)/g, (_, letter) => letter.toUpperCase());
const pascal = (name) => camel(`-${name.replace("%", "")}`);

/** Reads one WIT file: its package and its interfaces. */
class Reader {
  constructor(text) {
    this.tokens = (text.match(TOKEN) ?? []).filter((token) => !/^\/\/(?!\/)/.test(token));
    this.at = 0;
  }

  docs() {
    const lines = [];
    while (this.tokens[this.at]?.startsWith("///")) lines.push(this.tokens[this.at++].slice(3));
    return lines.map((line) => line.trimEnd());
  }

  peek() {
    return this.tokens[this.at];
  }

  next() {
    const token = this.tokens[this.at++];
    if (token === undefined) throw new Error("the file ends too early");
    return token;
  }

  expect(wanted) {
    const token = this.next();
    if (token !== wanted) throw new Error(`expected \`${wanted}\`, found \`${token}\``);
  }

  /** Whether the next token is this one; then it is read. */
  skip(wanted) {
    if (this.peek() !== wanted) return false;
    this.at++;
    return true;
  }

  until(end) {
    let text = "";
    while (this.peek() !== end) text += this.next();
    this.next();
    return text;
  }

  /** Things up to a closing bracket, with commas between them. */
  listed(close, read) {
    const items = [];
    while (!this.skip(close)) {
      items.push(read());
      this.skip(",");
    }
    return items;
  }

  type() {
    const name = this.next();
    if (!this.skip("<")) return plain(name);
    if (name === "result") return this.result();
    const inner = this.listed(">", () => this.type());
    if (name === "list") return inner[0].includes("|") ? `(${inner[0]})[]` : `${inner[0]}[]`;
    if (name === "option") return `${inner[0]} | null`;
    if (name === "tuple") return `[${inner.join(", ")}]`;
    throw new Error(`\`${name}<…>\` is not known`);
  }

  /** What is returned of a result; what is thrown stands in the contract's words. */
  result() {
    const ok = this.skip("_") ? "void" : this.type();
    this.expect(",");
    this.type();
    this.expect(">");
    return ok;
  }

  field() {
    const docs = this.docs();
    const name = this.next();
    this.expect(":");
    return { docs, name: camel(name), type: this.type() };
  }

  case() {
    const docs = this.docs();
    const name = this.next();
    const payload = this.skip("(") ? this.type() : undefined;
    if (payload !== undefined) this.expect(")");
    return { docs, name: name.replace("%", ""), payload };
  }

  item() {
    const docs = this.docs();
    const word = this.next();
    switch (word) {
      case "use": {
        const from = this.next();
        this.expect(".");
        this.expect("{");
        const names = this.listed("}", () => this.next());
        this.expect(";");
        return { what: "use", from, names };
      }
      case "type": {
        const name = this.next();
        this.expect("=");
        const type = this.type();
        this.expect(";");
        return { what: "type", docs, name, type };
      }
      case "record":
      case "variant":
      case "enum": {
        const name = this.next();
        this.expect("{");
        const parts = this.listed("}", () => (word === "record" ? this.field() : this.case()));
        return { what: word, docs, name, parts };
      }
      default: {
        this.expect(":");
        this.expect("func");
        this.expect("(");
        const parameters = this.listed(")", () => this.field());
        const result = this.skip("->") ? this.type() : "void";
        this.expect(";");
        return { what: "func", docs, name: word, parameters, result };
      }
    }
  }

  file() {
    const docs = this.docs();
    this.expect("package");
    const name = this.until(";");
    const interfaces = [];
    while (this.peek() !== undefined) {
      const about = this.docs();
      const word = this.next();
      const called = this.next();
      this.expect("{");
      if (word === "world") break;
      const items = [];
      while (!this.skip("}")) items.push(this.item());
      interfaces.push({ name: called, docs: about, items });
    }
    return { name, docs, interfaces };
  }
}

function plain(name) {
  if (NUMBERS.has(name)) return "number";
  if (name === "bool") return "boolean";
  if (name === "string" || name === "char") return "string";
  return pascal(name);
}

function comment(docs, indent) {
  if (docs.length === 0) return "";
  const pad = " ".repeat(indent);
  if (docs.length === 1) return `${pad}/**${docs[0]} */\n`;
  return `${pad}/**\n${docs.map((line) => `${pad} *${line}`).join("\n")}\n${pad} */\n`;
}

function written(item, module) {
  const docs = comment(item.docs ?? [], 2);
  switch (item.what) {
    case "use":
      return `  import type { ${item.names.map(pascal).join(", ")} } from "${module(item.from)}";\n`;
    case "type":
      return `${docs}  export type ${pascal(item.name)} = ${item.type};\n`;
    case "record": {
      const fields = item.parts.map(({ docs, name, type }) => `${comment(docs, 4)}    ${name}: ${type};\n`);
      return `${docs}  export interface ${pascal(item.name)} {\n${fields.join("")}  }\n`;
    }
    case "enum": {
      const about = item.parts.filter((part) => part.docs.length > 0);
      const more = about.map((part) => ` - \`${part.name}\`:${part.docs.join(" ")}`);
      const names = item.parts.map((part) => `"${part.name}"`).join(" | ");
      return `${comment([...item.docs, ...(more.length > 0 ? ["", ...more] : [])], 2)}  export type ${pascal(item.name)} = ${names};\n`;
    }
    case "variant": {
      const cases = item.parts.map(({ docs, name, payload }) => {
        const shape = payload === undefined ? `{ tag: "${name}" }` : `{ tag: "${name}"; val: ${payload} }`;
        return `${comment(docs, 4)}    | ${shape}`;
      });
      return `${docs}  export type ${pascal(item.name)} =\n${cases.join("\n")};\n`;
    }
    default: {
      const name = camel(item.name);
      const parameters = item.parameters.map(({ name, type }) => `${name}: ${type}`).join(", ");
      return `${docs}  export function ${name}(${parameters}): ${item.result};\n`;
    }
  }
}

const files = readdirSync(folder).filter((name) => name.endsWith(".wit")).sort();
const read = files.map((name) => {
  try {
    return new Reader(readFileSync(join(folder, name), "utf8")).file();
  } catch (error) {
    throw new Error(`${name}: ${error.message}`);
  }
});
const [packageName, version] = read[0].name.split("@");
const module = (name) => `${packageName}/${name}@${version}`;
const modules = read.flatMap(({ interfaces }) => interfaces).map(({ name, docs, items }) => {
  const text = items.map((item) => written(item, module)).join("\n");
  return `${comment(docs, 0)}declare module "${module(name)}" {\n${text}}\n`;
});
const head = "// Made from wit/*.wit by scripts/contract.mjs: change those, and run it again.\n\n";
writeFileSync(output, head + modules.join("\n"));
