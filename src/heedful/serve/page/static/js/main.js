/** Puts the page together: one need goes to the server, one answer comes back, everything shown follows from both. */

import * as api from "./api.js";
import { themeButton } from "./appearance.js";
import { ask } from "./ask.js";
import { comparePane } from "./compare.js";
import { announce, byId, clip, fault, h, plural, show, toast } from "./dom.js";
import { filterPanel, filterWords } from "./filters.js";
import { finder } from "./finder.js";
import { helpSheet, listen } from "./keys.js";
import { picksDrawer } from "./picks.js";
import { inWords, planEditor } from "./plan.js";
import { progressNote } from "./progress.js";
import { resultsPanel } from "./results.js";
import { seedPanel } from "./seeds.js";
import { useAspects } from "./sentences.js";
import * as state from "./state.js";
import { drawTrail } from "./trail.js";

const KEPT_ANSWERS = 40;
const visit = crypto.getRandomValues(new Uint32Array(2)).join("-"); // tells this visit's addresses from pasted ones

let collection = null;
let session = state.emptySession();
let answer = null;
const parts = {};
const answers = new Map();
const one = api.latest();
const titles = new Map();

// ---- asking

/** The answer to a need; answers of this visit are kept. */
async function ranking(need, signal, previous = null, told = null) {
  const body = state.request(need, previous, collection.columns);
  const key = JSON.stringify(body);
  if (!answers.has(key)) {
    const found = await api.explore(body, signal, told);
    if (answer && found.manifest.version !== answer.manifest.version) answers.clear(); // the index was rebuilt meanwhile
    for (const hit of found.hits) titles.set(hit.id, hit.document);
    if (answers.size >= KEPT_ANSWERS) answers.delete(answers.keys().next().value);
    answers.set(key, { ...found, asked: need.k });
  }
  return answers.get(key);
}

/** What the start consists of: documents of the collection, or the text as it was understood. */
async function startDocuments(need, found, signal) {
  if (need.start.kind !== "seeds") return [{ text: need.start.text, sentences: found.start?.sentences ?? [] }];
  return Promise.all(need.start.ids.map((id) => api.oneDocument(id, signal)));
}

/**
 * Goes to what a session's current step needs, and shows it once the answer is there; until then, and if it fails,
 * everything stays as it is. history: "push", "replace", or "" for none.
 */
async function go(next, history = "push") {
  const need = state.current(next).need;
  const previous = state.lastAsked(next);
  parts.progress.begin();
  parts.results.settle();
  try {
    const found = await one.run(async (signal) => {
      const ranked = await ranking(need, signal, previous, parts.progress.told);
      const seeds = await startDocuments(need, ranked, signal);
      const far = need.unlike.filter((id) => !titles.has(id));
      if (far.length) for (const document of await api.listed(far, signal)) titles.set(document.id, document);
      return { ranked, seeds };
    });
    if (!found) return;
    session = { ...next, picks: session.picks };
    answer = found.ranked;
    for (const document of found.seeds) if (document.id) titles.set(document.id, document);
    remember(history);
    draw(found.seeds, previous);
  } catch (failure) {
    refuse(failure, need, () => go(next, history));
  } finally {
    if (!one.busy) parts.progress.end();
  }
}

/** A need that differs from the current one, as a new step. */
function step(name, changes) {
  const need = { ...state.current(session).need, ...changes };
  return go(state.withStep(session, name, need));
}

function begin(start, name, instruction = "") {
  return go(state.withStep(session, `From ${name}`, { ...state.needOf(start), instruction }));
}

/** Says what went wrong where it was typed; nothing typed is lost. */
function refuse(failure, need, retry) {
  if (failure.status === 401) askForKey(failure, retry);
  const field = failure.field ?? "";
  const first = answer === null;
  if (first) openFinder(false);
  if (first && need.start.kind !== "seeds") parts.finder.refuse(need.start, failure);
  else if (first) parts.startProblem.replaceChildren(fault(failure, retry));
  else if (field === "where" && Object.keys(need.filters).length && !need.plan?.where) parts.filters.refuse(failure.message);
  else if (field.startsWith("plan") || (field === "where" && need.plan)) parts.plan.refuse(failure.message);
  else if (field === "instruction") parts.ask.refuse(fault(failure));
  else parts.results.refuse(failure, retry);
}

// ---- what can be done

const actions = {
  begin(start, name) { closeFinder(); return begin(start, name); },
  add(document) {
    closeFinder();
    const ids = state.current(session).need.start.ids;
    if (ids.includes(document.id)) { toast("This paper is a seed already."); return; }
    step(`Also from ${document.title || document.id}`, { start: { kind: "seeds", ids: [...ids, document.id] } });
  },
  removeSeed(id) {
    const ids = state.current(session).need.start.ids.filter((other) => other !== id);
    if (ids.length) step(`Without the seed ${titleOf(id)}`, { start: { kind: "seeds", ids } });
  },
  more(hit) {
    const { start, unlike } = state.current(session).need;
    const ids = [...start.ids, hit.id];
    if (ids.length > collection.limits.seeds) { toast(`At most ${collection.limits.seeds} seeds at once.`); return; }
    step(`More like ${titleOf(hit.id)}`, { start: { kind: "seeds", ids }, unlike: unlike.filter((id) => id !== hit.id) });
  },
  less(hit) { step(`Less like ${titleOf(hit.id)}`, { unlike: [...new Set([...state.current(session).need.unlike, hit.id])] }); },
  removeUnlike(id) { step(`No longer far from ${titleOf(id)}`, { unlike: state.current(session).need.unlike.filter((other) => other !== id) }); },
  seed(hit) { step(`From ${titleOf(hit.id)}`, { start: { kind: "seeds", ids: [hit.id] }, unlike: [] }); },
  async steer(instruction) {
    await step(instruction ? `“${instruction}”` : "No instruction", { instruction, plan: null });
    if (matchMedia("(max-width: 999px)").matches) byId("results").scrollIntoView();
  },
  editPlan(plan) {
    const now = state.current(session);
    const changed = { ...now.need, instruction: parts.ask.text().trim(), plan };
    const name = `Plan: ${inWords(plan) || "nothing"}`;
    if (now.need.plan && session.at === session.steps.length - 1) go(state.withCurrent(session, name, changed), "replace");
    else go(state.withStep(session, name, changed));
  },
  resetPlan() { const { instruction } = state.current(session).need; actions.steer(instruction); },
  filter(filters) { step(filterWords(filters) ? `Only ${filterWords(filters)}` : "No filters", { filters }); },
  rerank(system) { step(system ? `Reranked by ${system}` : "Heedful's own order", { rerank: system }); },
  deeper() {
    const now = state.current(session);
    go(state.withCurrent(session, now.name, { ...now.need, k: Math.min(now.need.k + 10, collection.limits.k) }), "replace");
  },
  goTo(index) { if (session.steps[index]) go({ ...session, at: index }); },
  pick(hit) {
    titles.set(hit.id, hit.document);
    keep(session.picks.includes(hit.id) ? session.picks.filter((id) => id !== hit.id) : [...session.picks, hit.id]);
    announce(session.picks.includes(hit.id) ? `Kept. ${session.picks.length} in all.` : "No longer kept.");
  },
  cancel() {
    if (!one.busy) return;
    one.cancel();
    parts.progress.end();
    toast("Cancelled; nothing was changed.");
  },
};

function keep(picks) {
  const before = session.picks;
  session = { ...session, picks };
  for (const id of new Set([...before, ...picks])) parts.results.kept(id, picks.includes(id));
  drawPicks();
  remember("replace");
}

const titleOf = (id) => clip(titles.get(id)?.title || id, 70);

// ---- showing

function draw(seeds, previous) {
  const { need, name } = state.current(session);
  const edited = need.plan !== null;
  document.body.dataset.stage = "work";
  document.title = `${name} · Heedful`;
  byId("title").textContent = `Exploration: ${name}`;
  for (const [id, visible] of [["hero", false], ["seeds", true], ["finder", false], ["work", true], ["trail-nav", true], ["title", true]]) show(byId(id), visible);
  parts.startProblem.replaceChildren();
  parts.seeds.show(need.start, seeds, need.unlike.map((id) => titles.get(id) ?? { id }), state.asks(need));
  parts.ask.show(need.instruction);
  parts.plan.show(need.plan ?? { ...answer.plan, where: ownFilter(answer.plan.where, need) }, edited);
  parts.filters.show(need.filters);
  parts.rerank.value = need.rerank;
  parts.results.draw(answer, {
    against: previous ? stepName(previous) : "", isKept: (id) => session.picks.includes(id),
    growing: need.start.kind === "seeds", most: collection.limits.k,
  });
  drawTrail(byId("trail"), session, actions.goTo);
  drawPicks();
  offerFlow();
  parts.light([], null);
  announce(`${plural(answer.hits.length, "paper")}. ${answer.heed ? `The ranking: ${answer.heed.verdict}. ` : ""}${answer.warnings.join(". ")}`);
}

/** The plan's own filter, without that of the panel which the answer has joined to it. */
function ownFilter(where, need) {
  const panel = state.condition(need.filters, collection.columns);
  if (!where || !panel) return where;
  if (where === panel) return null;
  const joined = `) AND (${panel})`;
  return where.startsWith("(") && where.endsWith(joined) ? where.slice(1, -joined.length) : where;
}

const stepName = (need) => (need.plan ? `the plan ${inWords(need.plan) || "for nothing"}` : need.instruction ? `“${need.instruction}”` : "no instruction");

/** What the rank flow can compare: no instruction, and whatever was asked from this start. */
function offerFlow() {
  const { need } = state.current(session);
  const plain = { ...need, instruction: "", plan: null };
  const options = [{ label: "no instruction", need: plain }];
  for (const { need: other } of session.steps) {
    const asked = { ...need, instruction: other.instruction, plan: other.plan };
    if (state.same(other.start, need.start) && state.asks(other) && !options.some((option) => state.same(option.need, asked))) options.push({ label: stepName(other), need: asked });
  }
  const at = Math.max(0, options.findIndex((option) => state.same(option.need, need)));
  const previous = state.lastAsked(session);
  const before = previous ? options.findIndex((option) => option.need.instruction === previous.instruction && state.same(option.need.plan, previous.plan)) : 0;
  parts.compare.offer(options, Math.max(0, before), at);
  if (parts.results.view === "flow") parts.compare.draw();
}

function drawPicks() {
  byId("picks-count").textContent = String(session.picks.length);
  byId("open-picks").setAttribute("aria-label", `Kept papers: ${session.picks.length}`);
  parts.picks.show(session.picks);
}

function openFinder(adding) {
  show(byId("finder"), true);
  parts.finder.open(adding, answer !== null);
  if (answer !== null || matchMedia("(pointer: fine)").matches) parts.finder.focus();
}

function closeFinder() {
  if (answer !== null) show(byId("finder"), false);
}

// ---- the address

function remember(history) {
  if (!history) return;
  const address = session.steps.length ? `#s=${state.toLink(session)}` : location.pathname;
  window.history[history === "push" ? "pushState" : "replaceState"](visit, "", address);
}

/** Shows what the address holds. Going back in one visit keeps the trail and the picks as they have grown since. */
function restore(event) {
  let kept = null;
  try {
    kept = state.fromLink(location.hash);
  } catch (error) {
    parts.startProblem.replaceChildren(fault(error));
  }
  if (kept) {
    const ours = event?.state === visit;
    const grown = ours && state.same(kept.steps, session.steps.slice(0, kept.steps.length));
    if (!ours) session = { ...session, picks: kept.picks };
    go(grown ? { ...session, at: kept.at } : kept, grown ? "replace" : "");
  } else if (answer === null) {
    openFinder(false);
  } else {
    location.reload();
  }
}

async function share() {
  remember("replace");
  try {
    await navigator.clipboard.writeText(location.href);
    toast("The address of this session is on the clipboard.");
  } catch {
    toast("The address of this page holds the session: copy it from the address bar.");
  }
}

function askForKey(failure, retry) {
  const dialog = byId("key");
  const field = h("input", { type: "password", id: "key-field", autocomplete: "off" });
  dialog.replaceChildren(h("form", { method: "dialog", on: { submit: () => { api.useKey(field.value.trim()); retry(); } } },
    h("h2", { id: "key-heading" }, "This server asks for a key"), h("p", { class: "muted" }, failure.message),
    h("label", { for: "key-field" }, "Key"), field, h("div", { class: "row" }, h("button", { class: "primary" }, "Go on"))));
  if (!dialog.open) dialog.showModal();
}

// ---- putting it together

function build() {
  useAspects(collection.aspects);
  byId("collection").textContent = `${collection.name} · ${plural(collection.documents, "document")}`;
  parts.startProblem = h("div", { class: "problem" });
  parts.finder = finder({ begin: actions.begin, add: actions.add });
  parts.finder.element.addEventListener("closed", () => { closeFinder(); byId("anew").focus(); });
  byId("finder").append(parts.finder.element, parts.startProblem);
  parts.seeds = seedPanel({
    removeSeed: actions.removeSeed, removeUnlike: actions.removeUnlike,
    addSeed: () => openFinder(true), anew: () => openFinder(false),
  });
  byId("seeds").append(parts.seeds.element);
  parts.light = (pairs) => parts.seeds.match(pairs);

  parts.plan = planEditor(collection.aspects, { edited: actions.editPlan, reset: actions.resetPlan });
  parts.ask = ask({ aspects: collection.aspects, columns: collection.columns, limit: collection.limits.instruction }, {
    steer: actions.steer,
    planned: (plan) => parts.plan.show(plan, false),
  });
  parts.filters = filterPanel(collection.columns, { changed: actions.filter });
  parts.rerank = h("select", { id: "rerank", on: { change: () => actions.rerank(parts.rerank.value) } },
    h("option", { value: "" }, "Heedful"), collection.rerankers.map((name) => h("option", { value: name }, name)));
  byId("ask").append(parts.ask.element, parts.plan.element, h("div", { class: "below-plan" }, parts.filters.element,
    collection.rerankers.length > 0 && h("div", { class: "rerank" }, h("label", { for: "rerank", class: "small muted" }, "Ordered by"), parts.rerank)));

  parts.compare = comparePane({ ranking });
  parts.results = resultsPanel({ actions, light: parts.light, compare: parts.compare.element, viewed: (view) => view === "flow" && answer && parts.compare.draw() });
  byId("results").append(...parts.results.body);
  parts.progress = progressNote({ cancel: actions.cancel, shown: parts.results.stale });
  parts.picks = picksDrawer(byId("picks"), { known: (id) => titles.get(id), drop: (id) => keep(session.picks.filter((other) => other !== id)), clear: () => keep([]) });
  helpSheet(byId("help"));
  const theme = themeButton(byId("theme"));

  byId("open-picks").addEventListener("click", parts.picks.open);
  byId("open-help").addEventListener("click", () => byId("help").showModal());
  byId("share").addEventListener("click", share);
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); (answer ? byId("results") : byId("main")).focus(); });
  window.addEventListener("popstate", restore);
  listen({
    "/": () => openFinder(false), i: () => answer && parts.ask.focus(), "?": () => byId("help").showModal(),
    p: () => { byId("plan").open = true; byId("plan").querySelector("input")?.focus(); },
    f: () => { const filters = byId("filters"); if (filters) { filters.open = true; filters.querySelector("input")?.focus(); } },
    j: () => parts.results.walk(1), k: () => parts.results.walk(-1),
    o: () => parts.results.press("read"), w: () => parts.results.press("why"), x: () => parts.results.press("pick"),
    m: () => parts.results.press("more"), l: () => parts.results.press("less"), s: () => parts.results.press("seed"),
    r: () => answer && parts.results.look(parts.results.view === "list" ? "flow" : "list"),
    "[": () => actions.goTo(session.at - 1), "]": () => actions.goTo(session.at + 1),
    e: parts.picks.open, t: theme, Escape: () => (one.busy ? actions.cancel() : closeFinder()),
  });
}

async function open() {
  try {
    collection = await api.info();
  } catch (failure) {
    byId("finder").replaceChildren(fault(failure, open));
    if (failure.status === 401) askForKey(failure, open);
    return;
  }
  byId("finder").replaceChildren();
  build();
  restore();
}

open();
