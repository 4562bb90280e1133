// A click on a column's head sorts the rows of a table with class "sortable"; a second click turns the order around.
// Numbers are compared as numbers, "94.1 ± 0.3" by its first number; empty cells and "not run" stay at the end.
(() => {
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

  document.addEventListener("DOMContentLoaded", () => {
    for (const table of document.querySelectorAll("table.sortable")) {
      Array.from(table.tHead.rows[table.tHead.rows.length - 1].cells).forEach((head, column) => {
        const button = document.createElement("button");
        button.append(...head.childNodes);
        head.append(button);
        button.addEventListener("click", () => sort(table, column, head));
      });
    }
  });
})();
