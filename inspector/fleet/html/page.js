// Of each table the first rows, until somebody asks for all, or filters: then those that match.
(() => {
  const FIRST = 12;
  const field = document.getElementById("filter-text"), form = document.getElementById("filter");
  const changed = () => field.dispatchEvent(new Event("input", { bubbles: true }));
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(changed));
  for (const table of document.querySelectorAll("main table")) {
    const section = table.closest("section"), rows = table.tBodies[0].rows, all = rows.length;
    const count = section.querySelector(".count"), more = section.querySelector(".more");
    let isOpen = all <= FIRST, isFiltered = false;
    const lay = () => {
      for (const [at, row] of [...rows].entries()) row.classList.toggle("rest", at >= FIRST && !isOpen && !isFiltered);
      more.hidden = isOpen || isFiltered;
    };
    more.textContent = `Show all ${all.toLocaleString("en")}`;
    more.addEventListener("click", () => { isOpen = true; lay(); });
    table.addEventListener("filtered", ({ detail: { shown, isWanted } }) => {
      isFiltered = isWanted;
      count.textContent = isWanted ? `${shown.toLocaleString("en")} of ${all.toLocaleString("en")}` : "";
      table.parentElement.hidden = !shown;
      lay();
    });
    lay();
  }
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-words]");
    if (!button) return;
    field.value = field.value === button.dataset.words ? "" : button.dataset.words;
    changed();
  });
  document.addEventListener("keydown", (event) => {
    if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "/") { event.preventDefault(); field.focus(); }
  });
  document.documentElement.dataset.ready = "yes";
})();
