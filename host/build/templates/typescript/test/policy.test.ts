// Unit tests: the small questions. What must happen on a cluster stands in scenarios/.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeHost, play } from "suture-policy/testing";
import * as policy from "../src/policy.ts";

const labels = { namespace: "shop", job_name: "import" };

function failedJob() {
  const metadata = { namespace: "shop", name: "import", uid: "j0" };
  const conditions = [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded" }];
  return { apiVersion: "batch/v1", kind: "Job", metadata, spec: {}, status: { conditions } };
}

test("a Job that is gone needs no repair", () => {
  const { outcome } = play(policy, { labels, host: new FakeHost() });
  assert.deepEqual(outcome, { tag: "unnecessary", val: "the Job is gone" });
});

test("without `retry` nothing is made", () => {
  const host = new FakeHost().object(failedJob());
  const { outcome, summary } = play(policy, { labels, host });
  assert.equal(outcome.tag, "escalate");
  assert.match(summary, /BackoffLimitExceeded; its pods are gone/);
  assert.ok(!host.calls.some((call) => call.verb === "create"));
});

test("a new Job that does not end is removed with the run", () => {
  const host = new FakeHost().object(failedJob());
  const { outcome } = play(policy, { labels, settings: { retry: true }, host });
  assert.equal(outcome.tag, "escalate");
  const made = host.calls.find((call) => call.verb === "create");
  assert.equal(made?.undo?.verb, "delete");
  assert.equal(host.armed, 1);
});
