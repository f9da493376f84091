/** What the exploration starts from: the seeds with their coloured sentences, and what it should be far from. */

import { h, spoken } from "./dom.js";
import { about, outside } from "./metadata.js";
import { abstract, legend } from "./sentences.js";

/**
 * The panel of the start.
 *
 * actions: { removeSeed(id), removeUnlike(id), addSeed(), anew() }. Returns { element, match(pairs), show(start,
 * documents, unlike, asked) } where documents are those of the seeds (or one without id for a pasted text); where the
 * page is narrow and something was asked, abstracts are folded.
 */
export function seedPanel(actions) {
  const narrow = matchMedia("(max-width: 999px)");
  const adder = h("button", { type: "button", class: "quiet", id: "add-seed", on: { click: actions.addSeed } }, "Add a seed");
  const body = h("div", { class: "seed-list" });
  const far = h("div", {});
  const heading = h("h2", {}, "Start");
  const element = h("div", { class: "seed-panel" },
    h("div", { class: "panel-top" }, heading,
      h("div", { class: "row" },
        adder,
        h("button", { type: "button", class: "quiet", id: "anew", on: { click: actions.anew } }, "Start anew"))),
    body, far);

  function show(start, documents, unlike, asked) {
    const many = documents.length > 1;
    adder.hidden = start.kind !== "seeds";
    heading.textContent = many ? `Start: ${documents.length} papers` : "Start";
    const sentences = documents.flatMap((document) => document.sentences ?? []);
    const colours = sentences.some((sentence) => sentence.aspect);
    body.replaceChildren(
      ...(colours ? [legend(sentences)] : []),
      ...documents.map((document) => seed(document, many, start, asked)),
    );
    far.replaceChildren(...(unlike.length ? [
      h("h3", {}, "Far from"),
      h("ul", { class: "far" }, unlike.map((document) =>
        h("li", {}, h("span", {}, document.title || document.id),
          remove(`No longer far from ${document.title || document.id}`, () => actions.removeUnlike(document.id))))),
    ] : []));
  }

  function seed(document, many, start, asked) {
    const title = start.kind === "seeds" ? document.title || document.id : start.kind === "text" ? "A pasted abstract" : "A question";
    const text = document.sentences?.length ? abstract(document.sentences) : h("p", { class: "abstract" }, document.text);
    const line = about(document.metadata);
    const link = outside(document.metadata);
    const head = h("div", { class: "seed-head" }, h("h3", { class: "seed-title" }, title),
      many && remove(`Remove the seed ${title}`, () => actions.removeSeed(document.id)));
    return h("article", { class: "seed", "data-id": document.id ?? "" }, head,
      h("p", { class: "muted small" }, line, line && link && " · ", link),
      many || narrow.matches
        ? h("details", { open: !narrow.matches || !asked }, h("summary", { class: "small muted" }, "Abstract", spoken(` of ${title}`)), text)
        : text);
  }

  /** Lights up the sentences of these evidence pairs; [] puts the light out. */
  function match(pairs) {
    for (const sentence of body.querySelectorAll(".sentence")) {
      const numbers = pairs.map((pair, i) => (pair.seed_sentence === sentence.dataset.sentence ? i + 1 : 0)).filter(Boolean);
      sentence.classList.toggle("matched", numbers.length > 0);
      for (const old of sentence.querySelectorAll(".pair")) old.remove();
      for (const number of numbers) sentence.append(h("sup", { class: "pair" }, spoken(" pair "), String(number)));
    }
    body.classList.toggle("matching", pairs.length > 0);
  }

  return { element, show, match };
}

const remove = (label, click) => h("button", { type: "button", class: "remove", "aria-label": label, title: label, on: { click } }, "×");
