/** Sentences coloured by aspect; colour is never the only sign: each run begins with its aspect's mark. */

import { h, spoken } from "./dom.js";

let names = [];
let marks = new Map();

/** Says which aspects the collection has; their order gives each its colour. */
export function useAspects(aspects) {
  names = aspects.map((aspect) => aspect.name);
  definitions = new Map(aspects.map((aspect) => [aspect.name, aspect.definition ?? ""]));
  marks = new Map(names.map((name) => [name, shortest(name)]));
}

let definitions = new Map();

/** The shortest beginning of a name that no other aspect has, for its mark. */
function shortest(name) {
  for (let length = 1; length < name.length; length += 1) {
    const begin = name.slice(0, length);
    if (!names.some((other) => other !== name && other.startsWith(begin))) return capital(begin);
  }
  return capital(name);
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** The class that gives an aspect its colour; "" for none. */
export function colour(aspect) {
  const index = names.indexOf(aspect);
  return index < 0 ? (aspect === "wanted" ? "aspect-wanted" : "") : `aspect-${index % 8}`;
}

/** The mark of an aspect. */
export const mark = (aspect) =>
  h("span", { class: `mark ${colour(aspect)}`, title: aspect, "aria-hidden": "true" }, aspect === "wanted" ? "+" : marks.get(aspect) ?? "·");

/**
 * An abstract as coloured sentences.
 *
 * sentences: [{ text, aspect }]. matched: sentence text -> numbers of the evidence pairs that it belongs to.
 */
export function abstract(sentences, matched = new Map()) {
  let before = null;
  const parts = [];
  for (const { text, aspect } of sentences) {
    const begins = aspect !== before;
    before = aspect;
    const pairs = matched.get(text);
    const piece = h("span", { class: `sentence ${colour(aspect)}${pairs ? " matched" : ""}`, "data-sentence": text },
      begins && aspect && [mark(aspect), spoken(`${aspect}: `)], text,
      pairs && pairs.map((number) => h("sup", { class: "pair" }, spoken(" pair "), number)));
    parts.push(piece, " ");
  }
  return h("p", { class: "abstract" }, parts);
}

/** What the colours mean, and how many sentences of each there are. */
export function legend(sentences) {
  const counts = new Map(names.map((name) => [name, 0]));
  for (const { aspect } of sentences) if (counts.has(aspect)) counts.set(aspect, counts.get(aspect) + 1);
  return h("ul", { class: "legend", "aria-label": "What the sentences are about" },
    [...counts].map(([name, count]) =>
      h("li", { class: count ? "" : "none", title: definitions.get(name) || null },
        mark(name), h("span", {}, name.replaceAll("_", " ")), h("span", { class: "muted" }, ` ${count}`))));
}
