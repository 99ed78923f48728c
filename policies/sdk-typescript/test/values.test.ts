import assert from "node:assert/strict";
import { test } from "node:test";
import { Duration, Time, text } from "../src/index.ts";

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
