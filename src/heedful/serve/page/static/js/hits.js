/** One hit: its place, its moves, why it is there, and what can be done with it. */

import { h, plural, spoken } from "./dom.js";
import { about, outside } from "./metadata.js";
import { abstract, capital, colour, mark } from "./sentences.js";

/** A move for eyes and ears. against: what it is measured against, in words. */
export function move(places, against) {
  const up = places > 0;
  const [tone, sign, said] = places == null ? ["new", "new", "was not ranked"]
    : places === 0 ? ["same", "=", "in the same place"]
      : [up ? "up" : "down", `${up ? "▲" : "▼"}${Math.abs(places)}`, `${up ? "up" : "down"} ${plural(Math.abs(places), "place")}`];
  return h("span", { class: `move ${tone}`, title: `${said} ${against}` }, h("span", { "aria-hidden": "true" }, sign), spoken(`${said} ${against}. `));
}

/**
 * A hit as a list item.
 *
 * moves: [[places, against], ...], one a column. kept: whether it is among the picks. growing: whether seeds can be
 * added. actions: { pick, more, less, seed } each (hit). light(pairs, element): lights the seed's side of the evidence.
 */
export function hitItem(hit, { moves, kept, growing, actions, light }) {
  const document = hit.document;
  const title = hit.title || hit.id;
  const name = `hit-${hit.rank}`;
  const matched = new Map();
  const pairs = hit.evidence.filter(speaks);
  pairs.forEach((pair, i) => matched.set(pair.sentence, [...(matched.get(pair.sentence) ?? []), i + 1]));

  const pick = h("button", { type: "button", class: "quiet keep", "aria-pressed": String(kept), "data-act": "pick", on: { click: () => actions.pick(hit) } });
  const setKept = (value) => {
    pick.setAttribute("aria-pressed", String(value));
    pick.replaceChildren(h("span", { "aria-hidden": "true" }, value ? "★" : "☆"), value ? " Kept" : " Keep", spoken(` ${title}`));
  };
  setKept(kept);

  const reading = h("div", { class: "reading", id: `${name}-text`, hidden: true });
  const read = toggle("Abstract", "read", reading, () => [
    document.sentences?.length ? abstract(document.sentences, matched) : h("p", { class: "abstract" }, document.text ?? ""),
  ]);
  const why = h("div", { class: "why", id: `${name}-why`, hidden: true });
  const whyButton = toggle("Score", "why", why, () => [scoreParts(hit)]);
  const act = (label, key, call) => h("button", { type: "button", class: "quiet", "data-act": key, on: { click: () => call(hit) } }, label, spoken(`: ${title}`));

  const link = outside(document.metadata);
  const element = h("li", { class: "hit", tabindex: "-1", "data-id": hit.id, "aria-labelledby": `${name}-title` },
    h("div", { class: "places" }, h("span", { class: "rank" }, spoken("Rank "), String(hit.rank)), moves.map(([places, against]) => move(places, against))),
    h("div", { class: "hit-body" },
      h("div", { class: "hit-top" }, h("h3", { id: `${name}-title` }, title), pick),
      h("p", { class: "muted small hit-about" }, about(document.metadata) || hit.id, link && " · ", link,
        hit.duplicates?.length > 0 && h("span", { title: hit.duplicates.join(", ") }, ` · ${plural(hit.duplicates.length, "near-identical title")} folded in`)),
      evidence(hit),
      reading, why,
      h("div", { class: "hit-actions" }, read, whyButton, growing && act("More like this", "more", actions.more), act("Less like this", "less", actions.less), act("Use as seed", "seed", actions.seed))));
  for (const event of ["mouseenter", "focusin"]) element.addEventListener(event, () => light(pairs, element));
  return { element, setKept, id: hit.id };

  function toggle(label, key, panel, build) {
    const button = h("button", { type: "button", class: "quiet", "data-act": key, "aria-expanded": "false", "aria-controls": panel.id, on: { click: () => {
      if (!panel.childNodes.length) panel.append(...build());
      panel.hidden = !panel.hidden;
      button.setAttribute("aria-expanded", String(!panel.hidden));
      light(pairs, element);
    } } }, label, spoken(` of ${title}`));
    return button;
  }
}

const SPOKEN_OF = 0.3; // likeness from which a sentence counts as being about a wanted text

/** Whether a pair says something: the best sentence for a wanted text may still be far from it. */
const speaks = (pair) => pair.aspect !== "wanted" || pair.similarity >= SPOKEN_OF;

/** The aligned pairs. Where no aspect was asked for, the hit's sentence says which colour a pair has. */
function evidence({ evidence: all, document }) {
  const pairs = all.filter(speaks);
  const silent = all.filter((pair) => !speaks(pair));
  if (!all.length) return null;
  const own = new Map(document.sentences?.map((sentence) => [sentence.text, sentence.aspect]));
  const list = h("ol", { class: "evidence", "aria-label": "Sentences that answer each other" }, pairs.map((pair, i) => {
    const aspect = pair.aspect || own.get(pair.sentence) || "";
    return h("li", { class: `evidence-pair ${colour(aspect)}`, "data-pair": i + 1 },
      h("span", { class: "pair-number", "aria-hidden": "true" }, String(i + 1)),
      h("div", {},
        h("p", { class: "theirs" }, aspect && [mark(aspect), spoken(`${aspect}: `)], pair.sentence,
          h("span", { class: "likeness", title: "likeness of the two (cosine)" }, spoken(" likeness"), ` ${pair.similarity.toFixed(2)}`)),
        h("p", { class: `ours ${pair.aspect === "wanted" ? "wish" : ""}` }, h("span", { class: "ours-lead" }, pair.aspect === "wanted" ? "wanted: " : "start: "), pair.seed_sentence)));
  }));
  return [
    pairs.length > 0 && list,
    silent.length > 0 && h("p", { class: "silent small muted" }, "No sentence about ", silent.map((pair, i) => [i ? ", " : "", h("q", {}, pair.seed_sentence)])),
  ];
}

/** The parts of a score as bars about the candidates' mean. */
function scoreParts(hit) {
  const widest = Math.max(2, ...Object.values(hit.parts).map(Math.abs));
  return h("table", { class: "parts" },
    h("caption", { class: "small muted" }, `Score ${hit.score.toFixed(2)}: each part in standard deviations of the candidates, 0 is their mean.`),
    h("tbody", {}, Object.entries(hit.parts).map(([name, value]) => h("tr", {},
      h("th", { scope: "row" }, capital(name.replaceAll("_", " "))),
      h("td", { class: "bar-cell", "aria-hidden": "true" }, h("span", { class: `part-bar ${value < 0 ? "below" : ""} ${colour(name)}`, vars: { "--size": `${(Math.abs(value) / widest) * 50}%` } })),
      h("td", { class: "figure" }, `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(value).toFixed(2)}`)))));
}
