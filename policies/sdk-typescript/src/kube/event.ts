// Events: what Kubernetes tells of an object that does not stand in the object.

import { Time } from "../time.ts";
import { Event } from "./kinds.ts";
import { list } from "./list.ts";
import type { KubeObject } from "./object.ts";

/** So many at a time. */
const PAGE = 50;
/** Warnings that hold nothing up, and are told again and again beside those that say what does. */
const BESIDE = ["FailedToRetrieveImagePullSecret", "DNSConfigForming", "PolicyViolation"];

/**
 * The latest warning about an object, of those that hold it up if there are any. Kubernetes
 * keeps events for an hour.
 *
 * @throws HostError What the host says; that events are not granted is one of it.
 */
export function lastWarning(about: KubeObject): Event | undefined {
  const { namespace = "", name, uid } = about.metadata;
  const events = list(Event)
    .inNamespace(namespace)
    .fields(`involvedObject.kind=${about.kind},involvedObject.name=${name},type=Warning`)
    .pagesOf(PAGE)
    .read();
  // Another object may have had the name.
  const own = events.filter(({ involvedObject }) => !involvedObject?.uid || involvedObject.uid === uid);
  let last: Event | undefined;
  for (const event of own) if (!last || rank(event) >= rank(last)) last = event;
  return last;
}

function rank(event: Event): number {
  const at = Time.parse(event.lastTimestamp) ?? Time.parse(event.eventTime) ?? Time.parse(event.metadata?.creationTimestamp);
  return BESIDE.includes(event.reason ?? "") ? -1 : (at?.asMillis() ?? 0);
}
