/** Filters over whatever metadata the collection has: ranges, choices, words. */

import { h, later } from "./dom.js";

const LISTED = 12;

/** A filter in words. */
export function filterWords(filters) {
  return Object.entries(filters).map(([name, { from, to, any, has }]) => {
    if (any?.length) return `${name} ${any.join(" or ")}`;
    if (has) return `${name} has “${has}”`;
    if (from != null && to != null) return `${name} ${from}–${to}`;
    return from != null ? `${name} from ${from}` : `${name} up to ${to}`;
  }).join(", ");
}

/** The filters' panel. changed(filters). Returns { element, show(filters), refuse(message) }. */
export function filterPanel(columns, { changed }) {
  let filters = {};
  const fields = columns.filter((column) => column.distinct !== 0).map(field);
  const said = h("span", { class: "plan-words" });
  const problem = h("div", { class: "problem" });
  const clear = h("button", { type: "button", class: "quiet", on: { click: () => { set({}); changed({}); } } }, "No filters");
  const details = h("details", { class: "filters", id: "filters" },
    h("summary", {}, h("span", { class: "plan-lead" }, "Filters "), said),
    h("div", { class: "filter-fields" }, fields.map((each) => each.element)), problem, clear);

  function update(name, filter) {
    const next = { ...filters };
    if (filter) next[name] = filter;
    else delete next[name];
    set(next, false);
    changed(next);
  }

  function set(next, write = true) {
    filters = next;
    said.textContent = filterWords(filters) || "none";
    clear.hidden = !Object.keys(filters).length;
    if (write) for (const each of fields) each.write(filters[each.name]);
    problem.replaceChildren();
  }

  function field(column) {
    const title = column.name.replaceAll("_", " ");
    if (column.low != null && column.distinct > 2) return range(column, title);
    if (column.values) return choice(column, title);
    return words(column, title);
  }

  function range({ name, type, low, high }, title) {
    const read = (input) => (input.value.trim() === "" || !Number.isFinite(Number(input.value)) ? null : Number(input.value));
    const soon = later(500, () => {
      const filter = {};
      if (read(from) !== null) filter.from = read(from);
      if (read(to) !== null) filter.to = read(to);
      if (filter.from > filter.to) { refuse(`${title}: from ${filter.from} to ${filter.to} leaves nothing; exchange the two.`); return; }
      update(name, Object.keys(filter).length ? filter : null);
    });
    const end = (label, placeholder) => h("input", { type: "number", step: type === "int" ? 1 : "any", inputmode: "decimal", placeholder, "aria-label": `${title} ${label}`, on: { input: soon } });
    const from = end("from", low);
    const to = end("to", high);
    return {
      name, element: h("fieldset", {}, h("legend", {}, title), h("div", { class: "range" }, from, h("span", { "aria-hidden": "true" }, "–"), to)),
      write: (filter) => { from.value = filter?.from ?? ""; to.value = filter?.to ?? ""; },
    };
  }

  function choice({ name, values }, title) {
    const soon = later(350, () => {
      const any = boxes.filter(({ input }) => input.checked).map(({ value }) => value);
      update(name, any.length ? { any } : null);
    });
    const boxes = [...values].sort((a, b) => b.documents - a.documents).map(({ value, documents }, i) => {
      const input = h("input", { type: "checkbox", id: `filter-${name}-${i}`, on: { change: soon } });
      return { value, input, element: h("li", {}, h("label", { for: `filter-${name}-${i}` }, input, String(value), h("span", { class: "muted" }, ` ${documents.toLocaleString("en")}`))) };
    });
    const rest = boxes.slice(LISTED);
    const list = h("ul", { class: "choices" }, boxes.slice(0, LISTED).map((box) => box.element));
    const more = rest.length > 0 && h("button", { type: "button", class: "link", on: { click: () => { list.append(...rest.map((box) => box.element)); more.remove(); } } }, `${rest.length} more`);
    return {
      name, element: h("fieldset", {}, h("legend", {}, title), list, more),
      write: (filter) => { for (const box of boxes) box.input.checked = filter?.any?.includes(box.value) ?? false; },
    };
  }

  function words({ name }, title) {
    const soon = later(500, () => update(name, input.value.trim() ? { has: input.value.trim() } : null));
    const input = h("input", { type: "text", id: `filter-${name}`, autocomplete: "off", placeholder: "has …", "aria-label": `${title} has`, maxlength: 200, on: { input: soon } });
    return { name, element: h("fieldset", {}, h("legend", {}, title), input), write: (filter) => { input.value = filter?.has ?? ""; } };
  }

  function refuse(message) {
    problem.replaceChildren(...(message ? [h("p", { class: "fault", role: "alert" }, message)] : []));
    if (message) details.open = true;
  }

  return { element: columns.length ? details : h("div", {}), show: set, refuse };
}
