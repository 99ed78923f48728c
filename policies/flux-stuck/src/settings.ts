// What an operator may set.

import { choice, Duration, setting, type SettingsOf } from "suture-policy";

const LABEL = { maxLength: 128, pattern: "^([a-zA-Z_][a-zA-Z0-9_]*)?$" };

/** The settings, as the manifest declares them. */
export const settings = {
  kind: choice(["label", "HelmRelease", "Kustomization"], "Which kind an alert is about: a label says it (`label`), or it is always the same."),
  kindLabel: setting("", "The label that holds the kind; empty for `customresource_kind`, else `kind`.", LABEL),
  namespaceLabel: setting("", "The label that holds the namespace; empty for `exported_namespace`, else `namespace`.", LABEL),
  nameLabel: setting("", "The label that holds the name; empty for `name`.", LABEL),
  ifNotReady: choice(
    ["leave", "reset", "resume"],
    "What to do where the reconciliation that was asked for does not help: `leave` it to a person; `reset` the failure count of a HelmRelease that has used up its retries, so that helm-controller tries again; or suspend and `resume` it.",
  ),
  remediation: choice(
    ["leave", "accept"],
    "What to do where, by the HelmRelease's own `remediation`, helm-controller would uninstall or roll back after another failure: `leave` it to a person, or `accept` that.",
  ),
  every: setting(Duration.hours(6), "How long after a reset or a resume there is no other one of the same object."),
  answer: setting(Duration.minutes(2), "How long the controller may take to begin with what is asked of it."),
  patience: setting(Duration.minutes(15), "How long a reconciliation may take."),
  turn: setting(Duration.minutes(10), "How long to wait for another run that is about the same object."),
  retryAfter: setting(Duration.minutes(5), "When to look again after something was in the way."),
};

/** What the operator has set. */
export type Settings = SettingsOf<typeof settings>;
