/** Two rankings side by side: which two is chosen here, how they differ is the rank flow's. */

import * as api from "./api.js";
import { clip, fault, h } from "./dom.js";
import { rankFlow } from "./flow.js";
import { verdict } from "./heed.js";

const TYPED = "typed";

/**
 * The pane. ranking(need, signal): the answer for a need. Returns { element, offer(options, left, right), draw() }
 * where options are [{ label, need }] and left, right say which two of them are shown.
 */
export function comparePane({ ranking }) {
  let options = [];
  const one = api.latest();
  const place = h("div", { class: "flow-place" });
  const sides = { left: chooser("left", "From"), right: chooser("right", "To") };
  const element = h("div", { class: "compare" },
    h("div", { class: "compare-choice" }, sides.left.element, h("button", { type: "button", class: "quiet swap", "aria-label": "Exchange the two", title: "Exchange the two", on: { click: exchange } }, "⇄"), sides.right.element),
    place);

  function chooser(name, label) {
    const select = h("select", { id: `flow-${name}`, on: { change: () => { typed.hidden = select.value !== TYPED; if (typed.hidden) draw(); else typed.focus(); } } });
    const typed = h("input", { type: "text", hidden: true, "aria-label": `${label}: another instruction`, placeholder: "Type an instruction, then Enter", autocomplete: "off",
      on: { change: () => draw() } });
    return { select, typed, element: h("div", { class: "field" }, h("label", { for: `flow-${name}` }, label), select, typed) };
  }

  function chosen({ select, typed }) {
    if (select.value !== TYPED) return options[Number(select.value)] ?? null;
    const instruction = typed.value.trim();
    return instruction && options.length ? { label: `“${instruction}”`, need: { ...options[0].need, instruction, plan: null } } : null;
  }

  function exchange() {
    const { left, right } = sides;
    [left.select.value, right.select.value] = [right.select.value, left.select.value];
    [left.typed.value, right.typed.value] = [right.typed.value, left.typed.value];
    [left.typed.hidden, right.typed.hidden] = [right.typed.hidden, left.typed.hidden];
    draw();
  }

  async function draw() {
    const from = chosen(sides.left);
    const to = chosen(sides.right);
    if (!from || !to) return;
    element.setAttribute("aria-busy", "true");
    try {
      const answers = await one.run((signal) => Promise.all([ranking(from.need, signal), ranking(to.need, signal)]));
      if (!answers) return;
      const [left, right] = [from, to].map((option, i) => ({ name: option.label, hits: answers[i].hits, head: verdict(answers[i].heed) }));
      place.replaceChildren(rankFlow(left, right), h("p", { class: "flow-key small muted" },
        key("up", "rises"), key("down", "falls"), key("same", "stays"), key("gone", "leaves or enters the list")));
    } catch (failure) {
      place.replaceChildren(fault(failure, draw));
    } finally {
      element.removeAttribute("aria-busy");
    }
  }

  return {
    element,
    draw,
    /** Says what can be compared, and chooses two. */
    offer(next, left, right) {
      options = next;
      for (const [side, index] of [[sides.left, left], [sides.right, right]]) {
        side.select.replaceChildren(...options.map((option, i) => h("option", { value: i }, clip(option.label, 80))), h("option", { value: TYPED }, "Another instruction …"));
        side.select.value = String(index);
        side.typed.hidden = true;
      }
    },
  };
}

const key = (tone, label) => h("span", { class: `flow-sign ${tone}` }, h("span", { "aria-hidden": "true", class: "dash" }), label);
