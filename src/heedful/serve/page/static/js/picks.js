/** What was kept: a drawer with the picks, and their export. */

import * as api from "./api.js";
import { fault, h, plural, toast } from "./dom.js";
import { about } from "./metadata.js";

const FORMATS = [["bibtex", "BibTeX", "bib"], ["ris", "RIS", "ris"], ["csv", "CSV", "csv"], ["json", "JSON", "json"]];

/** The drawer in this dialog. known(id): the title where one is known. drop(id): called to remove. */
export function picksDrawer(dialog, { known, drop, clear }) {
  let ids = [];
  let details = new Map();
  const list = h("ol", { class: "picked" });
  const problem = h("div", { class: "problem" });
  const one = api.latest();
  const buttons = FORMATS.map(([format, label, ending]) =>
    h("button", { type: "button", class: "export", "data-format": format, on: { click: () => save(format, ending) } }, label));
  const empty = h("p", { class: "muted" }, "Nothing kept yet. ☆ Keep beside a paper puts it here.");
  const exportRow = h("div", { class: "export-row", role: "group", "aria-label": "Export" }, h("span", { class: "muted small" }, "Export as"), buttons);
  const remove = h("button", { type: "button", class: "quiet", on: { click: () => { clear(); } } }, "Remove all");
  dialog.append(
    h("div", { class: "panel-top" }, h("h2", { id: "picks-heading" }, "Kept"), h("form", { method: "dialog" }, h("button", { class: "quiet", "aria-label": "Close" }, "Close"))),
    empty, list, exportRow, problem, remove);

  async function save(format, ending) {
    problem.replaceChildren();
    try {
      const blob = await one.run((signal) => api.exported({ format, ids }, signal));
      if (!blob) return;
      const address = URL.createObjectURL(blob);
      h("a", { href: address, download: `heedful.${ending}` }).click();
      setTimeout(() => URL.revokeObjectURL(address), 10_000);
      toast(`Saved ${plural(ids.length, "paper")} as heedful.${ending}`);
    } catch (failure) {
      problem.replaceChildren(fault(failure, () => save(format, ending)));
    }
  }

  async function draw() {
    const any = ids.length > 0;
    empty.hidden = any;
    exportRow.hidden = remove.hidden = !any;
    list.replaceChildren(...ids.map((id) => {
      const document = details.get(id) ?? known(id) ?? { id, title: id };
      const title = document.title || id;
      return h("li", {}, h("div", {}, h("span", {}, title), h("span", { class: "muted small" }, about(document.metadata))),
        h("button", { type: "button", class: "remove", "aria-label": `Remove ${title}`, on: { click: () => drop(id) } }, "×"));
    }));
  }

  async function fill() {
    const missing = ids.filter((id) => !details.has(id) && !known(id));
    if (!missing.length) return;
    try {
      for (const document of await api.listed(missing)) details.set(document.id, document);
      draw();
    } catch { /* ids stand in for titles */ }
  }

  return {
    show(next) { ids = next; draw(); },
    open() { problem.replaceChildren(); draw(); dialog.showModal(); fill(); },
  };
}
