/** Where to start: a paper of the collection, a pasted abstract, or a question. */

import * as api from "./api.js";
import { clip, fault, h, later, plural, show, spoken } from "./dom.js";
import { about } from "./metadata.js";

const WAYS = [
  { kind: "seeds", label: "A paper here", help: "" },
  { kind: "text", label: "An abstract", help: "Paste an abstract that is not in the collection. From three sentences on, they are compared one by one." },
  { kind: "query", label: "A question", help: "Say in a few words what you look for." },
];
const LISTED = 8;

/**
 * The finder. begin(start, name): called with a new start. add(document): called instead for one more seed.
 * Returns { element, open(adding), close(), focus() }.
 */
export function finder({ begin, add }) {
  let adding = false;
  let way = "seeds";
  const one = api.latest();

  const search = h("input", {
    id: "find", type: "search", autocomplete: "off", spellcheck: "false", maxlength: 300,
    placeholder: "Words of a title, or an id", "aria-describedby": "way-help", "aria-controls": "found",
    on: { input: () => look(), keydown: (event) => onSearchKey(event) },
  });
  const found = h("ul", { class: "found", id: "found", "aria-label": "Papers found", on: { keydown: walk } });
  const foundNote = h("p", { class: "muted small", role: "status" });
  const text = h("textarea", { id: "paste", rows: 7, placeholder: "We study …", "aria-describedby": "way-help" });
  const question = h("input", { id: "question", type: "text", autocomplete: "off", placeholder: "e.g. measuring the sea level without satellites", "aria-describedby": "way-help" });
  const problem = h("div", { class: "problem" });
  const help = h("p", { class: "muted small", id: "way-help" });

  const tabs = WAYS.map(({ kind, label }) =>
    h("button", { type: "button", role: "tab", id: `way-${kind}`, "aria-controls": "way-panel", on: { click: () => choose(kind), keydown: onTabKey } }, label));
  const tablist = h("div", { class: "tabs", role: "tablist", "aria-label": "Start from" }, tabs);

  const fields = {
    seeds: h("div", {}, h("label", { for: "find", class: "visually-hidden" }, "Find a paper"), search, foundNote, found),
    text: h("form", { on: { submit: (event) => submit(event, "text", text) } },
      h("label", { for: "paste", class: "visually-hidden" }, "Abstract"), text,
      h("button", { type: "submit", class: "primary" }, "Start from this abstract")),
    query: h("form", { on: { submit: (event) => submit(event, "query", question) } },
      h("label", { for: "question", class: "visually-hidden" }, "Question"), question,
      h("button", { type: "submit", class: "primary" }, "Search")),
  };
  const panel = h("div", { id: "way-panel", role: "tabpanel", tabindex: "-1" }, help, Object.values(fields), problem);
  const closer = h("button", { type: "button", class: "quiet closer", on: { click: () => element.dispatchEvent(new CustomEvent("closed")) } }, "Close");
  const heading = h("h2", { class: "finder-heading" });
  const element = h("div", { class: "finder" }, h("div", { class: "finder-top" }, heading, closer), tablist, panel);

  const look = later(180, () => load());

  async function load() {
    const words = search.value.trim();
    try {
      const answer = await one.run((signal) => api.find(words, LISTED, signal));
      if (!answer) return;
      problem.replaceChildren();
      list(answer.documents, words);
    } catch (failure) {
      problem.replaceChildren(fault(failure, load));
    }
  }

  function list(documents, words) {
    foundNote.textContent = !words ? "Or begin with one of these:"
      : documents.length ? "" : "No paper has these words. Try fewer, or paste an abstract.";
    found.setAttribute("aria-label", words ? `${plural(documents.length, "paper")} found` : "Papers to begin with");
    found.replaceChildren(...documents.slice(0, words ? LISTED : 4).map((document) =>
      h("li", {}, h("button", { type: "button", class: "found-paper", on: { click: () => take(document) } },
        h("span", { class: "found-title" }, document.title || document.id),
        h("span", { class: "muted small" }, spoken(". "), about(document.metadata) || clip(document.text, 90))))));
  }

  function take(document) {
    search.value = "";
    found.replaceChildren();
    if (adding) add(document);
    else begin({ kind: "seeds", ids: [document.id] }, document.title || document.id);
  }

  function submit(event, kind, field) {
    event.preventDefault();
    const value = field.value.trim();
    if (!value) {
      problem.replaceChildren(fault({ message: kind === "text" ? "There is no text yet: paste an abstract above." : "There is no question yet: type a few words above." }));
      field.focus();
      return;
    }
    problem.replaceChildren();
    begin({ kind, text: value }, clip(value, 60));
  }

  function onSearchKey(event) {
    if (event.key === "ArrowDown") { event.preventDefault(); found.querySelector("button")?.focus(); }
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); look.cancel(); load().then(() => found.querySelector("button")?.focus()); }
  }

  function walk(event) {
    const buttons = [...found.querySelectorAll("button")];
    const at = buttons.indexOf(document.activeElement);
    if (event.key === "ArrowDown") { event.preventDefault(); buttons[Math.min(at + 1, buttons.length - 1)]?.focus(); }
    if (event.key === "ArrowUp") { event.preventDefault(); (at > 0 ? buttons[at - 1] : search).focus(); }
  }

  function onTabKey(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const open = tabs.filter((tab) => !tab.hidden);
    if (!step || open.length < 2) return;
    event.preventDefault();
    const next = open[(open.indexOf(event.currentTarget) + step + open.length) % open.length];
    next.click();
    next.focus();
  }

  function choose(kind) {
    way = kind;
    problem.replaceChildren();
    WAYS.forEach((each, i) => {
      tabs[i].setAttribute("aria-selected", String(each.kind === kind));
      tabs[i].tabIndex = each.kind === kind ? 0 : -1;
      show(fields[each.kind], each.kind === kind);
      if (each.kind === kind) {
        help.textContent = each.help;
        show(help, Boolean(each.help));
        panel.setAttribute("aria-labelledby", tabs[i].id);
      }
    });
    if (kind === "seeds") load();
  }

  return {
    element,
    /** adding: for one more seed; else for a new start. closable: whether there is something to go back to. */
    open(isAdding, closable) {
      adding = isAdding;
      heading.textContent = isAdding ? "Add a seed" : closable ? "Start anew" : "";
      show(closer, closable);
      show(tablist, !isAdding);
      choose(isAdding ? "seeds" : way);
    },
    focus() { ({ seeds: search, text, query: question })[way].focus(); },
    /** Shows what was typed in a start that failed, with the reason. */
    refuse(start, failure) {
      if (start.kind === "text") text.value = start.text;
      if (start.kind === "query") question.value = start.text;
      choose(start.kind);
      problem.replaceChildren(fault(failure));
    },
  };
}
