import assert from "node:assert/strict";
import { test } from "node:test";
import { Duration, HostError, Outcome, choice, isConflict, isDenied, isNotFound, kube, log, metrics, permission, policy, required, setting, stop } from "../src/index.ts";
import { FakeHost, play } from "../src/testing.ts";

const labels = { alertname: "X", namespace: "media", name: "plex" };
const about = { name: "try", version: "0.1.0", description: "Tries.", key: ["namespace", "name"] };
const pod = { apiVersion: "v1", kind: "Pod", metadata: { namespace: "media", name: "plex", uid: "p0" } };

test("settings become a schema, and what the operator set arrives as its type", () => {
  const { manifest, remediate } = policy({
    ...about,
    settings: { patience: setting(Duration.hours(1), "How long."), careful: setting(true, "Whether."), how: choice(["a", "b"], "How.") },
    remediate: (_, { patience, careful, how }) => Outcome.unnecessary(`${patience.asMillis()} ${careful} ${how}`),
  });
  const { properties, additionalProperties } = JSON.parse(manifest().settingsSchema);
  assert.equal(additionalProperties, false);
  assert.deepEqual(properties.patience, { type: "string", pattern: Duration.PATTERN, default: "1h", description: "How long." });
  assert.deepEqual(properties.how.enum, ["a", "b"]);
  const { summary } = play({ manifest, remediate }, { labels, settings: { patience: "30s", how: "b" }, host: new FakeHost() });
  assert.equal(summary, "30000 true b");
});

test("what the operator must choose is required", () => {
  const { manifest, remediate } = policy({ ...about, settings: { url: required<string>({ type: "string" }, "Where.") }, remediate: (_, { url }) => Outcome.unnecessary(url) });
  assert.deepEqual(JSON.parse(manifest().settingsSchema).required, ["url"]);
  assert.equal(play({ manifest, remediate }, { labels, settings: { url: "x" }, host: new FakeHost() }).summary, "x");
});

test("a permission says under which settings it is asked for", () => {
  const permissions = [permission("batch", ["jobs"], ["create"], "to run it").when("retry", true).when("a.b", "c"), metrics(["up"], "to see")];
  const { manifest } = policy({ ...about, permissions, remediate: () => Outcome.unnecessary("") });
  assert.deepEqual(manifest().permissions[0]?.when, ["retry=true", "a.b=c"]);
  assert.deepEqual(manifest().permissions[1]?.metrics, ["up"]);
});

test("a wrong manifest is an error that says what to write", () => {
  const of = (wrong: object) => () => policy({ ...about, remediate: () => Outcome.unnecessary(""), ...wrong });
  assert.throws(of({ name: "Not_A_Label" }), /name: `Not_A_Label` is not a DNS label/);
  assert.throws(of({ version: "1" }), /no semantic version/);
  assert.throws(of({ matchers: ["X"] }), /matchers\[0\]: `X` is no matcher, like `alertname="X"`/);
  assert.throws(of({ settings: { a: 3 } }), /settings.a: make it with `setting/);
  assert.throws(of({ permissions: [{}] }), /permissions\[0\]: make it with `permission`/);
  assert.throws(of({ remediate: async () => Outcome.unnecessary("") }), /it is `async`/);
});

test("a stop from deep inside is the conclusion", () => {
  const deep = (): never => stop.retry("5m", "not now");
  const { outcome } = play(policy({ ...about, remediate: () => deep() }), { labels, host: new FakeHost() });
  assert.deepEqual(outcome, { tag: "retry", val: { afterMs: 300_000, reason: "not now" } });
});

test("what is returned must be an outcome", () => {
  const wrong = policy({ ...about, remediate: (() => undefined) as any });
  assert.throws(() => play(wrong, { labels, host: new FakeHost() }), /`remediate` returned undefined: return what it concluded/);
});

test("errors of the host tell themselves apart", () => {
  const host = new FakeHost().object(pod).fail("get Pod", "Denied", "no grant").fail("delete Pod", "Conflict");
  const tried = policy({
    ...about,
    remediate() {
      const it = kube.ref(kube.Pod, "media", "plex");
      assert.throws(() => it.get(), (error: any) => isDenied(error) && !isNotFound(error) && error.message === "Denied: no grant" && error.context("looking").message === "Denied: looking: no grant");
      assert.throws(() => it.delete().atVersion("1").send(), (error: any) => isConflict(error) && error instanceof HostError);
      assert.equal(kube.find(kube.Job, "media", "plex"), undefined);
      return Outcome.unnecessary("");
    },
  });
  play(tried, { labels, host });
});

test("the host can't be asked while a policy is loaded, and a missing label is not a name", () => {
  assert.throws(() => log.info("x"), /called while the policy is loaded/);
  assert.throws(() => kube.find(kube.Pod, "media", undefined as any), /the name of Pod is undefined/);
});

test("an undo is armed until it is settled", () => {
  const host = new FakeHost().object(pod);
  const marks = policy({
    ...about,
    remediate() {
      const it = kube.of(kube.get(kube.Pod, "media", "plex"));
      const mark = it.mergePatch({ metadata: { labels: { a: "b" } } }).undo(it.jsonPatch([kube.op.test("/metadata/labels/a", "b"), kube.op.remove("/metadata/labels/a")])).send();
      assert.equal(mark.object.metadata.labels?.a, "b");
      assert.equal(host.armed, 1);
      mark.undo();
      kube.create(kube.Job, "media", { metadata: { generateName: "x-" } }).undoByDeleting().send().keep();
      kube.create(kube.Job, "media", { metadata: { name: "left" } }).undoByDeleting().send();
      return Outcome.remediated("");
    },
  });
  play(marks, { labels, host });
  assert.equal(host.armed, 1);
  assert.deepEqual(host.find("Pod", "media", "plex").metadata.labels, {});
  assert.deepEqual(host.calls.map(String), ["get Pod media/plex", "patch Pod media/plex", "undo 2", "create Job media/x-…", "keep 4", "create Job media/left"]);
});

test("a wait for a Job's end looks at every place of a condition", () => {
  const until = kube.finished();
  assert.equal(until.tag, "any");
  if (until.tag === "any") assert.deepEqual(until.val[3], { pointer: "/status/conditions/1/type", op: "equals", value: '"Failed"' });
});

test("a field is owned alone or with what it stands in", () => {
  const managedFields = [
    { manager: "argocd-controller", fieldsV1: { "f:spec": { "f:restic": { ".": {}, "f:unlock": {} }, "f:trigger": {} } } },
    { manager: "x", fieldsV1: { "f:metadata": { "f:annotations": { "f:a/b": {} } } } },
  ];
  const of = (pointer: string) => kube.managersOf({ metadata: { name: "x", managedFields } }, pointer).map(({ manager }) => manager);
  assert.deepEqual(of("/spec/restic/unlock"), ["argocd-controller"]);
  assert.deepEqual(of("/spec/trigger/manual"), ["argocd-controller"]);
  assert.deepEqual(of("/metadata/annotations/a~1b"), ["x"]);
  assert.deepEqual(of("/spec"), []);
});

test("JSON keeps a cut text readable, and objects their kind", () => {
  const host = new FakeHost().object({ ...pod, apiVersion: undefined });
  const cut = policy({
    ...about,
    remediate() {
      const [first] = kube.list(kube.Pod).inNamespace("media").fields("metadata.name=plex").read();
      assert.equal(first?.apiVersion, "v1");
      kube.of(first!).mergePatch({ metadata: { annotations: { a: "half \ud83d" } } }).send();
      return Outcome.unnecessary("");
    },
  });
  play(cut, { labels, host });
  assert.equal(host.find("Pod", "media", "plex").metadata.annotations.a, "half \ufffd");
});
