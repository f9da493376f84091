/** Elements are built, never parsed: every text becomes a text node, so no document can bring markup along. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. props: attributes (true = present, false or null = left out); `on` holds listeners, `vars` CSS custom
 * properties. children: nodes, texts, or null.
 */
export function h(tag, props = {}, ...children) {
  return dress(document.createElement(tag), props, children);
}

/** An SVG element; otherwise as h. */
export function s(tag, props = {}, ...children) {
  return dress(document.createElementNS(SVG, tag), props, children);
}

function dress(element, { on = {}, vars = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(vars)) element.style.setProperty(name, String(value));
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Shows or hides without losing what is inside. */
export function show(element, visible) {
  element.hidden = !visible;
}

/** Text for screen readers only. */
export const spoken = (text) => h("span", { class: "visually-hidden" }, text);

/** Says something to a screen reader. */
export function announce(text) {
  const place = byId("announce");
  place.textContent = "";
  requestAnimationFrame(() => { place.textContent = text; });
}

let toastTimer = 0;

/** A short note that goes away by itself. */
export function toast(text) {
  const place = byId("toast");
  place.textContent = text;
  place.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { place.hidden = true; }, 4000);
}

/** A fault in words, with a way to try again where there is one. */
export function fault(failure, retry = null) {
  return h("div", { class: "fault", role: "alert" },
    h("p", {}, failure.message),
    retry && h("button", { type: "button", on: { click: retry } }, "Try again"));
}

/** A web address that may be linked, or null: nothing but http and https leaves this page. */
export function webAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}

export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

export const clip = (text, length) => (text.length > length ? `${text.slice(0, length - 1).trimEnd()}…` : text);

/** Calls the function once nothing has happened for `wait` milliseconds. */
export function later(wait, callback) {
  let timer = 0;
  const call = (...args) => { clearTimeout(timer); timer = setTimeout(() => callback(...args), wait); };
  call.cancel = () => clearTimeout(timer);
  return call;
}
