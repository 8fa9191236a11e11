"use strict";
// What every page has: the theme, and tables that a field filters.
(() => {
  const themes = ["system", "light", "dark"], button = document.getElementById("theme");
  button.addEventListener("click", () => {
    const next = themes[(themes.indexOf(document.documentElement.dataset.theme ?? "system") + 1) % 3];
    document.documentElement.dataset.theme = next;
    button.textContent = `Theme: ${next}`;
  });
  for (const input of document.querySelectorAll("[data-filters]")) {
    input.addEventListener("input", () => {
      const needles = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const table of document.querySelectorAll(input.dataset.filters)) {
        let shown = 0;
        for (const row of table.tBodies[0].rows) {
          const words = row.textContent.toLowerCase();
          row.hidden = !needles.every((needle) => words.includes(needle));
          shown += !row.hidden;
        }
        table.dispatchEvent(new CustomEvent("filtered", { detail: { shown, isWanted: needles.length > 0 } }));
      }
    });
  }
})();
