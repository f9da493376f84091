/** The rank flow: how each document moves between two rankings, as curves between two lists. */

import { h, plural, s, spoken } from "./dom.js";

const ROW = 46; // px; the style sheet gives rows the same height
const WIDTH = 120;
const FADE = 26; // px of the short curve of a document that comes or goes

/**
 * The picture. left, right: { name, head, hits: [{ id, title }] }, hits in the order of their ranks; head: what stands
 * under the name.
 */
export function rankFlow(left, right) {
  const before = new Map(left.hits.map((hit, i) => [hit.id, i]));
  const after = new Map(right.hits.map((hit, i) => [hit.id, i]));
  const rows = Math.max(left.hits.length, right.hits.length);
  const height = rows * ROW;
  const middle = (row) => row * ROW + ROW / 2;
  const curves = [];

  for (const [id, from] of before) {
    const to = after.get(id);
    const tone = to === undefined ? "gone" : to < from ? "up" : to > from ? "down" : "same";
    const path = to === undefined ? `M0 ${middle(from)} c${FADE} 0 ${FADE} ${ROW * 0.4} ${FADE * 1.2} ${ROW * 0.45}` : curve(middle(from), middle(to));
    curves.push(s("path", { class: `flow-line ${tone}`, d: path, "data-id": id }));
  }
  for (const [id, to] of after) {
    if (!before.has(id)) curves.push(s("path", { class: "flow-line fresh", d: `M${WIDTH - FADE * 1.2} ${middle(to) + ROW * 0.45} c2 ${-ROW * 0.05} 4 ${-ROW * 0.45} ${FADE * 1.2} ${-ROW * 0.45}`, "data-id": id }));
  }

  const picture = s("svg", { class: "flow-lines", viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height, preserveAspectRatio: "none", "aria-hidden": "true" }, curves);
  const element = h("div", { class: "flow", role: "group", "aria-label": summary() },
    side("before", left, (hit) => (after.has(hit.id) ? [] : [h("span", { class: "move gone", title: "not shown on the other side" }, h("span", { "aria-hidden": "true" }, "out"), spoken("leaves the list. "))])),
    picture,
    side("after", right, (hit) => [shift(hit.id)]));
  for (const [event, on] of [["mouseover", true], ["focusin", true], ["mouseout", false], ["focusout", false]]) {
    element.addEventListener(event, ({ target }) => highlight(target.closest?.("[data-id]")?.dataset.id, on));
  }
  return element;

  function curve(y1, y2) {
    return `M0 ${y1} C${WIDTH * 0.5} ${y1} ${WIDTH * 0.5} ${y2} ${WIDTH} ${y2}`;
  }

  function shift(id) {
    if (!before.has(id)) return h("span", { class: "move new" }, h("span", { "aria-hidden": "true" }, "new"), spoken("new in the list. "));
    const places = before.get(id) - after.get(id);
    if (!places) return h("span", { class: "move same" }, h("span", { "aria-hidden": "true" }, "="), spoken("in the same place. "));
    return h("span", { class: `move ${places > 0 ? "up" : "down"}` }, h("span", { "aria-hidden": "true" }, `${places > 0 ? "▲" : "▼"}${Math.abs(places)}`),
      spoken(`${places > 0 ? "up" : "down"} ${plural(Math.abs(places), "place")}. `));
  }

  function side(kind, { name, hits, head }, note) {
    return h("div", { class: `flow-side ${kind}` },
      h("div", { class: "flow-head" }, h("h4", {}, name), head),
      h("ol", {}, hits.map((hit, i) => h("li", { "data-id": hit.id, tabindex: "0" },
        h("span", { class: "rank" }, String(i + 1)), h("span", { class: "flow-title", title: hit.title }, hit.title || hit.id), note(hit)))));
  }

  function highlight(id, on) {
    element.classList.toggle("chosen", Boolean(on && id));
    for (const part of element.querySelectorAll("[data-id]")) part.classList.toggle("lit", Boolean(on && id) && part.dataset.id === id);
  }

  function summary() {
    const stay = [...before.keys()].filter((id) => after.has(id)).length;
    return `Rank flow from ${left.name} to ${right.name}: ${plural(stay, "paper")} in both, ${after.size - stay} new`;
  }
}
