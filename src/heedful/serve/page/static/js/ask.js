/** The instruction: a box, chips for aspects that write into it, and examples. */

import * as api from "./api.js";
import { h, later, show } from "./dom.js";
import { capital, colour, mark } from "./sentences.js";

/** Examples that fit any collection with these aspects and columns. */
function examples(aspects, columns) {
  const names = aspects.map((aspect) => aspect.name.replaceAll("_", " "));
  const made = [];
  if (names.includes("method") && names.includes("background")) made.push("similar method, not the same topic", "the same problem, but a different method");
  else if (names.length > 1) made.push(`similar ${names[0]}, different ${names[1]}`);
  if (names.includes("result")) made.push("papers with similar results, on any topic");
  const year = columns.find((column) => column.name === "year" && column.high);
  if (year) made.push(`no surveys, since ${Math.max(year.low, year.high - 4)}`);
  return made;
}

/**
 * The instruction box. steer(text): called when it is sent; planned(plan): what the words would be understood as,
 * while they are typed. Returns { element, show(instruction), focus(), text(), refuse(node) }.
 */
export function ask({ aspects, columns, limit }, { steer, planned }) {
  const box = h("textarea", {
    id: "instruction", rows: 1, maxlength: limit, autocomplete: "off", "aria-describedby": "ask-help",
    placeholder: "Say what should be alike, what should differ, what to leave out",
    on: { input: () => { fit(); chipsShown(); preview(); }, keydown: onKey },
  });
  const problem = h("div", { class: "problem" });
  const one = api.latest();
  const preview = later(300, async () => {
    try {
      const answer = await one.run((signal) => api.plan({ instruction: box.value }, signal));
      if (answer) planned(answer.plan, box.value);
    } catch { /* a preview that fails is no preview; sending the instruction will say why */ }
  });

  const chips = aspects.map(({ name, definition }) => {
    const label = name.replaceAll("_", " ");
    const alike = `similar ${label}`;
    const different = `different ${label}`;
    const state = h("span", { class: "chip-state" });
    const button = h("button", { type: "button", class: `chip aspect-chip ${colour(name)}`, title: definition || null, on: { click: turn } }, mark(name), `${capital(label)} `, state);
    function turn() {
      const text = box.value;
      if (has(text, alike)) box.value = swap(text, alike, different);
      else if (has(text, different)) box.value = swap(text, different, "");
      else box.value = text.trim() ? `${text.trim().replace(/[,;]$/, "")}, ${alike}` : alike;
      fit();
      chipsShown();
      preview();
    }
    const shown = () => {
      const at = has(box.value, alike) ? "alike" : has(box.value, different) ? "different" : "";
      state.textContent = at;
      button.dataset.state = at;
      button.setAttribute("aria-label", `${capital(label)}: ${at || "not asked for"}. Press to ask for ${at === "alike" ? "difference" : at ? "nothing" : "likeness"}`);
    };
    return { button, shown };
  });
  const chipsShown = () => { for (const chip of chips) chip.shown(); show(samples, !box.value.trim()); };

  const samples = h("div", { class: "samples" }, h("span", { class: "muted small", id: "samples-label" }, "For example"),
    h("ul", { "aria-labelledby": "samples-label" }, examples(aspects, columns).map((text) =>
      h("li", {}, h("button", { type: "button", class: "link", on: { click: () => { box.value = text; fit(); chipsShown(); send(); } } }, text)))));

  const form = h("form", { class: "ask-form", on: { submit: (event) => { event.preventDefault(); send(); } } },
    h("label", { for: "instruction", class: "ask-label" }, h("h2", { id: "ask-heading" }, "What do you want of it?")),
    box,
    h("div", { class: "ask-row" },
      h("div", { class: "chips", role: "group", "aria-label": "Ask for an aspect" }, chips.map((chip) => chip.button)),
      h("span", { class: "spacer" }),
      h("button", { type: "button", class: "quiet", id: "clear", on: { click: () => { box.value = ""; fit(); chipsShown(); send(); } } }, "Clear"),
      h("button", { type: "submit", class: "primary" }, "Steer")),
    h("p", { id: "ask-help", class: "visually-hidden" }, "Enter sends, Shift and Enter begins a new line."),
    samples, problem);

  function send() {
    preview.cancel();
    one.cancel();
    steer(box.value.trim());
  }

  function onKey(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); send(); }
  }

  function fit() {
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight + 2, 260)}px`;
  }

  return {
    element: form,
    show(instruction) {
      if (box.value.trim() !== instruction) box.value = instruction;
      fit();
      chipsShown();
      problem.replaceChildren();
    },
    focus() { box.focus(); box.select(); },
    text: () => box.value,
    refuse(node) { problem.replaceChildren(...(node ? [node] : [])); },
  };
}

const has = (text, phrase) => text.toLowerCase().includes(phrase);

/** The text with one phrase for another; a phrase that goes takes its comma along. */
function swap(text, phrase, other) {
  const at = text.toLowerCase().indexOf(phrase);
  const swapped = text.slice(0, at) + other + text.slice(at + phrase.length);
  return other ? swapped : swapped.replace(/,\s*,/g, ",").replace(/^\s*,\s*|\s*,\s*$/g, "").trim();
}
