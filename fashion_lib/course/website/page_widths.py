"""Pages in a real browser: none may be wider than its window, on a laptop or a telephone."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fashion_lib.core.errors import FashionError

WIDTHS = (1366, 390)  # CSS pixels: a laptop, a telephone
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SECONDS = 300  # for all pages together
# One frame as wide as the window to be measured; each page is loaded into it, and measured.
MEASURE = """<!doctype html><meta charset="utf-8"><body><script>
const pages = PAGES, widths = WIDTHS, found = [];
(async () => {
  for (const width of widths) for (const page of pages) {
    const frame = document.createElement("iframe");
    frame.style.cssText = `width:${width}px;height:900px;border:0`;
    const loaded = new Promise((done) => { frame.onload = done; });
    frame.src = page;
    document.body.append(frame);
    await loaded;
    const own = frame.contentDocument;
    found.push([page, width, own.documentElement.scrollWidth, own.documentElement.clientWidth,
                [...own.images].filter((one) => one.complete && !one.naturalWidth).map((one) => one.src)]);
    frame.remove();
  }
  const text = document.createElement("pre");
  text.id = "found";
  text.textContent = JSON.stringify(found);
  document.body.append(text);
})();
</script></body>
"""


def browser() -> str | None:
    """Return the program of a Chromium: $FASHION_BROWSER, or the first of the usual names; None for none."""
    return os.environ.get("FASHION_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)


def width_problems(site: Path, program: str, widths: Sequence[int] = WIDTHS) -> list[str]:
    """Return one sentence per page that scrolls sideways, and per picture that the browser cannot show.

    Args:
        site: the folder with index.html.
        program: of a Chromium.
        widths: of the window, in CSS pixels.

    Raises:
        FashionError: the browser did not measure the pages.
    """
    pages = [file.resolve().as_uri() for file in sorted(site.rglob("*.html"))]
    problems = []
    for page, width, whole, window, broken in _measured(pages, program, widths):
        name = page.removeprefix(site.resolve().as_uri() + "/")
        if whole > window:
            problems.append(f"{name}: at {width} px it is {whole} px wide and scrolls sideways.")
        problems += [f"{name}: the browser cannot show the picture {source[-80:]}." for source in broken]
    return problems


def _measured(pages: Sequence[str], program: str, widths: Sequence[int]) -> list[list]:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "measure.html"
        page.write_text(
            MEASURE.replace("PAGES", json.dumps(pages)).replace("WIDTHS", json.dumps(list(widths)))
        )
        command = [program, "--headless", "--disable-gpu", "--hide-scrollbars", "--no-sandbox", "--dump-dom",
                   "--allow-file-access-from-files", f"--user-data-dir={folder}/profile",
                   "--window-size=1400,1000", "--virtual-time-budget=100000", page.as_uri()]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FashionError(
                f"the browser {program} measured no page ({error}): try another with FASHION_BROWSER."
            ) from error
    text = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    if text is None:
        last = " ".join(done.stderr.split())[-200:]
        raise FashionError(
            f"the browser {program} measured no page ({last}): try another with FASHION_BROWSER."
        )
    found = json.loads(text[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
    if len(found) < len(pages) * len(widths):
        raise FashionError(
            f"the browser {program} measured {len(found)} of {len(pages) * len(widths)} pages."
        )
    return found
