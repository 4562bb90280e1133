"""The checks of a rendered site find each fault on a page that has it, and none on a page without."""

import pytest

from fashion_lib.cli import main
from fashion_lib.core.errors import FashionError
from fashion_lib.course.website.built_site import site_problems
from fashion_lib.course.website.page_widths import browser, width_problems

HEAD = '<!doctype html><html lang="en"><meta name="viewport" content="width=device-width"><title>t</title>'
CHROMIUM = browser()


@pytest.fixture
def site(tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / ".nojekyll").touch()
    (tmp_path / "searchindex.js").touch()
    (tmp_path / "more" / "page.html").write_text(
        HEAD + '<h1 id="top">More</h1><a href="../index.html">back</a>'
    )
    return tmp_path


def problems(site, body):
    (site / "index.html").write_text(HEAD + body)
    return list(site_problems(site))


def test_a_good_page_has_no_fault(site):
    picture = '<img alt="a dot" src="data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA=">'
    links = (
        '<a href="more/page.html#top">m</a><a href="https://example.org/">e</a><a href="#x">x</a><p id="x">'
    )
    assert problems(site, picture + links) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="none.html">n</a>', "it links none.html, which is not there"),
        (
            '<a href="more/page.html#none">n</a>',
            "it links more/page.html#none, a place that the page does not have",
        ),
        ('<a href="#none">n</a>', "a place that the page does not have"),
        ('<a href="more/">m</a>', "which is a folder"),
        ('<a href="file:///x">m</a>', "which is a file of one machine"),
        ('<img src="more/page.html">', "has no alt text"),
        ('<img alt=" " src="more/page.html">', "has no alt text"),
        ('<img alt="x" src="none.png">', "it loads none.png, which is not there"),
        ('<script src="https://example.org/x.js"></script>', "which needs a network"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "which needs a network"),
    ],
)
def test_each_fault_is_found(site, body, fault):
    (found,) = problems(site, body)
    assert found.startswith("index.html: ") and fault in found


def test_a_site_that_cannot_be_published_or_searched(site):
    (site / ".nojekyll").unlink()
    (site / "searchindex.js").unlink()
    assert problems(site, "") == ["the site has no .nojekyll.", "the site has no searchindex.js."]
    with pytest.raises(FashionError, match="make site"):
        list(site_problems(site / "more"))


def test_the_command_fails_with_a_fault(site, capsys):
    (site / "index.html").write_text(HEAD + '<a href="none.html">n</a>')
    assert main(["site-check", str(site), "--no-browser"]) == 2
    printed = capsys.readouterr()
    assert "it links none.html" in printed.out and "has 1 faults" in printed.err
    (site / "index.html").write_text(HEAD)
    assert main(["site-check", str(site), "--no-browser"]) == 0
    assert "Widths were not measured" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium that could measure a page")
def test_a_browser_finds_pages_that_scroll_sideways(site):
    (site / "index.html").write_text(
        HEAD + '<div style="width: 700px">wide</div><img alt="x" src="none.png">'
    )
    narrow, missing = width_problems(site, CHROMIUM, (1366, 390))[-2:]
    assert narrow.startswith("index.html: at 390 px it is 7") and "scrolls sideways" in narrow
    assert "cannot show the picture" in missing
    (site / "index.html").write_text(
        HEAD + '<div style="overflow-x: auto"><div style="width: 700px">wide</div></div>'
    )
    assert width_problems(site, CHROMIUM, (1366, 390)) == []


def test_a_browser_that_is_none_is_one_sentence(site):
    (site / "index.html").write_text(HEAD)
    with pytest.raises(FashionError, match="FASHION_BROWSER"):
        width_problems(site, "/no/such/browser")
