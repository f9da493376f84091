/** That something is under way, how far it is, and the way out of it. */

import { byId, h, show } from "./dom.js";

const PATIENCE = 350; // ms after which it is said

/** The note at the foot of the page. Returns { begin(), told(event), end() }; cancel is called by its button. */
export function progressNote({ cancel, shown }) {
  const words = h("span", { role: "status" });
  const seconds = h("span", { class: "muted" });
  byId("progress").append(words, seconds, h("button", { type: "button", id: "cancel", on: { click: cancel } }, "Cancel"));
  let timer = 0;
  let begun = 0;
  let counted = "";

  function tick() {
    const passed = performance.now() - begun;
    if (passed < PATIENCE) return;
    if (byId("progress").hidden) {
      show(byId("progress"), true);
      shown(true);
    }
    const said = counted ? `Searching: ${counted}` : "Searching …";
    if (words.textContent !== said) words.textContent = said;
    seconds.textContent = passed < 2000 ? "" : `${Math.floor(passed / 1000)} s`;
  }

  return {
    begin() {
      clearInterval(timer);
      document.body.dataset.busy = "true";
      begun = performance.now();
      counted = "";
      timer = setInterval(tick, 100);
    },
    told({ what, done, total }) {
      counted = total ? `${what} ${done} of ${total}` : "";
    },
    end() {
      clearInterval(timer);
      document.body.dataset.busy = "false";
      show(byId("progress"), false);
      words.textContent = "";
      shown(false);
    },
  };
}
