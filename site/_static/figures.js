// A click on a figure of a notebook shows it alone, at its own size; a displayed formula that is a little too wide for its
// column is made a little smaller.
(() => {
  const SMALLEST = 0.72; // of the formula's size; what is wider still scrolls in its box

  function link(image) {
    const whole = document.createElement("a");
    whole.className = "whole-figure";
    whole.href = image.src;
    whole.title = "show this figure alone";
    image.replaceWith(whole);
    whole.append(image);
  }

  function fit(formula) {
    formula.style.fontSize = "";
    const share = formula.clientWidth / formula.scrollWidth;
    if (share < 1 && share >= SMALLEST) formula.style.fontSize = `${0.98 * share}em`;
  }

  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("div.cell_output img").forEach(link));
  window.addEventListener("load", async () => {
    await document.fonts.ready;
    document.querySelectorAll("div.formula").forEach(fit);
  });
})();
