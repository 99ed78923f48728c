// Single questions. The stories stand in scenarios/.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeHost, play } from "suture-policy/testing";
import { remediationOf } from "../src/again.ts";
import * as policy from "../src/policy.ts";
import { stateOf } from "../src/state.ts";

const metadata = { namespace: "media", name: "plex", generation: 3 };
const ready = (status: string, observedGeneration = 3) => ({ conditions: [{ type: "Ready", status, reason: "Because", observedGeneration }] });

test("`Ready` counts where it is about the newest form of an object", () => {
  assert.equal(stateOf({ metadata, status: ready("True") }).is, "ready");
  assert.equal(stateOf({ metadata, status: ready("True", 2) }).is, "working");
  assert.equal(stateOf({ metadata, status: ready("Unknown") }).is, "working");
  assert.equal(stateOf({ metadata, status: ready("False") }).is, "failing");
  assert.equal(stateOf({ metadata }).is, "working");
  assert.equal(stateOf({ metadata, spec: { suspend: true }, status: ready("True") }).is, "suspended");
});

test("what helm-controller would do after another failure is read from the release", () => {
  const history = [{ status: "failed" }, { status: "deployed" }];
  const of = (spec: object, installed = true) => remediationOf({ metadata, spec, status: installed ? { history } : {} });
  assert.equal(of({}), undefined);
  assert.equal(of({ upgrade: { remediation: { retries: 3 } } }), "roll it back");
  assert.equal(of({ upgrade: { remediation: { retries: -1, strategy: "uninstall" } } }), "uninstall it");
  assert.equal(of({ upgrade: { remediation: { retries: 3 }, strategy: { name: "RetryOnFailure" } } }), undefined);
  assert.equal(of({ install: { remediation: { remediateLastFailure: true } } }), undefined);
  assert.equal(of({ install: { remediation: { remediateLastFailure: true } } }, false), "uninstall it");
});

test("whatever the cluster answers, the policy comes to a conclusion", () => {
  const labels = { kind: "HelmRelease", namespace: "media", name: "plex" };
  const odd = [{ spec: null }, { status: null }, { status: { conditions: "none" } }, { status: { conditions: [null, {}] } }, { spec: { timeout: 3 }, status: ready("False") }];
  for (const parts of odd) {
    const host = new FakeHost().object({ apiVersion: "helm.toolkit.fluxcd.io/v2", kind: "HelmRelease", metadata, ...parts });
    const { outcome } = play(policy, { labels, host });
    assert.equal(outcome.tag, "escalate");
  }
});
