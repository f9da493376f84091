/** The plan in words and in place: what an instruction was understood as, every part of it editable. */

import { h, later, spoken } from "./dom.js";
import { capital, mark } from "./sentences.js";

/** A plan in one sentence, for summaries and step names; "" where it asks for nothing. */
export function inWords(plan) {
  const aspects = meant(plan.aspects).map(([name, weight]) => `${name} ${towards(weight)}`);
  const texts = (clauses) => clauses.map((clause) => `“${clause.text}”`).join(", ");
  return [
    aspects.join(", "),
    plan.wanted.length && `wanted: ${texts(plan.wanted)}`,
    plan.avoided.length && `avoided: ${texts(plan.avoided)}`,
    plan.where && `only: ${plan.where}`,
  ].filter(Boolean).join("; ");
}

/** The aspects that a plan means: none where all weights are equal, else those that are not zero. */
function meant(aspects) {
  const all = Object.entries(aspects);
  if (all.length > 1 && new Set(all.map(([, weight]) => weight)).size <= 1) return [];
  return all.filter(([, weight]) => weight);
}

function towards(weight) {
  const strength = Math.abs(weight) >= 0.95 ? "" : Math.abs(weight) >= 0.45 ? "rather " : "slightly ";
  return weight === 0 ? "ignored" : `${strength}${weight > 0 ? "alike" : "different"}`;
}

const number = (value) => (value > 0 ? "+" : value < 0 ? "−" : "") + Math.abs(value).toFixed(2).replace(/\.?0+$/, "");

/**
 * The editor. edited(plan): called when the user changes something; reset(): back to what the words mean.
 * Returns { element, show(plan, isEdited), refuse(message) }.
 */
export function planEditor(aspects, { edited, reset }) {
  let plan = null;
  let touched = false; // whether the user has opened or closed it
  const wide = matchMedia("(min-width: 760px)");
  const soon = later(250, (next) => edited(next));
  const change = (part) => { plan = { ...plan, ...part }; summary.textContent = inWords(plan) || "nothing yet: likeness as a whole"; soon(plan); };

  const summary = h("span", { class: "plan-words" });
  const hand = h("span", { class: "by-hand", hidden: true }, "edited by hand ",
    h("button", { type: "button", class: "link", id: "plan-reset", on: { click: () => { soon.cancel(); reset(); } } }, "Back to the words"));
  const problem = h("div", { class: "problem" });
  const unclear = h("p", { class: "unclear", hidden: true });
  const task = h("p", { class: "muted small", hidden: true });

  const sliders = aspects.map(({ name, definition }) => {
    const label = name.replaceAll("_", " ");
    const output = h("output", { for: `aspect-${name}` });
    const input = h("input", {
      type: "range", id: `aspect-${name}`, min: -1, max: 1, step: 0.05, list: "weights", title: definition || null,
      on: { input: () => { shown(); change({ aspects: { ...plan.aspects, [name]: Number(input.value) } }); } },
    });
    const shown = () => {
      const value = Number(input.value);
      const word = value === 0 ? "ignored" : value > 0 ? "alike" : "different";
      output.textContent = [-1, 0, 1].includes(value) ? word : number(value);
      input.setAttribute("aria-valuetext", value === 0 ? word : `${number(value)}, ${word}`);
    };
    return { name, input, shown, element: h("div", { class: "slider" }, h("label", { for: `aspect-${name}` }, mark(name), capital(label)), output, input) };
  });

  const steer = h("input", { type: "range", id: "steer", min: 0, max: 1, step: 0.05, on: { input: () => { steerShown(); change({ steer: Number(steer.value) }); } } });
  const steerOut = h("output", { for: "steer" });
  const steerShown = () => {
    const value = Number(steer.value);
    steerOut.textContent = value === 0 ? "0, not at all" : value === 1 ? "1, only as asked" : value.toFixed(2).replace(/0$/, "");
    steer.setAttribute("aria-valuetext", steerOut.textContent);
    steer.style.setProperty("--at", `${value * 100}%`);
  };

  const wanted = clauses("wanted", "Wanted", "add a wish", "e.g. human evaluation");
  const avoided = clauses("avoided", "Avoided", "add what to avoid", "e.g. surveys");
  const where = h("input", {
    type: "text", id: "plan-where", autocomplete: "off", spellcheck: "false", placeholder: "e.g. year >= 2019",
    on: { change: () => change({ where: where.value.trim() || null }) },
  });

  const details = h("details", { class: "plan", id: "plan" },
    h("summary", {}, h("span", { class: "plan-lead" }, "Understood as "), summary),
    h("div", { class: "plan-body" },
      h("div", { class: "sliders" }, sliders.map((slider) => slider.element),
        h("div", { class: "slider steer", title: "How far the plan moves the ranking: from likeness to the start as a whole to only what was asked" },
          h("label", { for: "steer" }, "Steer"), steerOut, steer)),
      h("div", { class: "plan-texts" }, wanted.element, avoided.element,
        h("div", { class: "clauses" }, h("h4", {}, h("label", { for: "plan-where" }, "Filter")), where)),
      task, problem),
    h("datalist", { id: "weights" }, [-1, 0, 1].map((value) => h("option", { value }))));
  details.firstChild.addEventListener("click", () => { touched = true; });
  const element = h("div", { class: "plan-frame" }, details, h("div", { class: "plan-notes" }, unclear, hand));

  function clauses(kind, title, addLabel, placeholder) {
    const list = h("ul", { class: "chips" });
    const input = h("input", { type: "text", id: `add-${kind}`, autocomplete: "off", placeholder, "aria-label": addLabel, maxlength: 500 });
    const form = h("form", { class: "add", on: { submit: (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!text) return;
      input.value = "";
      change({ [kind]: [...plan[kind], { text, weight: 1 }] });
      draw();
    } } }, input, h("button", { type: "submit", class: "quiet", "aria-label": `${capital(addLabel)}: put it in` }, "Add"));
    const draw = () => list.replaceChildren(...plan[kind].map((clause, i) =>
      h("li", { class: `chip ${kind}` }, h("span", {}, clause.text), clause.weight < 1 && h("span", { class: "muted small", title: "weight" }, ` ${clause.weight}`),
        h("button", { type: "button", class: "remove", "aria-label": `Remove ${kind} ${clause.text}`, on: { click: () => {
          change({ [kind]: plan[kind].filter((_, j) => j !== i), not_understood: plan.not_understood.filter((text) => text !== clause.text) });
          draw();
          input.focus();
        } } }, "×"))));
    return { draw, element: h("div", { class: "clauses", role: "group", "aria-label": title }, h("h4", {}, title), list, form) };
  }

  function refuse(message) {
    problem.replaceChildren(...(message ? [h("p", { class: "fault", role: "alert" }, message)] : []));
    if (message) details.open = true;
  }

  return {
    element,
    refuse,
    show(next, isEdited) {
      soon.cancel();
      plan = { ...next, aspects: Object.fromEntries(aspects.map(({ name }) => [name, next.aspects[name] ?? 0])) };
      for (const slider of sliders) {
        slider.input.value = String(plan.aspects[slider.name]);
        slider.shown();
      }
      steer.value = String(plan.steer);
      steerShown();
      wanted.draw();
      avoided.draw();
      if (document.activeElement !== where) where.value = plan.where ?? "";
      summary.textContent = inWords(plan) || "nothing yet: likeness as a whole";
      unclear.hidden = !plan.not_understood.length;
      unclear.replaceChildren(spoken("Note: "), "Not understood: ", ...plan.not_understood.flatMap((text, i) => [i ? ", " : "", h("q", {}, text)]),
        ". These words are searched for as they are, at half weight.");
      task.hidden = !plan.task;
      task.textContent = plan.task ? `Read as a description of the task, not scored: ${plan.task}` : "";
      hand.hidden = !isEdited;
      if (!touched) details.open = wide.matches && Boolean(inWords(plan) || isEdited);
      refuse("");
    },
  };
}
