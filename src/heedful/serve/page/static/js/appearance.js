/** Light, dark, or as the system has it. */

const ORDER = ["system", "light", "dark"];
const SIGNS = { system: "◐", light: "☀", dark: "☾" };

/** Makes the button turn through the themes; returns what a press does. */
export function themeButton(button) {
  const root = document.documentElement;
  const now = () => root.dataset.theme ?? "system";
  const drawn = () => {
    button.textContent = SIGNS[now()];
    button.setAttribute("aria-label", `Theme: ${now()}`);
    button.title = `Theme: ${now()}`;
  };
  const turn = () => {
    const next = ORDER[(ORDER.indexOf(now()) + 1) % ORDER.length];
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    try { localStorage.setItem("heedful-theme", next); } catch { /* for this page only */ }
    drawn();
  };
  button.addEventListener("click", turn);
  drawn();
  return turn;
}
