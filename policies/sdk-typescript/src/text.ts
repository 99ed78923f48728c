/**
 * Other programs' words, short and harmless enough for a sentence.
 *
 * @module
 */

/** The lines of a text as one, without what a terminal would make of it. */
export function oneLine(text: string): string {
  return lines(text).join(" | ").replace(/\p{Cc}/gu, "");
}

/** The last lines of a text, without the empty ones, as one; at most so many characters. */
export function lastLines(text: string, count: number, characters: number): string {
  const all = lines(text);
  return end(oneLine(all.slice(Math.max(0, all.length - count)).join("\n")), characters);
}

/** The last characters of a text. */
export function end(text: string, characters: number): string {
  const all = [...text];
  return all.slice(Math.max(0, all.length - characters)).join("");
}

/** The first characters of a text. */
export function start(text: string, characters: number): string {
  return [...text].slice(0, characters).join("");
}

function lines(text: string): string[] {
  return text.split(/\r?\n/).map((line) => line.trim()).filter((line) => line !== "");
}

/** Anything as a text that can travel: without halves of characters, which would end the run. */
export function words(anything: unknown): string {
  return String(anything).replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}
