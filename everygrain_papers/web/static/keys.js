// Keys -> what they do on a page of papers. Every one of them is a button or a link, too.

const focusable = () => [...document.querySelectorAll("main [data-item] h3 a, main li[data-item] > a")]
  .filter((link) => link.offsetParent !== null);

function move(step) {
  const links = focusable();
  if (!links.length) return;
  const item = document.activeElement?.closest("[data-item]");
  const at = links.findIndex((link) => item !== null && item !== undefined && item.contains(link));
  const next = at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step;
  const link = links[Math.min(Math.max(next, 0), links.length - 1)];
  link.focus({ preventScroll: true });
  link.closest("[data-item]").scrollIntoView({ block: "nearest" });
}

function press(selector) {
  const item = document.activeElement?.closest("[data-item]");
  const place = item ?? document.querySelector("main [data-main]");
  const button = place?.querySelector(selector);
  button?.click();
  return Boolean(button);
}

function unfold(name) {
  const found = document.activeElement?.closest("[data-item]")?.querySelector(`details.${name}`);
  if (found) found.open = !found.open;
}

function go(selector) {
  document.querySelector(selector)?.click();
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  l: () => press('[data-mark="like"]'),
  d: () => press('[data-mark="dislike"]'),
  0: () => press('[data-grade="0"]'),
  1: () => press('[data-grade="1"]'),
  2: () => press('[data-grade="2"]'),
  a: () => unfold("abstract-of"),
  w: () => unfold("why-here"),
  n: () => go("a[rel=next]"),
  p: () => go("a[rel=prev]"),
  t: () => go("a[data-home]"),
  "/": () => {
    const box = document.querySelector("main input[type=search]") ?? document.querySelector("#find");
    box?.focus();
    box?.select();
  },
  "?": () => document.querySelector("#keys")?.showModal(),
};

export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const target = event.target;
    if (target instanceof Element && target.closest("textarea, select, input:not([type=radio], [type=checkbox])")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    if (document.querySelector("dialog[open]")) return;
    const act = KEYS[event.key];
    // a key held down moves on, but likes or grades once
    if (!act || (event.repeat && !"jk".includes(event.key))) return;
    event.preventDefault();
    act();
  });
}
