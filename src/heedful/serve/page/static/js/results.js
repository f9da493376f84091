/** The results: progress, the heed meter, the hits, and the rank flow beside them. */

import { fault, h, plural, show } from "./dom.js";
import { heedMeter } from "./heed.js";
import { hitItem } from "./hits.js";

/**
 * The panel. actions: { pick, more, less, seed } (hit), { deeper }. light(pairs): lights the seed's side.
 * compare: the element of the rank flow. Returns { element, ... }.
 */
export function resultsPanel({ actions, light, compare, viewed }) {
  let items = [];
  const heading = h("h2", { id: "results-heading" }, "Papers");
  const heed = h("div", { id: "heed" });
  const problem = h("div", { class: "problem" });
  const columns = h("div", { class: "columns small muted", "aria-hidden": "true" });
  const list = h("ol", { class: "hits", id: "hits", on: { mouseleave: () => light([], null) } });
  const deeper = h("button", { type: "button", class: "quiet deeper", on: { click: () => actions.deeper() } }, "Show more");
  const nothing = h("p", { class: "nothing", hidden: true }, "No paper is left under these filters. Widen them, or remove one.");
  const listing = h("div", { id: "view-list", role: "tabpanel", "aria-labelledby": "tab-list" }, columns, nothing, list, deeper);
  const flowing = h("div", { id: "view-flow", role: "tabpanel", "aria-labelledby": "tab-flow", hidden: true }, compare);
  const tabs = [["list", "List", listing], ["flow", "Rank flow", flowing]].map(([view, label, panel]) =>
    ({ view, panel, tab: h("button", { type: "button", role: "tab", id: `tab-${view}`, "aria-controls": panel.id, on: { click: () => look(view), keydown: onTabKey } }, label) }));
  const body = [
    h("div", { class: "results-top" }, heading, h("div", { class: "tabs small-tabs", role: "tablist", "aria-label": "View" }, tabs.map(({ tab }) => tab))),
    problem, heed, listing, flowing,
  ];
  let view = "list";
  look("list");

  function look(next) {
    view = next;
    for (const each of tabs) {
      each.tab.setAttribute("aria-selected", String(each.view === view));
      each.tab.tabIndex = each.view === view ? 0 : -1;
      show(each.panel, each.view === view);
    }
    viewed(view);
  }

  function onTabKey(event) {
    if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
    event.preventDefault();
    const other = tabs.find((each) => each.view !== view);
    look(other.view);
    other.tab.focus();
  }

  return {
    body,
    get view() { return view; },
    look,

    /** Shows an answer. against: what the last instruction was, in words; "" where there is none. */
    draw(answer, { against, isKept, growing, most }) {
      const asked = answer.heed !== null || answer.hits.some((hit) => hit.moved !== 0);
      const last = Boolean(against) && answer.hits.some((hit) => "moved_since" in hit);
      heading.replaceChildren(plural(answer.hits.length, "paper"), answer.system !== "heedful" ? ` by ${answer.system}` : "");
      heed.replaceChildren(...[heedMeter(answer.heed, answer.warnings)].filter(Boolean));
      columns.replaceChildren(h("span", {}, "rank"), ...(asked ? [h("span", { title: "places against no instruction" }, "vs none")] : []),
        ...(last ? [h("span", { title: `places against ${against}` }, "vs last")] : []),
        ...(last ? [h("span", { class: "against" }, `last: ${against}`)] : []));
      list.dataset.moves = String(Number(asked) + Number(last));
      columns.dataset.moves = list.dataset.moves;
      show(columns, asked || last);
      items = answer.hits.map((hit) => hitItem(hit, {
        moves: [...(asked ? [[hit.moved, "against no instruction"]] : []), ...(last ? [[hit.moved_since, `against ${against}`]] : [])],
        kept: isKept(hit.id), growing, actions, light: (pairs, element) => { current(element); light(pairs, element); },
      }));
      list.replaceChildren(...items.map((item) => item.element));
      nothing.hidden = items.length > 0;
      deeper.hidden = !items.length || items.length >= most || items.length < answer.asked;
      problem.replaceChildren();
    },

    kept(id, value) { items.find((item) => item.id === id)?.setKept(value); },

    /** Dims what is there while something newer is under way. */
    stale(isStale) { list.classList.toggle("stale", isStale); },

    refuse(failure, retry) { problem.replaceChildren(fault(failure, retry)); },
    settle() { problem.replaceChildren(); },

    /** Moves the focus among the hits by so many places. */
    walk(step) {
      if (!items.length) return;
      const at = items.findIndex((item) => item.element.contains(document.activeElement));
      items[Math.max(0, Math.min(items.length - 1, at + (at < 0 && step < 0 ? items.length : step)))].element.focus();
    },

    /** Presses a button of the hit that has the focus. */
    press(name) {
      const item = items.find(({ element }) => element.contains(document.activeElement)) ?? items.find(({ element }) => element.classList.contains("current"));
      item?.element.querySelector(`[data-act="${name}"]`)?.click();
    },
  };

  function current(element) {
    for (const item of items) item.element.classList.toggle("current", item.element === element);
  }
}

