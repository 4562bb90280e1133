// A click on a column's head sorts the rows of a table with class "sortable"; a second click turns the order around.
// A long table gets a field that keeps the rows with all words that are typed into it.
// Numbers are compared as numbers, "94.1 ± 0.3" by its first number; empty cells and "not run" stay at the end.
(() => {
  const LONG = 25; // rows
  const collator = new Intl.Collator("en", { numeric: true });
  const number = (text) => /^[+-]?\d/.test(text) ? parseFloat(text.replaceAll(",", "")) : NaN;

  function compare(one, other) {
    const [a, b] = [number(one), number(other)];
    if (!Number.isNaN(a) && !Number.isNaN(b)) return a - b;
    return collator.compare(one, other);
  }

  function sort(table, column, head) {
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.querySelectorAll("th")) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const body = table.tBodies[0];
    const rows = Array.from(body.rows, (row) => [row.cells[column].textContent.trim(), row]);
    const last = ([text]) => text === "" || text === "not run";
    rows.sort((a, b) => last(a) - last(b) || (down ? -1 : 1) * compare(a[0], b[0]));
    body.append(...rows.map(([, row]) => row));
  }

  function addFilter(table) {
    const field = document.createElement("input");
    const body = table.tBodies[0];
    field.type = "search";
    field.className = "row-filter";
    field.placeholder = `show rows with … (${body.rows.length} rows)`;
    field.setAttribute("aria-label", `show only the rows with these words: ${table.caption?.textContent || "table"}`);
    field.addEventListener("input", () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of body.rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    (table.closest(".wide") || table).before(field);
  }

  document.addEventListener("DOMContentLoaded", () => {
    for (const table of document.querySelectorAll("table.sortable")) {
      if (table.tBodies[0].rows.length > LONG) addFilter(table);
      Array.from(table.tHead.rows[table.tHead.rows.length - 1].cells).forEach((head, column) => {
        const button = document.createElement("button");
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => sort(table, column, head));
      });
    }
  });
})();
