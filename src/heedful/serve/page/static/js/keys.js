/** Keyboard shortcuts and the sheet that lists them. */

import { h } from "./dom.js";

let on = true;
try { on = localStorage.getItem("heedful-keys") !== "off"; } catch { /* storage is switched off */ }

const LIST = [
  ["/", "Find a paper to start from"],
  ["i", "Write an instruction"],
  ["p", "Edit the plan"],
  ["f", "Filters"],
  ["j, k", "Next, previous hit"],
  ["o", "Abstract of the hit"],
  ["w", "Its score, part by part"],
  ["x", "Keep it"],
  ["m", "More like it"],
  ["l", "Less like it"],
  ["s", "Use it as seed"],
  ["r", "List or rank flow"],
  ["[, ]", "Previous, next step of the trail"],
  ["e", "What was kept, and export"],
  ["t", "Light, dark, or as the system"],
  ["Esc", "Cancel what is running; close"],
  ["?", "This help"],
];

/** Listens for shortcuts. actions: key -> function. */
export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") { actions.Escape?.(); return; }
    if (document.querySelector("dialog[open]") || (!on && event.key !== "?")) return;
    if (event.target.closest?.("input:not([type=range], [type=checkbox]), textarea, select, [contenteditable]")) return;
    const action = actions[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

/** Fills the help sheet. */
export function helpSheet(dialog) {
  const box = h("input", { type: "checkbox", id: "keys-on", checked: on || null, on: { change: () => {
    on = box.checked;
    try { localStorage.setItem("heedful-keys", on ? "on" : "off"); } catch { /* for this page only */ }
  } } });
  dialog.append(
    h("div", { class: "panel-top" }, h("h2", { id: "help-heading" }, "How this works"), h("form", { method: "dialog" }, h("button", { class: "quiet" }, "Close"))),
    h("p", {}, "Start from a paper, an abstract or a question. Then say what should be alike or different, what you want and what not: the plan shows how it was understood, and every part of it can be changed."),
    h("p", {}, "Numbered sentences are pairs: the same number marks the sentence of your start and the one of the hit that answer each other. ▲ and ▼ count the places a hit rose or fell, against no instruction and against the last one."),
    h("p", {}, "The address of this page holds the whole session: share it, or keep it as a bookmark."),
    h("h3", {}, "Keys"),
    h("dl", { class: "keys" }, LIST.map(([key, meaning]) => h("div", {}, h("dt", {}, key.split(", ").map((each, i) => [i ? " " : "", h("kbd", {}, each)])), h("dd", {}, meaning)))),
    h("label", { class: "check", for: "keys-on" }, box, "Single keys are shortcuts"));
}
