// The live view of the development inbox. The page works without it: every act is a form and every filter a link.
//
// One event stream names regions and carries their HTML, made by the server. Only what differs is touched, so focus,
// selection and an open fold stay where they are, and what is being read does not move: news out of sight is announced
// by a button. While the tab is hidden or text is selected, the newest version of each region waits.

import { say, showCopyButtons } from "./copy.js";

const main = document.getElementById("main");
const chip = document.getElementById("live");
const news = document.getElementById("news");
const waiting = new Map();
const sent = new Map();
const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
let unseen = 0;

function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = at.toString();
    time.textContent = clock.format(at);
  }
}

function prepare(root) {
  localTimes(root);
  showCopyButtons(root);
}

// Makes `now` like `next` while keeping its nodes. Children with an id are known again by it.
function morph(now, next) {
  const fresh = now.classList.contains("fresh");
  for (const { name } of [...now.attributes]) {
    if (!next.hasAttribute(name) && name !== "open") now.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  if (fresh) now.classList.add("fresh");
  morphChildren(now, next);
}

function alike(a, b) {
  return a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id ?? "") === (b.id ?? "");
}

function morphChildren(now, next) {
  let at = now.firstChild;
  for (const wanted of [...next.childNodes]) {
    let found = at;
    if (wanted.id) while (found && found.id !== wanted.id) found = found.nextSibling;
    if (!found || !alike(found, wanted)) {
      now.insertBefore(wanted, at);
      continue;
    }
    if (wanted.id) while (at !== found) {
      const gone = at;
      at = at.nextSibling;
      // A keyed node that comes later is only out of order.
      if (gone.id && [...next.childNodes].some((node) => node.id === gone.id)) now.append(gone);
      else gone.remove();
    }
    at = found.nextSibling;
    if (found.nodeType === Node.ELEMENT_NODE) morph(found, wanted);
    else if (found.data !== wanted.data) found.data = wanted.data;
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function swap(region, html) {
  if (sent.get(region) === html) return;
  const first = !sent.has(region);
  sent.set(region, html);
  const target = document.getElementById(region);
  if (!target) return;
  const next = document.createElement("template");
  next.innerHTML = html;
  prepare(next.content);
  if (region === "messages") swapMessages(target, next.content, first);
  else morphChildren(target, next.content);
}

function swapMessages(target, next, first) {
  const known = new Set([...target.querySelectorAll("li.mail")].map((item) => item.id));
  const anchor = scrollY > 0 ? firstInView(target) : null;
  const top = anchor?.getBoundingClientRect().top;
  morphChildren(target, next);
  if (anchor?.isConnected) scrollBy(0, anchor.getBoundingClientRect().top - top);
  const fresh = [...target.querySelectorAll("li.mail[data-said]")].filter((item) => !known.has(item.id));
  if (fresh.length === 0) return;
  for (const item of fresh) markFresh(item);
  if (first) return;
  // One by one for the ear, and the digits of the code apart.
  say(fresh.length > 2
    ? `${fresh.length} new messages`
    : fresh.map((item) => item.dataset.said.replace(/[^ ]+$/, (code) => [...code].join(" "))).join(". "));
  const { top: newest } = fresh[0].getBoundingClientRect();
  if (newest < 0 || newest > innerHeight - 80) {
    unseen += fresh.length;
    news.textContent = `${unseen} new`;
    news.hidden = false;
  }
}

function firstInView(target) {
  return [...target.querySelectorAll("li.mail")].find((item) => item.getBoundingClientRect().bottom > 60);
}

function markFresh(item) {
  item.classList.add("fresh");
  setTimeout(() => item.classList.remove("fresh"), 8000);
}

function forgetNews() {
  unseen = 0;
  news.hidden = true;
}

news.addEventListener("click", () => {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.getElementById("messages").scrollIntoView({ behavior: calm ? "auto" : "smooth" });
  forgetNews();
});
addEventListener("scroll", () => {
  if (news.hidden) return;
  const { top } = document.getElementById("messages").getBoundingClientRect();
  if (top > 0 && top < innerHeight - 160) forgetNews();
}, { passive: true });

function paused() {
  if (document.hidden) return true;
  const selection = getSelection();
  return !selection.isCollapsed && main.contains(selection.anchorNode);
}

function show(state) {
  chip.hidden = false;
  chip.className = `live ${state}`;
  chip.lastElementChild.textContent = { on: "Live", held: "Paused", off: "Reconnecting" }[state];
}

let connected = false;
function release() {
  if (paused()) {
    if (connected && waiting.size > 0) show("held");
    return;
  }
  for (const [region, html] of waiting) swap(region, html);
  waiting.clear();
  if (connected) show("on");
}
document.addEventListener("visibilitychange", release);
document.addEventListener("selectionchange", release);

const stream = new EventSource(main.dataset.events);
stream.addEventListener("open", () => { connected = true; release(); });
stream.addEventListener("error", () => {
  connected = false;
  show("off");
});
stream.addEventListener("region", (event) => {
  const { region, html } = JSON.parse(event.data);
  waiting.set(region, html);
  release();
});
addEventListener("pagehide", () => stream.close());
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Forms act without leaving the page; the stream shows what came of it.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-quiet]")) return;
  event.preventDefault();
  const sending = form.dataset.quiet === "send";
  const refused = document.getElementById("refused");
  const button = event.submitter;
  const field = form.elements.namedItem("to");
  if (sending) refused.textContent = "";
  try {
    const response = await fetch(form.action, {
      method: "POST",
      headers: { accept: "application/json" },
      body: new URLSearchParams(new FormData(form, button)),
    });
    if (response.ok) {
      if (sending) {
        field.removeAttribute("aria-invalid");
        say("Sent. The code appears below.");
      }
      return;
    }
    const problem = await response.json().catch(() => ({}));
    refused.textContent = problem.detail ?? `That did not work (${response.status}).`;
    if (sending) {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", "refused");
      field.focus();
    }
  } catch {
    refused.textContent = "Backstop does not answer. Is it still running?";
  }
});

prepare(document);
