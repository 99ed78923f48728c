// Which object an alert is about.

import { type Incident, stop } from "suture-policy";
import type { Settings } from "./settings.ts";

/** One object of Flux, by name. */
export interface Target {
  kind: "HelmRelease" | "Kustomization";
  namespace: string;
  name: string;
}

const KINDS = ["HelmRelease", "Kustomization"] as const;
/** Names of objects (RFC 1123), since labels are somebody else's words. */
const NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

/** The object that the alert's labels name. */
export function targetOf(incident: Incident, settings: Settings): Target {
  return {
    kind: kindOf(incident, settings),
    // kube-state-metrics has a namespace of its own, in the label `namespace`.
    namespace: named(incident, settings.namespaceLabel, ["exported_namespace", "namespace"]),
    name: named(incident, settings.nameLabel, ["name"]),
  };
}

function kindOf(incident: Incident, { kind, kindLabel }: Settings): Target["kind"] {
  if (kind !== "label") return kind;
  const [label, value] = labelled(incident, kindLabel, ["customresource_kind", "kind"]);
  const known = KINDS.find((each) => each === value);
  return known ?? stop.escalate(`the label \`${label}\` says \`${value}\`: this policy knows HelmReleases and Kustomizations`);
}

function named(incident: Incident, chosen: string, usual: string[]): string {
  const [label, value] = labelled(incident, chosen, usual);
  if (!NAME.test(value)) stop.escalate(`the label \`${label}\` is no name of an object: nothing was looked at`);
  return value;
}

function labelled(incident: Incident, chosen: string, usual: string[]): [label: string, value: string] {
  const labels = chosen === "" ? usual : [chosen];
  for (const label of labels) {
    const value = incident.label(label);
    if (value) return [label, value];
  }
  return stop.escalate(`the alert has no label ${labels.map((label) => `\`${label}\``).join(" or ")}: it does not say which object is not ready`);
}

/** `HelmRelease media/plex`. */
export function shown({ kind, namespace, name }: Target): string {
  return `${kind} ${namespace}/${name}`;
}

/** What `flux` calls the kind. */
export function command({ kind }: Target): string {
  return kind.toLowerCase();
}
