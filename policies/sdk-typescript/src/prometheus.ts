/**
 * Prometheus, read only: the metrics that the manifest asks for and the operator grants.
 *
 * @module
 */

import type { Label } from "suture:policy/types@0.2.0";
import { Duration, type DurationLike } from "./duration.ts";
import { call } from "./host.ts";
import { type Labels, labels } from "./incident.ts";
import { words } from "./text.ts";
import { Time } from "./time.ts";

/** A value of a series at a time. */
export interface Sample {
  /** The labels of the series. */
  readonly labels: Labels;
  /** When. */
  readonly at: Time;
  /** The value. */
  readonly value: number;
}

/** A series over a range of time. */
export interface Series {
  /** Its labels. */
  readonly labels: Labels;
  /** Its values, oldest first. */
  readonly points: readonly (readonly [at: Time, value: number])[];
}

/** An alert that Prometheus knows of. */
export interface ActiveAlert {
  /** Its labels. */
  readonly labels: Labels;
  /** Its annotations. */
  readonly annotations: Labels;
  /** False while it is pending. */
  readonly firing: boolean;
  /** Since when its expression holds. */
  readonly activeAt: Time | undefined;
}

/**
 * Evaluate an expression now. A scalar is one sample without labels.
 *
 * @throws HostError `Unavailable` where Prometheus can't be asked; what it says of the expression.
 */
export function query(expression: string): Sample[] {
  const samples = call("prometheus.query", (host) => host.prometheus.query(words(expression)));
  return samples.map(({ labels: pairs, atMs, value }) => ({ ...about(pairs), at: Time.fromMillis(atMs), value }));
}

/**
 * Evaluate an expression from one moment to another in steps; at most 11,000 points a series.
 *
 * @throws HostError As {@link query}.
 */
export function queryRange(expression: string, from: Time, to: Time, step: DurationLike): Series[] {
  const range = [from.asMillis(), to.asMillis(), Duration.of(step).asMillis()] as const;
  const series = call("prometheus.queryRange", (host) => host.prometheus.queryRange(words(expression), ...range));
  return series.map(({ labels: pairs, points }) => ({
    ...about(pairs),
    points: points.map(([at, value]) => [Time.fromMillis(at), value] as const),
  }));
}

/**
 * The alerts that are pending or firing: those of this run's incident, or all of them where the
 * policy may query the metric `ALERTS`.
 *
 * @throws HostError `Unavailable` where Prometheus can't be asked.
 */
export function alerts(): ActiveAlert[] {
  return call("prometheus.alerts", (host) => host.prometheus.alerts()).map((alert) => ({
    ...about(alert.labels),
    annotations: labels(alert.annotations),
    firing: alert.firing,
    activeAt: Time.parse(alert.activeAt),
  }));
}

function about(pairs: Label[]): { labels: Labels } {
  return { labels: labels(pairs) };
}
