// Fetches what changed. Every page works without this.
"use strict";
(() => {
  const live = document.getElementById("live");
  const state = document.getElementById("live-state");
  if (!live || live.dataset.events === undefined || !window.EventSource) return;

  const LEAST = 1000; // milliseconds between two looks
  const IDLE = 30000; // ages grow old
  let wanted = false, busy = false, last = Date.now();

  // Whoever types, or has unfolded what is to be confirmed, is not disturbed.
  const isDisturbing = () => {
    const active = document.activeElement;
    return (active && live.contains(active) && active.matches("input, select, textarea"))
      || live.querySelector("details.careful[open]") !== null
      || String(window.getSelection()) !== "";
  };

  const path = (element) => element.id ? "#" + CSS.escape(element.id) : null;

  const look = async () => {
    if (busy || document.hidden || isDisturbing()) { wanted = true; return; }
    wanted = false;
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { "Suture-Fragment": "1" }, credentials: "same-origin" });
      last = Date.now();
      if (answer.status === 401 || answer.status === 403) { location.reload(); return; }
      if (!answer.ok) return;
      const text = await answer.text();
      if (!isDisturbing()) exchange(text); else wanted = true;
    } catch { /* The host is away; the stream says when it is back. */ } finally { busy = false; }
  };

  const exchange = (text) => {
    const open = [...live.querySelectorAll("details[open]")].map(path).filter(Boolean);
    const focused = document.activeElement && live.contains(document.activeElement) ? document.activeElement : null;
    const details = focused && focused.closest("details");
    const refocus = details && path(details);
    const link = focused && focused.getAttribute("href");
    const before = verdict();
    const parsed = new DOMParser().parseFromString(text, "text/html");
    live.replaceChildren(...parsed.body.childNodes);
    for (const one of open) live.querySelector(one)?.setAttribute("open", "");
    if (refocus) live.querySelector(refocus + " > summary")?.focus({ preventScroll: true });
    else if (link) live.querySelector('a[href="' + CSS.escape(link) + '"]')?.focus({ preventScroll: true });
    if (state && verdict() !== before) state.textContent = verdict();
  };

  const verdict = () => live.querySelector(".verdict")?.textContent ?? "";

  const soon = () => { wanted = true; };
  setInterval(() => {
    const since = Date.now() - last;
    if ((wanted && since >= LEAST) || since >= IDLE) look();
  }, 250);
  document.addEventListener("visibilitychange", soon);

  const query = live.dataset.events;
  const stream = new EventSource("/events" + (query ? "?" + query : ""));
  let wasOpen = false;
  stream.addEventListener("open", () => {
    document.documentElement.dataset.live = "on";
    if (wasOpen) soon(); // something may have happened meanwhile
    wasOpen = true;
  });
  stream.addEventListener("changed", soon);
  stream.addEventListener("error", () => { document.documentElement.dataset.live = "off"; });
  addEventListener("pagehide", () => stream.close());
})();
