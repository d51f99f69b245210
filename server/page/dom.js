// Elements. Text from anybody goes in as text, never as markup: there is no way in here that reads a string as HTML. Never here: what is shown.

import { scrub } from './words.js';

const SVG = "http://www.w3.org/2000/svg";

// h("button.primary", { onclick, "aria-label": "Play" }, "Play", icon("play")). Properties that begin with `on` are listeners; false and null leave a property out.
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name || "div");
  if (classes.length) element.className = classes.join(" ");
  set(element, props);
  add(element, children);
  return element;
}

export function set(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden" || name === "indeterminate") element[name] = value ?? false;
    else if (value === null || value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : scrub(value));
  }
  return element;
}

export function add(element, children) {
  for (const child of children.flat(3)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : document.createTextNode(scrub(child)));
  }
  return element;
}

export function put(element, ...children) {
  element.replaceChildren();
  return add(element, children);
}

export function text(element, words) {
  const clean = scrub(words);
  if (element.textContent !== clean) element.textContent = clean;
}

// Elements of a list by key: those that are the same stay, so that neither focus nor what is being typed is lost when rows change.
export function keyed(holder, items, keyOf, signatureOf, make) {
  const old = new Map([...holder.children].map((child) => [child.keyOf, child]));
  const focus = focusIn(holder);
  const fresh = items.map((item) => {
    const [key, signature] = [keyOf(item), signatureOf(item)];
    const found = old.get(key);
    if (found && found.signatureOf === signature) return found;
    const made = make(item);
    made.keyOf = key;
    made.signatureOf = signature;
    return made;
  });
  const same = fresh.length === holder.children.length && fresh.every((child, at) => child === holder.children[at]);
  if (same) return;
  holder.replaceChildren(...fresh);
  refocus(holder, focus);
}

// Where the keyboard is, by the name that an element has for it.
export function focusIn(holder) {
  const active = document.activeElement;
  if (!active || !holder.contains(active) || !active.dataset.focus) return null;
  return { name: active.dataset.focus, start: active.selectionStart, end: active.selectionEnd };
}
export function refocus(holder, focus) {
  if (!focus) return;
  const found = holder.querySelector(`[data-focus="${CSS.escape(focus.name)}"]`);
  if (!found || found === document.activeElement) return;
  found.focus({ preventScroll: true });
  if (focus.start !== undefined && focus.start !== null) found.setSelectionRange?.(focus.start, focus.end);
}

const ICONS = {
  play: ["M8 5.5v13l11-6.5z"],
  pause: ["M7 5h3.6v14H7z", "M13.4 5H17v14h-3.6z"],
  back: ["M14.5 5.5 8 12l6.5 6.5"],
  next: ["M9.5 5.5 16 12l-6.5 6.5"],
  loop: ["M7 8h9.5a3.5 3.5 0 0 1 0 7H15", "M10 5 7 8l3 3", "M9 15H7.5a3.5 3.5 0 0 1-3.3-4.6"],
  zoomIn: ["M11 5.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z", "m15.2 15.2 4 4", "M11 8.5v5", "M8.5 11h5"],
  zoomOut: ["M11 5.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11z", "m15.2 15.2 4 4", "M8.5 11h5"],
  check: ["m5.5 12.5 4 4 9-9.5"],
  wait: ["M12 7v5.2l3.2 2", "M12 4.5a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15z"],
  note: ["M5 6h14v9.5h-8L7.5 19v-3.5H5z"],
  sound: ["M5 10v4h3l4 3.5v-11L8 10z", "M15.5 9.2a4 4 0 0 1 0 5.6"],
  person: ["M12 5a3.4 3.4 0 1 1 0 6.8A3.4 3.4 0 0 1 12 5z", "M5.5 19c.6-3.2 3.2-4.8 6.5-4.8s5.9 1.6 6.5 4.8"],
  close: ["m7 7 10 10", "M17 7 7 17"],
  disc: ["M12 4.500a7.5 7.5 0 1 1 0 15 7.5 7.5 0 0 1 0-15z", "M12 9.800a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.400z"],
  down: ["M12 5v9.5", "m7.5 10.5 4.5 4.5 4.5-4.5", "M5.5 18.5h13"],
  ear: ["M8 10a4.5 4.5 0 1 1 8.5 2c-.8 1.5-2.3 2-2.5 4-.2 2-1.3 3-2.7 3-1.3 0-2.3-1-2.3-2.3", "M10.5 10.300a2 2 0 1 1 3 1.7"],
};
const FILLED = new Set(["play", "pause"]);

// A sign for the eye alone: what it stands for is the name of the element around it.
export function icon(name, size = 20) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", width: size, height: size, "aria-hidden": "true", class: FILLED.has(name) ? "icon filled" : "icon" })) svg.setAttribute(key, value);
  for (const d of ICONS[name] ?? []) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
}

// The rings of a record, with the bare one.
export function mark(size = 26) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 32 32", width: size, height: size, "aria-hidden": "true", class: "mark" })) svg.setAttribute(key, value);
  for (const [r, name] of [[14.5, "groove"], [12.4, "groove"], [10.3, "groove"], [6.2, "label"], [1.2, "hole"]]) {
    const ring = document.createElementNS(SVG, "circle");
    for (const [key, value] of Object.entries({ cx: 16, cy: 16, r, class: name })) ring.setAttribute(key, value);
    svg.append(ring);
  }
  return svg;
}

// A question above the page: focus stays within it, Escape leaves it, and the keyboard goes back to where it was.
export function dialog(title, body, { onclose = () => {}, wide = false } = {}) {
  const heading = h("h2", { id: `d${Math.random().toString(36).slice(2)}`, tabindex: "-1" }, title);
  const shut = h("button.plain.round", { "aria-label": "Close", type: "button", onclick: () => box.close() }, icon("close"));
  const box = h(wide ? "dialog.wide" : "dialog", { "aria-labelledby": heading.id }, h("header", {}, heading, shut), h("div.body", {}, body));
  box.addEventListener("close", () => {
    box.remove();
    onclose();
  });
  document.body.append(box);
  box.showModal();
  // On the question, not on an answer: a key that is still on its way down decides nothing.
  heading.focus();
  return box;
}

// Into the folder where the browser puts what it is given.
export function handOver(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = h("a", { href: address, download: scrub(name).replace(/[\\/:*?"<>|]/g, "_") || "original" });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

// A refusal as it comes: the sentence, and the next step below it.
export function problem(error) {
  if (!error) return null;
  const said = error.text ?? "Something went wrong in this page.";
  return h("p.problem", { role: "alert", "data-reason": error.reason ?? "PAGE" }, h("span", {}, said), error.hint && h("span.hint", {}, error.hint));
}
