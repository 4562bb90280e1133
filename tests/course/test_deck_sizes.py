"""Every slide fits a projector: measured in a real browser, at 1366 x 768."""

import pytest

from fashion_lib.core import paths
from fashion_lib.course.deck_pages import write_decks
from fashion_lib.course.website.page_widths import browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(browser() is None, reason="there is no Chromium that could show a slide"),
]
# Formulas, figures, code and lists: a deck of each kind.
DECKS = ("00", "04", "16", "18")
CUT = """async () => {
  await document.fonts.ready;
  const found = [];
  for (const slide of Reveal.getSlides()) {
    const place = Reveal.getIndices(slide);
    Reveal.slide(place.h, place.v);
    const box = document.querySelector(".slides").getBoundingClientRect();
    for (const part of slide.querySelectorAll("*")) {
      const shown = part.getBoundingClientRect();
      if (part.closest("aside") || !shown.width) continue;
      const scrolls = getComputedStyle(part).overflowX !== "visible" && part.scrollWidth > part.clientWidth + 1;
      if (shown.bottom > box.bottom + 1 || shown.right > box.right + 1 || scrolls)
        found.push(`${place.h}/${place.v}: ${part.tagName} ${part.textContent.slice(0, 40)}`);
    }
  }
  return [Reveal.getTotalSlides(), found];
}"""


def test_nothing_on_a_slide_is_cut(tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    notebooks = [file for file in paths.numbered_notebooks() if file.name.partition("_")[0] in DECKS]
    _, *decks = write_decks(notebooks, tmp_path)
    assert len(decks) == len(DECKS)
    with sync_api.sync_playwright() as play:
        window = play.chromium.launch(executable_path=browser(), args=["--no-sandbox", "--disable-gpu"])
        page = window.new_page(viewport={"width": 1366, "height": 768})
        for deck in decks:
            page.goto(deck.as_uri())
            page.wait_for_function("window.Reveal && Reveal.isReady()")
            slides, cut = page.evaluate(CUT)
            assert slides > 5 and cut == [], deck.name
        window.close()
