// What a policy asks to be allowed.

import type { Permission as Raw } from "suture:policy/types@0.2.0";

/** What may be asked for: `get` is also waiting on one object, and `pods/log`; `patch` is also applying. */
export type Verb = "get" | "list" | "create" | "patch" | "delete";

/** A request for rights, with its reason. The policy may do what is requested and granted. */
export class Permission {
  /** As the contract writes it. */
  readonly raw: Raw;

  constructor(raw: Raw) {
    this.raw = raw;
  }

  /**
   * Only where a setting has a value: `.when("unlock", "job")`; dots lead into a setting
   * (`unlockJob.retry`). Said more than once, all must hold. Under other settings the operator
   * is not asked for it, and it is denied.
   */
  when(setting: string, value: string | number | boolean): Permission {
    return new Permission({ ...this.raw, when: [...this.raw.when, `${setting}=${value}`] });
  }
}

/**
 * Ask for rights: verbs on resources (plural: `jobs`, `pods/log`) of one API group (the core
 * group is the empty text), and why, for the operator who decides.
 */
export function permission(group: string, resources: string[], verbs: Verb[], reason: string): Permission {
  return new Permission({ groups: [group], resources, verbs, metrics: [], when: [], reason });
}

/**
 * Ask for the metrics that the policy's queries select, by name (`*` stands for any characters,
 * `?` for one), and say why. `ALERTS` lets it see alerts of other incidents than its own.
 */
export function metrics(names: string[], reason: string): Permission {
  return new Permission({ groups: [], resources: [], verbs: [], metrics: names, when: [], reason });
}
