import assert from "node:assert/strict";
import { test } from "node:test";
import { Duration, Quantity, Time, text } from "../src/index.ts";

test("a duration reads back as it is written", () => {
  for (const written of ["500ms", "4s", "10m", "2h", "1h30m", "1d2h3m4s5ms", "0s"]) {
    assert.equal(String(Duration.parse(written)), written);
  }
  assert.equal(JSON.stringify({ a: Duration.minutes(90) }), '{"a":"1h30m"}');
  assert.ok(Duration.minutes(1) < Duration.of("61s"));
});

test("what is no duration says how to write one", () => {
  for (const written of ["", "4", "s", "4 s", "-4s", "4y"]) assert.throws(() => Duration.parse(written), /like `30s`/);
  assert.throws(() => Duration.seconds(-1), /can't be negative/);
  assert.throws(() => Duration.millis(NaN), /not a duration/);
});

test("an amount is read and written as Kubernetes does", () => {
  const written = Object.entries({
    "1Gi": "1Gi", "1024Mi": "1Gi", "1.5Gi": "1536Mi", "1000Ki": "1000Ki", "0.5": "500m", "1500m": "1500m", "1000": "1k", "1e3": "1e3",
    "12e-1": "1200e-3", "1.2345M": "1234500", "-5Gi": "-5Gi", ".5": "500m", "5.": "5", "0.5Ki": "512", "0.1n": "1n", "1E": "1E", "0": "0",
    "1e-200": "1e-9", "1e400": "9223372036854775807", "8Ei": "9223372036854775807",
  });
  for (const [text, canonical] of written) assert.equal(String(Quantity.of(text)), canonical, text);
  for (const odd of ["", "Gi", "1 Gi", "ten", "1.2.3", "1ki", "1e", "--1", "1e3.5", "9".repeat(300), {}, undefined, NaN]) {
    assert.equal(Quantity.parse(odd), undefined);
  }
  assert.throws(() => Quantity.of("ten"), /like `10Gi`/);
});

test("amounts are compared and added however they are written", () => {
  assert.ok(Quantity.of("1024Mi").equals("1Gi") && Quantity.of("999m") < Quantity.of(1));
  assert.equal(JSON.stringify({ a: Quantity.of("1Gi").plus("512Mi"), b: Quantity.of("1").minus("250m") }), '{"a":"1536Mi","b":"750m"}');
  assert.deepEqual([Quantity.of("1.1").whole(), Quantity.of("1500m").asMillis()], [2, 1500]);
  assert.ok(Quantity.bytes(2 ** 30).equals("1Gi") && Quantity.millis(500).equals(0.5));
});

test("a time reads back as it is written, with fractions and offsets too", () => {
  for (const written of ["1970-01-01T00:00:00Z", "2000-02-29T23:59:59Z", "2026-11-22T04:10:00Z"]) {
    assert.equal(String(Time.parse(written)), written);
  }
  const at = Time.fromMillis(1_795_320_600_250);
  assert.equal(Time.parse("2026-11-22T05:40:00.25+01:30")?.asMillis(), at.asMillis());
  assert.equal(Time.parse("2026-11-22T04:10:00.250000Z")?.asMillis(), at.asMillis());
  assert.equal(String(at.plus("1h").since(at)), "1h");
  assert.equal(String(at.since(at.plus("1h"))), "0s");
});

test("what is no time is none", () => {
  for (const written of ["", "2026-11-22", "2026-13-01T00:00:00Z", "2026-11-22T04:10:00", "2026-11-22T25:00:00Z", null, undefined]) {
    assert.equal(Time.parse(written), undefined);
  }
});

test("other programs' words become harmless, and are cut between characters", () => {
  assert.equal(text.oneLine(" a\n\n b\u001b[31m \n"), "a | b[31m");
  assert.equal(text.lastLines("a\nb\n\nc\n", 2, 100), "b | c");
  assert.equal(text.end("aä😀", 2), "ä😀");
  assert.equal(text.start("😀ä", 1), "😀");
  assert.equal(text.words("half \ud83d of"), "half \ufffd of");
});
