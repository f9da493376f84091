// Runs before the first paint, so that the page never flashes in the other theme.
(function () {
  let kept = null;
  try { kept = localStorage.getItem("heedful-theme"); } catch { /* storage is switched off */ }
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
})();
