// What a policy says of itself, looked at before anybody else does.

import type { Manifest } from "suture:policy/types@0.2.0";
import type { Definition } from "./policy.ts";
import { Permission } from "./permission.ts";
import { type Schema, Setting, type Settings } from "./setting.ts";

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const MATCHER = /^\s*[a-zA-Z_:][\w:]*\s*(=~|!~|!=|=)\s*.*$/s;
const LABEL = /^[a-zA-Z_]\w*$/;

/** The manifest of a policy; throws where it is not one. */
export function check<S extends Settings>(definition: Definition<S>): Manifest {
  const { name, version, description, remediate } = definition;
  must(typeof name === "string" && DNS_LABEL.test(name), `name: ${quoted(name)} is not a DNS label (lower case letters, digits and \`-\`, at most 63)`);
  must(typeof version === "string" && VERSION.test(version), `version: ${quoted(version)} is no semantic version, like \`0.1.0\``);
  must(typeof description === "string" && description !== "", "description: say in a sentence what the policy does");
  must(typeof remediate === "function", "remediate: it is no function");
  must(!isAsync(remediate), "remediate: it is `async`. A policy is blocking code: leave out `async` and `await`, calls return what they have to say");
  return {
    name,
    version,
    description,
    matchers: texts("matchers", definition.matchers, MATCHER, "no matcher, like `alertname=\"X\"`"),
    key: texts("key", definition.key, LABEL, "no name of a label"),
    permissions: listed("permissions", definition.permissions).map((asked, index) => {
      must(asked instanceof Permission, `permissions[${index}]: make it with \`permission\` or \`metrics\``);
      return (asked as Permission).raw;
    }),
    settingsSchema: JSON.stringify(schema(definition)),
  };
}

function schema<S extends Settings>({ settings, settingsSchema }: Definition<S>): Schema {
  const properties: Schema = {};
  const required: string[] = [];
  for (const [name, setting] of Object.entries(settings ?? {})) {
    must(setting instanceof Setting, `settings.${name}: make it with \`setting(DEFAULT, "what it means")\`, \`choice\` or \`required\``);
    properties[name] = setting.schema;
    if (!("default" in setting.schema)) required.push(name);
  }
  return { type: "object", additionalProperties: false, ...(required.length > 0 && { required }), ...settingsSchema, properties };
}

function listed(what: string, items: unknown): unknown[] {
  must(items === undefined || Array.isArray(items), `${what}: it is no array`);
  return (items as unknown[] | undefined) ?? [];
}

function texts(what: string, items: unknown, pattern: RegExp, otherwise: string): string[] {
  return listed(what, items).map((item, index) => {
    must(typeof item === "string" && pattern.test(item), `${what}[${index}]: ${quoted(item)} is ${otherwise}`);
    return item as string;
  });
}

/** An `async` function or a generator, as it was written or as esbuild has translated it. */
function isAsync(work: unknown): boolean {
  return Object.prototype.toString.call(work) !== "[object Function]" || /\b__async(Generator)?\(/.test(String(work));
}

function quoted(value: unknown): string {
  return `\`${String(value)}\``;
}

function must(holds: boolean, otherwise: string): void {
  if (!holds) throw new TypeError(`the policy's manifest: ${otherwise}`);
}
