/** Whether the ranking answered: the verdict, how far, and a warning in words where it did not. */

import { h } from "./dom.js";

const ENOUGH = 0.25; // standard deviations from which a gain counts as following
const FULL = 2; // where the meter ends

const VERDICTS = {
  followed: { sign: "✓", tone: "good", title: "Followed" },
  "moved, not followed": { sign: "≠", tone: "warn", title: "Moved, not followed" },
  ignored: { sign: "=", tone: "warn", title: "Ignored" },
  "not delivered": { sign: "∅", tone: "warn", title: "Not delivered" },
};

function because(heed) {
  const fresh = Math.round(heed["turnover@10"] * 10);
  const news = fresh === 0 ? "none is new" : `${fresh} of ten ${fresh === 1 ? "is" : "are"} new`;
  return {
    followed: `The top ten answers what was asked better than without an instruction; ${news}.`,
    "moved, not followed": `The ranking moved (${news}), but not towards what was asked. Motion alone proves nothing: noise moves as well.`,
    ignored: "The top ten is the same as without an instruction: what was asked changed nothing.",
    "not delivered": "Nothing in these words reached the ranking. Say it in other words, or move a slider of the plan.",
  }[heed.verdict];
}

/** The verdict of one heed in a word or two, for lists. */
export function verdict(heed) {
  if (!heed) return h("span", { class: "verdict none" }, "nothing asked");
  const { sign, tone, title } = VERDICTS[heed.verdict];
  return h("span", { class: `verdict ${tone}` }, h("span", { "aria-hidden": "true" }, sign), ` ${title}`);
}

/** The heed meter with its warnings; null where nothing was asked and nothing is to be warned of. */
export function heedMeter(heed, warnings = []) {
  const notes = warnings.map((text) => h("p", { class: "warning" }, `${text.charAt(0).toUpperCase()}${text.slice(1)}.`));
  if (!heed) return notes.length ? h("div", { class: "heed" }, notes) : null;
  const { tone, title } = VERDICTS[heed.verdict];
  const share = (value) => `${Math.max(0, Math.min(1, value / FULL)) * 100}%`;
  const gain = `${heed.gain > 0 ? "+" : heed.gain < 0 ? "−" : ""}${Math.abs(heed.gain).toFixed(2)}`;
  return h("div", { class: `heed ${tone}` },
    h("div", { class: "heed-line" }, verdict(heed), h("p", { class: "heed-why" }, because(heed))),
    h("div", { class: "heed-gauge" },
      h("div", { class: "gauge", role: "img", "aria-label": `${title}: gain ${gain} standard deviations; followed from ${ENOUGH}`, vars: { "--gain": share(heed.gain), "--enough": share(ENOUGH) } },
        h("span", { class: "gauge-fill" }), h("span", { class: "gauge-mark" })),
      h("details", { class: "small muted" }, h("summary", {}, `gain ${gain}`),
        h("dl", { class: "figures" },
          figure("Gain", gain, `how much better the top ten answers the plan than without it, in standard deviations of the candidates; followed from ${ENOUGH}`),
          figure("New in the top ten", `${Math.round(heed["turnover@10"] * 100)} %`, "share of the top ten that was not there without an instruction"),
          figure("Overlap", heed.rbo.toFixed(2), "rank-biased overlap with the ranking without an instruction; 1 is the same")))),
    notes);
}

const figure = (name, value, meaning) => h("div", {}, h("dt", {}, name), h("dd", {}, h("b", {}, value), ` ${meaning}`));
