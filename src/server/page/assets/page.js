// What is live on a page: parts marked data-live are read again when something happens, and every few
// seconds while one looks; clocks run between. Without this script every page is whole all the same.
"use strict";
(() => {
  const now = document.getElementById("now");
  const told = document.querySelector("meta[name=now]");
  // How far the server's clock is ahead of this one, in milliseconds.
  const shift = told ? Number(told.content) * 1000 - Date.now() : 0;
  let last = 0, due = 0, busy = false;

  function brief(seconds) {
    if (seconds < 100) return `${seconds} s`;
    if (seconds < 6000) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86400)} d`;
  }

  function clock(seconds) {
    const two = (value) => String(value).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
    return hours > 0 ? `${hours}:${rest}` : rest.replace(/^0/, "");
  }

  function tick() {
    const seconds = Math.floor((Date.now() + shift) / 1000);
    for (const time of document.querySelectorAll("[data-ago]"))
      write(time, `${brief(Math.max(0, seconds - Number(time.dataset.ago)))} ago`);
    for (const time of document.querySelectorAll("[data-until]"))
      write(time, clock(Math.max(0, Number(time.dataset.until) - seconds)));
  }

  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  // Reads the page again and takes over the parts that have changed, except where one is at work.
  async function refresh() {
    if (busy || document.hidden) return;
    busy = true;
    last = Date.now();
    try {
      // The browser asks with its mark of the page, and has it already where nothing has changed.
      const headers = { accept: "text/html" };
      const answer = await fetch(location.href, { headers, cache: "no-cache", redirect: "manual" });
      if (answer.type === "opaqueredirect") return say("signed out: load the page again", false);
      if (!answer.ok) return say(`the page cannot be read (${answer.status})`, false);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-live][id]")) {
        const other = fresh.getElementById(part.id);
        if (!other || part.contains(document.activeElement) && document.activeElement.matches("input,select,textarea")) continue;
        if (steady(part) !== steady(other)) replace(part, other);
      }
      document.title = fresh.title;
      tick();
    } catch {
      say("the daemon does not answer", false);
    } finally {
      busy = false;
    }
  }

  // A part without its running clocks.
  function steady(part) {
    return part.outerHTML.replace(/(<time[^>]*>)[^<]*/g, "$1");
  }

  function replace(part, other) {
    const focused = part.contains(document.activeElement) ? document.activeElement : null;
    const address = focused && focused.getAttribute("href");
    const scrolled = [...part.querySelectorAll(".wide")].map((wide) => wide.scrollLeft);
    const node = document.importNode(other, true);
    part.replaceWith(node);
    node.querySelectorAll(".wide").forEach((wide, place) => { wide.scrollLeft = scrolled[place] || 0; });
    if (address) {
      const again = [...node.querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === address);
      if (again) again.focus({ preventScroll: true });
    }
  }

  // Soon, but not for each of a hundred events, and no more often than once a second.
  function soon() {
    if (due) return;
    due = setTimeout(() => { due = 0; refresh(); }, Math.max(150, 1000 - (Date.now() - last)));
  }

  function say(words, isOn) {
    if (!now) return;
    now.className = isOn ? "now on" : "now off";
    write(now, words);
  }

  function listen() {
    const path = location.pathname.match(/^\/windows\/([^/]+)$/);
    const query = path ? `?window=${path[1]}` : "";
    const events = new EventSource(`/api/v1/events${query}`);
    events.onopen = () => { say("live", true); soon(); };
    events.onerror = () => say("not connected; tries again", false);
    const heard = (event) => {
      soon();
      try {
        const told = JSON.parse(event.data);
        if (told.text && told.kind !== "sampled") say(told.text.slice(0, 80), true);
      } catch { /* A gap has no text. */ }
    };
    for (const kind of ["message", "missed"]) events.addEventListener(kind, heard);
    addEventListener("pagehide", () => events.close());
  }

  function copying() {
    for (const link of document.querySelectorAll("a[data-copy]")) {
      link.addEventListener("click", async (event) => {
        if (!navigator.clipboard) return;
        event.preventDefault();
        await navigator.clipboard.writeText(link.href);
        say("link copied", true);
      });
    }
  }

  tick();
  setInterval(tick, 1000);
  copying();
  const slow = document.querySelector("[data-every]");
  const isLive = document.querySelector("[data-live]");
  if (slow) setInterval(refresh, 1000 * Number(slow.dataset.every));
  else if (isLive) {
    setInterval(refresh, 5000);
    listen();
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden && isLive) soon(); });
})();
