// Keeps the page as the server would draw it now, counts seconds, and appends lines to the log.
(() => {
  "use strict";
  const body = document.body;
  const every = Number(body.dataset.every) * 1000;
  const offset = Number(body.dataset.now) * 1000 - Date.now();
  const pause = (time) => new Promise((resume) => setTimeout(resume, time));

  const spoken = (seconds) => {
    const whole = Math.max(Math.floor(seconds), 0);
    const two = (number) => String(number).padStart(2, "0");
    if (whole < 60) return `${whole} s`;
    if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
    return `${Math.floor(whole / 3600)} h ${two(Math.floor((whole % 3600) / 60))} min`;
  };

  const tick = () => {
    for (const each of document.querySelectorAll("[data-since]")) {
      const text = spoken((Date.now() + offset) / 1000 - Number(each.dataset.since));
      if (each.textContent !== text) each.textContent = text;
    }
  };

  const morph = (old, next) => {
    if (old.isEqualNode(next)) return;
    const same = old.nodeName === next.nodeName && old.id === next.id && old.dataset?.keep === next.dataset?.keep;
    if (!same || (old.nodeType !== 1 && old.nodeType !== 3)) return void old.replaceWith(next.cloneNode(true));
    if (old.nodeType === 3) return void (old.data = next.data);
    if (old.dataset.keep !== undefined) return;
    for (const { name } of [...old.attributes])
      if (name !== "open" && !next.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of [...next.attributes])
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    [...next.childNodes].forEach((wanted, index) => {
      const own = wanted.id && [...old.children].find((child) => child.id === wanted.id);
      const here = old.childNodes[index];
      if (own && own !== here) old.insertBefore(own, here || null);
      const found = old.childNodes[index];
      if (found) morph(found, wanted);
      else old.append(wanted.cloneNode(true));
    });
    while (old.childNodes.length > next.childNodes.length) old.lastChild.remove();
  };

  const connection = (text) => {
    const place = document.getElementById("connection");
    if (place.textContent !== text) place.textContent = text;
  };

  const look = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store", headers: { Accept: "text/html" } });
      const next = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok) return connection(`Not refreshed: ${next.querySelector("h1")?.textContent ?? answer.status}`);
      morph(document.querySelector("main"), next.querySelector("main"));
      document.title = next.title;
      body.dataset.active = next.body.dataset.active;
      connection("");
      tick();
    } catch {
      connection("Not refreshed: the console does not answer. Trying again.");
    }
  };

  const follow = async () => {
    const log = document.getElementById("log");
    if (!log || log.dataset.over) return;
    const answer = await fetch(`${log.dataset.keep}&cursor=${encodeURIComponent(log.dataset.cursor)}`);
    if (!answer.ok || log !== document.getElementById("log")) return;
    const { lines, cursor, over } = await answer.json();
    const low = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    for (const [time, text] of lines) {
      const line = document.createElement("span");
      line.title = time;
      line.textContent = `${text}\n`;
      log.append(line);
    }
    if (lines.length) document.getElementById("nolog")?.remove();
    log.dataset.cursor = cursor;
    if (over) log.dataset.over = "yes";
    if (low && lines.length) log.scrollTop = log.scrollHeight;
  };

  const forever = async () => {
    for (let round = 1; ; round += 1) {
      await pause(every);
      if (document.hidden) continue;
      await follow().catch(() => undefined);
      if (body.dataset.active || round % 5 === 0) await look();
    }
  };

  const log = document.getElementById("log");
  if (log) log.scrollTop = log.scrollHeight;
  setInterval(tick, 500);
  if (every) forever();
})();
