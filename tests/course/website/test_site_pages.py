"""The site of this clone: all its pages are written, and those with notebooks, formulas and tables are rendered."""

import json
import os
import re
import subprocess
from pathlib import Path

import nbformat
import pytest

from fashion_lib.core import paths
from fashion_lib.core.errors import FashionError
from fashion_lib.course.website import face_reference, site_pages
from fashion_lib.course.website.built_site import read_page, site_problems
from fashion_lib.course.website.page_widths import browser, width_problems
from fashion_lib.course.website.site_links import LINK, outside_code
from fashion_lib.methods.reading import LIBRARY, reading_order
from fashion_lib.methods.registry import METHODS
from fashion_lib.training.profiles import get_profile

ROOT = Path(__file__).resolve().parents[3]
SPHINX = Path(os.environ.get("FASHION_SITE_PYTHON") or ROOT / ".venv-site" / "bin" / "python")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """All pages of the site as Markdown and notebooks."""
    return site_pages.write_site(tmp_path_factory.mktemp("site") / "pages", get_profile("smoke"))


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    """All notebooks and docs, the ledger, the cards and page 11, rendered by Sphinx, where a warning is an error."""
    if not SPHINX.is_file():
        pytest.skip("there is no Sphinx: make site-env")
    base = tmp_path_factory.mktemp("rendered")
    pages = site_pages.write_site(base / "pages", get_profile("smoke"), parts=("differences", "ledger"))
    command = [
        SPHINX,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "--keep-going",
        "-c",
        ROOT / "site",
        "-d",
        base / "trees",
        pages,
    ]
    run = subprocess.run([*command, base / "site"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return base / "site"


def test_every_method_has_its_files_in_reading_order(written):
    for name in METHODS:
        page = (written / "methods" / f"{name}.md").read_text()
        listed = re.findall(r"^\d+\. \[`([^`]+)`\]", page, re.MULTILINE)
        assert listed == [file.relative_to(LIBRARY.parent).as_posix() for file in reading_order(name)]
        assert "## Rows of the ledger" in page and METHODS[name].reference.split()[0] in page
    asen = (written / "methods" / "asen.md").read_text()
    assert "04_attribute_aware_attention" in asen and asen.count("$$") >= 6
    assert "class ASEN" in asen and "class SpatialAttention" not in asen  # its own code; the pieces are links


def test_every_name_of_the_face_and_every_module_has_its_place(written):
    import fashion_lib as fl

    face = (written / "api" / "face.md").read_text()
    assert all(f"## `fl.{name}`" in face for name in fl.__all__ if name != "__version__")
    assert "fl.load_or_train(method" in face and "### `fl.show.heat_map_rows`" in face
    assert "nb04" not in (written / "api" / "course.md").read_text()  # solutions of exercises
    rooms = {file.parent.name for file in LIBRARY.glob("*/__init__.py")}
    assert rooms == set(face_reference.ROOMS)
    assert (
        "runs/ledger.py`](../code/fashion_lib/runs/ledger.py.md)" in (written / "api" / "runs.md").read_text()
    )


def test_students_who_read_the_site_see_no_key_of_the_quiz(written):
    keys = re.findall(r"^- (\*\*Q\d+: .+)", (ROOT / "docs" / "quiz_keys.md").read_text(), re.MULTILINE)
    assert len(keys) == 60 and (written / "docs" / "quiz.md").is_file()
    for page in written.rglob("*.md"):
        text = page.read_text()
        assert page.name != "quiz_keys.md" and "quiz_keys.md)" not in text
        assert not [key for key in keys if key in text], page


def test_the_first_page_leads_to_every_notebook_once(written):
    first = (written / "index.md").read_text()
    listed = re.findall(r"<notebooks/(\w+)>", first)
    for name in listed:
        listed += re.findall(
            r"^\S+ · .+ <(\d\d[a-z]_\w+)>$", own_text(written / "notebooks" / f"{name}.ipynb"), re.MULTILINE
        )
    assert sorted(listed) == sorted(file.stem for file in paths.numbered_notebooks())
    assert "(figures/boards.png)" in first and (written / "figures" / "boards.png").is_file()


def own_text(notebook):
    return "\n".join(cell["source"] for cell in nbformat.read(notebook, as_version=4).cells)


def test_every_link_of_the_pages_leads_to_a_page(written):
    found = 0
    for page in written.rglob("*.md"):
        if "code" in page.relative_to(written).parts[:1]:
            continue
        prose: list[str] = []
        outside_code(page.read_text(), lambda part: prose.append(part) or part)  # noqa: B023
        for _, target, _ in LINK.findall("\n".join(prose)):
            if not re.match(r"[a-z]+:|#", target):
                found += 1
                assert (page.parent / target.partition("#")[0]).is_file(), f"{page} links {target}"
    assert found > 300


def test_the_rendered_site_has_no_fault(rendered):
    assert list(site_problems(rendered)) == []
    notebooks = sorted(rendered.glob("notebooks/*.html"))
    assert len(notebooks) == len(paths.numbered_notebooks()) >= 24


def test_formulas_pictures_tables_and_search_are_there(rendered):
    page = (rendered / "notebooks" / "04_attribute_aware_attention.html").read_text()
    assert page.count("<math") > 10 and "$$" not in read_text_of(page) and 'alt="Figure of “' in page
    ledger = (rendered / "ledger" / "wardrobe.html").read_text()
    assert 'class="dataframe sortable"' in ledger and "sortable.js" in ledger
    assert (rendered / "_static" / "STIXTwoMath-Regular.ttf").is_file()
    assert "grad" in (rendered / "searchindex.js").read_text()
    assert read_page(rendered / "papers_against_code.html").ids


@pytest.mark.skipif(browser() is None, reason="there is no Chromium that could show the pages")
def test_search_and_sorting_work_from_the_disk(rendered, tmp_path):
    base, page = rendered.as_uri(), tmp_path / "page.html"
    page.write_text(f"""<iframe src="{base}/search.html?q=suppression"></iframe>
    <iframe src="{base}/ledger/wardrobe.html"></iframe>
    <script>window.onload = () => setTimeout(() => {{
      const [found, ledger] = [...document.querySelectorAll("iframe")].map((one) => one.contentDocument);
      const table = ledger.querySelector("table.sortable"), heads = [...table.tHead.rows[0].cells];
      const column = heads.findIndex((one) => one.textContent === "overall");
      heads[column].querySelector("button").click();
      const values = [...table.tBodies[0].rows].map((row) => parseFloat(row.cells[column].textContent));
      const links = [...found.querySelectorAll("ul.search a")].map((one) => one.getAttribute("href"));
      document.body.innerHTML = `<pre>${{JSON.stringify([values, links])}}</pre>`;
    }}, 2000)</script>""")
    command = [
        browser(),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        "--dump-dom",
    ]
    command += ["--virtual-time-budget=20000", f"--user-data-dir={tmp_path}/profile", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    values, links = json.loads(re.search("<pre>(.*)</pre>", shown)[1])
    assert len(values) > 3 and values == sorted(values)
    assert "notebooks/17_iterative_positioning.html" in links


def read_text_of(page):
    return re.sub(r"<pre.*?</pre>|<[^>]+>", "", page, flags=re.DOTALL)


@pytest.mark.skipif(browser() is None, reason="there is no Chromium that could measure the pages")
def test_no_page_scrolls_sideways_on_a_laptop_or_a_telephone(rendered):
    assert width_problems(rendered, browser()) == []


def test_a_folder_with_other_files_is_not_emptied(tmp_path):
    (tmp_path / "mine.txt").write_text("work")
    with pytest.raises(FashionError, match="holds other files"):
        site_pages.write_site(tmp_path, get_profile("smoke"))
    assert (tmp_path / "mine.txt").read_text() == "work"
    with pytest.raises(FashionError, match="no notebook 99"):
        site_pages.write_site(tmp_path / "new", get_profile("smoke"), only=["99"])
