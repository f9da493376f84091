/** The trail: every step by name, each can be returned to. */

import { clip, h, spoken } from "./dom.js";

/** Draws the steps into the list. goTo(index) is called when one is chosen. */
export function drawTrail(list, session, goTo) {
  list.replaceChildren(...session.steps.map((step, i) => {
    const here = i === session.at;
    return h("li", {}, h("button", { type: "button", class: "step", "aria-current": here ? "step" : null, title: step.name, on: { click: () => goTo(i) } },
      spoken(`Step ${i + 1}: `), clip(step.name, 46)));
  }));
  const now = list.querySelector("[aria-current]");
  if (now) list.scrollTo({ left: Math.max(0, now.offsetLeft - list.clientWidth / 2), behavior: "auto" });
}
